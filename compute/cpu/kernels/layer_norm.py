"""Normalisation of each row by itself, forward in one kernel and backward in another.

The mean and the deviation of a row are computed again for its gradient: the row is in the cache by
then, and nothing has to be kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.attention import clear_rows
from compute.cpu.kernels.reduce import RUN, row_sum
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    VECTOR,
    Vector,
    as_float,
    device,
    first,
    fma,
    lane_sum,
    load,
    load_masked,
    select,
    splat,
    square_root,
    store_masked,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces


@device
def squared_row(x: int, n: int, middle: Vector) -> float:
    """Σ (x - middle)² of n reals: runs, each two accumulators by turns, and the sum of those."""
    zero = splat(0.0)
    total = zero
    for start in range(0, n, RUN * LANES):
        stop = min(n, start + RUN * LANES)
        even, odd, j = zero, zero, start
        while j + 2 * LANES <= stop:
            apart = load(x + j * ITEM) - middle
            even = fma(apart, apart, even)
            apart = load(x + j * ITEM + VECTOR) - middle
            odd = fma(apart, apart, odd)
            j += 2 * LANES
        while j < stop:
            mask = first(stop - j)
            apart = select(mask, load_masked(x + j * ITEM, mask) - middle, zero)
            even = fma(apart, apart, even)
            j += LANES
        total = total + (even + odd)
    return lane_sum(total)


@device
def mean_of(x: int, n: int, centred: int) -> Vector:
    """The mean of n reals, or 0 when it is not to be taken off."""
    if centred == 0:
        return splat(0.0)
    return splat(row_sum(x, 1, 0, 1, 0, n)) * splat(1.0 / n)


@device
def inverse_of(x: int, n: int, middle: Vector, epsilon: float) -> Vector:
    """1 / √(mean of (x - middle)² + epsilon)."""
    spread = splat(squared_row(x, n, middle)) * splat(1.0 / n)
    return splat(1.0) / square_root(spread + splat(epsilon))


def _rows(w: Any) -> int:
    return pieces(w.m, w.size)


def _extents(w: Any, item: int) -> Iterator[Access]:
    n = (w.n, item)
    yield block("x", w.x, (w.m, w.x_row), n, item=item)
    yield block("y", w.y, (w.m, w.y_row), n, item=item, write=True)
    yield block("weight", w.weight, n, item=item)
    yield block("bias", w.bias, n, item=item)


@kernel("x x_row y y_row weight bias m n epsilon:f centred size", extents=_extents, chunks=_rows)
def layer_norm(row: int, chunk: int, tid: int, step: int) -> None:
    """y = (x - mean) · inverse · weight + bias of each row x[m,n]; `size` rows a chunk.

    inverse          1 / √(variance + epsilon), the variance biased
    centred          0: without the mean, so that the variance is the mean of squares
    weight, bias     [n], or 0 for 1 and 0;  y may be x
    """
    x, x_row, y, y_row, weight, bias, m, n, epsilon_bits, centred, size = unpack(row)
    epsilon = as_float(epsilon_bits)
    for i in range(chunk * size, min(m, (chunk + 1) * size)):
        at, to = x + i * x_row, y + i * y_row
        middle = mean_of(at, n, centred)
        inverse = inverse_of(at, n, middle, epsilon)
        for j in range(0, n * ITEM, VECTOR):
            mask = first(n - j // ITEM)
            value = (load_masked(at + j, mask) - middle) * inverse
            if weight != 0:
                value = value * load_masked(weight + j, mask)
            if bias != 0:
                value = value + load_masked(bias + j, mask)
            store_masked(to + j, value, mask)


def _grad_extents(w: Any, item: int) -> Iterator[Access]:
    n = (w.n, item)
    for name in ("x", "g"):
        yield block(name, getattr(w, name), (w.m, getattr(w, f"{name}_row")), n, item=item)
    yield block("dx", w.dx, (w.m, w.dx_row), n, item=item, write=True)
    yield block("weight", w.weight, n, item=item)
    dims = (_rows(w), w.partial_chunk), (w.n * (4 if w.size > RUN else 2), item)
    yield block("partial", w.partial, *dims, item=item, write=True)


@device
def add_rows(total: int, part: int, n: int) -> None:
    """total = total + part."""
    for j in range(0, n * ITEM, VECTOR):
        mask = first(n - j // ITEM)
        store_masked(total + j, load_masked(total + j, mask) + load_masked(part + j, mask), mask)


@device
def pull_row_back(
    x: int, g: int, dx: int, weight: int, part: int, n: int, epsilon: float, centred: int
) -> None:
    """The gradient to one row unless dx is 0; what it adds to those to weight and bias is added to
    `part` unless that is 0.
    """
    middle = mean_of(x, n, centred)
    inverse = inverse_of(x, n, middle, epsilon)
    zero = splat(0.0)
    total, dot = zero, zero
    for run in range(0, n * ITEM, RUN * VECTOR):
        near, near_dot = zero, zero
        for j in range(run, min(n * ITEM, run + RUN * VECTOR), VECTOR):
            mask = first(n - j // ITEM)
            given, away = load_masked(g + j, mask), load_masked(x + j, mask) - middle
            if part != 0:
                at = part + n * ITEM + j
                sums = fma(given, away * inverse, load_masked(part + j, mask))
                store_masked(part + j, sums, mask)
                store_masked(at, load_masked(at, mask) + given, mask)
            if weight != 0:
                given = given * load_masked(weight + j, mask)
            near = near + given
            near_dot = fma(given, away, near_dot)
        total, dot = total + near, dot + near_dot
    if dx == 0:
        return
    share = inverse * splat(-1.0 / n)
    level = splat(lane_sum(total)) * share if centred != 0 else zero
    slope = splat(lane_sum(dot)) * share * inverse * inverse
    for j in range(0, n * ITEM, VECTOR):
        mask = first(n - j // ITEM)
        given = load_masked(g + j, mask)
        if weight != 0:
            given = given * load_masked(weight + j, mask)
        value = fma(load_masked(x + j, mask) - middle, slope, level)
        store_masked(dx + j, fma(given, inverse, value), mask)


@kernel(
    "x x_row g g_row dx dx_row weight partial partial_chunk m n epsilon:f centred size",
    extents=_grad_extents,
    chunks=_rows,
)
def layer_norm_grad(row: int, chunk: int, tid: int, step: int) -> None:
    """Gradients of `layer_norm` from g [m,n] to y; `size` rows a chunk.

    dx               [m,n] = inverse · (g·weight - its mean - x̂ · the mean of g·weight·x̂), without
                     its mean where not centred; or 0; may be g
    weight           [n], or 0 for 1
    partial          [chunks] of [2,n], `partial_chunk` bytes apart: Σ g·x̂ and Σ g over the chunk's
                     rows; room for as much behind it where a chunk has more than RUN rows; or 0
    """
    (
        x, x_row, g, g_row, dx, dx_row, weight, partial, partial_chunk, m, n, epsilon_bits, centred,
        size,
    ) = unpack(row)  # fmt: skip
    epsilon, stop = as_float(epsilon_bits), min(m, (chunk + 1) * size)
    total = partial + chunk * partial_chunk if partial != 0 else 0
    part = total + 2 * n * ITEM if total != 0 and size > RUN else total
    if total != 0:
        clear_rows(total, 0, 1, 2 * n)
    for start in range(chunk * size, stop, RUN):
        if part != total:
            clear_rows(part, 0, 1, 2 * n)
        for i in range(start, min(stop, start + RUN)):
            to = dx + i * dx_row if dx != 0 else 0
            pull_row_back(x + i * x_row, g + i * g_row, to, weight, part, n, epsilon, centred)
        if part != total:
            add_rows(total, part, 2 * n)
