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

from graph.checks import Problem, View, can_connect, check
from graph.drawing import copy, same
from graph.edits import SetTraining, connect
from graph.graph import Frame, Graph, Node, Wire
from graph.lower import Model
from graph.op import Op
from graph.ops.activation import ReLU
from graph.ops.conv import Conv2d
from graph.ops.data import Digits, ToyData
from graph.ops.dense import Dense
from graph.ops.loss import BinaryCrossEntropy, CrossEntropy, MeanSquaredError
from graph.ops.merge import Add, Concat
from graph.ops.optimizer import SGD, Adam
from graph.ops.schedule import CosineSchedule
from graph.ops.shape import Flatten
from graph.ops.structure import Input, Output
from graph.ops.table import Table
from graph.placeholder import Placeholder
from graph.rules import EditError
from graph.schema import Column, Schema
from graph.subgraph import Subgraph
from graph.training import Split, Training


def with_op(id: str, op: object) -> Graph:
    """The classifier with another op at a node."""
    graph = digits_mlp()
    graph.set_node(replace(graph.node(id), op=op))
    return graph


def without(*wires: str) -> Graph:
    """The classifier without the wires that end at these ports."""
    graph = digits_mlp()
    for wire in graph.wires():
        if f"{wire.target}.{wire.input}" in wires:
            graph.drop_wire(wire)
    return graph


def plus(graph: Graph, nodes: dict, *wires: str) -> Graph:
    """`graph` with more nodes and wires."""
    return draw(graph, nodes, *wires)


def cyclic() -> Graph:
    """The classifier with a wire back."""
    graph = plus(
        digits_mlp(), {"sum": Add(), "out": Output()}, "relu1.y -> sum.x", "sum.y -> out.x"
    )
    graph.add_wire(Wire("sum", "y", "sum", "x", 1))
    return graph


def named_alike() -> Graph:
    """The classifier with two nodes of one name."""
    graph = digits_mlp()
    for id in ("dense1", "dense2"):
        graph.set_node(replace(graph.node(id), name="layer"))
    return graph


def frozen() -> Graph:
    """The classifier with all its weights frozen."""
    graph = digits_mlp()
    for id in ("dense1", "dense2"):
        graph.set_node(replace(graph.node(id), frozen=True))
    return graph


def held_out() -> Graph:
    """Two rows divided in three."""
    graph = tiny(rows=2)
    graph.training = Training(split=Split(validation=0.2, test=0.2))
    return graph


def tiny(rows: int = 50, classes: tuple[str, ...] = ("no", "yes")) -> Graph:
    """A classifier of a table."""
    columns = (Column("age"), Column("answer", "category", classes))
    return drawn(
        {
            "table": Table(path="a.csv", schema=Schema(columns, rows, "answer")),
            "dense": Dense(units=2),
            "loss": CrossEntropy(),
            "sgd": SGD(),
        },
        *("table.features -> dense.x", "dense.y -> loss.prediction", "table.target -> loss.target"),
        "loss.loss -> sgd.loss",
    )


def regression(loss: Op, units: int) -> Graph:
    """A curve to come close to, with a loss of any kind."""
    nodes = {"data": ToyData(shape="regression"), "dense": Dense(units=units), "loss": loss}
    wires = ("data.features -> dense.x", "dense.y -> loss.prediction", "data.target -> loss.target")
    return drawn({**nodes, "adam": Adam()}, *wires, "loss.loss -> adam.loss")


def two_optimizers() -> Graph:
    """Two optimizers behind the same loss, both for everything."""
    return plus(digits_mlp(), {"sgd": SGD()}, "loss.loss -> sgd.loss")


def shared_part() -> Graph:
    """Two optimizers that share one of their nodes."""
    graph = with_op("adam", Adam(trains=("dense1", "frame")))
    graph.frames["frame"] = Frame("frame", "head", ("dense2",))
    return plus(graph, {"sgd": SGD(trains=("dense2", "wide"))}, "loss.loss -> sgd.loss")


def optimizer_inside() -> Graph:
    """An optimizer in a definition."""
    nodes = {"x": Input(), "loss": MeanSquaredError(), "adam": Adam(), "y": Output()}
    root = defined(Graph(), "part", nodes, "x.y -> loss.prediction", "x.y -> loss.target")
    draw(root.definitions["part"], {}, "loss.loss -> adam.loss", "loss.loss -> y.x")
    return root


def refused_inside() -> Graph:
    """A definition whose layer refuses what the instance gets."""
    graph = without("flat.x", "dense1.x")
    defined(graph, "part", {"x": Input(), "dense": Dense(), "y": Output()}, "x.y -> dense.x")
    draw(graph.definitions["part"], {}, "dense.y -> y.x")
    graph.set_node(Node("part1", Subgraph("part")))
    for wire in ("digits.image -> part1.x", "part1.y -> dense1.x"):
        draw(graph, {}, wire)
    graph.drop_node("flat")
    return graph


def tower(levels: int) -> Graph:
    """Definitions that use the one below ten times each."""
    root = Graph()
    nodes = {"x": Input(), "dense": Dense(units=1), "y": Output()}
    defined(root, "t0", nodes, "x.y -> dense.x", "dense.y -> y.x")
    for k in range(1, levels):
        nodes = {"x": Input(), "inner": Subgraph(f"t{k - 1}", repeat=10), "y": Output()}
        defined(root, f"t{k}", nodes, "x.y -> inner.x", "inner.y -> y.x")
    nodes = {"data": ToyData(), "all": Subgraph(f"t{levels - 1}", repeat=10), "out": Output()}
    return plus(root, nodes, "data.features -> all.x", "all.y -> out.x")


CASES = {
    "cycle": (cyclic(), "error: sum: found the cycle sum → sum"),
    "no wire": (without("dense2.x"), "error: dense2.x: found no wire, expected one; wire relu1.y"),
    "no target": (without("loss.target"), "error: loss.target: found no wire, expected one; wire"),
    "loose layer": (
        plus(digits_mlp(), {"dense3": Dense()}),
        "warning: dense3.x: found no wire, expected one",
    ),
    "no loss wired": (without("adam.loss"), "error: adam.loss: found no wire"),
    "placeholder": (
        with_op("relu1", Placeholder("Warp", "{}", ("x",), ("y",))),
        "error: relu1: found the unknown node type 'Warp'",
    ),
    "schedule as value": (
        plus(without("dense2.x"), {"cosine": CosineSchedule()}, "cosine.rate -> dense2.x"),
        "error: dense2.x: found the schedule cosine, expected a value",
    ),
    "value as schedule": (
        plus(digits_mlp(), {}, "dense1.y -> adam.schedule"),
        "error: adam.schedule: found dense1, expected a schedule",
    ),
    "layer as loss": (
        plus(digits_mlp(), {}, "dense1.y -> adam.loss"),
        "error: adam.loss: found 32 a sample, expected one number for the batch",
    ),
    "metric as loss": (
        plus(digits_mlp(), {}, "accuracy.value -> adam.loss"),
        "error: adam.loss: found the metric accuracy, expected a loss",
    ),
    "adapter": (
        plus(without("dense1.x"), {}, "digits.image -> dense1.x"),
        "error: dense1.x: found an image 1×8×8 a sample, expected a vector a sample; put a Flatten",
    ),
    "labels to a layer": (
        plus(without("dense1.x"), {}, "digits.label -> dense1.x"),
        "error: dense1.x: found class labels, expected real numbers",
    ),
    "labels to a regression": (
        with_op("loss", MeanSquaredError()),
        "error: loss.target: found class labels, expected a number to come close to",
    ),
    "numbers to two classes": (
        regression(CrossEntropy(weight=0.5), units=2),
        "error: loss.target: found a vector of 1 a sample, expected one class index a sample",
    ),
    "numbers to a classification": (
        regression(CrossEntropy(weight=0.5), units=1),
        "error: loss.prediction: found one output a sample, expected one for each class",
    ),
    "too few outputs": (
        with_op("dense2", Dense(units=8)),
        "error: loss.prediction: found 8 outputs for 10 classes, expected 10 outputs",
    ),
    "too many outputs": (
        with_op("dense2", Dense(units=12)),
        "warning: loss.prediction: found 12 outputs for 10 classes, expected 10 outputs",
    ),
    "one class": (
        tiny(classes=("yes",)),
        "error: table: found only the class 'yes' in target 'answer', expected two classes",
    ),
    "no rows": (tiny(rows=0), "error: table: found 0 samples, expected one at least for each of 2"),
    "empty part": (
        held_out(),
        "error: table: found 2 samples, expected one at least",
    ),
    "too large": (
        plus(
            without("dense2.x"),
            {"wide": Dense(units=1_000_000), "wider": Dense(units=1_000_000)},
            *("relu1.y -> wide.x", "wide.y -> wider.x", "wider.y -> dense2.x"),
        ),
        "error: wider: found about 14.6 TB for training (1,000,044,002,090 weights)",
    ),
    "no optimizer": (
        Graph(
            net=digits_mlp().net.subgraph([n for n in digits_mlp().net if n != "adam"]).copy(),
        ),
        "error: loss.loss: found no optimizer, expected one to train with",
    ),
    "a loss aside": (
        plus(
            digits_mlp(),
            {"mse": MeanSquaredError()},
            "dense2.y -> mse.prediction",
            "dense2.y -> mse.target",
        ),
        "warning: mse.loss: found no optimizer behind this loss",
    ),
    "no loss": (
        drawn({"data": ToyData(), "dense": Dense()}, "data.features -> dense.x"),
        "warning: found data and no loss, expected a loss to train with",
    ),
    "optimizer inside": (
        optimizer_inside(),
        "error: part:adam: found an optimizer in a definition, expected it in the graph",
    ),
    "unknown id": (
        with_op("adam", Adam(trains=("dense1", "gone"))),
        "error: adam: found 'gone' in trains, expected ids of nodes or frames",
    ),
    "no weights": (frozen(), "warning: adam: found no weights upstream of its losses"),
    "two owners": (two_optimizers(), "error: sgd: found dense1 trained by adam too, expected one"),
    "two owners of a part": (
        plus(
            shared_part(),
            {"wide": Dense(units=10)},
            "relu1.y -> wide.x",
            "wide.y -> loss.prediction",
        ),
        "error: sgd: found ",
    ),
    "unfed input": (
        plus(without("flat.x"), {"input": Input(shape=(1, 8, 8))}, "input.y -> flat.x"),
        "error: input.x: found no data at this input, expected samples to train with",
    ),
    "unread": (
        plus(digits_mlp(), {"dense3": Dense()}, "relu1.y -> dense3.x"),
        "warning: dense3: found nothing that reads it",
    ),
    "one name twice": (named_alike(), "warning: dense2: found two nodes called 'layer'"),
    "inside a definition": (
        refused_inside(),
        "error: part1/dense.x: found an image 1×8×8 a sample, expected a vector a sample",
    ),
    "too many nodes": (tower(7), "error: found 33,333,333 nodes written out, expected at most"),
}
# What no single edit can mend: it takes a choice of the user.
OPEN = {"loose layer", "labels to a layer", "one class", "no rows", "too large", "no loss"}
OPEN |= {"no weights", "too many nodes", "numbers to two classes"}


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


def wire(graph: Graph, text: str) -> Wire:
    """The wire `a.y -> b.x` of a graph."""
    source, target = (end.split(".") for end in text.split(" -> "))
    return connect(graph, *source, *target)


def test_a_wire_that_fits_may_be_drawn() -> None:
    """Also one that replaces another, and one from a node whose shape is not known."""
    graph = plus(digits_mlp(), {"dense3": Dense(), "sum": Add(), "cosine": CosineSchedule()})
    view = View.of(graph)
    for text in (
        "relu1.y -> dense3.x",
        "flat.y -> dense2.x",
        "dense3.y -> dense2.x",
        "relu1.y -> sum.x",
        "cosine.rate -> adam.schedule",
    ):
        assert can_connect(graph, wire(graph, text), "", view) is None


@pytest.mark.parametrize(
    ("text", "port", "words"),
    [
        ("digits.image -> dense1.x", "x", "found an image 1×8×8 a sample, expected a vector"),
        ("digits.label -> dense1.x", "x", "found class labels, expected real numbers"),
        ("dense1.y -> sum.x", "x", "found 32 beside 10 a sample, expected equal shapes"),
        ("relu1.y -> dense1.x", "x", "found a cycle through relu1"),
        ("dense1.y -> dense1.x", "x", "found a cycle through dense1"),
        ("gone.y -> dense1.x", "x", "found a wire at the node 'gone'"),
        ("flat.y -> dense1.q", "q", "found a wire at the input 'q' of dense1, expected x"),
        ("flat.y -> dense1.x", "x", "twice, expected it once"),
        ("dense2.y -> adam.loss", "loss", "found 10 a sample, expected one number"),
        ("dense2.y -> adam.schedule", "schedule", "found dense2, expected a schedule"),
    ],
)
def test_a_refused_wire_says_why(text: str, port: str, words: str) -> None:
    """At the port, before it is drawn; the graph is not touched."""
    graph = plus(digits_mlp(), {"sum": Add()}, "dense2.y -> sum.x")
    problem = can_connect(graph, wire(graph, text))
    assert isinstance(problem, Problem)
    assert problem.port == port
    assert words in problem.message


def test_the_adapter_is_offered_with_the_wire() -> None:
    """One click draws the wire through a Flatten; on a port of many wires too."""
    graph = without("flat.x", "dense1.x", "dense1.y")
    graph.drop_node("flat")
    problem = can_connect(graph, wire(graph, "digits.image -> dense1.x"))
    assert problem is not None
    (mend,) = problem.mends
    assert mend.title(graph) == "Insert Flatten"
    mend.apply(graph)
    assert check(graph) == ()
    graph = plus(graph, {"conv": Conv2d(), "join": Concat()}, "digits.image -> conv.x")
    draw(graph, {}, "dense1.y -> join.x", "conv.y -> join.x")
    (refused,) = [p for p in check(graph) if p.path == "join"][:1]
    assert "expected equal extents" in refused.message


def test_definitions_are_checked_where_they_are_used() -> None:
    """Wires inside a definition get the shapes of its first instance."""
    graph = refused_inside()
    view = View.of(graph)
    found = can_connect(graph, Wire("x", "y", "dense", "x"), "part", view)
    assert found is not None
    assert "twice" in found.message
    assert found.definition == "part"
    mend = next(p for p in check(graph) if p.path == "part1/dense").mends[0]
    mend.apply(graph)
    assert check(graph) == ()


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
