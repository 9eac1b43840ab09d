"""What losses and metrics are in a PyTorch file: their calls, and the function that evaluates."""

from __future__ import annotations

from collections.abc import Sequence

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.names import identifier, literal
from graph.export.outline import Outline
from graph.export.pytorch_forward import Value
from graph.export.pytorch_model import ModelClass, operands
from graph.export.pytorch_nodes import layer
from graph.graph import Node
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
    for name, path in outline.monitors.parts().items():
        own = [value for value in losses if value[0] == path]
        scores[name] = ex.fill("float({0})", [total(outline, model, own, names)], {})
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
