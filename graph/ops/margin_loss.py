"""Losses for classes that ask for a margin, and for many labels a sample."""

from __future__ import annotations

from typing import ClassVar

from graph.op import bad, labels, sample, setting
from graph.ops.class_loss import CLASSES, TRUTH, picked
from graph.ops.expect import need_vector
from graph.ops.loss import BinaryCrossEntropy, Loss, Reads, binary_target, need_classes, vector
from graph.primitives import greater, one_hot, reduce_sum, relu, softplus, where
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


class Hinge(Loss):
    """max(0, 1 − t·score) for yes (t = 1) or no (t = −1): right, and by a margin (Vapnik 1995).

    prediction N×1 or N scores with target N labels 0 or 1, or both of one shape, where a target
    above 0 is yes, any other no; mean over all elements. Scores become no probabilities by it.
    """

    keywords = ("svm", "support vector machine", "maximum margin", "squared hinge", "two classes")
    summary = ("squared",)
    inputs = CLASSES
    reads: ClassVar[Reads] = "sigmoid"
    squared: bool = setting(False, "Square what is missing, which is smooth at the margin")
    samples = (
        sample(prediction=(6, 1), target=labels(6), classes=2),
        sample(prediction=(5,), target=labels(5), classes=2, settings={"squared": True}),
        sample(prediction=(3, 2), target=(3, 2), settings={"weight": 2.0}),
        *BinaryCrossEntropy.samples[3:],
    )

    def call_template(self, *operands: TensorType) -> str:
        side = f"torch.where({TRUTH} > 0, 1.0, -1.0)"
        call = f"F.relu(1 - {side} * {{prediction}})"
        mean = f"{call}.square().mean()" if self.squared else f"{call}.mean()"
        return mean if self.weight == 1.0 else f"{{weight}} * {mean}"

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        side = where(greater(binary_target(prediction, target), 0.0), 1.0, -1.0)
        missing = relu(1.0 - side * prediction)
        return self.mean(missing * missing if self.squared else missing)


class MultiClassMargin(Loss):
    """How far other classes come within a margin of the true one (Crammer & Singer 2001).

    Σ max(0, margin − s[t] + s[k]) / K over the K − 1 other classes k, s the scores N×K, t the
    target N; mean over the batch. Scores become no probabilities by it.
    """

    title = "Multi-class margin"
    keywords = ("hinge", "svm", "support vector machine", "categorical hinge", "maximum margin")
    summary = ("margin", "squared")
    inputs = CLASSES
    reads: ClassVar[Reads] = "softmax"
    margin: float = setting(1.0, "How far the true class must be ahead", min=0.0, max=1e6)
    squared: bool = setting(False, "Square what is missing, which is smooth at the margin")
    torch = "nn.MultiMarginLoss(p={p}, margin={margin})"
    samples = (
        sample(prediction=(4, 3), target=labels(4)),
        sample(prediction=(6, 4), target=labels(6), settings={"margin": 0.6, "weight": 0.5}),
        sample(prediction=(6, 4), target=labels(6), settings={"squared": True}),
        bad("one for each class", prediction=(4, 1), target=labels(4)),
        bad("put a Flatten", prediction=(4, 3, 2, 2), target=labels(4)),
        bad("one class index a sample", prediction=(4, 3), target=(4, 3)),
    )

    @property
    def p(self) -> int:
        """The power of what is missing, as PyTorch names it."""
        return 2 if self.squared else 1

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        need_classes(prediction.type, target.type)
        missing = relu(self.margin - picked(prediction, target) + prediction)
        others = 1.0 - one_hot(target, prediction.shape[1])
        each = missing * missing if self.squared else missing
        return self.mean(reduce_sum(each * others, -1) * (1.0 / prediction.shape[1]))


class MultiLabelSoftMargin(Loss):
    """−log probability of many yes-or-no answers a sample, some of which may count more.

    prediction N×K scores before any sigmoid, target N×K from 0 to 1; mean over labels and batch.
    Without weights it is Binary cross-entropy.
    """

    title = "Multi-label soft margin"
    keywords = ("multi-hot", "tags", "sigmoid", "several labels")
    inputs = CLASSES
    reads: ClassVar[Reads] = "sigmoid"
    label_weights: tuple[float, ...] = setting(
        (), "How much each label counts; empty: all the same", min=0.0, max=1e6
    )
    samples = (
        sample(prediction=(4, 3), target=(4, 3), shares=True),
        sample(prediction=(4, 2), target=labels(4, 2), classes=2, settings={"weight": 0.5}),
        sample(
            prediction=(4, 3), target=(4, 3), shares=True,
            settings={"label_weights": (0.5, 2.0, 1.0)},
        ),
        bad("prediction's shape", prediction=(4, 2), target=(4, 3)),
        bad("3 weights", prediction=(4, 3), target=(4, 3), settings={"label_weights": (1.0,)}),
        bad("put a Flatten", prediction=(4, 3, 2, 2), target=(4, 12)),
        bad("class labels", prediction=labels(4), target=labels(4)),
    )  # fmt: skip

    def call_template(self, *operands: TensorType) -> str:
        # as a module it would put the weights among those that are trained
        weights = f"torch.tensor({list(self.label_weights)!r}, dtype={{prediction}}.dtype)"
        more = f", weight={weights}" if self.label_weights else ""
        call = f"F.multilabel_soft_margin_loss({{prediction}}, {TRUTH}{more})"
        return call if self.weight == 1.0 else f"{{weight}} * {call}"

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        need_vector(prediction.type)
        truth, labelled = binary_target(prediction, target), prediction.shape[1]
        if self.label_weights and len(self.label_weights) != labelled:
            found, expected = f"{len(self.label_weights)} label weights", f"{labelled} weights"
            raise ShapeError(found, expected, "give one for each label")
        each = truth * softplus(-prediction) + (1.0 - truth) * softplus(prediction)
        return self.mean(each * vector(each, self.label_weights) if self.label_weights else each)
