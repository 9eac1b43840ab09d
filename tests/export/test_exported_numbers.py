"""Exported files run alone and give the engine's numbers."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from graph.export import Target
from graph.graph import Graph
from tests.export.drawings import BY_HAND, random_graphs
from tests.export.drawn_cells import CELLS, noisy
from tests.export.drawn_sequences import SEQUENCES, masked
from tests.export.drawn_updates import UPDATES
from tests.export.running import Case, differences, reference, run_alone
from tests.export.samples import sample_case
from tests.nodes.harness import samples

OUTPUTS, LOSSES = 1e-10, 1e-9  # in float64
SINGLE = 1e-5  # in float32, relative to the largest logit
RANDOM_GRAPHS = 100

TARGETS = [
    "numpy",
    pytest.param(
        "pytorch",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("torch") is None, reason="torch is not installed"
        ),
    ),
]


@cache
def random_cases(count: int, dropout: bool) -> list[Case]:
    """Random networks and what the reference makes of them."""
    graphs = random_graphs(count, dropout)
    return [reference(f"graph{k}", graph, k) for k, graph in enumerate(graphs)]


def check(
    cases: list[Case], target: Target, folder: Path, outputs: float, losses: float = np.inf
) -> None:
    """Every case within the bounds; all that are not are named."""
    report = run_alone(cases, target, folder)
    assert len(report) == len(cases)
    wrong = {}
    for case in cases:
        found = report[case.name]
        if "error" in found:
            wrong[case.name] = found["error"][-1500:]
            continue
        by_output, by_loss = differences(case, found)
        if not (by_output <= outputs and by_loss <= losses):
            wrong[case.name] = f"outputs {by_output:.1e}, losses {by_loss:.1e}"
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())


@pytest.mark.parametrize("target", TARGETS)
def test_random_graphs_agree(target: Target, tmp_path: Path) -> None:
    """100 random networks: outputs to 1e-10, losses of 20 steps to 1e-9."""
    cases = random_cases(RANDOM_GRAPHS, dropout=False)
    assert len(cases) == RANDOM_GRAPHS
    check(cases, target, tmp_path, OUTPUTS, LOSSES)


def test_dropout_agrees_in_numpy(tmp_path: Path) -> None:
    """PyTorch draws dropout masks of its own; the NumPy files draw the engine's."""
    graphs = [graph for graph in random_graphs(200, dropout=True) if _has_dropout(graph)][:12]
    assert len(graphs) >= 8
    cases = [reference(f"graph{k}", graph, k) for k, graph in enumerate(graphs)]
    cases.append(reference("weights", masked(dropout=0.3)))
    check(cases, "numpy", tmp_path, OUTPUTS, LOSSES)


def _has_dropout(graph: Graph) -> bool:
    return any(type(node.op).__name__ == "Dropout" and node.op.p for node in graph)


@pytest.mark.parametrize("target", TARGETS)
def test_every_node_sample_agrees(target: Target, tmp_path: Path) -> None:
    """Each sample of each node type, in evaluation, with random weights."""
    cases = [
        sample_case(f"sample{k}", *found, seed=k)
        for k, found in enumerate(samples().values())
        if found[0].role in ("layer", "loss", "metric")
    ]
    assert len(cases) > 60
    check(cases, target, tmp_path, OUTPUTS, LOSSES)


@pytest.mark.parametrize("target", TARGETS)
def test_drawings_by_hand_agree(target: Target, tmp_path: Path) -> None:
    """Subgraphs, phases, schedules, several outputs, own node types, odd names."""
    cases = [reference(name, graph) for name, graph in (BY_HAND | SEQUENCES | UPDATES).items()]
    check(cases, target, tmp_path, OUTPUTS, LOSSES)


@pytest.mark.parametrize("target", TARGETS)
def test_scanned_cells_agree(target: Target, tmp_path: Path) -> None:
    """Cells drawn as subgraphs and run at every step."""
    check(
        [reference(name, graph) for name, graph in CELLS.items()], target, tmp_path, OUTPUTS, LOSSES
    )


def test_noise_in_a_cell_agrees_in_numpy(tmp_path: Path) -> None:
    check([reference("noisy", noisy())], "numpy", tmp_path, OUTPUTS, LOSSES)


@pytest.mark.parametrize("target", TARGETS)
def test_single_precision_agrees(target: Target, tmp_path: Path) -> None:
    """Outputs in float32, within 1e-5 of the largest logit."""
    cases = []
    for k, graph in enumerate(random_graphs(20, dropout=False)):
        graph.training = replace(graph.training, precision="float32")
        cases.append(reference(f"graph{k}", graph, k))
    check(cases, target, tmp_path, SINGLE)
