"""From a graph to what the canvas shows: titles, summaries, shapes, counts, kinds of data.

Everything comes from the node types and one walk of the graph (`graph.trace`), so a new node type
is drawn without a line here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import networkx as nx

import resources
from graph.graph import Graph, Node
from graph.op import Op, Port, PortKind, settings_of
from graph.program import TensorType
from graph.trace import Trace, trace
from gui.canvas.view_model import (
    CanvasView,
    FrameView,
    NodeState,
    NodeView,
    NoteView,
    PortView,
    Preview,
    Severity,
    WireView,
)

BATCH = 2  # shapes are shown without it; any size gives the same picture
UNKNOWN = "–"
_WINDOWS = frozenset({"kernel", "window", "size"})
_COUNTED = frozenset({"units"})
_BARE = frozenset({"filters", "repeat", "definition"})
_SHORT = {"learning_rate": "lr", "padding": "pad", "negative_slope": "slope", "rate": "p"}


def canvas_view(
    graph: Graph,
    previews: Mapping[str, Preview] | None = None,
    problems: Mapping[str, Severity] | None = None,
) -> CanvasView:
    """What one drawing shows.

    `previews` by node id; `problems` by node id replace those that the walk finds (refused inputs).
    """
    found = walked(graph)
    counts = parameter_counts(found)
    if problems is None:
        problems = {refusal.path.split("/")[0]: "error" for refusal in found.refusals}
    nodes = tuple(
        node_view(
            graph, node, found, counts, (previews or {}).get(node.id), problems.get(node.id, "")
        )
        for node in sorted(graph, key=lambda node: node.id)
    )
    return CanvasView(
        nodes=nodes,
        wires=wire_views(graph, found),
        frames=tuple(
            FrameView(f.id, f.title, f.x, f.y, f.width, f.height, f.nodes)
            for _, f in sorted(graph.frames.items())
        ),
        notes=tuple(
            NoteView(n.id, n.text, n.x, n.y, n.width) for _, n in sorted(graph.notes.items())
        ),
    )


def walked(graph: Graph) -> Trace:
    """The symbolic walk of a graph; empty when a cycle leaves no order to walk in."""
    try:
        return trace(graph, "evaluate", BATCH)
    except nx.NetworkXUnfeasible:
        return trace(Graph(), "evaluate", BATCH)


def node_view(
    graph: Graph,
    node: Node,
    found: Trace,
    counts: Mapping[str, int],
    preview: Preview | None = None,
    problem: Severity = "",
) -> NodeView:
    """One node as it is drawn; `counts` are those of `parameter_counts`."""
    op = node.op
    came = {wire.input for wire in graph.wires_in(node.id)}
    left = {wire.output for wire in graph.wires_out(node.id)}
    inputs = tuple(
        PortView(port.name, input_kind(graph, node, port, found), port.name in came)
        for port in graph.ports_in(node.id)
    )
    outputs = tuple(
        PortView(port.name, output_kind(node, port, found), port.name in left)
        for port in graph.ports_out(node.id)
    )
    line = summary(op) or op.caption or second_port(inputs, outputs)
    count = counts.get(node.id, 0)
    badge, note = footer(graph, node, found, counts)
    return NodeView(
        id=node.id,
        title=title(node),
        family=op.family,
        icon=icon_name(op),
        role=op.role,
        summary=line,
        badge=badge,
        note=note,
        inputs=inputs,
        outputs=outputs,
        x=node.x,
        y=node.y,
        collapsed=not line and preview is None and len(inputs) < 2 and len(outputs) < 2,
        ring=count > 0 or type(op).params is not Op.params,
        preview=preview,
        state=NodeState(bypassed=node.bypassed, frozen=node.frozen, problem=problem),
    )


def title(node: Node) -> str:
    """The name people gave the node, else its type's."""
    return node.name or node.op.title or type(node.op).__name__


def icon_name(op: Op) -> str:
    """The type's own icon when there is one, else its family's."""
    known = _icons()
    return next((name for name in (op.icon, op.family) if name in known), "custom")


@cache
def _icons() -> frozenset[str]:
    """Names of the shipped icons; asking the folder for each node is most of a large drawing."""
    return frozenset(resources.icons())


def summary(op: Op) -> str:
    """The key settings in one line: "3×3 · 32 · same"."""
    parts = [setting_text(op, name) for name in op.summary[:3]]
    return " · ".join(part for part in parts if part)


def second_port(inputs: tuple[PortView, ...], outputs: tuple[PortView, ...]) -> str:
    """What fills the row of a second port when the node has nothing else to say there."""
    return next((ports[1].name for ports in (inputs, outputs) if len(ports) > 1), "")


def setting_text(op: Op, name: str) -> str:
    """One key setting, as short as it can be read: "64 units", "lr 6e-4", "stride 2"."""
    value, rule = getattr(op, name), settings_of(type(op))[name]
    word = rule.label or _SHORT.get(name, name.replace("_", " "))
    if value is None:
        return ""
    if isinstance(value, bool):
        return word if value else f"no {word}"
    if isinstance(value, str):
        return value
    if name in _WINDOWS:
        return "×".join(map(str, value if isinstance(value, tuple) else (value, value)))
    if isinstance(value, tuple):
        return f"{word} {'×'.join(map(str, value))}" if value else ""
    if name in _BARE:
        return number(value)
    if isinstance(value, int) and (name in _COUNTED or rule.label.endswith("s")):
        return f"{number(value)} {word if value != 1 else word.removesuffix('s')}"
    unit = "" if rule.unit in ("", "px") else f" {rule.unit}"
    return f"{word} {number(value)}{unit}"


def number(value: Any) -> str:
    """A number with few letters: 1,437, 0.05, 6e-4."""
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if value and math.isfinite(value) and not 1e-2 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:.4g}"


def footer(graph: Graph, node: Node, found: Trace, counts: Mapping[str, int]) -> tuple[str, str]:
    """Badge and right-hand text of the footer."""
    role, count = node.op.role, counts.get(node.id, 0)
    if role == "optimizer":
        return _trained(graph, node, counts), ""
    if role == "schedule":
        return "", ""
    if role == "metric":
        return "held out", UNKNOWN
    ports = graph.ports_out(node.id)
    type_ = found.values[node.id, ports[0].name].type if _known(found, node, ports) else None
    badge = shape_text(type_) if type_ else UNKNOWN
    if role == "data":
        return badge, f"batch {graph.training.batch_size}"
    if role in ("input", "output"):
        return badge, ""
    return badge, f"{count:,}" if count else UNKNOWN


def _known(found: Trace, node: Node, ports: tuple[Port, ...]) -> bool:
    return bool(ports) and (node.id, ports[0].name) in found.values


def _trained(graph: Graph, node: Node, counts: Mapping[str, int]) -> str:
    """How many nodes an optimizer trains: those it names, else all upstream that have weights."""
    chosen = getattr(node.op, "trains", ())
    if chosen:
        frames = {frame.id: frame.nodes for frame in graph.frames.values()}
        members = {id for name in chosen for id in frames.get(name, (name,))}
    else:
        members = nx.ancestors(graph.net, node.id)
    layers = sum(counts.get(id, 0) > 0 for id in members if id in graph)
    return f"{layers} layer{'s' if layers != 1 else ''}"


def parameter_counts(found: Trace) -> dict[str, int]:
    """Trained numbers of each node that has some, with those of the drawing it stands for."""
    keys: dict[str, set[str]] = {}
    for path, owned in found.owner_of.items():
        keys.setdefault(path.split("/", 1)[0], set()).update(owned)
    return {
        id: sum(math.prod(found.params[key].shape) for key in owned) for id, owned in keys.items()
    }


def shape_text(type_: TensorType) -> str:
    """A shape without its batch axis: "32×14×14"; "scalar" when nothing is left."""
    return "×".join(map(str, type_.shape[1:])) or "scalar"


def kind_of(type_: TensorType) -> PortKind:
    """The kind of data by element type and rank (LOOK.md, Ports)."""
    if type_.dtype == "int":
        return "labels"
    kinds: dict[int, PortKind] = {0: "loss", 2: "vector", 3: "sequence", 4: "image"}
    return kinds.get(len(type_.shape), "any")


def output_kind(node: Node, port: Port, found: Trace) -> PortKind:
    """What leaves an output port: by its traced type, else as declared. Only losses give losses."""
    tensor = found.values.get((node.id, port.name))
    kind = kind_of(tensor.type) if tensor is not None else port.kind
    return port.kind if kind == "loss" and node.op.role != "loss" else kind


def input_kind(graph: Graph, node: Node, port: Port, found: Trace) -> PortKind:
    """What an input port takes: as declared; one that takes any kind shows what its wire brings."""
    wires = graph.wires_in(node.id, port.name)
    if port.kind != "any" or not wires:
        return port.kind
    source = graph.node(wires[0].source)
    given = [p for p in graph.ports_out(source.id) if p.name == wires[0].output]
    return output_kind(source, given[0], found) if given else port.kind


def wire_views(graph: Graph, found: Trace) -> tuple[WireView, ...]:
    """Every wire, in the order of `graph.wires`."""
    views = []
    for wire in graph.wires():
        source, ports = graph.node(wire.source), graph.ports_out(wire.source)
        out = next(index for index, port in enumerate(ports) if port.name == wire.output)
        into = next(
            index
            for index, port in enumerate(graph.ports_in(wire.target))
            if port.name == wire.input
        )
        kind = output_kind(source, ports[out], found)
        views.append(WireView(wire.source, out, wire.target, into, kind))
    return tuple(views)
