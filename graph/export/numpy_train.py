"""Functions of a NumPy file that train: first weights, the loop over epochs, the script."""

from __future__ import annotations

import ast

from graph.export import expression as ex
from graph.export import stopping
from graph.export.monitors import count
from graph.export.names import literal
from graph.export.outline import Outline
from graph.kinds import Follower
from graph.lower import Phase
from graph.template import follow_text

INITIALISERS: dict[str, str] = {
    "he_uniform": '''
def he_uniform(key, shape):
    """He et al. 2015: uniform, for layers followed by a ReLU."""
    return uniform(key, shape, math.sqrt(6 / math.prod(shape[1:])))
''',
    "glorot_uniform": '''
def glorot_uniform(key, shape):
    """Glorot & Bengio 2010: uniform, between the needs of forward and backward pass."""
    window = math.prod(shape[2:])
    return uniform(key, shape, math.sqrt(6 / (window * (shape[0] + shape[1]))))
''',
    "torch_linear": '''
def torch_linear(key, shape):
    """Uniform, as PyTorch's Linear and Conv layers start."""
    return uniform(key, shape, 1 / math.sqrt(math.prod(shape[1:])))
''',
    "he_normal": '''
def he_normal(key, shape):
    """He et al. 2015: normal, for layers followed by a ReLU."""
    return normal(key, shape, math.sqrt(2 / math.prod(shape[1:])))
''',
    "glorot_normal": '''
def glorot_normal(key, shape):
    """Glorot & Bengio 2010: normal, between the needs of forward and backward pass."""
    window = math.prod(shape[2:])
    return normal(key, shape, math.sqrt(2 / (window * (shape[0] + shape[1]))))
''',
    "lecun_uniform": '''
def lecun_uniform(key, shape):
    """LeCun et al. 1998: uniform, keeps the size of what passes."""
    return uniform(key, shape, math.sqrt(3 / math.prod(shape[1:])))
''',
    "lecun_normal": '''
def lecun_normal(key, shape):
    """LeCun et al. 1998: normal, keeps the size of what passes."""
    return normal(key, shape, math.sqrt(1 / math.prod(shape[1:])))
''',
    **{
        name: f'''
def {name}(key, shape):
    """{about}, none far off, as Keras's {name.partition("_")[0]}_normal."""
    return truncated(key, shape, math.sqrt({size}))
'''
        for name, about, size in (
            ("he_truncated", "He et al. 2015: normal", "2 / math.prod(shape[1:])"),
            (
                "glorot_truncated",
                "Glorot & Bengio 2010: normal",
                "2 / (math.prod(shape[2:]) * (shape[0] + shape[1]))",
            ),
            ("lecun_truncated", "LeCun et al. 1998: normal", "1 / math.prod(shape[1:])"),
        )
    },
    "orthogonal": '''
def orthogonal(key, shape):
    """Saxe et al. 2014: turns what passes, and keeps its length."""
    return random_orthogonal(SEED, f"initial/{key}", shape).astype(DTYPE)
''',
    "truncated_normal": '''
def truncated_normal(key, shape):
    """Devlin et al. 2019: normal with a deviation of 0.02, nothing beyond two of them."""
    return (0.02 * random_truncated(SEED, f"initial/{key}", shape)).astype(DTYPE)
''',
    "standard_normal": '''
def standard_normal(key, shape):
    """Normal with a deviation of 1, as PyTorch's Embedding starts."""
    return normal(key, shape, 1.0)
''',
    "blank_row": '''
def blank_row(weight, row):
    """The weight with zeros in the row of what only fills up."""
    weight[row] = 0
    return weight
''',
    "identity": '''
def identity(key, shape):
    """Each output passes on the input of its number, at the middle of the window."""
    weight = np.zeros(shape, DTYPE)
    passed = np.arange(min(shape[:2]))
    weight[(passed, passed, *(size // 2 for size in shape[2:]))] = 1
    return weight
''',
    "uniform": '''
def uniform(key, shape, bound):
    """Numbers from -bound to bound, their random stream named after the weight."""
    return ((2 * random_uniform(SEED, f"initial/{key}", 0, shape) - 1) * bound).astype(DTYPE)
''',
    "truncated": '''
def truncated(key, shape, deviation):
    """Numbers around 0, none beyond two deviations of what was drawn."""
    numbers = random_truncated(SEED, f"initial/{key}", shape)
    return (numbers * (deviation / 0.87962566103423978)).astype(DTYPE)
''',
    "normal": '''
def normal(key, shape, deviation):
    """Numbers around 0, their random stream named after the weight."""
    return (random_normal(SEED, f"initial/{key}", shape) * deviation).astype(DTYPE)
''',
}
INITIALISERS = {name: source.strip() for name, source in INITIALISERS.items()}
# need no fan
WHOLE = frozenset({"orthogonal", "truncated_normal", "standard_normal", "identity"})

LOAD_MODEL = '''
def load_model(path=WEIGHTS):
    """The trained weights, as `predict` takes them."""
    return read_weights(Path(path))
'''.strip()


def initial_params_function(outline: Outline) -> list[str]:
    """`initial_params()`: fresh weights, equal to those of a run with the same seed."""
    entries = {}
    for key, param in outline.model.params.items():
        shape, name = literal(param.shape), literal(key)
        if isinstance(param.init, int | float):
            entries[key] = f"np.full({shape}, {param.init!r}, DTYPE)"
        elif param.init in ("zeros", "ones"):
            entries[key] = _filled(param.init, param.shape)
        elif param.init in WHOLE or (param.fan is None and len(param.shape) > 1):
            entries[key] = f"{param.init}({name}, {shape})"
        else:
            entries[key] = _by_fan(name, shape, param.init, param.fan or (param.shape[0],) * 2)
        if param.blank is not None:
            entries[key] = f"blank_row({entries[key]}, {param.blank})"
    for key, state in outline.model.states.items():
        entries[key] = _filled(state.init, state.shape)
    values = [ex.mark(ex.parse(text), key.rpartition("/")[0]) for key, text in entries.items()]
    made = ast.Dict([ex.parse(literal(key)) for key in entries], values)
    return [
        "def initial_params():",
        '    """Weights to start from: the same as Netloom\'s for this seed."""',
        *ex.statement("return ", made, "    "),
    ]


def _filled(value: str, shape: tuple[int, ...]) -> str:
    return f"np.{value}({literal(shape[0] if len(shape) == 1 else shape)}, DTYPE)"


def _by_fan(name: str, shape: str, init: str, fan: tuple[int, int]) -> str:
    inputs, both = fan[0], sum(fan)
    sizes = {
        "he_uniform": f"uniform({name}, {shape}, math.sqrt(6 / {inputs}))",
        "glorot_uniform": f"uniform({name}, {shape}, math.sqrt(6 / {both}))",
        "lecun_uniform": f"uniform({name}, {shape}, math.sqrt(3 / {inputs}))",
        "torch_linear": f"uniform({name}, {shape}, 1 / math.sqrt({inputs}))",
        "he_normal": f"normal({name}, {shape}, math.sqrt(2 / {inputs}))",
        "glorot_normal": f"normal({name}, {shape}, math.sqrt(2 / {both}))",
        "lecun_normal": f"normal({name}, {shape}, math.sqrt(1 / {inputs}))",
        "he_truncated": f"truncated({name}, {shape}, math.sqrt(2 / {inputs}))",
        "glorot_truncated": f"truncated({name}, {shape}, math.sqrt(2 / {both}))",
        "lecun_truncated": f"truncated({name}, {shape}, math.sqrt(1 / {inputs}))",
    }
    return sizes[init]


def initial_slots_function(outline: Outline) -> list[str]:
    """`initial_slots(params)`: the optimizers' running arrays, all zero."""
    counts = {path: len(outline.slot_names(path)) for path in outline.optimizers}
    lines = ["def initial_slots(params):", '    """Running arrays of the optimizers, all zero."""']
    if not any(counts.values()):
        return [*lines, "    return {}"]
    if len(counts) == 1:
        (count,) = counts.values()
        zeros = ", ".join(["np.zeros_like(p)"] * count)
        zeros = zeros if count < 3 else f"np.zeros_like(p) for _ in range({count})"
        return [*lines, f"    return {{key: [{zeros}] for key, p in params.items()}}"]
    return [
        *lines,
        *ex.statement("counts = ", ex.parse(literal(counts)), "    "),
        "    return {",
        "        (optimizer, key): [np.zeros_like(p) for _ in range(count)]",
        "        for optimizer, count in counts.items()",
        "        for key, p in params.items()",
        "    }",
    ]


def train_function(outline: Outline) -> list[str]:
    """`train(params, data, samples)`: a generator that gives the losses of each epoch."""
    phases = outline.model.phases
    counters = {name for phase in phases for name in outline.iterations(phase)}
    lines = [
        "def train(params, data, samples):",
        '    """Train on the numbered samples; yields the losses of the steps of each epoch."""',
        *_unseen(outline),
        "    slots = initial_slots(params)",
        "    step = 0",
    ]
    if "steps" in counters:
        lines.append("    steps = EPOCHS * len(batches(samples, 0))")
    monitors = outline.monitors
    lines += ["    for epoch in range(EPOCHS):", "        losses = []", *monitors.begin()]
    if len(phases) == 1 and phases[0].every == 1:
        lines += _single(outline, phases[0])
    else:
        lines += _several(outline, phases)
    means = _with_averages(outline) if outline.model.averages else []
    rule = outline.stopping
    lines += [*means, *_followed(outline), *stopping.look(rule, monitors, "dict(params)")]
    lines += ["        yield losses", *stopping.leave(rule, monitors)]
    if means:
        lines += ["        if epoch + 1 < EPOCHS:", "            params.update(trained)"]
    return [*lines, *stopping.restore(rule, "params.update(kept)")]


def _seen(outline: Outline, path: str) -> str:
    """What the state of a schedule that follows a score is called."""
    return "seen" if len(outline.followers) == 1 else f"{outline.stems[path]}_seen"


def _share(outline: Outline, path: str) -> str:
    return outline.live_names[f"{path}/{Follower.SHARE}"]


def _unseen(outline: Outline) -> list[str]:
    """The beginning of a training in which schedules or early stopping follow a score."""
    lines = []
    if outline.followers:
        lines = [f"    global {', '.join(_share(outline, path) for path in outline.followers)}"]
    for path in outline.followers:
        lines += ex.lines_of([f"    {_seen(outline, path)} = (1.0, None, 0, 0)"], path)
    if outline.monitors.held:
        lines.append("    _, validation, _ = split(data)")
    return [*lines, *stopping.start(outline.stopping)]


def _followed(outline: Outline) -> list[str]:
    """The end of an epoch: schedules and early stopping follow a score."""
    monitors = outline.monitors
    lines = monitors.find(f"evaluate(params, {_select('validation')})")
    for path, op in outline.followers.items():
        seen, indent, own = _seen(outline, path), "        ", list[str]()
        if monitors.seldom(op.monitor):
            own, indent = [f"{indent}if {literal(op.monitor)} in scores:"], f"{indent}    "
        call = ex.parse(follow_text(op, seen, monitors.text(op.monitor)))
        own += ex.statement(f"{seen} = ", call, indent)
        lines += ex.lines_of([*own, f"{indent}{_share(outline, path)} = {seen}[0]"], path)
    return lines


def _with_averages(outline: Outline) -> list[str]:
    """The end of an epoch: what trains it sees the running means."""
    entries = []
    for key, slot in outline.model.averages.items():
        entries.append(f"{literal(key)}: {outline.slot_text(slot)}")
    means = ex.parse(f"{{{', '.join(entries)}}}")
    return [
        "        trained = dict(params)",
        *ex.statement("means = ", means, "        "),
        "        params.update(means)",
    ]


def _select(chosen: str) -> str:
    return f"{{name: column[{chosen}] for name, column in data.items()}}"


def _call(outline: Outline, phase: Phase) -> str:
    several = len(outline.model.phases) > 1 or phase.every > 1
    count = "step" if not several else "step + 1"
    if phase.every > 1:
        count = f"step // {phase.every} + 1"
    values = {"epoch": "epoch", "steps": f"-(-steps // {phase.every})"}
    if phase.every == 1:
        values["steps"] = "steps"
    extra = [values[name] for name in outline.iterations(phase) if name != "step"]
    return f"{outline.step_name(phase)}({', '.join(['params', 'slots', 'batch', count, *extra])})"


def _single(outline: Outline, phase: Phase) -> list[str]:
    lines, loss = _stepped(outline, phase, "            ")
    return [
        "        for chosen in batches(samples, epoch):",
        "            step += 1",
        f"            batch = {_select('chosen')}",
        *lines,
        f"            losses.append({loss})",
    ]


def _stepped(outline: Outline, phase: Phase, indent: str) -> tuple[list[str], str]:
    """The lines of a step of a phase whose losses are counted; and the text of its loss."""
    whole, nodes = outline.monitors.of_phase(phase), outline.monitors.of_nodes(phase)
    call = _call(outline, phase)
    if not (whole or nodes):
        return [], call
    found = ["own_loss", *(f"own_loss_{k}" for k in range(1, len(nodes) + 1))]
    counted = dict(zip([whole, *nodes.values()], found, strict=True))
    return [
        *ex.statement(f"{', '.join(found)} = ", ex.parse(call), indent),
        *(count(name, loss, indent) for name, loss in counted.items() if name),
    ], found[0]


def _several(outline: Outline, phases: tuple[Phase, ...]) -> list[str]:
    """Every phase whose turn it is; a step's loss is the sum of theirs, each counts its steps."""
    fresh = any(phase.fresh_batch for phase in phases)
    lines = ["        for chosen in batches(samples, epoch):"]
    if fresh:
        lines = ["        for place, chosen in enumerate(batches(samples, epoch)):"]
    lines.append("            loss = 0.0")
    for phase in phases:
        indent = "            "
        if phase.every > 1:
            lines.append(f"{indent}if step % {phase.every} == 0:")
            indent += "    "
        chosen = "chosen"
        if phase.fresh_batch:
            lines.append(f"{indent}own = batches(samples, epoch, {literal(phase.name)})[place]")
            chosen = "own"
        counted, loss = _stepped(outline, phase, indent)
        lines += [f"{indent}batch = {_select(chosen)}", *counted, f"{indent}loss += {loss}"]
    return [
        *lines,
        "            step += 1",
        "            losses.append(loss)",
    ]


def main_function(outline: Outline) -> list[str]:
    """`main()`: what the file does as a script."""
    lines = [
        "def main():",
        '    """Train from the beginning and print the losses."""',
        "    data = load_data()",
        "    training, validation, _ = split(data)",
        "    sizes = [len(chosen) for chosen in batches(training, 0)]",
        "    params = initial_params()",
        "    for epoch, losses in enumerate(train(params, data, training), 1):",
        "        loss = np.average(losses, weights=sizes)",
    ]
    if outline.graph.training.split.validation == 0:
        lines[3] = "    training, _, _ = split(data)"
        return [*lines, '        print(f"epoch {epoch}  loss {loss:.4f}")']
    return [
        *lines,
        f"        scores = evaluate(params, {_select('validation')})",
        '        text = "  ".join(f"val_{name} {score:.4f}" for name, score in scores.items())',
        '        print(f"epoch {epoch}  loss {loss:.4f}  {text}")',
    ]
