"""Drawing graphs through edits, for the shipped examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import graph.ops  # fills the registry  # noqa: F401
from graph.edits import AddNode, Connect, SetTraining, connect
from graph.graph import Graph, Node
from graph.op import REGISTRY
from graph.training import Training

Layer = tuple[str, str, dict[str, object]]  # id, node type, settings


Port = tuple[str, str]  # node id, port


def build(
    data: Layer,
    layers: Sequence[Layer],
    loss: Layer,
    metric: Layer,
    optimizer: Sequence[Layer],
    training: Training,
) -> Graph:
    """One thread: data, layers, loss; the metric beside the loss; the optimizer behind it."""
    graph = begin(training, data)
    features, _ = ports(graph, data[0])
    judge(graph, chain(graph, features, layers), data[0], loss, metric)
    optimise(graph, [loss[0]], *optimizer)
    return graph


def begin(training: Training, *nodes: Layer) -> Graph:
    """A graph of nodes without wires."""
    graph = Graph()
    SetTraining(training).apply(graph)
    add(graph, *nodes)
    return graph


def add(graph: Graph, *nodes: Layer) -> None:
    """Add nodes."""
    for id, type_, settings in nodes:
        AddNode(Node(id, REGISTRY[type_](**settings))).apply(graph)


def call(graph: Graph, id: str, name: str) -> None:
    """Give a node a name."""
    graph.set_node(replace(graph.node(id), name=name))


def ports(graph: Graph, data: str) -> list[Port]:
    """The outputs of a node."""
    return [(data, port.name) for port in graph.ports_out(data)]


def link(graph: Graph, source: Port, target: Port) -> None:
    """Draw a wire from an output to an input."""
    Connect(connect(graph, *source, *target)).apply(graph)


def chain(graph: Graph, source: Port, layers: Sequence[Layer]) -> Port:
    """Add layers, each wired to the one before, the first to `source`; the output of the last."""
    add(graph, *layers)
    for id, _, _ in layers:
        link(graph, source, (id, graph.ports_in(id)[0].name))
        source = ports(graph, id)[0]
    return source


def judge(graph: Graph, prediction: Port, data: str, *judges: Layer) -> None:
    """Add losses and metrics that compare a prediction with the target of the data."""
    add(graph, *judges)
    for id, _, _ in judges:
        link(graph, prediction, (id, "prediction"))
        link(graph, ports(graph, data)[-1], (id, "target"))


def optimise(graph: Graph, losses: Sequence[str], optimizer: Layer, *schedule: Layer) -> None:
    """Add an optimizer behind losses, and what scales its rate."""
    add(graph, optimizer, *schedule)
    for loss in losses:
        link(graph, (loss, "loss"), (optimizer[0], "loss"))
    for id, _, _ in schedule:
        link(graph, (id, "rate"), (optimizer[0], "schedule"))
