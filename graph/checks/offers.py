"""Nodes put into wires that are there, and wires that stay when nodes are taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from graph.checks.connect import accepts
from graph.checks.problem import View
from graph.edit import Edit
from graph.edits import Connect, Disconnect
from graph.graph import Dots, Graph, Wire
from graph.infer import Given, infer
from graph.kinds import Optimizer, Schedule
from graph.op import Op, Port
from graph.program import TensorType
from graph.rules import MAX_DOTS
from graph.subgraph import Defined


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
        made = () if isinstance(op, Defined) else infer(op, same).outputs
        if made and not accepts(view, spot, wire, made[0]):
            continue
        return port.name, ports_out[0].name
    return None


def _takes(op: Op, port: Port, kind: TensorType) -> bool:
    """Whether `op` accepts a value, as far as that can be said without its other operands."""
    if isinstance(op, Defined):
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


def into_wire(
    wire: Wire,
    id: str,
    ports: tuple[str, str],
    into: str,
    dots: tuple[Dots, Dots] = ((), ()),
) -> list[Edit]:
    """The edits that lead a wire through the node `id`; `dots` of the wire before and behind it."""
    first, last = ports
    return [
        Disconnect(wire, into=into),
        Connect(Wire(wire.source, wire.output, id, first), dots[0], into=into),
        Connect(replace(wire, source=id, output=last), dots[1], into=into),
    ]


def bridges(drawing: Graph, ids: frozenset[str]) -> Iterator[tuple[Wire, Dots]]:
    """The wires that replace nodes taken out, from what fed their first inputs to what they fed,
    with the dots on the way.
    """
    for wire in drawing.wires():
        if wire.target in ids or wire.source not in ids:
            continue
        fed = _feeding(drawing, wire.source, ids)
        if fed is not None:
            dots = (*fed[1], *drawing.dots.get(wire, ()))
            yield replace(wire, source=fed[0].source, output=fed[0].output), dots[:MAX_DOTS]


def _feeding(drawing: Graph, id: str, ids: frozenset[str]) -> tuple[Wire, Dots] | None:
    """The wire from outside `ids` that feeds the first input of `id`, through others of `ids`; and
    the dots from there to `id`.
    """
    seen = set[str]()
    dots: Dots = ()
    while id not in seen:
        seen.add(id)
        ports = drawing.ports_in(id)
        wires = drawing.wires_in(id, ports[0].name) if ports else []
        if not wires:
            return None
        dots = (*drawing.dots.get(wires[0], ()), *dots)
        if wires[0].source not in ids:
            return wires[0], dots
        id = wires[0].source
    return None
