"""Sums and maxima over axes, sums of per-chunk partials, and index of the maximum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.vocabulary import unpack
from compute.cpu.templates import Access, block, kernel, pieces

SUM, MAX = 0, 1


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
    split            0: a chunk is `size` of o0;  2: a chunk is `size` of inner (a multiple of 16 is best)
                     1: a chunk reduces `size` of r0 into y + chunk·y_chunk (partials; `sum_chunks` adds them)
    Fast when x_inner is the item size (column sums) or when x_r2 is and inner is 1 (row sums).
    The order of a sum depends only on the extents and the split.
    """
    (
        x, x_o0, x_o1, x_r0, x_r1, x_r2, x_inner, y, y_o0, y_o1, y_inner, y_chunk,
        o0, o1, r0, r1, r2, inner, op, scale_bits, init, split, size,
    ) = unpack(row)  # fmt: skip


def _sum_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("partial", w.partial, (w.parts, w.partial_chunk), (w.count, item), item=item)
    yield block("out", w.out, (w.count, item), item=item, write=True)


@kernel(
    "partial partial_chunk parts out count scale:f init size",
    extents=_sum_extents,
    chunks=lambda w: pieces(w.count, w.size),
)
def sum_chunks(row: int, chunk: int, tid: int, step: int) -> None:
    """out[i] = init + scale · Σ over parts p, in order, of partial[p][i]; a chunk is `size` elements.

    partial          `parts` arrays of `count` reals, `partial_chunk` bytes apart
    init             0 overwrite, 1 add to the present out;  out may be the first partial itself
    """
    partial, partial_chunk, parts, out, count, scale_bits, init, size = unpack(row)


def _argmax_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("x", w.x, (w.m, w.x_row), (w.n, item), item=item)
    yield block("out", w.out, (w.m, 8), item=8, write=True)


@kernel("x x_row out m n size", extents=_argmax_extents, chunks=lambda w: pieces(w.m, w.size))
def argmax(row: int, chunk: int, tid: int, step: int) -> None:
    """out[m] (int64) = index of the first maximum of each row x[m,n]; the first NaN wins; `size` rows a chunk."""
    x, x_row, out, m, n, size = unpack(row)


def _equal_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("a", w.a, (w.count, 8), item=8)
    yield block("b", w.b, (w.count, 8), item=8)
    yield block("out", w.out, (w.count, item), item=item, write=True)


@kernel("a b out count size", extents=_equal_extents, chunks=lambda w: pieces(w.count, w.size))
def equal_int(row: int, chunk: int, tid: int, step: int) -> None:
    """out[i] = 1.0 where the int64 arrays a and b agree, else 0.0; a chunk is `size` elements."""
    a, b, out, count, size = unpack(row)
