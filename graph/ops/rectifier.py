"""Further rectifiers: bounded, smooth or trained forms of ReLU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from graph.op import Op, Param, SettingError, bad, labels, sample, setting
from graph.ops.activation import Activation, clipped
from graph.ops.expect import describe, need_numbers
from graph.primitives import (
    absolute,
    expm1,
    gelu,
    greater,
    greater_equal,
    less,
    reshape,
    sigmoid,
    softplus,
    tanh,
    where,
)
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor

# Klambauer et al. 2017, eq. 14: what keeps mean 0 and variance 1 from layer to layer
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
FAR = 36.0  # from here on softplus(x) is x in double precision


def negative_part(x: Tensor) -> Tensor:
    """x where it is not positive, else 0: what exponentials may be taken of without overflow."""
    return where(greater(x, 0.0), 0.0, x)


class ReLU6(Activation):
    """ReLU that ends at 6, for arithmetic of few bits (Krizhevsky 2010; Howard et al. 2017)."""

    icon, title = "relu", "ReLU6"
    keywords = ("rectifier", "clipped", "mobile", "bounded")
    torch = "nn.ReLU6()"

    def apply(self, x: Tensor) -> Tensor:
        return clipped(x, 0.0, 6.0)


class PReLU(Op):
    """Leaky ReLU whose slope is trained, one for all numbers or one a channel (He et al. 2015).

    weight 1, or as many as x has features or channels (axis 1).
    """

    category, family = Activation.category, Activation.family
    icon, title = "leaky_relu", "PReLU"
    keywords = ("parametric rectifier", "leaky", "trained slope", "learned")
    summary = ("each_channel",)
    each_channel: bool = setting(False, "A slope for each channel instead of one for all")
    start: float = setting(0.25, "Slope before training", min=-1.0, max=1.0)
    samples = (
        *Activation.samples,
        sample(x=(2, 3), settings={"each_channel": True}),
        sample(x=(2, 3, 4, 4), settings={"each_channel": True, "start": 0.1}),
        bad("several numbers", x=(2,), settings={"each_channel": True}),
    )

    def module_template(self, *operands: TensorType) -> str:
        return f"nn.PReLU({self.params(*operands)['weight'].shape[0]}, init={{start}})"

    def params(self, x: TensorType) -> Mapping[str, Param]:
        need_numbers(x)
        if self.each_channel and len(x.shape) < 2:
            remedy = "use one slope for all"
            raise ShapeError(describe(x), "several numbers a sample", remedy)
        return {"weight": Param((x.shape[1] if self.each_channel else 1,), self.start)}

    def build(self, x: Tensor, weight: Tensor) -> Tensor:
        need_numbers(x.type)
        slope = weight
        if self.each_channel:
            slope = reshape(weight, (1, weight.shape[0], *(1 for _ in x.shape[2:])))
        return where(greater(x, 0.0), x, slope * x)


class ELU(Activation):
    """x where positive, else α · (eˣ − 1): smooth below 0, mean near 0 (Clevert et al. 2016)."""

    icon, title = "leaky_relu", "ELU"
    keywords = ("exponential linear unit", "smooth rectifier")
    summary = ("alpha",)
    alpha: float = setting(1.0, "Where it ends for large negative numbers", min=0.0, max=100.0)
    torch = "nn.ELU({alpha})"
    samples = (*Activation.samples, sample(x=(2, 3), settings={"alpha": 0.5}))

    def apply(self, x: Tensor) -> Tensor:
        return where(greater(x, 0.0), x, self.alpha * expm1(negative_part(x)))


class SELU(Activation):
    """ELU in a scale that keeps mean 0 and variance 1 in deep nets (Klambauer et al. 2017)."""

    icon, title = "leaky_relu", "SELU"
    keywords = ("scaled exponential linear unit", "self-normalising")
    torch = "nn.SELU()"

    def apply(self, x: Tensor) -> Tensor:
        return SELU_SCALE * where(greater(x, 0.0), x, SELU_ALPHA * expm1(negative_part(x)))


class CELU(Activation):
    """x where positive, else α · (e^(x/α) − 1): an ELU without a kink at 0 (Barron 2017)."""

    icon, title = "leaky_relu", "CELU"
    keywords = ("continuously differentiable exponential linear unit", "smooth rectifier")
    summary = ("alpha",)
    alpha: float = setting(1.0, "Where it ends for large negative numbers", above=0.0, max=100.0)
    torch = "nn.CELU({alpha})"
    samples = (*Activation.samples, sample(x=(2, 3), settings={"alpha": 0.5}))

    def apply(self, x: Tensor) -> Tensor:
        below = self.alpha * expm1(negative_part(x) * (1.0 / self.alpha))
        return where(greater(x, 0.0), x, below)


class GELU(Activation):
    """x · Φ(x), the normal distribution's share below x (Hendrycks & Gimpel 2016).

    `tanh` is the older, faster approximation 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))).
    """

    icon, title = "leaky_relu", "GELU"
    keywords = ("gaussian error linear unit", "transformer", "smooth rectifier")
    approximate: str = setting("none", "Exact, or by tanh", choices=("none", "tanh"))
    torch = "nn.GELU(approximate={approximate})"
    samples = (*Activation.samples, sample(x=(2, 3), settings={"approximate": "tanh"}))

    def apply(self, x: Tensor) -> Tensor:
        return gelu(x, approximate=self.approximate == "tanh")


class SiLU(Activation):
    """x · sigmoid(x), also called Swish: a smooth ReLU (Elfwing et al. 2018)."""

    icon, title = "leaky_relu", "SiLU"
    keywords = ("swish", "sigmoid linear unit", "smooth rectifier")
    torch = "nn.SiLU()"

    def apply(self, x: Tensor) -> Tensor:
        return x * sigmoid(x)


class Mish(Activation):
    """x · tanh(softplus(x)): smooth, and lets small negative values through (Misra 2019)."""

    icon = "leaky_relu"
    keywords = ("smooth rectifier", "self-regularised")
    torch = "nn.Mish()"

    def apply(self, x: Tensor) -> Tensor:
        return x * tanh(softplus(x))


class Softplus(Activation):
    """log(1 + e^(βx)) / β: a smooth ReLU that is always positive (Dugas et al. 2001)."""

    icon = "leaky_relu"
    keywords = ("smooth rectifier", "positive", "log exp")
    summary = ("beta",)
    beta: float = setting(1.0, "Sharpness of the bend", above=0.0, max=1e3)
    samples = (*Activation.samples, sample(x=(2, 3), settings={"beta": 2.0}))
    threshold: ClassVar[float] = FAR
    torch = "nn.Softplus({beta}, threshold={threshold})"

    def apply(self, x: Tensor) -> Tensor:
        if self.beta == 1.0:
            return softplus(x)
        return softplus(self.beta * x) * (1.0 / self.beta)


class HardSwish(Activation):
    """x · ReLU6(x + 3) / 6: SiLU without an exponential (Howard et al. 2019)."""

    icon, title = "relu", "Hard swish"
    keywords = ("mobile", "hswish", "hard silu")
    torch = "nn.Hardswish()"

    def apply(self, x: Tensor) -> Tensor:
        bent = x * (x + 3.0) * (1.0 / 6.0)
        return where(greater_equal(-x, 3.0), 0.0, where(less(x, 3.0), bent, x))


class HardTanh(Activation):
    """x held between two ends: tanh without an exponential (Collobert 2004)."""

    icon, title = "tanh", "Hard tanh"
    keywords = ("clip", "clamp", "bounded")
    summary = ("low", "high")
    low: float = setting(-1.0, "Least result", min=-1e6, max=1e6)
    high: float = setting(1.0, "Greatest result", min=-1e6, max=1e6)
    torch = "nn.Hardtanh({low}, {high})"
    samples = (
        *Activation.samples,
        sample(x=(2, 3), settings={"low": -0.25, "high": 0.5}),
        bad("high", x=(2, 3), settings={"low": 1.0, "high": 1.0}),
        bad("class labels", x=labels(2)),
    )

    def check(self) -> None:
        if self.low >= self.high:
            raise SettingError("high", f"{self.high:g}", f"more than low, {self.low:g}")

    def apply(self, x: Tensor) -> Tensor:
        return clipped(x, self.low, self.high)


class Softshrink(Activation):
    """x moved towards 0 by a threshold, and 0 within it: small numbers go (Donoho 1995)."""

    icon = "activation"
    keywords = ("soft thresholding", "shrinkage", "sparse", "denoising")
    summary = ("threshold",)
    threshold: float = setting(0.5, "Size up to which numbers become 0", min=0.0, max=1e6)
    torch = "nn.Softshrink({threshold})"
    samples = (*Activation.samples, sample(x=(2, 3), settings={"threshold": 0.1}))

    def apply(self, x: Tensor) -> Tensor:
        return x - clipped(x, -self.threshold, self.threshold)


class Hardshrink(Activation):
    """x where it is larger than a threshold on either side, else 0 (Donoho & Johnstone 1994)."""

    icon = "activation"
    keywords = ("hard thresholding", "shrinkage", "sparse", "denoising")
    summary = ("threshold",)
    threshold: float = setting(0.5, "Size up to which numbers become 0", min=0.0, max=1e6)
    torch = "nn.Hardshrink({threshold})"
    samples = (*Activation.samples, sample(x=(2, 3), settings={"threshold": 0.1}))

    def apply(self, x: Tensor) -> Tensor:
        return where(greater_equal(-absolute(x), -self.threshold), 0.0, x)  # lets NaN pass


class Threshold(Activation):
    """x above a threshold, else a fixed value: a ReLU that opens later (Konda et al. 2015)."""

    icon = "relu"
    keywords = ("thresholded relu", "rectifier", "gate")
    summary = ("threshold", "value")
    threshold: float = setting(1.0, "From where on numbers pass", min=-1e6, max=1e6)
    value: float = setting(0.0, "What the others become", min=-1e6, max=1e6)
    torch = "nn.Threshold({threshold}, {value})"
    samples = (
        *Activation.samples,
        sample(x=(2, 3), settings={"threshold": 0.1, "value": -0.5}),
    )

    def apply(self, x: Tensor) -> Tensor:
        return where(greater_equal(-x, -self.threshold), self.value, x)  # lets NaN pass
