"""Attention without its T×S matrix: blocks of keys under a running maximum and sum.

Forward after Dao et al. 2022 (FlashAttention), backward after Dao 2023: weights are computed again,
block by block, from the scores and the maximum and sum that the forward pass kept for each query.
A head is done by one thread in one order, so its bits depend on shapes alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.gemm import product
from compute.cpu.kernels.softmax import row_scale, row_top
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    LEAST,
    Stack,
    as_float,
    device,
    exponential,
    first,
    fma,
    get_real,
    get_word,
    lane_sum,
    lane_top,
    load,
    load_masked,
    select,
    set_real,
    splat,
    store,
    store_masked,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces

BLOCK = 64  # queries and keys of a block of scores
SCORES, PULLS, SHARES = Stack(BLOCK * BLOCK * 8), Stack(BLOCK * BLOCK * 8), Stack(BLOCK * 8)

STRIDED = " ".join(f"{name} {name}_n {name}_h {name}_row" for name in "qkv")
SIZES = "n h t s d e scale:f causal size"


def _heads(w: Any) -> int:
    return pieces(w.n * w.h, w.size)


def _operand(w: Any, name: str, steps: int, features: int, item: int) -> Access:
    strides = (getattr(w, f"{name}_{part}") for part in ("n", "h", "row"))
    dims = zip((w.n, w.h, steps), strides, strict=True)
    return block(name, getattr(w, name), *dims, (features, item), item=item)


def _shared(w: Any, item: int) -> Iterator[Access]:
    yield _operand(w, "q", w.t, w.d, item)
    yield _operand(w, "k", w.s, w.d, item)
    yield _operand(w, "v", w.s, w.e, item)
    yield block("lengths", w.lengths, (w.n, 8), item=8)


def _extents(w: Any, item: int) -> Iterator[Access]:
    yield from _shared(w, item)
    for name, count in (("y", w.t * w.e), ("tops", w.t), ("inverses", w.t)):
        yield block(name, getattr(w, name), (w.n * w.h * count, item), item=item, write=True)


def _grad_extents(w: Any, item: int) -> Iterator[Access]:
    yield from _shared(w, item)
    yield _operand(w, "g", w.t, w.e, item)
    for name, count in (("y", w.t * w.e), ("tops", w.t), ("inverses", w.t)):
        yield block(name, getattr(w, name), (w.n * w.h * count, item), item=item)
    for name, steps, count in (("dq", w.t, w.d), ("dk", w.s, w.d), ("dv", w.s, w.e)):
        dims = (w.n * steps, w.dv_row if name == "dv" else w.d_row), (w.h * count, item)
        yield block(name, getattr(w, name), *dims, item=item, write=True)


@device
def seen_keys(lengths: int, sample: int, s: int) -> int:
    """How many keys of a sample are seen at most."""
    return max(0, min(s, get_word(lengths + sample * 8))) if lengths != 0 else s


@device
def clear_rows(at: int, row: int, rows: int, n: int) -> None:
    """0 in `rows` rows of n reals."""
    zero = splat(0.0)
    for r in range(rows):
        for j in range(0, n, LANES):
            store_masked(at + r * row + j * ITEM, zero, first(n - j))


@device
def row_dot(a: int, b: int, n: int) -> float:
    """Σ a·b of two rows."""
    total = splat(0.0)
    for j in range(0, n, LANES):
        mask = first(n - j)
        total = fma(load_masked(a + j * ITEM, mask), load_masked(b + j * ITEM, mask), total)
    return lane_sum(total)


@device
def row_power(x: int, keys: int, seen: int, scale: float, top: float, factor: float) -> float:
    """x = exp(x · scale - top) · factor for the first `seen` of the keys, 0 for the others; Σ x."""
    slope, shift, share, zero = splat(scale), splat(-top), splat(factor), splat(0.0)
    total = zero
    for j in range(0, keys, LANES):
        at = x + j * ITEM
        power = exponential(fma(load(at), slope, shift)) * share
        power = select(first(seen - j), power, zero)
        store(at, power)
        total = total + power
    return lane_sum(total)


@device
def weigh_row(
    x: int, keys: int, seen: int, scale: float, top: int, total: int, y: int, e: int
) -> None:
    """Make weights of a row of scores; what y and the sum hold is brought to the new maximum."""
    best, held = row_top(x, seen) * scale, get_real(total)
    before = get_real(top)
    if best > before:
        set_real(top, best)
        if held != 0.0:
            shrink = lane_top(exponential(splat(before - get_real(top))))
            held = held * shrink
            row_scale(y, e, shrink)
    set_real(total, held + row_power(x, keys, seen, scale, get_real(top), 1.0))


@device
def scores_of(q: int, q_row: int, k: int, k_row: int, x: int, rows: int, keys: int, d: int) -> None:
    """x = q · kᵀ for a block of queries and one of keys."""
    product(
        q, q_row, ITEM, k, ITEM, k_row, x, BLOCK * ITEM, rows, keys, d, 0, 0, 0, 0, 0, 0, 0, 0
    )  # fmt: skip


@device
def attend(
    q: int, q_row: int, k: int, k_row: int, v: int, v_row: int, y: int, y_row: int,
    tops: int, totals: int, t: int, limit: int, d: int, e: int, scale: float, causal: int, x: int,
) -> None:  # fmt: skip
    """One head; `totals` end as the inverse of each query's sum, 0 where it sees no key."""
    clear_rows(y, y_row, t, e)
    for i in range(0, t, BLOCK):
        rows = min(BLOCK, t - i)
        stop = min(limit, i + rows) if causal != 0 else limit
        for r in range(i, i + rows):
            set_real(tops + r * ITEM, LEAST)
            set_real(totals + r * ITEM, 0.0)
        for j in range(0, stop, BLOCK):
            keys = min(BLOCK, stop - j)
            scores_of(q + i * q_row, q_row, k + j * k_row, k_row, x, rows, keys, d)
            for r in range(rows):
                seen = min(keys, i + r + 1 - j) if causal != 0 else keys
                if seen > 0:
                    at = (i + r) * ITEM
                    weigh_row(
                        x + r * BLOCK * ITEM, keys, seen, scale, tops + at, totals + at,
                        y + (i + r) * y_row, e,
                    )  # fmt: skip
                else:
                    clear_rows(x + r * BLOCK * ITEM, 0, 1, keys)
            product(
                x, BLOCK * ITEM, ITEM, v + j * v_row, v_row, ITEM, y + i * y_row, y_row,
                rows, e, keys, 1, 0, 0, 0, 0, 0, 0, 0,
            )  # fmt: skip
        for r in range(i, i + rows):
            total = get_real(totals + r * ITEM)
            inverse = 1.0 / total if total != 0.0 else 0.0
            set_real(totals + r * ITEM, inverse)
            row_scale(y + r * y_row, e, inverse)


@kernel(f"{STRIDED} y tops inverses lengths {SIZES}", extents=_extents, chunks=_heads)
def attention(row: int, chunk: int, tid: int, step: int) -> None:
    """y = softmax(q · kᵀ · scale) · v for each of n·h heads; `size` heads a chunk.

    q, q_n, q_h, q_row   [n,h,t,d], rows contiguous; k [n,h,s,d] and v [n,h,s,e] likewise
    y                    dense [n,t,h,e]
    tops, inverses       dense [n,h,t]: largest score · scale of each query, and 1 / Σ exp(score ·
                         scale - top), 0 for a query that sees no key; its y is 0
    lengths              int64 [n], keys seen of each sample; or 0
    scale                above 0
    causal               1: query i sees keys 0 … i only
    """
    (
        q, q_n, q_h, q_row, k, k_n, k_h, k_row, v, v_n, v_h, v_row, y, tops, inverses, lengths,
        n, h, t, s, d, e, scale_bits, causal, size,
    ) = unpack(row)  # fmt: skip
    scale, x = as_float(scale_bits), SCORES()
    for index in range(chunk * size, min(n * h, (chunk + 1) * size)):
        sample, head = index // h, index % h
        attend(
            q + sample * q_n + head * q_h, q_row, k + sample * k_n + head * k_h, k_row,
            v + sample * v_n + head * v_h, v_row, y + (sample * t * h + head) * e * ITEM,
            h * e * ITEM, tops + index * t * ITEM, inverses + index * t * ITEM, t,
            seen_keys(lengths, sample, s), d, e, scale, causal, x,
        )  # fmt: skip


@device
def pull_row(x: int, pull: int, keys: int, share: float, scale: float) -> None:
    """pull = x · (pull - share) · scale: from gradients of weights x to those of q · k."""
    middle, slope = splat(share), splat(scale)
    for j in range(0, keys, LANES):
        at = pull + j * ITEM
        store(at, load(x + j * ITEM) * (load(at) - middle) * slope)


@device
def pull_back(
    q: int, q_row: int, k: int, k_row: int, v: int, v_row: int, g: int, g_row: int,
    y: int, y_row: int, dq: int, dk: int, d_row: int, dv: int, dv_row: int,
    tops: int, inverses: int, t: int, s: int, limit: int, d: int, e: int,
    scale: float, causal: int, x: int, pulls: int, shares: int,
) -> None:  # fmt: skip
    """Gradients of one head."""
    wide = BLOCK * ITEM
    clear_rows(dq, d_row, t, d)
    clear_rows(dk, d_row, s, d)
    clear_rows(dv, dv_row, s, e)
    for i in range(0, t, BLOCK):
        rows = min(BLOCK, t - i)
        stop = min(limit, i + rows) if causal != 0 else limit
        at_q, at_g = q + i * q_row, g + i * g_row
        for r in range(rows):
            share = row_dot(at_g + r * g_row, y + (i + r) * y_row, e)
            set_real(shares + r * ITEM, share)
        for j in range(0, stop, BLOCK):
            keys = min(BLOCK, stop - j)
            at_k = k + j * k_row
            scores_of(at_q, q_row, at_k, k_row, x, rows, keys, d)
            scores_of(at_g, g_row, v + j * v_row, v_row, pulls, rows, keys, e)
            for r in range(rows):
                seen = min(keys, i + r + 1 - j) if causal != 0 else keys
                at, row = (i + r) * ITEM, x + r * wide
                row_power(
                    row, keys, seen, scale, get_real(tops + at), get_real(inverses + at)
                )  # fmt: skip
                pull_row(row, pulls + r * wide, keys, get_real(shares + r * ITEM), scale)
            product(
                x, ITEM, wide, at_g, g_row, ITEM, dv + j * dv_row, dv_row,
                keys, e, rows, 1, 0, 0, 0, 0, 0, 0, 0,
            )  # fmt: skip
            product(
                pulls, wide, ITEM, at_k, k_row, ITEM, dq + i * d_row, d_row,
                rows, d, keys, 1, 0, 0, 0, 0, 0, 0, 0,
            )  # fmt: skip
            product(
                pulls, ITEM, wide, at_q, q_row, ITEM, dk + j * d_row, d_row,
                keys, d, rows, 1, 0, 0, 0, 0, 0, 0, 0,
            )  # fmt: skip


@kernel(
    f"{STRIDED} g g_n g_h g_row y tops inverses dq dk d_row dv dv_row lengths {SIZES}",
    extents=_grad_extents,
    chunks=_heads,
)
def attention_grad(row: int, chunk: int, tid: int, step: int) -> None:
    """Gradients of `attention` from g [n,h,t,e] to y, rows contiguous; `size` heads a chunk.

    y, tops, inverses    what the forward pass gave
    dq, dk, dv           [n·t,h,d], [n·s,h,d] and [n·s,h,e]: of each row the heads lie together
    d_row, dv_row        byte strides from time to time, of dq and dk, and of dv
    """
    (
        q, q_n, q_h, q_row, k, k_n, k_h, k_row, v, v_n, v_h, v_row, g, g_n, g_h, g_row,
        y, tops, inverses, dq, dk, d_row, dv, dv_row, lengths,
        n, h, t, s, d, e, scale_bits, causal, size,
    ) = unpack(row)  # fmt: skip
    scale, x, pulls, shares = as_float(scale_bits), SCORES(), PULLS(), SHARES()
    for index in range(chunk * size, min(n * h, (chunk + 1) * size)):
        sample, head = index // h, index % h
        pull_back(
            q + sample * q_n + head * q_h, q_row, k + sample * k_n + head * k_h, k_row,
            v + sample * v_n + head * v_h, v_row, g + sample * g_n + head * g_h, g_row,
            y + (sample * t * h + head) * e * ITEM, h * e * ITEM,
            dq + sample * t * d_row + head * d * ITEM, dk + sample * s * d_row + head * d * ITEM,
            d_row,
            dv + sample * s * dv_row + head * e * ITEM, dv_row,
            tops + index * t * ITEM, inverses + index * t * ITEM, t, s,
            seen_keys(lengths, sample, s), d, e, scale, causal, x, pulls, shares,
        )  # fmt: skip
