"""Bases of node types that are not plain layers: data, optimizers, schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from graph.op import Context, Op, Port, Role, setting
from graph.primitives import greater, maximum, minimum, reduce_sum, sqrt, where
from graph.program import TensorType
from graph.tensor import Tensor

AVERAGE = "average"  # the running array that holds the mean of a parameter
SUM = "gathered"  # the one that holds the gradients of steps since the last update
TINY_NORM = 1e-6  # added to a length before it divides, as PyTorch does


class DataSource(Op, register=False):
    """A node whose outputs are columns of a data set, one row a sample."""

    role: ClassVar[Role] = "data"
    family = "data"
    inputs = ()

    def sample_types(self) -> Mapping[str, TensorType]:
        """What one sample gives at each output port: its shape without the batch axis."""
        raise NotImplementedError

    def class_names(self) -> tuple[str, ...]:
        """Names of the classes of a classification target; empty for other targets."""
        return ()

    def id_count(self, port: str) -> int:
        """How many ids the integers at a port are, counted from 0; 0 where that is not known."""
        return 0


class Optimizer(Op, register=False):
    """A node that trains the weights upstream of the losses wired to it.

    `torch` makes its PyTorch counterpart: `torch.optim.Adam({params}, lr={learning_rate})`.
    """

    role: ClassVar[Role] = "optimizer"
    family = "optimizer"
    category, icon = "Optimizer", "optimizer"
    inputs = (Port("loss", "loss", many=True), Port("schedule", "any", optional=True))
    outputs = ()
    full_batch: ClassVar[bool] = False  # every step is of all training samples
    # running arrays it keeps for each parameter, all starting at zero
    slots: ClassVar[tuple[str, ...]] = ()
    summary: ClassVar[tuple[str, ...]] = ("learning_rate",)
    learning_rate: float = setting(0.001, "Size of a step", min=0.0, max=1e6, live=True)
    trains: tuple[str, ...] = setting(
        (), "Ids of the nodes or frames it trains; empty: all upstream of its losses", advanced=True
    )
    order: int = setting(0, "Phases run from the lowest order up", min=0, max=1000, advanced=True)
    every: int = setting(
        1, "Run this phase only every so many steps", min=1, max=1_000_000, advanced=True
    )
    fresh_batch: bool = setting(False, "Draw a batch of its own", advanced=True)
    accumulate: int = setting(
        1,
        "Steps whose gradients are averaged before one update: larger batches in less memory",
        min=1,
        max=1_000_000,
        unit="steps",
        advanced=True,
        label="accumulate gradients over",
    )
    ema_decay: float = setting(
        0.0,
        "Validation, predictions and exports use a running mean of the weights that keeps this "
        "share at each step; 0: the weights as they are. Running values of normalisations are not "
        "averaged",
        min=0.0,
        below=1.0,
        advanced=True,
        label="average of the weights",
    )
    clip_norm: float | None = setting(
        None,
        "All gradients, as one vector, are shortened to this length; free: no limit",
        above=0.0,
        max=1e6,
        advanced=True,
    )
    clip_value: float | None = setting(
        None,
        "Then each number of a gradient is held between this and its negative; free: no limit",
        above=0.0,
        max=1e6,
        advanced=True,
    )

    def slot_names(self) -> tuple[str, ...]:
        """`slots`, unless the settings make some of them needless."""
        return self.slots

    def kept_names(self) -> tuple[str, ...]:
        """Every running array beside a parameter: the slots, then the mean of the parameter and the
        sum of gradients.
        """
        return (
            *self.slot_names(),
            *((AVERAGE,) if self.ema_decay else ()),
            *((SUM,) if self.accumulate > 1 else ()),
        )

    def averaged(self, p: Tensor, average: Tensor, ctx: Context) -> Tensor:
        """The running mean of a parameter with one more; the first is taken as it is."""
        kept = where(greater(ctx.step, 1.0), self.ema_decay, 0.0)
        return kept * average + (1.0 - kept) * p

    def shortened(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """All gradients, by one factor no longer than `clip_norm` (Pascanu et al. 2013, alg. 1)."""
        if self.clip_norm is None:
            return list(gradients)
        first, *others = (reduce_sum(g * g) for g in gradients)
        length = sqrt(sum(others, first))
        factor = minimum(self.clip_norm / (length + TINY_NORM), 1.0)
        return [g * factor for g in gradients]

    def held(self, g: Tensor) -> Tensor:
        """One gradient within ±`clip_value`."""
        if self.clip_value is None:
            return g
        return maximum(minimum(g, self.clip_value), -self.clip_value)

    def step(
        self, p: Tensor, g: Tensor, *slots: Tensor, rate: Tensor, ctx: Context
    ) -> tuple[Tensor, ...]:
        """(new parameter, new slots …) from the parameter, its gradient and its slots.

        Elementwise rows, and `norm` of anything (one number a parameter); `rate` is the learning
        rate times the schedule, a host scalar.
        """
        raise NotImplementedError


class Schedule(Op, register=False):
    """A node that scales an optimizer's learning rate as training goes on.

    `torch` makes its PyTorch counterpart, which is stepped after each epoch or each step, or after
    each epoch with its score.
    """

    role: ClassVar[Role] = "schedule"
    rhythm: ClassVar[Literal["epoch", "step", "score"]] = "epoch"
    family = "optimizer"
    category, icon = "Schedule", "schedule"
    inputs = ()
    outputs = (Port("rate", "any"),)

    def rate(self, ctx: Context) -> Tensor:
        """The factor on the learning rate at `ctx.step` / `ctx.epoch`, a host scalar."""
        raise NotImplementedError


@dataclass(frozen=True)
class Followed:
    """How far a schedule that follows a score is: the share of the learning rate it has left, the
    best score, epochs without a better one, and epochs of rest to come.
    """

    share: float = 1.0
    best: float | None = None
    bad: int = 0
    rest: int = 0


class Follower(Schedule, register=False):
    """A schedule that follows a score of each epoch; the trainer keeps its state.

    `numpy_follow` is `follow` in a NumPy file: {seen} and its result are the fields of `Followed`
    as a tuple.
    """

    numpy_follow: ClassVar[str] = ""
    SHARE: ClassVar[str] = "rate_share"  # the live number it is read from
    rhythm: ClassVar[Literal["epoch", "step", "score"]] = "score"
    monitor: str = setting("loss", "The score it follows: loss, accuracy … of the held-out samples")

    def live_settings(self) -> dict[str, float]:
        return super().live_settings() | {self.SHARE: 1.0}

    def rate(self, ctx: Context) -> Tensor:
        return ctx.live(self.SHARE)

    def follow(self, seen: Followed, score: float) -> Followed:
        """The state after an epoch with this score."""
        raise NotImplementedError
