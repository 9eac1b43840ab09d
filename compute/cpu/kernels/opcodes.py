"""The opcodes of elementwise programs: name, sources and meaning, in one table.

Names are those of `graph.primitives`, plus copy and the combined ones that chains of rows may be
turned into: fma, fnma, axpby, square_axpby and root_ratio (optimizers live on them). `emit` builds
the operation on vectors; it is only called by the compiler, so reading the table imports no
compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Opcode:
    """Number of an elementwise operation, how many sources it reads, how it is emitted.

    `emit(e, m, a, b, c, d)` gets an Emitter, the module `vecmath` and as many vectors as there are
    sources.
    """

    code: int
    arity: int
    emit: Callable[..., Any]
    scalars: tuple[int, ...] = ()
    """Sources that are mostly one number: for when they are, there is a loop that keeps them in
    registers.
    """

    slow: bool = False
    """Whether it is many instructions or waits for the divider: a loop around it costs nothing."""


_TABLE: list[tuple[str, int, Callable[..., Any]]] = [
    ("copy", 1, lambda e, m, a: a),
    ("neg", 1, lambda e, m, a: -a),
    ("add", 2, lambda e, m, a, b: a + b),
    ("sub", 2, lambda e, m, a, b: a - b),
    ("mul", 2, lambda e, m, a, b: a * b),
    ("div", 2, lambda e, m, a, b: a / b),
    ("fma", 3, lambda e, m, a, b, c: e.fma(a, b, c)),  # a·b + c in one rounding
    ("fnma", 3, lambda e, m, a, b, c: e.fma(-a, b, c)),  # c - a·b in one rounding
    ("axpby", 4, lambda e, m, a, b, c, d: e.fma(a, b, c * d)),  # c·d and the sum round
    # the running square of Adam and its kin: the same bits as the square and axpby
    ("square_axpby", 4, lambda e, m, a, b, c, d: e.fma(a, b, (c * c) * d)),
    # a / (√b · c + d): the update of Adam and its kin
    ("root_ratio", 4, lambda e, m, a, b, c, d: m.root_ratio(e, a, b, c, d)),
    ("sqrt", 1, lambda e, m, a: e.unary("sqrt", a)),
    ("rsqrt", 1, lambda e, m, a: 1.0 / e.unary("sqrt", a)),
    ("reciprocal", 1, lambda e, m, a: 1.0 / a),
    ("abs", 1, lambda e, m, a: e.unary("fabs", a)),
    ("sign", 1, lambda e, m, a: m.sign(e, a)),
    ("floor", 1, lambda e, m, a: e.unary("floor", a)),
    ("relu", 1, lambda e, m, a: m.relu(e, a)),
    ("relu_grad", 2, lambda e, m, a, b: e.select(a > 0.0, b, 0.0)),
    ("maximum", 2, lambda e, m, a, b: e.maximum(a, b)),
    ("minimum", 2, lambda e, m, a, b: e.minimum(a, b)),
    ("greater", 2, lambda e, m, a, b: (a > b).real()),
    ("greater_equal", 2, lambda e, m, a, b: (a >= b).real()),
    ("less", 2, lambda e, m, a, b: (a < b).real()),
    ("equal", 2, lambda e, m, a, b: (a == b).real()),
    ("not_equal", 2, lambda e, m, a, b: (a != b).real()),
    ("where", 3, lambda e, m, a, b, c: e.select(a != 0.0, b, c)),  # b where a is not 0, else c
    ("exp", 1, lambda e, m, a: m.exp(e, a)),
    ("expm1", 1, lambda e, m, a: m.expm1(e, a)),
    ("log", 1, lambda e, m, a: m.log(e, a)),
    ("log1p", 1, lambda e, m, a: m.log1p(e, a)),
    ("tanh", 1, lambda e, m, a: m.tanh(e, a)),
    ("sigmoid", 1, lambda e, m, a: m.sigmoid(e, a)),
    ("softplus", 1, lambda e, m, a: m.softplus(e, a)),
    ("log_sigmoid", 1, lambda e, m, a: m.log_sigmoid(e, a)),
    ("erf", 1, lambda e, m, a: m.erf(e, a)),
    ("sin", 1, lambda e, m, a: m.sin(e, a)),
    ("cos", 1, lambda e, m, a: m.cos(e, a)),
    ("pow", 2, lambda e, m, a, b: m.power(e, a, b)),
    ("gauss", 1, lambda e, m, a: m.gauss(e, a)),
    ("normal_cdf", 2, lambda e, m, a, b: m.normal_cdf(e, a, b)),  # b is the gauss of a
]

_SCALARS = {"mul": (1,), "fma": (1,), "fnma": (1,), "axpby": (1, 3), "square_axpby": (1, 3)}

# fmt: off
_FAST = {
    "copy", "neg", "add", "sub", "mul", "fma", "fnma", "axpby", "square_axpby", "abs", "sign",
    "floor", "relu", "relu_grad", "maximum", "minimum", "greater", "greater_equal", "less", "equal",
    "not_equal", "where",
}
# fmt: on

OPCODES: dict[str, Opcode] = {
    name: Opcode(code, arity, emit, _SCALARS.get(name, ()), name not in _FAST)
    for code, (name, arity, emit) in enumerate(_TABLE)
}
