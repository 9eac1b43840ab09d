"""GELU (Hendrycks & Gimpel 2016) with a slope that is made where its value is.

Its gradient is the gradient to y times a slope that depends on x alone: a back end may make it in
the pass that has x in hand, and keep it in the place of x.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from graph.primitives.elementwise import erf, exp, tanh
from graph.primitives.table import Gradients, Primitive, Tensors, Types, register
from graph.program import Attrs, TensorType
from graph.tensor import Tensor

DENSITY = 1.0 / math.sqrt(2.0 * math.pi)  # of the normal distribution at 0
CUBE, SCALE = 0.044715, math.sqrt(2.0 / math.pi)  # of the approximation by tanh


def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """x · Φ(x), or where `approximate` 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))."""
    return x.builder.emit("gelu", (x,), approximate=approximate)[0]


def _type(types: Types, attrs: Attrs) -> Types:
    return (TensorType(types[0].shape, "real"),)


def _gauss(x: Tensor) -> Tensor:
    return x.builder.emit("gauss", (x,))[0]


def _share(x: Tensor) -> Tensor:
    """Φ(x), the share of a normal distribution below x."""
    return x.builder.emit("normal_cdf", (x, _gauss(x)))[0]


def _bent(x: Tensor) -> tuple[Tensor, Tensor]:
    """x² and the tanh of the approximation."""
    square = x * x
    return square, tanh(x * (square * (SCALE * CUBE) + SCALE))


def _expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    x = inputs[0]
    if not attrs["approximate"]:
        return [x * _share(x)]
    return [x * (_bent(x)[1] * 0.5 + 0.5)]


def _vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    x = inputs[0]
    if not attrs["approximate"]:
        return [gradients[0] * (_share(x) + x * _gauss(x) * DENSITY)]
    square, bent = _bent(x)
    inner = x * (square * (1.5 * SCALE * CUBE) + 0.5 * SCALE)
    return [gradients[0] * ((bent * 0.5 + 0.5) + inner * (1.0 - bent * bent))]


def _gauss_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    return [-gradients[0] * inputs[0] * outputs[0]]


def _share_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    return [gradients[0] * inputs[1] * DENSITY, None]


def _gauss_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    return [exp(inputs[0] * inputs[0] * -0.5)]


def _share_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    return [(erf(inputs[0] * math.sqrt(0.5)) + 1.0) * 0.5]


register(Primitive("gelu", "composite", _type, _vjp, _expand))
# exp(-x²/2)
register(Primitive("gauss", "elementwise", _type, _gauss_vjp, _gauss_expand))
# Φ(x); its second operand is the gauss of the first, from which it may be made
constant = frozenset({1})
register(Primitive("normal_cdf", "elementwise", _type, _share_vjp, _share_expand, "", constant))
