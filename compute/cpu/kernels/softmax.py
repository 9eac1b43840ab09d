"""Softmax over rows and cross-entropy from logits, stable for large inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    LEAST,
    Stack,
    as_float,
    both,
    device,
    exponential,
    first,
    fma,
    get_real,
    get_word,
    greater,
    lane_sum,
    lane_top,
    load,
    load_masked,
    natural_log,
    select,
    set_real,
    splat,
    store_masked,
    unpack,
    without,
)
from compute.cpu.templates import Access, block, kernel, pieces

NOT_A_NUMBER = 0x7FF8000000000000  # bits of a float64 NaN


@device
def log_of(value: float) -> float:
    """Logarithm of one number, by the same code as of a vector."""
    return lane_top(natural_log(splat(value)))


@device
def row_top(x: int, n: int) -> float:
    """Largest of n reals, NaN left aside: it shows in the sum of exponentials anyway."""
    top = splat(LEAST)
    for j in range(0, n, LANES):
        mask = first(n - j)
        value = load_masked(x + j * ITEM, mask)
        top = select(both(mask, greater(value, top)), value, top)
    return lane_top(top)


@device
def row_exp(x: int, y: int, n: int, top: float) -> float:
    """y = exp(x - top) unless y is 0; the sum of it."""
    shift, total, zero = splat(top), splat(0.0), splat(0.0)
    for j in range(0, n, LANES):
        mask = first(n - j)
        power = exponential(load_masked(x + j * ITEM, mask) - shift)
        total = total + select(mask, power, zero)
        if y != 0:
            store_masked(y + j * ITEM, power, mask)
    return lane_sum(total)


@device
def row_scale(y: int, n: int, factor: float) -> None:
    """y = y · factor."""
    scale = splat(factor)
    for j in range(0, n, LANES):
        mask = first(n - j)
        store_masked(y + j * ITEM, load_masked(y + j * ITEM, mask) * scale, mask)


@device
def row_shift(x: int, y: int, n: int, offset: float) -> None:
    """y = x - offset."""
    shift = splat(offset)
    for j in range(0, n, LANES):
        mask = first(n - j)
        store_masked(y + j * ITEM, load_masked(x + j * ITEM, mask) - shift, mask)


TOTALS, OFFSETS = Stack(64), Stack(64)


@device
def one_vector(x: int, y: int, n: int, label: int, factor: float) -> tuple[float, float]:
    """A row of one vector: y = (softmax - onehot) · factor unless y is 0; its top and sum."""
    mask, zero = first(n), splat(0.0)
    value = load_masked(x, mask)
    top = lane_top(select(mask, value, splat(LEAST)))
    power = select(mask, exponential(value - splat(top)), zero)
    total = lane_sum(power)
    if y != 0:
        lane = without(first(label + 1), first(label))
        result = power * splat(factor / total) - select(lane, splat(factor), zero)
        store_masked(y, result, mask)
    return top, total


@device
def many_vectors(x: int, y: int, n: int, label: int, factor: float) -> tuple[float, float]:
    """As one_vector, for any length."""
    top = row_top(x, n)
    total = row_exp(x, y, n, top)
    if y != 0:
        row_scale(y, n, factor / total)
        if 0 <= label < n:
            set_real(y + label * ITEM, get_real(y + label * ITEM) - factor)
    return top, total


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
    grad, grad_row   gradient to loss[i], a real at grad + i·grad_row (grad_row 0: one for all); 0
                     means 1
    dlogits          [m,n] = (softmax - onehot) · scale · grad; or 0; may be the logits themselves
    A label outside [0,n) gives a NaN loss and a NaN row of dlogits.
    """
    (
        logits, logits_row, labels, loss, grad, grad_row, dlogits, dlogits_row, m, n, scale_bits,
        size,
    ) = unpack(row)  # fmt: skip
    scale, wrong = as_float(scale_bits), as_float(NOT_A_NUMBER)
    totals, offsets = TOTALS(), OFFSETS()
    stop = min(m, (chunk + 1) * size)
    for start in range(chunk * size, stop, LANES):
        rows = min(LANES, stop - start)
        for r in range(rows):
            i = start + r
            x, y = logits + i * logits_row, (dlogits + i * dlogits_row if dlogits != 0 else 0)
            label = get_word(labels + i * 8)
            known = 0 <= label < n
            factor = scale * get_real(grad + i * grad_row) if grad != 0 else scale
            chosen = get_real(x + label * ITEM) if known else wrong
            if n <= LANES:
                top, total = one_vector(x, y, n, label, factor if known else wrong)
            else:
                top, total = many_vectors(x, y, n, label, factor if known else wrong)
            set_real(totals + r * ITEM, total)
            set_real(offsets + r * ITEM, top - chosen)
        if loss != 0:
            value = natural_log(load(totals)) + load(offsets)
            store_masked(loss + start * ITEM, value, first(rows))


def _softmax_extents(w: Any, item: int) -> Iterator[Access]:
    yield block("x", w.x, (w.m, w.x_row), (w.n, item), item=item)
    yield block("y", w.y, (w.m, w.y_row), (w.n, item), item=item, write=True)


@kernel("x x_row y y_row m n logarithm size", extents=_softmax_extents, chunks=_rows)
def softmax(row: int, chunk: int, tid: int, step: int) -> None:
    """y = softmax of each row of x[m,n] (logarithm 0) or its logarithm (logarithm 1); y may be x;
    `size` rows a chunk.
    """
    x, x_row, y, y_row, m, n, logarithm, size = unpack(row)
    for i in range(chunk * size, min(m, (chunk + 1) * size)):
        source, target = x + i * x_row, y + i * y_row
        top = row_top(source, n)
        if logarithm == 0:
            row_scale(target, n, 1.0 / row_exp(source, target, n, top))
        else:
            row_shift(source, target, n, top + log_of(row_exp(source, 0, n, top)))


def _softmax_dx_extents(w: Any, item: int) -> Iterator[Access]:
    n = (w.n, item)
    yield block("y", w.y, (w.m, w.y_row), n, item=item)
    yield block("dy", w.dy, (w.m, w.dy_row), n, item=item)
    yield block("dx", w.dx, (w.m, w.dx_row), n, item=item, write=True)


@kernel("y y_row dy dy_row dx dx_row m n logarithm size", extents=_softmax_dx_extents, chunks=_rows)
def softmax_dx(row: int, chunk: int, tid: int, step: int) -> None:
    """Gradient through softmax (logarithm 0) or log-softmax (logarithm 1) from its output y; `size`
    rows a chunk.

    logarithm 0: dx = y · (dy - Σ y·dy);  logarithm 1: dx = dy - exp(y) · Σ dy.  dx may be dy.
    """
    y, y_row, dy, dy_row, dx, dx_row, m, n, logarithm, size = unpack(row)
    for i in range(chunk * size, min(m, (chunk + 1) * size)):
        out, gradient, target = y + i * y_row, dy + i * dy_row, dx + i * dx_row
        total = splat(0.0)
        for j in range(0, n, LANES):
            mask = first(n - j)
            g = load_masked(gradient + j * ITEM, mask)
            if logarithm == 0:
                total = fma(g, load_masked(out + j * ITEM, mask), total)
            else:
                total = total + g
        share = splat(lane_sum(total))
        for j in range(0, n, LANES):
            mask = first(n - j)
            g = load_masked(gradient + j * ITEM, mask)
            value = load_masked(out + j * ITEM, mask)
            if logarithm == 0:
                result = value * (g - share)
            else:
                result = g - exponential(value) * share
            store_masked(target + j * ITEM, result, mask)
