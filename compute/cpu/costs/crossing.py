"""What threads take from each other: bytes that lie in the cache of another one.

Chunks are claimed from both ends, so of what is cut into chunks the front half is with one half of
the threads, the back half with the other; a chunk that is alone may run on any of them. Where two
steps cut the same memory in the same place nothing crosses but around the middle, which is shared
out as threads become free. What all chunks read whole, every thread gets once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from compute.cpu.costs.layers import LAYERS
from compute.cpu.costs.products import PRODUCTS
from compute.cpu.costs.traffic import Memory, Seen, Where, place_of
from compute.cpu.planner.schedule import Region
from compute.cpu.planner.steps import Step, Touch


class Holder(IntEnum):
    """Who has a stretch of memory in its cache."""

    FRONT = 0  # the threads that claim from the front
    BACK = 1
    ONE = 2  # a single thread, nobody knows which
    ALL = 3


@dataclass(frozen=True)
class Crossing:
    """Bytes of a step that come from another thread, and those of one of its chunks that would if
    another thread ran it than the last time.
    """

    bytes: float
    chunk: float


def crossing(
    regions: Sequence[Region],
    chunks: Mapping[Step, int],
    threads: int,
    where: Where = MappingProxyType({}),
) -> dict[Step, Crossing]:
    """What crosses for each step, by all threads, in a training step that is not the first."""
    last: dict[Memory, Seen] = {}
    found: dict[Step, Crossing] = {}
    groups = [group for region in regions for group in region.groups]
    for _ in range(2):
        for at, group in enumerate(groups):
            for step in group.steps:
                found[step] = _step(step, chunks[step], at, last, threads, where)
    return found


def _step(
    step: Step, chunks: int, at: int, last: dict[Memory, Seen], threads: int, where: Where
) -> Crossing:
    crossed = cut = 0.0
    for touch in step.touches:
        seen, start, end = place_of(last, touch, where)
        for low, high, holder in _held(step, touch, chunks, start, end):
            for count, known in seen.spans(low, high):
                before, group = Holder(known % len(Holder)), known // len(Holder)
                own = group == at and holder is not Holder.ALL
                if not own:
                    crossed += count * _share(before, holder, touch.write, threads)
            seen.touch(low, high, at * len(Holder) + holder)
            if holder in (Holder.FRONT, Holder.BACK):
                cut += high - low
    return Crossing(crossed, cut / chunks if chunks > threads else 0.0)


def _held(
    step: Step, touch: Touch, chunks: int, low: int, high: int
) -> Iterator[tuple[int, int, Holder]]:
    """(low, high, who has it then) of the parts of what a step touches."""
    whole = step.kernel in PRODUCTS or step.kernel in LAYERS
    if chunks == 1:
        yield low, high, Holder.ONE
    elif whole and not touch.write and not touch.stride:
        yield low, high, Holder.ALL
    else:
        middle = (low + high) // 2
        parts = (low, middle, Holder.FRONT), (middle, high, Holder.BACK)
        yield from (part for part in parts if part[0] < part[1])


def _share(before: Holder, now: Holder, write: bool, threads: int) -> float:
    """Which share of the bytes crosses, counted once for every thread that gets them."""
    others = 1.0 - 1.0 / threads
    if before is Holder.ALL:
        return others if write else 0.0  # the others' copies end
    if now is Holder.ALL:
        return threads - 1.0
    if Holder.ONE in (before, now):
        return others
    return float(before is not now)
