"""Activation functions: elementwise, except Softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from graph.op import Op, Sample, bad, labels, sample, setting
from graph.ops.expect import describe, need_numbers
from graph.primitives import greater, permute, relu, sigmoid, softmax, tanh, where
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
    slope: float = setting(
        0.01, "Factor on what is not positive", min=0.0, max=1.0, label="negative slope"
    )
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


class Softmax(Activation):
    """eˣ / Σ eˣ: turns scores into probabilities that add up to 1 (Bridle 1990).

    Over the features of a vector, the channels of an image, the last axis of a sequence. Losses
    that take logits contain it already.
    """

    icon = "softmax"
    keywords = ("probabilities", "normalised exponential", "classifier")
    samples = (*Activation.samples, bad("several numbers", x=(2,)))

    def module_template(self, *operands: TensorType) -> str:
        return f"nn.Softmax(dim={_class_axis(len(operands[0].shape))})"

    def apply(self, x: Tensor) -> Tensor:
        if x.rank < 2:
            remedy = "wire scores of several classes to it, or use a Sigmoid"
            raise ShapeError(describe(x.type), "several numbers a sample", remedy)
        axis = _class_axis(x.rank)
        order = (*(k for k in range(x.rank) if k != axis), axis)
        back = tuple(sorted(range(x.rank), key=order.__getitem__))
        return permute(softmax(permute(x, order)), back)


def _class_axis(rank: int) -> int:
    """Where scores of classes lie: channels of an image N×C×H×W, else the last axis."""
    return 1 if rank == 4 else rank - 1
