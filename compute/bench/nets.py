"""The reference nets of the engine, W1 to W6, and how such nets are drawn in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def w1() -> Graph:
    """MLP 784-512-256-10."""
    layers = [Dense(units=512), ReLU(), Dense(units=256), ReLU()]
    return chain((784,), [*layers, Dense(units=10)], Adam())


def w2() -> Graph:
    """MLP 64-32-10."""
    layers = [Dense(units=32), ReLU(), Dense(units=10)]
    return chain((64,), layers, SGD(learning_rate=0.05, momentum=0.9))


def w3() -> Graph:
    """Two convolutions, each pooled, and two dense layers."""
    layers = [
        *(Conv2d(filters=16), ReLU(), MaxPool2d()),
        *(Conv2d(filters=32), ReLU(), MaxPool2d()),
        *(Flatten(), Dense(units=128), ReLU(), Dense(units=10)),
    ]
    return chain((1, 28, 28), layers, Adam())


def w4() -> Graph:
    """Four convolutions with batch normalisation."""
    layers: list[Op] = []
    for filters in (32, 64):
        for _ in range(2):
            layers += [Conv2d(filters=filters), BatchNorm(), ReLU()]
        layers.append(MaxPool2d())
    return chain((3, 32, 32), [*layers, Flatten(), Dense(units=10)], Adam())


def w4_winograd() -> Graph:
    """W4 with convolutions by Winograd's transforms."""
    graph = w4()
    graph.training = Training(fast_convolution=True)
    return graph


def w5() -> Graph:
    """An LSTM whose last state is classified."""
    return chain((50, 32), [LSTM(units=128, returns="last"), Dense(units=10)], Adam())


def w6() -> Graph:
    """A Transformer block whose mean is classified."""
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
