"""Functions of a PyTorch file beside the model: weights, training, evaluation, the script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.names import identifier, literal
from graph.export.outline import Outline
from graph.export.pytorch_forward import Value
from graph.export.pytorch_idiom import without_defaults
from graph.export.pytorch_model import ModelClass
from graph.export.pytorch_nodes import layer
from graph.graph import Node
from graph.kinds import Optimizer, Schedule
from graph.lower import Phase
from graph.op import Param
from graph.program import TensorType
from graph.template import optimizer_text, schedule_text

LOAD_FILE = [
    "    try:",
    "        from safetensors.torch import load_file",
    "    except ImportError as error:",
    '        raise ImportError("load_model needs safetensors: pip install safetensors") from error',
]


def double(outline: Outline) -> str:
    """`.double()` for a model in float64."""
    return ".double()" if outline.graph.training.precision == "float64" else ""


def plain_keys(model: ModelClass, outline: Outline) -> bool:
    """Whether every name of the state_dict is its ParamKey with dots."""
    every = {*outline.model.params, *outline.model.states} == set(model.state.values())
    return every and all(name.replace(".", "/") == key for name, key in model.state.items())


def load_model_function(outline: Outline, model: ModelClass) -> list[str]:
    """`load_model()`: the model with the run's weights."""
    lines = [
        "def load_model(path=WEIGHTS):",
        '    """The model with its trained weights, ready to predict."""',
        *LOAD_FILE,
        f"    model = Model(){double(outline)}",
        "    weights = load_file(path)",
    ]
    if plain_keys(model, outline):
        named = "{key.replace(\"/\", \".\"): value for key, value in weights.items()}"
    else:
        named = "{name: weights[key] for name, key in WEIGHT_KEYS.items()}"
    return [*lines, f"    model.load_state_dict({named})", "    return model.eval()"]


# ---- first weights

_INITIALISERS = {
    "he_uniform": ("He et al. 2015: uniform, for layers followed by a ReLU.", "uniform_", "6", ""),
    "he_normal": ("He et al. 2015: normal, for layers followed by a ReLU.", "normal_", "2", ""),
    "glorot_uniform": ("Glorot & Bengio 2010: uniform.", "uniform_", "6", " + fan_out"),
    "glorot_normal": ("Glorot & Bengio 2010: normal.", "normal_", "2", " + fan_out"),
    "torch_linear": ("Uniform, as PyTorch's Linear and Conv layers start.", "uniform_", "1", ""),
}
HELPERS: dict[str, str] = {
    "uniform_": '''
def uniform_(weight, stream, bound):
    """Fill with numbers from -bound to bound; `stream` names the random numbers."""
    values = (2 * random_uniform(SEED, stream, 0, weight.shape) - 1) * bound
    weight.copy_(torch.from_numpy(values))
'''.strip(),
    "normal_": '''
def normal_(weight, stream, deviation):
    """Fill with numbers around 0; `stream` names the random numbers."""
    weight.copy_(torch.from_numpy(random_normal(SEED, stream, weight.shape) * deviation))
'''.strip(),
}


def _initialiser(name: str) -> str:
    about, fill, top, more = _INITIALISERS[name]
    lines = [
        f"def {name}_(weight, stream):",
        f'    """{about}"""',
        "    fan_in = weight[0].numel()",
    ]
    if more:
        lines.append("    fan_out = weight.numel() // weight.shape[1]")
    sizes = f"(fan_in{more})" if more else "fan_in"
    return "\n".join([*lines, f"    {fill}(weight, stream, math.sqrt({top} / {sizes}))"])


INITIALISERS = {f"{name}_": _initialiser(name) for name in _INITIALISERS}


def initial_model_function(outline: Outline, model: ModelClass) -> list[str]:
    """`initial_model()`: the weights a run with the same seed starts from."""
    params = outline.model.params
    owned = {name: params[key] for name, key in model.state.items() if key in params}
    matrices = Counter(p.init for p in owned.values() if len(p.shape) > 1)
    usual = matrices.most_common(1)[0][0] if matrices else "he_uniform"
    others = {
        name: param.init
        for name, param in owned.items()
        if param.init != (usual if len(param.shape) > 1 else _expected(name))
    }
    key = "name.replace('.', '/')" if plain_keys(model, outline) else "WEIGHT_KEYS[name]"
    key = key.replace("'", '"')
    stream = f'"initial/" + {key}'
    lines = [
        "@torch.no_grad()",
        "def initial_model():",
        '    """A model with the weights that Netloom starts from with this seed."""',
        f"    model = Model(){double(outline)}",
        "    for name, weight in model.named_parameters():",
        "        if weight.dim() > 1:",
        f"            {_fill(usual, 'weight', stream)}",
        '        elif name.endswith("bias"):',
        "            nn.init.zeros_(weight)",
    ]
    for name in others:
        own = literal(f"initial/{model.state[name]}")
        call = _fill(owned[name].init, _attribute(name), own, owned[name])
        lines += ex.statement("", ex.parse(call), "    ")
    return [*lines, "    return model"]


def _expected(name: str) -> str:
    """How a weight with one axis starts unless said otherwise: offsets at 0, scales at 1."""
    return "zeros" if name.endswith("bias") else "ones"


def _attribute(name: str) -> str:
    """A weight of `model` by its name in the state_dict: `model.blocks[0].conv1.weight`."""
    parts = (f"[{part}]" if part.isdigit() else f".{part}" for part in name.split("."))
    return "model" + "".join(parts)


def _fill(init: str, weight: str, stream: str, param: Param | None = None) -> str:
    """The call that gives a weight its first numbers."""
    if init in ("zeros", "ones"):
        return f"nn.init.{init}_({weight})"
    if param is None or (param.fan is None and len(param.shape) > 1):
        return f"{init}_({weight}, {stream})"
    _, fill, top, more = _INITIALISERS[init]
    fan = param.fan or (param.shape[0],) * 2
    return f"{fill}({weight}, {stream}, math.sqrt({top} / {sum(fan) if more else fan[0]}))"


# ---- losses


def node_call(outline: Outline, node: Node, names: dict[Value, str]) -> Expression:
    """The expression of a loss or metric, its operands by name."""
    graph = outline.graph
    wired: dict[str, list[tuple[Expression, TensorType]]] = {}
    for port in graph.ports_in(node.id):
        values = [(w.source, w.output) for w in graph.wires_in(node.id, port.name)]
        wired[port.name] = [(ex.parse(names[v]), outline.trace.values[v].type) for v in values]
    types = {port: [kind for _, kind in pairs] for port, pairs in wired.items()}
    found = layer(node.op, types)
    return found.call(wired, found.module)


def total(outline: Outline, paths: Sequence[str], names: dict[Value, str]) -> Expression:
    """The sum of several losses."""
    parts = [ex.text(node_call(outline, outline.graph.node(p), names)) for p in paths]
    return ex.parse(" + ".join(parts))


def names_of(outline: Outline, model: ModelClass, wanted: Sequence[Value]) -> dict[Value, str]:
    """A name in training for every value that losses and metrics read."""
    found: dict[Value, str] = {}
    for key, name in outline.arguments.items():
        path, _, port = key.rpartition(".")
        found[path, port] = f"batch[{literal(name)}]"
    made = [*model.outputs, *(model.extra if any(v in model.extra for v in wanted) else [])]
    single = len(set(made)) == 1
    for value in made:
        path, port = value
        stem = "prediction" if single else outline.stems[path]
        several = sum(other[0] == path for other in set(made)) > 1
        found.setdefault(value, identifier(f"{stem}_{port}") if several else stem)
    return found


def run_lines(
    outline: Outline, model: ModelClass, wanted: Sequence[Value], names: dict[Value, str]
) -> list[str]:
    """The call of the model that gives the values `wanted`."""
    full = any(value in model.extra for value in wanted)
    made = [*model.outputs, *model.extra] if full else model.outputs
    inputs = model.values_inputs if full else model.inputs
    targets: list[str] = []
    for value in made:
        name = names[value]
        read = value in wanted and name not in targets and "[" not in name
        targets.append(name if read else "_")
    if not any(name != "_" for name in targets):
        return []
    method = "model.values" if full else "model"
    arguments = ", ".join(f"batch[{literal(name)}]" for name in inputs)
    return ex.statement(f"{', '.join(targets)} = ", ex.parse(f"{method}({arguments})"))


def operands(outline: Outline, paths: Sequence[str]) -> list[Value]:
    """Everything that these losses and metrics read."""
    wires = [w for path in paths for w in outline.graph.wires_in(path)]
    return list(dict.fromkeys((w.source, w.output) for w in wires))


def evaluate_function(outline: Outline, model: ModelClass) -> list[str]:
    """`evaluate(model, data, samples)`: loss and metrics on held-out samples."""
    losses, metrics = outline.counted_losses(), outline.metrics()
    wanted = operands(outline, [*losses, *metrics])
    names = names_of(outline, model, wanted)
    scores = {"loss": total(outline, losses, names)} if losses else {}
    for path in metrics:
        scores[outline.metric_name(path)] = node_call(outline, outline.graph.node(path), names)
    floats = ", ".join(f"{literal(k)}: float({ex.text(v)})" for k, v in scores.items())
    return [
        "@torch.no_grad()",
        "def evaluate(model, data, samples):",
        '    """Loss and metrics on the numbered samples."""',
        "    model.eval()",
        "    batch = take(data, samples)",
        *(f"    {line}" for line in run_lines(outline, model, wanted, names)),
        *ex.statement("return ", ex.parse(f"{{{floats}}}"), "    "),
    ]


TAKE = '''
def take(data, samples):
    """A batch: the numbered samples of every column."""
    return {name: torch.from_numpy(column[samples]) for name, column in data.items()}
'''.strip()


# ---- the loop


def train_function(outline: Outline, model: ModelClass) -> list[str]:
    """`train(model, data, samples)`: a generator that gives the losses of each epoch."""
    phases = outline.model.phases
    names = _optimizer_names(outline)
    setup = [line for phase in phases for line in _optimizers(outline, model, phase, names)]
    lines = [
        "def train(model, data, samples):",
        '    """Train on the numbered samples; yields the losses of the steps of each epoch."""',
    ]
    if any("steps" in line for line in setup):
        lines.append("    steps = EPOCHS * len(batches(samples, 0))")
    lines += setup
    several = len(phases) > 1 or phases[0].every > 1
    fresh = any(phase.fresh_batch for phase in phases)
    if several:
        lines.append("    step = 0")
    lines += ["    for epoch in range(EPOCHS):", "        model.train()", "        losses = []"]
    chosen = "place, chosen in enumerate" if fresh else "chosen in "
    source = "(batches(samples, epoch))" if fresh else "batches(samples, epoch)"
    lines.append(f"        for {chosen}{source}:")
    if several:
        lines.append("            losses.append(0.0)")
    for phase in phases:
        lines += _phase(outline, model, phase, names, several)
    if several:
        lines.append("            step += 1")
    lines += [
        f"        {name}_schedule.step()"
        for path, name in names.items()
        for schedule in _schedules(outline, path)
        if schedule.rhythm == "epoch"
    ]
    return [*lines, "        yield losses"]


def _optimizer_names(outline: Outline) -> dict[str, str]:
    paths = outline.optimizers
    if len(paths) == 1:
        return {paths[0]: "optimizer"}
    return {path: outline.stems[path] for path in paths}


def _schedules(outline: Outline, path: str) -> list[Schedule]:
    found = []
    for wire in outline.graph.wires_in(path, "schedule"):
        op = outline.graph.node(wire.source).op
        assert isinstance(op, Schedule)
        found.append(op)
    return found


def _optimizers(
    outline: Outline, model: ModelClass, phase: Phase, names: dict[str, str]
) -> list[str]:
    lines: list[str] = []
    for path, owned in phase.owned:
        op = outline.nodes[path].op
        assert isinstance(op, Optimizer)
        name = names[path]
        text = optimizer_text(op, _parameters(model, op, owned))
        lines += ex.statement(f"{name} = ", without_defaults(ex.parse(text)), "    ")
        steps = "steps" if phase.every == 1 else f"-(-steps // {phase.every})"
        for schedule in _schedules(outline, path):
            made = ex.parse(schedule_text(schedule, name, steps, op.learning_rate))
            lines += ex.statement(f"{name}_schedule = ", made, "    ")
    return lines


def _parameters(model: ModelClass, op: Optimizer, owned: Sequence[str]) -> str:
    """The parameters an optimizer trains: all of the model, whole modules, or one by one."""
    if not op.trains:
        return "model.parameters()"
    state_of = {key: name for name, key in model.state.items()}
    tops: dict[str, list[str]] = {}
    for key in owned:
        tops.setdefault(state_of[key].partition(".")[0], []).append(state_of[key])
    parts = []
    for top, chosen in tops.items():
        own = [name for name in model.state if name.partition(".")[0] == top]
        whole = all(name in chosen or "running" in name for name in own)
        texts = [_attribute(name) for name in chosen]
        parts += [f"*model.{top}.parameters()"] if whole else texts
    return f"[{', '.join(parts)}]"


def _phase(
    outline: Outline, model: ModelClass, phase: Phase, names: dict[str, str], several: bool
) -> list[str]:
    """The lines of one step of one phase."""
    paths = [path for path, _ in phase.losses]
    wanted = operands(outline, paths)
    known = names_of(outline, model, wanted)
    indent, lines = " " * 12, []
    if phase.every > 1:
        lines.append(f"{indent}if step % {phase.every} == 0:")
        indent += "    "
    chosen = "chosen"
    if phase.fresh_batch:
        chosen = f"batches(samples, epoch, {literal(phase.name)})[place]"
    lines.append(f"{indent}batch = take(data, {chosen})")
    lines += [indent + line for line in run_lines(outline, model, wanted, known)]
    lines += ex.statement("loss = ", total(outline, paths, known), indent)
    own = [names[path] for path, _ in phase.owned]
    lines.append(f"{indent}{'model' if several or len(own) > 1 else own[0]}.zero_grad()")
    lines.append(f"{indent}loss.backward()")
    lines += [f"{indent}{name}.step()" for name in own]
    lines += [
        f"{indent}{names[path]}_schedule.step()"
        for path, _ in phase.owned
        for schedule in _schedules(outline, path)
        if schedule.rhythm == "step"
    ]
    done = "losses[-1] += loss.item()" if several else "losses.append(loss.item())"
    return [*lines, f"{indent}{done}"]


def main_function(outline: Outline) -> list[str]:
    """`main()`: what the file does as a script."""
    held_out = outline.graph.training.split.validation > 0
    lines = [
        "def main():",
        '    """Train from the beginning and print the losses."""',
        "    data = load_data()",
        f"    training, {'validation' if held_out else '_'}, _ = split(data)",
        "    sizes = [len(chosen) for chosen in batches(training, 0)]",
        "    model = initial_model()",
        "    for epoch, losses in enumerate(train(model, data, training), 1):",
        "        loss = np.average(losses, weights=sizes)",
    ]
    if not held_out:
        return [*lines, '        print(f"epoch {epoch}  loss {loss:.4f}")']
    return [
        *lines,
        "        scores = evaluate(model, data, validation)",
        '        text = "  ".join(f"val_{name} {score:.4f}" for name, score in scores.items())',
        '        print(f"epoch {epoch}  loss {loss:.4f}  {text}")',
    ]
