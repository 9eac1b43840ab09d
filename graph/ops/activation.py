"""Activation functions; further forms of ReLU are in rectifier.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from graph.op import Op, Sample, bad, labels, sample, setting
from graph.ops.expect import describe, need_numbers
from graph.primitives import (
    absolute,
    greater,
    greater_equal,
    log_sigmoid,
    log_softmax,
    permute,
    reduce_max,
    relu,
    reshape,
    sigmoid,
    slice_axis,
    softmax,
    tanh,
    where,
)
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


class Activation(Op, register=False):
    """Base of activations: one number in, one number out, any shape."""

    category, family = "Activation", "activation"
    samples: ClassVar[Sequence[Sample]] = (
        sample(x=(2, 3)),
        sample(x=(3, 5, 2)),
        sample(x=(2, 3, 4, 4)),
        bad("class labels", x=labels(2)),
    )

    def build(self, x: Tensor) -> Tensor:
        need_numbers(x.type)
        return self.apply(x)

    def apply(self, x: Tensor) -> Tensor:
        """The function itself, in rows."""
        raise NotImplementedError


def clipped(x: Tensor, low: float, high: float) -> Tensor:
    """x held between `low` and `high`; at both ends and beyond them no gradient flows.

    Asked in this order, a NaN stays one.
    """
    return where(greater_equal(-x, -low), low, where(greater_equal(x, high), high, x))


class ReLU(Activation):
    """max(0, x): passes what is positive, cuts what is not (Nair & Hinton 2010)."""

    icon = "relu"
    keywords = ("rectifier", "rectified linear unit", "ramp")
    torch = "nn.ReLU()"

    def apply(self, x: Tensor) -> Tensor:
        return relu(x)


class LeakyReLU(Activation):
    """x where positive, else slope · x: a unit that never goes silent (Maas et al. 2013)."""

    icon, title = "leaky_relu", "Leaky ReLU"
    keywords = ("rectifier", "leak", "dead units")
    summary = ("slope",)
    slope: float = setting(0.01, "Factor on what is not positive", min=0.0, max=1.0)
    torch = "nn.LeakyReLU({slope})"
    samples = (*Activation.samples, sample(x=(2, 3), settings={"slope": 0.3}))

    def apply(self, x: Tensor) -> Tensor:
        return where(greater(x, 0.0), x, self.slope * x)


class Sigmoid(Activation):
    """1 / (1 + e⁻ˣ): squeezes into 0 to 1, as a probability (Rumelhart et al. 1986)."""

    icon = "sigmoid"
    keywords = ("logistic", "probability", "squash")
    torch = "nn.Sigmoid()"

    def apply(self, x: Tensor) -> Tensor:
        return sigmoid(x)


class Tanh(Activation):
    """Hyperbolic tangent: squeezes into −1 to 1, steep around 0 (LeCun et al. 1998)."""

    icon = "tanh"
    keywords = ("hyperbolic tangent", "squash")
    torch = "nn.Tanh()"

    def apply(self, x: Tensor) -> Tensor:
        return tanh(x)


class LogSigmoid(Activation):
    """log(sigmoid(x)), right for large numbers too: the log of a probability."""

    icon, title = "sigmoid", "Log sigmoid"
    keywords = ("logistic", "log probability", "negative softplus")
    torch = "nn.LogSigmoid()"

    def apply(self, x: Tensor) -> Tensor:
        return log_sigmoid(x)


class HardSigmoid(Activation):
    """x/6 + 1/2 held between 0 and 1: sigmoid without an exponential (Howard et al. 2019)."""

    icon, title = "sigmoid", "Hard sigmoid"
    keywords = ("logistic", "mobile", "gate", "clip")
    torch = "nn.Hardsigmoid()"

    def apply(self, x: Tensor) -> Tensor:
        return clipped(x * (1.0 / 6.0) + 0.5, 0.0, 1.0)


class Softsign(Activation):
    """x / (1 + |x|): squeezes into −1 to 1, slower than tanh (Bergstra et al. 2009)."""

    icon = "tanh"
    keywords = ("squash", "saturating")
    torch = "nn.Softsign()"

    def apply(self, x: Tensor) -> Tensor:
        return x / (1.0 + absolute(x))


class OverClasses(Activation, register=False):
    """Base of what lets classes compete.

    They are the features of a vector, the channels of an image, the last axis of a sequence.
    """

    icon = "softmax"
    samples = (*Activation.samples, bad("several numbers", x=(2,)))

    def module_template(self, *operands: TensorType) -> str:
        return f"nn.{type(self).__name__}(dim={_class_axis(len(operands[0].shape))})"

    def build(self, x: Tensor) -> Tensor:
        need_numbers(x.type)
        if x.rank < 2:
            remedy = "wire scores of several classes to it, or use a Sigmoid"
            raise ShapeError(describe(x.type), "several numbers a sample", remedy)
        axis = _class_axis(x.rank)
        order = (*(k for k in range(x.rank) if k != axis), axis)
        back = tuple(sorted(range(x.rank), key=order.__getitem__))
        return permute(self.apply(permute(x, order)), back)


class Softmax(OverClasses):
    """eˣ / Σ eˣ: turns scores into probabilities that add up to 1 (Bridle 1990).

    Over the features of a vector, the channels of an image, the last axis of a sequence. Losses
    that take logits contain it already.
    """

    keywords = ("probabilities", "normalised exponential", "classifier")

    def apply(self, x: Tensor) -> Tensor:
        return softmax(x)


class Softmin(OverClasses):
    """e⁻ˣ / Σ e⁻ˣ: turns costs or distances into probabilities, the least the most likely.

    Over the features of a vector, the channels of an image, the last axis of a sequence.
    """

    keywords = ("probabilities", "distances", "costs", "normalised exponential")

    def apply(self, x: Tensor) -> Tensor:
        return softmax(-x)


class LogSoftmax(OverClasses):
    """x − log Σ eˣ: the logs of the probabilities that Softmax gives, right for large scores.

    Over the features of a vector, the channels of an image, the last axis of a sequence.
    """

    title = "Log softmax"
    keywords = ("log probabilities", "classifier", "nll")

    def apply(self, x: Tensor) -> Tensor:
        return log_softmax(x)


def _class_axis(rank: int) -> int:
    """Where scores of classes lie: channels of an image N×C×H×W, else the last axis."""
    return 1 if rank == 4 else rank - 1


class GLU(Activation):
    """Halves the features a, b and gives a · sigmoid(b): one half gates the other (Dauphin 2017).

    The features of a vector, the channels of an image, the last axis of a sequence; an even number.
    """

    icon, title = "sigmoid", "GLU"
    keywords = ("gated linear unit", "gate", "halves")
    samples = (
        sample(x=(2, 6)),
        sample(x=(3, 5, 2)),
        sample(x=(2, 4, 3, 3)),
        bad("an even number", x=(2, 3)),
        bad("an even number", x=(2,)),
        bad("class labels", x=labels(2)),
    )

    def module_template(self, *operands: TensorType) -> str:
        return f"nn.GLU(dim={_class_axis(len(operands[0].shape))})"

    def apply(self, x: Tensor) -> Tensor:
        axis = _class_axis(x.rank)
        if x.rank < 2 or x.shape[axis] % 2:
            remedy = "give the layer before it an even number of outputs"
            raise ShapeError(describe(x.type), "an even number of features", remedy)
        half = x.shape[axis] // 2
        gate = slice_axis(x, axis, half, 2 * half)
        return slice_axis(x, axis, 0, half) * sigmoid(gate)


class Maxout(Activation):
    """The largest of each `pieces` neighbouring features: a learned shape (Goodfellow et al. 2013).

    x N×(units·pieces) → N×units, or the channels of an image likewise.
    """

    icon = "relu"
    keywords = ("maximum", "pieces", "learned activation")
    summary = ("pieces",)
    pieces: int = setting(2, "Features of which the largest is kept", min=2, max=1024)
    torch_call = "{x}.unflatten(1, (-1, {pieces})).amax(2)"
    samples = (
        sample(x=(2, 6)),
        sample(x=(2, 6), settings={"pieces": 3}),
        sample(x=(2, 4, 3, 3)),
        bad("a multiple of 2", x=(2, 3)),
        bad("a vector or an image", x=(2,)),
        bad("class labels", x=labels(2)),
    )

    def apply(self, x: Tensor) -> Tensor:
        if x.rank not in (2, 4):
            remedy = "put it where the values are N×F or N×C×H×W"
            raise ShapeError(describe(x.type), "a vector or an image a sample", remedy)
        count, left = divmod(x.shape[1], self.pieces)
        if left:
            expected = f"a multiple of {self.pieces} features"
            remedy = "change the outputs of the layer before it, or the pieces"
            raise ShapeError(describe(x.type), expected, remedy)
        parts = reshape(x, (x.shape[0], count, self.pieces, *x.shape[2:]))
        return reduce_max(parts, 2)
