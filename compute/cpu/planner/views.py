"""Where a value lies: a strided view of a buffer, and the algebra of such views.

Every logical axis of a value is a list of (extent, byte stride) dimensions. Most axes have one; a
flattened image stored channels-last has three in its feature axis. So permuting, slicing,
broadcasting and nearly every reshape cost nothing: they make another view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Literal, NamedTuple

from graph.program import Shape

Dim = tuple[int, int]  # extent, stride in bytes
Axis = tuple[Dim, ...]  # outermost first; () is an axis of extent 1
Segment = Literal["persistent", "transient", "table"]
Sides = tuple[int, int, int, int]  # top, bottom, left, right
NO_BORDER: Sides = (0, 0, 0, 0)
CACHE_LINE = 64
# The layers of a net, and a net before and after an edit, lie in much the same ways: what only
# strides decide is worked out once.
known = lru_cache(maxsize=1 << 12)


@dataclass(eq=False, slots=True)
class Buffer:
    """A slot of memory. `border` marks an image stored with a zero border (never written).

    Of a `cleared` one steps write the zeros, each time anew. A `kept` one is zero before a step's
    first use of it and after the last. Where it lies is for each plan to say: plans may share it.
    """

    size: int
    segment: Segment
    name: str = ""
    border: Sides | None = None
    geometry: tuple[int, ...] = ()
    cleared: bool = False
    kept: bool = False

    def like(self, other: Buffer) -> bool:
        """Whether the other one could stand for it."""
        own = self.size, self.segment, self.name, self.border, self.geometry, self.kept
        theirs = other.size, other.segment, other.name, other.border, other.geometry, other.kept
        return own == theirs and not (self.cleared or other.cleared)

    @property
    def lasting(self) -> bool:
        """Whether zeros lie there, around an image or for a count, that nothing else may
        overwrite.
        """
        return self.kept or (self.border is not None and not self.cleared)


class View(NamedTuple):
    """A value in a buffer: byte offset of its first element and dimensions of each axis."""

    buffer: Buffer
    offset: int
    axes: tuple[Axis, ...]
    item: int

    @property
    def shape(self) -> Shape:
        return shape_of(self.axes)

    @property
    def size(self) -> int:
        """Number of elements."""
        return size_of(self.axes)

    def hull(self) -> tuple[int, int]:
        """Bytes [low, high) of the buffer that the view covers, gaps included."""
        low, high = reach_of(self.axes)
        return self.offset + low, self.offset + high + self.item

    def permute(self, order: Sequence[int]) -> View:
        """Axis k of the result is axis `order[k]`."""
        axes = tuple([self.axes[axis] for axis in order])
        return View(self.buffer, self.offset, axes, self.item)

    def broadcast(self, shape: Shape) -> View:
        """Repeated along new and unit axes by stride 0."""
        return View(self.buffer, self.offset, _broadcast(self.axes, shape), self.item)

    def slice(self, axis: int, start: int, stop: int) -> View | None:
        """Elements start … stop-1 of one axis; None when no strides describe them."""
        dims = merged(self.axes[axis])
        if len(dims) > 1:
            inner = prod(extent for extent, _ in dims[1:])
            if start % inner or stop % inner:
                return None
            start, stop = start // inner, stop // inner
        if not dims:
            return self
        stride = dims[0][1]
        cut: Axis = ((stop - start, stride), *dims[1:])
        axes = (*self.axes[:axis], cut, *self.axes[axis + 1 :])
        return View(self.buffer, self.offset + start * stride, axes, self.item)

    def reshape(self, shape: Shape) -> View | None:
        """The same elements in row-major order under `shape`; None when they need a copy."""
        axes = _reshaped(self.axes, shape)
        return None if axes is None else View(self.buffer, self.offset, axes, self.item)

    def same_place(self, other: View) -> bool:
        """Whether both views put every element at the same address."""
        return (
            self.buffer is other.buffer
            and self.offset == other.offset
            and (
                self.axes == other.axes
                or [merged(axis) for axis in self.axes] == [merged(axis) for axis in other.axes]
            )
        )

    def stride(self, axis: int) -> int | None:
        """The byte stride of an axis of one dimension (0 for extent 1); None when it has more."""
        return stride_of(self.axes[axis])


@known
def shape_of(axes: tuple[Axis, ...]) -> Shape:
    """Number of elements along each of the axes."""
    return tuple(extent_of(axis) for axis in axes)


@known
def size_of(axes: tuple[Axis, ...]) -> int:
    """Number of elements."""
    return prod(shape_of(axes))


@known
def text_of(axes: tuple[Axis, ...]) -> str:
    """The shape as people write it."""
    return "×".join(map(str, shape_of(axes))) or "1"


@known
def reach_of(axes: tuple[Axis, ...]) -> tuple[int, int]:
    """How far before and behind the first element of a view others begin, in bytes."""
    low = high = 0
    for axis in axes:
        for extent, stride in axis:
            reach = (extent - 1) * stride
            low, high = low + min(0, reach), high + max(0, reach)
    return low, high


@known
def _broadcast(axes: tuple[Axis, ...], shape: Shape) -> tuple[Axis, ...]:
    lead = len(shape) - len(axes)
    wide: list[Axis] = [((extent, 0),) for extent in shape[:lead]]
    for axis, extent in zip(axes, shape[lead:], strict=True):
        wide.append(axis if extent_of(axis) == extent else ((extent, 0),))
    return tuple(wide)


@known
def _reshaped(before: tuple[Axis, ...], shape: Shape) -> tuple[Axis, ...] | None:
    dims = list(merged(tuple(dim for axis in before for dim in axis)))
    axes: list[Axis] = []
    for extent in reversed(shape):
        axis: list[Dim] = []
        while extent > 1:
            count, stride = dims.pop()
            if extent % count == 0:
                axis.insert(0, (count, stride))
                extent //= count
            elif count % extent == 0:
                axis.insert(0, (extent, stride))
                dims.append((count // extent, stride * extent))
                extent = 1
            else:
                return None
        axes.insert(0, tuple(axis))
    return tuple(axes)


def stride_of(axis: Axis) -> int | None:
    """The byte stride of an axis of one dimension (0 for extent 1); None when it has more."""
    dims = merged(axis)
    if not dims:
        return axis[0][1] if axis else 0
    return dims[0][1] if len(dims) == 1 else None


def extent_of(axis: Axis) -> int:
    """Number of elements along an axis."""
    return prod(extent for extent, _ in axis)


@known
def merged(dims: Axis) -> Axis:
    """Neighbouring dimensions joined where one stride walks both; unit dimensions dropped."""
    result: list[Dim] = []
    for extent, stride in dims:
        if extent == 1:
            continue
        if result and result[-1][1] == extent * stride:
            result[-1] = (result[-1][0] * extent, stride)
        else:
            result.append((extent, stride))
    return tuple(result)


@known
def packed(shape: Shape, item: int) -> tuple[Axis, ...]:
    """Axes of a dense row-major array."""
    axes: list[Axis] = []
    stride = item
    for extent in reversed(shape):
        axes.insert(0, ((extent, stride),))
        stride *= extent
    return tuple(axes)


@known
def window_of(axes: tuple[Axis, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Extents and strides of all dimensions, one after the other."""
    dims = [dim for axis in axes for dim in axis]
    return tuple([extent for extent, _ in dims]), tuple([stride for _, stride in dims])


@known
def packed_like(axes: tuple[Axis, ...], item: int) -> tuple[Axis, ...]:
    """Dense axes with the physical order of `axes` (largest stride outermost)."""
    flat = [(stride, a, d) for a, axis in enumerate(axes) for d, (_, stride) in enumerate(axis)]
    result = [list(axis) for axis in axes]
    stride = item
    # of equal strides (one of them a unit dimension) the later axis is the inner one
    for _, a, d in sorted(flat, key=lambda entry: (entry[0], -entry[1], -entry[2])):
        extent = axes[a][d][0]
        result[a][d] = (extent, stride)
        stride *= extent
    return tuple(tuple(axis) for axis in result)


def image_axes(shape: Shape, border: Sides, item: int) -> tuple[tuple[Axis, ...], int, int]:
    """Axes of an N×C×H×W value stored channels-last with a border, its offset and its bytes."""
    count, channels, height, width = shape
    top, bottom, left, right = border
    pixel = channels * item
    row = (left + width + right) * pixel
    image = (top + height + bottom) * row
    axes: tuple[Axis, ...] = (
        ((count, image),),
        ((channels, item),),
        ((height, row),),
        ((width, pixel),),
    )
    return axes, top * row + left * pixel, count * image


def border_strips(buffer: Buffer, item: int) -> list[View]:
    """What lies around a bordered image: above, below, left and right, as N×rows×columns."""
    assert buffer.border is not None
    count, channels, height, width = buffer.geometry[:4]
    top, bottom, left, right = buffer.border
    pixel = channels * item
    row = (left + width + right) * pixel
    image = (top + height + bottom) * row
    strips = (
        (0, top, row),
        ((top + height) * row, bottom, row),
        (top * row, height, left * pixel),
        (top * row + (left + width) * pixel, height, right * pixel),
    )
    return [
        View(buffer, start, (((count, image),), ((rows, row),), ((length // item, item),)), item)
        for start, rows, length in strips
        if rows and length
    ]


Joint = tuple[int, tuple[int, ...]]  # extent, stride of each view


def refine(axes: Sequence[Axis]) -> list[Joint] | None:
    """Dimensions of one logical axis common to several views of it, outermost first.

    None when the views split the axis in ways that no common dimensions describe.
    """
    stacks = [[d for d in axis if d[0] != 1] for axis in axes]
    result: list[Joint] = []
    while any(stacks):
        if not all(stacks):
            return None
        extent = min(stack[-1][0] for stack in stacks)
        strides = []
        for stack in stacks:
            count, stride = stack.pop()
            if count % extent:
                return None
            if count > extent:
                stack.append((count // extent, stride * extent))
            strides.append(stride)
        result.append((extent, tuple(strides)))
    result.reverse()
    return result


def join(dims: Sequence[Joint]) -> list[Joint]:
    """Neighbouring dimensions joined where every view allows it."""
    result: list[Joint] = []
    for extent, strides in dims:
        if extent == 1:
            continue
        if result:
            outer, before = result[-1]
            if all(b == extent * s for b, s in zip(before, strides, strict=True)):
                result[-1] = (outer * extent, strides)
                continue
        result.append((extent, strides))
    return result


def iterate(views: Sequence[tuple[Axis, ...]]) -> list[Joint] | None:
    """Common dimensions of the axes of equally shaped views, in the memory order of the first, not
    joined.
    """
    dims: list[Joint] = []
    for axes in zip(*views, strict=True):
        found = refine(axes)
        if found is None:
            return None
        dims += found
    return sorted(dims, key=lambda dim: -abs(dim[1][0]))


def aligned(size: int, to: int = CACHE_LINE) -> int:
    """`size` rounded up to a multiple of `to`."""
    return -(-size // to) * to


@known
def walked(
    goal: tuple[Axis, ...], source: tuple[Axis, ...]
) -> tuple[list[Joint] | None, list[Joint]]:
    """The dimensions that a copy walks along, None where there are none; and the same joined where
    they can be.
    """
    dims = iterate([goal, source])
    return dims, [] if dims is None else join(dims)
