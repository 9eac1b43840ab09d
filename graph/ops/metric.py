"""Metrics: numbers people read; nothing is trained by them. Each is a mean over the batch."""

from __future__ import annotations

from typing import ClassVar

from graph.op import Op, Port, Role, labels, sample
from graph.primitives import argmax, equal, reduce_mean
from graph.tensor import Tensor


class Metric(Op, register=False):
    """Base of metrics: two ports in, one number out."""

    role: ClassVar[Role] = "metric"
    category, icon, family = "Metric", "metric", "metric"
    inputs = (Port("prediction"), Port("target"))
    outputs = (Port("value", "loss"),)
    short: ClassVar[str] = ""  # name in run records: val_<short>


class Accuracy(Metric):
    """Share of samples whose largest output is the true class."""

    short = "accuracy"
    inputs = (Port("prediction", "vector"), Port("target", "labels"))
    samples = (sample(prediction=(5, 3), target=labels(5)),)

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        return reduce_mean(equal(argmax(prediction), target))
