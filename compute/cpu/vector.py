"""Vector arithmetic written as LLVM instructions: the values `compute.cpu.vecmath` computes with.

Only strict IEEE operations are emitted (no fast-math flags), so a value never depends on the code
around it. Imports llvmlite's text builder but no compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from compute.cpu.variants import Variant

I1, I32, I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
F32, F64 = ir.FloatType(), ir.DoubleType()


class Emitter:
    """Emits operations on vectors of `lanes` reals into a builder."""

    def __init__(self, builder: Any, real: str, lanes: int, fused: bool) -> None:
        self.b = builder
        self.real, self.lanes, self.fused = real, lanes, fused
        self.single = real == "f32"
        self.scalar = F32 if self.single else F64
        self.int = I32 if self.single else I64
        self.type = ir.VectorType(self.scalar, lanes)
        self.ints = ir.VectorType(self.int, lanes)
        self.bools = ir.VectorType(I1, lanes)
        self.item = 4 if self.single else 8
        self.mantissa = 23 if self.single else 52
        self.bias = 127 if self.single else 1023

    @staticmethod
    def of(builder: Any, variant: Variant) -> Emitter:
        return Emitter(builder, variant.real, variant.lanes, variant.fma)

    def double(self) -> Emitter:
        """The same lanes in float64."""
        return Emitter(self.b, "f64", self.lanes, self.fused)

    # ---- constants

    def constant(self, value: float) -> Vec:
        return Vec(self, ir.Constant(self.type, [value] * self.lanes))

    def pick(self, single: float, double: float) -> float:
        """The constant for this real type."""
        return single if self.single else double

    def splat(self, scalar: Any, kind: Any = None) -> Any:
        """The scalar value in every lane (raw value)."""
        kind = kind or self.type
        undef = ir.Constant(kind, ir.Undefined)
        first = self.b.insert_element(undef, scalar, ir.Constant(I32, 0))
        zeros = ir.Constant(ir.VectorType(I32, self.lanes), [0] * self.lanes)
        return self.b.shuffle_vector(first, undef, zeros)

    # ---- calls of LLVM intrinsics

    def suffix(self) -> str:
        return f"v{self.lanes}{self.real}"

    def declare(self, name: str, result: Any, arguments: Sequence[Any]) -> Any:
        module = self.b.module
        if name in module.globals:
            return module.globals[name]
        return ir.Function(module, ir.FunctionType(result, arguments), name)

    def unary(self, name: str, x: Vec) -> Vec:
        function = self.declare(f"llvm.{name}.{self.suffix()}", self.type, [self.type])
        return Vec(self, self.b.call(function, [x.v]))

    def fma(self, a: Operand, b: Operand, c: Operand) -> Vec:
        """a·b + c, in one rounding where the CPU can."""
        name = f"llvm.{'fma' if self.fused else 'fmuladd'}.{self.suffix()}"
        function = self.declare(name, self.type, [self.type] * 3)
        return Vec(self, self.b.call(function, [self.vec(x).v for x in (a, b, c)]))

    def vec(self, x: Operand) -> Vec:
        return x if isinstance(x, Vec) else self.constant(x)

    # ---- selections

    def select(self, mask: Mask, a: Operand, b: Operand) -> Vec:
        return Vec(self, self.b.select(mask.v, self.vec(a).v, self.vec(b).v))

    def maximum(self, a: Operand, b: Operand) -> Vec:
        """The larger; NaN if either is."""
        a, b = self.vec(a), self.vec(b)
        return self.select(a != a, a, self.select(a > b, a, b))

    def minimum(self, a: Operand, b: Operand) -> Vec:
        """The smaller; NaN if either is."""
        a, b = self.vec(a), self.vec(b)
        return self.select(a != a, a, self.select(a < b, a, b))

    def clamp(self, x: Vec, low: float, high: float) -> Vec:
        """x within [low, high]; NaN stays."""
        bottom, top = self.constant(low), self.constant(high)
        x = self.select(bottom > x, bottom, x)
        return self.select(top < x, top, x)

    def copysign(self, magnitude: Vec, sign: Vec) -> Vec:
        name = f"llvm.copysign.{self.suffix()}"
        function = self.declare(name, self.type, [self.type] * 2)
        return Vec(self, self.b.call(function, [magnitude.v, sign.v]))

    def horner(self, x: Vec, coefficients: Sequence[float]) -> Vec:
        """The polynomial with these coefficients, highest power first."""
        value = self.constant(coefficients[0])
        for coefficient in coefficients[1:]:
            value = self.fma(value, x, coefficient)
        return value

    # ---- bits

    def to_bits(self, x: Vec) -> Any:
        return self.b.bitcast(x.v, self.ints)

    def from_bits(self, bits: Any) -> Vec:
        return Vec(self, self.b.bitcast(bits, self.type))

    def int_constant(self, value: int) -> Any:
        return ir.Constant(self.ints, [value] * self.lanes)

    def power_of_two(self, exponent: Any) -> Vec:
        """2**exponent for integer lanes within the normal range."""
        biased = self.b.add(exponent, self.int_constant(self.bias))
        return self.from_bits(self.b.shl(biased, self.int_constant(self.mantissa)))

    def convert(self, x: Vec) -> Vec:
        """x rounded or widened to this emitter's real type."""
        if x.e.real == self.real:
            return Vec(self, x.v)
        cast = self.b.fptrunc if self.single else self.b.fpext
        return Vec(self, cast(x.v, self.type))

    def each_lane(self, name: str, *arguments: Vec) -> Vec:
        """The C library's double-precision function applied lane by lane."""
        function = self.declare(name, F64, [F64] * len(arguments))
        result = ir.Constant(self.type, ir.Undefined)
        for lane in range(self.lanes):
            at = ir.Constant(I32, lane)
            value = self.b.call(function, [self.b.extract_element(x.v, at) for x in arguments])
            result = self.b.insert_element(result, value, at)
        return Vec(self, result)


@dataclass(frozen=True, eq=False)
class Mask:
    """One truth value a lane."""

    e: Emitter
    v: Any

    def __and__(self, other: Mask) -> Mask:
        return Mask(self.e, self.e.b.and_(self.v, other.v))

    def __or__(self, other: Mask) -> Mask:
        return Mask(self.e, self.e.b.or_(self.v, other.v))

    def real(self) -> Vec:
        """1.0 where true, else 0.0."""
        return self.e.select(self, 1.0, 0.0)


class Vec:
    """A vector of reals under construction; arithmetic on it emits instructions."""

    __slots__ = ("e", "v")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, emitter: Emitter, value: Any) -> None:
        self.e, self.v = emitter, value

    def _with(self, operation: Callable[[Any, Any], Any], other: Operand) -> Vec:
        return Vec(self.e, operation(self.v, self.e.vec(other).v))

    def __add__(self, other: Operand) -> Vec:
        return self._with(self.e.b.fadd, other)

    def __sub__(self, other: Operand) -> Vec:
        return self._with(self.e.b.fsub, other)

    def __mul__(self, other: Operand) -> Vec:
        return self._with(self.e.b.fmul, other)

    def __truediv__(self, other: Operand) -> Vec:
        return self._with(self.e.b.fdiv, other)

    def __radd__(self, other: float) -> Vec:
        return self.e.constant(other) + self

    def __rsub__(self, other: float) -> Vec:
        return self.e.constant(other) - self

    def __rmul__(self, other: float) -> Vec:
        return self.e.constant(other) * self

    def __rtruediv__(self, other: float) -> Vec:
        return self.e.constant(other) / self

    def __neg__(self) -> Vec:
        return Vec(self.e, self.e.b.fneg(self.v))

    def _compare(self, sign: str, other: Operand) -> Mask:
        compare = self.e.b.fcmp_unordered if sign == "!=" else self.e.b.fcmp_ordered
        return Mask(self.e, compare(sign, self.v, self.e.vec(other).v))

    def __gt__(self, other: Operand) -> Mask:
        return self._compare(">", other)

    def __ge__(self, other: Operand) -> Mask:
        return self._compare(">=", other)

    def __lt__(self, other: Operand) -> Mask:
        return self._compare("<", other)

    def __le__(self, other: Operand) -> Mask:
        return self._compare("<=", other)

    def __eq__(self, other: Operand) -> Mask:  # type: ignore[override]
        return self._compare("==", other)

    def __ne__(self, other: Operand) -> Mask:  # type: ignore[override]
        return self._compare("!=", other)


Operand = Vec | float
