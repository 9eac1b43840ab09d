"""Tapes taken up from those of before: rows of steps that were bound stay as they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from compute.backend import Array
from compute.cpu import tape
from compute.cpu.planner.bind import Binder, Mark, Starts, Tape, common, side_words, zeros
from compute.cpu.planner.program import Planned
from compute.cpu.planner.schedule import Group
from compute.cpu.planner.steps import Address, Step
from graph.again import Kept, Otherwise


@dataclass(frozen=True)
class _Bound:
    """A tape as it was made: `whole` are its words before anything ran, with room for so many
    `rows`, and side words behind them; `at` those that are addresses, and `places` of what.
    `guards` are the numbers of those of the loss; `marks` say what of it is each step's.
    """

    steps: list[Step]
    groups: list[Group]
    shape: list[object]
    whole: Array
    rows: int
    length: int
    at: Array
    places: list[Address]
    guards: list[int]
    marks: list[Mark]
    functions: dict[str, int]


_kept: Kept[_Bound] = Kept(4)


def bind(planned: Planned, starts: Starts, item: int, function: Callable[[str], int]) -> Tape:
    """The tape of a planned program whose buffers lie at `starts`; `function` gives kernels'
    addresses.

    Raises PlanError when a step would leave its slots.
    """
    binder = Binder(planned, starts, item, function)
    key = planned.name, planned.batch, item, planned.scalars, tuple(planned.arrays)
    before = _kept.get(key)
    try:
        if before is None:
            raise Otherwise
        now = _again(before, binder)
    except Otherwise:
        binder = Binder(planned, starts, item, function)
        now = _from_nothing(binder)
    _kept.put(key, now)
    return binder.tape


def _from_nothing(binder: Binder) -> _Bound:
    planned = binder.planned
    made, steps = binder.run(), planned.steps()
    return _Bound(
        steps,
        [group for region in planned.regions for group in region.groups],
        _shape(planned),
        binder.whole.copy(),
        binder.first // tape.ROW_WORDS,
        made.length,
        np.array(binder.at, np.int64),
        binder.places,
        binder.guards,
        binder.marks,
        _functions(binder, steps),
    )


def _shape(planned: Planned) -> list[object]:
    """How many steps run between which control rows."""
    return [(r.guard, [len(group.steps) for group in r.groups]) for r in planned.regions]


def _functions(binder: Binder, steps: list[Step]) -> dict[str, int]:
    return {kernel: binder.function(kernel) for kernel in {step.kernel for step in steps}}


def _again(before: _Bound, binder: Binder) -> _Bound:
    """The same with the rows of other steps; Otherwise where these take other room."""
    planned = binder.planned
    steps, shape = planned.steps(), _shape(planned)
    functions = _functions(binder, steps)
    moved = any(before.functions.get(kernel, at) != at for kernel, at in functions.items())
    if moved or before.shape != shape:
        raise Otherwise
    whole = zeros(len(before.whole))
    whole[:] = before.whole
    binder.have(whole, before.rows)
    groups = [group for region in planned.regions for group in region.groups]
    marks, places = before.marks[:], before.places[:]
    first = 0
    for old, group in zip(before.groups, groups, strict=True):
        last = first + len(group.steps)
        if group is not old:
            for k in range(first, last):
                if steps[k] is not before.steps[k] or group.size != old.size:
                    marks[k] = _row(binder, before, marks[k], steps[k], group, places)
            head = binder.tape.words[marks[first].row - 1]
            head[tape.GROUP_CHUNKS] = common(group, [mark.chunks for mark in marks[first:last]])
        first = last
    for number in before.guards:
        assert planned.loss is not None
        places[number] = Address(planned.loss.buffer, planned.loss.offset)
    made = binder.settle(before.at, places)
    made.words = made.words[: before.length]
    made.rows = dict(zip(steps, [mark.row for mark in marks], strict=True))
    kept = whole.copy(), before.rows, before.length, before.at
    return _Bound(steps, groups, shape, *kept, places, before.guards, marks, functions)


def _row(
    binder: Binder,
    before: _Bound,
    mark: Mark,
    step: Step,
    group: Group,
    places: list[Address],
) -> Mark:
    """Write the row of another step where the one before it was."""
    binder.row, binder.used, links = mark.row, mark.used, len(binder.at)
    if side_words(step) != mark.used_end - mark.used:
        raise Otherwise
    chunks = binder.step(step, group)
    own = slice(mark.links, mark.links_end)
    if binder.at[links:] != before.at[own].tolist():
        raise Otherwise
    places[own] = binder.places[links:]
    return mark._replace(chunks=chunks)
