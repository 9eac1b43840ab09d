"""Softmax over rows and cross-entropy from logits, stable for large inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.vocabulary import unpack
from compute.cpu.templates import Access, block, kernel, pieces


def _entropy_extents(w: Any, item: int) -> Iterator[Access]:
    n = (w.n, item)
    yield block("logits", w.logits, (w.m, w.logits_row), n, item=item)
    yield block("labels", w.labels, (w.m, 8), item=8)
    yield block("loss", w.loss, (w.m, item), item=item, write=True)
    yield block("grad", w.grad, (w.m, w.grad_row), item=item)
    yield block("dlogits", w.dlogits, (w.m, w.dlogits_row), n, item=item, write=True)


def _rows(w: Any) -> int:
    return pieces(w.m, w.size)


@kernel(
    "logits logits_row labels loss grad grad_row dlogits dlogits_row m n scale:f size",
    extents=_entropy_extents,
    chunks=_rows,
)
def softmax_cross_entropy(row: int, chunk: int, tid: int, step: int) -> None:
    """Cross-entropy of each row and its gradient in one pass; a chunk is `size` rows.

    logits           [m,n], rows contiguous;  labels  int64 [m]
    loss             [m] reals: log Σ exp(logits) - logits[label], not scaled; or 0
    grad, grad_row   gradient to loss[i], a real at grad + i·grad_row (grad_row 0: one for all); 0 means 1
    dlogits          [m,n] = (softmax - onehot) · scale · grad; or 0; may be the logits themselves
    A label outside [0,n) gives a NaN loss and a NaN row of dlogits.
    """
    (
        logits, logits_row, labels, loss, grad, grad_row, dlogits, dlogits_row, m, n, scale_bits,
        size,
    ) = unpack(row)  # fmt: skip


def _softmax_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("x", w.x, (w.m, w.x_row), (w.n, item), item=item)
    yield block("y", w.y, (w.m, w.y_row), (w.n, item), item=item, write=True)


@kernel("x x_row y y_row m n logarithm size", extents=_softmax_extents, chunks=_rows)
def softmax(row: int, chunk: int, tid: int, step: int) -> None:
    """y = softmax of each row of x[m,n] (logarithm 0) or its logarithm (logarithm 1); y may be x; `size` rows a chunk."""
    x, x_row, y, y_row, m, n, logarithm, size = unpack(row)


def _softmax_dx_extents(w: Any, item: int) -> Iterator[Access]:
    n = (w.n, item)
    yield block("y", w.y, (w.m, w.y_row), n, item=item)
    yield block("dy", w.dy, (w.m, w.dy_row), n, item=item)
    yield block("dx", w.dx, (w.m, w.dx_row), n, item=item, write=True)


@kernel("y y_row dy dy_row dx dx_row m n logarithm size", extents=_softmax_dx_extents, chunks=_rows)
def softmax_dx(row: int, chunk: int, tid: int, step: int) -> None:
    """Gradient through softmax (logarithm 0) or log-softmax (logarithm 1) from its output y; `size` rows a chunk.

    logarithm 0: dx = y · (dy - Σ y·dy);  logarithm 1: dx = dy - exp(y) · Σ dy.  dx may be dy.
    """
    y, y_row, dy, dy_row, dx, dx_row, m, n, logarithm, size = unpack(row)
