"""What is kept up to date by small steps is what working everything out anew gives."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from random_edits import random_edit

from graph.checks import check
from graph.checks.problem import View
from graph.define import Define, drawings
from graph.drawing import Drawing
from graph.edits import AddNode, Connect, Disconnect, Remove, SetOp
from graph.graph import Graph, Node, Wire
from graph.history import History
from graph.index import Index
from graph.ops.activation import ReLU
from graph.ops.data import Digits
from graph.ops.dense import Dense
from graph.ops.shape import Flatten
from graph.ops.structure import Input, Output
from graph.rules import EditError
from graph.subgraph import Subgraph


def agree(live: View) -> None:
    """Indexes, shapes and problems are those of a new view."""
    fresh = View.of(live.graph)
    assert live.indexes.keys() == fresh.indexes.keys()
    for name, index in live.indexes.items():
        agree_indexes(index, fresh.indexes[name])
    ours, theirs = live.shapes, fresh.shapes
    assert live.expanded == fresh.expanded
    for part in ("types", "nodes", "copies", "weights", "refused", "weight_count", "value_count"):
        assert getattr(ours, part) == getattr(theirs, part), part
    assert ours.found.keys() == theirs.found.keys()
    for path, one in theirs.found.items():
        assert (ours.found[path].outputs, ours.found[path].params) == (one.outputs, one.params)
    assert ours.weight_count == ours.parameters()
    for name, visits in theirs.visits.items():
        assert ours.visits.get(name, {}).keys() == visits.keys()
        for prefix, visit in visits.items():
            assert ours.visits[name][prefix].parameters == visit.parameters
    assert check(live.graph, live) == check(live.graph, fresh)


def agree_indexes(ours: Index, theirs: Index) -> None:
    """All look-ups; ranks may differ, but rise along every wire."""
    for part in (
        "incoming",
        "named",
        "shared",
        "instances",
        "placeholders",
        "bare",
        "unread",
        "wires",
    ):
        assert getattr(ours, part) == getattr(theirs, part), part
    assert {r: ids for r, ids in ours.roles.items() if ids} == theirs.roles
    assert ours.rank.keys() == theirs.rank.keys()
    for wire in ours.wires:
        if wire.target in ours.rank:
            assert ours.rank[wire.source] < ours.rank[wire.target]


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 80))
def test_after_any_edits_it_is_as_new(seed: int, edits: int) -> None:
    """Pushed, undone and redone, of every kind, with definitions and cycles."""
    rng, history = Random(seed), History(Graph())
    live = View(history.graph, live=True)
    for _ in range(edits):
        act = rng.random()
        try:
            if act < 0.15:
                history.undo()
            elif act < 0.25:
                history.redo()
            else:
                history.push(random_edit(rng, history.graph))
        except EditError:
            continue
        if rng.random() < 0.6:  # several edits at once, too
            live.update()
    live.update()
    agree(live)


@pytest.fixture
def chain() -> Graph:
    """Digits, flattened, through a hundred layers."""
    graph = Graph()
    AddNode(Node("digits", Digits())).apply(graph)
    AddNode(Node("flat", Flatten())).apply(graph)
    Connect(Wire("digits", "image", "flat", "x")).apply(graph)
    before = "flat"
    for number in range(100):
        id = f"dense{number}"
        AddNode(Node(id, Dense(units=4))).apply(graph)
        Connect(Wire(before, "y", id, "x")).apply(graph)
        before = id
    return graph


def test_only_what_changes_is_looked_at(chain: Graph) -> None:
    """A width changes its layer and the next; a setting that changes no shape its layer alone."""
    live = View(chain, live=True)
    SetOp("dense50", Dense(units=5)).apply(chain)
    assert live.update() == {"": {"dense50", "dense51"}}
    SetOp("dense50", Dense(units=5, bias=False)).apply(chain)
    assert live.update() == {"": {"dense50"}}
    assert not any(live.update().values())
    agree(live)


def test_a_cycle_takes_shapes_away_and_gives_them_back(chain: Graph) -> None:
    """For all nodes on it and behind it, though the edit names two."""
    live = View(chain, live=True)
    AddNode(Node("relu", ReLU())).apply(chain)
    Connect(Wire("dense60", "y", "relu", "x")).apply(chain)
    live.update()
    back = Wire("relu", "y", "dense50", "x")
    inverse = Connect(back).apply(chain)
    live.update()
    assert live.shapes.text("dense49", "y") == "4"
    assert live.shapes.text("dense99", "y") == ""
    agree(live)
    inverse.apply(chain)
    live.update()
    assert live.shapes.text("dense99", "y") == "4"
    agree(live)


def test_an_edit_inside_a_definition_reaches_its_instances() -> None:
    """Through two levels, with repetitions, and back after the definition is gone."""
    graph = Graph()
    body = Drawing(
        (Node("a", Input()), Node("d", Dense(units=4)), Node("b", Output())),
        (Wire("a", "y", "d", "x"), Wire("d", "y", "b", "x")),
    )
    Define("inner", body).apply(graph)
    nodes = (Node("a", Input()), Node("in2", Subgraph("inner", repeat=3)), Node("b", Output()))
    wires = (Wire("a", "y", "in2", "a"), Wire("in2", "b", "b", "x"))
    Define("outer", Drawing(nodes, wires)).apply(graph)
    live = View(graph, live=True)
    AddNode(Node("digits", Digits())).apply(graph)
    AddNode(Node("flat", Flatten())).apply(graph)
    AddNode(Node("o", Subgraph("outer"))).apply(graph)
    Connect(Wire("digits", "image", "flat", "x")).apply(graph)
    Connect(Wire("flat", "y", "o", "a")).apply(graph)
    live.update()
    assert live.shapes.text("o", "b") == "4"
    agree(live)
    SetOp("d", Dense(units=7), into="inner").apply(graph)
    live.update()
    assert live.shapes.text("o", "b") == "7"
    assert "o/in2/1/d" in live.shapes.found
    agree(live)
    Disconnect(Wire("flat", "y", "o", "a")).apply(graph)
    live.update()
    assert live.shapes.prefix("outer") == "outer:"
    agree(live)
    Remove(("o",)).apply(graph)
    live.update()
    agree(live)
    assert [name for name, _ in drawings(graph)] == ["", "inner", "outer"]
