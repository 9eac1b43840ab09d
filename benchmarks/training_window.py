"""What training costs the window, and what the window costs training.

    python benchmarks/training_window.py [--quick] [--runs 5] [--seconds 30] [--only PART …]

The real window at 1600 × 1000 with five docks in sight, while digits-cnn trains at full speed:

timer   the intervals between fires of a 16 ms precise timer, and the paint events of each dock;
        docks that paint only when they have something new are repainted as often as the others
cold    the same from Run to the first step with an empty kernel cache
speed   steps a second without a window, with no dock and with five, in turns of two seconds
        (A B C A B C …), each a process that stands still between its turns: the median of losses
slices  the CPU time of the window's thread, and its longest turns by receiver and event

A table of all gates stands at the end; the exit code is 1 when one is missed. Each part is a
process of its own. On a machine that others use too, `slices` is what can be trusted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PySide6.QtWidgets import QApplication

from benchmarks.gates import Gate, arguments, dressed, hand_over, in_processes, say, table
from benchmarks.real_window import Painted, Traced, Window, metronome, p99, wait
from benchmarks.turns import Counter, in_turns, slower
from compute.control import Control
from compute.events import Progress
from compute.prepare import TrainOptions
from compute.session import train_graph
from graph.files import load
from resources import example_path

WARM = 2.0  # seconds before anything counts
LONGEST = 3600.0  # s that a side of the comparison waits to be killed
SIDES = ("no window", "no dock", "five docks")
PARTS = ("timer", "cold", "speed", "slices")
GATES = {
    "timer p99, ms": Gate(33),
    "timer max, ms": Gate(100),
    "slowest dock, paints a second": Gate(10, least=True),
    "cold compile, timer p99, ms": Gate(33),
    "cold compile, timer max, ms": Gate(100),
    "training slowed without docks, %": Gate(5, median=True),
    "training slowed with five docks, %": Gate(10, median=True),
    "CPU time of the window's thread, %": Gate(10),
    "longest turn of the window's thread, ms": Gate(8),
}


# ---- the parts: each gives one number a run and gate


def part_timer(example: str, seconds: float, options: TrainOptions) -> dict[str, float]:
    """The timer, and how often docks paint."""
    window, found = Window(example, options, docks=True), list[float]()
    window.run()
    wait(WARM)
    painted = {name: Painted(page) for name, page in window.pages.items()}
    start = time.perf_counter()
    with metronome(found):
        wait(seconds)
    passed = time.perf_counter() - start
    rates = {name: one.most / passed for name, one in painted.items()}
    window.close()
    say("paints a second: " + ", ".join(f"{name} {rate:.1f}" for name, rate in rates.items()))
    return {
        "timer p99, ms": p99(found),
        "timer max, ms": max(found),
        "slowest dock, paints a second": min(rates.values()),
    }


def part_cold(example: str, seconds: float, options: TrainOptions) -> dict[str, float]:
    """The timer from Run to the first step with an empty kernel cache."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["NETLOOM_CACHE"] = cache
        window, found, start = Window(example, options, docks=True), list[float](), 0.0
        start = time.perf_counter()
        with metronome(found):
            window.run()
        say(f"first step after {time.perf_counter() - start:.1f} s")
        window.close()
    return {
        "cold compile, timer p99, ms": p99(found),
        "cold compile, timer max, ms": max(found),
    }


def part_speed(example: str, seconds: float, options: TrainOptions) -> dict[str, float]:
    """What a window costs, measured in turns."""

    def command(name: str) -> list[str]:
        words = [sys.executable, __file__, "--example", example]
        words += ["--threads", str(options.threads)] if options.threads else []
        return [*words, "--trains", name, "--counts"]

    found = in_turns(command, SIDES, seconds, WARM)
    each = {name: statistics.median(speeds) for name, speeds in found.items()}
    say("steps a second: " + ", ".join(f"{name} {value:,.0f}" for name, value in each.items()))
    alone, bare, docks = (found[name] for name in SIDES)
    return {
        "training slowed without docks, %": slower(alone, bare),
        "training slowed with five docks, %": slower(alone, docks),
    }


def trains(given: argparse.Namespace) -> None:
    """One side of the comparison, until it is killed; its runs lie beside the file it counts in,
    so that whoever kills it clears them away.
    """
    options = chosen(given, given.counts.with_suffix(".runs"))
    application = dressed(QApplication(sys.argv[:1]))
    counter = Counter(given.counts)
    if given.trains == SIDES[0]:
        graph = load(example_path(given.example))
        graph.training = replace(graph.training, epochs=1_000_000)
        for event in train_graph(graph, options, Control()):
            if isinstance(event, Progress):
                counter.write(event.step)
        return
    window = Window(given.example, options, docks=given.trains == SIDES[2])
    window.news.tell = counter.write
    window.run()
    wait(LONGEST)
    del application


def part_slices(example: str, seconds: float, options: TrainOptions) -> dict[str, float]:
    """CPU time of the window's thread, and of its longest turns; the 99.9th percentile counts."""
    application = QApplication.instance()
    assert isinstance(application, Traced)
    window = Window(example, options, docks=True, repaint=False)
    window.run()
    wait(WARM)
    turns: list[tuple[float, str]] = []
    clock, cpu = time.perf_counter(), time.thread_time()
    wait(seconds / 2)  # without tracing, which costs something itself
    share = 100 * (time.thread_time() - cpu) / (time.perf_counter() - clock)
    application.turns = turns
    wait(seconds / 2)
    application.turns = None
    window.close()
    turns.sort(reverse=True)
    for milliseconds, name in turns[:8]:
        say(f"{milliseconds:5.1f} ms  {name}")
    return {
        "CPU time of the window's thread, %": share,
        "longest turn of the window's thread, ms": turns[len(turns) // 1000][0],
    }


MEASURED: dict[str, Callable[[str, float, TrainOptions], dict[str, float]]] = {
    "timer": part_timer,
    "cold": part_cold,
    "speed": part_speed,
    "slices": part_slices,
}


# ---- all of it


def chosen(given: argparse.Namespace, workspace: Path) -> TrainOptions:
    """How the example is trained."""
    folder = example_path(given.example).parent
    return TrainOptions(threads=given.threads, workspace=workspace, folder=folder)


def measure(given: argparse.Namespace) -> dict[str, float]:
    """One run of a part, in this process."""
    kind = Traced if given.child == "slices" else QApplication
    application = dressed(kind(sys.argv[:1]))
    with tempfile.TemporaryDirectory() as workspace:
        options = chosen(given, Path(workspace))
        figures = MEASURED[given.child](given.example, given.seconds, options)
    del application
    return figures


def main() -> int:
    """Measure and print."""
    parser = arguments(__doc__, PARTS)
    parser.add_argument("--example", default="digits-cnn")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--trains", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--counts", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="one run of 5 s")
    given = parser.parse_args()
    if given.trains:
        trains(given)
        return 0
    if given.child:
        return hand_over(measure(given))
    if given.quick:
        given.runs, given.seconds = 1, 5.0
    words = ["--seconds", str(given.seconds), "--example", given.example]
    if given.threads:
        words += ["--threads", str(given.threads)]
    return 0 if table(in_processes(__file__, given, words), GATES) else 1


if __name__ == "__main__":
    sys.exit(main())
