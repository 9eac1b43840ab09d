"""Convolution and pooling over signals N×C×T: channels, then time, as in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping

from graph.op import Op, Param, Port, SettingError, bad, labels, sample, setting
from graph.ops.borders import PADDING_MODES, bordered
from graph.ops.dense import (
    bias_beside,
    constant_setting,
    init_setting,
    limit_setting,
    limited_weight,
    weight_of,
)
from graph.ops.expect import describe, need_numbers
from graph.ops.windows import Pair, Sides, border, need_stride_of_one, offset
from graph.primitives import avg_pool2d, conv2d, max_pool2d, reduce_max, reduce_mean, reshape
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


def need_signal(kind: TensorType) -> None:
    """Raises ShapeError unless `kind` is a batch of signals N×C×T."""
    need_numbers(kind)
    if len(kind.shape) != 3:
        remedy = "put a Reshape to its channels and steps before it"
        if len(kind.shape) == 2:
            remedy = f"put a Reshape to 1×{kind.shape[1]} before it"
        raise ShapeError(describe(kind), "a signal C×T a sample", remedy)


def _as_image(x: Tensor) -> Tensor:
    """N×C×T as images of one row."""
    return reshape(x, (*x.shape[:2], 1, x.shape[2]))


def _as_signal(y: Tensor) -> Tensor:
    """Images of one row as N×C×T."""
    return reshape(y, (*y.shape[:2], y.shape[3]))


class Conv1d(Op):
    """Slides short windows over a signal and sums what is under each, one channel for each window.

    x N×C×T → y N×filters×T', T' = ⌊(T + padding − dilation·(kernel − 1) − 1) / stride⌋ + 1, weight
    filters×C×kernel (Waibel et al. 1989; Goodfellow et al. 2016, §9.1). "same" keeps the length;
    when the border is odd, the extra step is at the end. Steps of a sequence N×T×F are on the
    other axis: swap the axes before it.
    """

    category, icon, family = "Convolution", "conv", "conv"
    keywords = ("convolution 1-d", "time series", "signal", "audio", "tdnn", "filter")
    summary = ("kernel", "filters", "padding")
    filters: int = setting(
        32,
        "Number of windows, one for each channel made",
        min=1,
        max=65_536,
        label="output channels",
    )
    kernel: int = setting(3, "Steps of a window", min=1, max=1024, label="kernel size")
    stride: int = setting(1, "Steps from one window to the next", min=1, max=1024)
    padding: int | str = setting(
        "same",
        "Border around the signal: `same` keeps its length, `valid` adds none, or so many a side",
        min=0,
        max=1024,
        choices=("same", "valid"),
    )
    padding_mode: str = setting(
        "zeros", "What the border is made of", choices=PADDING_MODES, advanced=True
    )
    dilation: int = setting(1, "Steps between the taps of a window", min=1, max=1024, advanced=True)
    bias: bool = setting(True, "Add a trained offset to each channel")
    init: str = init_setting()
    init_value: float = constant_setting()
    max_norm: float | None = limit_setting()
    tie: str = weight_of()
    torch = (
        "nn.Conv1d({x.shape[1]}, {filters}, {kernel}, stride={stride}, padding={padding}, "
        "dilation={dilation}, bias={bias}, padding_mode={padding_mode})"
    )
    samples = (
        sample(x=(2, 3, 7), settings={"filters": 2}),
        sample(x=(1, 2, 6), settings={"filters": 3, "kernel": 4, "bias": False}),
        sample(x=(2, 2, 9), settings={"filters": 2, "stride": 2, "padding": 1}),
        sample(x=(2, 1, 9), settings={"filters": 2, "dilation": 3, "padding": "valid"}),
        sample(x=(2, 3, 4), settings={"filters": 2, "kernel": 1, "padding": 2}),
        sample(x=(2, 2, 4), settings={"filters": 2, "kernel": 4, "padding_mode": "reflect"}),
        sample(
            x=(1, 2, 5),
            settings={"filters": 2, "padding": 2, "stride": 2, "padding_mode": "replicate"},
        ),
        sample(x=(1, 2, 3), settings={"filters": 2, "kernel": 6, "padding_mode": "circular"}),
        bad("put a Reshape to 1×16", x=(2, 16)),
        bad("a signal", x=(2, 3, 4, 4)),
        bad("class labels", x=labels(2)),
        bad("at most 4", x=(2, 1, 4), settings={"kernel": 5, "padding": "valid"}),
        bad("padding", x=(2, 1, 4), settings={"stride": 2, "padding": "same"}),
        bad("padding", x=(2, 1, 4), settings={"padding": "reflect"}),
        bad(
            "at most 1 for reflect", x=(2, 1, 2), settings={"kernel": 5, "padding_mode": "reflect"}
        ),
    )

    def check(self) -> None:
        need_stride_of_one(self.padding, self.stride)

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_signal(x)
        weight = limited_weight(self, self.filters, x.shape[1], self.kernel)
        return {"weight": weight, **bias_beside(weight, self.bias)}

    def build(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        sides = self.sides()
        if self.padding_mode != "zeros":
            x, sides = bordered(x, 2, *sides[2:], self.padding_mode), (0, 0, 0, 0)
        window, stride = _as_image(weight), (1, self.stride)
        y = _as_signal(conv2d(_as_image(x), window, stride, sides, (1, self.dilation)))
        return offset(y, bias)

    def sides(self) -> Sides:
        """Steps added before and after the signal; none above and below."""
        padding = self.padding if isinstance(self.padding, str) else (0, self.padding)
        return border(padding, (1, self.kernel), (1, self.dilation))


class Pool1d(Op, register=False):
    """Base of the poolings over time: one number for each window."""

    category, family = "Convolution", "conv"
    summary = ("kernel", "stride")
    kernel: int = setting(2, "Steps of a window", min=1, max=1024, label="kernel size")
    stride: int | None = setting(
        None, "Steps from one window to the next; free: the kernel", min=1, max=1024
    )
    padding: int = setting(0, "Steps added a side, at most half a window", min=0, max=512)

    def check(self) -> None:
        if self.padding > self.kernel // 2:
            half = f"at most half of the kernel, {self.kernel // 2}"
            raise SettingError("padding", str(self.padding), half)

    def geometry(self) -> tuple[Pair, Pair, Sides]:
        """Kernel, stride and border on an image of one row."""
        stride = self.kernel if self.stride is None else self.stride
        return (1, self.kernel), (1, stride), (0, 0, self.padding, self.padding)


_POOL_SAMPLES = (
    sample(x=(2, 2, 6)),
    sample(x=(1, 3, 7), settings={"kernel": 3, "stride": 1}),
    sample(x=(2, 1, 7), settings={"kernel": 3, "stride": 2, "padding": 1}),
    sample(x=(1, 2, 3), settings={"kernel": 1}),
    bad("put a Reshape to 1×16", x=(2, 16)),
    bad("class labels", x=labels(2)),
    bad("at most 2", x=(2, 1, 2), settings={"kernel": 3}),
    bad("at most half", x=(2, 1, 4), settings={"padding": 2}),
)


class MaxPool1d(Pool1d):
    """Keeps the largest value of each window over time.

    x N×C×T → y N×C×T'. The border of a padded signal is below everything. On a tie the first value
    gets the gradient, as in PyTorch (Goodfellow et al. 2016, §9.3).
    """

    icon = "pool_max"
    keywords = ("maximum", "max pooling", "downsample", "time series", "signal")
    torch = "nn.MaxPool1d({kernel}, stride={stride}, padding={padding})"
    samples = _POOL_SAMPLES

    def build(self, x: Tensor) -> Tensor:
        need_signal(x.type)
        return _as_signal(max_pool2d(_as_image(x), *self.geometry()))


class AvgPool1d(Pool1d):
    """Keeps the mean of each window over time.

    x N×C×T → y N×C×T'. Zeros of the padding count, as PyTorch's default (Goodfellow et al. 2016,
    §9.3).
    """

    icon = "pool_average"
    keywords = ("mean", "average pooling", "downsample", "time series", "signal")
    torch = "nn.AvgPool1d({kernel}, stride={stride}, padding={padding})"
    samples = _POOL_SAMPLES

    def build(self, x: Tensor) -> Tensor:
        need_signal(x.type)
        return _as_signal(avg_pool2d(_as_image(x), *self.geometry()))


class GlobalPool1d(Op, register=False):
    """Base of what keeps one number for each channel of a signal."""

    category, family = "Convolution", "conv"
    outputs = (Port("y", "vector"),)
    samples = (
        sample(x=(2, 3, 5)),
        sample(x=(1, 2, 1)),
        bad("put a Reshape to 1×16", x=(2, 16)),
        bad("a signal", x=(2, 3, 4, 4)),
        bad("class labels", x=labels(2)),
    )


class GlobalMaxPool1d(GlobalPool1d):
    """Keeps the largest value of each channel over the whole signal.

    x N×C×T → y N×C, however long the signal is (Collobert et al. 2011, "max over time"). Equal
    largest values share the gradient.
    """

    icon = "pool_max"
    keywords = ("global max pooling", "max over time", "reduce", "time series")
    torch_call = "{x}.amax(2)"

    def build(self, x: Tensor) -> Tensor:
        need_signal(x.type)
        return reduce_max(x, 2)


class GlobalAveragePool1d(GlobalPool1d):
    """Keeps the mean of each channel over the whole signal.

    x N×C×T → y N×C, however long the signal is (Lin, Chen & Yan 2014).
    """

    icon = "pool_average"
    keywords = ("global average pooling", "gap", "mean over time", "reduce", "time series")
    torch_call = "{x}.mean(2)"

    def build(self, x: Tensor) -> Tensor:
        need_signal(x.type)
        return reduce_mean(x, 2)
