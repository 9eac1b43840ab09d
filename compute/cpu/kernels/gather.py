"""Picking rows by index: batches from a data set, embeddings, one-hot codes. Indices are int64."""

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
    get_real,
    get_word,
    load_masked,
    set_real,
    set_word,
    splat,
    store_masked,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces

NOT_A_NUMBER = 0x7FF8000000000000  # bits of a float64 NaN


@device
def put_row(y: int, count: int, value: float) -> None:
    """y[0 … count-1] = value."""
    vector = splat(value)
    for j in range(0, count, LANES):
        store_masked(y + j * ITEM, vector, first(count - j))


@device
def put_image(
    source: int, target: int, out_row: int, out_pix: int, c: int, height: int, width: int,
    known: bool,
) -> None:  # fmt: skip
    """One sample C×H×W of reals to H×W×C; NaN when the sample is not known."""
    plane = height * width * ITEM
    for y in range(height):
        line = target + y * out_row
        if known and c == 1 and out_pix == ITEM:
            copy_reals(source + y * width * ITEM, line, width)
            continue
        for x in range(width):
            pixel, at = line + x * out_pix, source + (y * width + x) * ITEM
            if not known:
                put_row(pixel, c, as_float(NOT_A_NUMBER))
            elif plane == ITEM:
                copy_reals(at, pixel, c)
            else:
                for k in range(c):
                    set_real(pixel + k * ITEM, get_real(at + k * plane))


@device
def put_ints(
    source: int, target: int, out_row: int, out_pix: int, c: int, height: int, width: int,
    known: bool,
) -> None:  # fmt: skip
    """One sample C×H×W of int64 to H×W×C; -1 when the sample is not known."""
    for y in range(height):
        for x in range(width):
            for k in range(c):
                value = get_word(source + ((k * height + y) * width + x) * 8) if known else -1
                set_word(target + y * out_row + x * out_pix + k * 8, value)


def _batch_extents(w: Any, item: int) -> Iterator[Access]:
    size = 8 if w.kind == 1 else item
    values = w.c * w.height * w.width
    yield block("data", w.data, (w.samples, w.data_sample), (values, size), item=size)
    yield block("index", w.index, (w.steps * w.batch, 8), item=8)
    dims = (w.batch, w.out_img), (w.height, w.out_row), (w.width, w.out_pix), (w.c, size)
    yield block("out", w.out, *dims, item=size, write=True)


@kernel(
    "data data_sample samples index steps out out_img out_row out_pix"
    " batch c height width kind size",
    extents=_batch_extents,
    chunks=lambda w: pieces(w.batch, w.size),
)
def gather_batch(row: int, chunk: int, tid: int, step: int) -> None:
    """out[i] = data[index[step·batch + i]] for i < batch; a chunk is `size` samples.

    data             data set, `samples` samples in canonical order C×H×W, `data_sample` bytes apart
    index, steps     int64 sample numbers for `steps` batches; beyond `steps` the kernel reads
                     nothing
    out …            NHWC image (interior address and strides); a plain row of F values is c=F, 1×1
                     pixels
    kind             0 reals, 1 int64
    A sample number outside [0, samples) gives NaN (kind 0) or -1 (kind 1).
    """
    (
        data, data_sample, samples, index, steps, out, out_img, out_row, out_pix,
        batch, c, height, width, kind, size,
    ) = unpack(row)  # fmt: skip
    for i in range(chunk * size, min(batch, (chunk + 1) * size)):
        sample = get_word(index + (step * batch + i) * 8) if 0 <= step < steps else -1
        known = 0 <= sample < samples
        source, target = data + sample * data_sample, out + i * out_img
        if kind == 1 and c * height * width == 1:
            set_word(target, get_word(source) if known else -1)
        elif kind == 0:
            put_image(source, target, out_row, out_pix, c, height, width, known)
        else:
            put_ints(source, target, out_row, out_pix, c, height, width, known)


def _rows_extents(w: Any, item: int) -> Iterator[Access]:
    yield block(
        "table", w.table, (pieces(w.m, w.per) * w.rows, w.table_row), (w.n, item), item=item
    )
    yield block("index", w.index, (w.m, 8), item=8)
    yield block("out", w.out, (w.m, w.out_row), (w.n, item), item=item, write=True)


@kernel(
    "table table_row rows index out out_row m n per size",
    extents=_rows_extents,
    chunks=lambda w: pieces(w.m, w.size),
)
def gather_rows(row: int, chunk: int, tid: int, step: int) -> None:
    """out[m,n] = table[index[m], n]; an index outside [0, rows) gives NaN; a chunk is `size` rows
    of out.

    per              so many indices name rows of the first table, as many of the next one, which
                     lies `rows` rows further, and so on
    """
    table, table_row, rows, index, out, out_row, m, n, per, size = unpack(row)
    for i in range(chunk * size, min(m, (chunk + 1) * size)):
        at = get_word(index + i * 8)
        if 0 <= at < rows:
            copy_reals(table + (i // per * rows + at) * table_row, out + i * out_row, n)
        else:
            put_row(out + i * out_row, n, as_float(NOT_A_NUMBER))


def _scatter_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("x", w.x, (w.m, w.x_row), (w.n, item), item=item)
    yield block("index", w.index, (w.m, 8), item=8)
    dims = (pieces(w.m, w.per) * w.rows, w.table_row), (w.n, item)
    yield block("table", w.table, *dims, item=item, write=True)


@kernel(
    "x x_row index table table_row rows m n per init size",
    extents=_scatter_extents,
    chunks=lambda w: pieces(pieces(w.m, w.per) * w.rows, w.size),
)
def scatter_add_rows(row: int, chunk: int, tid: int, step: int) -> None:
    """table[r,n] = init + Σ of x[i,n] over the i with index[i] = r, in order of i; `size` rows of
    table a chunk.

    per              as in gather_rows: so many x for each table
    init             0 zero, 1 the present table;  indices outside [0, rows) are left out
    """
    x, x_row, index, table, table_row, rows, m, n, per, init, size = unpack(row)
    low, high = chunk * size, min((m + per - 1) // per * rows, (chunk + 1) * size)
    if init == 0:
        for r in range(low, high):
            put_row(table + r * table_row, n, 0.0)
    # no other indices name rows of the tables that low … high-1 are in
    for i in range(low // rows * per, min(m, ((high - 1) // rows + 1) * per)):
        within = get_word(index + i * 8)
        at = i // per * rows + within
        if 0 <= within < rows and low <= at < high:
            for j in range(0, n, LANES):
                mask = first(n - j)
                target = table + at * table_row + j * ITEM
                total = load_masked(target, mask) + load_masked(x + i * x_row + j * ITEM, mask)
                store_masked(target, total, mask)


def _one_hot_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("index", w.index, (w.m, 8), item=8)
    yield block("out", w.out, (w.m, w.out_row), (w.n, item), item=item, write=True)


@kernel(
    "index out out_row m n size", extents=_one_hot_extents, chunks=lambda w: pieces(w.m, w.size)
)
def one_hot(row: int, chunk: int, tid: int, step: int) -> None:
    """out[i,j] = 1.0 where j = index[i], else 0.0; NaN for an index outside [0, n); a chunk is
    `size` rows.
    """
    index, out, out_row, m, n, size = unpack(row)
    for i in range(chunk * size, min(m, (chunk + 1) * size)):
        at = get_word(index + i * 8)
        known = 0 <= at < n
        put_row(out + i * out_row, n, 0.0 if known else as_float(NOT_A_NUMBER))
        if known:
            set_real(out + i * out_row + at * ITEM, 1.0)
