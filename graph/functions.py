"""What a formula may use: for each function and sign its rows, its value for plain numbers and its
PyTorch."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graph import primitives as rows
from graph.tensor import Tensor

CONSTANTS = {"pi": math.pi, "e": math.e}

# How tightly generated text holds together; looser arguments get brackets.
COMPARISON, SUM, PRODUCT, SIGN, POWER, CALL = range(6)


@dataclass(frozen=True)
class Function:
    """One function: how many arguments, the rows it emits, its value, its PyTorch template.

    In `torch`, {0}, {1} … are the arguments and {like} an input of the formula, whose element
    type and device new tensors take. `binding` is how tightly that text holds, `inner` what each
    argument needs to go without brackets; `tensors`: PyTorch takes no plain numbers there.
    """

    arity: int
    rows: Callable[..., Tensor]
    number: Callable[..., Any]
    torch: str
    binding: int = CALL
    inner: tuple[int, ...] = (COMPARISON, COMPARISON, COMPARISON)
    tensors: bool = False


def _unary(rows: Callable[[Tensor], Tensor], number: Callable[..., Any], torch: str) -> Function:
    return Function(1, rows, number, f"{torch}({{0}})")


def _infix(apply: Callable[..., Any], sign: str, binding: int) -> Function:
    # equal signs group from the left, so the right argument must hold tighter
    return Function(2, apply, apply, f"{{0}} {sign} {{1}}", binding, (binding, binding + 1))


def _compare(rows: Callable[..., Tensor], number: Callable[..., Any], sign: str) -> Function:
    return Function(2, rows, number, f"{{0}} {sign} {{1}}", COMPARISON, (SUM, SUM))


def _pair(rows: Callable[..., Tensor], number: Callable[..., Any], torch: str) -> Function:
    return Function(2, rows, number, f"{torch}({{0}}, {{1}})", tensors=True)


def _power(base: Tensor, exponent: Tensor) -> Tensor:
    row = base.builder.row_of.get(exponent.id)
    value = row.attr("value") if row is not None and row.op == "const" else None
    if value == 2.0:
        return base * base
    if value == 3.0:
        return base * base * base
    return rows.power(base, exponent)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


_POWER = Function(2, _power, math.pow, "{0} ** {1}", POWER, (CALL, SIGN))

FUNCTIONS: dict[str, Function] = {
    "exp": _unary(rows.exp, math.exp, "torch.exp"),
    "expm1": _unary(rows.expm1, math.expm1, "torch.expm1"),
    "log": _unary(rows.log, math.log, "torch.log"),
    "log1p": _unary(rows.log1p, math.log1p, "torch.log1p"),
    "sqrt": _unary(rows.sqrt, math.sqrt, "torch.sqrt"),
    "abs": _unary(rows.absolute, abs, "torch.abs"),
    "sign": _unary(rows.sign, lambda x: (x > 0) - (x < 0), "torch.sign"),
    "floor": _unary(rows.floor, math.floor, "torch.floor"),
    "sin": _unary(rows.sin, math.sin, "torch.sin"),
    "cos": _unary(rows.cos, math.cos, "torch.cos"),
    "tanh": _unary(rows.tanh, math.tanh, "torch.tanh"),
    "sigmoid": _unary(rows.sigmoid, _sigmoid, "torch.sigmoid"),
    # PyTorch cuts softplus off at 20 unless told otherwise, and loses ten digits there
    "softplus": Function(1, rows.softplus, _softplus, "F.softplus({0}, threshold=40)"),
    "log_sigmoid": _unary(rows.log_sigmoid, lambda x: -_softplus(-x), "F.logsigmoid"),
    "erf": _unary(rows.erf, math.erf, "torch.erf"),
    "relu": _unary(rows.relu, lambda x: max(x, 0.0), "torch.relu"),
    "max": _pair(rows.maximum, max, "torch.maximum"),
    "min": _pair(rows.minimum, min, "torch.minimum"),
    "pow": _POWER,
    "where": Function(
        3, rows.where, lambda c, a, b: a if c else b, "torch.where({0}, {1}, {2})", tensors=True
    ),
}

# Signs by their text, a sign in front as `neg`.
SIGNS: dict[str, Function] = {
    "+": _infix(operator.add, "+", SUM),
    "-": _infix(operator.sub, "-", SUM),
    "*": _infix(operator.mul, "*", PRODUCT),
    "/": _infix(operator.truediv, "/", PRODUCT),
    "neg": Function(1, operator.neg, operator.neg, "-{0}", SIGN, (SIGN,)),
    "<": _compare(rows.less, operator.lt, "<"),
    "<=": _compare(lambda a, b: rows.greater_equal(b, a), operator.le, "<="),
    ">": _compare(rows.greater, operator.gt, ">"),
    ">=": _compare(rows.greater_equal, operator.ge, ">="),
    "==": _compare(rows.equal, operator.eq, "=="),
    "!=": _compare(rows.not_equal, operator.ne, "!="),
}
RULES = FUNCTIONS | SIGNS
