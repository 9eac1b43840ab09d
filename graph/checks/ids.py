"""Checks of ids that pick: as many places as the data has ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from graph.checks.problem import Problem, Spot, View
from graph.edit import Edit
from graph.edits import SetOp
from graph.graph import Wire
from graph.kinds import DataSource
from graph.op import settings_of
from graph.ops.embedding import Gather

COUNTS = ("vocabulary", "classes")  # settings that say how many places there are


def ids(view: View) -> Iterator[Problem]:
    """A node that picks by the ids of a data node has a place for each of them."""
    for spot in view:
        for source in spot.by_role("data"):
            assert isinstance(source.op, DataSource)
            for wire in spot.drawing.wires_out(source.id):
                picker = spot.drawing.node(wire.target)
                if picker.op.picks == wire.input and not picker.bypassed:
                    yield from _compared(view, spot, wire, source.op.id_count(wire.output))


def _compared(view: View, spot: Spot, wire: Wire, count: int) -> Iterator[Problem]:
    op = spot.drawing.node(wire.target).op
    name = next((name for name in COUNTS if name in settings_of(type(op))), "")
    places = getattr(op, name) if name else _extent(view, spot, wire.target)
    if places is None or count <= places:
        return
    message = f"found ids up to {count - 1} in the data, expected 0 to {places - 1}"
    remedy, mends = "pick from what has more places, or by other ids", list[Edit]()
    if name:
        remedy = f"set {settings_of(type(op))[name].called(name)} to {count}"
        if not op.tied_to() and not _lends(spot, wire.target):
            mends = [SetOp(wire.target, replace(op, **{name: count}), into=spot.name)]
    yield spot.error(wire.target, wire.input, message, remedy, mends)


def _extent(view: View, spot: Spot, id: str) -> int | None:
    """How many places a Gather picks from, where that is known."""
    op = spot.drawing.node(id).op
    for wire in spot.incoming.get((id, "x"), ()):
        kind = view.shapes.types.get((spot.prefix + wire.source, wire.output))
        if isinstance(op, Gather) and kind is not None and op.axis < len(kind.shape):
            return kind.shape[op.axis]
    return None


def _lends(spot: Spot, id: str) -> bool:
    """Whether another node uses its weight, which has to fit that node as well."""
    return any(spot.drawing.node(tied).op.tied_to() == id for tied in spot.index.tied)
