"""The opcodes of elementwise programs. Names are those of `graph.primitives`, plus `fma` and `copy`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Opcode:
    """Number and number of sources of one elementwise operation."""

    code: int
    arity: int


_NAMES = {
    1: "copy neg exp expm1 log log1p sqrt rsqrt reciprocal tanh sigmoid softplus log_sigmoid erf abs"
    " sign floor sin cos relu",
    2: "add sub mul div pow maximum minimum greater greater_equal less equal not_equal relu_grad",
    3: "fma where",
}
"""fma is a·b + c in one rounding; where is b where a is not 0, else c; relu_grad is b where a > 0, else 0."""

OPCODES: dict[str, Opcode] = {
    name: Opcode(code, arity)
    for code, (name, arity) in enumerate(
        (name, arity) for arity, names in _NAMES.items() for name in names.split()
    )
}
