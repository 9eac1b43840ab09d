"""Tables in exported files: the same samples from the file, with the statistics written in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compute.data import Folder, probe
from graph.export import ExportError, Target, export
from graph.graph import Graph
from tests.export.drawings import EXACT
from tests.export.running import reference
from tests.export.test_exported_numbers import LOSSES, OUTPUTS, TARGETS, check
from tests.support.small_graphs import draw, op

COLOURS = ("red", "blu\"e'", "", "sea green", "\u2028")


def write_csv(file: Path, delimiter: str, comma: str, encoding: str) -> None:
    """Forty rows with numbers, gaps, categories and a column nobody uses."""
    lines = [delimiter.join(["size", "colo\\ur", "name", "weight", "kind"])]
    for k in range(40):
        size = "NA" if k % 11 == 3 else f"{(k * 37 % 23) / 4:.2f}".replace(".", comma)
        colour = COLOURS[k % (4 if encoding == "cp1252" else 5)]
        quoted = '"' + colour.replace('"', '""') + '"' if '"' in colour else colour
        weight = f"+{k * k % 17 + 0.125}".replace(".", comma)
        lines.append(delimiter.join([size, quoted, f"n{k}", weight, "yes" if k % 3 else "no"]))
    file.write_text("\n".join(lines) + "\n\n", encoding)


def table(folder: Path, **settings: Any) -> Graph:
    """A table, a layer, a loss that fits its target."""
    source = op("Table", path="some table.csv", skip=("name",), **settings)
    schema = probe(source, Folder(folder), "data")  # type: ignore[arg-type]
    source = replace(source, schema=schema)  # type: ignore[type-var]
    classes = len(source.class_names())  # type: ignore[attr-defined]
    nodes = {
        "data": source,
        "d": op("Dense", units=classes or 1),
        "loss": op("CrossEntropy" if classes else "MeanSquaredError"),
        "adam": op("Adam", learning_rate=0.01),
    }
    wires = """data.features>d.x d.y>loss.prediction data.target>loss.target loss.loss>adam.loss"""
    return draw(nodes, wires, EXACT)


@pytest.mark.parametrize("target", TARGETS)
def test_tables_agree(target: Target, tmp_path: Path) -> None:
    """Classes and numbers as targets, gaps filled or dropped, three dialects of CSV."""
    settings: list[tuple[str, str, str, dict[str, Any]]] = [
        (",", ".", "utf-8", {}),
        (";", ",", "utf-8", {"target": "weight", "missing": "drop"}),
        ("\t", ".", "utf-16", {"target": "weight", "standardise": False}),
        (";", ".", "cp1252", {"target": "kind", "standardise_target": False}),
    ]
    cases = []
    for k, (delimiter, comma, encoding, more) in enumerate(settings):
        folder = tmp_path / f"data{k}"
        folder.mkdir()
        write_csv(folder / "some table.csv", delimiter, comma, encoding)
        cases.append(reference(f"table{k}", table(folder, **more), k, folder))
    own = tmp_path / "runs"
    own.mkdir()
    check(cases, target, own, OUTPUTS, LOSSES)


def test_predictions_in_the_units_of_the_file(tmp_path: Path) -> None:
    """A scaled target comes with the function that maps predictions back."""
    write_csv(tmp_path / "some table.csv", ",", ".", "utf-8")
    case = reference("t", table(tmp_path, target="weight"), 0, tmp_path)
    assert "def in_units(prediction):" in write_text(case.graph, tmp_path)


def write_text(graph: Graph, folder: Path) -> str:
    """The NumPy export of a graph with its tables' facts."""
    from compute.facts import table_facts
    from graph.export import Options

    return export(graph, "numpy", Options("t", table_facts(graph, Folder(folder))))


def test_table_without_facts_is_refused(tmp_path: Path) -> None:
    """Without the statistics of the training rows there is nothing to write in."""
    write_csv(tmp_path / "some table.csv", ",", ".", "utf-8")
    with pytest.raises(ExportError, match="expected those of its training rows"):
        export(table(tmp_path), "numpy")
