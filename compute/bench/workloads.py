"""The nets that are timed: each as a Netloom graph, with the numbers PyTorch gets too.

W1 to W6 are the reference nets of the engine; `digits-mlp` and `digits-cnn` are shipped examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compute.backend import Array
from graph.files import load
from graph.graph import Graph, Node, Wire
from graph.kinds import DataSource
from graph.op import Op, Port, setting
from graph.ops.activation import ReLU
from graph.ops.attention import MultiHeadAttention
from graph.ops.conv import Conv2d, MaxPool2d
from graph.ops.dense import Dense
from graph.ops.loss import CrossEntropy
from graph.ops.merge import Add
from graph.ops.norm import BatchNorm
from graph.ops.optimizer import SGD, Adam
from graph.ops.rectifier import GELU
from graph.ops.recurrent import LSTM
from graph.ops.reduce import Reduce
from graph.ops.sample_norm import LayerNorm
from graph.ops.shape import Flatten
from graph.program import TensorType
from graph.training import Training
from resources import example_path

BATCHES = 8  # different batches, taken in turn


@dataclass(frozen=True)
class Workload:
    """A net, its batch size and what a sample looks like."""

    name: str
    describe: str
    batch: int
    sample: tuple[int, ...]
    classes: int
    graph: Callable[[], Graph]

    def data(self) -> tuple[Array, Array]:
        """Inputs (float32) and labels for all batches, seeded."""
        generator = np.random.default_rng(1)
        count = self.batch * BATCHES
        inputs = generator.standard_normal((count, *self.sample), dtype=np.float32)
        return inputs, generator.integers(0, self.classes, count, dtype=np.int64)


class BenchData(DataSource, register=False):
    """Stands for the random numbers both sides are given."""

    outputs = (Port("image"), Port("label", "labels"))
    shape: tuple[int, ...] = setting((1,), "Shape of a sample")

    def sample_types(self) -> Mapping[str, TensorType]:
        return {"image": TensorType(self.shape), "label": TensorType((), "int")}


def chain(sample: tuple[int, ...], layers: Sequence[Op], optimizer: Op) -> Graph:
    """A graph of `layers` in a row between an input and cross-entropy."""
    ids = ["data", *(f"{number}" for number in range(len(layers)))]
    parts = zip(ids[1:], layers, ids, strict=False)
    return net(sample, [(id, layer, [before]) for id, layer, before in parts], optimizer)


def net(
    sample: tuple[int, ...], layers: Sequence[tuple[str, Op, Sequence[str]]], optimizer: Op
) -> Graph:
    """A graph of named layers, each with what is wired to it, that ends in cross-entropy."""
    graph = Graph()
    graph.set_node(Node("data", BenchData(shape=sample)))
    for id, layer, sources in layers:
        graph.set_node(Node(id, layer))
        for order, source in enumerate(sources):
            port = "image" if source == "data" else "y"
            graph.add_wire(Wire(source, port, id, "x", order))
    graph.set_node(Node("loss", CrossEntropy()))
    graph.set_node(Node("optimizer", optimizer))
    graph.add_wire(Wire(layers[-1][0], "y", "loss", "prediction"))
    graph.add_wire(Wire("data", "label", "loss", "target"))
    graph.add_wire(Wire("loss", "loss", "optimizer", "loss"))
    return graph


def _w1() -> Graph:
    layers = [Dense(units=512), ReLU(), Dense(units=256), ReLU()]
    return chain((784,), [*layers, Dense(units=10)], Adam())


def _w2() -> Graph:
    layers = [Dense(units=32), ReLU(), Dense(units=10)]
    return chain((64,), layers, SGD(learning_rate=0.05, momentum=0.9))


def _w3() -> Graph:
    layers = [
        *(Conv2d(filters=16), ReLU(), MaxPool2d()),
        *(Conv2d(filters=32), ReLU(), MaxPool2d()),
        *(Flatten(), Dense(units=128), ReLU(), Dense(units=10)),
    ]
    return chain((1, 28, 28), layers, Adam())


def _w4() -> Graph:
    layers: list[Op] = []
    for filters in (32, 64):
        for _ in range(2):
            layers += [Conv2d(filters=filters), BatchNorm(), ReLU()]
        layers.append(MaxPool2d())
    return chain((3, 32, 32), [*layers, Flatten(), Dense(units=10)], Adam())


def _w4_winograd() -> Graph:
    graph = _w4()
    graph.training = Training(fast_convolution=True)
    return graph


def _w5() -> Graph:
    return chain((50, 32), [LSTM(units=128, returns="last"), Dense(units=10)], Adam())


def _w6() -> Graph:
    layers: list[tuple[str, Op, Sequence[str]]] = [
        ("norm1", LayerNorm(), ["data"]),
        ("attention", MultiHeadAttention(heads=4), ["norm1"]),
        ("sum1", Add(), ["data", "attention"]),
        ("norm2", LayerNorm(), ["sum1"]),
        ("widen", Dense(units=512), ["norm2"]),
        ("gelu", GELU(), ["widen"]),
        ("narrow", Dense(units=128), ["gelu"]),
        ("sum2", Add(), ["sum1", "narrow"]),
        ("mean", Reduce(axes=(1,)), ["sum2"]),
        ("scores", Dense(units=10), ["mean"]),
    ]
    return net((64, 128), layers, Adam())


def _example(name: str) -> Callable[[], Graph]:
    return lambda: load(example_path(name))


WORKLOADS = {
    w.name: w
    for w in (
        Workload("W1", "MLP 784-512-256-10, Adam", 128, (784,), 10, _w1),
        Workload("W2", "MLP 64-32-10, SGD with momentum", 32, (64,), 10, _w2),
        Workload("W3", "CNN 16-32, dense 128, 28×28, Adam", 64, (1, 28, 28), 10, _w3),
        Workload("W4", "CNN 32-32-64-64, batch norm, Adam", 32, (3, 32, 32), 10, _w4),
        Workload("W4 Winograd", "W4, fast convolution", 32, (3, 32, 32), 10, _w4_winograd),
        Workload("W5", "LSTM 32→128, 50 steps, Adam", 32, (50, 32), 10, _w5),
        Workload("W6", "Transformer block 128, 4 heads, 64 steps, Adam", 16, (64, 128), 10, _w6),
        Workload(
            "digits-mlp", "example, dense 128, Adam", 32, (1, 8, 8), 10, _example("digits-mlp")
        ),
        Workload(
            "digits-cnn",
            "example, conv 16-32, dense 64, Adam",
            64,
            (1, 8, 8),
            10,
            _example("digits-cnn"),
        ),
    )
}
