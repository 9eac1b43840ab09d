"""Normalisation of each sample, or each step, by itself (Ba et al. 2016; Zhang & Sennrich 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from graph.primitives.elementwise import rsqrt
from graph.primitives.reduction import reduce_mean, reduce_sum
from graph.primitives.table import Gradients, Primitive, Tensors, Types, register
from graph.program import Attrs, TensorType
from graph.tensor import Tensor


def layer_norm(
    x: Tensor, axes: int, epsilon: float, *affine: Tensor, centred: bool = True
) -> Tensor:
    """(x - mean) / √(variance + epsilon), then · weight + bias where these are given.

    The mean and the biased variance are those over the last `axes` axes of x, whose shape weight
    and bias have. Not `centred`: x / √(mean of squares + epsilon), as a root mean square norm.
    """
    settings = {"axes": axes, "epsilon": epsilon, "centred": centred}
    return x.builder.emit("layer_norm", (x, *affine), **settings)[0]


def _type(types: Types, attrs: Attrs) -> Types:
    return (TensorType(types[0].shape, "real"),)


def _last(x: Tensor, attrs: Attrs) -> tuple[int, ...]:
    return tuple(range(x.rank - cast("int", attrs["axes"]), x.rank))


def _parts(x: Tensor, attrs: Attrs) -> tuple[Tensor, Tensor]:
    """x without its mean, and the inverse of its deviation."""
    axes = _last(x, attrs)
    away = x - reduce_mean(x, axes, keep=True) if attrs["centred"] else x
    power = reduce_mean(away * away, axes, keep=True)
    return away, rsqrt(power + cast("float", attrs["epsilon"]))


def _expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    x, *affine = inputs
    away, inverse = _parts(x, attrs)
    y = away * inverse
    if affine:
        y = y * affine[0]
    return [y + affine[1] if len(affine) > 1 else y]


def _vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    x, *affine = inputs
    operands = (x, gradients[0], *affine[:1])
    return x.builder.emit("layer_norm_grad", operands, affine=len(affine), **attrs)


def _grad_type(types: Types, attrs: Attrs) -> Types:
    return (types[0], *types[2:] * cast("int", attrs["affine"]))


def _grad_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    """Gradients to x, weight and bias, as many as there are, from that to y."""
    x, g, *weight = inputs
    axes, affine = _last(x, attrs), cast("int", attrs["affine"])
    away, inverse = _parts(x, attrs)
    normal = away * inverse
    slope = g * weight[0] if weight else g
    inner = slope - normal * reduce_mean(slope * normal, axes, keep=True)
    if attrs["centred"]:
        inner = inner - reduce_mean(slope, axes, keep=True)
    before = tuple(range(x.rank - len(axes)))
    sums = [reduce_sum(one, before) for one in (g * normal, g)[:affine]]
    return [inner * inverse, *sums]


register(Primitive("layer_norm", "composite", _type, _vjp, _expand))
register(Primitive("layer_norm_grad", "composite", _grad_type, None, _grad_expand))
