"""Rows over images N×C×H×W: convolution and pooling, with the rows their gradients need.

Convolution is bilinear: conv2d, conv2d_dx and conv2d_dw are each other's gradients, and so are the
three of depthwise2d. Max pooling selects; `scatter` sends numbers to the selected places and `take`
fetches them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from graph.primitives.table import Gradients, Infer, Primitive, Tensors, Types, register, text
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


def depthwise2d(x: Tensor, weight: Tensor, stride: Pair, padding: Sides, dilation: Pair) -> Tensor:
    """Cross-correlation of each channel of x N×C×H×W with its own window of weight C×1×kh×kw."""
    kernel = (weight.shape[2], weight.shape[3])
    return x.builder.emit(
        "depthwise2d", (x, weight), kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )[0]


def _geometry(attrs: Attrs) -> dict[str, Attr]:
    return {name: attrs[name] for name in ("kernel", "stride", "padding", "dilation")}


@dataclass(frozen=True)
class _Bilinear:
    """A convolution, its gradient to the image (`_dx`) and its gradient to the windows (`_dw`).

    Each is linear in both of its operands, and the gradients of any of the three are the other two.
    """

    name: str

    def slid(self, x: Tensor, weight: Tensor, attrs: Attrs) -> Tensor:
        return x.builder.emit(self.name, (x, weight), **_geometry(attrs))[0]

    def to_image(self, g: Tensor, weight: Tensor, image: Shape, attrs: Attrs) -> Tensor:
        size = image[2:]
        return g.builder.emit(f"{self.name}_dx", (g, weight), **_geometry(attrs), size=size)[0]

    def to_windows(self, x: Tensor, g: Tensor, attrs: Attrs) -> Tensor:
        return x.builder.emit(f"{self.name}_dw", (x, g), **_geometry(attrs))[0]

    def vjp(self, inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
        (x, weight), g = inputs, gradients[0]
        return [self.to_image(g, weight, x.shape, attrs), self.to_windows(x, g, attrs)]

    def dx_vjp(
        self, inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs
    ) -> Gradients:
        (g, weight), h = inputs, gradients[0]
        return [self.slid(h, weight, attrs), self.to_windows(h, g, attrs)]

    def dw_vjp(
        self, inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs
    ) -> Gradients:
        (x, g), h = inputs, gradients[0]
        return [self.to_image(g, h, x.shape, attrs), self.slid(x, h, attrs)]

    def register(self, made: Infer, image: Infer, windows: Infer) -> None:
        name = self.name
        of = "({0}, {1}, kernel={kernel}, stride={stride}, padding={padding}, dilation={dilation}"
        dx = f"{name}_dx{of}, size={{size}})"
        register(Primitive(name, "basic", made, self.vjp, numpy=f"{name}{of})"))
        register(Primitive(f"{name}_dx", "basic", image, self.dx_vjp, numpy=dx))
        register(Primitive(f"{name}_dw", "basic", windows, self.dw_vjp, numpy=f"{name}_dw{of})"))


def _conv_type(types: Types, attrs: Attrs) -> Types:
    x, w = types
    need_image(x)
    if w.shape[1] != x.shape[1]:
        raise ShapeError(f"{x.shape[1]} channels", f"{w.shape[1]} channels")
    return (TensorType((x.shape[0], w.shape[0], *output_size(x.shape, attrs)), "real"),)


def _depthwise_type(types: Types, attrs: Attrs) -> Types:
    x, w = types
    need_image(x)
    if w.shape[:2] != (x.shape[1], 1):
        expected = f"{x.shape[1]} windows of 1 channel, one for each channel"
        raise ShapeError(f"{w.shape[0]} windows of {w.shape[1]} channels", expected)
    return (TensorType((*x.shape[:2], *output_size(x.shape, attrs)), "real"),)


def _dx_type(channels: Callable[[TensorType], int]) -> Infer:
    """The type of an image, its channels told by the weight."""

    def rule(types: Types, attrs: Attrs) -> Types:
        g, w = types
        return (TensorType((g.shape[0], channels(w), *cast("Pair", attrs["size"])), "real"),)

    return rule


def _dw_type(channels: Callable[[TensorType], int]) -> Infer:
    """The type of the windows, the channels of each told by the image."""

    def rule(types: Types, attrs: Attrs) -> Types:
        x, g = types
        kernel = cast("Pair", attrs["kernel"])
        return (TensorType((g.shape[1], channels(x), *kernel), "real"),)

    return rule


_Bilinear("conv2d").register(
    _conv_type, _dx_type(lambda w: w.shape[1]), _dw_type(lambda x: x.shape[1])
)
_Bilinear("depthwise2d").register(
    _depthwise_type, _dx_type(lambda w: w.shape[0]), _dw_type(lambda x: 1)
)


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
