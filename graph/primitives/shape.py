"""Rows that move numbers without changing them: reshape, permute, slice, pad, concat, gather."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from graph.primitives.table import (
    Gradients,
    Primitive,
    Tensors,
    Types,
    broadcast_shapes,
    register,
    text,
)
from graph.program import Attrs, Shape, ShapeError, TensorType
from graph.tensor import Tensor


def _moved(shape: Shape, operand: TensorType) -> tuple[TensorType]:
    """The result of moving `operand`'s elements to `shape`; host scalars become real arrays."""
    return (TensorType(shape, "real" if operand.dtype == "scalar" else operand.dtype),)


def _ints(attrs: Attrs, name: str) -> tuple[int, ...]:
    return cast("tuple[int, ...]", attrs[name])


def reshape(x: Tensor, shape: Sequence[int]) -> Tensor:
    """The same elements in row-major order under another shape."""
    if tuple(shape) == x.shape:
        return x
    return x.builder.emit("reshape", (x,), shape=tuple(shape))[0]


def _reshape_type(types: Types, attrs: Attrs) -> Types:
    (made,) = _moved(_ints(attrs, "shape"), types[0])
    if made.size != types[0].size:
        raise ShapeError(
            f"{text(types[0].shape)} ({types[0].size} elements)",
            f"{made.size} elements for {text(made.shape)}",
        )
    return (made,)


register(
    Primitive(
        "reshape",
        "basic",
        _reshape_type,
        lambda i, o, g, a: [reshape(g[0], i[0].shape)],
        numpy="{0}.reshape({shape})",
    )
)


def permute(x: Tensor, order: Sequence[int]) -> Tensor:
    """Axis k of the result is axis `order[k]` of `x`."""
    if tuple(order) == tuple(range(x.rank)):
        return x
    return x.builder.emit("permute", (x,), order=tuple(order))[0]


def _permute_type(types: Types, attrs: Attrs) -> Types:
    order = _ints(attrs, "order")
    if sorted(order) != list(range(len(types[0].shape))):
        raise ShapeError(f"order {order}", f"each of {len(types[0].shape)} axes once")
    return _moved(tuple(types[0].shape[axis] for axis in order), types[0])


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(order)), key=order.__getitem__))


register(
    Primitive(
        "permute",
        "basic",
        _permute_type,
        lambda i, o, g, a: [permute(g[0], _inverse(_ints(a, "order")))],
        numpy="{0}.transpose({order})",
    )
)


def broadcast_to(x: Tensor, shape: Sequence[int]) -> Tensor:
    """`x` repeated along new and unit axes, by NumPy's rule."""
    if tuple(shape) == x.shape:
        return x
    return x.builder.emit("broadcast_to", (x,), shape=tuple(shape))[0]


def _broadcast_type(types: Types, attrs: Attrs) -> Types:
    shape = _ints(attrs, "shape")
    if broadcast_shapes(types[0].shape, shape) != shape:
        raise ShapeError(text(types[0].shape), f"a shape that broadcasts to {text(shape)}")
    return _moved(shape, types[0])


def _broadcast_vjp(
    inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs
) -> Gradients:
    from graph.primitives.elementwise import unbroadcast

    return [unbroadcast(gradients[0], inputs[0])]


register(
    Primitive(
        "broadcast_to",
        "basic",
        _broadcast_type,
        _broadcast_vjp,
        numpy="np.broadcast_to({0}, {shape})",
    )
)


def slice_axis(x: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """Elements start … stop-1 along `axis`."""
    axis %= x.rank
    if (start, stop) == (0, x.shape[axis]):
        return x
    return x.builder.emit("slice", (x,), axis=axis, start=start, stop=stop)[0]


def _slice_type(types: Types, attrs: Attrs) -> Types:
    axis, start, stop = (cast("int", attrs[k]) for k in ("axis", "start", "stop"))
    shape = list(types[0].shape)
    if not 0 <= start < stop <= shape[axis]:
        raise ShapeError(
            f"slice {start}:{stop} of {shape[axis]}", f"0 ≤ start < stop ≤ {shape[axis]}"
        )
    shape[axis] = stop - start
    return _moved(tuple(shape), types[0])


def _slice_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    x, axis = inputs[0], attrs["axis"]
    before, after = [0] * x.rank, [0] * x.rank
    before[axis], after[axis] = attrs["start"], x.shape[axis] - attrs["stop"]
    return [pad(gradients[0], before, after)]


register(
    Primitive("slice", "basic", _slice_type, _slice_vjp, numpy="take({0}, {axis}, {start}, {stop})")
)


def pad(x: Tensor, before: Sequence[int], after: Sequence[int]) -> Tensor:
    """Zeros added before and after each axis."""
    if not any(before) and not any(after):
        return x
    return x.builder.emit("pad", (x,), before=tuple(before), after=tuple(after))[0]


def _pad_type(types: Types, attrs: Attrs) -> Types:
    sides = zip(types[0].shape, _ints(attrs, "before"), _ints(attrs, "after"), strict=True)
    return _moved(tuple(n + b + a for n, b, a in sides), types[0])


def _pad_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    result = gradients[0]
    for axis, (start, extent) in enumerate(zip(attrs["before"], inputs[0].shape, strict=True)):
        result = slice_axis(result, axis, start, start + extent)
    return [result]


register(
    Primitive(
        "pad",
        "basic",
        _pad_type,
        _pad_vjp,
        numpy="np.pad({0}, tuple(zip({before}, {after})))",
    )
)


def concat(parts: Sequence[Tensor], axis: int) -> Tensor:
    """Joins tensors along `axis`; all other axes must agree."""
    if len(parts) == 1:
        return parts[0]
    return parts[0].builder.emit("concat", parts, axis=axis % parts[0].rank)[0]


def _concat_type(types: Types, attrs: Attrs) -> Types:
    axis = cast("int", attrs["axis"])
    first = types[0].shape
    for index, part in enumerate(types):
        same = len(part.shape) == len(first) and all(
            k == axis or n == m for k, (n, m) in enumerate(zip(part.shape, first, strict=False))
        )
        if not same:
            raise ShapeError(
                f"{text(part.shape)} beside {text(first)}",
                f"equal extents on every axis but {axis}",
                operand=index,
            )
    joined = sum(part.shape[axis] for part in types)
    return _moved((*first[:axis], joined, *first[axis + 1 :]), types[0])


def _concat_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    axis, start, parts = attrs["axis"], 0, []
    for x in inputs:
        parts.append(slice_axis(gradients[0], axis, start, start + x.shape[axis]))
        start += x.shape[axis]
    return parts


register(
    Primitive("concat", "basic", _concat_type, _concat_vjp, numpy="np.concatenate({all}, {axis})")
)


def one_hot(ids: Tensor, classes: int) -> Tensor:
    """Real numbers of shape (*ids.shape, classes): 1 at the id, else 0.

    All are NaN for an id outside 0 … classes−1, so that no wrong class is learnt unseen.
    """
    return ids.builder.emit("one_hot", (ids,), classes=classes)[0]


def _one_hot_type(types: Types, attrs: Attrs) -> Types:
    if types[0].dtype != "int":
        raise ShapeError("real numbers", "integer ids", "wire a labels port")
    return (TensorType((*types[0].shape, cast("int", attrs["classes"])), "real"),)


register(
    Primitive(
        "one_hot",
        "basic",
        _one_hot_type,
        lambda i, o, g, a: [None],
        numpy="np.eye({classes})[{0}]",
        constant=frozenset({0}),
    )
)


def zeros(like: Tensor, shape: Shape) -> Tensor:
    """Zeros of `shape` in the builder of `like`."""
    return broadcast_to(to_real_scalar(like.builder.constant(0.0)), shape)


def to_real_scalar(x: Tensor) -> Tensor:
    """A host scalar as a real value of shape ()."""
    return x.builder.emit("to_real", (x,))[0] if x.dtype == "scalar" else x


def known_number(x: Tensor) -> float | None:
    """The number of a constant, also when broadcast; None for anything else."""
    row = x.builder.row_of.get(x.id)
    while row is not None and row.op in ("to_real", "broadcast_to", "reshape"):
        row = x.builder.row_of.get(row.inputs[0])
    if row is None or row.op != "const":
        return None
    value = row.attr("value")
    return value if isinstance(value, float) else None
