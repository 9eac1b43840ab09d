"""Recurrent layers: a cell walked over all steps of a chunk of samples, forwards and back.

One kernel for all cells, so that the code of the product inside it exists once. Samples do not
meet, so chunks need no barrier between steps; every number is one chain of operations in a fixed
order, whatever the chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compute.cpu.kernels.gemm import product
from compute.cpu.kernels.vocabulary import (
    ITEM,
    LANES,
    device,
    first,
    fma,
    get_real,
    greater,
    hyperbolic_tangent,
    load_masked,
    logistic,
    rectify,
    select,
    splat,
    store_masked,
    unpack,
)
from compute.cpu.templates import Access, block, kernel, pieces

# words `kind`
TANH, RELU, LSTM, GRU = range(4)


def columns_of(kind: int) -> int:
    """Numbers a unit that a step takes from its input, and that the state before adds to."""
    return {LSTM: 4, GRU: 3}.get(kind, 1)


def gates_of(kind: int) -> int:
    """Numbers a unit that a step leaves for the way back."""
    return 4 if kind in (LSTM, GRU) else 1


@device
def keep_of(length: int, sample: int, t: int) -> float:
    """1 while a sample's sequence lasts, then 0."""
    if length == 0 or get_real(length + sample * ITEM) > t:
        return 1.0
    return 0.0


@device
def rnn_cell(x: int, h: int, kind: int, units: int, keep: float) -> None:
    """h = f(x + h)."""
    scale = splat(keep)
    for j in range(0, units, LANES):
        mask, at = first(units - j), j * ITEM
        value = load_masked(x + at, mask) + load_masked(h + at, mask)
        value = hyperbolic_tangent(value) if kind == TANH else rectify(value)
        store_masked(h + at, value * scale, mask)


@device
def lstm_cell(x: int, gates: int, old: int, c: int, h: int, units: int, keep: float) -> None:
    """Gates from x and what they hold, then the states; `old` is the cell before, or 0."""
    scale, wide = splat(keep), units * ITEM
    for j in range(0, units, LANES):
        mask, at = first(units - j), j * ITEM
        i = logistic(load_masked(x + at, mask) + load_masked(gates + at, mask))
        store_masked(gates + at, i, mask)
        at += wide
        f = logistic(load_masked(x + at, mask) + load_masked(gates + at, mask))
        store_masked(gates + at, f, mask)
        at += wide
        g = hyperbolic_tangent(load_masked(x + at, mask) + load_masked(gates + at, mask))
        store_masked(gates + at, g, mask)
        at += wide
        o = logistic(load_masked(x + at, mask) + load_masked(gates + at, mask))
        store_masked(gates + at, o, mask)
        at = j * ITEM
        cell = i * g
        if old != 0:
            cell = fma(f, load_masked(old + at, mask), cell)
        store_masked(c + at, cell * scale, mask)
        store_masked(h + at, o * hyperbolic_tangent(cell) * scale, mask)


@device
def gru_cell(x: int, gates: int, bias: int, old: int, h: int, units: int, keep: float) -> None:
    """Gates from x and what they hold, then the state; `old` is the state before, or 0."""
    scale, one, wide = splat(keep), splat(1.0), units * ITEM
    for j in range(0, units, LANES):
        mask, at = first(units - j), j * ITEM
        r = logistic(load_masked(x + at, mask) + load_masked(gates + at, mask))
        store_masked(gates + at, r, mask)
        at += wide
        z = logistic(load_masked(x + at, mask) + load_masked(gates + at, mask))
        store_masked(gates + at, z, mask)
        at += wide
        q = load_masked(gates + at, mask) + load_masked(bias + j * ITEM, mask)
        n = hyperbolic_tangent(fma(r, q, load_masked(x + at, mask)))
        store_masked(gates + at, n, mask)
        store_masked(gates + at + wide, q, mask)
        at = j * ITEM
        state = (one - z) * n
        if old != 0:
            state = fma(z, load_masked(old + at, mask), state)
        store_masked(h + at, state * scale, mask)


def _steps(w: Any, name: str, columns: int, item: int, write: bool = False) -> Access:
    """An operand samples × steps × columns."""
    sample, step = (getattr(w, f"{name}_{part}") for part in ("sample", "step"))
    dims = ((w.n, sample), (w.steps, step), (columns, item))
    return block(name, getattr(w, name), *dims, item=item, write=write)


def _extents(w: Any, item: int) -> Iterator[Access]:
    columns = columns_of(w.kind) * w.units
    yield _steps(w, "x", columns, item)
    yield block("w", w.w, (w.units, w.w_row), (columns, item), item=item)
    yield block("bias", w.bias, (w.units, item), item=item)
    yield block("length", w.length, (w.n, item), item=item)
    for name in ("h", "c"):
        yield _steps(w, name, w.units, item, write=True)
    yield _steps(w, "gates", gates_of(w.kind) * w.units, item, write=True)


def _chunks(w: Any) -> int:
    return pieces(w.n, w.size)


@kernel(
    "x x_sample x_step w w_row bias length h h_sample h_step c c_sample c_step"
    " gates gates_sample gates_step n steps units kind reverse size",
    extents=_extents,
    chunks=_chunks,
)
def recurrent(row: int, chunk: int, tid: int, step: int) -> None:
    """The states of `n` sequences after each of their steps; a chunk is `size` samples.

    x                [n, steps, columns·units], columns 1, 1, 4, 3 by kind: what the inputs give to
                     each gate, offsets included
    w, w_row         [units, columns·units]: the weights of the state before, transposed
    bias             [units], of q in a GRU
    length           n reals, or 0: from this step on a sample's states are 0
    h, c, gates      [n, steps, ·]: states; cells of an LSTM; the gates' values of an LSTM (i, f, g,
                     o) and of a GRU (r, z, n, q), four a unit; for other kinds `gates` is h and c 0
    kind             0 tanh, 1 relu, 2 LSTM, 3 GRU;  reverse: 1 walks from the last step
    """
    (
        x, x_sample, x_step, w, w_row, bias, length, h, h_sample, h_step, c, c_sample, c_step,
        gates, gates_sample, gates_step, n, steps, units, kind, reverse, size,
    ) = unpack(row)  # fmt: skip
    start = chunk * size
    m = min(size, n - start)
    columns = units
    if kind == LSTM:
        columns = 4 * units
    elif kind == GRU:
        columns = 3 * units
    for turn in range(steps):
        t, past = (steps - 1 - turn, steps - turn) if reverse != 0 else (turn, turn - 1)
        first_h = h + start * h_sample
        first_gates = gates + start * gates_sample + t * gates_step
        product(
            first_h + past * h_step, h_sample, ITEM, w, w_row, ITEM, first_gates, gates_sample,
            m, columns, units if turn > 0 else 0, 0, 0, 0, 0, 0, 0, 0, 0,
        )  # fmt: skip
        for sample in range(start, start + m):
            keep = keep_of(length, sample, t)
            at_x = x + sample * x_sample + t * x_step
            at_h = h + sample * h_sample
            at_gates = gates + sample * gates_sample + t * gates_step
            if kind == LSTM:
                at_c = c + sample * c_sample
                old = at_c + past * c_step if turn > 0 else 0
                new = at_c + t * c_step
                lstm_cell(at_x, at_gates, old, new, at_h + t * h_step, units, keep)
            elif kind == GRU:
                old = at_h + past * h_step if turn > 0 else 0
                gru_cell(at_x, at_gates, bias, old, at_h + t * h_step, units, keep)
            else:
                rnn_cell(at_x, at_h + t * h_step, kind, units, keep)


@device
def rnn_back(y: int, g: int, back: int, d: int, kind: int, units: int, keep: float) -> None:
    """d = f' · (g + back) at the output y of f."""
    scale, one, zero = splat(keep), splat(1.0), splat(0.0)
    for j in range(0, units, LANES):
        mask, at = first(units - j), j * ITEM
        given = (load_masked(g + at, mask) + load_masked(back + at, mask)) * scale
        value = load_masked(y + at, mask)
        if kind == TANH:
            given = given * (one - value * value)
        else:
            given = select(greater(value, zero), given, zero)
        store_masked(d + at, given, mask)


@device
def lstm_back(
    gates: int, c: int, old: int, g: int, back: int, kept: int, d: int, units: int, keep: float
) -> None:
    """d of the four gates; `kept` becomes the gradient to the cell before."""
    scale, one, wide = splat(keep), splat(1.0), units * ITEM
    for j in range(0, units, LANES):
        mask, at = first(units - j), j * ITEM
        i, f = load_masked(gates + at, mask), load_masked(gates + at + wide, mask)
        new, o = load_masked(gates + at + 2 * wide, mask), load_masked(gates + at + 3 * wide, mask)
        d_h = (load_masked(g + at, mask) + load_masked(back + at, mask)) * scale
        top = hyperbolic_tangent(load_masked(c + at, mask))
        d_c = fma(d_h * o, one - top * top, load_masked(kept + at, mask) * scale)
        before = splat(0.0)
        if old != 0:
            before = load_masked(old + at, mask)
        store_masked(d + at, d_c * new * i * (one - i), mask)
        store_masked(d + at + wide, d_c * before * f * (one - f), mask)
        store_masked(d + at + 2 * wide, d_c * i * (one - new * new), mask)
        store_masked(d + at + 3 * wide, d_h * top * o * (one - o), mask)
        store_masked(kept + at, d_c * f, mask)


@device
def gru_back(gates: int, old: int, g: int, back: int, d: int, units: int, keep: float) -> None:
    """d of r, z, n and q; `back` becomes what reaches the state before past the gates."""
    scale, one, wide = splat(keep), splat(1.0), units * ITEM
    for j in range(0, units, LANES):
        mask, at = first(units - j), j * ITEM
        r, z = load_masked(gates + at, mask), load_masked(gates + at + wide, mask)
        n, q = load_masked(gates + at + 2 * wide, mask), load_masked(gates + at + 3 * wide, mask)
        d_h = (load_masked(g + at, mask) + load_masked(back + at, mask)) * scale
        before = splat(0.0)
        if old != 0:
            before = load_masked(old + at, mask)
        d_n = d_h * (one - z) * (one - n * n)
        store_masked(d + at, d_n * q * r * (one - r), mask)
        store_masked(d + at + wide, d_h * (before - n) * z * (one - z), mask)
        store_masked(d + at + 2 * wide, d_n, mask)
        store_masked(d + at + 3 * wide, d_n * r, mask)
        store_masked(back + at, d_h * z, mask)


@device
def clear(target: int, count: int) -> None:
    """`count` zeros."""
    for j in range(0, count, LANES):
        store_masked(target + j * ITEM, splat(0.0), first(count - j))


def _dx_extents(w: Any, item: int) -> Iterator[Access]:
    gates = gates_of(w.kind) * w.units
    yield block("w", w.w, (columns_of(w.kind) * w.units, w.w_row), (w.units, item), item=item)
    yield block("length", w.length, (w.n, item), item=item)
    yield _steps(w, "y", w.units, item)
    yield _steps(w, "gates", gates, item)
    yield _steps(w, "g", w.units, item)
    yield _steps(w, "d", gates, item, write=True)
    for name in ("back", "kept"):
        dims = ((w.n, w.units * item), (w.units, item))
        yield block(name, getattr(w, name), *dims, item=item, write=True)


@kernel(
    "w w_row length y y_sample y_step gates gates_sample gates_step g g_sample g_step"
    " d d_sample d_step back kept n steps units kind reverse size",
    extents=_dx_extents,
    chunks=_chunks,
)
def recurrent_dx(row: int, chunk: int, tid: int, step: int) -> None:
    """The gradient d to what enters each step of `recurrent`, from that (g) to its states.

    w, w_row         [columns·units, units], as in `recurrent` but not transposed
    y, gates         of the way there: y is h of an RNN or a GRU, c of an LSTM; `gates` is h of an
                     RNN
    d                [n, steps, ·]: to the gates i, f, g, o before their nonlinearities, to r, z, n
                     and to q, to what f is applied to
    back, kept       [n, units] for what goes from step to step; kept of an LSTM, else 0
    """
    (
        w, w_row, length, y, y_sample, y_step, gates, gates_sample, gates_step, g, g_sample, g_step,
        d, d_sample, d_step, back, kept, n, steps, units, kind, reverse, size,
    ) = unpack(row)  # fmt: skip
    start = chunk * size
    m = min(size, n - start)
    wide = units * ITEM
    clear(back + start * wide, m * units)
    if kind == LSTM:
        clear(kept + start * wide, m * units)
    for turn in range(steps - 1, -1, -1):
        t, past = (steps - 1 - turn, steps - turn) if reverse != 0 else (turn, turn - 1)
        for sample in range(start, start + m):
            keep = keep_of(length, sample, t)
            at_y, at_back = y + sample * y_sample, back + sample * wide
            at_gates = gates + sample * gates_sample + t * gates_step
            at_g = g + sample * g_sample + t * g_step
            at_d = d + sample * d_sample + t * d_step
            old = at_y + past * y_step if turn > 0 else 0
            if kind == LSTM:
                now, at_kept = at_y + t * y_step, kept + sample * wide
                lstm_back(at_gates, now, old, at_g, at_back, at_kept, at_d, units, keep)
            elif kind == GRU:
                gru_back(at_gates, old, at_g, at_back, at_d, units, keep)
            else:
                rnn_back(at_gates, at_g, at_back, at_d, kind, units, keep)
        if turn == 0:
            continue
        # in a GRU what enters n is no product of the state; q is, and back holds a part already
        parts, depth, init = 1, units, 0
        if kind == LSTM:
            depth = 4 * units
        elif kind == GRU:
            parts, depth, init = 2, 2 * units, 1
        for part in range(parts):
            at_d = d + start * d_sample + t * d_step + part * 3 * wide
            product(
                at_d, d_sample, ITEM, w + part * 2 * units * w_row, w_row, ITEM,
                back + start * wide, wide, m, units, depth if part == 0 else units,
                init, 0, 0, 0, 0, 0, 0, 0,
            )  # fmt: skip
