"""From a graph to what the canvas shows: titles, summaries, shapes, counts, kinds of data.

Everything comes from the node types and the walk of the graph (`graph.shapes`), so a new node type
is drawn without a line here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import resources
from graph.checks.problem import Spot, View
from graph.graph import Graph, Node, Wire
from graph.op import Op, Port, PortKind, annotation, settings_of
from graph.program import TensorType
from graph.setting_kinds import alternatives
from graph.shapes import Seen
from graph.stepping import batch_size
from gui.canvas.view_model import (
    FrameView,
    NodeState,
    NodeView,
    NoteView,
    PortView,
    Preview,
    Severity,
    WireView,
)

UNKNOWN = "–"
ROOM = 6  # figures: as wide as the value that will stand there
PLAIN = "shape"  # the family whose colour a frame has when nobody chose one
_WINDOWS = frozenset({"kernel", "window", "size"})
_COUNTED = frozenset({"units"})
_BARE = frozenset({"filters", "repeat", "definition"})
_SHORT = {"learning_rate": "lr", "padding": "pad", "slope": "slope", "p": "p"}


@dataclass(frozen=True)
class Shown:
    """One drawing of a graph with what the walk found there; `seen` is empty where nothing is."""

    graph: Graph
    spot: Spot
    seen: Mapping[str, Seen]

    @classmethod
    def of(cls, view: View, into: str = "") -> Shown:
        """The drawing `into`, as it is where it is first used."""
        spot = view.spots[into]
        visit = view.shapes.visits.get(into, {}).get(spot.prefix)
        return cls(view.graph, spot, visit.seen if visit else {})

    def type(self, id: str, port: str) -> TensorType | None:
        """The type of an output; None when it is not known."""
        seen = self.seen.get(id)
        return next((kind for name, kind in seen.outputs if name == port), None) if seen else None

    def parameters(self, id: str) -> int:
        """Trained numbers of a node, with those of the drawing it stands for."""
        return self.seen[id].parameters if id in self.seen else 0


def node_view(
    shown: Shown, node: Node, preview: Preview | None = None, problem: Severity = ""
) -> NodeView:
    """One node as it is drawn."""
    op, drawing = node.op, shown.spot.drawing
    incoming = shown.spot.incoming
    left = {wire.output for _, _, wire in drawing.net.out_edges(node.id, keys=True)}
    inputs = tuple(
        PortView(port.name, input_kind(shown, node, port), (node.id, port.name) in incoming)
        for port in drawing.ports_in(node.id)
    )
    outputs = tuple(
        PortView(port.name, output_kind(shown, node, port), port.name in left)
        for port in drawing.ports_out(node.id)
    )
    line = summary(op) or op.caption or second_port(inputs, outputs)
    badge, note = footer(shown, node)
    small = not line and preview is None and len(inputs) < 2 and len(outputs) < 2
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
        collapsed=small or node.collapsed,
        ring=shown.parameters(node.id) > 0 or type(op).params is not Op.params,
        preview=preview,
        state=NodeState(bypassed=node.bypassed, frozen=node.frozen, problem=problem),
    )


def wire_view(shown: Shown, wire: Wire) -> WireView:
    """One wire as it is drawn."""
    drawing = shown.spot.drawing
    ports = drawing.ports_out(wire.source)
    out = _place(ports, wire.output)
    into = _place(drawing.ports_in(wire.target), wire.input)
    kind = output_kind(shown, drawing.node(wire.source), ports[out])
    dots = drawing.dots.get(wire, ())
    return WireView(wire.source, out, wire.target, into, kind, dots=dots)


def frame_views(drawing: Graph) -> tuple[FrameView, ...]:
    """Every frame, by id."""
    return tuple(
        FrameView(f.id, f.title, f.x, f.y, f.width, f.height, f.nodes, f.colour or PLAIN)
        for _, f in sorted(drawing.frames.items())
    )


def note_views(drawing: Graph) -> tuple[NoteView, ...]:
    """Every note, by id."""
    return tuple(
        NoteView(n.id, n.text, n.x, n.y, n.width) for _, n in sorted(drawing.notes.items())
    )


def _place(ports: tuple[Port, ...], name: str) -> int:
    return next(index for index, port in enumerate(ports) if port.name == name)


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
    word = _SHORT.get(name) or rule.called(name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return word if value else f"no {word}"
    if isinstance(value, str):
        return value
    if name in _WINDOWS:
        return "×".join(map(str, value if isinstance(value, tuple) else (value, value)))
    kinds = alternatives(annotation(type(op), name))
    if isinstance(value, int) and "float" in kinds and "int" not in kinds:
        value = float(value)  # as it is when it comes from a file
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


def footer(shown: Shown, node: Node) -> tuple[str, str]:
    """Badge and right-hand text of the footer."""
    role, count = node.op.role, shown.parameters(node.id)
    if role == "optimizer":
        return _trained(shown, node), ""
    if role == "schedule":
        return "", ""
    if role == "metric":
        return "held out", UNKNOWN.rjust(ROOM, "\u2007")
    ports = shown.spot.drawing.ports_out(node.id)
    type_ = shown.type(node.id, ports[0].name) if ports else None
    badge = shape_text(type_) if type_ else UNKNOWN
    if role == "data":
        return badge, f"batch {batch_size(shown.graph) or 'all'}"
    if role in ("input", "output"):
        return badge, ""
    return badge, f"{count:,}" if count else UNKNOWN


def _trained(shown: Shown, node: Node) -> str:
    """How many nodes an optimizer trains: those it names, else all upstream that have weights."""
    drawing, chosen = shown.spot.drawing, getattr(node.op, "trains", ())
    members: Collection[str]
    if chosen:
        frames = {frame.id: frame.nodes for frame in drawing.frames.values()}
        members = {id for name in chosen for id in frames.get(name, (name,))}
    else:
        members = drawing.upstream([node.id])
    layers = sum(shown.parameters(id) > 0 for id in members)
    return f"{layers} layer{'s' if layers != 1 else ''}"


def shape_text(type_: TensorType) -> str:
    """A shape without its batch axis: "32×14×14"; "scalar" when nothing is left."""
    return "×".join(map(str, type_.shape[1:])) or "scalar"


def kind_of(type_: TensorType) -> PortKind:
    """The kind of data by element type and rank (LOOK.md, Ports)."""
    if type_.dtype == "int":
        return "labels"
    kinds: dict[int, PortKind] = {0: "loss", 2: "vector", 3: "sequence", 4: "image"}
    return kinds.get(len(type_.shape), "any")


def output_kind(shown: Shown, node: Node, port: Port) -> PortKind:
    """What leaves an output port: by its type, else as declared. Only losses give losses."""
    type_ = shown.type(node.id, port.name)
    kind = kind_of(type_) if type_ is not None else port.kind
    return port.kind if kind == "loss" and node.op.role != "loss" else kind


def input_kind(shown: Shown, node: Node, port: Port) -> PortKind:
    """What an input port takes: as declared; one that takes any kind shows what its wire brings."""
    wires = shown.spot.incoming.get((node.id, port.name))
    if port.kind != "any" or not wires:
        return port.kind
    source = shown.spot.drawing.node(wires[0].source)
    ports = shown.spot.drawing.ports_out(source.id)
    return output_kind(shown, source, ports[_place(ports, wires[0].output)])
