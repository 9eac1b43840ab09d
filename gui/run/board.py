"""What is known of the run of a document: the numbers that bars, docks and canvas show. No Qt.

One thread takes events from the trainer and writes here; views of the same thread read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from compute.events import (
    EpochDone,
    Event,
    Failed,
    Finished,
    LiveChanged,
    Paused,
    Progress,
    Resumed,
    Started,
    Swapped,
    Tap,
    Tapped,
    Warned,
)
from compute.series import Means, Series

State = Literal["idle", "preparing", "running", "paused", "finished", "stopped", "failed"]
MOST_LOSSES = 1 << 16  # more than pixels by far; 3 ms to draw anew
MOST_EPOCHS = 1 << 14
MOST_EACH = 1 << 12  # of each of several losses: for sparklines
MOST_NORMS = 1 << 11  # of each tensor, and there may be thousands


@dataclass
class Curves:
    """One run's history: `losses` of the steps from `first` on; metrics by name at epoch ends.

    `each` holds those of each of several loss nodes, by path, since the window heard of them.

    `epoch_steps[k]` is the step after which `metrics[name][k]` was taken (NaN where one lacks). Of
    a long run they are means of several steps and epochs; see Means.
    """

    run: str = ""
    first: int = 0
    losses: Means = field(default_factory=lambda: Means(MOST_LOSSES))
    each: dict[str, Means] = field(default_factory=dict)
    epoch_steps: Means = field(default_factory=lambda: Means(MOST_EPOCHS))
    metrics: dict[str, Means] = field(default_factory=dict)

    def of(self, path: str) -> Means:
        """The losses of one node: of all together where it is the only one, none of one that is
        not trained.
        """
        return self.each.get(path, Means(MOST_EACH)) if self.each else self.losses

    def add_epoch(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add one epoch's metrics."""
        before = self.epoch_steps.taken
        self.epoch_steps.add(step)
        for name in [*self.metrics, *(name for name in metrics if name not in self.metrics)]:
            series = self.metrics.setdefault(name, Means(MOST_EPOCHS))
            if series.taken < before:
                series.extend(np.full(before - series.taken, np.nan))
            series.add(metrics.get(name, np.nan))


def short_name(run: str) -> str:
    """A run's name as short as a legend wants it: digits-cnn-27 is run 27."""
    number = run.rpartition("-")[2]
    return f"run {number}" if number.isdigit() else run


@dataclass
class Norms:
    """The norm of one tensor over time, as it was watched: of a long run at fewer steps."""

    steps: Series = field(default_factory=Series)
    values: Series = field(default_factory=Series)

    def add(self, step: int, norm: float) -> None:
        """Add what was seen after a step."""
        self.steps.add(step)
        self.values.add(norm)
        if len(self.steps) >= MOST_NORMS:
            self.steps.thin()
            self.values.thin()


@dataclass
class Board:
    """The present run of one document, and the one before it."""

    state: State = "idle"
    started: Started | None = None
    preparing: str = ""
    share: float = 0.0  # of the preparation, 0 to 1
    step: int = 0
    epoch: int = 0
    samples_per_second: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    live: dict[str, float] = field(default_factory=dict)  # settings changed while it runs
    message: str = ""  # why it failed, or the last warning
    failed_at: str = ""  # NodePath
    reason: str = ""  # what early stopping did
    curves: Curves = field(default_factory=Curves)
    previous: Curves | None = None
    chosen: tuple[Curves, ...] = ()  # recorded runs to be shown beside the present one
    run: str = ""  # the last one that began, and its workspace
    workspace: Path | None = None
    older: Curves | None = None  # previous before the present run was asked for
    taps: dict[str, Tap] = field(default_factory=dict)  # newest of each watched tensor
    tap_step: int = 0
    norms: dict[str, Norms] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether a run is under way: preparing, running or paused."""
        return self.state in ("preparing", "running", "paused")

    @property
    def steps(self) -> int:
        """Steps of the whole run; 0 before one has started."""
        return self.started.steps if self.started else 0

    @property
    def epochs(self) -> int:
        """Epochs of the whole run; 0 before one has started."""
        return self.started.epochs if self.started else 0

    @property
    def seconds_left(self) -> float:
        """Time to the end at the present speed; NaN when unknown."""
        if not (self.started and self.samples_per_second > 0 and self.steps):
            return float("nan")
        samples = self.started.samples * self.started.epochs
        return samples * (1 - self.step / self.steps) / self.samples_per_second

    def begin(self) -> None:
        """A new run is asked for: what there was becomes the previous run."""
        self.older = self.previous
        if len(self.curves.losses):
            self.previous = self.curves
        self.state, self.started, self.preparing, self.share = "preparing", None, "", 0.0
        self.step = self.epoch = self.tap_step = 0
        self.samples_per_second, self.message, self.failed_at, self.reason = 0.0, "", "", ""
        self.metrics, self.live, self.taps, self.norms = {}, {}, {}, {}
        self.curves = Curves()

    def prepare(self, done: int, total: int) -> None:
        """So many kernels are compiled; until all are, no step is done."""
        if self.state == "running":
            self.state = "preparing"
        self.preparing, self.share = f"Compiling kernels {done}/{total}", done / max(1, total)

    def recall(
        self, steps_per_epoch: int, history: Mapping[int, Mapping[str, float]], losses: Means
    ) -> None:
        """What the run had measured, by epoch from 1 and by step, before it goes on."""
        self.curves.losses = losses
        for epoch, metrics in sorted(history.items()):
            self.curves.add_epoch(epoch * steps_per_epoch, metrics)
            self.metrics = dict(metrics)

    def take(self, event: Event) -> None:
        """Write down what an event tells."""
        match event:
            case Started():
                self.state, self.started, self.step = "running", event, event.step
                self.preparing = ""
                self.epoch = event.step // max(1, event.steps_per_epoch)
                self.curves.run = event.run
                self.curves.first = event.step - self.curves.losses.taken
                if self.previous is not None and self.previous.run == event.run:
                    self.previous = self.older  # a run that goes on is not the one before it
            case Progress():
                if self.state == "preparing":
                    self.state, self.preparing = "running", ""
                self.step, self.epoch = event.step, event.epoch
                self.samples_per_second = event.samples_per_second
                self.curves.losses.extend(event.losses)
                for path, losses in event.each.items():
                    self.curves.each.setdefault(path, Means(MOST_EACH)).extend(losses)
            case EpochDone():
                self.epoch, self.metrics = event.epoch, dict(event.metrics)
                self.curves.add_epoch(event.step, event.metrics)
            case Paused():
                self.state = "paused"
            case Resumed():
                self.state = "running"
            case Swapped():
                self._swapped(event)
            case LiveChanged():
                self.live[event.key] = event.value
            case Tapped():
                self._tapped(event)
            case Warned():
                self.message, self.preparing = event.message, ""
            case Failed():
                self.state, self.message, self.failed_at = "failed", event.message, event.path
            case Finished():
                self.preparing = ""
                self.state = "stopped" if event.stopped else "finished"
                self.metrics = dict(event.metrics) or self.metrics
                self.reason = event.reason

    def _swapped(self, event: Swapped) -> None:
        self.preparing, self.taps, self.norms = "", {}, {}
        if self.started is not None:
            self.started = replace(
                self.started,
                steps=event.steps,
                epochs=event.epochs,
                parameters=event.parameters,
            )

    def _tapped(self, event: Tapped) -> None:
        self.tap_step = event.step
        for tap in event.taps:
            self.taps[tap.name] = tap
            self.norms.setdefault(tap.name, Norms()).add(event.step, tap.norm)
