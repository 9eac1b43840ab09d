"""Arithmetic between two wires and on one: what a formula says, as nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from graph.op import Bad, Op, Port, Sample, SettingError, bad, labels, sample, setting
from graph.ops.activation import clipped
from graph.ops.expect import describe, need_numbers
from graph.primitives import (
    equal,
    greater,
    greater_equal,
    less,
    maximum,
    minimum,
    not_equal,
    reshape,
    where,
)
from graph.primitives.table import broadcast_shapes, text
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


def beside(a: Tensor, b: Tensor, operand: int = 1) -> tuple[Tensor, Tensor]:
    """Both operands with as many axes, so that they can be spread over each other.

    A number a sample goes with every number of the sample; an extent of 1 goes with any. Raises
    ShapeError for class labels and for what does not go together.
    """
    need_numbers(a.type, 0)
    need_numbers(b.type, operand)
    if 1 in (a.rank, b.rank) and a.rank != b.rank:
        rank = max(a.rank, b.rank)
        a, b = (reshape(x, (*x.shape, *(1,) * (rank - x.rank))) for x in (a, b))
    try:
        if a.rank != b.rank or a.shape[0] != b.shape[0]:
            raise ShapeError("", "", "")
        broadcast_shapes(a.shape, b.shape)
    except ShapeError:
        found = f"{text(b.shape[1:]) or 'one number'} beside {text(a.shape[1:]) or 'one number'}"
        remedy = "give both paths the same width, or reshape one of them to extents of 1"
        raise ShapeError(f"{found} a sample", "equal shapes", remedy, operand) from None
    return a, b


class Between(Op, register=False):
    """Base of arithmetic between two wires: equal shapes, or one spread over the other."""

    category, family = "Arithmetic", "merge"
    icon = "merge"
    inputs = (Port("a"), Port("b"))
    samples: ClassVar[Sequence[Sample]] = (
        sample(a=(2, 3), b=(2, 3), positive=True),
        sample(a=(2, 3, 2, 2), b=(2, 3, 1, 1), positive=True),
        sample(a=(2,), b=(2, 4), positive=True),
        bad("equal shapes", a=(2, 3), b=(2, 4)),
        bad("class labels", a=(2, 3), b=labels(2)),
    )

    between: ClassVar[str] = ""  # PyTorch's text with {a} and {b}, which have as many axes

    def call_template(self, *operands: TensorType) -> str:
        rank = max(len(kind.shape) for kind in operands)
        names = {}
        for name, kind in zip("ab", operands, strict=True):
            ones = ", 1" * (rank - len(kind.shape))
            names[name] = f"{{{name}}}.reshape(-1{ones})" if ones else f"{{{name}}}"
        return self.between.format_map(names)

    def build(self, a: Tensor, b: Tensor) -> Tensor:
        return self.apply(*beside(a, b))

    def apply(self, a: Tensor, b: Tensor) -> Tensor:
        """The result in rows."""
        raise NotImplementedError


class Subtract(Between):
    """a − b, number by number."""

    keywords = ("difference", "minus")
    between = "{a} - {b}"

    def apply(self, a: Tensor, b: Tensor) -> Tensor:
        return a - b


class Multiply(Between):
    """a · b, number by number: one path scales, or gates, the other."""

    keywords = ("product", "times", "gate", "hadamard", "squeeze and excitation")
    between = "{a} * {b}"

    def apply(self, a: Tensor, b: Tensor) -> Tensor:
        return a * b


class Divide(Between):
    """a / b, number by number."""

    keywords = ("quotient", "ratio", "over")
    between = "{a} / {b}"

    def apply(self, a: Tensor, b: Tensor) -> Tensor:
        return a / b


# without two equal numbers, where these have no slope
_APART: Sequence[Sample] = (
    sample(a=(2, 3), b=(2, 3)),
    sample(a=(3,), b=(3, 1)),
    *(case for case in Between.samples if isinstance(case, Bad)),
)


class Maximum(Between):
    """The larger of a and b, number by number; on a tie each gets half of the gradient."""

    keywords = ("max", "larger", "elementwise")
    samples = _APART
    between = "torch.maximum({a}, {b})"

    def apply(self, a: Tensor, b: Tensor) -> Tensor:
        return maximum(a, b)


class Minimum(Between):
    """The smaller of a and b, number by number; on a tie each gets half of the gradient."""

    keywords = ("min", "smaller", "elementwise")
    samples = _APART
    between = "torch.minimum({a}, {b})"

    def apply(self, a: Tensor, b: Tensor) -> Tensor:
        return minimum(a, b)


_RELATIONS = {
    ">": greater,
    "≥": greater_equal,
    "<": less,
    "=": equal,
    "≠": not_equal,
}
_PYTHON = {"≥": ">=", "=": "==", "≠": "!="}


class Compare(Between):
    """1 where the relation of a to b holds, else 0, number by number; no gradient flows back."""

    keywords = ("greater", "less", "equal", "mask", "condition")
    summary = ("relation",)
    relation: str = setting(">", "Relation of a to b", choices=tuple(_RELATIONS))
    samples = (*_APART, sample(a=(2, 3), b=(2, 3), settings={"relation": "≠"}))

    def call_template(self, *operands: TensorType) -> str:
        sign = _PYTHON.get(self.relation, self.relation)
        both = super().call_template(*operands)
        return f"({both}).to({{a}}.dtype)".replace("RELATION", sign)

    between = "{a} RELATION {b}"

    def apply(self, a: Tensor, b: Tensor) -> Tensor:
        return _RELATIONS[self.relation](a, b)


class Where(Op):
    """a where the condition is not 0, else b, number by number."""

    category, icon, family = "Arithmetic", "merge", "merge"
    keywords = ("choose", "mask", "switch", "select", "condition")
    inputs = (Port("condition"), Port("a"), Port("b"))
    torch_call = "torch.where({condition} != 0, {a}, {b})"
    samples = (
        sample(condition=(2, 3), a=(2, 3), b=(2, 3)),
        sample(condition=(2, 1, 2, 2), a=(2, 3, 2, 2), b=(2, 3, 1, 1)),
        bad("equal shapes", condition=(2, 3), a=(2, 4), b=(2, 4)),
        bad("equal shapes", condition=(2, 3), a=(2, 3), b=(2, 4)),
        bad("equal shapes", condition=(2,), a=(2, 3), b=(2, 3)),
        bad("class labels", condition=(2,), a=labels(2), b=(2,)),
    )

    def build(self, condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
        need_numbers(condition.type, 0)
        for operand, other in ((1, a), (2, b)):
            if other.rank != condition.rank:
                found = f"{describe(other.type)} beside {describe(condition.type)}"
                remedy = "reshape one of them to extents of 1"
                raise ShapeError(found, "equal shapes", remedy, operand)
            beside(condition, other, operand)
        beside(a, b, 2)
        return where(condition, a, b)


class Clip(Op):
    """Holds every number between two ends; beyond them no gradient flows."""

    category, icon, family = "Arithmetic", "tanh", "merge"
    keywords = ("clamp", "limit", "bounds", "range")
    summary = ("low", "high")
    low: float = setting(0.0, "Least result", min=-1e30, max=1e30)
    high: float = setting(1.0, "Greatest result", min=-1e30, max=1e30)
    torch_call = "F.hardtanh({x}, {low}, {high})"
    samples = (
        sample(x=(2, 3)),
        sample(x=(2, 3, 2, 2), settings={"low": -0.5, "high": 0.25}),
        bad("high", x=(2, 3), settings={"low": 1.0, "high": 0.0}),
        bad("class labels", x=labels(2)),
    )

    def check(self) -> None:
        if self.low >= self.high:
            raise SettingError("high", f"{self.high:g}", f"more than low, {self.low:g}")

    def build(self, x: Tensor) -> Tensor:
        need_numbers(x.type)
        return clipped(x, self.low, self.high)
