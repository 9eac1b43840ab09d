"""Convolution and pooling over images N×C×H×W."""

from __future__ import annotations

from collections.abc import Mapping

from graph.op import Op, Param, Port, SettingError, bad, labels, sample, setting
from graph.ops.dense import bias_beside, limited_weight, weight_of
from graph.ops.expect import need_image
from graph.ops.windows import Maps, Pair, Sides, Windows, offset, pair
from graph.primitives import avg_pool2d, max_pool2d
from graph.program import TensorType
from graph.tensor import Tensor


class Conv2d(Windows, Maps):
    """Slides small windows over an image and sums what is under each, one map for each window.

    x N×C×H×W → y N×filters×H'×W', H' = ⌊(H + padding − dilation·(kernel − 1) − 1) / stride⌋ + 1,
    weight filters×C×kh×kw (LeCun et al. 1998; Goodfellow, Bengio & Courville 2016, §9.1, where it
    is called cross-correlation). "same" keeps height and width; when the border is odd, the extra
    row and column are at the bottom and right. Refuses anything but an image, and a window larger
    than the padded image.
    """

    keywords = ("conv", "convolution 2-d", "cnn", "filter", "kernel", "cross-correlation")
    summary = ("kernel", "filters", "padding")
    tie: str = weight_of()
    torch = (
        "nn.Conv2d({x.shape[1]}, {filters}, {kernel}, stride={stride}, padding={padding}, "
        "dilation={dilation}, bias={bias}, padding_mode={padding_mode})"
    )
    samples = (
        sample(x=(2, 3, 5, 5), settings={"filters": 2}),
        sample(x=(1, 2, 3, 4), settings={"filters": None}),
        sample(x=(1, 1, 4, 6), settings={"filters": 3, "kernel": (2, 3), "bias": False}),
        sample(x=(2, 2, 7, 6), settings={"filters": 2, "stride": 2, "padding": 1}),
        sample(x=(1, 2, 7, 7), settings={"filters": 1, "kernel": 2, "dilation": 2}),
        sample(x=(1, 2, 6, 5), settings={"filters": 2, "padding": "valid", "stride": (1, 2)}),
        sample(x=(2, 2, 3, 3), settings={"filters": 2, "kernel": 1, "padding": (0, 1)}),
        sample(
            x=(2, 2, 3, 4), settings={"filters": 2, "kernel": (2, 4), "padding_mode": "reflect"}
        ),
        sample(
            x=(1, 2, 5, 4),
            settings={"filters": 2, "padding": (1, 2), "stride": 2, "padding_mode": "replicate"},
        ),
        sample(
            x=(1, 1, 4, 3),
            settings={"filters": 2, "kernel": 2, "dilation": 3, "padding_mode": "circular"},
        ),
        sample(
            x=(1, 2, 3, 3),
            settings={"filters": 1, "padding": "valid", "padding_mode": "reflect"},
        ),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("put a Reshape to its channels", x=(2, 10)),
        bad("class labels", x=labels(2)),
        bad("at most 4", x=(2, 1, 4, 4), settings={"kernel": 5, "padding": "valid"}),
        bad("padding", x=(2, 1, 4, 4), settings={"stride": 2, "padding": "same"}),
        bad("padding", x=(2, 1, 4, 4), settings={"padding": "reflect"}),
        bad(
            "at most 1 for reflect",
            x=(2, 1, 4, 2),
            settings={"kernel": 5, "padding_mode": "reflect"},
        ),
        bad(
            "at most 1 for circular",
            x=(2, 1, 1, 4),
            settings={"kernel": 5, "padding_mode": "circular"},
        ),
    )

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_image(x)
        weight = limited_weight(self, self.maps(x), x.shape[1], *pair(self.kernel))
        return {"weight": weight, **bias_beside(weight, self.bias)}

    def build(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return offset(self.slide(self.framed(x), weight), bias)


class Pool2d(Op, register=False):
    """Base of the poolings: one number for each window."""

    category, family = "Convolution", "conv"
    inputs = (Port("x", "image"),)
    outputs = (Port("y", "image"),)
    summary = ("kernel", "stride")
    kernel: int | tuple[int, int] = setting(
        2, "Size of a window", min=1, max=1024, unit="px", label="kernel size"
    )
    stride: int | tuple[int, int] | None = setting(
        None, "Pixels from one window to the next; free: the kernel", min=1, max=1024, unit="px"
    )
    padding: int | tuple[int, int] = setting(
        0, "Rows and columns added a side, at most half a window", min=0, max=512, unit="px"
    )

    def check(self) -> None:
        for size, border in zip(pair(self.kernel), pair(self.padding), strict=True):
            if border > size // 2:
                half = f"at most half of the kernel, {size // 2}"
                raise SettingError("padding", str(border), half)

    def geometry(self) -> tuple[Pair, Pair, Sides]:
        """Kernel, stride and zeros at the top, bottom, left and right."""
        rows, columns = pair(self.padding)
        stride = self.kernel if self.stride is None else self.stride
        return pair(self.kernel), pair(stride), (rows, rows, columns, columns)


_POOL_SAMPLES = (
    sample(x=(2, 2, 4, 4)),
    sample(x=(1, 3, 5, 7), settings={"kernel": (2, 3), "stride": (1, 2)}),
    sample(x=(2, 1, 5, 5), settings={"kernel": 3, "stride": 2, "padding": 1}),
    sample(x=(1, 2, 3, 3), settings={"kernel": 1}),
    bad("put a Reshape to 1×28×28", x=(2, 784)),
    bad("at most 2", x=(2, 1, 2, 2), settings={"kernel": 3}),
    bad("at most half", x=(2, 1, 4, 4), settings={"kernel": 2, "padding": 2}),
)


class MaxPool2d(Pool2d):
    """Keeps the largest value of each window.

    x N×C×H×W → y N×C×H'×W'. The border of a padded image is below everything. On a tie the first
    value in reading order gets the gradient, as in PyTorch (Goodfellow et al. 2016, §9.3).
    """

    icon = "pool_max"
    keywords = ("maximum", "max pooling", "downsample", "subsample", "maxpool")
    torch = "nn.MaxPool2d({kernel}, stride={stride}, padding={padding})"
    samples = _POOL_SAMPLES

    def build(self, x: Tensor) -> Tensor:
        need_image(x.type)
        return max_pool2d(x, *self.geometry())


class AvgPool2d(Pool2d):
    """Keeps the mean of each window.

    x N×C×H×W → y N×C×H'×W'. Zeros of the padding count, as PyTorch's default (LeCun et al. 1998).
    """

    icon = "pool_average"
    keywords = ("mean", "average pooling", "downsample", "subsample", "avgpool")
    torch = "nn.AvgPool2d({kernel}, stride={stride}, padding={padding})"
    samples = _POOL_SAMPLES

    def build(self, x: Tensor) -> Tensor:
        need_image(x.type)
        return avg_pool2d(x, *self.geometry())
