"""Recurrent layers: one step for the whole walk, and one for the way back."""

from __future__ import annotations

from collections.abc import Sequence

from compute.cpu.kernels.recurrent import GRU, LSTM, RELU, TANH, columns_of
from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.steps import NULL, Word, address
from compute.cpu.planner.views import Axis, Buffer, View
from graph.program import Row, Shape

SAMPLES = 8  # of a chunk: a full tile of the product
MANY = 128  # samples from which on a chunk has two tiles, so that weights are read half as often
LINE = 64  # bytes


def _kind(row: Row) -> int:
    if row.op.startswith("rnn"):
        return TANH if row.attr("nonlinearity") == "tanh" else RELU
    return LSTM if row.op.startswith("lstm") else GRU


def _fits(view: View) -> bool:
    """Whether N×T×K has one stride an axis and contiguous steps."""
    strides = [view.stride(axis) for axis in range(3)]
    return None not in strides and (strides[2] == view.item or view.shape[2] == 1)


def _source(em: Emitter, value: int) -> View:
    view = em.view(value)
    return view if _fits(view) else em.dense(view)


def _target(em: Emitter, value: int) -> View:
    view = em.target(value)
    return view if _fits(view) else em.new(em.shape(value))


def _words(name: str, view: View) -> dict[str, Word]:
    """The words of an operand N×T×K."""
    sample, step = (view.stride(axis) or 0 for axis in (0, 1))
    return {name: address(view), f"{name}_sample": sample, f"{name}_step": step}


def _apart(em: Emitter, shape: Shape) -> View:
    """A place for rows over the last axis that lie a cache line further apart than need be.

    Rows a power of two apart would share few places of the first cache, for a product that walks
    down a column as well.
    """
    *outer, columns = shape
    stride = -(-columns * em.item // LINE) * LINE + LINE
    axes: list[Axis] = [((columns, em.item),)]
    for extent in reversed(outer):
        axes.insert(0, ((extent, stride),))
        stride *= extent
    buffer = em.own(Buffer(stride, "transient"))
    return View(buffer, 0, tuple(axes), em.item)


def _spread(em: Emitter, view: View) -> View:
    """A copy of a matrix with its rows apart."""
    place = _apart(em, view.shape)
    em.copy(view, place)
    return place


def _chunk(samples: int) -> int:
    return 2 * SAMPLES if samples >= MANY else SAMPLES


def _common(em: Emitter, row: Row, shape: Shape, length: Sequence[int]) -> dict[str, Word]:
    words: dict[str, Word] = {"n": shape[0], "steps": shape[1], "length": NULL}
    words |= {"kind": _kind(row), "reverse": int(bool(row.attr("reverse")))}
    if length:
        words["length"] = address(em.dense(em.view(length[0])))
    return words


def emit_scan(em: Emitter, op: Op) -> None:
    """The walk of rnn_scan, lstm_scan or gru_scan."""
    row, kind = op.row, _kind(op.row)
    bias = row.inputs[2:3] if kind == GRU else ()
    length = row.inputs[3 if kind == GRU else 2 :]
    x = _source(em, row.inputs[0])
    weight = _spread(em, em.view(row.inputs[1]).permute((1, 0)))
    made = {value: _target(em, value) for value in row.outputs}
    h, gates = made[row.outputs[0]], made[row.outputs[-1]]
    n, _, units = h.shape
    words = _common(em, row, h.shape, length)
    words |= {"units": units, "w": address(weight), "w_row": weight.stride(0) or 0}
    words |= _words("x", x) | _words("h", h) | _words("gates", gates)
    words |= {"bias": NULL, "c": NULL, "c_sample": 0, "c_step": 0}
    whole = [weight, *(em.dense(em.view(v)) for v in (*bias, *length))]
    if bias:
        words["bias"] = address(em.dense(em.view(bias[0])))
    if kind == LSTM:
        words |= _words("c", made[row.outputs[1]])
    flops = 2 * x.size * units
    em.add("recurrent", words, [x], list(made.values()), n, 1, _chunk(n), whole, flops)
    for value, view in made.items():
        em.put(value, view)


def emit_scan_grad(em: Emitter, op: Op) -> None:
    """The way back; the gradients to the weights are products of their own."""
    row, kind = op.row, _kind(op.row)
    kept = 2 if kind in (TANH, RELU) else 3
    length = row.inputs[kept + 1 :]
    weight = _spread(em, em.view(row.inputs[0]))
    y, gates = _source(em, row.inputs[1]), _source(em, row.inputs[kept - 1])
    g, d = _source(em, row.inputs[kept]), _apart(em, em.shape(row.outputs[0]))
    n, _, units = y.shape
    back = em.new((n, units))
    writes = [d, back]
    words = _common(em, row, y.shape, length)
    words |= {"units": units, "w": address(weight), "w_row": weight.stride(0) or 0}
    words |= _words("y", y) | _words("gates", gates) | _words("g", g) | _words("d", d)
    words |= {"back": address(back), "kept": NULL}
    if kind == LSTM:
        writes.append(em.new((n, units)))
        words["kept"] = address(writes[-1])
    whole = [weight, *(em.dense(em.view(v)) for v in length)]
    flops = 2 * y.size * units * columns_of(kind)
    em.add("recurrent_dx", words, [y, gates, g], writes, n, 1, _chunk(n), whole, flops)
    em.put(row.outputs[0], d)
