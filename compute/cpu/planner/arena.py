"""Where transient buffers lie: memory is reused between regions, never inside one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from compute.cpu.planner.schedule import Region
from compute.cpu.planner.views import Buffer, aligned

ALIGNMENT = 64


def place(regions: Sequence[Region], kept: Collection[Buffer]) -> tuple[int, list[Buffer]]:
    """Give every transient buffer an offset; returns the bytes of the segment and the buffers.

    `kept` buffers are read after the last step and live to the end. A bordered image shares its
    memory only with images of the same geometry, so that the zeros around it stay, unless steps
    clear them.
    """
    spans = _lifetimes(regions, kept)
    order = sorted(spans, key=lambda buffer: -buffer.size)
    placed, total = _Placed(len(order)), 0
    rooms: dict[tuple[int, ...], list[list[tuple[int, int, Buffer]]]] = {}
    for buffer in order:
        first, last = spans[buffer]
        if buffer.lasting:
            room = _room(rooms.setdefault((buffer.size, *buffer.geometry), []), first, last)
            if room:
                buffer.offset = room[0][2].offset
                room.append((first, last, buffer))
                continue
            rooms[buffer.size, *buffer.geometry].append([(first, last, buffer)])
            first, last = 0, len(regions)
        size = aligned(buffer.size, ALIGNMENT)
        offset = buffer.offset = placed.gap(first, last, size)
        placed.add(first, last, offset, offset + size)
        total = max(total, offset + size)
    return total, order


def _lifetimes(
    regions: Sequence[Region], kept: Collection[Buffer]
) -> dict[Buffer, tuple[int, int]]:
    spans: dict[Buffer, tuple[int, int]] = {}
    for index, region in enumerate(regions):
        for group in region.groups:
            for step in group.steps:
                for touch in step.touches:
                    if touch.buffer.segment == "transient":
                        first, _ = spans.get(touch.buffer, (index, index))
                        spans[touch.buffer] = (first, index)
    for buffer in kept:
        if buffer.segment == "transient":
            first, _ = spans.get(buffer, (0, 0))
            spans[buffer] = (first, len(regions))
    return spans


def _room(
    rooms: list[list[tuple[int, int, Buffer]]], first: int, last: int
) -> list[tuple[int, int, Buffer]] | None:
    """Memory of one geometry that is free from `first` to `last`."""
    for room in rooms:
        if all(last < low or high < first for low, high, _ in room):
            return room
    return None


class _Placed:
    """Stretches of the segment that are taken, each from a first to a last region."""

    def __init__(self, most: int) -> None:
        self._all = np.empty((4, most), np.int64)  # first, last, low, high; sorted by low
        self._first, self._last, self._low, self._high = self._all
        self._count = 0

    def add(self, first: int, last: int, low: int, high: int) -> None:
        """Take the bytes from `low` to `high`."""
        at, end = int(self._low[: self._count].searchsorted(low)), self._count
        self._all[:, at + 1 : end + 1] = self._all[:, at:end]
        self._all[:, at] = first, last, low, high
        self._count += 1

    def gap(self, first: int, last: int, size: int) -> int:
        """The lowest offset where `size` bytes are free from region `first` to `last`."""
        n = self._count
        meets = np.flatnonzero((self._first[:n] <= last) & (self._last[:n] >= first))
        if not len(meets):
            return 0
        low, ends = self._low.take(meets), np.maximum.accumulate(self._high.take(meets))
        if low[0] >= size:
            return 0
        fits = low[1:] - ends[:-1] >= size
        place = int(fits.argmax()) if len(fits) else 0
        return int(ends[place] if len(fits) and fits[place] else ends[-1])
