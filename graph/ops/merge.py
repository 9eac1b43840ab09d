"""Nodes that bring several wires together."""

from __future__ import annotations

from graph.op import Op, Port, bad, labels, sample, setting
from graph.ops.expect import need_numbers
from graph.primitives import concat
from graph.primitives.table import text
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


class Add(Op):
    """Sum of everything wired to it: the join of a skip connection (He et al. 2016, fig. 2).

    All operands have one shape, and so has the sum.
    """

    category, icon, family = "Merge", "add", "merge"
    keywords = ("sum", "plus", "residual", "skip", "shortcut")
    inputs = (Port("x", many=True),)
    samples = (
        sample(x=[(2, 3), (2, 3)]),
        sample(x=[(2, 3, 2, 2), (2, 3, 2, 2), (2, 3, 2, 2)]),
        sample(x=[(2, 3)]),
        bad("equal shapes", x=[(2, 3), (2, 4)]),
        bad("equal shapes", x=[(2, 3), (2, 1)]),
        bad("class labels", x=[(2,), labels(2)]),
    )

    def call_template(self, *operands: TensorType) -> str:
        return " + ".join(f"{{x{k}}}" for k in range(len(operands)))

    def build(self, x: list[Tensor]) -> Tensor:
        for index, part in enumerate(x):
            need_numbers(part.type, index)
            if part.shape != x[0].shape:
                raise ShapeError(
                    f"{text(part.shape[1:])} beside {text(x[0].shape[1:])} a sample",
                    "equal shapes",
                    "give both paths the same width and stride, or use a Concat",
                    index,
                )
        total = x[0]
        for part in x[1:]:
            total = total + part
        return total


class Concat(Op):
    """Joins what is wired to it, one behind the other (Huang et al. 2017, DenseNet).

    Extents along `axis` add up, all others agree.
    """

    category, icon, family = "Merge", "concat", "merge"
    title = "Concatenate"
    keywords = ("join", "stack", "merge", "dense connection", "cat")
    inputs = (Port("x", many=True),)
    summary = ("axis",)
    axis: int = setting(
        1, "Axis to join along: 1 is features or channels, then height, width", min=1, max=7
    )
    torch_call = "torch.cat([{all}], dim={axis})"
    samples = (
        sample(x=[(2, 3), (2, 4)]),
        sample(x=[(2, 3, 2, 2), (2, 1, 2, 2), (2, 2, 2, 2)]),
        sample(x=[(2, 3, 2, 2), (2, 3, 4, 2)], settings={"axis": 2}),
        sample(x=[(2, 3)]),
        bad("equal extents", x=[(2, 3, 4, 4), (2, 3, 2, 2)]),
        bad("axis", x=[(2, 3), (2, 3)], settings={"axis": 2}),
        bad("class labels", x=[(2, 3), labels(2)]),
    )

    def build(self, x: list[Tensor]) -> Tensor:
        for index, part in enumerate(x):
            need_numbers(part.type, index)
            if self.axis >= part.rank:
                last = f"an axis up to {part.rank - 1}"
                remedy = "choose a smaller axis"
                raise ShapeError(f"axis {self.axis} of {text(part.shape)}", last, remedy, index)
            self._check_beside(part, x[0], index)
        return concat(x, self.axis)

    def _check_beside(self, part: Tensor, first: Tensor, index: int) -> None:
        ours, others = (
            tuple(n for axis, n in enumerate(t.shape) if axis != self.axis) for t in (part, first)
        )
        if ours != others:
            raise ShapeError(
                f"{text(part.shape[1:])} beside {text(first.shape[1:])} a sample",
                f"equal extents on every axis but {self.axis}",
                "bring both to the same size first",
                index,
            )
