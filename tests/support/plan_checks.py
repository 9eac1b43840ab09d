"""What must hold of every plan, whatever it computes: no hazards, no shared memory in use twice."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from compute.cpu.planner.program import Planned
from compute.cpu.planner.schedule import Group
from compute.cpu.planner.steps import Step, Touch
from compute.cpu.planner.views import Buffer


def check_plan(planned: Planned) -> None:
    """Raises AssertionError where threads could see each other's half-done work."""
    where = planned.where
    for region in planned.regions:
        for one, two in combinations(region.groups, 2):
            for first in one.steps:
                for second in two.steps:
                    assert not list(_conflicts(first, second, where)), (first.kernel, second.kernel)
        for group in region.groups:
            for first, second in combinations(group.steps, 2):
                for mine, theirs in _conflicts(first, second, where):
                    assert _sliced(group, mine, theirs, where), (first.kernel, second.kernel)
    _check_order(planned)
    _check_memory(planned)


Where = Mapping[Buffer, tuple[Buffer | str, int]]


def _place(touch: Touch, where: Where) -> tuple[Buffer | str, int, int]:
    memory, start = where.get(touch.buffer, (touch.buffer, 0))
    return memory, start + touch.low, start + touch.high


def _conflicts(first: Step, second: Step, where: Where) -> list[tuple[Touch, Touch]]:
    """Touches of the same bytes, one of them a write."""
    found = []
    for mine in first.touches:
        for theirs in second.touches:
            segment, low, high = _place(mine, where)
            other, start, end = _place(theirs, where)
            if (mine.write or theirs.write) and segment == other and low < end and start < high:
                found.append((mine, theirs))
    return found


def _sliced(group: Group, mine: Touch, theirs: Touch, where: Where) -> bool:
    """Whether slice i of one meets only slice i of the other."""
    if not mine.stride or mine.stride != theirs.stride:
        return False
    memory, low, _ = _place(mine, where)
    other, start, _ = _place(theirs, where)
    if memory is not other:
        return False
    for distance in (1, group.samples - 1):
        high = low + mine.span
        for sign in (-1, 1):
            slice = start + sign * distance * theirs.stride
            if distance and low < slice + theirs.span and slice < high:
                return False
    return True


def _check_order(planned: Planned) -> None:
    """A buffer is written before it is read; nothing is written again after it was read."""
    written: set[Buffer] = set()
    for step in planned.steps():
        for touch in step.touches:
            transient = touch.buffer.segment == "transient"
            if transient and not touch.write:
                assert touch.buffer in written, f"{step.kernel} reads what nothing has written"
        written.update(t.buffer for t in step.touches if t.write)


def _check_memory(planned: Planned) -> None:
    """Buffers in the same bytes are in use in different regions, or are images of one geometry."""
    spans: dict[Buffer, list[int]] = {}
    for number, region in enumerate(planned.regions):
        for step in (step for group in region.groups for step in group.steps):
            for touch in step.touches:
                if touch.buffer.segment == "transient":
                    spans.setdefault(touch.buffer, []).append(number)
    for view in planned.arrays.values():
        if view.buffer.segment == "transient":
            spans.setdefault(view.buffer, []).append(len(planned.regions))
    at = planned.offsets
    for one, two in combinations(spans, 2):
        apart = at[one] + one.size <= at[two] or at[two] + two.size <= at[one]
        if apart:
            continue
        bordered = one.lasting or two.lasting
        assert not bordered or (one.geometry == two.geometry and at[one] == at[two])
        ends = max(spans[one]) < min(spans[two]) or max(spans[two]) < min(spans[one])
        assert ends, "two buffers in use at once share memory"
