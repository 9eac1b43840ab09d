"""Scaled dot-product attention as one composite row (Vaswani et al. 2017).

A back end with a fused kernel needs no T×S matrix; what the row means is its expansion.
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
) -> Tensor:
    """softmax(q·kᵀ · scale) · v; q …×T×d, k …×S×d, v …×S×e, result …×T×e.

    What stands before the last two axes (the batch N first, then heads) agrees. `causal` lets query
    t see the keys 0 … t only; `lengths`, N integers, hides the keys from that number on. A query
    that sees no key gives 0. `scale` is 1/√d when None. Raises ShapeError for other shapes.
    """
    if scale is None:
        scale = 1.0 / math.sqrt(q.shape[-1]) if q.shape and q.shape[-1] else 1.0
    operands = (q, k, v) if lengths is None else (q, k, v, lengths)
    return q.builder.emit("attention", operands, causal=causal, scale=scale)[0]


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
    """T×S, 1 where the key is not after the query, else 0.

    A row of T ones and S zeros, T times on end, read again in rows that are one shorter: each has
    one more 1 before its zeros.
    """
    long = queries + keys
    ones = broadcast_to(to_real_scalar(builder.constant(1.0)), (queries,))
    rows = broadcast_to(pad(ones, (0,), (keys,)), (queries, long))
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
