"""Picking rows by index: batches from a data set, embeddings, one-hot codes. Indices are int64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.vocabulary import unpack
from compute.cpu.templates import Access, block, kernel, pieces


def _batch_extents(w: Any, item: int) -> Iterator[Access]:
    size = 8 if w.kind == 1 else item
    values = w.c * w.height * w.width
    yield block("data", w.data, (w.samples, w.data_sample), (values, size), item=size)
    yield block("index", w.index, (w.steps * w.batch, 8), item=8)
    dims = (w.batch, w.out_img), (w.height, w.out_row), (w.width, w.out_pix), (w.c, size)
    yield block("out", w.out, *dims, item=size, write=True)


@kernel(
    "data data_sample samples index steps out out_img out_row out_pix batch c height width kind size",
    extents=_batch_extents,
    chunks=lambda w: pieces(w.batch, w.size),
)
def gather_batch(row: int, chunk: int, tid: int, step: int) -> None:
    """out[i] = data[index[step·batch + i]] for i < batch; a chunk is `size` samples.

    data             data set, `samples` samples in canonical order C×H×W, `data_sample` bytes apart
    index, steps     int64 sample numbers for `steps` batches; beyond `steps` the kernel reads nothing
    out …            NHWC image (interior address and strides); a plain row of F values is c=F, 1×1 pixels
    kind             0 reals, 1 int64
    A sample number outside [0, samples) gives NaN (kind 0) or -1 (kind 1).
    """
    (
        data, data_sample, samples, index, steps, out, out_img, out_row, out_pix,
        batch, c, height, width, kind, size,
    ) = unpack(row)  # fmt: skip


def _rows_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("table", w.table, (w.rows, w.table_row), (w.n, item), item=item)
    yield block("index", w.index, (w.m, 8), item=8)
    yield block("out", w.out, (w.m, w.out_row), (w.n, item), item=item, write=True)


@kernel(
    "table table_row rows index out out_row m n size",
    extents=_rows_extents,
    chunks=lambda w: pieces(w.m, w.size),
)
def gather_rows(row: int, chunk: int, tid: int, step: int) -> None:
    """out[m,n] = table[index[m], n]; an index outside [0, rows) gives NaN; a chunk is `size` rows of out."""
    table, table_row, rows, index, out, out_row, m, n, size = unpack(row)


def _scatter_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("x", w.x, (w.m, w.x_row), (w.n, item), item=item)
    yield block("index", w.index, (w.m, 8), item=8)
    yield block("table", w.table, (w.rows, w.table_row), (w.n, item), item=item, write=True)


@kernel(
    "x x_row index table table_row rows m n init size",
    extents=_scatter_extents,
    chunks=lambda w: pieces(w.rows, w.size),
)
def scatter_add_rows(row: int, chunk: int, tid: int, step: int) -> None:
    """table[r,n] = init + Σ of x[i,n] over the i with index[i] = r, in order of i; `size` rows of table a chunk.

    init             0 zero, 1 the present table;  indices outside [0, rows) are left out
    """
    x, x_row, index, table, table_row, rows, m, n, init, size = unpack(row)


def _one_hot_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("index", w.index, (w.m, 8), item=8)
    yield block("out", w.out, (w.m, w.out_row), (w.n, item), item=item, write=True)


@kernel(
    "index out out_row m n size", extents=_one_hot_extents, chunks=lambda w: pieces(w.m, w.size)
)
def one_hot(row: int, chunk: int, tid: int, step: int) -> None:
    """out[i,j] = 1.0 where j = index[i], else 0.0; a chunk is `size` rows."""
    index, out, out_row, m, n, size = unpack(row)
