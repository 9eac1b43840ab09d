"""Metrics: numbers people read; nothing is trained by them. Each is a mean over the batch."""

from __future__ import annotations

from typing import ClassVar

from graph.op import Op, Port, Role, bad, labels, sample, setting
from graph.ops.expect import need_numbers
from graph.ops.loss import binary_target, match_target, need_classes
from graph.primitives import (
    absolute,
    argmax,
    equal,
    greater,
    greater_equal,
    one_hot,
    reduce_mean,
    reduce_sum,
    where,
)
from graph.program import ShapeError, TensorType
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
    cross-entropy; target N labels 0 or 1. Where the net ends in a Sigmoid the threshold is 0.5.
    """

    short = "accuracy"
    keywords = ("correct", "hit rate", "classification", "error rate")
    inputs = (Port("prediction", "vector"), Port("target", "labels"))
    threshold: float = setting(
        0.0, "Score above which one output means class 1", min=-1e6, max=1e6, advanced=True
    )
    samples = (
        sample(prediction=(5, 3), target=labels(5)),
        sample(prediction=(5, 1), target=labels(5), classes=2),
        sample(
            prediction=(5, 1), target=labels(5), classes=2, shares=True, settings={"threshold": 0.5}
        ),
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
            least = "{threshold}" if self.threshold else "0"
            return f"(({{prediction}} > {least}) == ({truth} > 0.5)).to({dtype}).mean()"
        return f"({{prediction}}.argmax(1) == {{target}}).to({dtype}).mean()"

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        need_numbers(prediction.type)
        if _binary(prediction.type):
            truth = greater(binary_target(prediction, target), 0.5)
            return reduce_mean(equal(greater(prediction, self.threshold), truth))
        need_classes(prediction.type, target.type)
        return reduce_mean(equal(argmax(prediction), target))


class TopKAccuracy(Metric):
    """Share of samples whose class is among the k with the largest scores, from 0 to 1.

    prediction N×K scores or probabilities, target N class indices. A score as large as the k-th
    counts as well; one that is not a number never does.
    """

    short, title = "top_k_accuracy", "Top-k accuracy"
    keywords = ("top-5", "correct", "hit rate", "classification")
    summary = ("k",)
    inputs = (Port("prediction", "vector"), Port("target", "labels"))
    k: int = setting(5, "How many classes may be named", min=1, max=1_000_000)
    torch_call = (
        "(({prediction} <= {prediction}.gather(1, {target}.unsqueeze(1))).sum(1)"
        " > {prediction.shape[1]} - {k}).to(torch.get_default_dtype()).mean()"
    )
    samples = (
        sample(prediction=(5, 4), target=labels(5), classes=4, settings={"k": 2}),
        sample(prediction=(5, 3), target=labels(5), settings={"k": 1}),
        bad("k at most 3", prediction=(5, 3), target=labels(5)),
        bad("one class index a sample", prediction=(5, 6), target=(5, 6)),
        bad("one for each class", prediction=(5, 1), target=labels(5)),
    )

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        need_classes(prediction.type, target.type)
        classes = prediction.shape[1]
        if self.k > classes:
            found = f"k = {self.k} for {classes} classes"
            raise ShapeError(found, f"k at most {classes}", "make k smaller")
        truth = where(one_hot(target, classes), prediction, 0.0)
        behind = greater_equal(reduce_sum(truth, 1, keep=True), prediction)
        return reduce_mean(greater(reduce_sum(behind, 1), float(classes - self.k)))


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
