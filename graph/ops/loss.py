"""Losses: what training makes small. Each gives one number, the mean over the batch."""

from __future__ import annotations

from typing import ClassVar

from graph.op import Op, Port, Role, bad, labels, sample, setting
from graph.ops.expect import describe, need_numbers, need_vector
from graph.primitives import (
    reduce_mean,
    reshape,
    softmax_cross_entropy,
    softplus,
    to_real,
)
from graph.program import Shape, ShapeError, TensorType
from graph.tensor import Tensor


class Loss(Op, register=False):
    """Base of losses: two ports in, one number out."""

    role: ClassVar[Role] = "loss"
    category, icon, family = "Loss", "loss", "loss"
    inputs = (Port("prediction"), Port("target"))
    outputs = (Port("loss", "loss"),)
    weight: float = setting(1.0, "Factor on this loss when there are several", min=0.0, max=1e6)

    def call_template(self, *operands: TensorType) -> str:
        return self.torch_call if self.weight == 1.0 else f"{{weight}} * {self.torch_call}"

    def mean(self, per_sample: Tensor) -> Tensor:
        """The weighted mean of a loss given for each sample or element."""
        mean = reduce_mean(per_sample)
        return mean if self.weight == 1.0 else mean * self.weight


def match_target(prediction: Tensor, target: Tensor) -> Tensor:
    """The target with the prediction's shape; N and N×1 are the same.

    Raises ShapeError for class labels and for any other difference: spreading N×1 over N would
    compare every sample with every other.
    """
    need_numbers(prediction.type)
    if target.dtype == "int":
        remedy = "for classes use Cross-entropy or Binary cross-entropy"
        raise ShapeError(describe(target.type), "a number to come close to", remedy, 1)
    return reshape(target, _same_count(prediction.type, target.type))


def _same_count(prediction: TensorType, target: TensorType) -> Shape:
    if _without_ones(prediction.shape) != _without_ones(target.shape):
        found = f"{describe(target)} beside a prediction of {describe(prediction)}"
        remedy = "give the last layer as many outputs as the target has"
        raise ShapeError(found, "a target of the prediction's shape", remedy, 1)
    return prediction.shape


def _without_ones(shape: Shape) -> Shape:
    return (shape[0], *(extent for extent in shape[1:] if extent != 1)) if shape else ()


class CrossEntropy(Loss):
    """−log of the probability given to the true class, from logits; mean over the batch.

    prediction N×K scores before any softmax, target N class indices below K (Goodfellow, Bengio &
    Courville 2016, §6.2.2.3). Computed by log-sum-exp, right for large scores.
    """

    title = "Cross-entropy"
    caption = "from logits"
    keywords = ("softmax loss", "categorical", "log loss", "nll", "classification")
    inputs = (Port("prediction", "vector"), Port("target", "labels"))
    torch = "nn.CrossEntropyLoss()"
    samples = (
        sample(prediction=(4, 3), target=labels(4)),
        sample(prediction=(1, 2), target=labels(1), classes=2, settings={"weight": 0.5}),
        bad("one for each class", prediction=(4, 1), target=labels(4)),
        bad("put a Flatten", prediction=(4, 3, 2, 2), target=labels(4)),
        bad("one class index a sample", prediction=(4, 3), target=(4, 1)),
        bad("one class index a sample", prediction=(4, 3), target=labels(4, 2)),
    )

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        need_classes(prediction.type, target.type)
        return self.mean(softmax_cross_entropy(prediction, target))


def need_classes(prediction: TensorType, target: TensorType) -> None:
    """Raises ShapeError unless there is a score for each class and one class a sample."""
    need_vector(prediction)
    if prediction.shape[1] < 2:
        remedy = "give the last layer one unit a class, or use the binary kind"
        raise ShapeError("one output a sample", "one for each class", remedy)
    if target.dtype != "int" or target.shape != prediction.shape[:1]:
        remedy = "wire a labels port to `target`"
        raise ShapeError(describe(target), "one class index a sample", remedy, 1)


class BinaryCrossEntropy(Loss):
    """−log of the probability given to the truth when it is yes or no, from logits.

    prediction N×1 or N scores before any sigmoid with target N labels 0 or 1, or both N×K with
    targets from 0 to 1; mean over all elements (Goodfellow et al. 2016, §6.2.2.2).
    """

    title = "Binary cross-entropy"
    caption = "from logits"
    keywords = ("logistic loss", "bce", "log loss", "sigmoid", "two classes")
    inputs = (Port("prediction", "vector"), Port("target", "labels"))
    torch = "nn.BCEWithLogitsLoss()"
    torch_call = (
        "{module}({prediction}, {target}.reshape({prediction}.shape).to({prediction}.dtype))"
    )
    samples = (
        sample(prediction=(4, 1), target=labels(4), classes=2),
        sample(prediction=(4,), target=labels(4), classes=2, settings={"weight": 2.0}),
        sample(prediction=(3, 2), target=(3, 2)),
        bad("one output a sample", prediction=(4, 2), target=labels(4)),
        bad("prediction's shape", prediction=(4, 2), target=(4, 3)),
        bad("class labels", prediction=labels(4), target=labels(4)),
    )

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        truth = binary_target(prediction, target)
        # two softplus instead of one and a product: no digits are lost for large scores
        return self.mean(truth * softplus(-prediction) + (1.0 - truth) * softplus(prediction))


def binary_target(prediction: Tensor, target: Tensor) -> Tensor:
    """Targets from 0 to 1 in the prediction's shape; raises ShapeError when they do not pair."""
    need_numbers(prediction.type)
    if target.dtype == "int" and prediction.type.size != target.type.size:
        remedy = "give the last layer one unit, or use the kind for several classes"
        raise ShapeError(describe(prediction.type), "one output a sample", remedy)
    return reshape(to_real(target), _same_count(prediction.type, target.type))
