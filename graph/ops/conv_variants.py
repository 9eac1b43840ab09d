"""Convolutions that widen an image."""

from __future__ import annotations

from collections.abc import Mapping

from graph.op import Param, Port, SettingError, bad, labels, sample, setting
from graph.ops.dense import (
    bias_beside,
    constant_setting,
    init_setting,
    limit_setting,
    limited_weight,
    weight_of,
)
from graph.ops.expect import need_image
from graph.ops.windows import Maps, Pair, Sides, offset, pair
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


class ConvTranspose2d(Maps):
    """Spreads each pixel over a window and adds the windows up: an image becomes larger.

    x N×C×H×W → y N×filters×H'×W', H' = (H − 1)·stride − 2·padding + dilation·(kernel − 1) +
    output padding + 1, weight C×filters×kh×kw. What a convolution does to gradients (Zeiler et al.
    2010; Dumoulin & Visin 2016). A kernel that the stride divides leaves no chequered pattern. With
    the `weight of` a convolution it is the way back through it.
    """

    category, icon, family = "Convolution", "conv", "conv"
    keywords = ("deconvolution", "upsample", "decoder", "generator", "fractionally strided")
    inputs = (Port("x", "image"),)
    outputs = (Port("y", "image"),)
    summary = ("kernel", "filters", "stride")
    kernel: int | tuple[int, int] = setting(
        4, "Size of a window", min=1, max=1024, unit="px", label="kernel size"
    )
    stride: int | tuple[int, int] = setting(
        2, "Pixels from one window to the next", min=1, max=1024, unit="px"
    )
    padding: int | tuple[int, int] = setting(
        1, "Rows and columns cut off each side of the result", min=0, max=1024, unit="px"
    )
    output_padding: int | tuple[int, int] = setting(
        0,
        "Rows and columns more at the bottom and right, below the stride",
        min=0,
        max=1023,
        unit="px",
        advanced=True,
    )
    dilation: int | tuple[int, int] = setting(
        1, "Pixels between the taps of a window", min=1, max=1024, unit="px", advanced=True
    )
    bias: bool = setting(True, "Add a trained offset to each channel")
    init: str = init_setting()
    init_value: float = constant_setting()
    max_norm: float | None = limit_setting()
    tie: str = weight_of()
    torch = (
        "nn.ConvTranspose2d({x.shape[1]}, {filters}, {kernel}, stride={stride}, "
        "padding={padding}, output_padding={output_padding}, dilation={dilation}, bias={bias})"
    )
    samples = (
        sample(x=(2, 3, 3, 2), settings={"filters": 2}),
        sample(x=(1, 2, 2, 2), settings={"filters": None}),
        sample(x=(1, 2, 2, 3), settings={"filters": 1, "kernel": (2, 3), "bias": False}),
        sample(x=(2, 1, 3, 3), settings={"filters": 2, "kernel": 3, "output_padding": 1}),
        sample(x=(1, 2, 4, 4), settings={"filters": 2, "kernel": 2, "stride": 3, "padding": 0}),
        sample(
            x=(1, 2, 3, 3),
            settings={"filters": 2, "kernel": 2, "stride": 1, "padding": (0, 2), "dilation": 3},
        ),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("class labels", x=labels(2)),
        bad("below the stride", x=(2, 1, 4, 4), settings={"output_padding": 2}),
        bad("less padding", x=(2, 1, 1, 1), settings={"kernel": 2}),
    )

    def check(self) -> None:
        for more, stride in zip(pair(self.output_padding), pair(self.stride), strict=True):
            if more >= stride:
                expected = f"a number below the stride, {stride}"
                raise SettingError("output_padding", str(more), expected)

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_image(x)
        weight = limited_weight(self, x.shape[1], self.maps(x), *pair(self.kernel), makes=1)
        # as PyTorch counts: axis 1 of the weight is in, although here it is what is made
        return {"weight": weight, **bias_beside(weight, self.bias, axis=1)}

    def build(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        rows, columns = pair(self.padding)
        sides: Sides = (rows, rows, columns, columns)
        (y,) = x.builder.emit(
            "conv2d_dx",
            (x, weight),
            kernel=pair(self.kernel),
            stride=pair(self.stride),
            padding=sides,
            dilation=pair(self.dilation),
            size=self.size(x.type),
        )
        return offset(y, bias)

    def size(self, x: TensorType) -> Pair:
        """Height and width of the result; raises ShapeError when nothing is left."""
        height, width = (
            (extent - 1) * stride - 2 * border + dilation * (kernel - 1) + more + 1
            for extent, stride, border, dilation, kernel, more in zip(
                x.shape[2:],
                pair(self.stride),
                pair(self.padding),
                pair(self.dilation),
                pair(self.kernel),
                pair(self.output_padding),
                strict=True,
            )
        )
        if min(height, width) < 1:
            found = f"an image of {height}×{width} after cutting"
            raise ShapeError(found, "at least 1×1", "set less padding or a larger kernel")
        return height, width
