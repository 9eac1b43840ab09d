"""Further losses for classes: from probabilities, and for rare classes."""

from __future__ import annotations

from typing import ClassVar

from graph.op import Port, bad, labels, sample, setting
from graph.ops.loss import (
    BinaryCrossEntropy,
    Loss,
    Reads,
    binary_target,
    match_target,
    need_class_map,
    need_classes,
)
from graph.primitives import (
    exp,
    greater,
    less,
    log,
    log_softmax,
    maximum,
    one_hot,
    permute,
    reduce_max,
    reduce_sum,
    softplus,
    stop_gradient,
    where,
)
from graph.program import TensorType
from graph.tensor import Tensor

TRUTH = "{target}.reshape({prediction}.shape).to({prediction}.dtype)"
# the logarithm of a number below it is not taken: single precision knows none that is smaller
_LEAST = 1.2e-38
CLASSES = (Port("prediction", "vector"), Port("target", "labels"))


def picked(prediction: Tensor, target: Tensor) -> Tensor:
    """The number given to the class of each sample, …×1, even where others are infinite."""
    truth = one_hot(target, prediction.shape[-1])
    return reduce_sum(where(truth, prediction, 0.0), -1, keep=True)


class BinaryCrossEntropyOfProbabilities(Loss):
    """−log of the probability given to the truth when it is yes or no, after a sigmoid.

    prediction N×1 or N probabilities of yes with target N labels 0 or 1, or both N×K with targets
    from 0 to 1; mean over all elements. No logarithm is below −100, and where it would be the
    gradient is 0. From the scores before the sigmoid, Binary cross-entropy keeps more digits
    (Goodfellow et al. 2016, §6.2.2.2).
    """

    title = "BCE of probabilities"
    caption = "from probabilities"
    keywords = ("binary cross-entropy", "logistic loss", "log loss", "two classes")
    inputs = CLASSES
    reads: ClassVar[Reads] = "probability"
    torch = "nn.BCELoss()"
    torch_call = f"{{module}}({{prediction}}, {TRUTH})"
    samples = (
        sample(prediction=(4, 1), target=labels(4), classes=2, shares=True),
        sample(prediction=(4,), target=labels(4), classes=2, shares=True, settings={"weight": 2.0}),
        sample(prediction=(3, 2), target=(3, 2), shares=True),
        *BinaryCrossEntropy.samples[3:],
    )

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        truth = binary_target(prediction, target)
        yes, no = _log(prediction), _log(1.0 - prediction)
        return self.mean(-(truth * yes + (1.0 - truth) * no))


def _log(share: Tensor) -> Tensor:
    """The logarithm of a probability, −100 at 0."""
    return where(less(share, _LEAST), -100.0, log(maximum(share, _LEAST)))


class NegativeLogLikelihood(Loss):
    """Minus the log-probability given to the true class, after a log softmax; mean over the batch.

    prediction N×K log-probabilities, target N class indices below K; of images N×K×H×W with
    N×H×W. Cross-entropy does both at once (Goodfellow et al. 2016, §6.2.2.3).
    """

    title = "Negative log-likelihood"
    caption = "from log-probabilities"
    keywords = ("nll", "categorical", "log loss", "likelihood")
    inputs = CLASSES
    reads: ClassVar[Reads] = "softmax"  # which changes no log-probabilities
    torch = "nn.NLLLoss()"
    samples = (
        sample(prediction=(4, 3), target=labels(4)),
        sample(prediction=(1, 2), target=labels(1), classes=2, settings={"weight": 0.5}),
        sample(prediction=(2, 3, 4, 2), target=labels(2, 4, 2)),
        bad("one for each class", prediction=(4, 1), target=labels(4)),
        bad("put a Flatten", prediction=(4, 3, 2, 2), target=labels(4)),
        bad("one class index a sample", prediction=(4, 3), target=(4, 3)),
    )

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        check = need_classes if prediction.rank <= 2 else need_class_map
        check(prediction.type, target.type)
        last = (0, *range(2, prediction.rank), 1)
        return self.mean(-picked(permute(prediction, last), target))


class KLDivergence(Loss):
    """Σ t·log(t / p): what it costs to take p for the true distribution t (Kullback & Leibler).

    prediction log-probabilities, or probabilities where the setting says so, target probabilities,
    of one shape; added up in each sample, mean over the batch. What has probability 0 in the target
    costs nothing (Goodfellow et al. 2016, §3.13).
    """

    title = "KL divergence"
    keywords = ("kullback-leibler", "relative entropy", "distillation", "distribution")
    summary = ("logarithms",)
    logarithms: bool = setting(True, "The prediction is the logarithm of probabilities")
    samples = (
        sample(prediction=(4, 3), target=(4, 3), shares=True),
        sample(
            prediction=(4, 3), target=(4, 3), shares=True,
            settings={"logarithms": False, "weight": 0.5},
        ),
        sample(prediction=(2, 3, 2, 2), target=(2, 3, 2, 2), shares=True),
        bad("prediction's shape", prediction=(4, 2), target=(4, 3)),
        bad("for classes use", prediction=(4, 3), target=labels(4)),
        bad("class labels", prediction=labels(4), target=(4, 3)),
    )  # fmt: skip
    torch = 'nn.KLDivLoss(reduction="batchmean")'

    def reading(self) -> Reads:
        return "softmax" if self.logarithms else "probabilities"

    def call_template(self, *operands: TensorType) -> str:
        given = "{prediction}" if self.logarithms else f"{{prediction}}.clamp_min({_LEAST}).log()"
        call = f"{{module}}({given}, {{target}}.reshape({{prediction}}.shape))"
        return call if self.weight == 1.0 else f"{{weight}} * {call}"

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        share = match_target(prediction, target)
        given = prediction if self.logarithms else log(maximum(prediction, _LEAST))
        counts = greater(share, 0.0)
        each = share * (log(maximum(share, _LEAST)) - where(counts, given, 0.0))
        cost = where(counts, each, 0.0)
        return self.mean(reduce_sum(cost, range(1, cost.rank)))


class BinaryFocal(Loss):
    """Binary cross-entropy that lets go of what is right already: for rare cases (Lin et al. 2017).

    −a·(1 − p)^gamma · log p, p the probability of the truth from logits, a = alpha for yes and
    1 − alpha for no; shapes as for Binary cross-entropy, mean over all elements.
    """

    title = "Binary focal"
    caption = "from logits"
    keywords = ("imbalance", "retinanet", "detection", "hard examples", "rare")
    inputs = CLASSES
    reads: ClassVar[Reads] = "sigmoid"
    gamma: float = setting(2.0, "How soon what is right stops to count; 0: never", min=0.0, max=20)
    alpha: float = setting(0.25, "Share of yes in the sum; 0.5: as much as no", min=0.0, max=1.0)
    samples = (
        sample(prediction=(4, 1), target=labels(4), classes=2),
        sample(
            prediction=(4,), target=labels(4), classes=2, settings={"gamma": 0.5, "weight": 2.0}
        ),
        sample(prediction=(3, 2), target=(3, 2), shares=True, settings={"alpha": 0.5}),
        *BinaryCrossEntropy.samples[3:],
    )

    def call_template(self, *operands: TensorType) -> str:
        yes = "F.logsigmoid({prediction})"
        no = "F.logsigmoid(-{prediction})"
        sides = (
            f"{{alpha}} * {TRUTH} * {yes} * torch.exp({{gamma}} * {no})",
            f"(1 - {{alpha}}) * (1 - {TRUTH}) * {no} * torch.exp({{gamma}} * {yes})",
        )
        factor = "-" if self.weight == 1.0 else "-{weight} * "
        return f"{factor}({' + '.join(sides)}).mean()"

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        truth = binary_target(prediction, target)
        yes, no = softplus(-prediction), softplus(prediction)
        # −log p of yes and no: powers of 1 − p itself have no slope where it is 0
        missed = truth * self.alpha * yes * exp(-self.gamma * no)
        false = (1.0 - truth) * (1.0 - self.alpha) * no * exp(-self.gamma * yes)
        return self.mean(missed + false)


class Focal(Loss):
    """Cross-entropy that lets go of what is right already: for rare classes (Lin et al. 2017).

    −(1 − p)^gamma · log p, p the probability of the true class from logits; prediction N×K scores
    before any softmax, target N class indices below K; mean over the batch.
    """

    caption = "from logits"
    keywords = ("imbalance", "retinanet", "detection", "hard examples", "rare")
    inputs = CLASSES
    reads: ClassVar[Reads] = "softmax"
    gamma: float = setting(2.0, "How soon what is right stops to count; 0: never", min=0.0, max=20)
    samples = (
        sample(prediction=(4, 3), target=labels(4)),
        sample(prediction=(5, 2), target=labels(5), classes=2, settings={"gamma": 0.5}),
        sample(prediction=(5, 4), target=labels(5), settings={"gamma": 0.0, "weight": 0.5}),
        bad("one for each class", prediction=(4, 1), target=labels(4)),
        bad("put a Flatten", prediction=(4, 3, 2, 2), target=labels(4)),
        bad("one class index a sample", prediction=(4, 3), target=(4, 3)),
    )

    def call_template(self, *operands: TensorType) -> str:
        truth = "F.one_hot({target}, {prediction.shape[1]}).bool()"
        others = f"{{prediction}}.masked_fill({truth}, -torch.inf).logsumexp(1)"
        wrong = f"torch.exp({{gamma}} * ({others} - {{prediction}}.logsumexp(1)))"
        call = f'({wrong} * F.cross_entropy({{prediction}}, {{target}}, reduction="none")).mean()'
        return call if self.weight == 1.0 else f"{{weight}} * {call}"

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        need_classes(prediction.type, target.type)
        right = picked(log_softmax(prediction), target)
        total = picked(prediction, target) - right
        # log(1 − p) from the other classes alone: 1 − p would be 0 for large scores
        others = where(one_hot(target, prediction.shape[1]), -1e30, prediction)
        most = stop_gradient(reduce_max(others, -1, keep=True))
        wrong = log(reduce_sum(exp(others - most), -1, keep=True)) + most - total
        return self.mean(-right * exp(self.gamma * wrong))
