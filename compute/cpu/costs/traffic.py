"""How far away what a step touches lies: the bytes that were touched since it was touched last.

A step of training follows the one before, so what the first rows read was touched at its end. Rows
of one group run chunk by chunk: what one of them left for the next is only a chunk away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compute.cpu.planner.schedule import Group, Region
from compute.cpu.planner.steps import Step, Touch
from compute.cpu.planner.views import Buffer

Spans = dict[tuple[int, int], int]  # first and last byte of a buffer -> when they were touched


WRITTEN = 1.5  # what a written byte costs: it comes, and later it goes


@dataclass(frozen=True)
class Traffic:
    """Bytes that a step moves, and how many others were touched since they were last."""

    bytes: float
    distance: int


def traffic(regions: Sequence[Region], gathers: Mapping[Step, int]) -> dict[Step, list[Traffic]]:
    """What each step touches, in a training step that is not the first.

    `gathers` are bytes that a step reads from data outside the plan, which nothing has touched
    lately.
    """
    groups = [group for region in regions for group in region.groups]
    sizes = [_size(group) for group in groups]
    whole, at = sum(sizes), 0
    last: dict[Buffer, Spans] = {}
    found: dict[Step, list[Traffic]] = {}
    for _ in range(2):
        for group, size in zip(groups, sizes, strict=True):
            for step in group.steps:
                found[step] = [
                    Traffic(bytes, _distance(t, last.get(t.buffer, {}), at, group, size))
                    for t, bytes in _moved(step)
                ]
                if step in gathers:
                    found[step].append(Traffic(gathers[step], whole))
                for touch in step.touches:
                    last.setdefault(touch.buffer, {})[touch.low, touch.high] = at
            at += size
    return found


def _distance(touch: Touch, spans: Spans, at: int, group: Group, size: int) -> int:
    """Bytes touched since, the mean over what is touched.

    Within a group it is a chunk's share of what the group touches.
    """
    left, total = touch.high - touch.low, 0.0
    for (low, high), seen in sorted(spans.items(), key=lambda item: -item[1]):
        common = min(left, min(high, touch.high) - max(low, touch.low))
        if common <= 0:
            continue
        since = at - seen
        if not since:
            chunks = -(-group.samples // group.size) if group.samples and group.size else 1
            since = size // chunks if touch.stride else size
        total += common * since
        left -= common
        if not left:
            break
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
