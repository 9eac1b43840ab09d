"""A small net that fits one data node: what a newcomer begins with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from graph.edit import Edit
from graph.edits import AddNode, Batch, Connect, SetTraining
from graph.graph import Graph, Node, Wire
from graph.kinds import DataSource
from graph.op import Op
from graph.ops.activation import ReLU
from graph.ops.dense import Dense
from graph.ops.loss import CrossEntropy, MeanSquaredError
from graph.ops.metric import Accuracy, MeanAbsoluteErrorMetric
from graph.ops.optimizer import Adam
from graph.ops.shape import Flatten
from graph.ops.structure import Input
from graph.program import ShapeError, TensorType
from graph.training import Training

HIDDEN = 32
RATE = 0.01
STEPS, MOST_EPOCHS = 1000, 100  # enough for a small table to be learnt, in seconds
APART, BELOW = 200.0, 160.0  # between the left edges of nodes; of the metric, below the loss


def small_net(graph: Graph, id: str) -> Edit | None:
    """The edit that puts a small net behind the data node `id`.

    None when it is no data node with samples and one target, or when something reads it already.
    """
    node = graph.node(id)
    if not isinstance(node.op, DataSource) or graph.wires_out(id):
        return None
    try:
        types = node.op.sample_types()
    except ShapeError:
        return None
    ports = node.op.ports_out()
    if len(ports) != 2 or types[ports[0].name].dtype == "int":
        return None
    classes = len(node.op.class_names())
    first, target = types[ports[0].name], types[ports[1].name]
    ends = _ends(target, classes)
    if ends is None:
        return None
    layers: list[tuple[str, Op]] = [("input", Input())]
    if len(first.shape) > 1:
        layers.append(("flatten", Flatten()))
    layers += [("hidden", Dense(units=HIDDEN)), ("relu", ReLU())]
    layers.append(("output", Dense(units=classes if target.dtype == "int" else target.shape[0])))
    edits = list(_edits(graph, node, layers, ends))
    return Batch((*edits, *_training(graph, node.op)), "Add a small net")


def _ends(target: TensorType, classes: int) -> tuple[Op, Op] | None:
    """Loss and metric for a target; None when there are none."""
    if target.dtype == "int":
        return (CrossEntropy(), Accuracy()) if not target.shape and classes > 1 else None
    return (MeanSquaredError(), MeanAbsoluteErrorMetric()) if len(target.shape) == 1 else None


def _edits(
    graph: Graph, data: Node, layers: list[tuple[str, Op]], ends: tuple[Op, Op]
) -> Iterator[Edit]:
    """Nodes from left to right behind the data, each wired to the one before."""
    ids = list[str]()

    def add(stem: str, op: Op, column: int, down: float = 0.0) -> Edit:
        ids.append(graph.fresh_id(stem, ids))
        return AddNode(Node(ids[-1], op, x=data.x + column * APART, y=data.y + down))

    features, target = (port.name for port in data.op.ports_out())
    before, output = data.id, features
    for column, (stem, op) in enumerate(layers, 1):
        yield add(stem, op, column)
        yield Connect(Wire(before, output, ids[-1], op.ports_in()[0].name))
        before, output = ids[-1], op.ports_out()[0].name
    column = len(layers) + 1
    for stem, op, down in (("loss", ends[0], 0.0), ("metric", ends[1], BELOW)):
        yield add(stem, op, column, down)
        yield Connect(Wire(before, output, ids[-1], "prediction"))
        yield Connect(Wire(data.id, target, ids[-1], "target"))
    loss = ids[-2]
    yield add("adam", Adam(learning_rate=RATE), column + 1)
    yield Connect(Wire(loss, "loss", ids[-1], "loss"))


def _training(graph: Graph, op: Op) -> Iterator[Edit]:
    """More epochs for few samples, unless somebody has chosen how many."""
    training, usual = graph.training, Training()
    schema = getattr(op, "schema", None)
    count = schema.rows if schema else getattr(op, "samples_count", 0)
    if not count or training.epochs != usual.epochs:
        return
    steps = max(1.0, count * (1 - training.split.validation) / (training.batch_size or count))
    epochs = min(MOST_EPOCHS, max(usual.epochs, round(STEPS / steps)))
    yield SetTraining(replace(training, epochs=epochs))
