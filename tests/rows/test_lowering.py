"""Graphs that cannot run are refused in one line, whoever asks."""

from __future__ import annotations

import pytest

import graph.ops  # noqa: F401  (fills the registry)
from graph.graph import Graph, Node, Wire
from graph.lower import LowerError, Model
from graph.op import REGISTRY


def _graph(*wires: tuple[str, str, str, str]) -> Graph:
    graph = Graph()
    for id, kind in (
        ("data", "ToyData"),
        ("top", "Dense"),
        ("loss", "CrossEntropy"),
        ("adam", "Adam"),
    ):
        graph.set_node(Node(id, REGISTRY[kind]()))
    for wire in wires:
        graph.add_wire(Wire(*wire))
    return graph


STEP = ("loss", "loss", "adam", "loss")
TARGET = ("data", "target", "loss", "target")
PREDICTION = ("top", "y", "loss", "prediction")
FEATURES = ("data", "features", "top", "x")


def test_a_whole_graph_lowers() -> None:
    model = Model(_graph(STEP, TARGET, PREDICTION, FEATURES))
    assert [phase.name for phase in model.phases] == ["train/0"]
    assert dict(model.program("train/0", 7).outputs).keys() == {"loss"}
    assert dict(model.program("predict", 3).outputs).keys() == {"outputs/prediction"}


def test_a_missing_wire_is_named() -> None:
    with pytest.raises(LowerError, match="loss: found an input with nothing wired"):
        Model(_graph(STEP, TARGET, PREDICTION)).program("train/0", 8)


def test_a_circle_is_refused() -> None:
    graph = _graph(STEP, TARGET, PREDICTION, FEATURES)
    graph.add_wire(Wire("loss", "loss", "top", "x", 1))
    with pytest.raises(LowerError, match="lead in a circle"):
        Model(graph).program("train/0", 8)


def test_an_optimizer_without_a_loss_is_named() -> None:
    with pytest.raises(LowerError, match=r"adam\.loss: no loss is wired to it"):
        Model(_graph(TARGET, PREDICTION, FEATURES)).program("train/0", 8)


def test_equal_programs_are_lowered_once() -> None:
    model = Model(_graph(STEP, TARGET, PREDICTION, FEATURES))
    assert model.program("evaluate", 5) is model.program("evaluate", 5)
