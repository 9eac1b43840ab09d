"""Normalisation within a sample: the same in training and in evaluation, whatever the batch."""

from __future__ import annotations

from collections.abc import Mapping

from graph.op import Op, Param, bad, labels, sample, setting
from graph.ops.expect import describe, need_image, need_numbers
from graph.primitives import channel_shape, layer_norm, reshape
from graph.program import Shape, ShapeError, TensorType
from graph.tensor import Tensor


class WithinSample(Op, register=False):
    """Base of normalisations that look at one sample only."""

    category, icon, family = "Normalisation", "norm", "norm"
    epsilon: float = setting(
        1e-5, "Added to the variance, keeps the division finite", above=0.0, max=1.0, advanced=True
    )


def _features(kind: TensorType) -> Shape:
    """What is normalised together: all of a vector or an image, each step of a sequence T×F."""
    need_numbers(kind)
    if len(kind.shape) < 2:
        remedy = "put it where a sample has several numbers"
        raise ShapeError(describe(kind), "several numbers a sample", remedy)
    return kind.shape[2:] if len(kind.shape) == 3 else kind.shape[1:]


class LayerNorm(WithinSample):
    """Brings each sample to mean 0 and variance 1, then scales and shifts it (Ba et al. 2016).

    Over the features of a vector, the whole of an image, each step of a sequence N×T×F; weight and
    bias have the shape of what is normalised together.
    """

    keywords = ("layer normalisation", "normalization", "ln", "transformer")
    samples = (
        sample(x=(4, 3)),
        sample(x=(2, 5, 3), settings={"epsilon": 1e-3}),
        sample(x=(2, 3, 2, 2)),
        bad("several numbers", x=(4,)),
        bad("class labels", x=labels(4)),
    )

    def module_template(self, *operands: TensorType) -> str:
        return f"nn.LayerNorm({_extents(_features(operands[0]))}, eps={{epsilon}})"

    def params(self, x: TensorType) -> Mapping[str, Param]:
        shape = _features(x)
        return {"weight": Param(shape, "ones"), "bias": Param(shape, "zeros")}

    def build(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return layer_norm(x, weight.rank, self.epsilon, weight, bias)


class RMSNorm(WithinSample):
    """Divides each sample by its root mean square and scales it (Zhang & Sennrich 2019).

    A layer norm that takes no mean off and adds no offset: cheaper, and as good in transformers.
    """

    keywords = ("root mean square", "normalisation", "normalization", "transformer")
    samples = LayerNorm.samples

    def module_template(self, *operands: TensorType) -> str:
        return f"nn.RMSNorm({_extents(_features(operands[0]))}, eps={{epsilon}})"

    def params(self, x: TensorType) -> Mapping[str, Param]:
        return {"weight": Param(_features(x), "ones")}

    def build(self, x: Tensor, weight: Tensor) -> Tensor:
        return layer_norm(x, weight.rank, self.epsilon, weight, centred=False)


class GroupNorm(WithinSample):
    """Brings groups of channels of each sample to mean 0 and variance 1 (Wu & He 2018).

    x N×C or N×C×H×W; weight and bias have one number a channel. One group is a layer norm with a
    scale for each channel, C groups an instance norm.
    """

    keywords = ("group normalisation", "normalization", "gn", "small batches")
    summary = ("groups",)
    groups: int = setting(4, "Groups the channels are cut into", min=1, max=1_000_000)
    samples = (
        sample(x=(2, 4, 3, 2), settings={"groups": 2}),
        sample(x=(2, 4, 2, 2)),
        sample(x=(3, 6), settings={"groups": 2, "epsilon": 1e-3}),
        bad("a multiple of 4", x=(2, 6, 2, 2)),
        bad("a vector or an image", x=(2, 4, 3)),
        bad("class labels", x=labels(4)),
    )
    torch = "nn.GroupNorm({groups}, {x.shape[1]}, eps={epsilon})"

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_numbers(x)
        if len(x.shape) not in (2, 4):
            remedy = "put it where the values are N×F or N×C×H×W"
            raise ShapeError(describe(x), "a vector or an image a sample", remedy)
        if x.shape[1] % self.groups:
            expected = f"a multiple of {self.groups} channels"
            raise ShapeError(f"{x.shape[1]} channels", expected, "choose groups that divide them")
        return {"weight": Param((x.shape[1],), "ones"), "bias": Param((x.shape[1],), "zeros")}

    def build(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        n, channels, *pixels = x.shape
        grouped = reshape(x, (n, self.groups, channels // self.groups, *pixels))
        y = reshape(layer_norm(grouped, x.rank - 1, self.epsilon), x.shape)
        shape = channel_shape(x)
        return y * reshape(weight, shape) + reshape(bias, shape)


class InstanceNorm(WithinSample):
    """Brings each channel of each image to mean 0 and variance 1 (Ulyanov et al. 2016).

    x N×C×H×W; weight and bias have one number a channel. Takes the contrast off a picture, so it
    is used where style is to change.
    """

    keywords = ("instance normalisation", "normalization", "style transfer", "contrast")
    samples = (
        sample(x=(2, 3, 4, 2)),
        sample(x=(1, 2, 3, 3), settings={"epsilon": 1e-3}),
        bad("an image", x=(2, 3)),
        bad("class labels", x=labels(4)),
    )
    torch = "nn.InstanceNorm2d({x.shape[1]}, eps={epsilon}, affine=True)"

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_image(x)
        return {"weight": Param((x.shape[1],), "ones"), "bias": Param((x.shape[1],), "zeros")}

    def build(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        shape = channel_shape(x)
        y = layer_norm(x, 2, self.epsilon)
        return y * reshape(weight, shape) + reshape(bias, shape)


def _extents(shape: Shape) -> str:
    return str(shape[0] if len(shape) == 1 else list(shape))
