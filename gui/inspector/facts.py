"""What is known of the chosen nodes, a wire or the graph, as lines of a name and a value. No Qt."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from compute.foreseen import Costs
from graph.graph import Graph, Node, Wire
from graph.kinds import Optimizer
from graph.op import Op, Port, PortKind
from graph.program import TensorType
from graph.shapes import Shapes
from graph.subgraph import Defined
from gui import cost_text
from gui.document import Document
from gui.inspector.receptive import receptive_field
from gui.inspector.subject import Subject, has_weights

UNKNOWN = "–"
SEVERAL = 4  # wires of one port that are listed one by one

# kind, what people call it, its shape
KINDS: tuple[tuple[PortKind, str, str], ...] = (
    ("image", "Image, maps", "N×C×H×W"),
    ("vector", "Vector", "N×F"),
    ("sequence", "Sequence", "N×T×F"),
    ("labels", "Labels, ids", "N, integer"),
    ("loss", "Loss", "scalar"),
    ("parameters", "Parameters", "per node"),
    ("transition", "Transition", "s, a, r, s′"),
    ("any", "Any kind", ""),
)
KIND_NAMES = {kind: name for kind, name, _ in KINDS}


@dataclass(frozen=True)
class Fact:
    """A name, a value, and whether the value is as it should be."""

    name: str
    value: str
    wrong: bool = False


def path_prefix(document: Document) -> str:
    """What stands before the ids of the drawing shown in the paths of its shapes."""
    return document.prefix


def node_facts(document: Document, node: Node, costs: Costs | None = None) -> list[Fact]:
    """Shapes in and out, weights, receptive field and cost of one node; `costs` are foretold."""
    return [*_shapes_and_cost(document, node), *_foretold(document, node, costs)]


def _foretold(document: Document, node: Node, costs: Costs | None) -> Iterator[Fact]:
    told = cost_text.of_node(costs, path_prefix(document) + node.id) if costs else ""
    if told:
        yield Fact("Time", told)


def _shapes_and_cost(document: Document, node: Node) -> list[Fact]:
    if isinstance(node.op, Optimizer):
        return _trained(document, node, node.op)
    if node.op.role == "schedule":
        return []
    shapes, prefix = document.shapes, path_prefix(document)
    path = prefix + node.id
    facts = [*_inputs(document, node, prefix), *_outputs(document.drawing, shapes, node, path)]
    if has_weights(node.op):
        facts.append(Fact("Parameters", _parameters(shapes, node, path)))
    field = receptive_field(document.drawing, shapes, prefix, node.id)
    if field:
        facts.append(Fact("Receptive field", field))
    flops = shapes.flops(path) if known(shapes, node, path) else 0
    if flops:
        facts.append(Fact("Cost", f"{count_text(flops)}FLOPs / sample"))
    return facts


def _trained(document: Document, node: Node, op: Optimizer) -> list[Fact]:
    """What an optimizer trains: the nodes and frames it names, else all upstream of its losses."""
    drawing, shapes, prefix = document.drawing, document.shapes, path_prefix(document)
    ids = drawing.upstream([node.id])
    if op.trains:
        framed = (drawing.frames[id].nodes if id in drawing.frames else (id,) for id in op.trains)
        ids &= {id for group in framed for id in group}
    free = [id for id in ids if id in drawing and not drawing.node(id).frozen]
    counts = [count for count in (shapes.parameters(prefix + id) for id in free) if count]
    nodes = f"{len(counts)} node{'s' if len(counts) != 1 else ''}"
    return [
        Fact("Trains", nodes if counts else "nothing", wrong=not counts),
        Fact("Parameters", f"{sum(counts):,}" if counts else UNKNOWN),
    ]


def known(shapes: Shapes, node: Node, path: str) -> bool:
    """Whether the walk got as far as to work out a node."""
    if isinstance(node.op, Defined):
        return any(key.startswith(f"{path}/") for key in shapes.found)
    return path in shapes.found


def _inputs(document: Document, node: Node, prefix: str) -> Iterator[Fact]:
    ports = document.drawing.ports_in(node.id)
    for port in ports:
        name = "In" if len(ports) == 1 else f"In, {port.name}"
        wires = document.drawing.wires_in(node.id, port.name)
        if not wires:
            if not port.optional:
                yield Fact(name, "unconnected", wrong=True)
            continue
        texts = [shape_of(document.shapes, prefix, wire) for wire in wires]
        for text in texts[:SEVERAL]:
            yield Fact(name, text)
            name = ""
        if len(texts) > SEVERAL:
            yield Fact("", f"and {len(texts) - SEVERAL} more")


def _outputs(drawing: Graph, shapes: Shapes, node: Node, path: str) -> Iterator[Fact]:
    ports: tuple[Port, ...] = drawing.ports_out(node.id)
    for port in ports:
        name = "Out" if len(ports) == 1 else f"Out, {port.name}"
        yield Fact(name, type_text(shapes.types.get((path, port.name))))


def shape_of(shapes: Shapes, prefix: str, wire: Wire) -> str:
    """The shape of what passes a wire."""
    return type_text(shapes.types.get((prefix + wire.source, wire.output)))


def type_text(kind: TensorType | None) -> str:
    """A shape with its batch axis as N: "N×32×14×14"; "scalar" for one number."""
    if kind is None:
        return UNKNOWN
    if not kind.shape:
        return "scalar"
    text = "×".join(["N", *map(str, kind.shape[1:])])
    return f"{text}, integer" if kind.dtype == "int" else text


def _parameters(shapes: Shapes, node: Node, path: str) -> str:
    if not known(shapes, node, path):
        return "unknown until wired"
    inferred = shapes.found.get(path)
    total = shapes.parameters(path)
    if inferred is None or not inferred.params or shapes.weights.get(path, 1) != 1:
        return f"{total:,}" if total else "none"
    parts = [math.prod(param.shape) for param in inferred.params.values()]
    terms = " + ".join(f"{part:,}" for part in parts)
    return f"{terms} = {total:,}" if len(parts) > 1 else f"{total:,}"


def count_text(count: float) -> str:
    """A large count with its prefix: "4.3 M", "512 " (the unit follows)."""
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {prefix}"
    return f"{count:.0f} "


def graph_facts(document: Document, costs: Costs | None = None) -> list[Fact]:
    """Size and cost of the drawing that is shown; `costs` of the whole training are foretold."""
    drawing = document.drawing
    facts = [
        Fact("Nodes", f"{len(drawing):,}"),
        Fact("Wires", f"{drawing.net.number_of_edges():,}"),
        *_costs(document, frozenset(drawing.net)),
    ]
    if costs is None or document.into:
        return facts
    facts.append(Fact("Step", f"{cost_text.ABOUT} {cost_text.span(costs.step)}"))
    if costs.epoch is not None:
        facts.append(Fact("Epoch", f"{cost_text.ABOUT} {cost_text.span(costs.epoch)}"))
    return [*facts, Fact("Memory", f"{cost_text.ABOUT} {cost_text.size(costs.own)}")]


def group_facts(subject: Subject) -> list[Fact]:
    """What several nodes have together."""
    assert subject.document is not None
    return _costs(subject.document, frozenset(node.id for node in subject.nodes))


def _costs(document: Document, ids: frozenset[str]) -> list[Fact]:
    """Weights and cost of some nodes, with those inside instances; one walk for all of them."""
    shapes, prefix = document.shapes, path_prefix(document)
    parameters = flops = 0
    for path, one in shapes.found.items():
        if path.startswith(prefix) and path[len(prefix) :].partition("/")[0] in ids:
            parameters += one.parameters * shapes.weights[path]
            flops += one.flops * shapes.copies[path]
    return [
        Fact("Parameters", f"{parameters:,}" if parameters else UNKNOWN),
        Fact("Cost", f"{count_text(flops)}FLOPs / sample" if flops else UNKNOWN),
    ]


def wire_facts(document: Document, wire: Wire) -> list[Fact]:
    """Where a wire comes from, where it goes, and what passes it."""
    drawing, prefix = document.drawing, path_prefix(document)
    source, target = drawing.node(wire.source), drawing.node(wire.target)
    kind = document.shapes.types.get((prefix + wire.source, wire.output))
    facts = [
        Fact("From", f"{source.label}.{wire.output}"),
        Fact("To", f"{target.label}.{wire.input}"),
        Fact("Kind", KIND_NAMES[_wire_kind(document, wire)]),
        Fact("Shape", type_text(kind)),
    ]
    if kind is not None and kind.shape:
        facts.append(Fact("Numbers / sample", f"{math.prod(kind.shape[1:]):,}"))
    return facts


def _wire_kind(document: Document, wire: Wire) -> PortKind:
    """The kind of data that the canvas draws the wire for."""
    row = document.wires.index(wire) if wire in document.wires else -1
    return document.view.wires[row].kind if 0 <= row < len(document.view.wires) else "any"


def weight_names(shapes: Shapes, path: str) -> tuple[str, ...]:
    """The weights of a node by name; empty while they are unknown."""
    found = shapes.found.get(path)
    return tuple(found.params) if found else ()


def type_title(op: type[Op]) -> str:
    """What people call a node type."""
    return op.title or op.__name__
