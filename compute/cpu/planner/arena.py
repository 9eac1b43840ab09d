"""Where transient buffers lie: memory is reused between regions, never inside one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

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
    placed: list[tuple[int, int, int, int]] = []  # first, last region, low, high
    total = 0
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
        offset = _gap(placed, first, last, size)
        buffer.offset = offset
        placed.append((first, last, offset, offset + size))
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


def _gap(placed: Sequence[tuple[int, int, int, int]], first: int, last: int, size: int) -> int:
    """The lowest offset where `size` bytes are free from region `first` to `last`."""
    taken = sorted(
        (low, high) for start, end, low, high in placed if not (last < start or end < first)
    )
    offset = 0
    for low, high in taken:
        if low - offset >= size:
            break
        offset = max(offset, high)
    return offset
