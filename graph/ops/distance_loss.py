"""Losses that compare directions, regions and distances."""

from __future__ import annotations

from graph.op import Port, Sample, bad, labels, sample, setting
from graph.ops.expect import describe, need_vector
from graph.ops.loss import Loss, binary_target, match_target
from graph.primitives import maximum, minimum, reduce_sum, relu, sqrt
from graph.program import ShapeError, TensorType
from graph.tensor import Tensor

_OFFSET = 1e-6  # what PyTorch adds to each difference


class Dice(Loss):
    """One less the overlap of two regions, however small they are (Milletari et al. 2016).

    1 − (2·Σ p·t + smooth) / (Σ p² + Σ t² + smooth): p probabilities, such as those after a
    Sigmoid, t from 0 to 1, of one shape; labels 0 or 1 will do beside one channel. Sums go over the
    places of each channel of an image, over a whole vector; mean over channels and batch.
    """

    keywords = ("segmentation", "overlap", "f1", "v-net", "mask")
    summary = ("squared",)
    smooth: float = setting(1.0, "Added above and below: empty regions agree", above=0.0, max=1e6)
    squared: bool = setting(True, "Square p and t below, as V-Net does")
    samples = (
        sample(prediction=(4, 3), target=(4, 3), shares=True),
        sample(
            prediction=(2, 2, 3, 3), target=(2, 2, 3, 3), shares=True,
            settings={"squared": False, "smooth": 0.5, "weight": 2.0},
        ),
        sample(prediction=(2, 1, 3, 3), target=labels(2, 3, 3), classes=2, shares=True),
        bad("several places a sample", prediction=(4,), target=labels(4)),
        bad("one output a sample", prediction=(4, 3), target=labels(4)),
        bad("prediction's shape", prediction=(4, 2), target=(4, 3)),
        bad("class labels", prediction=labels(4), target=labels(4)),
    )  # fmt: skip

    def call_template(self, *operands: TensorType) -> str:
        axes = "tuple(range(min(2, {prediction}.dim() - 1), {prediction}.dim()))"
        truth = "{target}.reshape({prediction}.shape).to({prediction}.dtype)"
        power = ".square()" if self.squared else ""
        overlap = f"2 * ({{prediction}} * {truth}).sum({axes})"
        size = f"({{prediction}}{power} + {truth}{power}).sum({axes})"
        mean = f"(1 - ({overlap} + {{smooth}}) / ({size} + {{smooth}})).mean()"
        return mean if self.weight == 1.0 else f"{{weight}} * {mean}"

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        truth = binary_target(prediction, target)
        if prediction.rank < 2:
            remedy = "use Binary cross-entropy of probabilities"
            raise ShapeError(describe(prediction.type), "several places a sample", remedy)
        axes = range(min(2, prediction.rank - 1), prediction.rank)
        overlap = 2.0 * reduce_sum(prediction * truth, axes)
        sizes = prediction * prediction + truth * truth if self.squared else prediction + truth
        return self.mean(1.0 - (overlap + self.smooth) / (reduce_sum(sizes, axes) + self.smooth))


class CosineLoss(Loss):
    """1 − cos of the angle between prediction and target: only directions count.

    Both N×F; from 0 for one direction to 2 for opposite ones, mean over the batch. A length below
    epsilon counts as epsilon (Manning, Raghavan & Schütze 2008, §6.3.1).
    """

    title = "Cosine similarity loss"
    keywords = ("angle", "direction", "embedding", "distance")
    epsilon: float = setting(1e-8, "Least length of a vector", above=0.0, max=1.0, advanced=True)
    torch_call = "(1 - F.cosine_similarity({prediction}, {target}, dim=1, eps={epsilon})).mean()"
    samples = (
        sample(prediction=(4, 3), target=(4, 3)),
        sample(prediction=(3, 2), target=(3, 2), settings={"weight": 0.5}),
        bad("prediction's shape", prediction=(4, 2), target=(4, 3)),
        bad("for classes use", prediction=(4, 3), target=labels(4)),
        bad("put a Flatten", prediction=(4, 3, 2, 2), target=(4, 12)),
    )

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        need_vector(prediction.type)
        aim = match_target(prediction, target)
        lengths = self._length(prediction) * self._length(aim)
        return self.mean(1.0 - reduce_sum(prediction * aim, 1) / lengths)

    def _length(self, x: Tensor) -> Tensor:
        # the larger of squares: the slope of a root is infinite at 0
        return sqrt(maximum(reduce_sum(x * x, 1), self.epsilon**2))


class TripletMargin(Loss):
    """Draws what is alike together, and what differs apart by a margin (Balntas et al. 2016).

    max(0, margin + |a − p| − |a − n|), mean over the batch: the anchor a is to be nearer to the
    positive p than to the negative n, all N×F. With `swap` the negative's distance is the lesser
    of those to a and to p. What the net gives is the anchor.
    """

    title = "Triplet margin"
    keywords = ("metric learning", "embedding", "siamese", "facenet", "similarity")
    summary = ("margin",)
    inputs = (Port("anchor", "vector"), Port("positive", "vector"), Port("negative", "vector"))
    margin: float = setting(1.0, "How much nearer the positive must be", above=0.0, max=1e6)
    swap: bool = setting(False, "Push the negative from the positive where that is nearer")
    torch = "nn.TripletMarginLoss(margin={margin}, swap={swap})"
    samples = (
        Sample({"anchor": (5, 3), "positive": (5, 3), "negative": (5, 3)}, {}),
        Sample(
            {"anchor": (4, 2), "positive": (4, 2), "negative": (4, 2)},
            {"margin": 0.4, "swap": True, "weight": 0.5},
        ),
        bad("a vector of 3 a sample", anchor=(4, 3), positive=(4, 2), negative=(4, 3)),
        bad("a vector of 3 a sample", anchor=(4, 3), positive=(4, 3), negative=(4, 2)),
        bad("put a Flatten", anchor=(4, 3, 2, 2), positive=(4, 12), negative=(4, 12)),
        bad("class labels", anchor=(4, 3), positive=(4, 3), negative=labels(4)),
    )  # fmt: skip

    def build(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        need_vector(anchor.type)
        for number, other in enumerate((positive, negative), 1):
            need_vector(other.type, number)
            if other.shape != anchor.shape:
                remedy = "run all three through the same layers"
                raise ShapeError(describe(other.type), describe(anchor.type), remedy, number)
        near, far = _distance(anchor, positive), _distance(anchor, negative)
        if self.swap:
            far = minimum(far, _distance(positive, negative))
        return self.mean(relu(self.margin + near - far))


def _distance(a: Tensor, b: Tensor) -> Tensor:
    miss = a - b + _OFFSET
    # the larger of squares: the slope of a root is infinite at 0
    return sqrt(maximum(reduce_sum(miss * miss, 1), 1e-30))
