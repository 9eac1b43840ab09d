"""Functions of a PyTorch file that train: losses, evaluation, the loop, the script."""

from __future__ import annotations

from collections.abc import Sequence

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.names import identifier, literal
from graph.export.outline import Outline
from graph.export.pytorch_forward import Value
from graph.export.pytorch_model import ModelClass, operands
from graph.export.pytorch_nodes import layer
from graph.export.pytorch_optimizer import optimizer_call, schedule_call, schedule_name
from graph.export.pytorch_weights import attribute
from graph.export.symbolic import ExportError
from graph.graph import Node
from graph.kinds import Follower, Optimizer, Schedule
from graph.lower import Phase
from graph.ops.metric import Metric
from graph.program import TensorType


def node_call(
    outline: Outline, model: ModelClass, node: Node, names: dict[Value, str]
) -> Expression:
    """The expression of a loss or metric, its operands by name."""
    graph = outline.graph
    wired: dict[str, list[tuple[Expression, TensorType]]] = {}
    for port in graph.ports_in(node.id):
        values = [(w.source, w.output) for w in graph.wires_in(node.id, port.name)]
        wired[port.name] = [(ex.parse(names[v]), outline.trace.values[v].type) for v in values]
    types = {port: [kind for _, kind in pairs] for port, pairs in wired.items()}
    found = layer(node.op, types, model.customs)
    return found.call(wired, found.module)


def total(
    outline: Outline, model: ModelClass, losses: Sequence[Value], names: dict[Value, str]
) -> Expression:
    """The sum of several losses; a loss inside the model is one of its values."""
    parts = []
    for path, port in losses:
        node = outline.graph.node(path)
        inside = node.op.role != "loss"
        call = ex.parse(names[path, port]) if inside else node_call(outline, model, node, names)
        parts.append(ex.text(call))
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


def evaluate_function(outline: Outline, model: ModelClass) -> list[str]:
    """`evaluate(model, data, samples)`: loss and metrics on held-out samples."""
    graph, metrics = outline.graph, outline.metrics()
    losses = [(path, graph.ports_out(path)[0].name) for path in outline.counted_losses()]
    wanted = operands(graph, [*losses, *((path, "") for path in metrics)])
    names = names_of(outline, model, wanted)
    scores = {}
    if losses:
        scores["loss"] = ex.fill("float({0})", [total(outline, model, losses, names)], {})
    lines, numbers = _metrics(outline, model, names)
    scores |= numbers
    entries = ", ".join(f"{literal(k)}: {ex.text(v)}" for k, v in scores.items())
    return [
        "@torch.no_grad()",
        "def evaluate(model, data, samples):",
        '    """Loss and metrics on the numbered samples."""',
        "    model.eval()",
        "    batch = take(data, samples)",
        *(f"    {line}" for line in run_lines(outline, model, wanted, names)),
        *lines,
        *ex.lines_of(ex.statement("return ", ex.parse(f"{{{entries}}}"), "    "), *metrics),
    ]


def _metrics(
    outline: Outline, model: ModelClass, names: dict[Value, str]
) -> tuple[list[str], dict[str, Expression]]:
    """Statements for the sums and rows of metrics, equal ones once, and the number of each."""
    known: dict[str, str] = {}
    lines: list[str] = []
    numbers = {}
    for path in outline.metrics():
        node = outline.graph.node(path)
        found = node_call(outline, model, node, names)
        if isinstance(node.op, Metric) and node.op.gathers != "mean":
            text, own = ex.text(found), outline.stems[path]
            if known.setdefault(text, own) == own:
                lines += ex.lines_of(ex.statement(f"{own} = ", found, "    "), path)
            found = ex.name(known[text])
        number = outline.finishers.number(node.op, found, "np.asarray({0}, float)")
        numbers[outline.metric_name(path)] = number
    return lines, numbers


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
    if outline.followers:
        lines.append("    _, validation, _ = split(data)")
    several = len(phases) > 1 or phases[0].every > 1
    fresh = any(phase.fresh_batch for phase in phases)
    if several or any(_optimizer(outline, path).accumulate > 1 for path in names):
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
    lines += _schedule_steps(outline, model, names, "epoch", "        ")
    averaged = [path for path in names if _optimizer(outline, path).ema_decay]
    if averaged:
        kept = "{name: value.clone() for name, value in model.state_dict().items()}"
        lines.append(f"        trained = {kept}")
        lines += [line for path in averaged for line in _shown(names[path])]
    if outline.followers:
        lines.append("        scores = evaluate(model, data, validation)")
        lines += _schedule_steps(outline, model, names, "score", "        ")
    lines.append("        yield losses")
    if averaged:
        lines += ["        if epoch + 1 < EPOCHS:", "            model.load_state_dict(trained)"]
    return lines


def _shown(name: str) -> list[str]:
    """The lines that put the running means of an optimizer's parameters into the model."""
    return [
        f"        for p, mean in zip({_group(name)}, {mean_name(name)}.parameters()):",
        "            p.data.copy_(mean)",
    ]


def _optimizer_names(outline: Outline) -> dict[str, str]:
    paths = outline.optimizers
    if len(paths) == 1:
        return {paths[0]: "optimizer"}
    return {path: outline.stems[path] for path in paths}


def _optimizer(outline: Outline, path: str) -> Optimizer:
    op = outline.nodes[path].op
    assert isinstance(op, Optimizer)
    return op


def _group(name: str) -> str:
    """The parameters that an optimizer of this name trains."""
    return f'{name}.param_groups[0]["params"]'


def mean_name(optimizer: str) -> str:
    """What the running means of an optimizer's parameters are called."""
    return "means" if optimizer == "optimizer" else f"{identifier(optimizer)}_means"


def _schedules(outline: Outline, path: str) -> dict[str, Schedule]:
    """The schedules of an optimizer, by node."""
    found = {}
    for wire in outline.graph.wires_in(path, "schedule"):
        op = outline.graph.node(wire.source).op
        assert isinstance(op, Schedule)
        found[wire.source] = op
    return found


def _schedule_steps(
    outline: Outline, model: ModelClass, names: dict[str, str], rhythm: str, indent: str
) -> list[str]:
    """The lines that move on the schedules which are due every epoch, or every step."""
    lines = []
    for path, name in names.items():
        for node, schedule in _schedules(outline, path).items():
            _, own = schedule_call(schedule, name, "steps", 1.0, model.customs)
            if own == rhythm:
                score = ""
                if isinstance(schedule, Follower):
                    score = f"scores[{literal(schedule.monitor)}]"
                lines += ex.lines_of([f"{indent}{schedule_name(name)}.step({score})"], node)
    return lines


def _optimizers(
    outline: Outline, model: ModelClass, phase: Phase, names: dict[str, str]
) -> list[str]:
    lines: list[str] = []
    for path, owned in phase.owned:
        op, name = _optimizer(outline, path), names[path]
        made = optimizer_call(op, _parameters(outline, model, op, owned), model.customs)
        lines += ex.lines_of(ex.statement(f"{name} = ", made, "    "), path)
        if op.ema_decay:
            swa = "torch.optim.swa_utils"
            text = (
                f"{swa}.AveragedModel(nn.ParameterList({_group(name)}), "
                f"multi_avg_fn={swa}.get_ema_multi_avg_fn({op.ema_decay!r}))"
            )
            means = ex.statement(f"{mean_name(name)} = ", ex.parse(text), "    ")
            lines += ex.lines_of(means, path)
        steps = "steps" if phase.every == 1 else f"-(-steps // {phase.every})"
        if op.accumulate > 1:
            steps = f"max(steps // {op.accumulate}, 1)"
        for node, schedule in _schedules(outline, path).items():
            made, _ = schedule_call(schedule, name, steps, op.learning_rate, model.customs)
            statement = ex.statement(f"{schedule_name(name)} = ", made, "    ")
            lines += ex.lines_of(statement, node)
    return lines


def _parameters(outline: Outline, model: ModelClass, op: Optimizer, owned: Sequence[str]) -> str:
    """The parameters an optimizer trains: all of the model, whole modules, or one by one."""
    everything = set(owned) == set(outline.model.params) if op.ema_decay else not op.trains
    if everything:
        return "model.parameters()"
    state_of = {key: name for name, key in reversed(model.state.items())}
    tops: dict[str, list[str]] = {}
    for key in owned:
        tops.setdefault(state_of[key].partition(".")[0], []).append(state_of[key])
    parts = []
    for top, chosen in tops.items():
        own = [name for name in model.state if name.partition(".")[0] == top]
        whole = all(name in chosen or "running" in name for name in own)
        texts = [attribute(name) for name in chosen]
        parts += [f"*model.{top}.parameters()"] if whole else texts
    return f"[{', '.join(parts)}]"


def _phase(
    outline: Outline, model: ModelClass, phase: Phase, names: dict[str, str], several: bool
) -> list[str]:
    """The lines of one step of one phase."""
    wanted = operands(outline.graph, phase.losses)
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
    loss = ex.statement("loss = ", total(outline, model, phase.losses, known), indent)
    lines += ex.lines_of(loss, *(path for path, _ in phase.losses))
    own = [names[path] for path, _ in phase.owned]
    zero = f"{'model' if several or len(own) > 1 else own[0]}.zero_grad()"
    done = "losses[-1] += loss.item()" if several else "losses.append(loss.item())"
    together = _together(outline, phase, several)
    if together > 1:
        lines += [
            f"{indent}(loss / {together}).backward()",
            f"{indent}{done}",
            f"{indent}step += 1",
            f"{indent}if step % {together} == 0:",
        ]
        indent += "    "
        return [*lines, *_stepped(outline, model, phase, names, indent), f"{indent}{zero}"]
    lines += [f"{indent}{zero}", f"{indent}loss.backward()"]
    return [*lines, *_stepped(outline, model, phase, names, indent), f"{indent}{done}"]


def _together(outline: Outline, phase: Phase, several: bool) -> int:
    """Steps whose gradients one update of a phase averages."""
    counts = {_optimizer(outline, path).accumulate for path, _ in phase.owned}
    if counts == {1} or (len(counts) == 1 and not several):
        return counts.pop()
    raise ExportError(
        f"{phase.owned[0][0]}: found gradients accumulated over {max(counts)} steps beside other "
        "phases or optimizers, expected one optimizer; export to NumPy, or accumulate over 1 step"
    )


def _stepped(
    outline: Outline, model: ModelClass, phase: Phase, names: dict[str, str], indent: str
) -> list[str]:
    """The lines of the update that follows a backward pass."""
    lines: list[str] = []
    for path, owned in phase.owned:
        lines += ex.lines_of([*_clipped(outline, path, names[path], indent)], path)
        lines += ex.lines_of([f"{indent}{names[path]}.step()"], path)
        lines += _held(outline, model, owned, indent)
        if _optimizer(outline, path).ema_decay:
            name = names[path]
            call = f"{mean_name(name)}.update_parameters(nn.ParameterList({_group(name)}))"
            lines += ex.lines_of([f"{indent}{call}"], path)
    own_names = {path: names[path] for path, _ in phase.owned}
    return lines + _schedule_steps(outline, model, own_names, "step", indent)


def _held(outline: Outline, model: ModelClass, owned: Sequence[str], indent: str) -> list[str]:
    """The lines that hold weights to their length."""
    lines = []
    names = {key: name for name, key in reversed(model.state.items())}  # a tied weight has two
    for key in owned:
        param = outline.model.params[key]
        if param.max_norm is not None:
            how = f"p=2, dim={param.makes}, maxnorm={param.max_norm!r}"
            held = f"{indent}{attribute(names[key])}.data.renorm_({how})"
            lines += ex.lines_of([held], key.rpartition("/")[0])
    return lines


def _clipped(outline: Outline, path: str, name: str, indent: str) -> list[str]:
    """The lines that limit the gradients an optimizer is about to follow."""
    op = _optimizer(outline, path)
    owned = _group(name) if op.trains else "model.parameters()"
    limits = {"norm": op.clip_norm, "value": op.clip_value}
    return [
        f"{indent}nn.utils.clip_grad_{kind}_({owned}, {limit!r})"
        for kind, limit in limits.items()
        if limit is not None
    ]


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
