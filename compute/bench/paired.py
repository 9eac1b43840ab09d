"""Paired timing: contenders take turns in short slices, so that drift and load hit all alike.

A round (one slice of each contender) counts when the rest of the machine was quiet during every
slice. Rounds are dropped by load, never by result.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Run = Callable[[int], object]  # run so many training steps

QUIET_SHARE = 0.10  # of one core, used by others during a slice, above which it is disturbed
TICK = 0.012  # /proc/stat counts in ticks of 10 ms


@dataclass(frozen=True)
class Timing:
    """Seconds a step, a number for each round that counted, by contender."""

    seconds: Mapping[str, tuple[float, ...]]
    rounds: int
    quiet: int

    def median(self, name: str) -> float:
        """Median seconds a step."""
        return statistics.median(self.seconds[name])

    def ratio(self, name: str, ours: str) -> tuple[float, float, float]:
        """How many times longer `name` takes than `ours`: median, lower and upper quartile."""
        pairs = zip(self.seconds[name], self.seconds[ours], strict=True)
        ratios = sorted(theirs / mine for theirs, mine in pairs)
        count = len(ratios)
        return statistics.median(ratios), ratios[count // 4], ratios[(3 * count) // 4]


def compare(
    runs: Mapping[str, Run], rounds: int = 11, slice_seconds: float = 0.15, limit: float = 90.0
) -> Timing:
    """Time the contenders in turn until `rounds` quiet rounds are in, `limit` seconds at most.

    With fewer than five quiet rounds all rounds are used; `Timing.quiet` tells.
    """
    steps = {name: _steps_for(run, slice_seconds) for name, run in runs.items()}
    every: list[dict[str, float]] = []
    quiet: list[dict[str, float]] = []
    start = time.perf_counter()
    while len(quiet) < rounds and (time.perf_counter() - start < limit or not every):
        row: dict[str, float] = {}
        undisturbed = True
        for name, run in runs.items():
            seconds, alone = _slice(run, steps[name])
            if seconds * steps[name] > 4 * slice_seconds:  # it was measured in a lucky moment
                steps[name] = max(2, steps[name] // 4)
            row[name] = seconds
            undisturbed = undisturbed and alone
        every.append(row)
        if undisturbed:
            quiet.append(row)
    used = quiet if len(quiet) >= 5 else every
    table = {name: tuple(row[name] for row in used) for name in runs}
    return Timing(table, len(every), len(quiet))


def _steps_for(run: Run, seconds: float) -> int:
    """Steps that fill a slice, after a warm-up; a slice of them was run, so all is compiled."""
    run(5)
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        run(5)
        best = min(best, (time.perf_counter() - start) / 5)
    steps = max(2, int(seconds / best))
    run(steps)
    return steps


def _slice(run: Run, steps: int) -> tuple[float, bool]:
    """Seconds a step, and whether the machine was otherwise quiet meanwhile."""
    busy, own = _busy_seconds(), time.process_time()
    start = time.perf_counter()
    run(steps)
    elapsed = time.perf_counter() - start
    others = (_busy_seconds() - busy) - (time.process_time() - own)
    return elapsed / steps, others <= QUIET_SHARE * elapsed + TICK


def _busy_seconds() -> float:
    """Processor seconds used by everybody so far; 0 where the system does not tell."""
    try:
        with open("/proc/stat") as file:
            fields = [int(text) for text in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return 0.0
    user, nice, system, _idle, _wait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / float(os.sysconf("SC_CLK_TCK"))
