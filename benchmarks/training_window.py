"""What watching costs training, and what training costs the window.

    python benchmarks/training_window.py [--runs 5] [--seconds 4] [--example digits-cnn] [--cold]

Speed: `netloom train`'s own loop against a run in a window that shows the training bar, alone and
with what five docks want: norms of every wire and parameter, feature maps of a sample, predictions,
three tensors in full. Rounds are interleaved (A B C A B C …) in one process; medians. On a machine
that others use, `--threads 1` and the driving thread's CPU time tell more than the clock.
Window: the intervals between fires of a 16 ms precise timer while the example trains at full speed.
`--cold` measures them during the compiling of a fresh kernel cache too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from compute.control import Control
from compute.events import Progress
from compute.prepare import TrainOptions
from compute.questions import Answer, Maps, Predictions
from compute.session import train_graph
from graph import edits
from graph.files import load
from gui import fonts, style
from gui.actions import Actions
from gui.app import App
from gui.desk import Desk
from gui.document import Document
from gui.look import Look
from gui.run.trainer import NORM, Trainer
from gui.training.actions import add_actions
from gui.training.bar import TrainingBar
from resources import example_path

WARM = 1.5  # seconds before anything counts
Ticks = list[tuple[float, float, int]]  # clock, CPU time of the driving thread, step


class Clocked(SimpleQueue[Any]):
    """The trainer's queue of news, noting when steps were done."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks: Ticks = []

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        event = getattr(item[2], "keywords", {}).get("event")
        if isinstance(event, Progress):
            self.ticks.append((time.perf_counter(), time.thread_time(), event.step))
        super().put(item)


def speed(ticks: Ticks) -> tuple[float, float]:
    """Steps a second after the warm-up, by the clock and by CPU time."""
    kept = [tick for tick in ticks if tick[0] >= ticks[0][0] + WARM]
    start, end = kept[0], kept[-1]
    return (end[2] - start[2]) / (end[0] - start[0]), (end[2] - start[2]) / (end[1] - start[1])


def headless(example: str, seconds: float, options: TrainOptions) -> tuple[float, float]:
    """Steps a second of the loop alone."""
    graph = load(example_path(example))
    graph.training = replace(graph.training, epochs=1_000_000)
    ticks: Ticks = []
    events = train_graph(graph, options, Control())
    for event in events:
        if isinstance(event, Progress):
            ticks.append((time.perf_counter(), time.thread_time(), event.step))
            if ticks[-1][0] > ticks[0][0] + WARM + seconds:
                break
    events.close()  # type: ignore[attr-defined]
    return speed(ticks)


class Window:
    """The training bar in a window of 1600 × 1000, and a document to train."""

    def __init__(self, example: str, options: TrainOptions) -> None:
        self.widget = QWidget()
        self.app = App(
            Look("dark"), Desk(), Actions(self.widget, self.widget), Trainer(self.widget)
        )
        self.trainer = self.app.trainer
        self.news = self.trainer._news = Clocked()
        self.trainer.options = lambda _: options
        add_actions(self.app)
        bar = TrainingBar(self.app)
        row = QVBoxLayout(self.widget)
        row.addStretch(1)
        row.addWidget(bar)
        self.widget.resize(1600, 1000)
        self.widget.show()
        self.document = self.app.desk.open_example(example)
        training = replace(self.document.graph.training, epochs=1_000_000)
        self.document.push(edits.SetTraining(training))
        self.asked = QTimer(self.widget, interval=100)
        self.asked.timeout.connect(self.ask)
        self.answers = 0

    def want(self) -> None:
        """What five docks want."""
        graph, layers = self.document.graph, layers_of(self.document)
        wires = {f"{NORM}gradient:{w.source}.{w.output}" for w in graph.wires()}
        weights = {f"{NORM}gradient:{id}/weight" for id in layers}
        weights |= {f"{NORM}value:{id}/weight" for id in layers}
        full = {f"value:{id}.y" for id in layers[:3]}
        self.trainer.want(self, frozenset(wires | weights | full))
        self.asked.start()

    def ask(self) -> None:
        """Feature maps and predictions, asked for ten times a second."""
        names = tuple(f"value:{id}.y" for id in layers_of(self.document)[:2])
        self.trainer.ask("maps", Maps(0, names), self.heard)
        self.trainer.ask("predictions", Predictions(limit=400), self.heard)

    def heard(self, answer: Answer) -> None:
        """Count the answers."""
        self.answers += 1

    def train(self, seconds: float) -> None:
        """Train for so long after the warm-up."""
        self.news.ticks.clear()
        self.trainer.run(self.document)
        while not self.news.ticks:
            wait(0.02)
        wait(WARM + seconds)

    def close(self) -> None:
        """End the run and the window."""
        self.asked.stop()
        self.trainer.close()
        self.widget.close()
        self.widget.deleteLater()
        wait(0.05)


def layers_of(document: Document) -> list[str]:
    """Ids of the nodes with weights, in order."""
    kinds = ("Conv2d", "Dense")
    return [n.id for n in document.graph.ordered() if type(n.op).__name__ in kinds]


def wait(seconds: float) -> None:
    """Let the window live for so long."""
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()


@contextmanager
def metronome(found: list[float]) -> Iterator[None]:
    """The intervals of a 16 ms precise timer, in ms."""
    timer, last = QTimer(), [0.0]
    timer.setTimerType(Qt.TimerType.PreciseTimer)

    def fired() -> None:
        now = time.perf_counter()
        if last[0]:
            found.append((now - last[0]) * 1000)
        last[0] = now

    timer.timeout.connect(fired)
    timer.start(16)
    yield
    timer.stop()


def report(title: str, intervals: list[float]) -> None:
    """One line of the timer's figures."""
    ranked = sorted(intervals)
    p99 = ranked[int(0.99 * (len(ranked) - 1))]
    print(f"{title:<44} p99 {p99:6.1f} ms   max {ranked[-1]:6.1f} ms   n {len(ranked)}")


def speeds(example: str, runs: int, seconds: float, options: TrainOptions) -> None:
    """Paired speeds without a window, with the bar, and with what five docks want."""
    found: dict[str, list[tuple[float, float]]] = {"headless": [], "bar": [], "five docks": []}
    for _ in range(runs):
        found["headless"].append(headless(example, seconds, options))
        for name in ("bar", "five docks"):
            window = Window(example, options)
            if name == "five docks":
                window.want()
            window.train(seconds)
            found[name].append(speed(window.news.ticks))
            told = f"{window.answers} answers" if window.answers else ""
            window.close()
        line = "  ".join(f"{k} {v[-1][0]:,.0f} ({v[-1][1]:,.0f} CPU)" for k, v in found.items())
        print(f"steps/s: {line} {told}", flush=True)
    for name in ("bar", "five docks"):
        for which, word in enumerate(("clock", "CPU")):
            pairs = zip(found["headless"], found[name], strict=True)
            slower = sorted(100 * (a[which] / b[which] - 1) for a, b in pairs)
            middle = statistics.median(slower)
            print(f"{name}, {word}: {middle:+.1f} % a step ({slower[0]:+.1f} … {slower[-1]:+.1f})")


def intervals(example: str, runs: int, seconds: float, options: TrainOptions) -> None:
    """The timer beside nothing and beside a training at full speed."""
    for wants in (None, False, True):
        for _ in range(runs):
            found: list[float] = []
            window = Window(example, options)
            if wants:
                window.want()
            if wants is not None:
                window.train(0.0)
            with metronome(found):
                wait(seconds)
            window.close()
            report({None: "idle", False: "training", True: "training, five docks"}[wants], found)


def cold(example: str, options: TrainOptions) -> None:
    """The timer from Run to the first step with an empty kernel cache."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["NETLOOM_CACHE"] = cache
        found: list[float] = []
        window = Window(example, options)
        start = time.perf_counter()
        with metronome(found):
            window.train(0.0)
        seconds = window.news.ticks[0][0] - start
        window.close()
        report(f"compiling, first step after {seconds:.1f} s", found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--example", default="digits-cnn")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", choices=("speed", "timer", "cold"))
    parser.add_argument("--cold", action="store_true")
    given = parser.parse_args()
    application = QApplication(sys.argv[:1])
    fonts.load()
    style.apply(application, Look("dark").theme)
    with tempfile.TemporaryDirectory() as workspace:
        options = TrainOptions(
            threads=given.threads,
            workspace=Path(workspace),
            folder=example_path(given.example).parent,
        )
        if given.only in (None, "speed"):
            speeds(given.example, given.runs, given.seconds, options)
        if given.only in (None, "timer"):
            intervals(given.example, given.runs, given.seconds, options)
        if given.cold or given.only == "cold":
            cold(given.example, options)


if __name__ == "__main__":
    main()
