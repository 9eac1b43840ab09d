"""Elementwise rows: one number in, one number out, broadcasting like NumPy.

The NumPy column is the definition; the CPU kernels have one opcode for each name of this file.
Functions that lose digits when composed from others (softplus, log_sigmoid, erf, expm1 …) are rows
of their own, right for large arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from graph.primitives.table import Gradients, Primitive, Tensors, Types, broadcast_shapes, register
from graph.program import Attrs, DType, ShapeError, TensorType
from graph.tensor import Number, Tensor


def _result_type(types: Types, attrs: Attrs) -> Types:
    first = types[0]
    if first.dtype != "int" and types.count(first) == len(types):
        return (first,)
    shape = broadcast_shapes(*(t.shape for t in types))
    kinds = {t.dtype for t in types}
    if "int" in kinds:
        raise ShapeError("integer ids", "real numbers", "wire a port that carries numbers")
    dtype: DType = "real" if "real" in kinds else "scalar"
    return (TensorType(shape, dtype),)


def _compare_type(types: Types, attrs: Attrs) -> Types:
    shape = broadcast_shapes(*(t.shape for t in types))
    scalar = all(t.dtype == "scalar" for t in types)
    return (TensorType(shape, "scalar" if scalar else "real"),)


def unbroadcast(gradient: Tensor, like: Tensor) -> Tensor:
    """Sum `gradient` over the axes along which `like` was broadcast."""
    from graph.primitives.reduction import reduce_sum
    from graph.primitives.shape import reshape

    if gradient.shape == like.shape:
        return gradient
    lead = gradient.rank - like.rank
    axes = tuple(range(lead)) + tuple(
        lead + axis
        for axis, extent in enumerate(like.shape)
        if extent == 1 and gradient.shape[lead + axis] != 1
    )
    return reshape(reduce_sum(gradient, axes), like.shape)


Partial = Callable[[Tensor, Tensor, list[Tensor]], list[Tensor | None]]


def _row(name: str, numpy: str, partial: Partial | None) -> None:
    def vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
        if partial is None:
            return [None] * len(inputs)
        parts = partial(gradients[0], outputs[0], list(inputs))
        return [
            None if part is None or x.dtype == "int" else unbroadcast(part, x)
            for part, x in zip(parts, inputs, strict=True)
        ]

    infer = _compare_type if name in _COMPARISONS else _result_type
    register(Primitive(name, "elementwise", infer, vjp, numpy=numpy))


_COMPARISONS = frozenset({"greater", "greater_equal", "less", "equal", "not_equal"})


def _u(name: str) -> Callable[[Tensor], Tensor]:
    def apply(x: Tensor) -> Tensor:
        return x.builder.emit(name, (x,))[0]

    return apply


def _b(name: str) -> Callable[[Tensor, Tensor | Number], Tensor]:
    def apply(a: Tensor, b: Tensor | Number) -> Tensor:
        return a.builder.emit(name, (a, a.builder.as_tensor(b)))[0]

    return apply


exp, log, sqrt, rsqrt, reciprocal = map(_u, ("exp", "log", "sqrt", "rsqrt", "reciprocal"))
expm1, log1p, tanh, sigmoid = map(_u, ("expm1", "log1p", "tanh", "sigmoid"))
softplus, log_sigmoid, erf = map(_u, ("softplus", "log_sigmoid", "erf"))
absolute, sign, floor, sin, cos, relu = map(_u, ("abs", "sign", "floor", "sin", "cos", "relu"))
maximum, minimum, power = map(_b, ("maximum", "minimum", "pow"))
greater, greater_equal, less = map(_b, ("greater", "greater_equal", "less"))
equal, not_equal = map(_b, ("equal", "not_equal"))


def where(condition: Tensor, a: Tensor | Number, b: Tensor | Number) -> Tensor:
    """`a` where `condition` is not 0, else `b`."""
    to = condition.builder.as_tensor
    return condition.builder.emit("where", (condition, to(a), to(b)))[0]


def _power_slope(base: Tensor, exponent: Tensor) -> Tensor:
    """exponent · base^(exponent − 1); 0 where the exponent is, whatever the base, as in PyTorch."""
    slope = exponent * power(base, exponent - 1.0)
    return slope if exponent.dtype == "scalar" else where(equal(exponent, 0.0), 0.0, slope)


def relu_grad(x: Tensor, g: Tensor) -> Tensor:
    """`g` where `x > 0`, else 0: the gradient of relu at `x` (or at its output)."""
    return x.builder.emit("relu_grad", (x, g))[0]


_row("add", "{0} + {1}", lambda g, y, x: [g, g])
_row("sub", "{0} - {1}", lambda g, y, x: [g, -g])
_row("mul", "{0} * {1}", lambda g, y, x: [g * x[1], g * x[0]])
_row("div", "{0} / {1}", lambda g, y, x: [g / x[1], -g * y / x[1]])
_row("neg", "-{0}", lambda g, y, x: [-g])
_row(
    "pow",
    "{0} ** {1}",
    lambda g, y, x: [
        g * _power_slope(x[0], x[1]),
        None if x[1].dtype == "scalar" else where(greater(x[0], 0.0), g * y * log(x[0]), 0.0),
    ],
)
_row("exp", "np.exp({0})", lambda g, y, x: [g * y])
_row("expm1", "np.expm1({0})", lambda g, y, x: [g * (y + 1.0)])
_row("log", "np.log({0})", lambda g, y, x: [g / x[0]])
_row("log1p", "np.log1p({0})", lambda g, y, x: [g / (x[0] + 1.0)])
_row("sqrt", "np.sqrt({0})", lambda g, y, x: [g * 0.5 / y])
_row("rsqrt", "1 / np.sqrt({0})", lambda g, y, x: [g * -0.5 * y * y * y])
_row("reciprocal", "1 / {0}", lambda g, y, x: [-g * y * y])
_row("tanh", "np.tanh({0})", lambda g, y, x: [g * (1.0 - y * y)])
_row("sigmoid", "sigmoid({0})", lambda g, y, x: [g * y * (1.0 - y)])
_row("softplus", "np.logaddexp({0}, 0)", lambda g, y, x: [g * sigmoid(x[0])])
_row("log_sigmoid", "-np.logaddexp(-{0}, 0)", lambda g, y, x: [g * sigmoid(-x[0])])
_row("erf", "erf({0})", lambda g, y, x: [g * (2.0 / math.sqrt(math.pi)) * exp(-x[0] * x[0])])
_row("abs", "np.abs({0})", lambda g, y, x: [g * sign(x[0])])
_row("sign", "np.sign({0})", None)
_row("floor", "np.floor({0})", None)
_row("sin", "np.sin({0})", lambda g, y, x: [g * cos(x[0])])
_row("cos", "np.cos({0})", lambda g, y, x: [-g * sin(x[0])])
_row("relu", "np.maximum({0}, 0)", lambda g, y, x: [relu_grad(y, g)])
_row("relu_grad", "np.where({0} > 0, {1}, 0)", lambda g, y, x: [None, relu_grad(x[0], g)])
# On ties both operands get half of the gradient, as in PyTorch.
_row(
    "maximum",
    "np.maximum({0}, {1})",
    lambda g, y, x: [g * _share(x[0], x[1]), g * _share(x[1], x[0])],
)
_row(
    "minimum",
    "np.minimum({0}, {1})",
    lambda g, y, x: [g * _share(x[1], x[0]), g * _share(x[0], x[1])],
)
_row("greater", "({0} > {1})", None)
_row("greater_equal", "({0} >= {1})", None)
_row("less", "({0} < {1})", None)
_row("equal", "({0} == {1})", None)
_row("not_equal", "({0} != {1})", None)
_row(
    "where",
    "np.where({0} != 0, {1}, {2})",
    lambda g, y, x: [None, where(x[0], g, 0.0), where(x[0], 0.0, g)],
)


def _share(winner: Tensor, loser: Tensor) -> Tensor:
    return greater(winner, loser) + 0.5 * equal(winner, loser)


def _const_type(types: Types, attrs: Attrs) -> Types:
    return (TensorType((), "scalar"),)


register(Primitive("const", "elementwise", _const_type, lambda i, o, g, a: [], numpy="{value!r}"))


def _same(types: Types, attrs: Attrs) -> Types:
    return types


def stop_gradient(x: Tensor) -> Tensor:
    """`x`, through which no gradient flows."""
    return x.builder.emit("stop_gradient", (x,))[0]


register(Primitive("stop_gradient", "elementwise", _same, lambda i, o, g, a: [None], numpy="{0}"))


def _real_type(types: Types, attrs: Attrs) -> Types:
    return (TensorType(types[0].shape, "real"),)


def to_real(x: Tensor) -> Tensor:
    """Integers as real numbers."""
    return x if x.dtype == "real" else x.builder.emit("to_real", (x,))[0]


register(Primitive("to_real", "elementwise", _real_type, lambda i, o, g, a: [None], numpy="{0}"))
