"""`netloom examples`: what ships, where it lies, and whether it still reaches what it should."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import resources
from compute.backend import BackendName
from compute.cli.opening import example_file, open_graph
from compute.cli.text import console, duration, figure, plural, table, write

SEEDS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Goal:
    """What the runs of an example must reach: their mean and the worst of them.

    An example that shows how training `stalls` must not do better than that. Where a net stands
    `beside` another that fails, the metric of that one is at most `most`, in the mean.
    """

    metric: str
    mean: float
    worst: float
    stalls: bool = False
    beside: str = ""
    most: float = 1.0

    @property
    def higher(self) -> bool:
        """Whether more is better."""
        known = any(word in self.metric for word in ("accuracy", "r2"))
        return known and not self.stalls

    def reached(self, values: Sequence[float], beside: Sequence[float] = ()) -> bool:
        """Whether these values are good enough, and those of the net beside bad enough."""
        if beside and sum(beside) / len(beside) > self.most:
            return False
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
    kept = {field.name for field in fields(Goal)}
    return {
        name: Goal(**{key: value for key, value in one.items() if key in kept})
        for name, one in _results().items()
    }


def examples(
    names: Sequence[str],
    path: str | None,
    threads: int | None,
    device: BackendName,
    *,
    verify: bool,
) -> int:
    """List the examples, or print the file of one, or train some; returns the exit code."""
    if path is not None:
        write(str(example_file(path)))
        return 0
    for name in names:
        example_file(name)
    if verify:
        return _verify(names or tuple(goals()), threads, device)
    rows = []
    for name, about in _results().items():
        if names and name not in names:
            continue
        graph = open_graph(name).graph
        size = f"{plural(len(graph), 'node')}, {plural(graph.training.epochs, 'epoch')}"
        rows.append((name, about["about"], size, goals()[name].text()))
    table(("example", "what it does", "size", "over seeds 1–5"), rows)
    return 0


def _results() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(resources.results())
    return found


def _verify(names: Sequence[str], threads: int | None, device: BackendName) -> int:
    """Train examples with every seed in a workspace that goes away; 1 when one falls short."""
    rows, failed = [], []
    with console(error=True).status("") as status:
        for name in names:
            goal = goals()[name]
            clock = time.perf_counter()
            found = []
            for seed in SEEDS:
                status.update(f"{name}, seed {seed}")
                found.append(measure(name, seed, threads, device))
            seconds = (time.perf_counter() - clock) / len(SEEDS)
            values = [one[goal.metric] for one in found]
            if not goal.reached(values, [one[goal.beside] for one in found if goal.beside]):
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
