"""An id that names nothing is said before a training begins, or stops it: where and which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_graphs import draw, moons, op, tied_tokens

from compute.data import Folder
from compute.diagnose import first_bad
from compute.ids import wrong_ids
from compute.initial import initial_values
from compute.prepare import load_graph, load_other
from graph.checks import check
from graph.graph import Graph
from graph.lower import LowerError, Model


def _few_tokens() -> Graph:
    graph = tied_tokens()
    graph.set_node(replace(graph.node("words"), op=op("Embedding", vocabulary=3, features=5)))
    graph.set_node(replace(graph.node("scores"), op=op("Dense", units=3, tie="words")))
    return graph


@pytest.mark.parametrize(
    ("graph", "ids", "node", "found"),
    [
        (_few_tokens(), [0, 1], "words", "found the id 6, expected 0 to 2"),
        (moons(), [0, 2], "loss", "found the id 2, expected 0 to 1"),
        (moons(), [-1, 0], "loss", "found the id -1, expected 0 to 1"),
    ],
)
def test_the_id_is_named(graph: Graph, ids: list[int], node: str, found: str) -> None:
    """At the node that reads it; the remedy is of the data or of the number of tokens."""
    model = Model(graph)
    batch = {"data.features": np.array([[0.1, 2.1], [0.2, 0.4]]), "data.target": np.array(ids)}
    values = initial_values(model, 0, np.float64)
    scalars = {"iteration:step": 1.0, **{f"live:{key}": v for key, v in model.live.items()}}
    where, what = first_bad(model, "train/0", batch, values, scalars, np.float64, 0)
    assert (where, found in what) == (node, True)
    assert "mend the data" in what


def test_numbers_that_become_ids_are_looked_at_before() -> None:
    """Those of the table as the node gets them; a graph that is swapped in as well."""
    loaded = load_graph(tied_tokens(), Folder(Path()))
    for begin in (
        lambda: load_graph(_few_tokens(), Folder(Path())),
        lambda: load_other(loaded, _few_tokens()),
    ):
        with pytest.raises(LowerError) as caught:
            begin()
        [refusal] = caught.value.refusals
        assert (refusal.path, refusal.port) == ("words", "x")
        assert refusal.message.startswith("found the id ")
        assert refusal.message.endswith(", expected 0 to 2")
        assert "mend the data" in refusal.remedy


def _picked(inner: dict[str, object], wires: str) -> Graph:
    """Scores of two classes from what some nodes make of images."""
    nodes = {
        "data": op("Digits"),
        "flat": op("Flatten"),
        "top": op("Dense", units=10),
        "loss": op("CrossEntropy"),
        "adam": op("Adam"),
    }
    ends = "top.y>loss.prediction data.label>loss.target loss.loss>adam.loss"
    return draw(nodes | inner, f"{wires} {ends}")  # type: ignore[arg-type]


@pytest.mark.parametrize("last", [8, 9])
def test_a_place_that_is_not_there(last: int) -> None:
    """Of a Gather in a chain behind the labels, out of reach of the checks while drawing."""
    cut = {"cut": op("Slice", axis=1, stop=last + 1), "pick": op("Gather")}
    cut |= {"same": op("Input"), "wide": op("Dense", units=12)}
    cut["long"] = op("Reshape", shape=(1,))
    wires = """data.image>flat.x flat.y>wide.x wide.y>cut.x data.label>same.x cut.y>pick.x
        same.y>pick.index pick.y>long.x long.y>top.x"""
    graph = _picked(cut, wires)
    found = wrong_ids(Model(graph), 4, lambda: {"data.label": np.array([3, 9, 0, 1])})
    if last == 9:
        assert found == []
        assert load_graph(graph, Folder(Path())).samples.count == 1797
        return
    assert [(one.path, one.port) for one in found] == [("pick", "index")]
    assert found[0].message == "found the id 9, expected 0 to 8"
    direct = _picked(cut, wires.replace("same.y>pick.index", "data.label>pick.index"))
    assert any("found ids up to 9 in the data, expected 0 to 8" in str(p) for p in check(direct))


def test_ids_that_weights_decide_are_left_to_the_training() -> None:
    """Nobody knows them before."""
    inner = {"ids": op("ToIds"), "wide": op("Dense", units=12), "one": op("OneHot", classes=2)}
    inner["long"] = op("Flatten")
    wires = """data.image>flat.x flat.y>wide.x wide.y>ids.x ids.y>one.x one.y>long.x
        long.y>top.x"""
    assert load_graph(_picked(inner, wires), Folder(Path())).model.phases
