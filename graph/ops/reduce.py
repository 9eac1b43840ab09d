"""Nodes that bring axes down to one number: sums, means, maxima, products of matrices."""

from __future__ import annotations

from graph.op import Op, Port, SettingError, bad, labels, sample, setting
from graph.ops.axes import need_axis
from graph.ops.expect import describe, need_image, need_numbers
from graph.primitives import (
    equal,
    exp,
    greater,
    log,
    matmul,
    reduce_max,
    reduce_mean,
    reduce_sum,
    reshape,
    sqrt,
    stop_gradient,
    where,
)
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor

Axes = tuple[int, ...]


def _least(x: Tensor, axes: Axes, keep: bool) -> Tensor:
    return -reduce_max(-x, axes, keep)


def _length(x: Tensor, axes: Axes, keep: bool) -> Tensor:
    """√Σx²; where all are 0 the root has no slope and no gradient flows, as in PyTorch."""
    square = reduce_sum(x * x, axes, keep)
    known = greater(square, 0.0)
    return where(known, sqrt(where(known, square, 1.0)), square)


def _log_sum_exp(x: Tensor, axes: Axes, keep: bool) -> Tensor:
    """log Σ exp(x), shifted by the maximum so that nothing overflows; infinite where that is."""
    most = stop_gradient(reduce_max(x, axes, keep=True))
    top = where(equal(most - most, 0.0), most, 0.0)  # ∞ − ∞ is not a number
    total = log(reduce_sum(exp(x - top), axes, keep))
    return total + reshape(top, total.shape)


_WAYS = {
    "mean": reduce_mean,
    "sum": reduce_sum,
    "max": reduce_max,
    "min": _least,
    "norm": _length,
    "logsumexp": _log_sum_exp,
}
_CALLS = {
    "mean": "{x}.mean(",
    "sum": "{x}.sum(",
    "max": "{x}.amax(",
    "min": "{x}.amin(",
    "norm": "torch.linalg.vector_norm({x}, dim=",
    "logsumexp": "{x}.logsumexp(",
}


class Reduce(Op):
    """Brings axes down to one number: their sum, mean, largest, length (Goodfellow et al., §2.5).

    norm is √Σx², logsumexp is log Σ exp(x), a smooth maximum. Equal extremes share the gradient.
    With every axis gone one number a sample is left.
    """

    category, icon, family = "Arithmetic", "add", "merge"
    keywords = ("mean", "average", "sum", "max", "min", "norm", "length", "logsumexp", "pooling")
    summary = ("how", "axes")
    how: str = setting("mean", "What is made of the numbers", choices=tuple(_WAYS))
    axes: tuple[int, ...] = setting(
        (), "Axes that go: 1 is features, channels or time; empty: all of a sample", min=1, max=7
    )
    keep: bool = setting(False, "Leave the axes, with extent 1", label="keep axes")
    samples = (
        sample(x=(2, 3)),
        sample(x=(2, 3, 4), settings={"how": "sum", "axes": (1,)}),
        sample(x=(2, 3, 2, 2), settings={"how": "max", "axes": (2, 3), "keep": True}),
        sample(x=(2, 3, 2), settings={"how": "min", "axes": (2,)}),
        sample(x=(2, 3, 2), settings={"how": "norm", "axes": (1, 2)}),
        sample(x=(2, 3), settings={"how": "norm", "keep": True}),
        sample(x=(2, 3, 4), settings={"how": "logsumexp", "axes": (2,)}),
        sample(x=(2, 3, 4), settings={"how": "logsumexp", "axes": (1,), "keep": True}),
        bad("several numbers", x=(2,)),
        bad("an axis up to 1", x=(2, 3), settings={"axes": (1, 2)}),
        bad("axes", x=(2, 3, 4), settings={"axes": (1, 1)}),
        bad("class labels", x=labels(2, 3)),
    )

    def check(self) -> None:
        if len(set(self.axes)) != len(self.axes):
            raise SettingError("axes", ", ".join(map(str, self.axes)), "each axis once")

    def call_template(self, *operands: TensorType) -> str:
        kept = ", keepdim=True" if self.keep else ""
        axes = self.gone(operands[0])
        return f"{_CALLS[self.how]}{axes[0] if len(axes) == 1 else axes}{kept})"

    def build(self, x: Tensor) -> Tensor:
        return _WAYS[self.how](x, self.gone(x.type), self.keep)

    def gone(self, x: TensorType) -> Axes:
        """The axes that go; raises ShapeError when x has them not."""
        for axis in self.axes or (1,):
            need_axis(x, axis)
        return tuple(sorted(self.axes)) or tuple(range(1, len(x.shape)))


class MatMul(Op):
    """The product of two matrices a sample: rows of a times columns of b (Goodfellow et al., §2.2).

    a N×M×K, b N×K×P → N×M×P. Further axes before the last two count stacks of matrices, and agree.
    """

    category, icon, family = "Arithmetic", "dense", "merge"
    title = "Matrix product"
    keywords = ("matmul", "bmm", "dot product", "batched", "attention scores")
    inputs = (Port("a"), Port("b"))
    transpose_a: bool = setting(False, "Swap the last two axes of a", label="transpose a")
    transpose_b: bool = setting(False, "Swap the last two axes of b", label="transpose b")
    samples = (
        sample(a=(2, 3, 4), b=(2, 4, 5)),
        sample(a=(2, 3, 4), b=(2, 5, 4), settings={"transpose_b": True}),
        sample(a=(2, 4, 3), b=(2, 4, 1), settings={"transpose_a": True}),
        sample(a=(2, 4, 3), b=(2, 5, 4), settings={"transpose_a": True, "transpose_b": True}),
        sample(a=(2, 3, 2, 4), b=(2, 3, 4, 2)),
        bad("a matrix", a=(2, 3), b=(2, 3, 4)),
        bad("a matrix", a=(2, 3, 4), b=(2, 4)),
        bad("4 rows", a=(2, 3, 4), b=(2, 3, 5)),
        bad("4 rows", a=(2, 3, 4), b=(2, 4, 5), settings={"transpose_b": True}),
        bad("equal stacks", a=(2, 3, 2, 4), b=(2, 2, 4, 2)),
        bad("equal stacks", a=(2, 3, 2, 4), b=(2, 4, 2)),
        bad("class labels", a=(2, 3, 4), b=labels(2, 4, 5)),
    )

    def call_template(self, *operands: TensorType) -> str:
        a, b = "{a}" + ".mT" * self.transpose_a, "{b}" + ".mT" * self.transpose_b
        return f"{a} @ {b}"

    def build(self, a: Tensor, b: Tensor) -> Tensor:
        for operand, x in enumerate((a, b)):
            need_numbers(x.type, operand)
            if x.rank < 3:
                remedy = "put an Unsqueeze before it to make a row or column of it"
                raise ShapeError(describe(x.type), "a matrix a sample", remedy, operand)
        if a.shape[:-2] != b.shape[:-2]:
            found = f"{describe(b.type)} beside {describe(a.type)}"
            remedy = "bring all axes but the last two to the same extents"
            raise ShapeError(found, "equal stacks of matrices", remedy, 1)
        columns = a.shape[-2 if self.transpose_a else -1]
        rows = b.shape[-1 if self.transpose_b else -2]
        if columns != rows:
            found, expected = f"{rows} rows of b", f"{columns} rows, one for each column of a"
            raise ShapeError(found, expected, "transpose one of them, or change its size", 1)
        return matmul(a, b, self.transpose_a, self.transpose_b)


class GlobalPool2d(Op, register=False):
    """Base of the poolings whose window is the whole image."""

    category, family = "Convolution", "conv"
    inputs = (Port("x", "image"),)
    outputs = (Port("y", "vector"),)
    keep: bool = setting(
        False, "Leave an image C×1×1 instead of a vector of C", label="keep height and width"
    )
    samples = (
        sample(x=(2, 3, 4, 5)),
        sample(x=(2, 3, 3, 2), settings={"keep": True}),
        sample(x=(1, 2, 1, 1)),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("class labels", x=labels(2)),
    )

    def ports_out(self) -> tuple[Port, ...]:
        return (Port("y", "image" if self.keep else "vector"),)

    def call_template(self, *operands: TensorType) -> str:
        kept = ", keepdim=True" if self.keep else ""
        return f"{self.torch_call}((2, 3){kept})"


class GlobalAveragePool2d(GlobalPool2d):
    """Keeps the mean of each channel: an image C×H×W becomes a vector of C (Lin et al. 2014).

    Puts a classifier behind convolutions without a weight for each pixel.
    """

    title, icon = "Global average pool", "pool_average"
    keywords = ("gap", "mean", "adaptive", "pooling", "squeeze and excitation")
    torch_call = "{x}.mean"

    def build(self, x: Tensor) -> Tensor:
        need_image(x.type)
        return reduce_mean(x, (2, 3), self.keep)


class GlobalMaxPool2d(GlobalPool2d):
    """Keeps the largest number of each channel: an image becomes a vector of C (Oquab et al. 2015).

    Says that something is in the image, wherever it is. Equal maxima share the gradient.
    """

    title, icon = "Global max pool", "pool_max"
    keywords = ("maximum", "adaptive", "pooling", "presence")
    torch_call = "{x}.amax"

    def build(self, x: Tensor) -> Tensor:
        need_image(x.type)
        return reduce_max(x, (2, 3), self.keep)
