"""Data outside the folder of a graph is read only when the command says so."""

from dataclasses import replace
from pathlib import Path

import pytest
from command import DEVICE, netloom

from compute.data import Folder
from compute.data.table import probe_table
from graph.files import save
from graph.graph import Graph
from graph.ops.dense import Dense
from graph.ops.loss import MeanSquaredError
from graph.ops.optimizer import Adam
from graph.ops.table import Table
from graph.schema import Schema
from tests.support.drawn import drawn


@pytest.fixture(params=["looked at", "not looked at"])
def graph(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A graph that names a table of another folder, with its columns known or not."""
    table = tmp_path / "data" / "houses.csv"
    table.parent.mkdir()
    rows = "\n".join(f"{k},{k % 3},{2 * k}" for k in range(40))
    table.write_text(f"size,rooms,price\n{rows}")
    op = Table(path=str(table))
    schema = probe_table(op, Folder(table.parent), "table")
    op = replace(op, schema=schema if request.param == "looked at" else Schema())
    file = tmp_path / "graphs" / "prices.loom"
    file.parent.mkdir()
    save(_net(op), file)
    return file


def _net(op: Table) -> Graph:
    ops = {"table": op, "dense": Dense(units=1), "loss": MeanSquaredError(), "adam": Adam()}
    wires = "table.features -> dense.x", "dense.y -> loss.prediction"
    return drawn(ops, *wires, "table.target -> loss.target", "loss.loss -> adam.loss")


def test_every_command_tells_of_the_flag_and_heeds_it(graph: Path, tmp_path: Path) -> None:
    place = ("--workspace", tmp_path / "runs")
    words = {
        "train": (*place, *DEVICE, "--epochs", 2),
        "export": ("--to", "numpy", "-o", tmp_path / "prices.py"),
        "report": (*place, *DEVICE, "-o", tmp_path / "report"),
        "check": (),
    }
    for command, rest in words.items():
        refused = netloom(command, graph, *rest)
        assert refused.code == (1 if command == "check" else 2), command
        text = refused.out if command == "check" else refused.err
        assert "expected a file in the graph's folder; allow it with --allow-outside" in text
        assert "or copy the file beside the graph" in text
        netloom(command, graph, *rest, "--allow-outside").ok()
    assert (tmp_path / "prices.py").is_file()
    assert (tmp_path / "report" / "index.html").is_file()
    netloom("train", "--resume", "last", "--epochs", 150, *place, *DEVICE).ok()
