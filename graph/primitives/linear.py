"""Matrix products. Bilinear, so the gradient is closed under itself."""

from __future__ import annotations

from typing import cast

from graph.primitives.table import Gradients, Primitive, Tensors, Types, register, text
from graph.program import Attrs, ShapeError, TensorType
from graph.tensor import Tensor


def matmul(a: Tensor, b: Tensor, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
    """Product over the last two axes, each operand transposed on request.

    Ranks are equal; leading axes (a stack of matrices) agree.
    """
    return a.builder.emit("matmul", (a, b), transpose_a=transpose_a, transpose_b=transpose_b)[0]


def _matmul_type(types: Types, attrs: Attrs) -> Types:
    a, b = types[0].shape, types[1].shape
    if len(a) < 2 or len(a) != len(b) or a[:-2] != b[:-2]:
        raise ShapeError(f"{text(a)} and {text(b)}", "two matrices or equal stacks of matrices")
    m, k = (a[-1], a[-2]) if attrs["transpose_a"] else (a[-2], a[-1])
    k2, n = (b[-1], b[-2]) if attrs["transpose_b"] else (b[-2], b[-1])
    if k != k2:
        raise ShapeError(f"inner extents {k} and {k2}", "equal inner extents", operand=1)
    return (TensorType((*a[:-2], m, n), "real"),)


def _matmul_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    (a, b), g = inputs, gradients[0]
    ta, tb = cast("bool", attrs["transpose_a"]), cast("bool", attrs["transpose_b"])
    da = matmul(b, g, tb, True) if ta else matmul(g, b, False, not tb)
    db = matmul(g, a, True, ta) if tb else matmul(a, g, not ta, False)
    return [da, db]


register(
    Primitive(
        "matmul",
        "basic",
        _matmul_type,
        _matmul_vjp,
        numpy="matmul({0}, {1}, {transpose_a}, {transpose_b})",
    )
)
