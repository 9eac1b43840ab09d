"""Product of one row with a matrix: what answering a single sample spends its time on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.panels import DEPTH
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    VECTOR,
    atomic_add,
    atomic_set,
    device,
    first,
    fma,
    get_real,
    load,
    load_masked,
    rectify,
    splat,
    store,
    store_masked,
    unpack,
)
from compute.cpu.tape import CACHE_LINE
from compute.cpu.templates import Access, block, kernel, pieces


def runs_of(k: int) -> int:
    """Runs of k that are summed on their own, as `gemm` does."""
    return max(1, pieces(k, DEPTH))


def _extents(w: Any, item: int) -> Iterator[Access]:
    yield block("a", w.a, (w.k, w.a_col), item=item)
    yield block("b", w.b, (w.k, w.b_row), (w.n, item), item=item)
    yield block("c", w.c, (w.n, item), item=item, write=True)
    yield block("bias", w.bias, (w.n, item), item=item)
    yield block("sums", w.sums, (runs_of(w.k) * w.n, item), item=item, write=True)
    counts = (pieces(w.n, w.size), CACHE_LINE)
    yield block("counts", w.counts, counts, item=8, write=True)


def _chunks(w: Any) -> int:
    return pieces(runs_of(w.k), w.runs) * pieces(w.n, w.size)


@device
def wide(a: int, a_col: int, b: int, b_row: int, count: int, bias: int, to: int) -> None:
    """Sums of eight vectors of columns."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = splat(0.0)
    if bias != 0:
        s0, s1, s2, s3 = (
            load(bias), load(bias + VECTOR), load(bias + 2 * VECTOR), load(bias + 3 * VECTOR),
        )  # fmt: skip
        s4, s5, s6, s7 = (
            load(bias + 4 * VECTOR), load(bias + 5 * VECTOR), load(bias + 6 * VECTOR),
            load(bias + 7 * VECTOR),
        )  # fmt: skip
    for _ in range(count):
        x = splat(get_real(a))
        s0 = fma(x, load(b), s0)
        s1 = fma(x, load(b + VECTOR), s1)
        s2 = fma(x, load(b + 2 * VECTOR), s2)
        s3 = fma(x, load(b + 3 * VECTOR), s3)
        s4 = fma(x, load(b + 4 * VECTOR), s4)
        s5 = fma(x, load(b + 5 * VECTOR), s5)
        s6 = fma(x, load(b + 6 * VECTOR), s6)
        s7 = fma(x, load(b + 7 * VECTOR), s7)
        a, b = a + a_col, b + b_row
    store(to, s0)
    store(to + VECTOR, s1)
    store(to + 2 * VECTOR, s2)
    store(to + 3 * VECTOR, s3)
    store(to + 4 * VECTOR, s4)
    store(to + 5 * VECTOR, s5)
    store(to + 6 * VECTOR, s6)
    store(to + 7 * VECTOR, s7)


@device
def narrow(
    a: int, a_col: int, b: int, b_row: int, count: int, bias: int, to: int, left: int
) -> None:
    """Sums of at most four vectors of columns, the `left` ones that exist."""
    m0, m1, m2, m3 = (
        first(left),
        first(left - LANES),
        first(left - 2 * LANES),
        first(left - 3 * LANES),
    )
    s0 = s1 = s2 = s3 = splat(0.0)
    if bias != 0:
        s0, s1 = load_masked(bias, m0), load_masked(bias + VECTOR, m1)
        s2, s3 = load_masked(bias + 2 * VECTOR, m2), load_masked(bias + 3 * VECTOR, m3)
    for _ in range(count):
        x = splat(get_real(a))
        s0 = fma(x, load_masked(b, m0), s0)
        s1 = fma(x, load_masked(b + VECTOR, m1), s1)
        s2 = fma(x, load_masked(b + 2 * VECTOR, m2), s2)
        s3 = fma(x, load_masked(b + 3 * VECTOR, m3), s3)
        a, b = a + a_col, b + b_row
    store_masked(to, s0, m0)
    store_masked(to + VECTOR, s1, m1)
    store_masked(to + 2 * VECTOR, s2, m2)
    store_masked(to + 3 * VECTOR, s3, m3)


@device
def pair(
    a: int, a_col: int, b: int, b_row: int, count: int, last: int, bias: int, to: int, length: int,
    columns: int,
) -> None:  # fmt: skip
    """Sums of one vector of columns for two runs at once, of `count` and `last` terms: a chain
    waits for each of its sums.
    """
    some, other_a, other_b = first(columns), a + count * a_col, b + count * b_row
    s0 = s1 = splat(0.0)
    if bias != 0:
        s0 = load_masked(bias, some)
    for _ in range(last):
        s0 = fma(splat(get_real(a)), load_masked(b, some), s0)
        s1 = fma(splat(get_real(other_a)), load_masked(other_b, some), s1)
        a, b, other_a, other_b = a + a_col, b + b_row, other_a + a_col, other_b + b_row
    for _ in range(count - last):
        s0 = fma(splat(get_real(a)), load_masked(b, some), s0)
        a, b = a + a_col, b + b_row
    store_masked(to, s0, some)
    store_masked(to + length, s1, some)


@device
def add_up(sums: int, length: int, runs: int, c: int, columns: int, epilogue: int) -> None:
    """c = epilogue(the sums of all runs, in order), `length` bytes from one run's to the next's."""
    for j in range(0, columns, LANES):
        some, at = first(columns - j), sums + j * ITEM
        total = load_masked(at, some)
        for r in range(1, runs):
            total = load_masked(at + r * length, some) + total
        if epilogue == 1:
            total = rectify(total)
        store_masked(c + j * ITEM, total, some)


@kernel(
    "a a_col b b_row c n k bias epilogue sums counts runs size", extents=_extents, chunks=_chunks
)
def row_product(row: int, chunk: int, tid: int, step: int) -> None:
    """c[n] = epilogue(bias + a[k] B[k,n]), bit by bit what `gemm` makes of it: each element is the
    sum of fma chains over DEPTH of k, in order.

    a, a_col          A with any stride
    b, b_row          B, rows contiguous
    c                 n reals; must not overlap A or B
    bias              n reals, or 0
    epilogue          0 none, 1 relu
    sums              for a chain of every run and column: runs × n reals
    counts            a cache line for each part of the columns, zero before and after
    runs, size        a chunk is `runs` runs of k by `size` columns (multiples of 128 are best);
                      whoever ends the last one of some columns adds up their chains. Chunks cut k
                      first: of whole rows of B a thread's own cache holds as many as it has room
                      for, of parts of rows that lie a power of two apart only half or less
    """
    a, a_col, b, b_row, c, n, k, bias, epilogue, sums, counts, runs, size = unpack(row)
    parts = (n + size - 1) // size
    part, begin = chunk % parts, chunk // parts * runs
    every = max(1, (k + DEPTH - 1) // DEPTH)
    depth = (k + every - 1) // every
    start = part * size
    columns, length, end = min(size, n - start), n * ITEM, min(every, begin + runs)
    r = begin
    while r < end:
        at, count = r * depth, min(depth, k - r * depth)
        left, j = columns, start * ITEM
        from_a, from_b, to = a + at * a_col, b + at * b_row, sums + r * length
        if columns <= LANES and r + 1 < end:
            last, own = min(depth, k - at - depth), bias + j if bias != 0 and r == 0 else 0
            pair(from_a, a_col, from_b + j, b_row, count, last, own, to + j, length, columns)
            r += 2
            continue
        while left > 0:
            first_bias = bias + j if bias != 0 and r == 0 else 0
            if left >= 8 * LANES:
                wide(from_a, a_col, from_b + j, b_row, count, first_bias, to + j)
                left, j = left - 8 * LANES, j + 8 * VECTOR
            else:
                narrow(from_a, a_col, from_b + j, b_row, count, first_bias, to + j, left)
                left, j = left - 4 * LANES, j + 4 * VECTOR
        r += 1
    done = counts + part * 64
    if atomic_add(done, end - begin) + end - begin == every:
        atomic_set(done, 0)
        add_up(sums + start * ITEM, length, every, c + start * ITEM, columns, epilogue)
