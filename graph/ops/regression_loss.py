"""Losses for numbers: how far a prediction is from a target of the same shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from graph.op import Sample, bad, labels, sample, setting
from graph.ops.loss import Loss, match_target
from graph.primitives import absolute, exp, less, log, softplus, where
from graph.tensor import Tensor

_MISS = "{prediction} - {target}.reshape({prediction}.shape)"


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


class Huber(Regression):
    """Squared for small misses, straight for large ones: robust, and smooth at 0 (Huber 1964).

    ½·d² up to |d| = delta, then delta·(|d| − ½·delta), d = prediction − target.
    """

    keywords = ("robust", "regression", "outliers")
    summary = ("delta",)
    delta: float = setting(1.0, "Miss from which it is a straight line", above=0.0, max=1e6)
    torch = "nn.HuberLoss(delta={delta})"
    samples = (
        *Regression.samples,
        sample(prediction=(4, 1), target=(4, 1), settings={"delta": 0.5}),
    )

    def each(self, miss: Tensor) -> Tensor:
        size = absolute(miss)
        straight = self.delta * (size - 0.5 * self.delta)
        return where(less(size, self.delta), 0.5 * (miss * miss), straight)


class SmoothL1(Regression):
    """Huber's loss over its bend: near the absolute error away from 0 (Girshick 2015).

    ½·d²/beta up to |d| = beta, then |d| − ½·beta, d = prediction − target.
    """

    title = "Smooth L1"
    keywords = ("robust", "regression", "huber", "box")
    summary = ("beta",)
    beta: float = setting(1.0, "Miss from which it is a straight line", above=0.0, max=1e6)
    torch = "nn.SmoothL1Loss(beta={beta})"
    samples = (
        *Regression.samples,
        sample(prediction=(4, 1), target=(4, 1), settings={"beta": 0.5}),
    )

    def each(self, miss: Tensor) -> Tensor:
        size = absolute(miss)
        bent = (0.5 / self.beta) * (miss * miss)
        return where(less(size, self.beta), bent, size - 0.5 * self.beta)


class LogCosh(Regression):
    """log cosh of the miss: squared near 0, straight far from it, smooth everywhere."""

    title = "Log cosh"
    keywords = ("robust", "regression", "smooth", "hyperbolic cosine")
    torch_call = (
        f"((F.softplus(-2 * ({_MISS}), threshold=36) + {_MISS}).mean() - 0.6931471805599453)"
    )

    def each(self, miss: Tensor) -> Tensor:
        # |d| + log(1 + e^(−2|d|)) − log 2: cosh itself would overflow
        return softplus(-2.0 * miss) + miss - math.log(2.0)


class PoissonLoss(Loss):
    """−log probability of a count under a Poisson distribution (Cameron & Trivedi 1998, §3.2).

    prediction is the log of the rate, or the rate itself, target a count from 0 up, of one shape.
    """

    title = "Poisson"
    keywords = ("counts", "regression", "nll", "rate")
    summary = ("log_rate",)
    log_rate: bool = setting(True, "The prediction is the logarithm of the rate")
    full: bool = setting(False, "Add Stirling's log of the factorial, which trains nothing")
    epsilon: float = setting(
        1e-8, "Keeps the logarithm of a rate finite", above=0.0, max=1.0, advanced=True
    )
    torch = "nn.PoissonNLLLoss(log_input={log_rate}, full={full}, eps={epsilon})"
    torch_call = Regression.torch_call
    samples = (
        *Regression.samples[:4],
        sample(
            prediction=(4, 1), target=(4, 1), positive=True,
            settings={"log_rate": False, "full": True},
        ),
        *Regression.samples[4:],
    )  # fmt: skip

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        count = match_target(prediction, target)
        if self.log_rate:
            loss = exp(prediction) - count * prediction
        else:
            loss = prediction - count * log(prediction + self.epsilon)
        if self.full:
            several = where(less(1.0 - count, 0.0), count, 2.0)
            stirling = several * log(several) - several + 0.5 * log(2.0 * math.pi * several)
            loss = loss + where(less(1.0 - count, 0.0), stirling, 0.0)
        return self.mean(loss)
