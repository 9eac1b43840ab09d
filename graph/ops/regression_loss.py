"""Further losses for numbers: robust ones, and one for counts."""

from __future__ import annotations

import math

from graph.op import sample, setting
from graph.ops.loss import Loss, Regression, match_target
from graph.primitives import absolute, exp, greater, less, log, softplus, where
from graph.tensor import Tensor

_MISS = "{prediction} - {target}.reshape({prediction}.shape)"


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


class PinballLoss(Regression):
    """Least for a quantile of the targets, not their mean: intervals (Koenker & Bassett 1978).

    q·d where the target lies d above the prediction, (1 − q)·d where it lies d below.
    """

    title = "Pinball"
    keywords = ("quantile regression", "interval", "forecast", "median", "asymmetric")
    summary = ("quantile",)
    quantile: float = setting(0.5, "Share of targets that shall lie below", above=0.0, below=1.0)
    torch_call = (
        f"torch.where({_MISS} > 0, (1 - {{quantile}}) * ({_MISS}),"
        f" -{{quantile}} * ({_MISS})).mean()"
    )
    samples = (
        *Regression.samples,
        sample(prediction=(4, 1), target=(4, 1), settings={"quantile": 0.9}),
    )

    def each(self, miss: Tensor) -> Tensor:
        return where(greater(miss, 0.0), (1.0 - self.quantile) * miss, -self.quantile * miss)


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
