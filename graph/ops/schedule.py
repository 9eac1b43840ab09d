"""Schedules: how the learning rate changes as training goes on."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from graph.kinds import Schedule
from graph.op import Context, setting
from graph.primitives import cos, floor, power
from graph.tensor import Tensor


class StepSchedule(Schedule):
    """Multiplies the learning rate by `factor` after every `every` epochs."""

    title = "Step schedule"
    keywords = ("learning rate", "decay", "steplr", "staircase")
    summary = ("every", "factor")
    every: int = setting(10, "Epochs between two drops", min=1, max=1_000_000, unit="epochs")
    factor: float = setting(0.1, "What a drop multiplies by", above=0.0, max=1.0)
    torch = "torch.optim.lr_scheduler.StepLR({optimizer}, step_size={every}, gamma={factor})"

    def rate(self, ctx: Context) -> Tensor:
        drops = floor(ctx.epoch / float(self.every))
        return power(ctx.builder.constant(self.factor), drops)


class CosineSchedule(Schedule):
    """Lowers the learning rate along half a cosine over the whole run (Loshchilov & Hutter 2017).

    Step k of K uses floor + (1 − floor)·(1 + cos(π·(k − 1)/K))/2 of the learning rate.
    """

    title = "Cosine schedule"
    keywords = ("learning rate", "annealing", "decay", "sgdr")
    summary = ("floor",)
    rhythm: ClassVar[Literal["epoch", "step"]] = "step"
    floor: float = setting(0.0, "Share of the learning rate left at the end", min=0.0, max=1.0)
    torch = (
        "torch.optim.lr_scheduler.CosineAnnealingLR({optimizer}, T_max={steps}, "
        "eta_min={floor} * {learning_rate})"
    )

    def rate(self, ctx: Context) -> Tensor:
        done = (ctx.step - 1.0) / ctx.steps
        return self.floor + (0.5 - 0.5 * self.floor) * (1.0 + cos(math.pi * done))
