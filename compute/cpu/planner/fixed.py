"""Places of values that are decided before anything is emitted: where others want to find them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import cast

from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.fuse import ELEMENTWISE, Op
from compute.cpu.planner.updates import gradient_keys
from compute.cpu.planner.views import NO_BORDER, View
from graph.again import Readers
from graph.program import Row, Shape, Update

# rows whose result is mostly another view of their operand
_VIEWS = frozenset({"reshape", "permute", "broadcast_to", "slice"})


def fix_gradients(em: Emitter, rows: Sequence[Row], made: Sequence[Op]) -> None:
    """Gradients are computed where the optimizer reads them."""
    for op in made:
        for value, key in gradient_keys(em, op):
            em.fixed.setdefault(value, lambda key=key: em.storage.gradient(key))  # type: ignore[misc]
    for row in reversed(rows):
        if row.op in ("reshape", "permute") and row.outputs[0] in em.fixed:
            source = row.inputs[0]
            if source not in em.inputs and source not in em.fixed:
                em.fixed[source] = _before_move(em, row)


def fix_stores(em: Emitter, ops: Sequence[Op], made: Sequence[Op]) -> list[Update]:
    """Updates that no optimizer row does; computed in place where nothing else looks.

    What is asked for or watched as well lies elsewhere, but as it would there: steps that read
    what is computed with it go through that in the same order, and add up to the same bits.
    """
    done = {v for op in made for v in op.writes}
    stores = [u for u in em.program.updates if u.value not in done]
    if not stores:
        return stores
    old = {(i.kind, i.key): i.value for i in em.program.inputs}
    maker = {v: op for op in ops for v in op.writes}
    readers = Readers(op.reads for op in ops)
    times = Counter([u.value for u in em.program.updates])
    outputs = {v for _, v in em.program.outputs}
    for update in stores:
        value, before = update.value, old.get((update.kind, update.key), -1)
        own = maker.get(value)
        if own is None or own.kind != ELEMENTWISE or times[value] > 1 or before in times:
            continue
        others = [ops[k] for k in readers.of((value, before)) if ops[k] is not own]
        if all(op.watched for op in others):
            seen = others or not outputs.isdisjoint((value, before))
            (em.alike if seen else em.fixed).setdefault(
                value,
                lambda u=update: em.storage.view(u.kind, u.key),  # type: ignore[misc]
            )
    return stores


def fix_concats(em: Emitter, ops: Sequence[Op]) -> None:
    """Parts of a joined value are computed where they are wanted, when nothing else decides.

    Values that a convolution reads need a border of their own and stay apart; what is joined
    only for a watch moves nothing.
    """
    joined = [op for op in ops if op.kind == "concat"]
    made = {v: op for op in ops for v in op.writes} if joined else {}
    for op in joined:
        if op.watched or op.again or op.row.outputs[0] in em.fixed:
            continue
        whole, start = _Once(em, op.row.outputs[0]), 0
        axis = cast("int", op.row.attr("axis"))
        em.fixed[op.row.outputs[0]] = whole
        for value in op.row.inputs:
            stop = start + em.shape(value)[axis]
            _fix(em, value, made, _slice_of(whole, axis, start, stop))
            start = stop


def _fix(em: Emitter, value: int, made: dict[int, Op], place: Callable[[], View | None]) -> None:
    """Compute a value at a place, or what it is a reshaped view of."""
    maker = made.get(value)
    if maker is None or value in em.fixed or em.layout.border(value) != NO_BORDER:
        return
    if maker.kind in ("reshape", "permute"):
        em.fixed[value] = place
        _fix(em, maker.row.inputs[0], made, _before_move(em, maker.row))
        if maker.row.inputs[0] not in em.fixed:
            del em.fixed[value]
    elif maker.kind not in _VIEWS:
        em.fixed[value] = place


class _Once:
    """The place of a value, made when first asked for."""

    def __init__(self, em: Emitter, value: int) -> None:
        self._em, self._value = em, value
        self._view: View | None = None

    def __call__(self) -> View:
        if self._view is None:
            self._view = self._em.fresh(self._value)
        return self._view


def _slice_of(whole: _Once, axis: int, start: int, stop: int) -> Callable[[], View | None]:
    return lambda: whole().slice(axis, start, stop)


def _before_move(em: Emitter, row: Row) -> Callable[[], View | None]:
    """Where the operand of a reshape or permute must lie for its result to lie at its place."""

    def find() -> View | None:
        goal = em.fixed_place(row.outputs[0])
        if goal is None:
            return None
        if row.op == "reshape":
            return goal.reshape(em.shape(row.inputs[0]))
        order = cast("Shape", row.attr("order"))
        return goal.permute(sorted(range(len(order)), key=order.__getitem__))

    return find
