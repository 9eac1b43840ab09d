"""Where transient buffers lie: memory is reused between regions, never inside one."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence

import numpy as np

from compute.cpu.planner.schedule import Region
from compute.cpu.planner.views import Buffer, aligned

ALIGNMENT = 64
Spans = dict[Buffer, tuple[int, int]]


def place(spans: Spans, regions: int) -> tuple[int, dict[Buffer, int]]:
    """Offsets of transient buffers in use from the one region to the other, of so many; and the
    bytes of the segment before them.

    A bordered image shares its
    memory only with images of the same geometry, so that the zeros around it stay, unless steps
    clear them.
    """
    order = sorted(spans, key=lambda buffer: -buffer.size)
    alike: dict[tuple[int, int, int], list[Buffer]] = {}
    placed = _Placed(len(order))
    rooms: dict[tuple[int, ...], list[list[tuple[int, int, Buffer]]]] = {}
    for buffer in order:
        first, last = spans[buffer]
        if buffer.lasting:
            room = _room(rooms.setdefault((buffer.size, *buffer.geometry), []), first, last)
            if room:
                room.append((first, last, buffer))
                continue
            rooms[buffer.size, *buffer.geometry].append([(first, last, buffer)])
            first, last = 0, regions
        alike.setdefault((buffer.size, first, last), []).append(buffer)
    found = dict.fromkeys(order, 0)
    for (size, first, last), buffers in alike.items():
        starts = placed.take(first, last, aligned(size, ALIGNMENT), len(buffers))
        found.update(zip(buffers, starts, strict=True))
    for same in rooms.values():
        for room in same:
            for _, _, buffer in room[1:]:
                found[buffer] = found[room[0][2]]
    return placed.end, found


def lifetimes(regions: Sequence[Region], kept: Collection[Buffer]) -> Spans:
    """The first and last region that uses each transient buffer.

    `kept` buffers are read after the last step and live to the end.
    """
    spans: Spans = {}
    for index, region in enumerate(regions):
        for group in region.groups:
            for step in group.steps:
                for touch in step.touches:
                    buffer = touch[0]
                    if buffer.segment == "transient":
                        span = spans.get(buffer)
                        spans[buffer] = (index if span is None else span[0], index)
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
        self._count = self.end = 0

    def take(self, first: int, last: int, size: int, count: int) -> list[int]:
        """The lowest offsets where stretches of `size` bytes are free from region `first` to
        `last`; they are taken.
        """
        found: list[int] = []
        for low, high in self._gaps(first, last):
            fit = min(count - len(found), (high - low) // size)
            if fit > 0:
                found += range(low, low + fit * size, size)
                self._add(first, last, low, low + fit * size)
            if len(found) == count:
                break
        return found

    def _add(self, first: int, last: int, low: int, high: int) -> None:
        """Take the bytes from `low` to `high`."""
        at, end = int(self._low[: self._count].searchsorted(low)), self._count
        self._all[:, at + 1 : end + 1] = self._all[:, at:end]
        self._all[:, at] = first, last, low, high
        self._count += 1
        self.end = max(self.end, high)

    def _gaps(self, first: int, last: int) -> list[tuple[int, int]]:
        """What is free from region `first` to `last`, the lowest stretch first; the last one has no
        end.
        """
        n = self._count
        meets = np.flatnonzero((self._first[:n] <= last) & (self._last[:n] >= first))
        if not len(meets):
            return [(0, sys.maxsize)]
        low, ends = self._low.take(meets), np.maximum.accumulate(self._high.take(meets))
        free = np.flatnonzero(low[1:] > ends[:-1])
        starts, stops = [0, *ends[free].tolist()], [int(low[0]), *low[free + 1].tolist()]
        return [*zip(starts, stops, strict=True), (int(ends[-1]), sys.maxsize)]
