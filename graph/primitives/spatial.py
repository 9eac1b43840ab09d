"""Rows over images N×C×H×W: convolution and pooling, with the rows their gradients need.

Convolution is bilinear: conv2d, conv2d_dx and conv2d_dw are each other's gradients. Max pooling
selects; `scatter` sends numbers to the selected places and `take` fetches them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from graph.primitives.table import Gradients, Primitive, Tensors, Types, register, text
from graph.program import Attr, Attrs, Shape, ShapeError, TensorType
from graph.tensor import Tensor

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]  # top, bottom, left, right


def _window(attrs: Attrs) -> tuple[Pair, Pair, Sides, Pair]:
    """kernel, stride, padding, dilation of a row."""
    return (
        cast("Pair", attrs["kernel"]),
        cast("Pair", attrs["stride"]),
        cast("Sides", attrs["padding"]),
        cast("Pair", attrs.get("dilation", (1, 1))),
    )


def output_extent(
    size: int, kernel: int, stride: int, before: int, after: int, dilation: int
) -> int:
    """Number of window positions along one axis; raises ShapeError when the window does not fit."""
    span = dilation * (kernel - 1) + 1
    room = size + before + after
    if span > room:
        raise ShapeError(
            f"a window of {span} on an image side of {room} (padding included)",
            f"a window of at most {room}",
            "make the kernel or its dilation smaller, or pad more",
        )
    return (room - span) // stride + 1


def output_size(image: Shape, attrs: Attrs) -> Pair:
    """Height and width after the window of `attrs` slid over `image` (N×C×H×W)."""
    kernel, stride, pad, dilation = _window(attrs)
    return (
        output_extent(image[2], kernel[0], stride[0], pad[0], pad[1], dilation[0]),
        output_extent(image[3], kernel[1], stride[1], pad[2], pad[3], dilation[1]),
    )


def need_image(kind: TensorType, operand: int = 0) -> None:
    """Raises ShapeError unless `kind` is a batch of images."""
    if len(kind.shape) != 4 or kind.dtype == "int":
        raise ShapeError(
            f"{text(kind.shape[1:])} a sample",
            "an image C×H×W a sample",
            "put a Reshape before it",
            operand,
            adapter="Reshape",
        )


def conv2d(x: Tensor, weight: Tensor, stride: Pair, padding: Sides, dilation: Pair) -> Tensor:
    """Cross-correlation of x N×C×H×W with weight F×C×kh×kw (Goodfellow et al. 2016, §9.1)."""
    kernel = (weight.shape[2], weight.shape[3])
    return x.builder.emit(
        "conv2d", (x, weight), kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )[0]


def _conv_type(types: Types, attrs: Attrs) -> Types:
    x, w = types
    need_image(x)
    if w.shape[1] != x.shape[1]:
        raise ShapeError(f"{x.shape[1]} channels", f"{w.shape[1]} channels")
    return (TensorType((x.shape[0], w.shape[0], *output_size(x.shape, attrs)), "real"),)


def _geometry(attrs: Attrs) -> dict[str, Attr]:
    return {name: attrs[name] for name in ("kernel", "stride", "padding", "dilation")}


def _conv_dx(g: Tensor, weight: Tensor, image: Shape, attrs: Mapping[str, Attr]) -> Tensor:
    return g.builder.emit("conv2d_dx", (g, weight), **_geometry(attrs), size=image[2:])[0]


def _conv_dw(x: Tensor, g: Tensor, attrs: Mapping[str, Attr]) -> Tensor:
    return x.builder.emit("conv2d_dw", (x, g), **_geometry(attrs))[0]


def _conv(x: Tensor, weight: Tensor, attrs: Mapping[str, Attr]) -> Tensor:
    return x.builder.emit("conv2d", (x, weight), **_geometry(attrs))[0]


def _conv_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    (x, weight), g = inputs, gradients[0]
    return [_conv_dx(g, weight, x.shape, attrs), _conv_dw(x, g, attrs)]


def _dx_type(types: Types, attrs: Attrs) -> Types:
    g, w = types
    size = cast("Pair", attrs["size"])
    return (TensorType((g.shape[0], w.shape[1], *size), "real"),)


def _dx_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    (g, weight), h = inputs, gradients[0]
    return [_conv(h, weight, attrs), _conv_dw(h, g, attrs)]


def _dw_type(types: Types, attrs: Attrs) -> Types:
    x, g = types
    return (TensorType((g.shape[1], x.shape[1], *cast("Pair", attrs["kernel"])), "real"),)


def _dw_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    (x, g), h = inputs, gradients[0]
    return [_conv_dx(g, h, x.shape, attrs), _conv(x, h, attrs)]


_CONV = "({0}, {1}, kernel={kernel}, stride={stride}, padding={padding}, dilation={dilation}"
register(Primitive("conv2d", "basic", _conv_type, _conv_vjp, numpy=f"conv2d{_CONV})"))
register(
    Primitive("conv2d_dx", "basic", _dx_type, _dx_vjp, numpy=f"conv2d_dx{_CONV}, size={{size}})")
)
register(Primitive("conv2d_dw", "basic", _dw_type, _dw_vjp, numpy=f"conv2d_dw{_CONV})"))


def max_pool2d(x: Tensor, kernel: Pair, stride: Pair, padding: Sides) -> Tensor:
    """Largest value of each window; the first in row-major order wins a tie."""
    return x.builder.emit("max_pool2d", (x,), kernel=kernel, stride=stride, padding=padding)[0]


def avg_pool2d(x: Tensor, kernel: Pair, stride: Pair, padding: Sides) -> Tensor:
    """Mean of each window; padded zeros count."""
    return x.builder.emit("avg_pool2d", (x,), kernel=kernel, stride=stride, padding=padding)[0]


def _pool_type(types: Types, attrs: Attrs) -> Types:
    need_image(types[0])
    shape = types[0].shape
    return (TensorType((*shape[:2], *output_size(shape, attrs)), "real"),)


def _pool_geometry(attrs: Attrs) -> dict[str, Attr]:
    return {name: attrs[name] for name in ("kernel", "stride", "padding")}


def _scatter(x: Tensor, y: Tensor, g: Tensor, attrs: Attrs) -> Tensor:
    return x.builder.emit("max_pool2d_scatter", (x, y, g), **_pool_geometry(attrs))[0]


def _take(x: Tensor, y: Tensor, h: Tensor, attrs: Attrs) -> Tensor:
    return x.builder.emit("max_pool2d_take", (x, y, h), **_pool_geometry(attrs))[0]


def _max_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    return [_scatter(inputs[0], outputs[0], gradients[0], attrs)]


def _scatter_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    return [None, None, _take(inputs[0], inputs[1], gradients[0], attrs)]


def _take_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    return [None, None, _scatter(inputs[0], inputs[1], gradients[0], attrs)]


def _like(operand: int):  # type: ignore[no-untyped-def]
    return lambda types, attrs: (types[operand],)


_POOL = "kernel={kernel}, stride={stride}, padding={padding})"
register(Primitive("max_pool2d", "basic", _pool_type, _max_vjp, numpy=f"max_pool2d({{0}}, {_POOL}"))
register(
    Primitive(
        "max_pool2d_scatter",
        "basic",
        _like(0),
        _scatter_vjp,
        numpy=f"max_pool2d_scatter({{0}}, {{2}}, {_POOL}",
        constant=frozenset({0, 1}),
    )
)
register(
    Primitive(
        "max_pool2d_take",
        "basic",
        _like(1),
        _take_vjp,
        numpy=f"max_pool2d_take({{0}}, {{2}}, {_POOL}",
        constant=frozenset({0, 1}),
    )
)


def _avg_dx(g: Tensor, size: Pair, attrs: Attrs) -> Tensor:
    return g.builder.emit("avg_pool2d_dx", (g,), **_pool_geometry(attrs), size=size)[0]


def _avg_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    return [_avg_dx(gradients[0], (inputs[0].shape[2], inputs[0].shape[3]), attrs)]


def _avg_dx_type(types: Types, attrs: Attrs) -> Types:
    return (TensorType((*types[0].shape[:2], *cast("Pair", attrs["size"])), "real"),)


def _avg_dx_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    g = gradients[0]
    return [g.builder.emit("avg_pool2d", (g,), **_pool_geometry(attrs))[0]]


register(Primitive("avg_pool2d", "basic", _pool_type, _avg_vjp, numpy=f"avg_pool2d({{0}}, {_POOL}"))
register(
    Primitive(
        "avg_pool2d_dx",
        "basic",
        _avg_dx_type,
        _avg_dx_vjp,
        numpy=f"avg_pool2d_dx({{0}}, size={{size}}, {_POOL}",
    )
)
