"""How others steer a training run: pause, stop, single steps, live settings, swaps, watches.

`train()` asks between blocks of steps and waits on a condition while paused, so nothing polls.
Every method may be called from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compute.backend import Array, Plan

if TYPE_CHECKING:
    from graph.lower import Model


@dataclass(frozen=True)
class Swap:
    """Another model to go on with: its plan, and arrays (`param:KEY` …) that differ from before."""

    model: Model
    plan: Plan
    values: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Orders:
    """What was asked for since the last time."""

    live: Mapping[str, float]
    swap: Swap | None
    watch: frozenset[str]
    stop: bool
    pause: bool
    single: bool


class LossRing:
    """The last losses, preallocated: one thread appends, others read without waiting for it."""

    def __init__(self, capacity: int = 1 << 16) -> None:
        self._values = np.zeros(capacity)
        self._count = 0

    def append(self, values: Array) -> None:
        """Add losses of consecutive steps."""
        capacity = len(self._values)
        kept = values[-capacity:]
        start = self._count + len(values) - len(kept)
        places = (start + np.arange(len(kept))) % capacity
        self._values[places] = kept
        self._count += len(values)

    def read(self, since: int = 0) -> tuple[int, Array]:
        """(number of the first, values) of the losses from `since` on that are still there."""
        capacity = len(self._values)
        end = self._count
        first = max(since, end - capacity)
        values = self._values[np.arange(first, end) % capacity]
        # what was overwritten while it was copied is dropped
        stale = max(0, self._count - capacity - first)
        return first + stale, values[stale:]


class Control:
    """The wishes of whoever steers a run; see the module docstring."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = self._stopped = False
        self._singles = 0
        self._live: dict[str, float] = {}
        self._swap: Swap | None = None
        self._watch: frozenset[str] = frozenset()
        self._interrupt: Callable[[], None] = lambda: None
        self.losses = LossRing()

    def pause(self) -> None:
        """Wait before the next step."""
        with self._changed:
            self._paused = True
            self._notify()

    def resume(self) -> None:
        """Go on."""
        with self._changed:
            self._paused, self._singles = False, 0
            self._notify()

    def single_step(self) -> None:
        """While paused: train one batch, then wait again."""
        with self._changed:
            self._paused = True
            self._singles += 1
            self._notify()

    def stop(self) -> None:
        """End the run after the step it is in."""
        with self._changed:
            self._stopped = True
            self._notify()

    def set_live(self, key: str, value: float) -> None:
        """Change a live setting (`node/name`) from the next step on."""
        with self._changed:
            self._live[key] = float(value)
            self._notify()

    def swap(self, change: Swap) -> None:
        """Go on with another model from the next step on."""
        with self._changed:
            self._swap = change
            self._notify()

    def watch(self, names: frozenset[str]) -> None:
        """The tensors to tap from now on: `value:path.port`, `gradient:path.port` or ParamKey."""
        with self._changed:
            self._watch = names
            self._notify()

    def _notify(self) -> None:
        self._interrupt()
        self._changed.notify_all()

    def attach(self, interrupt: Callable[[], None]) -> None:
        """For the run: what cuts the block of steps under way short."""
        with self._changed:
            self._interrupt = interrupt

    def take(self) -> Orders:
        """For the run: everything asked for; live changes and a swap are handed out once."""
        with self._changed:
            single = self._paused and self._singles > 0
            if single:
                self._singles -= 1
            orders = Orders(
                self._live,
                self._swap,
                self._watch,
                self._stopped,
                self._paused and not single,
                single,
            )
            self._live, self._swap = {}, None
            return orders

    def wait(self) -> None:
        """For the run: sleep while paused and nothing new is asked for."""
        with self._changed:
            self._changed.wait_for(self._something)

    def _something(self) -> bool:
        asked = self._live or self._swap or self._singles or self._stopped
        return bool(asked) or not self._paused
