"""Metrics of classes that are no means: of counts over all samples, or of the order of scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from graph.op import Port, Sample, bad, labels, sample, setting
from graph.ops.expect import need_numbers
from graph.ops.loss import binary_target, need_class_map, need_classes
from graph.ops.metric import Metric
from graph.primitives import (
    argmax,
    concat,
    greater,
    matmul,
    one_hot,
    permute,
    reshape,
    slice_axis,
    to_real,
)
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor


def _one_output(prediction: TensorType) -> bool:
    """Whether there is one score a sample or pixel, and no class for it."""
    return len(prediction.shape) == 1 or prediction.shape[1] == 1


class ConfusionMetric(Metric, register=False):
    """Base of metrics of counts K×K: how often a class (down) was taken for another (across).

    prediction N×K scores with target N class indices, or of images N×K×H×W with N×H×W: the largest
    score is the answer, the first one on a tie. One output (N×1, N, N×1×H×W) with labels 0 or 1, or
    with targets of its shape from 0 to 1: a score above the threshold means class 1.
    """

    inputs = (Port("prediction"), Port("target", "labels"))
    gathers = "sum"
    threshold: float = setting(
        0.0, "Score above which one output means class 1", min=-1e6, max=1e6, advanced=True
    )
    samples: ClassVar[Sequence[Sample]] = (
        sample(prediction=(7, 3), target=labels(7)),
        sample(prediction=(7, 2), target=labels(7), classes=2),
        sample(prediction=(2, 3, 4, 2), target=labels(2, 4, 2)),
        sample(prediction=(7, 1), target=labels(7), classes=2),
        sample(prediction=(7,), target=labels(7), classes=2, shares=True,
               settings={"threshold": 0.5}),
        sample(prediction=(2, 1, 3, 2), target=labels(2, 3, 2), classes=2),
        sample(prediction=(5, 1), target=(5, 1), positive=True),
        bad("one class index a sample", prediction=(5, 3), target=(5, 3)),
        bad("put a Flatten", prediction=(5, 3, 2, 2), target=labels(5)),
        bad("prediction's shape", prediction=(5, 1), target=(5, 3)),
        bad("class labels", prediction=labels(5), target=labels(5)),
    )  # fmt: skip

    def call_template(self, *operands: TensorType) -> str:
        prediction, target = operands
        classes, flat = 2, ".flatten()" if len(prediction.shape) != 1 else ""
        truth = f"({{target}}.reshape({{prediction}}.shape) > 0.5){flat}.long()"
        answers = f"({{prediction}} > {{threshold}}){flat}.long()"
        if not _one_output(prediction):
            classes, flat = prediction.shape[1], ".flatten()" if len(target.shape) != 1 else ""
            truth, answers = f"{{target}}{flat}", f"{{prediction}}.argmax(1){flat}"
        real = ".to(torch.get_default_dtype())"
        left, right = (f"F.one_hot({ids}, {classes}){real}" for ids in (truth, answers))
        return f"{left}.T @ {right}"

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        need_numbers(prediction.type)
        if _one_output(prediction.type):
            truth = greater(binary_target(prediction, target), 0.5)
            answers = greater(prediction, self.threshold)
            return matmul(_no_and_yes(truth), _no_and_yes(answers), transpose_a=True)
        check = need_classes if prediction.rank == 2 else need_class_map
        check(prediction.type, target.type)
        classes = prediction.shape[1]
        self.check_classes(classes)
        last = permute(prediction, (0, *range(2, prediction.rank), 1))
        count = target.type.size
        answers = one_hot(argmax(reshape(last, (count, classes))), classes)
        truth = one_hot(reshape(target, (count,)), classes)
        return matmul(truth, answers, transpose_a=True)

    def check_classes(self, count: int) -> None:
        """Refuse so many classes; raises ShapeError."""


def _no_and_yes(x: Tensor) -> Tensor:
    """Counts of class 0 and class 1 for each 0 or 1 of `x`: M×2."""
    column = reshape(x, (x.type.size, 1))
    return concat([1.0 - column, column], 1)


class ClassScore(ConfusionMetric, register=False):
    """Base of precision, recall and F1: hits over how often a class is the answer, or the truth.

    `binary` is the score of class 1, `macro` the mean over the classes that occur among answers or
    truths, `micro` that of the sums over the classes; `auto` is binary for two classes and macro
    for more. Where there is nothing to divide by, a class scores 0, as in scikit-learn.
    """

    caption: ClassVar[str] = ""
    summary = ("average",)
    average: str = setting(
        "auto",
        "Of which classes; auto: binary for two classes, else macro",
        choices=("auto", "binary", "macro", "micro"),
    )
    answers: ClassVar[float]  # weights of the two in what hits are divided by
    truths: ClassVar[float]
    samples = (
        *ConfusionMetric.samples,
        sample(prediction=(5, 3), target=labels(5), settings={"average": "micro"}),
        bad("two classes", prediction=(5, 3), target=labels(5), settings={"average": "binary"}),
        bad("one of auto", prediction=(5, 3), target=labels(5), settings={"average": "mean"}),
    )

    @staticmethod
    def finish(counts: Any, average: str, answers: float, truths: float) -> float:
        """Hits over `answers` · how often a class is answered + `truths` · how often it is true.

        counts K×K: true classes down, answers across.
        """
        hits = counts.diagonal()
        total = answers * counts.sum(0) + truths * counts.sum(1)
        if average == "micro":
            return float(hits.sum() / total.sum())
        scores = hits / (total + (total == 0))
        if average == "binary" or (average == "auto" and len(hits) == 2):
            return float(scores[1])
        return float(scores[counts.sum(0) + counts.sum(1) > 0].mean())

    def check_classes(self, count: int) -> None:
        if self.average == "binary" and count != 2:
            remedy = "set the average to macro or micro"
            raise ShapeError(f"the average of {count} classes as binary", "two classes", remedy)


class Precision(ClassScore):
    """Share of the answers for a class that are right, from 0 to 1 (Kent et al. 1955)."""

    short = "precision"
    keywords = ("positive predictive value", "false positives", "classification", "f1", "macro")
    answers, truths = 1.0, 0.0


class Recall(ClassScore):
    """Share of the samples of a class that are found, from 0 to 1 (Kent et al. 1955)."""

    short = "recall"
    keywords = ("sensitivity", "hit rate", "true positive rate", "false negatives", "macro")
    answers, truths = 0.0, 1.0


class F1Score(ClassScore):
    """Harmonic mean of precision and recall, from 0 to 1 (van Rijsbergen 1979).

    2·hits / (answers + truths), the Dice coefficient of answers and truths.
    """

    short, title = "f1", "F1 score"
    keywords = ("f-measure", "dice", "precision", "recall", "imbalanced", "macro")
    answers, truths = 0.5, 0.5


class MeanIoU(ConfusionMetric):
    """Overlap of answers and truths of a class over their union, mean of classes (Jaccard 1912).

    hits / (answers + truths − hits) from 0 to 1, averaged over the classes that occur among answers
    or truths; with one output over no and yes, as Keras's BinaryIoU.
    """

    short, title = "iou", "Mean IoU"
    keywords = ("intersection over union", "jaccard", "segmentation", "overlap", "mask")

    @staticmethod
    def finish(counts: Any) -> float:
        """Mean of hits over answers or truths; counts K×K, true classes down, answers across."""
        hits = counts.diagonal()
        union = counts.sum(0) + counts.sum(1) - hits
        return float((hits / (union + (union == 0)))[union > 0].mean())


class RankMetric(Metric, register=False):
    """Base of metrics of how scores for yes are ordered: a row (score, 0 or 1) for each answer.

    prediction N×1, N or N×1×H×W scores or probabilities of class 1 with labels 0 or 1, or with
    targets of its shape from 0 to 1; or N×2 of both classes with N labels.
    """

    inputs = (Port("prediction"), Port("target", "labels"))
    gathers = "rows"
    samples = (
        sample(prediction=(7, 1), target=labels(7), classes=2),
        sample(prediction=(7,), target=labels(7), classes=2, shares=True),
        sample(prediction=(7, 2), target=labels(7), classes=2),
        sample(prediction=(2, 1, 3, 2), target=labels(2, 3, 2), classes=2),
        sample(prediction=(5, 1), target=(5, 1), positive=True),
        bad("one or two outputs", prediction=(5, 3), target=labels(5)),
        bad("one class index a sample", prediction=(5, 2), target=(5, 2)),
        bad("prediction's shape", prediction=(5, 1), target=(5, 2)),
        bad("class labels", prediction=labels(5), target=labels(5)),
    )

    def call_template(self, *operands: TensorType) -> str:
        scores = "{prediction}" if _one_output(operands[0]) else "{prediction}.diff(dim=1)"
        truth = "({target}.flatten() > 0.5).to({prediction}.dtype)"
        return f"torch.stack([{scores}.flatten(), {truth}], 1)"

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        need_numbers(prediction.type)
        if _one_output(prediction.type):
            scores, truth = prediction, binary_target(prediction, target)
        elif prediction.shape[1] != 2 or prediction.rank != 2:
            found = f"{prediction.shape[1]} outputs a sample"
            remedy = "this is about yes or no; for several classes use Accuracy or F1Score"
            raise ShapeError(found, "one or two outputs", remedy)
        else:
            need_classes(prediction.type, target.type)
            yes = slice_axis(prediction, 1, 1, 2)
            scores, truth = yes - slice_axis(prediction, 1, 0, 1), to_real(target)
        column = (scores.type.size, 1)
        return concat([reshape(scores, column), reshape(greater(truth, 0.5), column)], 1)


class AUROC(RankMetric):
    """Share of pairs of a yes and a no in which the yes scores higher (Hanley & McNeil 1982).

    The area under the receiver operating characteristic; exact, a tie counts half. 0.5 for scores
    that know nothing. NaN where only one of the classes occurs, or a score is NaN. The scores of an
    evaluation are kept until its end.
    """

    short = "auroc"
    keywords = ("auc", "roc curve", "area under the curve", "ranking", "binary", "imbalanced")

    @staticmethod
    def finish(rows: Any) -> float:
        """Share of pairs (yes, no) in order; rows N×2 of a score and 0 or 1."""
        yes, no = rows[rows[:, 1] == 1, 0], rows[rows[:, 1] == 0, 0]
        if not (len(yes) and len(no)) or (rows != rows).any():
            return math.nan
        no.sort()
        won = no.searchsorted(yes, "left").sum() + no.searchsorted(yes, "right").sum()
        return float(won / (2 * len(yes) * len(no)))


class AveragePrecision(RankMetric):
    """Mean, over all yes, of the precision among what scores as high (Buckley & Voorhees 2000).

    Σ (Rₖ − Rₖ₋₁)·Pₖ over all thresholds, the area under the steps of precision and recall, exact.
    Scores that know nothing give the share of yes. 0 where no yes occurs, as in scikit-learn, and
    NaN where a score is NaN. The scores of an evaluation are kept until its end.
    """

    short, title = "average_precision", "Average precision"
    keywords = ("ap", "map", "precision-recall curve", "auprc", "ranking", "imbalanced")

    @staticmethod
    def finish(rows: Any) -> float:
        """Mean precision at the score of each yes; rows N×2 of a score and 0 or 1."""
        scores, yes = rows[:, 0].copy(), rows[rows[:, 1] == 1, 0]
        if (rows != rows).any():
            return math.nan
        if not len(yes):
            return 0.0
        scores.sort()
        yes.sort()
        right, said = len(yes) - yes.searchsorted(yes), len(scores) - scores.searchsorted(yes)
        return float((right / said).mean())
