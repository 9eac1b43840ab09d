"""How far away what a step touches lies: the bytes that were touched since it was touched last.

A step of training follows the one before, so what the first rows read was touched at its end. Rows
of one group run chunk by chunk: what one of them left for the next is only a chunk away. Values
that are there at different times share memory, so places are those in the segment.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from compute.cpu.planner.schedule import Group, Region
from compute.cpu.planner.steps import Step, Touch
from compute.cpu.planner.views import Buffer

Memory = Buffer | str
Where = Mapping[Buffer, tuple[Memory, int]]  # the memory that a buffer lies in, and its byte there
WRITTEN = 1.5  # what a written byte costs: it comes, and later it goes


class Seen:
    """When each byte of a piece of memory was touched last."""

    def __init__(self) -> None:
        self._starts: list[int] = []  # of stretches, one after the other
        self._ends: list[int] = []
        self._times: list[int] = []

    def spans(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """(bytes, time) of what of it was touched at all."""
        for k in range(bisect_right(self._ends, low), bisect_left(self._starts, high)):
            yield min(high, self._ends[k]) - max(low, self._starts[k]), self._times[k]

    def touch(self, low: int, high: int, at: int) -> None:
        """From now on these bytes were touched at this time."""
        first, last = bisect_right(self._ends, low), bisect_left(self._starts, high)
        stretches = [(low, high, at)]
        if first < last and self._starts[first] < low:
            stretches.insert(0, (self._starts[first], low, self._times[first]))
        if first < last and self._ends[last - 1] > high:
            stretches.append((high, self._ends[last - 1], self._times[last - 1]))
        starts, ends, times = zip(*stretches, strict=True)
        self._starts[first:last] = starts
        self._ends[first:last] = ends
        self._times[first:last] = times


@dataclass(frozen=True)
class Traffic:
    """Bytes that a step moves, and how many others were touched since they were last."""

    bytes: float
    distance: int


def traffic(
    regions: Sequence[Region], gathers: Mapping[Step, int], where: Where = MappingProxyType({})
) -> dict[Step, list[Traffic]]:
    """What each step touches, in a training step that is not the first.

    `gathers` are bytes that a step reads from data outside the plan, which nothing has touched
    lately; `where` says which buffers share memory.
    """
    groups = [group for region in regions for group in region.groups]
    sizes = [_size(group) for group in groups]
    whole, at = sum(sizes), 0
    last: dict[Memory, Seen] = {}
    found: dict[Step, list[Traffic]] = {}
    for _ in range(2):
        for group, size in zip(groups, sizes, strict=True):
            for step in group.steps:
                found[step] = [
                    Traffic(bytes, _distance(place_of(last, t, where), t, at, group, size))
                    for t, bytes in _moved(step)
                ]
                if step in gathers:
                    found[step].append(Traffic(gathers[step], whole))
                for touch in step.touches:
                    seen, low, high = place_of(last, touch, where)
                    seen.touch(low, high, at)
            at += size
    return found


def place_of(last: dict[Memory, Seen], touch: Touch, where: Where) -> tuple[Seen, int, int]:
    """What is known of the memory that a touch lies in; the first byte there and the one behind
    the last.
    """
    memory, start = where.get(touch.buffer, (touch.buffer, 0))
    return last.setdefault(memory, Seen()), start + touch.low, start + touch.high


def _distance(place: tuple[Seen, int, int], touch: Touch, at: int, group: Group, size: int) -> int:
    """Bytes touched since, the mean over what is touched.

    Within a group it is a chunk's share of what the group touches.
    """
    left, total = touch.high - touch.low, 0.0
    seen, low, high = place
    for common, time in seen.spans(low, high):
        since = at - time
        if not since:
            chunks = -(-group.samples // group.size) if group.samples and group.size else 1
            since = size // chunks if touch.stride else size
        total += common * since
        left -= common
    return int((total + left * at) / max(1, touch.high - touch.low))


def _moved(step: Step) -> list[tuple[Touch, float]]:
    """The places of a step, each once, and the bytes that move for it."""
    places: dict[tuple[Buffer, int, int], tuple[Touch, float]] = {}
    for touch in sorted(step.touches, key=lambda touch: touch.write):
        moved = (touch.high - touch.low) * (WRITTEN if touch.write else 1.0)
        places[touch.buffer, touch.low, touch.high] = touch, moved
    return list(places.values())


def _size(group: Group) -> int:
    """Bytes that a group touches."""
    places = {(t.buffer, t.low, t.high): t.high - t.low for s in group.steps for t in s.touches}
    return sum(places.values())
