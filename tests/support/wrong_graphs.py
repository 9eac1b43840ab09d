"""Graphs with one thing wrong each, and how the problem's line begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from drawn import defined, digits_mlp, draw, drawn

from graph.graph import Frame, Graph, Node, Wire
from graph.op import Op
from graph.ops.data import ToyData
from graph.ops.dense import Dense
from graph.ops.embedding import Embedding
from graph.ops.loss import CrossEntropy, MeanSquaredError
from graph.ops.merge import Add
from graph.ops.optimizer import SGD, Adam
from graph.ops.schedule import CosineSchedule
from graph.ops.shape import OneHot
from graph.ops.structure import Input, Output
from graph.ops.table import Table
from graph.placeholder import Placeholder
from graph.schema import Column, Schema
from graph.subgraph import Subgraph
from graph.training import Split, Training


def with_op(id: str, op: Op) -> Graph:
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


def plus(graph: Graph, nodes: Mapping[str, Op], *wires: str) -> Graph:
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


PICKED = ("digits.label -> one.x", "one.y -> out.x")

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
    "too few classes": (
        plus(digits_mlp(), {"one": OneHot(classes=8), "out": Output()}, *PICKED),
        "error: one.x: found ids up to 9 in the data, expected 0 to 7; set classes to 10",
    ),
    "too few tokens": (
        plus(digits_mlp(), {"one": Embedding(vocabulary=9), "out": Output()}, *PICKED),
        "error: one.x: found ids up to 9 in the data, expected 0 to 8; set tokens to 10",
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
