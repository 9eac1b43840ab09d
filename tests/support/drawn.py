"""Graphs drawn by hand in a few lines: `drawn({"a": ReLU(), "b": Tanh()}, "a.y -> b.x")`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graph.edits import connect
from graph.graph import Graph, Node
from graph.op import Op
from graph.ops.activation import ReLU
from graph.ops.conv import Conv2d, MaxPool2d
from graph.ops.data import Digits
from graph.ops.dense import Dense
from graph.ops.loss import CrossEntropy
from graph.ops.metric import Accuracy
from graph.ops.optimizer import Adam
from graph.ops.shape import Flatten
from graph.ops.structure import Input, Output
from graph.records import read_wire
from graph.subgraph import Subgraph


def draw(graph: Graph, nodes: Mapping[str, Op], *wires: str) -> Graph:
    """Put nodes and wires into `graph`."""
    for id, op in nodes.items():
        graph.set_node(Node(id, op, x=200.0 * len(graph)))
    for text in wires:
        wire = read_wire(text, text)
        numbered = connect(graph, wire.source, wire.output, wire.target, wire.input)
        graph.add_wire(numbered if wire.order == 0 else replace(wire, order=wire.order))
    return graph


def drawn(nodes: Mapping[str, Op], *wires: str) -> Graph:
    """A new graph of nodes and wires."""
    return draw(Graph(), nodes, *wires)


def defined(root: Graph, name: str, nodes: Mapping[str, Op], *wires: str) -> Graph:
    """`root` with one more definition."""
    root.definitions[name] = draw(Graph(definitions=root.definitions), nodes, *wires)
    return root


def blocks(repeat: int = 1) -> Graph:
    """Two instances of a block between two layers; the ids in it are used outside as well."""
    nodes = {"x": Input(), "dense": Dense(units=20), "relu": ReLU(), "y": Output()}
    root = defined(Graph(), "block", nodes, "x.y -> dense.x", "dense.y -> relu.x", "relu.y -> y.x")
    outer = {
        "digits": Digits(),
        "flat": Flatten(),
        "relu": Dense(units=20),
        "a": Subgraph("block", repeat),
        "b": Subgraph("block", repeat),
        "dense": Dense(units=10),
        "loss": CrossEntropy(),
        "adam": Adam(),
    }
    wires = ("digits.image -> flat.x", "flat.y -> relu.x", "relu.y -> a.x", "a.y -> b.x")
    ends = ("b.y -> dense.x", "dense.y -> loss.prediction", "digits.label -> loss.target")
    graph = draw(root, outer, *wires, *ends, "loss.loss -> adam.loss")
    graph.training = replace(graph.training, epochs=2)
    return graph


def digits_mlp() -> Graph:
    """A classifier of the digits that passes every check."""
    return drawn(
        {
            "digits": Digits(),
            "flat": Flatten(),
            "dense1": Dense(units=32),
            "relu1": ReLU(),
            "dense2": Dense(units=10),
            "loss": CrossEntropy(),
            "accuracy": Accuracy(),
            "adam": Adam(),
        },
        "digits.image -> flat.x",
        "flat.y -> dense1.x",
        "dense1.y -> relu1.x",
        "relu1.y -> dense2.x",
        "dense2.y -> loss.prediction",
        "digits.label -> loss.target",
        "dense2.y -> accuracy.prediction",
        "digits.label -> accuracy.target",
        "loss.loss -> adam.loss",
    )


def deep_cnn(blocks: int) -> Graph:
    """A classifier of `3·blocks` + 7 nodes; every check passes."""
    nodes: dict[str, Op] = {"digits": Digits()}
    wires, last = [], "digits.image"
    for k in range(blocks):
        nodes |= {f"conv{k}": Conv2d(filters=8), f"relu{k}": ReLU(), f"pool{k}": MaxPool2d(1)}
        wires += [
            f"{last} -> conv{k}.x",
            f"conv{k}.y -> relu{k}.x",
            f"relu{k}.y -> pool{k}.x",
        ]
        last = f"pool{k}.y"
    nodes |= {"flat": Flatten(), "dense": Dense(units=10), "loss": CrossEntropy()}
    nodes |= {"accuracy": Accuracy(), "adam": Adam()}
    wires += [f"{last} -> flat.x", "flat.y -> dense.x", "dense.y -> loss.prediction"]
    wires += ["digits.label -> loss.target", "dense.y -> accuracy.prediction"]
    wires += ["digits.label -> accuracy.target", "loss.loss -> adam.loss"]
    return drawn(nodes, *wires)
