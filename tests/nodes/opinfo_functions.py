"""How the samples of PyTorch's functions on numbers are nodes: see opinfo.py.

`NUMBERS` maps a function, as OpInfo names it, to its translator, which takes the function's
arguments. Functions that OpInfo lists under several names are here under one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.nodes.opinfo import (
    CUT_OFF,
    NAN,
    POLE,
    SETTING,
    Given,
    Trial,
    need,
    real,
)
from tests.nodes.peer import torch

Translator = Callable[..., Trial]


def each(node: str, **names: str) -> Translator:
    """One number in, one out; `names` are settings by PyTorch's names, in its order."""

    def translate(x: Any, *args: Any, inplace: bool = False, **named: Any) -> Trial:
        given = {**dict(zip(names, args, strict=False)), **named}
        need(len(args) <= len(names) and given.keys() <= names.keys(), SETTING)
        return Trial(node, [real(x)], {names[key]: _plain(v) for key, v in given.items()})

    return translate


def formula(text: str, **defaults: Any) -> Translator:
    """A function as a formula of x; further arguments are written into it as numbers."""

    def translate(x: Any, *args: Any, inplace: bool = False, **given: Any) -> Trial:
        values = {**defaults, **dict(zip(defaults, args, strict=False)), **given}
        numbers = {key: f"({_plain(value)!r})" for key, value in values.items()}
        return Trial("Formula", [real(x)], {"formula": text.format_map(numbers)})

    return translate


def spread(text: str, **values: Any) -> Trial:
    """A formula of tensors, spread over each other, and of numbers, which are written into it."""
    text = re.sub(r"[a-z]+", lambda name: _written(values, name.group()), text)
    tensors = {key: value for key, value in values.items() if isinstance(value, torch.Tensor)}
    need(bool(tensors), SETTING)
    names = sorted(tensors, key=lambda name: re.search(rf"\b{name}\b", text).start())
    return Trial("Formula", beside(*(tensors[name] for name in names)), {"formula": text})


def _written(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None or isinstance(value, torch.Tensor):
        return name
    need(math.isfinite(_plain(value)), SETTING)
    return f"({float(value)!r})"


def between(node: str, text: str, scaled: str = "") -> Translator:
    """Two tensors spread over each other; a formula with a number, a factor, or no node."""

    def translate(x: Any, y: Any, alpha: Any = None, **unknown: Any) -> Trial:
        need(not unknown, SETTING)
        if alpha is not None:
            return spread(scaled, x=x, y=y, alpha=alpha)
        tensors = isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor)
        if not tensors or not node:
            return spread(text, x=x, y=y)
        if node != "Add":
            return Trial(node, beside(x, y))
        return Trial(node, [beside(x, y)]) if x.shape == y.shape else spread(text, x=x, y=y)

    return translate


def compare(relation: str) -> Translator:
    """A comparison of two tensors, or with a number as a formula."""
    signs = {"=": "==", "≠": "!=", "≥": ">="}

    def translate(x: Any, y: Any) -> Trial:
        if isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor) and relation != "<=":
            return Trial("Compare", beside(x, y), {"relation": relation})
        return spread(f"x {signs.get(relation, relation)} y", x=x, y=y)

    return translate


def _plain(value: Any) -> Any:
    """A setting of PyTorch as one of ours: numbers, no tensors; whole floats stay floats."""
    need(not isinstance(value, (complex, torch.Tensor)), SETTING)
    return value


def beside(*tensors: Any) -> list[Given]:
    """Operands with as many axes and one batch: spread as PyTorch spreads them."""
    rank = max(max(tensor.ndim for tensor in tensors), 1)
    shapes = [(1,) * (rank - tensor.ndim) + tuple(tensor.shape) for tensor in tensors]
    if len({shape[0] for shape in shapes}) > 1:
        shapes = [(1, *shape) for shape in shapes]
    return [real(tensor, shape) for tensor, shape in zip(tensors, shapes, strict=True)]


def where(condition: Any, a: Any, b: Any) -> Trial:
    """torch.where; OpInfo gives the first choice first."""
    if not isinstance(condition, torch.Tensor) or condition.dtype != torch.bool:
        condition, a = a, condition
    need(isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor), SETTING)
    return Trial("Where", beside(condition.to(torch.float64), a, b))


def clamp(x: Any, low: Any = None, high: Any = None, **named: Any) -> Trial:
    """torch.clamp between tensors or numbers."""
    low, high = named.get("min", low), named.get("max", high)
    ends = [end for end in (low, high) if end is not None]
    if not all(isinstance(end, torch.Tensor) for end in ends):
        need(len(ends) == 2, SETTING)
        return Trial("Clip", [real(x)], {"low": _plain(low), "high": _plain(high)})
    text = "x" if low is None else "max(x, low)"
    text = text if high is None else f"min({text}, high)"
    given = {"low": low, "high": high}
    return spread(text, x=x, **{key: end for key, end in given.items() if end is not None})


def power(x: Any, y: Any) -> Trial:
    """x to the power of y."""
    both = isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor)
    need(not both or not bool(((x == 0) & (y < 0)).any()), POLE)
    return spread("x ** y", x=x, y=y)


def sign(x: Any) -> Trial:
    """−1, 0 or 1."""
    need(not bool(x.isnan().any()), NAN)
    return formula("sign(x)")(x)


def prelu(x: Any, weight: Any) -> Trial:
    """One slope, or one for each channel."""
    slopes = real(weight, (weight.numel(),))
    each_channel = weight.numel() > 1
    settings = {"each_channel": each_channel}
    return Trial("PReLU", [real(x)], settings, {"weight": slopes})


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Trial:
    """Exact, so only where PyTorch does not cut it off."""
    need(x.numel() == 0 or bool((x * beta <= threshold).all()), CUT_OFF)
    return Trial("Softplus", [real(x)], {"beta": beta})


NUMBERS: dict[str, Translator] = {
    "nn.functional.relu": each("ReLU"),
    "nn.functional.relu6": each("ReLU6"),
    "nn.functional.selu": each("SELU"),
    "nn.functional.silu": each("SiLU"),
    "nn.functional.mish": each("Mish"),
    "nn.functional.gelu": each("GELU", approximate="approximate"),
    "nn.functional.elu": each("ELU", alpha="alpha"),
    "nn.functional.celu": each("CELU", alpha="alpha"),
    "nn.functional.leaky_relu": each("LeakyReLU", negative_slope="slope"),
    "nn.functional.hardtanh": each("HardTanh", min_val="low", max_val="high"),
    "nn.functional.hardsigmoid": each("HardSigmoid"),
    "nn.functional.hardswish": each("HardSwish"),
    "nn.functional.logsigmoid": each("LogSigmoid"),
    "nn.functional.softsign": each("Softsign"),
    "nn.functional.softplus": softplus,
    "nn.functional.prelu": prelu,
    "sigmoid": each("Sigmoid"),
    "tanh": each("Tanh"),
    "nn.functional.tanhshrink": formula("x - tanh(x)"),
    "nn.functional.softshrink": each("Softshrink", lambd="threshold"),
    "nn.functional.hardshrink": each("Hardshrink", lambd="threshold"),
    "nn.functional.threshold": each("Threshold", threshold="threshold", value="value"),
    "exp": formula("exp(x)"),
    "exp2": formula("2 ** x"),
    "expm1": formula("expm1(x)"),
    "log": formula("log(x)"),
    "log1p": formula("log1p(x)"),
    "sqrt": formula("sqrt(x)"),
    "rsqrt": formula("1 / sqrt(x)"),
    "square": formula("x ** 2"),
    "reciprocal": formula("1 / x"),
    "abs": formula("abs(x)"),
    "neg": formula("-x"),
    "sign": sign,
    "floor": formula("floor(x)"),
    "ceil": formula("-floor(-x)"),
    "sin": formula("sin(x)"),
    "cos": formula("cos(x)"),
    "erf": formula("erf(x)"),
    "erfc": formula("1 - erf(x)"),
    "add": between("Add", "x + y", "x + alpha * y"),
    "sub": between("Subtract", "x - y", "x - alpha * y"),
    "rsub": between("", "y - x", "y - alpha * x"),
    "mul": between("Multiply", "x * y"),
    "div": between("Divide", "x / y"),
    "pow": power,
    "maximum": between("Maximum", "max(x, y)"),
    "minimum": between("Minimum", "min(x, y)"),
    "gt": compare(">"),
    "ge": compare("≥"),
    "lt": compare("<"),
    "le": compare("<="),
    "eq": compare("="),
    "ne": compare("≠"),
    "where": where,
    "clamp": clamp,
}
