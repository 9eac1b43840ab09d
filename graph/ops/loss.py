"""Losses: what training makes small. Each gives one number, the mean over the batch."""

from __future__ import annotations

from typing import ClassVar

from graph.op import Op, Port, Role, labels, sample, setting
from graph.primitives import reduce_mean, softmax_cross_entropy
from graph.tensor import Tensor


class Loss(Op, register=False):
    """Base of losses: two ports in, one number out."""

    role: ClassVar[Role] = "loss"
    category, icon, family = "Loss", "loss", "loss"
    inputs = (Port("prediction"), Port("target"))
    outputs = (Port("loss", "loss"),)
    weight: float = setting(1.0, "Factor on this loss when there are several", min=0.0)

    def mean(self, per_sample: Tensor) -> Tensor:
        """The weighted mean of a loss given for each sample or element."""
        mean = reduce_mean(per_sample)
        return mean if self.weight == 1.0 else mean * self.weight


class CrossEntropy(Loss):
    """−log of the probability given to the true class, from logits (Goodfellow 2016, §6.2.2.3)."""

    title = "Cross-entropy"
    keywords = ("softmax loss", "categorical", "log loss", "nll")
    inputs = (Port("prediction", "vector"), Port("target", "labels"))
    torch = "nn.CrossEntropyLoss()"
    samples = (sample(prediction=(4, 3), target=labels(4)),)

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        return self.mean(softmax_cross_entropy(prediction, target))
