"""A training stops at an id that names nothing, and says where and which."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_graphs import moons, op, tied_tokens

from compute.diagnose import first_bad
from compute.initial import initial_values
from graph.graph import Graph
from graph.lower import Model


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
