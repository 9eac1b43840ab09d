"""Noise that is there while training only: masks of channels and of samples, and added numbers."""

from __future__ import annotations

import math

from graph.op import Context, Op, Sample, bad, labels, sample, setting
from graph.ops.expect import need_image, need_numbers
from graph.primitives import cos, greater_equal, log, rsqrt, sqrt, where
from graph.program import TensorType
from graph.tensor import Tensor


class Dropping(Op, register=False):
    """Base of what sets numbers aside with a probability while training."""

    category, icon, family = "Regularise", "dropout", "regularise"
    summary = ("p",)
    p: float = setting(
        0.5, "Probability of being dropped", min=0.0, below=1.0, live=True, label="probability"
    )


def _mask(x: Tensor, axes: int, p: Tensor, ctx: Context) -> Tensor:
    """1 with probability 1 − p for each entry of the first axes of `x`, spread over the rest."""
    return greater_equal(ctx.uniform((*x.shape[:axes], *(1,) * (x.rank - axes))), p)


class SpatialDropout(Dropping):
    """While training, sets whole channels of an image to 0 and enlarges the others.

    x N×C×H×W. Neighbouring pixels tell the same, so dropping single ones hides little (Tompson et
    al. 2015). What is kept is divided by 1 − p; evaluation passes x through unchanged.
    """

    title = "Spatial dropout"
    keywords = ("dropout2d", "channel dropout", "regularisation", "feature maps", "mask")
    torch = "nn.Dropout2d({p})"
    samples = (
        sample(x=(4, 3, 2, 2)),
        sample(x=(2, 2, 3, 1), settings={"p": 0.2}),
        sample(x=(2, 2, 2, 2), settings={"p": 0.0}),
        bad("put a Reshape to 1×28×28", x=(2, 784)),
        bad("class labels", x=labels(4)),
    )

    def build(self, x: Tensor, ctx: Context) -> Tensor:
        need_image(x.type)
        if not ctx.training:
            return x
        p = ctx.live("p")
        return x * (_mask(x, 2, p, ctx) * (1.0 / (1.0 - p)))


_ANY_SAMPLES: tuple[Sample, ...] = (
    sample(x=(6, 3)),
    sample(x=(4, 2, 3, 3), settings={"p": 0.2}),
    sample(x=(4, 2, 3), settings={"p": 0.0}),
    sample(x=(5,)),
    bad("class labels", x=labels(4)),
)


class AlphaDropout(Dropping):
    """While training, sets numbers to SELU's lower bound so that mean and variance stay.

    Dropped numbers become α' = −λα ≈ −1.758, then all are scaled and shifted to mean 0 and variance
    1 again (Klambauer et al. 2017). Made for layers with SELU; evaluation passes x through.
    """

    title = "Alpha dropout"
    keywords = ("selu", "self-normalising", "regularisation", "noise", "mask")
    torch = "nn.AlphaDropout({p})"
    samples = _ANY_SAMPLES

    def build(self, x: Tensor, ctx: Context) -> Tensor:
        need_numbers(x.type)
        if not ctx.training:
            return x
        p = ctx.live("p")
        scale = rsqrt((1.0 - p) * (1.0 + p * _SELU_BOUND**2))
        shift = scale * p * _SELU_BOUND
        return where(_mask(x, x.rank, p, ctx), x, -_SELU_BOUND) * scale + shift


_SELU_BOUND = 1.7580993408473766  # λα of SELU


class DropPath(Dropping):
    """While training, sets whole samples to 0 and enlarges the others: a path that is left out.

    Put it at the end of a residual path, before the Add: some samples then take the shortcut only
    (stochastic depth, Huang et al. 2016). What is kept is divided by 1 − p; evaluation passes x
    through unchanged.
    """

    title = "Drop path"
    keywords = ("stochastic depth", "regularisation", "skip", "resnet")
    torch = "nn.Dropout({p})"
    samples = _ANY_SAMPLES

    def call_template(self, *operands: TensorType) -> str:
        ones = ", 1" * (len(operands[0].shape) - 1)
        return f"{{x}} * {{module}}({{x}}.new_ones(len({{x}}){ones}))"

    def build(self, x: Tensor, ctx: Context) -> Tensor:
        need_numbers(x.type)
        if not ctx.training:
            return x
        p = ctx.live("p")
        return x * (_mask(x, 1, p, ctx) * (1.0 / (1.0 - p)))


class GaussianNoise(Op):
    """While training, adds normal random numbers of mean 0 to every number.

    Noise on what comes in works like a penalty on large slopes (Bishop 1995; Goodfellow et al.
    2016, §7.5). Made from pairs of uniform numbers (Box & Muller 1958); evaluation adds nothing.
    """

    category, icon, family = "Regularise", "regularise", "regularise"
    title = "Gaussian noise"
    keywords = ("jitter", "normal noise", "augmentation", "regularisation")
    summary = ("deviation",)
    deviation: float = setting(
        0.1, "Standard deviation of what is added", min=0.0, max=1e6, live=True
    )
    # Identity knows whether the model trains
    torch = "nn.Identity()"
    torch_call = (
        "({x} + {deviation} * torch.randn_like({x}) if {module}.training else {module}({x}))"
    )
    samples = (
        sample(x=(4, 3)),
        sample(x=(2, 2, 3, 3), settings={"deviation": 1.5}),
        sample(x=(5,), settings={"deviation": 0.0}),
        bad("class labels", x=labels(4)),
        bad("deviation", x=(2, 3), settings={"deviation": -1.0}),
    )

    def build(self, x: Tensor, ctx: Context) -> Tensor:
        need_numbers(x.type)
        if not ctx.training:
            return x
        # 1 − u is above 0, so its logarithm is finite
        radius = sqrt(-2.0 * log(1.0 - ctx.uniform(x.shape, "radius")))
        turn = cos(2.0 * math.pi * ctx.uniform(x.shape, "turn"))
        return x + ctx.live("deviation") * (radius * turn)
