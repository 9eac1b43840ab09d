"""Integers: counting, ids of numbers, rows of a table by id and the sum that is their gradient."""

from __future__ import annotations

from typing import cast

from graph.primitives.table import Gradients, Primitive, Tensors, Types, register, text
from graph.program import Attrs, ShapeError, TensorType
from graph.tensor import Builder, Tensor


def arange(builder: Builder, count: int) -> Tensor:
    """The real numbers 0, 1 … count−1."""
    return builder.emit("arange", (), count=count)[0]


register(
    Primitive(
        "arange",
        "basic",
        lambda types, attrs: (TensorType((cast("int", attrs["count"]),)),),
        numpy="np.arange({count}, dtype=DTYPE)",
    )
)


def to_int(x: Tensor) -> Tensor:
    """Real numbers as integers, what is behind the point cut off; −1 for what is no int64."""
    return x.builder.emit("to_int", (x,))[0]


def _to_int_type(types: Types, attrs: Attrs) -> Types:
    if types[0].dtype != "real":
        raise ShapeError(f"{text(types[0].shape)} of integers", "real numbers")
    return (TensorType(types[0].shape, "int"),)


register(
    Primitive(
        "to_int",
        "basic",
        _to_int_type,
        lambda i, o, g, a: [None],
        numpy="{0}.astype(int)",
        constant=frozenset({0}),
    )
)


def take(table: Tensor, index: Tensor, batch: int = 0) -> Tensor:
    """The rows of `table` that `index` names: table V×F…, index of any shape → index.shape + F….

    The first `batch` axes are shared: table N×V×F…, index N×K, batch 1 → N×K×F…. An index outside
    0 … V−1 gives NaN; nothing is read there.
    """
    return table.builder.emit("take", (table, index), batch=batch)[0]


def take_grad(g: Tensor, index: Tensor, count: int, batch: int = 0) -> Tensor:
    """A table of `count` rows: row v is the sum of the rows of `g` whose index is v.

    Summed in the order of the index, so the bits are the same on any number of threads. Rows whose
    index is outside the table are left out.
    """
    return g.builder.emit("take_grad", (g, index), count=count, batch=batch)[0]


def _check_index(table: TensorType, index: TensorType, batch: int) -> None:
    if index.dtype != "int":
        raise ShapeError("real numbers", "integer ids", "wire a port of ids", 1)
    if index.shape[:batch] != table.shape[:batch] or len(index.shape) < batch:
        found = f"ids {text(index.shape)} beside a table {text(table.shape)}"
        raise ShapeError(found, f"the same first {batch} axes", operand=1)


def _take_type(types: Types, attrs: Attrs) -> Types:
    table, index = types
    batch = cast("int", attrs["batch"])
    if table.dtype != "real" or len(table.shape) <= batch:
        raise ShapeError(text(table.shape), f"real numbers of {batch + 1} axes at least")
    _check_index(table, index, batch)
    return (TensorType((*index.shape, *table.shape[batch + 1 :])),)


def _take_grad_type(types: Types, attrs: Attrs) -> Types:
    g, index = types
    batch, axes = cast("int", attrs["batch"]), len(index.shape)
    if g.dtype != "real" or g.shape[:axes] != index.shape:
        found = f"{text(g.shape)} beside ids {text(index.shape)}"
        raise ShapeError(found, "real numbers, a row for each id")
    _check_index(g, index, batch)
    return (TensorType((*index.shape[:batch], cast("int", attrs["count"]), *g.shape[axes:])),)


def _take_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    (table, index), batch = inputs, cast("int", attrs["batch"])
    return [take_grad(gradients[0], index, table.shape[batch], batch), None]


def _take_grad_vjp(
    inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs
) -> Gradients:
    known = take(gradients[0], inputs[1], cast("int", attrs["batch"]))
    return [known, None]


register(
    Primitive(
        "take",
        "basic",
        _take_type,
        _take_vjp,
        numpy="take_rows({0}, {1}, {batch})",
        constant=frozenset({1}),
    )
)
register(
    Primitive(
        "take_grad",
        "basic",
        _take_grad_type,
        _take_grad_vjp,
        numpy="add_rows({0}, {1}, {count}, {batch})",
        constant=frozenset({1}),
    )
)
