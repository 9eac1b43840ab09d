"""Scaled dot-product attention (Vaswani et al. 2017), as one composite row where that will do.

A back end with a fused kernel needs no T×S matrix for it; what the row means is its expansion.
Masks, windows and factors on the weights are rows of their own: matrices T×S.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

from graph.primitives.composite import softmax
from graph.primitives.elementwise import greater, to_real, where
from graph.primitives.linear import matmul
from graph.primitives.reduction import reduce_sum
from graph.primitives.shape import broadcast_to, pad, reshape, slice_axis, to_real_scalar
from graph.primitives.table import Gradients, Primitive, Tensors, Types, register, text
from graph.program import Attrs, ShapeError, TensorType
from graph.tensor import Builder, Tensor

# the score of a key that is not seen: finite, so that no row of scores gives NaN
HIDDEN = -1e30


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    lengths: Tensor | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
    window: int | None = None,
    mask: Tensor | None = None,
    factors: Tensor | None = None,
) -> Tensor:
    """softmax(q·kᵀ · scale) · v; q …×T×d, k …×S×d, v …×S×e, result …×T×e.

    What stands before the last two axes (the batch N first, then heads) agrees. `causal` lets query
    t see the keys 0 … t only, `window` those less than so many steps from t; `lengths`, N integers,
    hides the keys from that number on, and `mask` those where it is 0: N×S for all queries, N×T×S
    for all heads, or N×H×T×S, any extent but N may be 1. A query that sees no key gives 0. The
    weights are multiplied by `factors` …×T×S (dropout). `scale` is 1/√d when None. Raises
    ShapeError for other shapes.
    """
    if scale is None:
        scale = 1.0 / math.sqrt(q.shape[-1]) if q.shape and q.shape[-1] else 1.0
    operands = (q, k, v) if lengths is None else (q, k, v, lengths)
    if window is None and mask is None and factors is None:
        return q.builder.emit("attention", operands, causal=causal, scale=scale)[0]
    _attention_type(tuple(operand.type for operand in operands), {})
    queries, keys = q.shape[-2], k.shape[-2]
    seen = []
    if causal or window is not None:
        before = queries if window is None else window - 1
        after = 0 if causal else before
        seen.append(_band(q.builder, queries, keys, before, after))
    if lengths is not None:
        seen.append(_within(lengths, q.rank, keys))
    if mask is not None:
        seen.append(_mask(mask, q.rank))
    weights = _seen_weights(matmul(q * scale, k, transpose_b=True), seen)
    return matmul(weights if factors is None else weights * factors, v)


def _mask(mask: Tensor, rank: int) -> Tensor:
    """The mask as numbers that go with scores of that rank: its missing axes are behind the N."""
    shape = (*mask.shape[:1], *(1,) * (rank - mask.rank), *mask.shape[1:])
    return reshape(to_real(mask), shape)


def _seen_weights(scores: Tensor, seen: Sequence[Tensor]) -> Tensor:
    """softmax of the scores where all of `seen` are not 0, and 0 elsewhere."""
    if not seen:
        return softmax(scores)
    keep = seen[0]
    for other in seen[1:]:
        keep = where(other, keep, 0.0)
    return where(keep, softmax(where(keep, scores, HIDDEN)), 0.0)


def _attention_type(types: Types, attrs: Attrs) -> Types:
    q, k, v = (kind.shape for kind in types[:3])
    if len(q) < 3:
        remedy = "give the queries steps and features"
        raise ShapeError(f"queries {text(q)}", "N×T×d, heads after the N", remedy)
    for operand, (name, shape) in enumerate((("keys", k), ("values", v)), 1):
        if len(shape) != len(q) or shape[:-2] != q[:-2]:
            expected = f"{text(q[:-2])} before the last two axes, as the queries have"
            raise ShapeError(f"{name} {text(shape)}", expected, "give all the same heads", operand)
    if k[-1] != q[-1]:
        expected = f"as many as the queries have, {q[-1]}"
        raise ShapeError(f"keys of {k[-1]} numbers", expected, "project one of them", operand=1)
    if v[-2] != k[-2]:
        expected = f"one for each of the {k[-2]} keys"
        raise ShapeError(f"{v[-2]} values", expected, "take both from the same steps", operand=2)
    for kind in types[3:]:
        if kind != TensorType(q[:1], "int"):
            remedy = "wire the number of valid steps of each sequence"
            raise ShapeError(f"lengths {kind}", f"{q[0]} integers", remedy, operand=3)
    return (TensorType((*q[:-1], v[-1])),)


def _scaled(q: Tensor, attrs: Attrs) -> Tensor:
    return q * cast("float", attrs["scale"])


def _weights(q: Tensor, k: Tensor, lengths: Sequence[Tensor], attrs: Attrs) -> Tensor:
    """How much each query takes of each key, …×T×S; even where it sees none."""
    scores = matmul(_scaled(q, attrs), k, transpose_b=True)
    if attrs["causal"]:
        scores = where(_not_after(q.builder, q.shape[-2], k.shape[-2]), scores, HIDDEN)
    for given in lengths:
        scores = where(_within(given, q.rank, k.shape[-2]), scores, HIDDEN)
    return softmax(scores)


def _not_after(builder: Builder, queries: int, keys: int) -> Tensor:
    """T×S, 1 where the key is not after the query, else 0."""
    return _band(builder, queries, keys, queries, 0)


def _band(builder: Builder, queries: int, keys: int, before: int, after: int) -> Tensor:
    """T×S, 1 where the key is at most `before` steps before and `after` behind the query, else 0.

    A row of T + S numbers, ones between zeros, T times on end, read again in rows that are one
    shorter: in each the ones stand a place further on.
    """
    long = queries + keys
    low, high = max(0, queries - 1 - before), min(long - 1, queries + after)
    ones = broadcast_to(to_real_scalar(builder.constant(1.0)), (high - low,))
    rows = broadcast_to(pad(ones, (low,), (long - high,)), (queries, long))
    flat = reshape(rows, (queries * long,))
    flat = slice_axis(flat, 0, queries - 1, queries - 1 + queries * (long - 1))
    return slice_axis(reshape(flat, (queries, long - 1)), 1, 0, keys)


def _within(lengths: Tensor, rank: int, keys: int) -> Tensor:
    """N×1×…×S, 1 where the key's place is below the length, else 0."""
    counted = reduce_sum(_not_after(lengths.builder, keys, keys), 1)  # 1, 2, … S
    last = reshape(to_real(lengths), (lengths.shape[0], *(1,) * (rank - 1))) + 1.0
    return greater(last, counted)


def _any_seen(x: Tensor, lengths: Sequence[Tensor]) -> Tensor:
    """x, 0 for the sequences of length 0."""
    for given in lengths:
        some = greater(to_real(given), 0.0)
        x = x * reshape(some, (given.shape[0], *(1,) * (x.rank - 1)))
    return x


def _attention_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    q, k, v, *lengths = inputs
    return [_any_seen(matmul(_weights(q, k, lengths, attrs), v), lengths)]


def _attention_vjp(
    inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs
) -> Gradients:
    q, k, v, *lengths = inputs
    operands = (q, k, v, outputs[0], gradients[0], *lengths)
    return [*q.builder.emit("attention_grad", operands, **attrs), *[None for _ in lengths]]


def _attention_grad_type(types: Types, attrs: Attrs) -> Types:
    return types[:3]


def _attention_grad_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    """Gradients to q, k and v; the weights are the forward pass's rows, so they are shared."""
    q, k, v, _, g, *lengths = inputs
    weights, g = _weights(q, k, lengths, attrs), _any_seen(g, lengths)
    d_weights = matmul(g, v, transpose_b=True)
    d_scores = q.builder.emit("softmax_grad", (weights, d_weights))[0]
    return [
        _scaled(matmul(d_scores, k), attrs),
        matmul(d_scores, _scaled(q, attrs), transpose_a=True),
        matmul(weights, g, transpose_a=True),
    ]


register(
    Primitive(
        "attention",
        "composite",
        _attention_type,
        _attention_vjp,
        _attention_expand,
        constant=frozenset({3}),
    )
)
register(
    Primitive(
        "attention_grad",
        "composite",
        _attention_grad_type,
        None,
        _attention_grad_expand,
        constant=frozenset({3, 5}),
    )
)
