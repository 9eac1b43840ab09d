"""A graph that names a table of another folder, as one gets it from somebody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from compute.data import Folder
from compute.data.table import probe_table
from graph.files import save
from graph.ops.dense import Dense
from graph.ops.loss import MeanSquaredError
from graph.ops.optimizer import Adam
from graph.ops.table import Table
from graph.schema import Schema
from tests.support.drawn import drawn


def houses(folder: Path) -> Path:
    """A table in a folder of its own below `folder`."""
    file = folder / "data" / "houses.csv"
    file.parent.mkdir()
    file.write_text("size,rooms,price\n" + "\n".join(f"{k},{k % 3},{2 * k}" for k in range(40)))
    return file


def prices(folder: Path, table: Path, known: bool = True) -> Path:
    """A graph below `folder` that learns a price from `table`, whose columns it may know."""
    op = Table(path=str(table))
    schema = probe_table(op, Folder(table.parent), "table") if known else Schema()
    ops = {
        "table": replace(op, schema=schema),
        "dense": Dense(units=1),
        "loss": MeanSquaredError(),
        "adam": Adam(),
    }
    wires = "table.features -> dense.x", "dense.y -> loss.prediction"
    file = folder / "graphs" / "prices.loom"
    file.parent.mkdir()
    save(drawn(ops, *wires, "table.target -> loss.target", "loss.loss -> adam.loss"), file)
    return file
