"""Timing a program of the engine: short slices, of which the fastest counts.

So what else runs on the machine disturbs little: a slice is shorter than the turn that an operating
system gives to others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from compute.backend import Array
from compute.cpu import tape
from compute.cpu.engine import Engine
from compute.cpu.entry import Bound

BATCHES = 4
SLICE, SLICES = 0.0006, 12  # seconds of one, and how many of each program
TOGETHER = 0.0015  # of several threads, which are woken for each
FEWEST, STEP_SECONDS = 3, 0.02  # on a slow machine fewer slices, at least 3
MOST = 1.5
RATE = "learning_rate"  # the live setting of every optimizer
MOST_STEPS = 512  # of a slice: what the tables of a call hold


@dataclass
class Probe:
    """A program in memory, with the numbers it runs on.

    Nothing is learned: with a rate above 0 the loss of a net that is measured for long may become
    infinite, which ends a run early.
    """

    name: str
    engine: Engine
    bound: Bound
    data: Mapping[str, Array]
    live: Mapping[str, float]
    _given: dict[int, tuple[Array, dict[str, Array]]] = field(default_factory=dict, repr=False)

    def run(self, steps: int, profile: bool = False, count: int = 1) -> None:
        """Run so many steps on `count` threads.

        Raises FloatingPointError where the loss is not finite: what ran was not a step.
        """
        if steps not in self._given:
            self._given[steps] = self._inputs(steps)
        index, scalars = self._given[steps]
        self.engine.bind(self.bound)
        self.bound.threads = count
        ran = self.engine.run(self.bound, self.data, index, scalars, profile)
        if ran.bad_step is not None:
            raise FloatingPointError(f"{self.name}: the loss is not finite")

    def _inputs(self, steps: int) -> tuple[Array, dict[str, Array]]:
        """The samples and the numbers of so many steps."""
        batch = self.bound.planned.batch
        order = (np.arange(steps) % BATCHES)[:, None] * batch + np.arange(batch)
        samples = min((len(array) for array in self.data.values()), default=batch * BATCHES)
        index = (order % samples).astype(np.int64)
        rates = {key: 0.0 for key in self.live if key.endswith(f"/{RATE}")}
        live = {**self.live, **rates}
        scalars = {f"live:{key}": np.full(steps, value) for key, value in live.items()}
        scalars["iteration:step"] = np.arange(1.0, steps + 1)
        scalars |= {"iteration:epoch": np.zeros(steps), "iteration:steps": np.full(steps, 1e6)}
        return index, scalars

    def enough(self, steps: int, count: int) -> int:
        """So many steps, or as many as `count` threads are woken for."""
        self.bound.threads = count
        while count > 1 and steps < MOST_STEPS and self.bound.short(steps):
            steps = min(2 * steps, MOST_STEPS)
        return steps

    def cycles(self) -> Array:
        """Cycles counted so far, of each step in the order of the tape."""
        found = [self.bound.tape.rows[step] for step in self.bound.planned.steps()]
        return self.bound.tape.words[found, tape.CYCLES].copy()


def steps_of(seconds: float, two: Callable[[], None]) -> int:
    """Steps that take about so long, when `two` runs two of them."""
    taken: list[float] = []
    while len(taken) < 2 or (len(taken) < 3 and min(taken) < seconds):
        start = time.perf_counter()
        two()
        taken.append(time.perf_counter() - start)
    return max(1, min(MOST_STEPS, int(2 * seconds / min(taken))))


class Run:
    """A probe and the fastest that its steps were."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        probe.run(1)
        self.steps = steps_of(SLICE, lambda: probe.run(2, profile=True))
        self.before = probe.cycles()
        self.best: Array = np.full(len(self.before), np.inf)
        self.hertz = 0.0  # of the counter: at least this

    def slice(self) -> None:
        """Run some steps, after one that brings back what others have put out of the caches."""
        self.probe.run(1, profile=True)
        self.before = self.probe.cycles()
        start = time.perf_counter()
        self.probe.run(self.steps, profile=True)
        spent = time.perf_counter() - start
        now = self.probe.cycles()
        self.hertz = max(self.hertz, float((now - self.before).sum()) / spent)
        self.best = np.minimum(self.best, (now - self.before) / self.steps)


class Budget:
    """Seconds on the processor: among others they take longer, and tell as much. At most `MOST`
    times as long.
    """

    def __init__(self, seconds: float) -> None:
        self._own, self._all = time.thread_time() + seconds, time.perf_counter() + MOST * seconds

    @property
    def left(self) -> bool:
        """Whether some are left."""
        return time.thread_time() < self._own and time.perf_counter() < self._all


class Share:
    """Which part of the time since then so many threads of this process had on processors."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._own, self._all = time.process_time(), time.perf_counter()

    @property
    def now(self) -> float:
        """At most 1."""
        spent = self._threads * (time.perf_counter() - self._all)
        return min(1.0, (time.process_time() - self._own) / max(spent, 1e-9))


def take_turns(runs: Sequence[Run], seconds: float) -> None:
    """Slices of all programs in turns, so that a disturbance hits few of each.

    `seconds` are those of a `Budget`.
    """
    budget = Budget(seconds)
    for turn in range(SLICES):
        if turn < FEWEST or budget.left:
            for run in runs:
                run.slice()


def step_seconds(
    probe: Probe, threads: int, call: float, seconds: float = STEP_SECONDS, about: float = 0.0
) -> float:
    """Seconds of a step, the fastest of some slices; of one thread its time on the processor.

    `call` is what Python adds to a slice. A step takes `about` so long on one thread; 0: unknown.
    """
    clock = time.thread_time if threads == 1 else time.perf_counter
    wanted = SLICE if threads == 1 else TOGETHER
    if about:
        steps = max(1, min(MOST_STEPS, int(wanted / about)))
    else:
        probe.run(4, count=threads)
        steps = steps_of(wanted, lambda: probe.run(2, count=threads))
    steps = probe.enough(steps, threads)
    probe.run(steps, count=threads)
    best, budget = np.inf, Budget(seconds)
    for turn in range(8 * SLICES):
        if turn < FEWEST or budget.left:
            start = clock()
            probe.run(steps, count=threads)
            best = min(best, (clock() - start - call) / steps)
    return float(best)
