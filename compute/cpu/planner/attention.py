"""Attention steps: heads are walked where they lie, whatever the order of batch, heads and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.steps import NULL, Word, address
from compute.cpu.planner.views import View
from graph.program import Row, Shape

SAMPLES = 8  # from which on chunks are samples and not heads


def emit_attention(em: Emitter, op: Op) -> None:
    row = op.row
    heads = [_heads(em, value) for value in row.inputs[:3]]
    y, tops, inverses = _forward(em, row, heads, row.inputs[3:])
    em.attended[row.outputs[0]] = y, tops, inverses
    em.put(row.outputs[0], _as(y, em.shape(row.outputs[0])))


def emit_attention_grad(em: Emitter, op: Op) -> None:
    """From what the forward pass left, or from a forward pass of its own."""
    row = op.row
    q, k, v = (_heads(em, value) for value in row.inputs[:3])
    g, lengths = _heads(em, row.inputs[4]), row.inputs[5:]
    kept = em.attended.get(row.inputs[3]) or _forward(em, row, (q, k, v), lengths)
    made = [_gradient(em, value, view) for value, view in zip(row.outputs, (q, k, v), strict=True)]
    if _row(made[0]) != _row(made[1]):  # the kernel knows one stride for both
        made[:2] = _place(em, q.shape), _place(em, k.shape)
    words, reads = _words(em, row, (q, k, v), lengths)
    words |= _strided("g", g)
    words |= {
        name: address(view) for name, view in zip(("y", "tops", "inverses"), kept, strict=True)
    }
    words |= {name: address(view) for name, view in zip(("dq", "dk", "dv"), made, strict=True)}
    words |= {"d_row": _row(made[1]), "dv_row": _row(made[2])}
    _add(em, "attention_grad", words, [*reads, g, *kept], made, 2.5)
    for value, view in zip(row.outputs, made, strict=True):
        em.put(value, _as(view, em.shape(value)))


def _forward(
    em: Emitter, row: Row, heads: Sequence[View], lengths: Sequence[int]
) -> tuple[View, View, View]:
    """The step; y as N×H×T×e, and the maximum and the inverse of the sum of each query."""
    q, _, v = heads
    n, h, t, _ = q.shape
    y, tops, inverses = _place(em, (n, h, t, v.shape[3])), em.new((n, h, t)), em.new((n, h, t))
    words, reads = _words(em, row, heads, lengths)
    words |= {"y": address(y), "tops": address(tops), "inverses": address(inverses)}
    _add(em, "attention", words, reads, [y, tops, inverses], 1.0)
    return y, tops, inverses


def _add(
    em: Emitter,
    kernel: str,
    words: dict[str, Word],
    reads: Sequence[View],
    writes: Sequence[View],
    products: float,
) -> None:
    """The step, its chunks samples where there are enough of them, else heads."""
    n, h, t, s, d, e = (cast("int", words[name]) for name in "nhtsde")
    flops = round(products * 2 * n * h * t * s * (d + e))
    if n >= SAMPLES:
        em.add(kernel, words, reads, writes, n, h, 0, (), flops)
    else:
        em.add(kernel, words, reads, writes, 0, 1, 1, (), flops)


def _words(
    em: Emitter, row: Row, heads: Sequence[View], lengths: Sequence[int]
) -> tuple[dict[str, Word], list[View]]:
    """What both kernels are told, and what they read."""
    q, k, v = heads
    n, h, t, d = q.shape
    words: dict[str, Word] = {"n": n, "h": h, "t": t, "s": k.shape[2], "d": d, "e": v.shape[3]}
    words |= _strided("q", q) | _strided("k", k) | _strided("v", v)
    words |= {"scale": cast("float", row.attr("scale")), "causal": int(row.attr("causal"))}
    counts = [em.dense(em.view(value)) for value in lengths]
    words["lengths"] = address(counts[0]) if counts else NULL
    return words, [q, k, v, *counts]


def _heads(em: Emitter, value: int) -> View:
    """A value as N×H×T×d with one stride an axis and contiguous rows; a copy if need be."""
    view = em.view(value)
    strides = [view.stride(axis) for axis in range(len(view.axes))]
    if None in strides or (strides[-1] != view.item and view.shape[-1] > 1):
        view = em.dense(view)
    n, *inner = view.shape
    return view if len(inner) == 3 else _as(view, (n, 1, *inner))


def _place(em: Emitter, shape: Shape) -> View:
    """A fresh place for N×H×T×d that lies as N×T×H×d, so that heads join without a copy."""
    n, h, t, d = shape
    return em.new((n, t, h, d)).permute((0, 2, 1, 3))


def _gradient(em: Emitter, value: int, like: View) -> View:
    """Where a gradient goes: the place decided for it where its heads lie together and its times
    one after the other, else one of its own.
    """
    n, h, t, d = like.shape
    goal = em.fixed_place(value)
    found = goal.reshape(like.shape) if goal is not None else None
    if found is not None and t > 1:
        row = found.stride(2) or 0
        together = (h == 1 or found.stride(1) == d * found.item) and found.stride(3) == found.item
        if row > 0 and together and (n == 1 or found.stride(0) == t * row):
            return found
    return _place(em, like.shape)


def _row(view: View) -> int:
    """Bytes from time to time of a place for gradients."""
    stride = view.stride(2)
    return stride or view.shape[1] * view.shape[3] * view.item


def _as(view: View, shape: Shape) -> View:
    """The view with or without its axis of one head."""
    found = view.reshape(shape) if len(shape) != len(view.axes) else view
    assert found is not None
    return found


def _strided(name: str, view: View) -> dict[str, Word]:
    strides = [view.stride(axis) or 0 for axis in range(3)]
    ends = ("_n", "_h", "_row")
    return {name: address(view), **{name + e: x for e, x in zip(ends, strides, strict=True)}}
