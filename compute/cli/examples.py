"""`netloom examples`: what ships, where it lies, and whether it still reaches what it should."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import resources
from compute.backend import BackendName
from compute.cli.opening import example_file, open_graph
from compute.cli.text import console, duration, figure, plural, table, write

SEEDS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Goal:
    """What the runs of an example must reach: their mean and the worst of them."""

    metric: str
    mean: float
    worst: float

    @property
    def higher(self) -> bool:
        """Whether more is better."""
        return "accuracy" in self.metric

    def reached(self, values: Sequence[float]) -> bool:
        """Whether these values are good enough."""
        mean, worst = self.summary(values)
        if self.higher:
            return mean >= self.mean and worst >= self.worst
        return mean <= self.mean and worst <= self.worst

    def summary(self, values: Sequence[float]) -> tuple[float, float]:
        """Mean and worst."""
        return sum(values) / len(values), min(values) if self.higher else max(values)

    def text(self) -> str:
        """Such as "mean ≥ 98.00 %, worst ≥ 97.00 %"."""
        sign = "≥" if self.higher else "≤"
        mean, worst = (figure(self.metric, value) for value in (self.mean, self.worst))
        return f"mean {sign} {mean}, worst {sign} {worst}"


def goals() -> dict[str, Goal]:
    """The goals of the shipped examples by name."""
    return {
        name: Goal(one["metric"], one["mean"], one["worst"]) for name, one in _results().items()
    }


def examples(path: str | None, threads: int | None, device: BackendName, *, verify: bool) -> int:
    """List the examples, or print the file of one, or train them all; returns the exit code."""
    if path is not None:
        write(str(example_file(path)))
        return 0
    if verify:
        return _verify(threads, device)
    rows = []
    for name, about in _results().items():
        graph = open_graph(name).graph
        size = f"{plural(len(graph), 'node')}, {plural(graph.training.epochs, 'epoch')}"
        rows.append((name, about["about"], size, goals()[name].text()))
    table(("example", "what it does", "size", "over seeds 1–5"), rows)
    return 0


def _results() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(resources.results())
    return found


def _verify(threads: int | None, device: BackendName) -> int:
    """Train every example with every seed in a workspace that goes away; 1 when one falls short."""
    rows, failed = [], []
    with console(error=True).status("") as status:
        for name, goal in goals().items():
            clock = time.perf_counter()
            values = []
            for seed in SEEDS:
                status.update(f"{name}, seed {seed}")
                values.append(measure(name, seed, threads, device)[goal.metric])
            seconds = (time.perf_counter() - clock) / len(SEEDS)
            if not goal.reached(values):
                failed.append(name)
            mean, worst = (figure(goal.metric, value) for value in goal.summary(values))
            verdict = "falls short" if name in failed else "reached"
            rows.append((name, goal.metric, mean, worst, goal.text(), verdict, duration(seconds)))
    columns = ("example", "metric", "mean", "worst", "goal", "verdict", "a run")
    table(columns, rows, right="mean worst")
    return 1 if failed else 0


def measure(
    name: str, seed: int, threads: int | None = None, device: BackendName = "cpu"
) -> Mapping[str, float]:
    """The metrics of an example after its training with a seed; nothing is kept."""
    from compute.events import Finished
    from compute.prepare import TrainOptions
    from compute.session import train_graph

    opened = open_graph(name)
    with tempfile.TemporaryDirectory() as folder:
        options = TrainOptions(
            device,
            threads,
            seed=seed,
            workspace=Path(folder),
            folder=opened.file.parent,
            name=name,
        )
        *_, last = train_graph(opened.graph, options)
    if not isinstance(last, Finished):
        raise RuntimeError(f"{name}, seed {seed}: training failed: {last}")
    return last.metrics
