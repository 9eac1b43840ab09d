"""What a graph built by hand must be: an example but for the names of its nodes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import resources
from compute.runs import RunRecord, Workspace
from graph.files import load
from graph.graph import Graph
from tests.support.screen import Screen, until

EXAMPLE = "digits-mlp"
ENOUGH = 0.94  # val_accuracy; the worst of the example's seeds reaches 0.97
COMPILED = 45.0  # seconds in which a run is over on a machine that has compiled no kernel yet


def example() -> Graph:
    """The graph that is built."""
    return load(resources.example_path(EXAMPLE))


def structure(graph: Graph) -> tuple[Counter[str], Counter[str], object]:
    """Nodes and wires by type and settings, and how it is trained."""
    names = {node.id: repr(node.op) for node in graph}
    wires = Counter(
        f"{names[w.source]}.{w.output} -> {names[w.target]}.{w.input}" for w in graph.wires()
    )
    return Counter(names.values()), wires, graph.training


def finished(data: Path) -> RunRecord | None:
    """The newest run in a user's data folder, once it is finished."""
    if not (data / "netloom" / "runs.sqlite").exists():
        return None
    records = Workspace(data / "netloom").records()
    return next((run for run in records[:1] if run.status == "finished"), None)


def add(screen: Screen, name: str) -> None:
    """Add a node behind the selected one by the search."""
    screen.keys("Tab")
    screen.write(name)
    screen.keys("Return")


def save_as(screen: Screen, path: Path) -> Graph:
    """Save a graph that has no file yet; returns what the file holds."""
    screen.keys("ctrl+s")
    screen.window("Save as")
    screen.write(f"{path}")
    screen.keys("Return")
    until(path.exists, "the saved file")
    screen.window(f"{path.stem} – Netloom")
    return load(path)
