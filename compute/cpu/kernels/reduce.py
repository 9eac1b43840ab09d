"""Sums and maxima over axes, sums of per-chunk partials, and index of the maximum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    LEAST,
    VECTOR,
    Vector,
    as_float,
    device,
    first,
    get_real,
    get_word,
    lane_max,
    lane_sum,
    load,
    load_masked,
    maximum,
    select,
    set_real,
    set_word,
    splat,
    store_masked,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces

SUM, MAX = 0, 1

# A long sum is a cascade: runs of so many numbers are summed, so many runs, and the sums of those.
# Rounding errors then grow with the run and the number of runs, not with the length of the sum.
RUN = 64


@device
def columns_sum(x: int, r0: int, s0: int, r1: int, s1: int, r2: int, s2: int, lanes: int) -> Vector:
    """Σ over r0, r1, r2 of the `lanes` reals at x: a cascade of runs, each two accumulators by
    turns.
    """
    if r2 == 1:
        r1, s1, r2, s2 = 1, 0, r1, s1
    if r2 == 1:
        r0, s0, r2, s2 = 1, 0, r0, s0
    mask, zero = first(lanes), splat(0.0)
    even, odd, near, far = zero, zero, zero, zero
    room, runs = RUN, RUN
    for i0 in range(r0):
        for i1 in range(r1):
            at = x + i0 * s0 + i1 * s1
            left = r2
            while left > 0:
                rows = min(left, room)
                for _ in range(rows // 2):
                    even = even + load_masked(at, mask)
                    odd = odd + load_masked(at + s2, mask)
                    at += 2 * s2
                if rows % 2 != 0:
                    even = even + load_masked(at, mask)
                    at += s2
                left -= rows
                room -= rows
                if room == 0:
                    near, even, odd, room, runs = near + (even + odd), zero, zero, RUN, runs - 1
                    if runs == 0:
                        far, near, runs = far + near, zero, RUN
    return far + (near + (even + odd))


@device
def columns_max(x: int, r0: int, s0: int, r1: int, s1: int, r2: int, s2: int, lanes: int) -> Vector:
    """Largest over r0, r1, r2 of the `lanes` reals at x."""
    mask = first(lanes)
    top = splat(LEAST)
    for i0 in range(r0):
        for i1 in range(r1):
            for i2 in range(r2):
                top = maximum(top, load_masked(x + i0 * s0 + i1 * s1 + i2 * s2, mask))
    return top


@device
def row_sum(x: int, r0: int, s0: int, r1: int, s1: int, r2: int) -> float:
    """Σ over r0, r1 and r2 contiguous reals: as columns_sum with vectors for rows, then lanes."""
    zero = splat(0.0)
    even, odd, near, far = zero, zero, zero, zero
    room, runs = RUN, RUN
    for i0 in range(r0):
        for i1 in range(r1):
            at = x + i0 * s0 + i1 * s1
            left = r2
            while left > 0:
                vectors = min((left + LANES - 1) // LANES, room)
                pairs = min(left, vectors * LANES) // (2 * LANES)
                for _ in range(pairs):
                    even = even + load(at)
                    odd = odd + load(at + VECTOR)
                    at += 2 * VECTOR
                left -= 2 * LANES * pairs
                for _ in range(vectors - 2 * pairs):
                    even = even + load_masked(at, first(left))
                    at += VECTOR
                    left -= LANES
                room -= vectors
                if room == 0:
                    near, even, odd, room, runs = near + (even + odd), zero, zero, RUN, runs - 1
                    if runs == 0:
                        far, near, runs = far + near, zero, RUN
    return lane_sum(far + (near + (even + odd)))


@device
def row_max(x: int, r0: int, s0: int, r1: int, s1: int, r2: int) -> float:
    """Largest over r0, r1 and r2 contiguous reals."""
    top = splat(LEAST)
    for i0 in range(r0):
        for i1 in range(r1):
            for j in range(0, r2, LANES):
                mask = first(r2 - j)
                value = load_masked(x + i0 * s0 + i1 * s1 + j * ITEM, mask)
                top = maximum(top, select(mask, value, top))
    return lane_max(top)


@device
def one_by_one(x: int, r0: int, s0: int, r1: int, s1: int, r2: int, s2: int, op: int) -> float:
    """Sum (in double precision) or maximum over r0, r1, r2 with any strides."""
    total, top = 0.0, splat(LEAST)
    for i0 in range(r0):
        for i1 in range(r1):
            for i2 in range(r2):
                value = get_real(x + i0 * s0 + i1 * s1 + i2 * s2)
                total += value
                top = maximum(top, splat(value))
    return total if op == SUM else lane_max(top)


@device
def put(y: int, value: float, op: int, scale: float, init: int) -> None:
    """Stores one result."""
    result = splat(value)
    if op == SUM:
        result = result * splat(scale)
    if init != 0:
        before = splat(get_real(y))
        result = before + result if op == SUM else maximum(before, result)
    set_real(y, lane_max(result))


@device
def put_columns(y: int, value: Vector, lanes: int, op: int, scale: float, init: int) -> None:
    """Stores `lanes` results side by side."""
    mask = first(lanes)
    if op == SUM:
        value = value * splat(scale)
    if init != 0:
        before = load_masked(y, mask)
        value = before + value if op == SUM else maximum(before, value)
    store_masked(y, value, mask)


def _reduce_extents(w: Any, item: int) -> Iterator[Access]:
    kept = (w.o0, w.x_o0), (w.o1, w.x_o1), (w.inner, w.x_inner)
    reduced = (w.r0, w.x_r0), (w.r1, w.x_r1), (w.r2, w.x_r2)
    yield block("x", w.x, *kept, *reduced, item=item)
    out = (w.o0, w.y_o0), (w.o1, w.y_o1), (w.inner, w.y_inner)
    parts = pieces(w.r0, w.size) if w.split == 1 else 1
    yield block("y", w.y, (parts, w.y_chunk), *out, item=item, write=True)


def _reduce_chunks(w: Any) -> int:
    return pieces((w.o0, w.r0, w.inner)[w.split], w.size)


@kernel(
    "x x_o0 x_o1 x_r0 x_r1 x_r2 x_inner  y y_o0 y_o1 y_inner y_chunk"
    "  o0 o1 r0 r1 r2 inner  op scale:f init split size",
    extents=_reduce_extents,
    chunks=_reduce_chunks,
)
def reduce(row: int, chunk: int, tid: int, step: int) -> None:
    """y[o0,o1,inner] = scale · sum (or max) of x[o0,o1,r0,r1,r2,inner] over r0, r1, r2.

    x_… , y_…        byte strides of each dimension; any values; a missing dimension has extent 1
    op               0 sum, 1 max (NaN wins);  scale multiplies the result of a sum
    init             0 overwrite y, 1 combine with the present y (after scaling)
    split            0: a chunk is `size` of o0;  2: a chunk is `size` of inner (a multiple of 16 is
                     best) 1: a chunk reduces `size` of r0 into y + chunk·y_chunk (partials;
                     `sum_chunks` adds them)
    Fast when x_inner is the item size (column sums) or when x_r2 is and inner is 1 (row sums).
    The order of a sum depends only on the extents and the split.
    """
    (
        x, x_o0, x_o1, x_r0, x_r1, x_r2, x_inner, y, y_o0, y_o1, y_inner, y_chunk,
        o0, o1, r0, r1, r2, inner, op, scale_bits, init, split, size,
    ) = unpack(row)  # fmt: skip
    scale, start = as_float(scale_bits), chunk * size
    if split == 0:
        x, y, o0 = x + start * x_o0, y + start * y_o0, min(size, o0 - start)
    elif split == 1:
        x, y, r0 = x + start * x_r0, y + chunk * y_chunk, min(size, r0 - start)
    else:
        x, y, inner = x + start * x_inner, y + start * y_inner, min(size, inner - start)
    columns = x_inner == ITEM and y_inner == ITEM
    for i0 in range(o0):
        for i1 in range(o1):
            source, target = x + i0 * x_o0 + i1 * x_o1, y + i0 * y_o0 + i1 * y_o1
            j = 0
            while j < inner:
                at, to = source + j * x_inner, target + j * y_inner
                if inner > 1 and columns:
                    lanes = min(LANES, inner - j)
                    if op == SUM:
                        value = columns_sum(at, r0, x_r0, r1, x_r1, r2, x_r2, lanes)
                    else:
                        value = columns_max(at, r0, x_r0, r1, x_r1, r2, x_r2, lanes)
                    put_columns(to, value, lanes, op, scale, init)
                    j += LANES
                    continue
                if x_r2 != ITEM:
                    found = one_by_one(at, r0, x_r0, r1, x_r1, r2, x_r2, op)
                elif op == SUM:
                    found = row_sum(at, r0, x_r0, r1, x_r1, r2)
                else:
                    found = row_max(at, r0, x_r0, r1, x_r1, r2)
                put(to, found, op, scale, init)
                j += 1


def _sum_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("partial", w.partial, (w.parts, w.partial_chunk), (w.count, item), item=item)
    yield block("out", w.out, (w.count, item), item=item, write=True)


@kernel(
    "partial partial_chunk parts out count scale:f init size",
    extents=_sum_extents,
    chunks=lambda w: pieces(w.count, w.size),
)
def sum_chunks(row: int, chunk: int, tid: int, step: int) -> None:
    """out[i] = init + scale · Σ over parts p, in order, of partial[p][i]; a chunk is `size`
    elements.

    partial          `parts` arrays of `count` reals, `partial_chunk` bytes apart
    init             0 overwrite, 1 add to the present out;  out may be the first partial itself
    """
    partial, partial_chunk, parts, out, count, scale_bits, init, size = unpack(row)
    scale = splat(as_float(scale_bits))
    stop = min(count, (chunk + 1) * size)
    for j in range(chunk * size, stop, LANES):
        mask = first(stop - j)
        total = load_masked(partial + j * ITEM, mask)
        for p in range(1, parts):
            total = total + load_masked(partial + p * partial_chunk + j * ITEM, mask)
        total = total * scale
        if init != 0:
            total = load_masked(out + j * ITEM, mask) + total
        store_masked(out + j * ITEM, total, mask)


def _argmax_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("x", w.x, (w.m, w.x_row), (w.n, item), item=item)
    yield block("out", w.out, (w.m, 8), item=8, write=True)


@kernel("x x_row out m n size", extents=_argmax_extents, chunks=lambda w: pieces(w.m, w.size))
def argmax(row: int, chunk: int, tid: int, step: int) -> None:
    """out[m] (int64) = index of the first maximum of each row x[m,n]; the first NaN wins; `size`
    rows a chunk.
    """
    x, x_row, out, m, n, size = unpack(row)
    for i in range(chunk * size, min(m, (chunk + 1) * size)):
        best, top = 0, get_real(x + i * x_row)
        for j in range(1, n):
            value = get_real(x + i * x_row + j * ITEM)
            if top == top and not value <= top:
                best, top = j, value
        set_word(out + i * 8, best)


def _equal_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("a", w.a, (w.count, 8), item=8)
    yield block("b", w.b, (w.count, 8), item=8)
    yield block("out", w.out, (w.count, item), item=item, write=True)


@kernel("a b out count size", extents=_equal_extents, chunks=lambda w: pieces(w.count, w.size))
def equal_int(row: int, chunk: int, tid: int, step: int) -> None:
    """out[i] = 1.0 where the int64 arrays a and b agree, else 0.0; a chunk is `size` elements."""
    a, b, out, count, size = unpack(row)
    for i in range(chunk * size, min(count, (chunk + 1) * size)):
        set_real(out + i * ITEM, 1.0 if get_word(a + i * 8) == get_word(b + i * 8) else 0.0)
