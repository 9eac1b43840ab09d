"""Copies that move elements without computing: transposes, strided copies of up to six dimensions, fills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.vocabulary import unpack
from compute.cpu.templates import Access, block, kernel, pieces


def _transpose_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("x", w.x, (w.batch, w.x_batch), (w.m, w.x_row), (w.n, item), item=item)
    yield block("y", w.y, (w.batch, w.y_batch), (w.n, w.y_row), (w.m, item), item=item, write=True)


@kernel(
    "x x_row y y_row m n batch x_batch y_batch size",
    extents=_transpose_extents,
    chunks=lambda w: pieces(w.batch if w.batch > 1 else w.m, w.size),
)
def transpose2d(row: int, chunk: int, tid: int, step: int) -> None:
    """y[n,m] = x[m,n] transposed, rows contiguous on both sides; a chunk is `size` rows of x.

    batch            number of matrices, x_batch and y_batch bytes apart; above 1 a chunk is `size` matrices
    """
    x, x_row, y, y_row, m, n, batch, x_batch, y_batch, size = unpack(row)


def _permute_extents(w: Any, item: int) -> Iterator[Access]:
    extents = [getattr(w, f"d{i}") for i in range(6)]
    for name in ("x", "y"):
        strides = [getattr(w, f"{name}{i}") for i in range(6)]
        dims = zip(extents, strides, strict=True)
        yield block(name, getattr(w, name), *dims, item=w.item, write=name == "y")


@kernel(
    "x y d0 d1 d2 d3 d4 d5 x0 x1 x2 x3 x4 x5 y0 y1 y2 y3 y4 y5 item add split size",
    extents=_permute_extents,
    chunks=lambda w: pieces(w.d1 if w.split else w.d0, w.size),
)
def permute(row: int, chunk: int, tid: int, step: int) -> None:
    """y[i0,…,i5] = x[i0,…,i5] for i < d, any byte strides (x stride 0 broadcasts).

    Slice, pad, concat, flatten, layout changes and broadcasts are all this kernel with other addresses.
    d0 … d5          extents, innermost last; a missing dimension has extent 1 (put them in front)
    x0 …, y0 …       byte strides
    item             bytes of an element: the real's size, or 8 for int64
    add              0 overwrite, 1 add to the present y (reals only)
    split, size      chunks of `size` of d0 (split 0) or of d1 (split 1)
    """
    (
        x, y, d0, d1, d2, d3, d4, d5, x0, x1, x2, x3, x4, x5, y0, y1, y2, y3, y4, y5,
        item, add, split, size,
    ) = unpack(row)  # fmt: skip


def _fill_extents(w: Any, item: int) -> Iterator[Access]:
    dims = (w.d0, w.y0), (w.d1, w.y1), (w.d2, item)
    yield block("y", w.y, *dims, item=item, write=True)


@kernel(
    "y d0 d1 d2 y0 y1 value:f size",
    extents=_fill_extents,
    chunks=lambda w: pieces(w.d0, w.size),
)
def fill(row: int, chunk: int, tid: int, step: int) -> None:
    """y[d0,d1,d2] = value, inner dimension contiguous; y0, y1 byte strides; a chunk is `size` of d0."""
    y, d0, d1, d2, y0, y1, value_bits, size = unpack(row)
