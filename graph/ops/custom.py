"""Nodes that people define themselves."""

from __future__ import annotations

from graph.formula import FormulaError, emit, parse, torch_text
from graph.op import Op, Port, SettingError, bad, labels, sample, setting
from graph.ops.expect import describe, need_numbers
from graph.program import Shape, ShapeError, TensorType
from graph.tensor import Tensor


def _beside(a: Shape, b: Shape) -> bool:
    """Whether two batches pair element by element; no axis is added, as N beside N×N would."""
    return len(a) == len(b) and all(n == m or 1 in (n, m) for n, m in zip(a, b, strict=True))


class Formula(Op):
    """Your own function of numbers, as text: every name in it is an input.

    `x * tanh(softplus(x))` has one input, `x`. Signs: + - * / ** (or ^), comparisons (0 or 1),
    brackets; functions: exp expm1 log log1p sqrt abs sign floor sin cos tanh sigmoid softplus
    log_sigmoid erf relu max min pow where; constants: pi e. Inputs have one rank and equal extents,
    or 1 where they are spread.
    """

    category, icon, family = "Custom", "formula", "custom"
    keywords = ("expression", "function", "equation", "lambda", "custom activation")
    summary = ("formula",)
    formula: str = setting("x * tanh(softplus(x))", "What it computes; each name is an input")
    samples = (
        sample(x=(2, 3)),
        sample(a=(2, 3), b=(2, 1), settings={"formula": "2 * a - b / 3"}),
        sample(x=(3, 4), settings={"formula": "x ** 3 - x ^ 2 + -x"}),
        sample(x=(3, 2), positive=True, settings={"formula": "log(x) + sqrt(x) ** 1.5 + 2 ** x"}),
        sample(x=(2, 5), settings={"formula": "where(x > 0.1, x, 0.1 * (exp(x) - 1))"}),
        sample(x=(2, 3), y=(2, 3), settings={"formula": "max(x, 0.2) * min(y, x) - (x > y)"}),
        sample(x=(2, 3, 2, 2), settings={"formula": "0.5 * x * (1 + erf(x / sqrt(2)))"}),
        bad("class labels", x=labels(2)),
        bad("equal shapes", a=(2, 3), b=(2, 4), settings={"formula": "a + b"}),
        bad("one number a sample", a=(3, 3), b=(3,), settings={"formula": "a + b"}),
        bad("formula", settings={"formula": "x +"}),
    )

    def check(self) -> None:
        try:
            parse(self.formula)
        except FormulaError as error:
            found = f"{error.found} at character {error.position}"
            raise SettingError("formula", found, error.expected) from None

    def ports_in(self) -> tuple[Port, ...]:
        return tuple(Port(name) for name in parse(self.formula).names)

    def call_template(self, *operands: TensorType) -> str:
        return torch_text(parse(self.formula))

    def build(self, *operands: Tensor) -> Tensor:
        for index, operand in enumerate(operands):
            need_numbers(operand.type, index)
            if not all(_beside(operand.shape, other.shape) for other in operands[:index]):
                found = f"{describe(operand.type)} beside {describe(operands[0].type)}"
                expected = "equal shapes, or 1 on an axis where they differ"
                raise ShapeError(found, expected, "bring them to the same shape first", index)
        parsed = parse(self.formula)
        return emit(parsed, dict(zip(parsed.names, operands, strict=True)))
