"""Metrics: numbers people read; nothing is trained by them."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, Literal

from graph.op import Op, Port, Role, bad, labels, sample, setting
from graph.ops.expect import need_numbers
from graph.ops.loss import (
    CrossEntropy,
    MeanSquaredError,
    binary_target,
    match_target,
    need_class_map,
    need_classes,
)
from graph.primitives import (
    absolute,
    argmax,
    concat,
    equal,
    greater,
    greater_equal,
    one_hot,
    reduce_mean,
    reduce_sum,
    reshape,
    where,
)
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


class Metric(Op, register=False):
    """Base of metrics: two ports in, what one batch says out, and one number in the end.

    `build` gives a number or an array. Over an evaluation these are, in order and in double
    precision, averaged with a weight for each sample (`mean`, of numbers), added up (`sum`) or put
    under one another along their first axis (`rows`). `finish` makes the number of the result; what
    it takes beside that are settings and class variables of the node, by name. Exported files carry
    its text, so it uses nothing but methods of its array, built-in functions and `math`.
    """

    role: ClassVar[Role] = "metric"
    category, icon, family = "Metric", "metric", "metric"
    inputs = (Port("prediction"), Port("target"))
    outputs = (Port("value"),)
    short: ClassVar[str] = ""  # name in run records: val_<short>
    gathers: ClassVar[Literal["mean", "sum", "rows"]] = "mean"
    finish: ClassVar[Callable[..., float]] = staticmethod(float)

    @classmethod
    def finishes(cls) -> bool:
        """Whether what is gathered is not the metric's number yet."""
        return cls.finish is not float

    def finish_arguments(self) -> tuple[object, ...]:
        """What `finish` takes beside what was gathered."""
        return tuple(getattr(self, name) for name in _beside(self.finish))

    def number(self, gathered: Any) -> float:
        """The metric of an evaluation whose batches gave `gathered`, a number or an array."""
        return float(self.finish(gathered, *self.finish_arguments()))


@cache
def _beside(finish: Callable[..., float]) -> tuple[str, ...]:
    """Names of what a metric's `finish` takes beside what was gathered; asked for every epoch."""
    return tuple(inspect.signature(finish).parameters)[1:]


def metric_names(metrics: Mapping[str, Op]) -> dict[str, str]:
    """What runs call metric nodes, by id: their kind, and where several are of a kind the id too.

    An id that ends in the kind is not said twice: adam_accuracy -> accuracy_adam.
    """
    kinds = {
        id: getattr(op, "short", "") or type(op).__name__.lower() for id, op in metrics.items()
    }
    several = {kind for kind, count in Counter(kinds.values()).items() if count > 1}
    names = {
        id: f"{kind}_{id.removesuffix(f'_{kind}')}" if kind in several else kind
        for id, kind in kinds.items()
    }
    if len(set(names.values())) == len(names):
        return names
    return {id: f"{kind}_{id}" if kind in several else kind for id, kind in kinds.items()}


class Accuracy(Metric):
    """Share of samples that are put into the right class, from 0 to 1.

    prediction N×K: the largest score is the answer, the first one on a tie, target N class
    indices; of sequences N×K×T with N×T, of images N×K×H×W with N×H×W. prediction N×1 or N: a score
    above 0 means class 1, as logits of a binary cross-entropy; target N labels 0 or 1. Where the
    net ends in a Sigmoid the threshold is 0.5.
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
        sample(prediction=(4, 3, 2), target=labels(4, 2)),
        sample(prediction=(2, 3, 2, 3), target=labels(2, 2, 3)),
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
        if len(prediction.shape) > 2:
            need_class_map(prediction.type, target.type)
        else:
            need_classes(prediction.type, target.type)
        return reduce_mean(equal(argmax(prediction, 1), target))


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


class RootMeanSquareError(Metric):
    """Root of the mean of (prediction − target)² over all elements, in the target's unit.

    prediction and target have one shape. The mean goes over the whole evaluation, and the root is
    taken at its end: it is no mean of the batches' roots.
    """

    short, title = "rmse", "Root mean square error"
    keywords = ("rmse", "rmsd", "regression", "deviation", "standard error")
    torch_call = "F.mse_loss({prediction}, {target}.reshape({prediction}.shape))"
    samples = MeanAbsoluteErrorMetric.samples

    @staticmethod
    def finish(mean: float) -> float:
        """The root of a mean square."""
        return math.sqrt(mean)

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        return MeanSquaredError().build(prediction, target)


class R2Score(Metric):
    """Share of the target's variance that is predicted, at most 1; 0 for its mean (Wright 1921).

    1 − Σ(target − prediction)² / Σ(target − mean)², the coefficient of determination; below 0 where
    the mean would do better. With several outputs it is the mean over them. As scikit-learn has it,
    an output whose target never changes counts 1 when it is met and else 0, and one sample alone
    gives NaN. Predictions and targets of an evaluation are kept until its end.
    """

    short, title = "r2", "R² score"
    keywords = ("coefficient of determination", "regression", "explained variance", "r squared")
    gathers = "rows"
    samples = (
        *MeanAbsoluteErrorMetric.samples,
        sample(prediction=(4,), target=(4, 1)),
        sample(prediction=(5, 2, 3), target=(5, 2, 3)),
    )

    def call_template(self, *operands: TensorType) -> str:
        width = operands[0].size // operands[0].shape[0]
        pairs = "torch.stack([{prediction}, {target}.reshape({prediction}.shape)], 1)"
        return f"torch.reshape({pairs}, (-1, 2, {width}))"

    @staticmethod
    def finish(pairs: Any) -> float:
        """1 − squared error / squared deviation of pairs (prediction, target), N×2×K; mean of K."""
        predictions, targets = pairs[:, 0], pairs[:, 1]
        if len(pairs) < 2:
            return math.nan
        error = ((targets - predictions) ** 2).sum(0)
        spread = ((targets - targets.mean(0)) ** 2).sum(0)
        scores = 1 - error / (spread + (spread == 0))
        scores[spread == 0] = (error == 0)[spread == 0]
        return float(scores.mean())

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        truth = match_target(prediction, target)
        count = prediction.shape[0]
        single = (count, 1, prediction.type.size // count)
        return concat([reshape(prediction, single), reshape(truth, single)], 1)


class Perplexity(Metric):
    """exp of the mean cross-entropy: among how many classes it hesitates, from 1 (Jelinek 1977).

    prediction N×K scores before any softmax, target N class indices below K; of images N×K×H×W
    with N×H×W. Where every class is as likely as the next it is K; above exp(709) it is infinite.
    """

    short = "perplexity"
    keywords = ("language model", "cross-entropy", "branching factor", "bits")
    caption = "from logits"
    inputs = (Port("prediction", "vector"), Port("target", "labels"))
    torch_call = "F.cross_entropy({prediction}, {target})"
    samples = (
        sample(prediction=(4, 3), target=labels(4)),
        sample(prediction=(2, 3, 4, 2), target=labels(2, 4, 2)),
        bad("one for each class", prediction=(4, 1), target=labels(4)),
        bad("one class index a sample", prediction=(4, 3), target=(4, 3)),
        bad("put a Flatten", prediction=(4, 3, 2, 2), target=labels(4)),
    )

    @staticmethod
    def finish(mean: float) -> float:
        """exp of a mean cross-entropy."""
        return math.inf if mean > 709 else math.exp(mean)

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        return CrossEntropy().build(prediction, target)
