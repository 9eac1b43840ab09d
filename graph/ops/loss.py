"""Losses: what training makes small. Each gives one number, the mean over the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from graph.op import Op, Port, Role, Sample, bad, labels, sample, setting
from graph.ops.expect import describe, need_numbers, need_vector
from graph.primitives import (
    absolute,
    broadcast_to,
    concat,
    greater,
    log_softmax,
    one_hot,
    permute,
    reduce_mean,
    reduce_sum,
    reshape,
    softmax_cross_entropy,
    softplus,
    stop_gradient,
    to_real,
    where,
)
from graph.primitives.shape import to_real_scalar
from graph.program import Shape, ShapeError, TensorType
from graph.tensor import Tensor

# What predictions are to a loss. Of scores the largest, or one above 0, is the answer; softmax or
# sigmoid makes shares of them to show. A `probability` is that of yes.
Reads = Literal["numbers", "softmax", "sigmoid", "probabilities", "probability"]


class Loss(Op, register=False):
    """Base of losses: two ports in, one number out. The first port reads what the model says."""

    role: ClassVar[Role] = "loss"
    category, icon, family = "Loss", "loss", "loss"
    inputs: ClassVar[tuple[Port, ...]] = (Port("prediction"), Port("target"))
    outputs = (Port("loss", "loss"),)
    reads: ClassVar[Reads] = "numbers"
    weight: float = setting(1.0, "Factor on this loss when there are several", min=0.0, max=1e6)

    def reading(self) -> Reads:
        """`reads`, unless it depends on the settings."""
        return self.reads

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

    prediction N×K scores before any softmax, target N class indices below K, or N×K probabilities;
    of images N×K×H×W with N×H×W (Goodfellow, Bengio & Courville 2016, §6.2.2.3). Computed by
    log-sum-exp, right for large scores. With class weights the mean is weighted, too. Smoothing
    takes a share of each target and spreads it over all classes (Szegedy et al. 2016, §7).
    """

    title = "Cross-entropy"
    caption = "from logits"
    keywords = ("softmax loss", "categorical", "log loss", "nll", "label smoothing")
    inputs = (Port("prediction", "vector"), Port("target", "labels"))
    reads: ClassVar[Reads] = "softmax"
    targets: str = setting("classes", "What the target gives", choices=("classes", "probabilities"))
    smoothing: float = setting(0.0, "Share of a target spread over all classes", min=0.0, max=1.0)
    class_weights: tuple[float, ...] = setting(
        (), "How much each class counts; empty: all the same", min=0.0, max=1e6
    )
    ignore: int = setting(-1, "Class that does not count; -1: none", min=-1, max=1_000_000)
    samples = (
        sample(prediction=(4, 3), target=labels(4)),
        sample(prediction=(1, 2), target=labels(1), classes=2, settings={"weight": 0.5}),
        sample(prediction=(6, 3), target=labels(6), settings={"smoothing": 0.1}),
        sample(
            prediction=(6, 3), target=(6, 3), positive=True,
            settings={"targets": "probabilities", "smoothing": 0.2},
        ),
        sample(
            prediction=(6, 3), target=labels(6),
            settings={"class_weights": (0.5, 2.0, 1.0), "smoothing": 0.1, "ignore": 1},
        ),
        sample(
            prediction=(4, 2), target=(4, 2), positive=True,
            settings={"targets": "probabilities", "class_weights": (0.5, 2.0), "weight": 0.5},
        ),
        sample(prediction=(2, 3, 4, 2), target=labels(2, 4, 2), settings={"ignore": 0}),
        bad("one for each class", prediction=(4, 1), target=labels(4)),
        bad("put a Flatten", prediction=(4, 3, 2, 2), target=labels(4)),
        bad("one class index a sample", prediction=(4, 3), target=(4, 1)),
        bad("one class index a sample", prediction=(4, 3), target=labels(4, 2)),
        bad("3 weights", prediction=(4, 3), target=labels(4), settings={"class_weights": (1.0,)}),
        bad("below 3", prediction=(4, 3), target=labels(4), settings={"ignore": 3}),
        bad("class indices", prediction=(4, 3), target=(4, 3),
            settings={"targets": "probabilities", "ignore": 0}),
        bad("prediction's shape", prediction=(4, 3), target=(4, 2),
            settings={"targets": "probabilities"}),
    )  # fmt: skip

    def module_template(self, *operands: TensorType) -> str:
        # as a module it would put the class weights among those that are trained
        return "" if self.class_weights else f"nn.CrossEntropyLoss({', '.join(self._torch())})"

    def call_template(self, *operands: TensorType) -> str:
        if not self.class_weights:
            return super().call_template(*operands)
        weights = f"torch.tensor({list(self.class_weights)!r}, dtype={{prediction}}.dtype)"
        call = ", ".join(("{prediction}", "{target}", f"weight={weights}", *self._torch()))
        return f"{'' if self.weight == 1.0 else '{weight} * '}F.cross_entropy({call})"

    def _torch(self) -> list[str]:
        smoothing = [f"label_smoothing={self.smoothing!r}"] if self.smoothing else []
        return smoothing + ([f"ignore_index={self.ignore}"] if self.ignore >= 0 else [])

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        soft = self.targets == "probabilities"
        if soft:
            target = match_target(prediction, target)
        elif prediction.rank <= 2:
            need_classes(prediction.type, target.type)
        else:
            need_class_map(prediction.type, target.type)
        classes = prediction.shape[1]
        self._check_classes(classes, soft)
        if prediction.rank == 2 and not (
            soft or self.smoothing or self.class_weights or self.ignore >= 0
        ):
            return self.mean(softmax_cross_entropy(prediction, target))
        last = (0, *range(2, prediction.rank), 1)
        truth = permute(target, last) if soft else one_hot(target, classes)
        return self._weighted(-log_softmax(permute(prediction, last)), truth, soft)

    def _weighted(self, surprise: Tensor, truth: Tensor, soft: bool) -> Tensor:
        """The mean of −log probabilities …×K over `truth` …×K."""
        weights, classes = self._weights(surprise), surprise.shape[-1]
        counted = truth if self.ignore < 0 else truth * self._others(surprise)
        spread = self.smoothing / classes
        known = reduce_sum(counted, -1, keep=True)  # 0 where it is the class that does not count
        aim = counted * (1.0 - self.smoothing) + spread * known if spread else counted
        if soft and spread:
            aim = truth * (1.0 - self.smoothing) + spread
        each = reduce_sum(surprise * aim * weights, -1)
        if soft or not (self.class_weights or self.ignore >= 0):
            return self.mean(each)
        mean = _share(reduce_sum(each), reduce_sum(counted * weights))
        return mean if self.weight == 1.0 else mean * self.weight

    def _weights(self, like: Tensor) -> Tensor:
        if not self.class_weights:
            return broadcast_to(to_real_scalar(like.builder.constant(1.0)), (1,))
        return vector(like, self.class_weights)

    def _others(self, like: Tensor) -> Tensor:
        return vector(like, [float(k != self.ignore) for k in range(like.shape[-1])])

    def _check_classes(self, classes: int, soft: bool) -> None:
        if self.class_weights and len(self.class_weights) != classes:
            found, expected = f"{len(self.class_weights)} class weights", f"{classes} weights"
            raise ShapeError(found, expected, "give one for each class")
        if self.ignore >= classes:
            expected = f"a class below {classes}"
            raise ShapeError(f"class {self.ignore} to ignore", expected, "set it to -1 for none")
        if self.ignore >= 0 and soft:
            remedy = "set the class to ignore to -1"
            raise ShapeError("probabilities as target", "class indices", remedy, 1)


def _share(total: Tensor, count: Tensor) -> Tensor:
    """total / count; where nothing counts not a number, but no gradient flows, as in PyTorch."""
    some = where(greater(count, 0.0), count, 1.0)
    return total / some + stop_gradient(count / count - 1.0)


def vector(like: Tensor, numbers: Sequence[float]) -> Tensor:
    """Some numbers as a tensor, in the builder of `like`."""
    to = like.builder.constant
    return concat([broadcast_to(to_real_scalar(to(float(n))), (1,)) for n in numbers], 0)


def need_classes(prediction: TensorType, target: TensorType) -> None:
    """Raises ShapeError unless there is a score for each class and one class a sample."""
    need_vector(prediction)
    if prediction.shape[1] < 2:
        remedy = "give the last layer one unit a class, or use the binary kind"
        raise ShapeError("one output a sample", "one for each class", remedy)
    if target.dtype != "int" or target.shape != prediction.shape[:1]:
        remedy = "wire a labels port to `target`"
        raise ShapeError(describe(target), "one class index a sample", remedy, 1)


def need_class_map(prediction: TensorType, target: TensorType) -> None:
    """Raises ShapeError unless there is a class for each place of an image of scores."""
    if target.dtype != "int" or target.shape != (prediction.shape[0], *prediction.shape[2:]):
        need_vector(prediction)


class BinaryCrossEntropy(Loss):
    """−log of the probability given to the truth when it is yes or no, from logits.

    prediction N×1 or N scores before any sigmoid with target N labels 0 or 1, or both N×K with
    targets from 0 to 1; mean over all elements (Goodfellow et al. 2016, §6.2.2.2).
    """

    title = "Binary cross-entropy"
    caption = "from logits"
    keywords = ("logistic loss", "bce", "log loss", "sigmoid", "two classes")
    inputs = (Port("prediction", "vector"), Port("target", "labels"))
    reads: ClassVar[Reads] = "sigmoid"
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


class Regression(Loss, register=False):
    """Base of losses that are a mean over all elements of what each misses by."""

    torch_call = "{module}({prediction}, {target}.reshape({prediction}.shape))"
    samples: ClassVar[Sequence[Sample]] = (
        sample(prediction=(4, 1), target=(4, 1)),
        sample(prediction=(3, 2), target=(3, 2), settings={"weight": 0.25}),
        sample(prediction=(2, 1, 3, 3), target=(2, 1, 3, 3)),
        sample(prediction=(4, 1), target=(4,)),
        bad("prediction's shape", prediction=(4, 2), target=(4, 1)),
        bad("for classes use", prediction=(4, 1), target=labels(4)),
        bad("class labels", prediction=labels(4), target=(4, 1)),
    )

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        return self.mean(self.each(prediction - match_target(prediction, target)))

    def each(self, miss: Tensor) -> Tensor:
        """The loss of each element from prediction − target."""
        raise NotImplementedError


class MeanSquaredError(Regression):
    """Mean of (prediction − target)² over all elements: large misses count most.

    prediction and target have one shape; the unit is the target's, squared.
    """

    title = "Mean squared error"
    keywords = ("mse", "l2", "regression", "least squares", "quadratic")
    torch = "nn.MSELoss()"

    def each(self, miss: Tensor) -> Tensor:
        return miss * miss


class MeanAbsoluteError(Regression):
    """Mean of |prediction − target| over all elements: one wild sample counts no more than others.

    prediction and target have one shape; the unit is the target's. The gradient at 0 is 0.
    """

    title = "Mean absolute error"
    keywords = ("mae", "l1", "regression", "robust", "least absolute deviations")
    torch = "nn.L1Loss()"

    def each(self, miss: Tensor) -> Tensor:
        return absolute(miss)
