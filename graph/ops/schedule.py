"""Schedules: how the learning rate changes as training goes on."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from graph.kinds import Followed, Follower, Schedule
from graph.op import Context, SettingError, setting
from graph.primitives import cos, floor, greater_equal, log, maximum, minimum, power, sqrt, where
from graph.tensor import Tensor

EPOCHS = 1_000_000
MODES = ("min", "max")  # what is better: PyTorch's names


class StepSchedule(Schedule):
    """Multiplies the learning rate by `factor` after every `every` epochs."""

    title = "Step schedule"
    keywords = ("learning rate", "decay", "steplr", "staircase")
    summary = ("every", "factor")
    every: int = setting(10, "Epochs between two drops", min=1, max=EPOCHS, unit="epochs")
    factor: float = setting(0.1, "What a drop multiplies by", above=0.0, max=1.0)
    torch = "torch.optim.lr_scheduler.StepLR({optimizer}, step_size={every}, gamma={factor})"

    def rate(self, ctx: Context) -> Tensor:
        drops = floor(ctx.epoch / float(self.every))
        return power(ctx.builder.constant(self.factor), drops)


class MultiStepSchedule(Schedule):
    """Multiplies the learning rate by `factor` after each of the epochs named."""

    title = "Multi-step schedule"
    keywords = ("learning rate", "decay", "milestones", "staircase")
    summary = ("milestones", "factor")
    milestones: tuple[int, ...] = setting(
        (30, 60), "Epochs after which it drops, rising", min=1, max=EPOCHS, unit="epochs"
    )
    factor: float = setting(0.1, "What a drop multiplies by", above=0.0, max=1.0)
    torch = (
        "torch.optim.lr_scheduler.MultiStepLR({optimizer}, milestones={milestones}, gamma={factor})"
    )

    def check(self) -> None:
        if not self.milestones or list(self.milestones) != sorted(set(self.milestones)):
            raise SettingError("milestones", f"{self.milestones}", "epochs in rising order")

    def rate(self, ctx: Context) -> Tensor:
        drops = ctx.builder.constant(0.0)
        for milestone in self.milestones:
            drops = drops + greater_equal(ctx.epoch, float(milestone))
        return power(ctx.builder.constant(self.factor), drops)


class ExponentialSchedule(Schedule):
    """Multiplies the learning rate by `factor` after every epoch."""

    title = "Exponential schedule"
    keywords = ("learning rate", "decay", "geometric")
    summary = ("factor",)
    factor: float = setting(0.95, "What an epoch multiplies by", above=0.0, max=1.0)
    torch = "torch.optim.lr_scheduler.ExponentialLR({optimizer}, gamma={factor})"

    def rate(self, ctx: Context) -> Tensor:
        return power(ctx.builder.constant(self.factor), ctx.epoch)


class PolynomialSchedule(Schedule):
    """Lowers the learning rate to 0 over the whole run, as a power of what is left of it.

    Step k of K uses (1 − (k − 1)/K)^power of the learning rate; a power of 1 is a straight line.
    """

    title = "Polynomial schedule"
    keywords = ("learning rate", "linear decay", "power")
    summary = ("power",)
    rhythm: ClassVar[Literal["epoch", "step", "score"]] = "step"
    power: float = setting(1.0, "Exponent: 1 is a straight line", above=0.0, max=10.0)
    torch = "torch.optim.lr_scheduler.PolynomialLR({optimizer}, total_iters={steps}, power={power})"

    def rate(self, ctx: Context) -> Tensor:
        return power(1.0 - _done(ctx), self.power)


class CosineSchedule(Schedule):
    """Lowers the learning rate along half a cosine over the whole run (Loshchilov & Hutter 2017).

    Step k of K uses floor + (1 − floor)·(1 + cos(π·(k − 1)/K))/2 of the learning rate.
    """

    title = "Cosine schedule"
    keywords = ("learning rate", "annealing", "decay", "sgdr")
    summary = ("floor",)
    rhythm: ClassVar[Literal["epoch", "step", "score"]] = "step"
    floor: float = setting(0.0, "Share of the learning rate left at the end", min=0.0, max=1.0)
    torch = (
        "torch.optim.lr_scheduler.CosineAnnealingLR({optimizer}, T_max={steps}, "
        "eta_min={floor} * {learning_rate})"
    )

    def rate(self, ctx: Context) -> Tensor:
        return _between(1.0, self.floor, _done(ctx))


class WarmRestartsSchedule(Schedule):
    """Lowers the learning rate along half a cosine, again and again (Loshchilov & Hutter 2017).

    The first turn takes `epochs`, each further one `longer` times as many as the one before it.
    """

    title = "Warm restarts"
    keywords = ("learning rate", "sgdr", "cosine", "cyclic")
    summary = ("epochs", "longer")
    epochs: int = setting(10, "Epochs of the first turn", min=1, max=EPOCHS, unit="epochs")
    longer: int = setting(2, "How much longer each turn is than the last", min=1, max=10)
    floor: float = setting(0.0, "Share of the learning rate left at an end", min=0.0, max=1.0)
    torch = (
        "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts({optimizer}, T_0={epochs}, "
        "T_mult={longer}, eta_min={floor} * {learning_rate})"
    )

    def rate(self, ctx: Context) -> Tensor:
        first, longer = float(self.epochs), float(self.longer)
        if self.longer == 1:
            done = ctx.epoch / first
            return _between(1.0, self.floor, done - floor(done))
        # turns done: those whose lengths, a geometric series, add up to no more than the epoch;
        # the logarithm of a whole number of turns must not fall short of it
        turns = floor(log(ctx.epoch / first * (longer - 1.0) + 1.0) / math.log(longer) + 1e-9)
        length = first * power(ctx.builder.constant(longer), turns)
        begun = (length - first) / (longer - 1.0)
        return _between(1.0, self.floor, (ctx.epoch - begun) / length)


class OneCycleSchedule(Schedule):
    """Raises the learning rate to its full size and lowers it far below (Smith & Topin 2018).

    From 1/start of the learning rate up along half a cosine for the share `rise` of the run, then
    down to 1/(start·end) of it.
    """

    title = "One-cycle schedule"
    keywords = ("learning rate", "super-convergence", "warm-up", "cosine")
    summary = ("rise",)
    rhythm: ClassVar[Literal["epoch", "step", "score"]] = "step"
    rise: float = setting(0.3, "Share of the run in which it rises", above=0.0, below=1.0)
    start: float = setting(25.0, "How much smaller it begins", min=1.0, max=1e9)
    end: float = setting(1e4, "How much smaller than at its beginning it ends", min=1.0, max=1e9)
    torch = (
        "torch.optim.lr_scheduler.OneCycleLR({optimizer}, max_lr={learning_rate}, "
        "total_steps={steps}, pct_start={rise}, div_factor={start}, final_div_factor={end}, "
        "cycle_momentum=False)"
    )

    def rate(self, ctx: Context) -> Tensor:
        low = 1.0 / self.start
        peak = self.rise * ctx.steps - 1.0
        up = (ctx.step - 1.0) / peak
        down = (ctx.step - 1.0 - peak) / (ctx.steps - 1.0 - peak)
        rising = _between(low, 1.0, up)
        return where(greater_equal(1.0 - up, 0.0), rising, _between(1.0, low / self.end, down))


class WarmUpSchedule(Schedule):
    """Raises the learning rate in a straight line over the first steps (Goyal et al. 2017)."""

    title = "Warm-up"
    keywords = ("learning rate", "linear", "ramp", "gradual")
    summary = ("warm_up",)
    rhythm: ClassVar[Literal["epoch", "step", "score"]] = "step"
    warm_up: int = setting(100, "Steps until it is full", min=1, max=1_000_000_000, unit="steps")
    start: float = setting(0.01, "Share of the learning rate at the first step", above=0.0, max=1.0)
    torch = (
        "torch.optim.lr_scheduler.LinearLR({optimizer}, start_factor={start}, "
        "total_iters={warm_up})"
    )

    def rate(self, ctx: Context) -> Tensor:
        share = minimum((ctx.step - 1.0) / float(self.warm_up), 1.0)
        return self.start + (1.0 - self.start) * share


class InverseSqrtSchedule(Schedule):
    """Warms up, then falls with the root of the step: √(w/t) (Vaswani et al. 2017, §5.3)."""

    title = "Inverse square root"
    keywords = ("learning rate", "transformer", "noam", "warm-up")
    summary = ("warm_up",)
    rhythm: ClassVar[Literal["epoch", "step", "score"]] = "step"
    warm_up: int = setting(1000, "Steps w until it is full", min=1, max=1_000_000_000, unit="steps")

    def rate(self, ctx: Context) -> Tensor:
        ahead = float(self.warm_up)
        return minimum(ctx.step / ahead, sqrt(ahead / ctx.step))


class CurveSchedule(Schedule):
    """Follows a curve drawn by hand: shares of the learning rate, evenly over the whole run.

    Between two of them it is a straight line; step 1 uses the first, the end reaches the last.
    """

    title = "Drawn curve"
    keywords = ("learning rate", "points", "piecewise linear", "custom")
    summary = ("shares",)
    rhythm: ClassVar[Literal["epoch", "step", "score"]] = "step"
    shares: tuple[float, ...] = setting(
        (0.1, 1.0, 1.0, 0.3, 0.0), "Shares of the learning rate", min=0.0, max=1000.0
    )

    def check(self) -> None:
        if not 2 <= len(self.shares) <= 100:
            raise SettingError("shares", f"{len(self.shares)} numbers", "2 to 100")

    def rate(self, ctx: Context) -> Tensor:
        place = _done(ctx) * float(len(self.shares) - 1)
        found = ctx.builder.constant(self.shares[0])
        for index, (one, other) in enumerate(zip(self.shares, self.shares[1:], strict=False)):
            if one != other:
                passed = minimum(maximum(place - float(index), 0.0), 1.0)
                found = found + (other - one) * passed
        return found


class PlateauSchedule(Follower):
    """Lowers the learning rate when the held-out loss stops falling, as ReduceLROnPlateau does.

    After more than `patience` epochs without a better score than the best so far, the learning
    rate is multiplied by `factor`, and the next `cooldown` epochs do not count. The score is that
    of the validation samples, or of the training where none are held out.
    """

    title = "Reduce on plateau"
    keywords = ("learning rate", "plateau", "validation loss", "adaptive", "reducelronplateau")
    summary = ("factor", "patience")
    mode: str = setting("min", "Whether a smaller or a larger score is better", choices=MODES)
    factor: float = setting(0.1, "What a drop multiplies by", above=0.0, below=1.0)
    patience: int = setting(10, "Epochs without a better score it waits", max=EPOCHS, min=0)
    threshold: float = setting(1e-4, "Share by which a score must be better", min=0.0, below=1.0)
    cooldown: int = setting(0, "Epochs after a drop that do not count", max=EPOCHS, min=0)
    floor: float = setting(0.0, "Share of the learning rate left at least", min=0.0, max=1.0)
    torch = (
        "torch.optim.lr_scheduler.ReduceLROnPlateau({optimizer}, mode={mode}, factor={factor}, "
        "patience={patience}, threshold={threshold}, cooldown={cooldown}, "
        "min_lr={floor} * {learning_rate}, eps=0.0)"
    )
    numpy_follow = (
        "follow_plateau({seen}, {score}, {mode}, {factor}, {patience}, {threshold}, {cooldown}, "
        "{floor})"
    )

    def follow(self, seen: Followed, score: float) -> Followed:
        worst = math.inf if self.mode == "min" else -math.inf
        best, bad, rest = worst if seen.best is None else seen.best, seen.bad, seen.rest
        if self._better(score, best):
            best, bad = score, 0
        else:
            bad += 1
        if rest:
            bad, rest = 0, rest - 1
        if bad > self.patience:
            return Followed(max(seen.share * self.factor, self.floor), best, 0, self.cooldown)
        return Followed(seen.share, best, bad, rest)

    def _better(self, score: float, best: float) -> bool:
        if self.mode == "min":
            return score < best * (1.0 - self.threshold)
        return score > best * (1.0 + self.threshold)


def _done(ctx: Context) -> Tensor:
    """Share of the run before this step."""
    return (ctx.step - 1.0) / ctx.steps


def _between(start: float, end: float, share: Tensor) -> Tensor:
    """From `start` to `end` along half a cosine."""
    return end + (0.5 * (start - end)) * (1.0 + cos(math.pi * share))
