"""Rows that bring an axis down to one value: sums, maxima, arg-maxima."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from graph.primitives.elementwise import equal, greater, sqrt, where
from graph.primitives.shape import broadcast_to, reshape
from graph.primitives.table import Gradients, Primitive, Tensors, Types, register
from graph.program import Attrs, Shape, ShapeError, TensorType
from graph.tensor import Tensor


def _axes(attrs: Attrs) -> tuple[int, ...]:
    return cast("tuple[int, ...]", attrs["axes"])


def _kept(shape: Shape, axes: tuple[int, ...]) -> Shape:
    return tuple(1 if axis in axes else extent for axis, extent in enumerate(shape))


def _reduced(types: Types, attrs: Attrs) -> Types:
    shape, axes = types[0].shape, _axes(attrs)
    if any(not 0 <= axis < len(shape) for axis in axes):
        raise ShapeError(f"axes {axes} of {len(shape)} axes", f"axes below {len(shape)}")
    left = tuple(extent for axis, extent in enumerate(shape) if axis not in axes)
    return (TensorType(left, types[0].dtype),)


def normal_axes(axes: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Axes as sorted non-negative numbers; None means all."""
    if axes is None:
        return tuple(range(rank))
    given = (axes,) if isinstance(axes, int) else tuple(axes)
    return tuple(sorted({axis % rank for axis in given})) if rank else ()


def reduce_sum(x: Tensor, axes: int | Sequence[int] | None = None, keep: bool = False) -> Tensor:
    """Sum over `axes` (all when None); `keep` leaves them with extent 1."""
    return _reduce("sum", x, axes, keep)


def reduce_max(x: Tensor, axes: int | Sequence[int] | None = None, keep: bool = False) -> Tensor:
    """Maximum over `axes`; equal maxima share the gradient evenly, as PyTorch's amax."""
    return _reduce("max", x, axes, keep)


def reduce_mean(x: Tensor, axes: int | Sequence[int] | None = None, keep: bool = False) -> Tensor:
    """Arithmetic mean over `axes`."""
    count = 1
    for axis in normal_axes(axes, x.rank):
        count *= x.shape[axis]
    return reduce_sum(x, axes, keep) * (1.0 / count)


def _reduce(op: str, x: Tensor, axes: int | Sequence[int] | None, keep: bool) -> Tensor:
    over = normal_axes(axes, x.rank)
    result = x.builder.emit(op, (x,), axes=over)[0] if over else x
    return reshape(result, _kept(x.shape, over)) if keep else result


def argmax(x: Tensor, axis: int = -1) -> Tensor:
    """Index of the first maximum along `axis`, as integers."""
    return x.builder.emit("argmax", (x,), axes=(axis % x.rank,))[0]


def norm(x: Tensor) -> Tensor:
    """Root of the sum of all squares, one number; an optimizer's rule may ask for it."""
    return x.builder.emit("norm", (x,))[0]


def renorm(x: Tensor, limit: float, axis: int = 0) -> Tensor:
    """Slices along an axis, each made as short as `limit` where it is longer: `torch.renorm`."""
    return x.builder.emit("renorm", (x,), limit=limit, axis=axis)[0]


def _renorm_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    x, limit = inputs[0], cast("float", attrs["limit"])
    others = [axis for axis in range(x.rank) if axis != attrs["axis"]]
    length = sqrt(reduce_sum(x * x, others, keep=True))
    # PyTorch's 1e-7 keeps the division finite
    return [x * where(greater(length, limit), limit / (length + 1e-7), 1.0)]


def _norm_type(types: Types, attrs: Attrs) -> Types:
    return (TensorType((), "real"),)


def _norm_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    return [sqrt(reduce_sum(inputs[0] * inputs[0]))]


def _sum_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    x = inputs[0]
    return [broadcast_to(reshape(gradients[0], _kept(x.shape, _axes(attrs))), x.shape)]


def _max_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    x, shape = inputs[0], _kept(inputs[0].shape, _axes(attrs))
    hits = equal(x, reshape(outputs[0], shape))
    share = reshape(gradients[0], shape) / reduce_sum(hits, _axes(attrs), keep=True)
    return [hits * share]


def _index_type(types: Types, attrs: Attrs) -> Types:
    return (TensorType(_reduced(types, attrs)[0].shape, "int"),)


register(Primitive("sum", "basic", _reduced, _sum_vjp, numpy="{0}.sum(axis={axes})"))
register(Primitive("max", "basic", _reduced, _max_vjp, numpy="{0}.max(axis={axes})"))
register(
    Primitive(
        "argmax", "basic", _index_type, lambda i, o, g, a: [None], numpy="{0}.argmax({axes[0]})"
    )
)
register(
    Primitive("norm", "composite", _norm_type, None, _norm_expand, numpy="np.linalg.norm({0})")
)
register(
    Primitive(
        "renorm",
        "composite",
        lambda types, attrs: types,
        None,
        _renorm_expand,
        numpy="renorm({0}, {limit!r}, {axis})",
    )
)
