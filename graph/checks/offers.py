"""Where a node would fit: at a port a wire was drawn from, or in the middle of a wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from graph.checks.connect import accepts
from graph.checks.problem import Spot, View
from graph.edit import Edit
from graph.edits import Connect, Disconnect
from graph.graph import Graph, Wire
from graph.kinds import Optimizer, Schedule
from graph.op import Op, Port
from graph.program import TensorType
from graph.shapes import Given, infer
from graph.subgraph import Subgraph


@dataclass(frozen=True)
class End:
    """One port of a drawing that a wire is drawn from."""

    node: str
    port: str
    is_output: bool


def port_for(view: View, end: End, op: Op, into: str = "") -> str:
    """The port of a new node `op` that a wire from `end` should go to; "" when none takes it.

    An op whose other operands are not known yet is judged by the declared kinds of its ports.
    """
    spot = view.spots[into]
    if end.node not in spot.drawing:
        return ""
    return _target(view, spot, end, op) if end.is_output else _source(view, spot, end, op)


def _target(view: View, spot: Spot, end: End, op: Op) -> str:
    kind = view.shapes.types.get((spot.prefix + end.node, end.port))
    source = spot.drawing.node(end.node).op
    for port in op.ports_in():
        to_schedule = isinstance(op, Optimizer) and port.name == "schedule"
        if to_schedule != isinstance(source, Schedule):
            continue
        if to_schedule or (kind is None and not isinstance(op, Optimizer)):
            return port.name
        if isinstance(op, Optimizer):
            if source.role == "loss":
                return port.name
        elif kind is not None and _takes(op, port, kind):
            return port.name
    return ""


def _takes(op: Op, port: Port, kind: TensorType) -> bool:
    """Whether `op` accepts a value, as far as that can be said without its other operands."""
    if isinstance(op, Subgraph):
        return True
    needed = [one for one in op.ports_in() if not one.optional]
    if needed in ([], [port]):
        given: tuple[Given, ...] = tuple(
            (kind,) if one == port and one.many else kind if one == port else None
            for one in op.ports_in()
        )
        return infer(op, given).refusal is None
    if port.kind == "labels":
        return kind.dtype == "int"
    if port.kind == "vector":
        return kind.dtype != "int" and len(kind.shape) == 2
    return bool(kind.shape) or port.kind == "loss"


def _source(view: View, spot: Spot, end: End, op: Op) -> str:
    """The output of `op` for an input of the drawing."""
    target = spot.drawing.node(end.node)
    if isinstance(target.op, Optimizer):
        wanted = "schedule" if end.port == "schedule" else "loss"
        return op.ports_out()[0].name if op.role == wanted and op.ports_out() else ""
    if op.role in ("loss", "metric", "schedule", "optimizer", "output"):
        return ""
    wanted_kinds = [one.kind for one in spot.drawing.ports_in(end.node) if one.name == end.port]
    kinds = {"any", *wanted_kinds} if wanted_kinds != ["any"] else set[str]()
    for port in op.ports_out():
        if not kinds or port.kind in kinds:
            return port.name
    return ""


def insert_ports(view: View, wire: Wire, op: Op, into: str = "") -> tuple[str, str] | None:
    """(input, output) by which `op` may be put into a wire; None when it does not fit there.

    Where shapes are not known yet it fits.
    """
    spot = view.spots[into]
    ports_in, ports_out = op.ports_in(), op.ports_out()
    if not ports_in or not ports_out or op.role not in ("layer",):
        return None
    source, target = spot.drawing.node(wire.source).op, spot.drawing.node(wire.target).op
    if isinstance(source, Schedule) or isinstance(target, Optimizer):
        return None
    kind = view.shapes.types.get((spot.prefix + wire.source, wire.output))
    if kind is None:
        return ports_in[0].name, ports_out[0].name
    for port in ports_in:
        if not _takes(op, port, kind):
            continue
        same = tuple((kind,) if one.many else kind for one in ports_in)
        made = () if isinstance(op, Subgraph) else infer(op, same).outputs
        if made and not accepts(view, spot, wire, made[0]):
            continue
        return port.name, ports_out[0].name
    return None


def into_wire(wire: Wire, id: str, ports: tuple[str, str], into: str) -> list[Edit]:
    """The edits that lead a wire through the node `id`."""
    first, last = ports
    return [
        Disconnect(wire, into=into),
        Connect(Wire(wire.source, wire.output, id, first), into=into),
        Connect(replace(wire, source=id, output=last), into=into),
    ]


def bridges(drawing: Graph, ids: frozenset[str]) -> Iterator[Wire]:
    """The wires that replace nodes taken out: from what fed their first inputs to what they fed."""
    for wire in drawing.wires():
        if wire.target in ids or wire.source not in ids:
            continue
        fed = _feeding(drawing, wire.source, ids)
        if fed is not None:
            yield replace(wire, source=fed[0], output=fed[1])


def _feeding(drawing: Graph, id: str, ids: frozenset[str]) -> tuple[str, str] | None:
    """The output outside `ids` that feeds the first input of `id`, through others of `ids`."""
    seen = set[str]()
    while id not in seen:
        seen.add(id)
        ports = drawing.ports_in(id)
        wires = drawing.wires_in(id, ports[0].name) if ports else []
        if not wires:
            return None
        if wires[0].source not in ids:
            return wires[0].source, wires[0].output
        id = wires[0].source
    return None
