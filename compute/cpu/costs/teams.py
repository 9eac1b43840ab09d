"""What calls, steps and threads add to what rows take, from nets measured as wholes."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compute.backend import Array
from compute.cpu.costs.fit import nonnegative, settled
from compute.cpu.costs.forecast import Part, Pieces, foretold, parts, shares, together
from compute.cpu.costs.rates import Calibration, Reach, Teamwork
from compute.cpu.costs.timing import Probe, Run, step_seconds

CALLS = 200
TINY = 2e-4  # seconds of a step of those nets that tell what looks at the clock and steps add
LEAST = 0.2  # of what was measured of a row: not all of it was the look at the clock
ALONE_SECONDS, TEAM_SECONDS = 0.006, 0.006  # of measuring one net
TEAM_TURNS, TEAM_LIMIT = 2, 0.5
SHARED, SHARE_SECONDS = 1 << 18, 0.04  # numbers that a thread adds to, and how long
# slower, seconds of a barrier and of a claim, seconds a byte from another thread, chunks moved:
# as they are on machines of today, and how far they are trusted
USUAL = np.array([1.0, 5e-7, 5e-7, 6e-11, 2.0])
TRUST = np.array([1.0, 0.05, 0.05, 0.1, 0.1])


@dataclass(frozen=True)
class Whole:
    """A program whose rows were measured: their seconds and chunks, in the order of the tape, and
    the seconds of a step of it on one thread; 0: not measured.
    """

    probe: Probe
    parts: Sequence[Part]
    rows: Array
    seconds: float

    @staticmethod
    def of(run: Run, hertz: float, seconds: float = 0.0) -> Whole:
        """What a run has measured."""
        found = parts(run.probe.bound.planned, run.probe.engine.variant)
        return Whole(run.probe, found, run.best / hertz, seconds)

    @property
    def chunks(self) -> Array:
        """Of each row."""
        return np.array([part.work.chunks for part in self.parts], float)

    def corrected(self, step: float, look: float) -> Array:
        """Seconds of the rows as parts of a step: see `besides`.

        Rows are measured one step at a time, in caches that other programs have used meanwhile;
        in a run they are faster, all by one factor, for want of a better one.
        """
        found: Array = np.maximum(LEAST * self.rows, self.rows - look * self.chunks)
        if self.seconds:
            found = found * (max(LEAST * self.seconds, self.seconds - step) / found.sum())
        return found


def call_seconds(probe: Probe) -> float:
    """Seconds that Python adds to a call of the engine."""

    def spent(steps: int) -> float:
        start = time.perf_counter()
        probe.run(steps)
        return time.perf_counter() - start

    one, many = (min(spent(steps) for _ in range(30)) for steps in (1, CALLS + 1))
    return max(0.0, one - (many - one) / CALLS)


def wholes(runs: Sequence[Run], hertz: float, call: float) -> list[Whole]:
    """Each net as a whole on one thread."""
    found = []
    for run in runs:
        about = float(run.best.sum()) / hertz
        taken = step_seconds(run.probe, 1, call, ALONE_SECONDS, about)
        found.append(Whole.of(run, hertz, taken))
    return found


def besides(nets: Sequence[Whole]) -> tuple[float, float]:
    """Seconds that a step takes besides its rows, and those of a look at the clock, which rows were
    measured with at each chunk.
    """
    tiny = [net for net in nets if net.seconds < TINY] or nets
    wanted = np.array([net.seconds for net in tiny])
    counts = np.array([net.chunks.sum() for net in tiny])
    rows = np.array([net.rows.sum() for net in tiny])
    matrix = np.stack([np.ones(len(tiny)), -counts, rows], axis=1) / wanted[:, None]
    step, look, _ = map(float, nonnegative(matrix, np.ones(len(tiny))))
    return step, look


def share_of(threads: int) -> float:
    """Which part of the time so many threads get on processors that wait for nobody."""
    shares = [0.0] * threads

    def work(k: int) -> None:
        numbers = np.ones(SHARED)
        start, own = time.perf_counter(), time.thread_time()
        while time.perf_counter() - start < SHARE_SECONDS:
            np.add(numbers, 1.0, out=numbers)
        shares[k] = (time.thread_time() - own) / (time.perf_counter() - start)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return min(1.0, *shares)


def together_seconds(nets: Sequence[Whole], threads: int, call: float) -> list[float]:
    """Seconds of a step of each net on several threads; in turns, so that a disturbance hits few
    slices of each. Infinite for those that there was no time for.
    """
    best, end = [np.inf] * len(nets), time.perf_counter() + TEAM_LIMIT
    for _ in range(TEAM_TURNS):
        for k, net in enumerate(nets):
            if time.perf_counter() < end:
                taken = step_seconds(net.probe, threads, call, TEAM_SECONDS, net.seconds)
                best[k] = min(best[k], taken)
    return best


def team(
    pieces: Sequence[Pieces], wanted: Sequence[float], threads: int, step: float, reach: Reach
) -> Teamwork:
    """What makes of the seconds that rows take on one thread those `wanted` on several; what is
    usual where nothing was measured.
    """

    def errors(numbers: Array) -> Array:
        trial = _teamwork(numbers, reach)
        told = (step + together(each, trial, threads) for each in pieces)
        return np.log(np.array(list(told)) / wanted)

    return _teamwork(settled(errors, USUAL, TRUST), reach)


def off(nets: Sequence[Whole], wanted: Sequence[float], threads: int, known: Calibration) -> float:
    """By how much what is foretold of nets is off: the root of the mean square of logarithms."""
    told = [foretold(net.probe.bound.planned, net.parts, known, threads).seconds for net in nets]
    return float(np.sqrt(np.mean(np.log(np.array(told) / wanted) ** 2)))


def _teamwork(numbers: Array, reach: Reach) -> Teamwork:
    slower, barrier, claim, cross, moved = map(float, numbers)
    return Teamwork(slower, barrier, claim, reach, cross, moved)


def shared(net: Whole, spent: Array, threads: int) -> Pieces:
    """What threads share of a net whose rows take `spent` seconds."""
    planned = net.probe.bound.planned
    taken = dict(zip(planned.steps(), map(float, spent), strict=True))
    chunks = dict(zip(planned.steps(), map(int, net.chunks), strict=True))
    return shares(planned, taken, chunks, threads)
