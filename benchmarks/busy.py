"""Whether two threads are never slower than one beside another process that keeps a core busy.

    python benchmarks/busy.py [--pin] [--rounds 15] [NET…]

The reference nets train on one thread and on two in turn, in short slices: a round has a slice of
each while the other process sleeps, and a slice of each while it computes, so all answers come from
the same minute. The other process may run on any core; `--pin` holds it on the last one. The exit
code is 1 when two threads are slower beside it, in the median of the rounds. The machine must do
nothing else.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from compute.bench.engine import Engine
from compute.bench.workloads import WORKLOADS

NETS = ("W1", "W2", "W3", "W4", "W5", "W6")
SLICE = 0.3  # seconds
THREADS = (1, 2)
# of the median of how many times faster two threads are; what runs on one thread either way
# differs from itself by as much as this is below 1
LIMIT = 0.97


class Neighbour:
    """A process that computes on one core, or sleeps."""

    def __init__(self, core: int | None) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        if core is not None:
            os.sched_setaffinity(self.process.pid, {core})
        self.rest()

    def work(self) -> None:
        """Let it compute."""
        os.kill(self.process.pid, signal.SIGCONT)

    def rest(self) -> None:
        """Let it sleep."""
        os.kill(self.process.pid, signal.SIGSTOP)


@contextmanager
def neighbour(core: int | None) -> Iterator[Neighbour]:
    """A process of one's own, gone in the end."""
    made = Neighbour(core)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait()


def slice_of(engine: Engine, steps: int) -> float:
    """Seconds a step."""
    start = time.perf_counter()
    engine.run(steps)
    return (time.perf_counter() - start) / steps


def measure(name: str, rounds: int, other: Neighbour) -> dict[tuple[bool, int], list[float]]:
    """Seconds a step, a number a round, by (whether the other process computes, threads)."""
    engines = {count: Engine(WORKLOADS[name], WORKLOADS[name].graph(), count) for count in THREADS}
    steps = {}
    for count, engine in engines.items():
        engine.run(3)
        steps[count] = max(2, int(SLICE / min(slice_of(engine, 3) for _ in range(3))))
    found: dict[tuple[bool, int], list[float]] = {}
    for number in range(rounds):
        for busy in (False, True):
            if busy:
                other.work()
            # who is first changes, for a slice may pay for the one before
            for count in THREADS if number % 2 else THREADS[::-1]:
                found.setdefault((busy, count), []).append(slice_of(engines[count], steps[count]))
        other.rest()
    return found


def ratios(found: dict[tuple[bool, int], list[float]], busy: bool) -> list[float]:
    """How many times faster two threads are, a number a round, in order."""
    one, two = (found[busy, count] for count in THREADS)
    return sorted(a / b for a, b in zip(one, two, strict=True))


def line(name: str, found: dict[tuple[bool, int], list[float]]) -> tuple[str, bool]:
    """A row of the table, and whether two threads kept up."""
    busy = ratios(found, True)
    median = statistics.median(busy)
    low, high = busy[len(busy) // 4], busy[(3 * len(busy)) // 4]
    times = [1e3 * statistics.median(found[True, count]) for count in THREADS]
    alone = statistics.median(ratios(found, False))
    kept = median >= LIMIT
    text = (
        f"{name:<6}{alone:>8.2f}{times[0]:>12.3f}{times[1]:>12.3f}{median:>8.2f}"
        f"{f'{low:.2f}–{high:.2f}':>14}{'' if kept else '   missed'}"
    )
    return text, kept


def main(words: Sequence[str] | None = None) -> int:
    """Measure each net beside the other process and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NET", default=NETS)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pin", action="store_true", help="hold the other on the last core")
    given = parser.parse_args(words)
    unknown = [name for name in given.names if name not in WORKLOADS]
    if unknown:
        parser.error(f"found {unknown[0]!r}, expected one of {', '.join(WORKLOADS)}")
    core = max(os.sched_getaffinity(0)) if given.pin else None
    where = "any core" if core is None else f"core {core}"
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"one process computes on {where} of {os.cpu_count()}; load before {load}")
    print(f"{'':<6}{'alone ×':>8}{'1 thread ms':>12}{'2 threads':>12}{'×':>8}{'quartiles':>14}")
    kept = True
    with neighbour(core) as other:
        for name in given.names:
            text, keeps = line(name, measure(name, given.rounds, other))
            print(text, flush=True)
            kept = kept and keeps
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
