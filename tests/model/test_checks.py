"""Checks name what is wrong, in one line, and their edits mend it."""

import time
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
from drawn import deep_cnn, defined, digits_mlp, draw, drawn
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from random_edits import random_edit, random_graph
from random_graphs import training_graphs
from wrong_graphs import CASES, OPEN, plus, with_op, without

from graph.checks import View, check
from graph.drawing import copy, same
from graph.edits import SetTraining
from graph.graph import Graph
from graph.lower import Model
from graph.ops.activation import ReLU
from graph.ops.data import Digits, ToyData
from graph.ops.dense import Dense
from graph.ops.loss import BinaryCrossEntropy, CrossEntropy
from graph.ops.optimizer import Adam
from graph.ops.shape import Flatten
from graph.ops.structure import Input, Output
from graph.rules import EditError
from graph.subgraph import Subgraph


def lines(graph: Graph) -> list[str]:
    """The problems as text."""
    return [f"{problem.severity}: {problem}" for problem in check(graph)]


def test_a_right_graph_has_no_problem() -> None:
    """The classifier, and one of a thousand nodes."""
    assert check(digits_mlp()) == ()
    assert check(deep_cnn(330)) == ()


@pytest.mark.parametrize("case", CASES)
def test_a_problem_is_named_in_one_line(case: str) -> None:
    """Where, found, expected, what to do."""
    graph, expected = CASES[case]
    found = [line for line in lines(graph) if line.startswith(expected)]
    assert len(found) == 1, lines(graph)
    text = found[0]
    assert len(text.splitlines()) == 1
    assert ", expected " in text
    assert "; " in text
    assert not text.endswith("; ")


@pytest.mark.parametrize("case", CASES)
def test_every_edit_offered_mends(case: str) -> None:
    """Applied alone it removes the problem and makes no new error; undone, all is as before."""
    graph, expected = CASES[case]
    before = copy(graph)
    here = [p for p in check(graph) if f"{p.severity}: {p}".startswith(expected)]
    mends = [edit for problem in here for edit in problem.mends]
    assert bool(mends) == (case not in OPEN)
    errors = {str(p) for p in check(graph) if p.severity == "error"}
    for edit in mends:
        assert edit.title(graph)
        inverse = edit.apply(graph)
        after = check(graph)
        assert not any(str(p) == str(here[0]) for p in after)
        new = [p for p in after if p.severity == "error" and str(p) not in errors]
        assert all("found no wire" in str(p) for p in new), new  # a wire taken out leaves a port
        inverse.apply(graph)
        assert same(graph, before)


@hypothesis_settings(max_examples=200)
@given(st.integers(0, 2**32), st.integers(0, 12))
def test_what_passes_can_be_lowered(seed: int, edits: int) -> None:
    """A classifier edited at random: without an error, every entry point has a program."""
    rng = Random(seed)
    graph = digits_mlp()
    for _ in range(edits):
        edit = random_edit(rng, graph)
        with suppress(EditError):
            edit.apply(graph)
    if any(p.severity == "error" for p in check(graph)):
        return
    model = Model(graph)
    for phase in model.phases:
        assert model.program(phase.name, 3).outputs
    assert model.program("evaluate", 3).rows is not None


@hypothesis_settings(max_examples=60)
@given(training_graphs())
def test_random_training_graphs_have_no_error(graph: Graph) -> None:
    """And lower for every phase."""
    assert [p for p in check(graph) if p.severity == "error"] == []
    model = Model(graph)
    assert model.program("evaluate", 5).outputs
    assert model.program("train/0", 5).updates


@hypothesis_settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(0, 120))
def test_checks_never_fail(seed: int, edits: int) -> None:
    """Whatever edits can make gets problems, not an exception; every edit offered applies."""
    graph = random_graph(Random(seed), edits)
    before = copy(graph)
    for problem in check(graph):
        assert len(str(problem).splitlines()) == 1
        for edit in problem.mends:
            edit.apply(graph).apply(graph)
    assert same(graph, before)


def test_repeated_shapes_are_walked_once() -> None:
    """10,000 repetitions cost no more than two."""
    root = Graph()
    nodes = {"x": Input(), "dense": Dense(units=2), "y": Output()}
    defined(root, "cell", nodes, "x.y -> dense.x", "dense.y -> y.x")
    nodes = {"data": ToyData(), "all": Subgraph("cell", repeat=10_000), "out": Output()}
    graph = plus(root, nodes, "data.features -> all.x", "all.y -> out.x")
    view = View.of(graph)
    assert len(view.shapes.nodes) < 12
    assert view.shapes.parameters() == 10_000 * 6
    assert check(graph, view) == ()


def seconds(graph: Graph) -> float:
    """The best of five checks."""
    best = []
    for _ in range(5):
        start = time.perf_counter()
        check(graph)
        best.append(time.perf_counter() - start)
    return min(best)


def test_a_thousand_nodes_take_less_than_100_ms() -> None:
    """Once the node types were seen; a hundred take about a tenth of it."""
    assert seconds(deep_cnn(331)) < 0.1
    assert seconds(deep_cnn(31)) < 0.02


def test_mends_make_a_beginner_graph_train() -> None:
    """From loose boxes to a trained graph by taking every first offer."""
    nodes = {"digits": Digits(), "dense": Dense(units=3), "relu": ReLU(), "loss": CrossEntropy()}
    graph = drawn(nodes, "digits.image -> dense.x", "dense.y -> loss.prediction")
    graph.drop_node("relu")
    for _ in range(6):
        found = [p for p in check(graph) if p.mends]
        if not found:
            break
        found[0].mends[0].apply(graph)
    assert check(graph) == ()
    assert Model(graph).phases
    kinds = {type(node.op) for node in graph}
    assert kinds == {Digits, Flatten, Dense, CrossEntropy, Adam}


def test_binary_loss_for_many_classes() -> None:
    """One output for ten classes: the edit widens the layer and takes the other loss."""
    graph = with_op("loss", BinaryCrossEntropy())
    graph.set_node(replace(graph.node("dense2"), op=Dense(units=1)))
    graph.drop_wire(graph.wires_in("accuracy", "prediction")[0])
    graph.drop_wire(graph.wires_in("accuracy", "target")[0])
    graph.drop_node("accuracy")
    (problem,) = check(graph)
    assert "found 10 classes, expected 2 for one output" in problem.message
    problem.mends[0].apply(graph)
    assert check(graph) == ()
    assert isinstance(graph.node("loss").op, CrossEntropy)


def test_precision_counts_for_memory() -> None:
    """Twice the bytes in float64: the same graph is then too large."""
    layers = {"wide": Dense(units=100_000), "wider": Dense(units=30_000)}
    graph = plus(without("dense2.x"), layers, "relu1.y -> wide.x", "wide.y -> wider.x")
    draw(graph, {}, "wider.y -> dense2.x")
    assert check(graph) == ()
    SetTraining(replace(graph.training, precision="float64")).apply(graph)
    (problem,) = check(graph)
    assert problem.path == "wider"
