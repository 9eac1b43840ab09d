"""Which values are stored as channels-last images, and how wide a zero border each needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from compute.cpu.kernels.conv import dx_border
from compute.cpu.planner.views import NO_BORDER, Sides
from graph.primitives.table import PRIMITIVES
from graph.program import Program, Row, Shape

# row -> positions of image operands; all outputs of these rows but weight gradients are images
_SPATIAL = {
    "conv2d": (0,),
    "conv2d_dx": (0,),
    "conv2d_dw": (0, 1),
    "depthwise2d": (0,),
    "depthwise2d_dx": (0,),
    "depthwise2d_dw": (0, 1),
    "max_pool2d": (0,),
    "max_pool2d_scatter": (0, 1, 2),
    "max_pool2d_take": (0, 1, 2),
    "avg_pool2d": (0,),
    "avg_pool2d_dx": (0,),
    "batch_norm": (0,),
    "batch_norm_grad": (0, 4),
}
_WEIGHT_GRADIENTS = ("conv2d_dw", "depthwise2d_dw")
_CARRIERS = frozenset({"slice", "pad", "concat", "stop_gradient"})


@dataclass(frozen=True)
class Layout:
    """Values stored as images; zero borders that convolutions read around them."""

    images: frozenset[int]
    borders: Mapping[int, Sides]

    def border(self, value: int) -> Sides:
        """The border to store `value` with."""
        return self.borders.get(value, NO_BORDER)

    def with_twins(self, twins: Mapping[int, int]) -> Layout:
        """The layout that stores every key of `twins` as it does the value it stands for."""
        images = {twin for twin, value in twins.items() if value in self.images}
        borders = {t: self.borders[value] for t, value in twins.items() if value in self.borders}
        return Layout(self.images | images, {**self.borders, **borders})


def decide(program: Program, core: Sequence[Row], rows: Sequence[Row]) -> Layout:
    """The layout of every value; that of the core's values does not depend on what is watched."""
    found = _decide(program, core)
    if len(core) == len(rows):
        return found
    watched = _decide(program, rows)
    fixed = {v for row in core for v in (*row.inputs, *row.outputs)}
    borders = {v: sides for v, sides in watched.borders.items() if v not in fixed}
    return Layout(found.images | (watched.images - fixed), {**borders, **found.borders})


def _decide(program: Program, rows: Sequence[Row]) -> Layout:
    """Values that image kernels read or write, and all that elementwise rows tie to them."""
    if not any(row.op in _SPATIAL for row in rows):
        return Layout(frozenset(), {})
    parent = list(range(len(program.types)))

    def root(value: int) -> int:
        while parent[value] != value:
            parent[value] = parent[parent[value]]
            value = parent[value]
        return value

    seeds: set[int] = set()
    borders: dict[int, Sides] = {}
    for row in rows:
        if row.op in _SPATIAL:
            made = () if row.op in _WEIGHT_GRADIENTS else row.outputs[:1]
            seeds.update(row.inputs[k] for k in _SPATIAL[row.op])
            seeds.update(made)
            _want_border(row, program, borders)
        elif row.op in _CARRIERS or PRIMITIVES[row.op].kind == "elementwise":
            shape = program.types[row.outputs[0]].shape
            tied = [v for v in row.inputs if len(program.types[v].shape) == len(shape) == 4]
            if row.op not in _CARRIERS:
                tied = [v for v in tied if program.types[v].shape == shape]
            for value in tied:
                parent[root(value)] = root(row.outputs[0])
    chosen = {root(v) for v in seeds if len(program.types[v].shape) == 4}
    images = frozenset(
        v for v, kind in enumerate(program.types) if len(kind.shape) == 4 and root(v) in chosen
    )
    return Layout(images, borders)


def _want_border(row: Row, program: Program, borders: dict[int, Sides]) -> None:
    if row.op in ("conv2d", "depthwise2d"):
        sides = conv_border(row, program.types[row.inputs[0]].shape, _out(program, row))
    elif row.op in _WEIGHT_GRADIENTS:
        sides = conv_border(
            row, program.types[row.inputs[0]].shape, program.types[row.inputs[1]].shape[2:]
        )
    elif row.op in ("conv2d_dx", "depthwise2d_dx"):
        sides = gradient_border(row, program.types[row.inputs[0]].shape)
    else:
        return
    before = borders.get(row.inputs[0], NO_BORDER)
    borders[row.inputs[0]] = cast("Sides", tuple(map(max, before, sides)))


def _out(program: Program, row: Row) -> Shape:
    return program.types[row.outputs[0]].shape[2:]


def conv_border(row: Row, image: Shape, out: Shape) -> Sides:
    """Zeros that the windows of conv2d reach around its input."""
    attrs = dict(row.attrs)
    pad = cast("Sides", attrs["padding"])
    sides = []
    for axis in (0, 1):
        kernel, stride, dilation = (
            cast("tuple[int, int]", attrs[name])[axis] for name in ("kernel", "stride", "dilation")
        )
        before = pad[2 * axis]
        reach = (out[axis] - 1) * stride + (kernel - 1) * dilation + 1
        sides += [before, max(0, reach - before - image[2 + axis])]
    return cast("Sides", tuple(sides))


def gradient_border(row: Row, gradient: Shape) -> Sides:
    """Zeros that conv2d_dx reads around the output gradient."""
    attrs = dict(row.attrs)
    pad, size = cast("Sides", attrs["padding"]), cast("tuple[int, int]", attrs["size"])
    sides: list[int] = []
    for axis in (0, 1):
        kernel, stride, dilation = (
            cast("tuple[int, int]", attrs[name])[axis] for name in ("kernel", "stride", "dilation")
        )
        sides += dx_border(size[axis], gradient[2 + axis], kernel, stride, pad[2 * axis], dilation)
    return cast("Sides", tuple(sides))
