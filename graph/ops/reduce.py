"""Nodes that bring axes down to one number: sums, means, maxima, products of matrices."""

from __future__ import annotations

from graph.op import Op, Port, bad, labels, sample, setting
from graph.ops.axes import need_axis
from graph.ops.expect import describe, need_image, need_numbers
from graph.primitives import (
    exp,
    greater,
    log,
    matmul,
    reduce_max,
    reduce_mean,
    reduce_sum,
    sqrt,
    stop_gradient,
    where,
)
from graph.primitives.table import text
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor

Axes = tuple[int, ...]


def _minimum(x: Tensor, axes: Axes) -> Tensor:
    return -reduce_max(-x, axes, keep=True)


def _length(x: Tensor, axes: Axes) -> Tensor:
    """√Σx²; where everything is 0 the root has no slope and no gradient flows, as in PyTorch."""
    square = reduce_sum(x * x, axes, keep=True)
    known = greater(square, 0.0)
    return where(known, sqrt(where(known, square, 1.0)), square)


def _logsumexp(x: Tensor, axes: Axes) -> Tensor:
    """log Σ exp(x), shifted by the maximum so that nothing overflows."""
    top = stop_gradient(reduce_max(x, axes, keep=True))
    return log(reduce_sum(exp(x - top), axes, keep=True)) + top


_WAYS = {
    "mean": lambda x, axes: reduce_mean(x, axes, keep=True),
    "sum": lambda x, axes: reduce_sum(x, axes, keep=True),
    "max": lambda x, axes: reduce_max(x, axes, keep=True),
    "min": _minimum,
    "norm": _length,
    "logsumexp": _logsumexp,
}
_CALLS = {
    "mean": "{x}.mean(",
    "sum": "{x}.sum(",
    "max": "{x}.amax(",
    "min": "{x}.amin(",
    "norm": "torch.linalg.vector_norm({x}, dim=",
    "logsumexp": "{x}.logsumexp(",
}
