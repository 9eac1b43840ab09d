"""Convolutions that keep channels, or groups of channels, apart."""

from __future__ import annotations

from collections.abc import Mapping

from graph.op import Param, SettingError, bad, labels, sample, setting
from graph.ops.dense import bias_beside, limited_weight, weight_of
from graph.ops.expect import need_image
from graph.ops.windows import Maps, Windows, offset, pair
from graph.primitives import broadcast_to, concat, conv2d, depthwise2d, reshape, slice_axis
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


class EachChannel(Windows, register=False):
    """Base of convolutions that slide windows over each channel by itself."""

    multiplier: int = setting(1, "Windows for each channel", min=1, max=64)

    def slide_apart(self, framed: Tensor, weight: Tensor) -> Tensor:
        """Windows C·m×1×kh×kw over framed images N×C×H×W, m over each channel: N×C·m×H'×W'."""
        each = framed if self.multiplier == 1 else _repeated(framed, self.multiplier)
        return depthwise2d(each, weight, pair(self.stride), self.zeros(), pair(self.dilation))


def _repeated(x: Tensor, times: int) -> Tensor:
    """Each channel so many times, one behind the other."""
    batch, channels, height, width = x.shape
    apart = reshape(x, (batch, channels, 1, height, width))
    repeated = broadcast_to(apart, (batch, channels, times, height, width))
    return reshape(repeated, (batch, channels * times, height, width))


class GroupedConv2d(Maps, Windows):
    """A convolution in groups: each group of channels has its own windows and its own maps.

    x N×C×H×W → y N×filters×H'×W', weight filters×C/groups×kh×kw: as many times fewer numbers as
    there are groups (Krizhevsky et al. 2012; Xie et al. 2017). Padding and size as in Conv2d. C and
    the filters are multiples of the groups; one group for each channel is a DepthwiseConv2d.
    """

    keywords = ("group convolution", "groups", "resnext", "cardinality", "cnn")
    summary = ("kernel", "filters", "groups")
    groups: int = setting(2, "Groups the channels and the maps are cut into", min=1, max=64)
    tie: str = weight_of()
    torch = (
        "nn.Conv2d({x.shape[1]}, {filters}, {kernel}, stride={stride}, padding={padding}, "
        "dilation={dilation}, groups={groups}, bias={bias}, padding_mode={padding_mode})"
    )
    samples = (
        sample(x=(2, 4, 4, 3), settings={"filters": 2}),
        sample(x=(1, 4, 3, 3), settings={"filters": None}),
        sample(x=(1, 3, 5, 5), settings={"filters": 6, "groups": 3, "stride": 2, "padding": 1}),
        sample(x=(1, 2, 3, 3), settings={"filters": 3, "groups": 1, "bias": False}),
        sample(x=(2, 8, 3, 3), settings={"filters": 8, "groups": 8, "kernel": (1, 3)}),
        sample(x=(1, 4, 3, 4), settings={"filters": 4, "padding_mode": "reflect"}),
        bad("put a Reshape to its channels", x=(2, 10)),
        bad("class labels", x=labels(2)),
        bad("a multiple of 2", x=(2, 3, 4, 4), settings={"filters": 4}),
        bad("a multiple of the groups", x=(2, 4, 4, 4), settings={"filters": 3}),
        bad("padding", x=(2, 4, 4, 4), settings={"filters": 2, "stride": 2}),
    )

    def check(self) -> None:
        super().check()
        if self.filters is not None and self.filters % self.groups:
            expected = f"a multiple of the groups, {self.groups}"
            raise SettingError("filters", str(self.filters), expected)

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_image(x)
        if x.shape[1] % self.groups:
            expected = f"a multiple of {self.groups} channels"
            raise ShapeError(f"{x.shape[1]} channels", expected, "choose groups that divide them")
        channels = x.shape[1] // self.groups
        weight = limited_weight(self, self.maps(x), channels, *pair(self.kernel))
        return {"weight": weight, **bias_beside(weight, self.bias)}

    def build(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        channels, maps = x.shape[1] // self.groups, weight.shape[0] // self.groups
        framed = self.framed(x)
        parts = [
            self.slide(
                slice_axis(framed, 1, k * channels, (k + 1) * channels),
                slice_axis(weight, 0, k * maps, (k + 1) * maps),
            )
            for k in range(self.groups)
        ]
        return offset(concat(parts, 1), bias)


class DepthwiseConv2d(EachChannel):
    """A convolution of each channel by itself, with `multiplier` windows for each.

    x N×C×H×W → y N×C·multiplier×H'×W', weight C·multiplier×1×kh×kw (Chollet 2017; Howard et al.
    2017). Padding and size as in Conv2d. It has as many times fewer numbers as there are channels,
    and as much less work.
    """

    keywords = ("channelwise", "mobilenet", "depth multiplier", "groups", "cnn")
    summary = ("kernel", "multiplier", "padding")
    tie: str = weight_of()
    torch = (
        "nn.Conv2d({x.shape[1]}, {x.shape[1]} * {multiplier}, {kernel}, stride={stride}, "
        "padding={padding}, dilation={dilation}, groups={x.shape[1]}, bias={bias}, "
        "padding_mode={padding_mode})"
    )
    samples = (
        sample(x=(2, 3, 4, 3)),
        sample(x=(1, 2, 5, 6), settings={"stride": (2, 3), "padding": 1, "multiplier": 2}),
        sample(x=(1, 2, 5, 4), settings={"kernel": 2, "dilation": 2, "bias": False}),
        sample(x=(2, 1, 4, 4), settings={"kernel": (3, 1), "padding": "valid", "multiplier": 3}),
        sample(x=(1, 3, 3, 4), settings={"padding_mode": "circular"}),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("class labels", x=labels(2)),
        bad("at most 2", x=(2, 1, 2, 2), settings={"padding": "valid"}),
        bad("padding", x=(2, 1, 4, 4), settings={"stride": 2}),
    )

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_image(x)
        weight = limited_weight(self, x.shape[1] * self.multiplier, 1, *pair(self.kernel))
        return {"weight": weight, **bias_beside(weight, self.bias)}

    def build(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return offset(self.slide_apart(self.framed(x), weight), bias)


class SeparableConv2d(EachChannel, Maps, Windows):
    """A convolution of each channel by itself, then a 1×1 convolution that mixes the channels.

    x N×C×H×W → y N×filters×H'×W', depthwise C·multiplier×1×kh×kw, pointwise
    filters×C·multiplier×1×1 (Chollet 2017). Far fewer numbers than a Conv2d has; no activation is
    between the two. Padding and size as in Conv2d.
    """

    keywords = ("depthwise separable", "xception", "mobilenet", "pointwise", "cnn")
    summary = ("kernel", "filters", "padding")
    torch = (
        "nn.Sequential(nn.Conv2d({x.shape[1]}, {x.shape[1]} * {multiplier}, {kernel}, "
        "stride={stride}, padding={padding}, dilation={dilation}, groups={x.shape[1]}, "
        "bias=False, padding_mode={padding_mode}), "
        "nn.Conv2d({x.shape[1]} * {multiplier}, {filters}, 1, bias={bias}))"
    )
    torch_state = {"depthwise": "0.weight", "pointwise": "1.weight", "bias": "1.bias"}
    samples = (
        sample(x=(2, 3, 4, 3), settings={"filters": 2}),
        sample(x=(1, 2, 3, 3), settings={"filters": None, "multiplier": 2}),
        sample(
            x=(1, 2, 5, 6),
            settings={"filters": 3, "stride": 2, "padding": 1, "multiplier": 2, "bias": False},
        ),
        sample(x=(1, 2, 3, 3), settings={"filters": 3, "padding_mode": "replicate"}),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("class labels", x=labels(2)),
        bad("at most 2", x=(2, 1, 2, 2), settings={"padding": "valid"}),
        bad("padding", x=(2, 1, 4, 4), settings={"stride": 2}),
    )

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_image(x)
        maps = x.shape[1] * self.multiplier
        depthwise = limited_weight(self, maps, 1, *pair(self.kernel))
        pointwise = limited_weight(self, self.maps(x), maps, 1, 1)
        beside = bias_beside(pointwise, self.bias)
        return {"depthwise": depthwise, "pointwise": pointwise, **beside}

    def build(
        self, x: Tensor, depthwise: Tensor, pointwise: Tensor, bias: Tensor | None = None
    ) -> Tensor:
        own = self.slide_apart(self.framed(x), depthwise)
        return offset(conv2d(own, pointwise, (1, 1), (0, 0, 0, 0), (1, 1)), bias)
