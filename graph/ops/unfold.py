"""Windows of an image as columns, and columns put back as windows."""

from __future__ import annotations

import math
from functools import reduce
from operator import add

from graph.op import Op, Port, bad, labels, sample, setting
from graph.ops.borders import bordered
from graph.ops.expect import describe, need_image, need_numbers
from graph.ops.windows import Pair, pair
from graph.primitives import concat, output_extent, pad, permute, reshape, slice_axis
from graph.primitives.table import text
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


class Patches(Op, register=False):
    """Base of what cuts an image into windows or puts windows together: how they lie."""

    category, icon, family = "Shape", "image", "shape"
    kernel: int | tuple[int, int] = setting(
        3, "Size of a window", min=1, max=64, unit="px", label="kernel size"
    )
    stride: int | tuple[int, int] = setting(
        1, "Pixels from one window to the next", min=1, max=64, unit="px"
    )
    padding: int | tuple[int, int] = setting(
        0, "Zeros around the image, so many a side", min=0, max=256, unit="px"
    )
    dilation: int | tuple[int, int] = setting(
        1, "Pixels between the taps of a window", min=1, max=64, unit="px", advanced=True
    )

    def counts(self, image: Pair) -> Pair:
        """Rows and columns of windows over an image; raises ShapeError when none fits."""
        rows, columns = (
            output_extent(size, kernel, stride, border, border, dilation)
            for size, kernel, stride, border, dilation in zip(
                image,
                pair(self.kernel),
                pair(self.stride),
                pair(self.padding),
                pair(self.dilation),
                strict=True,
            )
        )
        return rows, columns


class Unfold(Patches):
    """Cuts an image into windows and lays each out as a column; also called im2col.

    x N×C×H×W → y N×(C·kh·kw)×L, L windows in reading order, channel before row before column
    (Chellapilla, Puri & Simard 2006; PyTorch's Unfold). A stride as large as the kernel cuts
    patches that do not overlap, as a vision transformer needs (Dosovitskiy et al. 2021).
    """

    keywords = ("im2col", "patches", "windows", "sliding", "vision transformer", "patchify")
    inputs = (Port("x", "image"),)
    summary = ("kernel", "stride")
    torch = "nn.Unfold({kernel}, dilation={dilation}, padding={padding}, stride={stride})"
    samples = (
        sample(x=(2, 2, 4, 3)),
        sample(x=(1, 3, 4, 6), settings={"kernel": (2, 3), "stride": (2, 3)}),
        sample(x=(1, 2, 6, 5), settings={"kernel": 2, "stride": 3, "padding": (1, 2)}),
        sample(x=(2, 1, 6, 7), settings={"kernel": (3, 2), "dilation": (2, 3), "stride": 2}),
        sample(x=(1, 2, 2, 3), settings={"kernel": 1}),
        bad("at most 2", x=(1, 1, 2, 5)),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("class labels", x=labels(2)),
    )

    def build(self, x: Tensor) -> Tensor:
        need_image(x.type)
        batch, channels, height, width = x.shape
        (kh, kw), (oh, ow) = pair(self.kernel), self.counts((height, width))
        rows, columns = pair(self.padding)
        framed = pad(x, (0, 0, rows, columns), (0, 0, rows, columns))
        (sh, sw), (dh, dw) = pair(self.stride), pair(self.dilation)
        made = _apart(_apart(framed, 2, kh, oh, sh, dh), 4, kw, ow, sw, dw)
        return reshape(permute(made, (0, 1, 2, 4, 3, 5)), (batch, channels * kh * kw, oh * ow))


class Fold(Patches):
    """Puts columns back as windows of an image and adds what overlaps; also called col2im.

    x N×(C·kh·kw)×L → y N×C×size, the columns as Unfold makes them (PyTorch's Fold). It is the
    transpose of Unfold, no inverse: a pixel that is in three windows is added three times.
    """

    keywords = ("col2im", "patches", "windows", "overlap add", "unpatchify")
    outputs = (Port("y", "image"),)
    summary = ("size", "kernel", "stride")
    size: int | tuple[int, int] = setting(
        28, "Height and width of the image made", min=1, max=4096, unit="px"
    )
    torch = "nn.Fold({size}, {kernel}, dilation={dilation}, padding={padding}, stride={stride})"
    samples = (
        sample(x=(2, 18, 2), settings={"size": (4, 3)}),
        sample(x=(1, 18, 4), settings={"size": (4, 6), "kernel": (2, 3), "stride": (2, 3)}),
        sample(x=(1, 8, 9), settings={"size": (6, 5), "kernel": 2, "stride": 3, "padding": (1, 2)}),
        sample(
            x=(2, 6, 2),
            settings={"size": (6, 7), "kernel": (3, 2), "dilation": (2, 3), "stride": 2},
        ),
        sample(x=(1, 2, 9), settings={"size": 3, "kernel": 1}),
        bad("a multiple of 9", x=(1, 12, 4), settings={"size": 4}),
        bad("4 columns", x=(1, 9, 5), settings={"size": 4}),
        bad("at most 2", x=(1, 9, 1), settings={"size": 2}),
        bad("wire an Unfold", x=(2, 784)),
        bad("class labels", x=labels(2)),
    )

    def build(self, x: Tensor) -> Tensor:
        channels, (oh, ow) = self.channels(x.type), self.counts(pair(self.size))
        (kh, kw), (sh, sw) = pair(self.kernel), pair(self.stride)
        (height, width), (rows, columns) = pair(self.size), pair(self.padding)
        dh, dw = pair(self.dilation)
        apart = reshape(x, (x.shape[0], channels, kh, kw, oh, ow))
        across = _together(permute(apart, (0, 1, 2, 4, 3, 5)), 4, width + 2 * columns, sw, dw)
        framed = _together(across, 2, height + 2 * rows, sh, dh)
        cropped = slice_axis(framed, 2, rows, rows + height)
        return slice_axis(cropped, 3, columns, columns + width)

    def channels(self, x: TensorType) -> int:
        """Channels of the image made; raises ShapeError unless `x` are columns of its windows."""
        need_numbers(x)
        taps, count = math.prod(pair(self.kernel)), math.prod(self.counts(pair(self.size)))
        remedy = "wire an Unfold with the same settings, or a Reshape to such columns"
        if len(x.shape) != 3:
            raise ShapeError(describe(x), f"columns (C·{taps})×{count} a sample", remedy)
        if x.shape[1] % taps:
            expected = f"a multiple of {taps}, the pixels of a window"
            raise ShapeError(f"columns of {x.shape[1]}", expected, remedy)
        if x.shape[2] != count:
            expected = f"{count} columns, one a window of {text(pair(self.size))} pixels"
            raise ShapeError(f"{x.shape[2]} columns", expected, remedy)
        return x.shape[1] // taps


def _apart(x: Tensor, axis: int, taps: int, count: int, stride: int, dilation: int) -> Tensor:
    """An axis as two: which tap, which window; the windows are `stride` places apart."""
    shape, reach = x.shape, (taps - 1) * dilation + count * stride
    longer = bordered(x, axis, 0, max(0, reach - shape[axis]), "zeros")  # a whole stride for each
    parts = []
    for tap in range(taps):
        part = slice_axis(longer, axis, tap * dilation, tap * dilation + count * stride)
        steps = reshape(part, (*shape[:axis], count, stride, *shape[axis + 1 :]))
        first = slice_axis(steps, axis + 1, 0, 1)
        parts.append(reshape(first, (*shape[:axis], 1, count, *shape[axis + 1 :])))
    return concat(parts, axis)


def _together(x: Tensor, axis: int, extent: int, stride: int, dilation: int) -> Tensor:
    """The transpose of `_apart`: axes of taps and windows as one axis, what meets added."""
    taps, count = x.shape[axis : axis + 2]
    head, tail = x.shape[:axis], x.shape[axis + 2 :]
    reach = max(extent, (taps - 1) * dilation + count * stride)
    parts = []
    for tap in range(taps):
        part = reshape(slice_axis(x, axis, tap, tap + 1), (*head, count, 1, *tail))
        apart = bordered(part, axis + 1, 0, stride - 1, "zeros")
        line = reshape(apart, (*head, count * stride, *tail))
        before = tap * dilation
        parts.append(bordered(line, axis, before, reach - before - count * stride, "zeros"))
    return slice_axis(reduce(add, parts), axis, 0, extent)
