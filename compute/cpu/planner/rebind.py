"""Tapes taken up from those of before: rows of steps that were bound stay as they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from compute.backend import Array
from compute.cpu import tape
from compute.cpu.planner.bind import SIDE, Binder, Mark, Starts, Tape, common, side_words, zeros
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
        if before is not None and _stand(before, binder):
            binder = _Moving(binder, before)
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


def _stand(before: _Bound, binder: Binder) -> bool:
    """Whether the kernels lie where they did."""
    functions = _functions(binder, binder.planned.steps())
    return all(before.functions.get(kernel, at) == at for kernel, at in functions.items())


class _Moving(Binder):
    """Takes rows that were bound before, wherever they stand now."""

    def __init__(self, binder: Binder, before: _Bound) -> None:
        super().__init__(binder.planned, binder.starts, binder.item, binder.function)
        self._before = before
        self._number = {step: k for k, step in enumerate(before.steps)}
        self._group_of = [group for group in before.groups for _ in group.steps]

    def rows_of(self, group: Group) -> list[int]:
        steps, chunks = group.steps, list[int]()
        while len(chunks) < len(steps):
            coming = steps[len(chunks) :]
            first = self._number.get(coming[0])
            if first is None or self._group_of[first].size != group.size:
                chunks.append(self.marked(coming[0], group))
            else:
                chunks += self._take(first, self._last(first, coming))
        return chunks

    def _last(self, first: int, steps: Sequence[Step]) -> int:
        """Behind the steps from the first one that stood in one group and come in a row again."""
        before, group = self._before.steps, self._group_of[first]
        last = first + 1
        for step in steps[1:]:
            if last == len(before) or before[last] is not step or self._group_of[last] is not group:
                break
            last += 1
        return last

    def _take(self, first: int, last: int) -> list[int]:
        """The rows of these steps of before, which stand in a row; returns their chunks."""
        before = self._before
        marks, size = before.marks[first:last], before.rows * tape.ROW_WORDS
        row, used, links = marks[0].row, marks[0].used, marks[0].links
        used_end, links_end = marks[-1].used_end, marks[-1].links_end
        rows = before.whole[:size].reshape(before.rows, tape.ROW_WORDS)
        self.tape.words[self.row : self.row + len(marks)] = rows[row : row + len(marks)]
        self.tape.rows.update(
            zip(before.steps[first:last], range(self.row, self.row + len(marks)), strict=True)
        )
        self.tape.side[self.used : self.used + used_end - used] = before.whole[
            size + used : size + used_end
        ]
        by = Mark(self.row - row, self.used - used, self.used - used, len(self.at) - links, 0, 0)
        at = before.at[links:links_end]
        aside = self.first - size + by.used
        self.at += np.where(at < size, at + by.row * tape.ROW_WORDS, at + aside).tolist()
        self.places += [
            Address(SIDE, place.offset + 8 * by.used) if place.buffer is SIDE else place
            for place in before.places[links:links_end]
        ]
        self.marks += [
            Mark(
                mark.row + by.row,
                mark.used + by.used,
                mark.used_end + by.used,
                mark.links + by.links,
                mark.links_end + by.links,
                mark.chunks,
            )
            for mark in marks
        ]
        self.row, self.used = self.row + len(marks), self.used + used_end - used
        return [mark.chunks for mark in marks]


def _again(before: _Bound, binder: Binder) -> _Bound:
    """The same with the rows of other steps; Otherwise where these take other room."""
    planned = binder.planned
    steps, shape = planned.steps(), _shape(planned)
    functions = _functions(binder, steps)
    if before.shape != shape or not _stand(before, binder):
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
