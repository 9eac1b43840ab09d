"""Metrics: numbers people read; nothing is trained by them. Each is a mean over the batch."""

from __future__ import annotations

from typing import ClassVar

from graph.op import Op, Port, Role, bad, labels, sample
from graph.ops.expect import need_numbers
from graph.ops.loss import binary_target, match_target, need_classes
from graph.primitives import absolute, argmax, equal, greater, reduce_mean
from graph.program import TensorType
from graph.tensor import Tensor


class Metric(Op, register=False):
    """Base of metrics: two ports in, one number out."""

    role: ClassVar[Role] = "metric"
    category, icon, family = "Metric", "metric", "metric"
    inputs = (Port("prediction"), Port("target"))
    outputs = (Port("value"),)
    short: ClassVar[str] = ""  # name in run records: val_<short>


class Accuracy(Metric):
    """Share of samples that are put into the right class, from 0 to 1.

    prediction N×K: the largest score is the answer, the first one on a tie, target N class
    indices. prediction N×1 or N: a score above 0 means class 1, as logits of a binary
    cross-entropy; target N labels 0 or 1.
    """

    short = "accuracy"
    keywords = ("correct", "hit rate", "classification", "error rate")
    inputs = (Port("prediction", "vector"), Port("target", "labels"))
    samples = (
        sample(prediction=(5, 3), target=labels(5)),
        sample(prediction=(5, 1), target=labels(5), classes=2),
        sample(prediction=(5,), target=labels(5), classes=2),
        sample(prediction=(5, 1), target=(5, 1), positive=True),
        bad("one class index a sample", prediction=(5, 3), target=(5, 3)),
        bad("put a Flatten", prediction=(5, 3, 2, 2), target=labels(5)),
        bad("class labels", prediction=labels(5), target=labels(5)),
    )

    def call_template(self, *operands: TensorType) -> str:
        dtype = "torch.get_default_dtype()"
        if _binary(operands[0]):
            truth = "{target}.reshape({prediction}.shape)"
            return f"(({{prediction}} > 0) == ({truth} > 0.5)).to({dtype}).mean()"
        return f"({{prediction}}.argmax(1) == {{target}}).to({dtype}).mean()"

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        need_numbers(prediction.type)
        if _binary(prediction.type):
            truth = greater(binary_target(prediction, target), 0.5)
            return reduce_mean(equal(greater(prediction, 0.0), truth))
        need_classes(prediction.type, target.type)
        return reduce_mean(equal(argmax(prediction), target))


def _binary(prediction: TensorType) -> bool:
    return len(prediction.shape) == 1 or prediction.shape[1:] == (1,)


class MeanAbsoluteErrorMetric(Metric):
    """Mean of |prediction − target| over all elements, in the target's unit."""

    short, title = "mae", "Absolute error"
    keywords = ("mae", "regression", "deviation")
    torch_call = "({prediction} - {target}.reshape({prediction}.shape)).abs().mean()"
    samples = (
        sample(prediction=(4, 1), target=(4, 1)),
        sample(prediction=(4, 1), target=(4,)),
        bad("prediction's shape", prediction=(4, 2), target=(4, 1)),
        bad("for classes use", prediction=(4, 1), target=labels(4)),
    )

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        return reduce_mean(absolute(prediction - match_target(prediction, target)))
