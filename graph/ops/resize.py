"""Nodes that make images larger or smaller without weights: borders, cuts, repeated pixels."""

from __future__ import annotations

from graph.op import Op, Port, bad, labels, sample, setting
from graph.ops.borders import PADDING_MODES, bordered, place
from graph.ops.expect import need_image
from graph.ops.windows import Sides, pair
from graph.primitives import broadcast_to, concat, pad, permute, reshape, slice_axis
from graph.primitives.table import text
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor

_MODULES = dict(
    zip(
        PADDING_MODES,
        ("ZeroPad2d", "ReflectionPad2d", "ReplicationPad2d", "CircularPad2d"),
        strict=True,
    )
)


def _sides(value: int | Sides) -> Sides:
    """The same number for all four sides, unless four are given."""
    return value if isinstance(value, tuple) else (value, value, value, value)


class OnImage(Op, register=False):
    """Base of nodes that make an image of another size from an image."""

    category, icon, family = "Shape", "image", "shape"
    inputs = (Port("x", "image"),)
    outputs = (Port("y", "image"),)


class Pad2d(OnImage):
    """Puts a border around an image: zeros, its mirror, its edge or its other end.

    With rows abcd and two pixels a side: zeros 00abcd00, reflect cbabcdcb, replicate aaabcddd,
    circular cdabcdab. reflect needs a border smaller than the image, circular one no larger
    (Goodfellow et al. 2016, §9.5; PyTorch's padding modes).
    """

    title = "Pad image"
    keywords = ("padding", "border", "mirror", "reflection", "replication", "wrap", "zero pad")
    summary = ("mode", "padding")
    mode: str = setting("zeros", "What the border is made of", choices=PADDING_MODES)
    padding: int | tuple[int, int, int, int] = setting(
        1, "Pixels added a side, or at the top, bottom, left, right", min=0, max=256, unit="px"
    )
    samples = (
        sample(x=(2, 2, 3, 2)),
        sample(x=(1, 2, 2, 3), settings={"padding": (0, 1, 2, 3)}),
        sample(x=(1, 2, 3, 4), settings={"mode": "reflect", "padding": (1, 2, 3, 0)}),
        sample(x=(2, 1, 2, 3), settings={"mode": "replicate", "padding": (2, 0, 1, 3)}),
        sample(x=(2, 1, 3, 3), settings={"mode": "circular", "padding": (1, 3, 0, 2)}),
        sample(x=(1, 1, 2, 2), settings={"mode": "circular", "padding": 0}),
        bad("at most 2", x=(1, 1, 3, 3), settings={"mode": "reflect", "padding": 3}),
        bad("at most 3", x=(1, 1, 3, 3), settings={"mode": "circular", "padding": 4}),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("class labels", x=labels(2)),
    )

    def module_template(self, *operands: TensorType) -> str:
        top, bottom, left, right = _sides(self.padding)
        border = self.padding if isinstance(self.padding, int) else (left, right, top, bottom)
        return f"nn.{_MODULES[self.mode]}({border})"

    def build(self, x: Tensor) -> Tensor:
        need_image(x.type)
        top, bottom, left, right = _sides(self.padding)
        if self.mode == "zeros":
            return pad(x, (0, 0, top, left), (0, 0, bottom, right))
        return bordered(bordered(x, 2, top, bottom, self.mode), 3, left, right, self.mode)


class Crop2d(OnImage):
    """Takes a border off an image, as a skip connection of a U-Net needs (Ronneberger et al. 2015).

    Refuses to take everything.
    """

    title = "Crop image"
    keywords = ("cropping", "trim", "cut", "border", "u-net")
    summary = ("border",)
    border: int | tuple[int, int, int, int] = setting(
        1,
        "Pixels taken off a side, or at the top, bottom, left, right",
        min=0,
        max=1_000_000,
        unit="px",
    )
    samples = (
        sample(x=(2, 2, 4, 3)),
        sample(x=(1, 2, 4, 5), settings={"border": (0, 1, 2, 0)}),
        sample(x=(1, 1, 2, 2), settings={"border": 0}),
        bad("less than 2×5", x=(1, 1, 2, 5)),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("class labels", x=labels(2)),
    )

    def call_template(self, *operands: TensorType) -> str:
        top, bottom, left, right = _sides(self.border)
        rows = f"{top}:{-bottom or ''}"
        columns = f"{left}:{-right or ''}"
        return f"{{x}}[:, :, {rows}, {columns}]"

    def build(self, x: Tensor) -> Tensor:
        need_image(x.type)
        top, bottom, left, right = _sides(self.border)
        height, width = x.shape[2:]
        if top + bottom >= height or left + right >= width:
            found = f"{top + bottom} rows and {left + right} columns to take off"
            remedy = "make the border smaller"
            raise ShapeError(found, f"less than {text((height, width))}", remedy)
        return slice_axis(slice_axis(x, 2, top, height - bottom), 3, left, width - right)


class Upsample(OnImage):
    """Makes an image larger: every pixel repeated, or what is between them filled in smoothly.

    nearest repeats; bilinear weighs the nearest pixels by their distance, and the edge goes on
    beyond itself. A convolution behind it has no checkerboard, unlike a transposed one (Odena et
    al. 2016).
    """

    keywords = ("nearest neighbour", "bilinear", "interpolate", "enlarge", "resize", "upscale")
    summary = ("factor", "mode")
    factor: int | tuple[int, int] = setting(
        2, "Times the image gets higher and wider, or each of both", min=1, max=64
    )
    mode: str = setting("nearest", "How new pixels come about", choices=("nearest", "bilinear"))
    torch = "nn.Upsample(scale_factor={factor}, mode={mode})"
    samples = (
        sample(x=(2, 3, 2, 3)),
        sample(x=(1, 2, 2, 2), settings={"factor": (1, 3)}),
        sample(x=(1, 2, 2, 2), settings={"factor": 1}),
        sample(x=(2, 2, 3, 2), settings={"mode": "bilinear"}),
        sample(x=(1, 2, 1, 3), settings={"mode": "bilinear", "factor": (3, 4)}),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("class labels", x=labels(2)),
    )

    def build(self, x: Tensor) -> Tensor:
        need_image(x.type)
        rows, columns = pair(self.factor)
        if self.mode == "bilinear":
            return _between(_between(x, 2, rows), 3, columns)
        batch, channels, height, width = x.shape
        apart = reshape(x, (batch, channels, height, 1, width, 1))
        repeated = broadcast_to(apart, (batch, channels, height, rows, width, columns))
        return reshape(repeated, (batch, channels, height * rows, width * columns))


def _between(x: Tensor, axis: int, factor: int) -> Tensor:
    """x with `factor` places for each along an axis, on straight lines between its places.

    New place j of a pixel lies (j + ½) / factor − ½ of a pixel behind its middle.
    """
    if factor == 1:
        return x
    extent = x.shape[axis]
    ahead = concat([place(x, axis, 0), *_cut(x, axis, 0, extent - 1)], axis)
    behind = concat([*_cut(x, axis, 1, extent), place(x, axis, extent - 1)], axis)
    split = (*x.shape[: axis + 1], 1, *x.shape[axis + 1 :])
    phases = []
    for j in range(factor):
        off = (j + 0.5) / factor - 0.5
        other = ahead if off < 0 else behind
        phases.append(reshape(x * (1 - abs(off)) + other * abs(off), split))
    made = (*x.shape[:axis], extent * factor, *x.shape[axis + 1 :])
    return reshape(concat(phases, axis + 1), made)


def _cut(x: Tensor, axis: int, start: int, stop: int) -> list[Tensor]:
    """The places from start to stop, if there are any."""
    return [slice_axis(x, axis, start, stop)] if start < stop else []


class PixelShuffle(OnImage):
    """Lays groups of channels out as pixels: C·r²×H×W becomes C×r·H×r·W (Shi et al. 2016).

    A convolution before it thus makes a larger image at the cost of a small one.
    """

    title = "Pixel shuffle"
    keywords = ("sub-pixel convolution", "depth to space", "super-resolution", "upscale")
    summary = ("factor",)
    factor: int = setting(2, "Times the image gets higher and wider, r", min=1, max=64)
    torch = "nn.PixelShuffle({factor})"
    samples = (
        sample(x=(2, 4, 2, 3)),
        sample(x=(1, 18, 2, 1), settings={"factor": 3}),
        bad("a multiple of 4", x=(2, 6, 2, 2)),
        bad("put a Reshape to its channels", x=(2, 10)),
        bad("class labels", x=labels(2)),
    )

    def build(self, x: Tensor) -> Tensor:
        need_image(x.type)
        r, (batch, channels, height, width) = self.factor, x.shape
        if channels % (r * r):
            expected, remedy = f"a multiple of {r * r} channels", "make so many before it"
            raise ShapeError(f"{channels} channels", expected, remedy)
        made = channels // (r * r)
        apart = permute(reshape(x, (batch, made, r, r, height, width)), (0, 1, 4, 2, 5, 3))
        return reshape(apart, (batch, made, height * r, width * r))


class PixelUnshuffle(OnImage):
    """Lays blocks of r×r pixels out as channels, the inverse of a pixel shuffle (Shi et al. 2016).

    C×r·H×r·W becomes C·r²×H×W: a smaller image without loss.
    """

    title = "Pixel unshuffle"
    keywords = ("space to depth", "downscale", "patches")
    summary = ("factor",)
    factor: int = setting(2, "Times the image gets lower and narrower, r", min=1, max=64)
    torch = "nn.PixelUnshuffle({factor})"
    samples = (
        sample(x=(2, 2, 4, 2)),
        sample(x=(1, 1, 3, 6), settings={"factor": 3}),
        bad("multiples of 2", x=(2, 1, 3, 4)),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("class labels", x=labels(2)),
    )

    def build(self, x: Tensor) -> Tensor:
        need_image(x.type)
        r, (batch, channels, height, width) = self.factor, x.shape
        if height % r or width % r:
            expected, remedy = f"multiples of {r}", "pad or crop the image first"
            raise ShapeError(f"{text((height, width))} pixels", expected, remedy)
        rows, columns = height // r, width // r
        apart = permute(reshape(x, (batch, channels, rows, r, columns, r)), (0, 1, 3, 5, 2, 4))
        return reshape(apart, (batch, channels * r * r, rows, columns))
