"""How others steer a training run: pause, stop, single steps, live settings, swaps, watches.

`train()` asks between blocks of steps and waits on a condition while paused, so nothing polls.
Every method may be called from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compute.backend import Array, Plan

if TYPE_CHECKING:
    from compute.train import Job
    from graph.lower import Model

Work = Callable[["Job"], None]


@dataclass(frozen=True)
class Swap:
    """Another model to go on with: its plan, and arrays (`param:KEY` …) that differ from before."""

    model: Model
    plan: Plan
    values: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Orders:
    """What was asked for since the last time; of the tensors in `norms` only the norm.

    At those in `seldom` nobody looks more often than every `every` seconds.
    """

    live: Mapping[str, float]
    swap: Swap | None
    watch: frozenset[str]
    norms: frozenset[str]
    seldom: frozenset[str]
    every: float
    stop: bool
    pause: bool
    single: bool


class Control:
    """The wishes of whoever steers a run; see the module docstring."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = self._stopped = self._closed = False
        self._singles = 0
        self._live: dict[str, float] = {}
        self._swap: Swap | None = None
        self._watch: frozenset[str] = frozenset()
        self._norms: frozenset[str] = frozenset()
        self._seldom: frozenset[str] = frozenset()
        self._every = 0.0
        self._work: dict[Hashable, Work] = {}
        self._urgent: list[Work] = []
        self._interrupt: Callable[[], None] = lambda: None

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

    def watch(
        self,
        names: frozenset[str],
        norms: frozenset[str] = frozenset(),
        seldom: frozenset[str] = frozenset(),
        every: float = 0.0,
    ) -> None:
        """The tensors to tap from now on, and those of which the norm is enough.

        Those in `seldom`, too, are tapped only every `every` seconds.
        Names are `value:path.port`, `gradient:path.port`, or either with a ParamKey.
        """
        with self._changed:
            self._watch, self._norms = names, norms - names
            self._seldom, self._every = seldom & (names | norms), every

    def ask(self, key: Hashable, work: Work) -> None:
        """Have `work` done between two steps, by whoever runs; it must not raise.

        Newer work of the same key takes the place of older. While training it gets a small part of
        the time; while paused and after the end it is done at once.
        """
        with self._changed:
            self._work[key] = work  # an older one's turn stays its turn
            self._changed.notify_all()

    def do(self, work: Work) -> None:
        """Have `work` done before the next step; it must not raise."""
        with self._changed:
            self._urgent.append(work)
            self._notify()

    def close(self) -> None:
        """End the run and, after it, the answering of questions."""
        with self._changed:
            self._stopped = self._closed = True
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
                self._norms,
                self._seldom,
                self._every,
                self._stopped,
                self._paused and not single,
                single,
            )
            self._live, self._swap = {}, None
            return orders

    def take_urgent(self) -> Work | None:
        """For the run: the next work that was asked to be done before the next step."""
        with self._changed:
            return self._urgent.pop(0) if self._urgent else None

    def take_work(self) -> Work | None:
        """For the run: the work that has waited longest."""
        with self._changed:
            return self._work.pop(next(iter(self._work))) if self._work else None

    def wait(self) -> None:
        """For the run: sleep while paused and nothing new is asked for."""
        with self._changed:
            self._changed.wait_for(self._something)

    def wait_work(self) -> Work | None:
        """After the run: sleep until there is work; None when it was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._urgent or self._work or self._closed)
            if self._closed:
                return None
        return self.take_urgent() or self.take_work()

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self._stopped

    def _something(self) -> bool:
        asked = self._live or self._swap or self._singles or self._urgent or self._work
        return bool(asked) or self._stopped or not self._paused
