"""What is known of the run of a document: the numbers that bars, docks and canvas show. No Qt.

One thread takes events from the trainer and writes here; views of the same thread read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

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

State = Literal["idle", "preparing", "running", "paused", "finished", "stopped", "failed"]
Floats = NDArray[np.float64]
MOST_LOSSES = 1 << 18  # more than pixels by far; 10 ms to draw anew
MOST_NORMS = 1 << 14


class Series:
    """Numbers that grow: one array with room to spare, so reading costs nothing."""

    def __init__(self) -> None:
        self._room: Floats = np.empty(1024)
        self._count = 0

    def extend(self, values: object) -> None:
        """Add numbers at the end."""
        new = np.asarray(values, np.float64).reshape(-1)
        need = self._count + len(new)
        if need > len(self._room):
            room = np.empty(max(need, 2 * len(self._room)))
            room[: self._count] = self._room[: self._count]
            self._room = room
        self._room[self._count : need] = new
        self._count = need

    @property
    def values(self) -> Floats:
        """A view of all numbers so far."""
        return self._room[: self._count]

    def thin(self) -> None:
        """Keep every second number, the last among them."""
        self._replace(self.values[1 - self._count % 2 :: 2].copy())

    def _replace(self, values: Floats) -> None:
        self._room[: len(values)] = values
        self._count = len(values)

    def __len__(self) -> int:
        return self._count


class Losses(Series):
    """The losses of a run of any length in bounded room: of each `stride` steps the mean.

    `stride` doubles whenever MOST_LOSSES are reached; `steps` counts all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stride, self.steps = 1, 0
        self._rest: Floats = np.empty(0)  # of a stride that is not full yet

    def extend(self, values: object) -> None:
        new = np.asarray(values, np.float64).reshape(-1)
        self.steps += len(new)
        new = np.concatenate([self._rest, new])
        whole = len(new) // self.stride * self.stride
        self._rest = new[whole:].copy()
        super().extend(_means(new[:whole], self.stride))
        while len(self) >= MOST_LOSSES:
            even = len(self) // 2 * 2
            spare = np.repeat(self.values[even:], self.stride)
            self._rest = np.concatenate([spare, self._rest])
            self._replace(_means(self.values[:even], 2))
            self.stride *= 2


def _means(values: Floats, size: int) -> Floats:
    with np.errstate(invalid="ignore"):
        means: Floats = values.reshape(-1, size).mean(axis=1)
    return means


@dataclass
class Curves:
    """One run's history: `losses` of the steps from `first` on; metrics by name at epoch ends.

    `epoch_steps[k]` is the step after which `metrics[name][k]` was taken (NaN where one lacks).
    """

    run: str = ""
    first: int = 0
    losses: Losses = field(default_factory=Losses)
    epoch_steps: Series = field(default_factory=Series)
    metrics: dict[str, Series] = field(default_factory=dict)

    def add_epoch(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add one epoch's metrics."""
        before = len(self.epoch_steps)
        self.epoch_steps.extend([step])
        for name in {*self.metrics, *metrics}:
            series = self.metrics.setdefault(name, Series())
            series.extend(np.full(before - len(series), np.nan))
            series.extend([metrics.get(name, np.nan)])


@dataclass
class Norms:
    """The norm of one tensor over time, as it was watched: of a long run at fewer steps."""

    steps: Series = field(default_factory=Series)
    values: Series = field(default_factory=Series)

    def add(self, step: int, norm: float) -> None:
        """Add what was seen after a step."""
        self.steps.extend([step])
        self.values.extend([norm])
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
    curves: Curves = field(default_factory=Curves)
    previous: Curves | None = None
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
        if len(self.curves.losses):
            self.previous = self.curves
        self.state, self.started, self.preparing, self.share = "preparing", None, "", 0.0
        self.step = self.epoch = self.tap_step = 0
        self.samples_per_second, self.message, self.failed_at = 0.0, "", ""
        self.metrics, self.live, self.taps, self.norms = {}, {}, {}, {}
        self.curves = Curves()

    def prepare(self, done: int, total: int) -> None:
        """So many kernels are compiled; until all are, no step is done."""
        if self.state == "running":
            self.state = "preparing"
        self.preparing, self.share = f"Compiling kernels {done}/{total}", done / max(1, total)

    def recall(self, steps_per_epoch: int, history: Mapping[int, Mapping[str, float]]) -> None:
        """What the run had measured, by epoch from 1, before it goes on."""
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
                self.curves.run, self.curves.first = event.run, event.step
            case Progress():
                if self.state == "preparing":
                    self.state, self.preparing = "running", ""
                self.step, self.epoch = event.step, event.epoch
                self.samples_per_second = event.samples_per_second
                self.curves.losses.extend(event.losses)
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
