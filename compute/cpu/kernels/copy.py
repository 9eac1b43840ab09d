"""Copies that move elements without computing: transposes, strided copies of up to six dimensions,
fills.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.program import copy_reals
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    as_float,
    device,
    first,
    get_int32,
    get_real,
    get_word,
    load_masked,
    set_double,
    set_int32,
    set_real,
    set_word,
    splat,
    store_masked,
    transpose_block,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces

LARGEST_ID = 2.0**62  # a number from here on becomes no int64


@device
def transpose(x: int, x_row: int, y: int, y_row: int, m: int, n: int) -> None:
    """y[n,m] = x[m,n] transposed: whole blocks in registers, the edges one by one."""
    for i in range(0, m, LANES):
        for j in range(0, n, LANES):
            source, target = x + i * x_row + j * ITEM, y + j * y_row + i * ITEM
            if i + LANES <= m and j + LANES <= n:
                transpose_block(source, x_row, target, y_row)
                continue
            for a in range(min(LANES, m - i)):
                for b in range(min(LANES, n - j)):
                    set_real(target + b * y_row + a * ITEM, get_real(source + a * x_row + b * ITEM))


@device
def copy_line(x: int, x_step: int, y: int, y_step: int, count: int, item: int, add: int) -> None:
    """One line of a strided copy."""
    if add != 0:
        add_line(x, x_step, y, y_step, count)
    elif item == ITEM and x_step == ITEM and y_step == ITEM:
        copy_reals(x, y, count)
    elif item == ITEM and x_step == 0 and y_step == ITEM:
        value = splat(get_real(x))
        for j in range(0, count, LANES):
            store_masked(y + j * ITEM, value, first(count - j))
    elif item == 8:
        for j in range(count):
            set_word(y + j * y_step, get_word(x + j * x_step))
    else:
        for j in range(count):
            set_int32(y + j * y_step, get_int32(x + j * x_step))


@device
def add_line(x: int, x_step: int, y: int, y_step: int, count: int) -> None:
    """One line of y += x."""
    if x_step == ITEM and y_step == ITEM:
        for j in range(0, count, LANES):
            mask = first(count - j)
            total = load_masked(y + j * ITEM, mask) + load_masked(x + j * ITEM, mask)
            store_masked(y + j * ITEM, total, mask)
    else:
        for j in range(count):
            at = y + j * y_step
            set_real(at, get_real(at) + get_real(x + j * x_step))


@device
def is_transposed(d4: int, d5: int, x4: int, y5: int, item: int, add: int) -> bool:
    """Whether the two innermost dimensions are a matrix copied transposed, of some size."""
    return item == ITEM and add == 0 and x4 == ITEM and y5 == ITEM and d4 >= LANES and d5 >= LANES


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

    batch            number of matrices, x_batch and y_batch bytes apart; above 1 a chunk is `size`
                     matrices
    """
    x, x_row, y, y_row, m, n, batch, x_batch, y_batch, size = unpack(row)
    start = chunk * size
    if batch > 1:
        for i in range(start, min(batch, start + size)):
            transpose(x + i * x_batch, x_row, y + i * y_batch, y_row, m, n)
    else:
        transpose(x + start * x_row, x_row, y + start * ITEM, y_row, min(size, m - start), n)


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

    Slice, pad, concat, flatten, layout changes and broadcasts are all this kernel with other
    addresses.
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
    low, high = chunk * size, (chunk + 1) * size
    first0, last0 = (low, min(d0, high)) if split == 0 else (0, d0)
    first1, last1 = (low, min(d1, high)) if split == 1 else (0, d1)
    blocks = is_transposed(d4, d5, x4, y5, item, add)
    for i0 in range(first0, last0):
        for i1 in range(first1, last1):
            for i2 in range(d2):
                for i3 in range(d3):
                    source = x + i0 * x0 + i1 * x1 + i2 * x2 + i3 * x3
                    target = y + i0 * y0 + i1 * y1 + i2 * y2 + i3 * y3
                    if blocks:
                        transpose(source, x5, target, y4, d5, d4)
                        continue
                    for i4 in range(d4):
                        copy_line(source + i4 * x4, x5, target + i4 * y4, y5, d5, item, add)


def _fill_extents(w: Any, item: int) -> Iterator[Access]:
    dims = (w.d0, w.y0), (w.d1, w.y1), (w.d2, item)
    yield block("y", w.y, *dims, item=item, write=True)


@kernel(
    "y d0 d1 d2 y0 y1 value:f size",
    extents=_fill_extents,
    chunks=lambda w: pieces(w.d0, w.size),
)
def fill(row: int, chunk: int, tid: int, step: int) -> None:
    """y[d0,d1,d2] = value, inner dimension contiguous; y0, y1 byte strides; a chunk is `size` of
    d0.
    """
    y, d0, d1, d2, y0, y1, value_bits, size = unpack(row)
    value = splat(as_float(value_bits))
    for i in range(chunk * size, min(d0, (chunk + 1) * size)):
        for j in range(d1):
            for k in range(0, d2, LANES):
                store_masked(y + i * y0 + j * y1 + k * ITEM, value, first(d2 - k))


def _arange_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("out", w.out, (w.count, item), item=item, write=True)


@kernel("out count size", extents=_arange_extents, chunks=lambda w: pieces(w.count, w.size))
def arange(row: int, chunk: int, tid: int, step: int) -> None:
    """out[i] = i; a chunk is `size` elements."""
    out, count, size = unpack(row)
    for i in range(chunk * size, min(count, (chunk + 1) * size)):
        set_real(out + i * ITEM, float(i))


def _to_int_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("x", w.x, (w.count, item), item=item)
    yield block("out", w.out, (w.count, 8), item=8, write=True)


@kernel("x out count size", extents=_to_int_extents, chunks=lambda w: pieces(w.count, w.size))
def to_int(row: int, chunk: int, tid: int, step: int) -> None:
    """out[i] = the int64 before the point of x[i]; -1 for NaN and from 2⁶² on; a chunk is `size`
    elements.
    """
    x, out, count, size = unpack(row)
    for i in range(chunk * size, min(count, (chunk + 1) * size)):
        value = float(get_real(x + i * ITEM))
        known = -LARGEST_ID < value < LARGEST_ID
        set_word(out + i * 8, int(value) if known else -1)


def _to_real_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("x", w.x, (w.count, 8), item=8)
    yield block("out", w.out, (w.count, item), item=item, write=True)


@kernel("x out count size", extents=_to_real_extents, chunks=lambda w: pieces(w.count, w.size))
def to_real(row: int, chunk: int, tid: int, step: int) -> None:
    """out[i] = the int64 x[i] as a real; a chunk is `size` elements."""
    x, out, count, size = unpack(row)
    for i in range(chunk * size, min(count, (chunk + 1) * size)):
        set_real(out + i * ITEM, float(get_word(x + i * 8)))


def _record_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("x", w.x, item=item)
    yield block("out", w.out, (w.steps, w.out_step), item=8, write=True)


@kernel("x out out_step steps", extents=_record_extents, chunks=lambda w: 1)
def record(row: int, chunk: int, tid: int, step: int) -> None:
    """Keeps a real of every step: out + step·out_step = the real at x as a float64; one chunk.

    steps            room in `out`; later steps are not kept
    """
    x, out, out_step, steps = unpack(row)
    if 0 <= step < steps:
        set_double(out + step * out_step, get_real(x))
