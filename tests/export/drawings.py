"""Graphs for the export tests: random ones, and odd ones by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from hypothesis import HealthCheck, Phase, given, settings

from graph.exposed import Exposure
from graph.graph import Frame, Graph, Node
from graph.kinds import Optimizer, Schedule
from graph.op import REGISTRY, Op, Param, Result, State
from graph.ops.dense import INITIALISERS
from graph.ops.loss import Loss
from graph.ops.regularise import Dropout
from graph.primitives import (
    channel_shape,
    depthwise2d,
    greater,
    matmul,
    minimum,
    reduce_mean,
    reshape,
    sign,
    softplus,
    tanh,
    where,
)
from graph.program import TensorType
from graph.tensor import Tensor
from graph.training import Split, Training
from tests.support.random_graphs import training_graphs
from tests.support.small_graphs import draw, op

EXACT = Training(epochs=20, batch_size=8, seed=5, precision="float64")


def random_graphs(count: int, dropout: bool) -> list[Graph]:
    """The first `count` random networks, always the same ones."""
    graphs: list[Graph] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(training_graphs(dropout=dropout))
    def collect(graph: Graph) -> None:
        graph.training = replace(graph.training, epochs=20, precision="float64")
        for node in list(graph):
            if isinstance(node.op, Dropout):  # close to 1, what is kept grows without bound
                graph.set_node(replace(node, op=Dropout(p=min(node.op.p, 0.5))))
        graphs.append(graph)

    collect()
    return graphs[:count]


# ---- node types nobody wrote PyTorch text for


class Swirl(Op, register=False):
    """x · tanh(softplus(x)), and 1 where x is large."""

    build = staticmethod(lambda x: x * tanh(softplus(x)) + greater(x, 1.0))


class Slope(Op, register=False):
    """x where positive, else a trained slope · x."""

    def params(self, x: TensorType) -> Mapping[str, Param]:
        return {"slope": Param((x.shape[1],), "he_uniform", (4, 4))}

    def build(self, x: Tensor, slope: Tensor) -> Tensor:
        return where(greater(x, 0.0), x, reshape(slope, channel_shape(x)) * x)


class Across(Op, register=False):
    """A weighted sum whose matrix has the inputs first, and says so."""

    def params(self, x: TensorType) -> Mapping[str, Param]:
        return {"weight": Param((x.shape[1], 3), "he_uniform", (x.shape[1], 3))}

    def build(self, x: Tensor, weight: Tensor) -> Tensor:
        return matmul(x, weight)


class Apart(Op, register=False):
    """Four numbers as two channels of two, each under a window of its own."""

    def params(self, x: TensorType) -> Mapping[str, Param]:
        return {"weight": Param((2, 1, 1, 2), "he_uniform")}

    def build(self, x: Tensor, weight: Tensor) -> Tensor:
        image = reshape(x, (x.shape[0], 2, 1, 2))
        return reshape(depthwise2d(image, weight, (1, 1), (0, 0, 0, 1), (1, 1)), x.shape)


class Centre(Op, register=False):
    """Subtracts a running mean."""

    def state(self, x: TensorType) -> Mapping[str, State]:
        return {"mean": State((x.shape[1],))}

    def build(self, x: Tensor, mean: Tensor, ctx: object) -> Tensor | Result:
        y = x - reshape(mean, channel_shape(x))
        if not ctx.training:  # type: ignore[attr-defined]
            return y
        now = reduce_mean(x, (0, *range(2, x.rank)))
        return Result((y,), {"mean": 0.9 * mean + 0.1 * now})


class LogCosh(Loss, register=False):
    """Mean of log cosh of the misses, less log 2."""

    def build(self, prediction: Tensor, target: Tensor) -> Tensor:
        miss = prediction - target
        return self.mean(softplus(2.0 * miss) - miss)


class Lion(Optimizer, register=False):
    """Steps along the sign of a running gradient (Chen et al. 2023)."""

    slots: ClassVar[tuple[str, ...]] = ("m",)

    def step(self, p, g, *slots, rate, ctx):  # type: ignore[no-untyped-def]
        (m,) = slots
        return p - rate * sign(0.9 * m + 0.1 * g), 0.99 * m + 0.01 * g


class WarmUp(Schedule, register=False):
    """A rate that grows for ten steps."""

    def rate(self, ctx):  # type: ignore[no-untyped-def]
        return minimum(ctx.step / 10.0, 1.0)


# ---- drawings by hand

LOSS = " loss.loss>adam.loss"


def plain() -> dict[str, Op]:
    """The ends of most drawings: points, cross-entropy, Adam."""
    return {
        "data": op("ToyData", samples_count=60),
        "loss": op("CrossEntropy"),
        "adam": op("Adam", learning_rate=0.01),
    }


def softmax_output() -> Graph:
    """Probabilities are the output, the loss reads the scores before them."""
    nodes = plain() | {"d": op("Dense", units=2), "s": op("Softmax"), "out": op("Output")}
    wires = "data.features>d.x d.y>s.x s.y>out.x d.y>loss.prediction data.target>loss.target"
    return draw(nodes, wires + LOSS, EXACT)


def target_layer() -> Graph:
    """The target runs through a layer with weights on its way to the loss."""
    nodes = {
        "data": op("ToyData", shape="regression", samples_count=60),
        "d": op("Dense", units=1),
        "t": op("Dense", units=1),
        "loss": op("MeanSquaredError"),
        "mae": op("MeanAbsoluteErrorMetric"),
        "adam": op("SGD", learning_rate=0.02, momentum=0.9, nesterov=True),
    }
    wires = (
        "data.features>d.x d.y>loss.prediction data.target>t.x t.y>loss.target "
        "d.y>mae.prediction t.y>mae.target"
    )
    return draw(nodes, wires + LOSS, EXACT)


def repeated(weights: str, turns: int, widen: bool = False) -> Graph:
    """A definition, repeated, inside another; names that Python does not allow."""
    inner = {"in": op("Input"), "lin": op("Dense", units=4), "act": op("Tanh"), "out": op("Output")}
    block = draw(inner, "in.y>lin.x lin.y>act.x act.y>out.x")
    block.set_node(Node("lin", op("Dense", units=4), name="class"))
    outer = {"in": op("Input"), "sum": op("Add"), "out": op("Output")}
    outer["twice"] = op("Subgraph", definition="block", repeat=turns, weights=weights)
    skip = draw(outer, "in.y>twice.in twice.out>sum.x in.y>sum.x sum.y>out.x")
    nodes = plain() | {"d": op("Dense", units=2 if widen else 4), "last": op("Dense", units=2)}
    nodes["skip"] = op("Subgraph", definition="skip", repeat=1 if widen else 2, weights="own")
    part = "block" if widen else "skip"
    if widen:
        nodes["skip"] = op("Subgraph", definition=part, repeat=turns, weights="own")
    wires = (
        "data.features>d.x d.y>skip.in skip.out>last.x "
        "last.y>loss.prediction data.target>loss.target"
    )
    drawn = draw(nodes, wires + LOSS, EXACT)
    for definition in (block, skip):
        definition.definitions = drawn.definitions
    drawn.definitions.update(block=block, skip=skip)
    return drawn


def two_phases() -> Graph:
    """Two losses, each with an optimizer of its own part, one of them every second step."""
    nodes = plain() | {
        "body": op("Dense", units=5),
        "relu": op("ReLU"),
        "a": op("Dense", units=2),
        "stop": op("StopGradient"),
        "b": op("Dense", units=2),
        "other": op("CrossEntropy", weight=0.5),
        "sgd": op("SGD", trains=("b",), every=2, order=1, fresh_batch=True),
        "step": op("StepSchedule", every=1, factor=0.5),
        "cosine": op("CosineSchedule", floor=0.1),
    }
    nodes["adam"] = op("Adam", learning_rate=0.01, trains=("framed", "a"))
    wires = """data.features>body.x body.y>relu.x relu.y>a.x relu.y>stop.x stop.y>b.x
        a.y>loss.prediction data.target>loss.target b.y>other.prediction data.target>other.target
        other.loss>sgd.loss step.rate>sgd.schedule cosine.rate>adam.schedule"""
    drawn = draw(nodes, wires + LOSS, EXACT)
    drawn.frames["framed"] = Frame("framed", "The body", ("body", "relu"))
    return drawn


def odd_nodes() -> Graph:
    """A frozen layer, a bypassed one, a dangling one, names that are keywords, two of a name."""
    nodes = plain() | {name: op("Dense", units=3) for name in ("one", "two", "lost")}
    nodes |= {"drop": op("Sigmoid"), "three": op("Dense", units=2), "accuracy": op("Accuracy")}
    wires = """data.features>one.x one.y>two.x two.y>drop.x drop.y>three.x one.y>lost.x
        three.y>loss.prediction data.target>loss.target
        three.y>accuracy.prediction data.target>accuracy.target"""
    drawn = draw(nodes, wires + LOSS, replace(EXACT, split=Split(0.25, 0.1, False, False)))
    drawn.set_node(Node("one", drawn.node("one").op, name="forward", frozen=True))
    drawn.set_node(Node("two", drawn.node("two").op, name="forward"))
    drawn.set_node(Node("drop", drawn.node("drop").op, bypassed=True))
    return drawn


def shadowing() -> Graph:
    """Nodes called like what the generated code uses itself, each read twice."""
    words = ("x", "torch", "F", "np", "self", "n", "params", "Model", "model", "l")
    nodes = plain() | {"data": op("ToyData", samples_count=60)}
    wires, before = "", "data.features"
    for k in range(len(words)):
        nodes |= {f"d{k}": op("Dense", units=2), f"t{k}": op("Tanh"), f"a{k}": op("Add")}
        wires += f"{before}>d{k}.x d{k}.y>t{k}.x d{k}.y>a{k}.x t{k}.y>a{k}.x "
        before = f"a{k}.y"
    wires += f"{before}>loss.prediction data.target>loss.target"
    drawn = draw(nodes, wires + LOSS, EXACT)
    for k, word in enumerate(words):
        drawn.set_node(Node(f"d{k}", drawn.node(f"d{k}").op, name=word))
    drawn.set_node(Node("t0", drawn.node("t0").op, name="adam"))
    return drawn


def own_types() -> Graph:
    """Layers, loss, optimizer and schedule that bring no PyTorch text."""
    nodes = {
        "data": op("ToyData", shape="regression", samples_count=60),
        "d": op("Dense", units=4),
        "swirl": Swirl(),
        "slope": Slope(),
        "apart": Apart(),
        "centre": Centre(),
        "across": Across(),
        "again": Swirl(),
        "last": op("Dense", units=1),
        "loss": LogCosh(weight=0.5),
        "adam": Lion(learning_rate=0.01),
        "warm": WarmUp(),
    }
    wires = """data.features>d.x d.y>swirl.x swirl.y>slope.x slope.y>apart.x
        apart.y>centre.x centre.y>across.x across.y>again.x again.y>last.x
        last.y>loss.prediction data.target>loss.target
        warm.rate>adam.schedule"""
    return draw(nodes, wires + LOSS, EXACT)


def trained_by(optimizer: str, schedule: str) -> Graph:
    """A dense layer, trained by an optimizer under a schedule."""
    nodes = plain() | {"d": op("Dense", units=2), "adam": op(optimizer), "rate": op(schedule)}
    wires = """data.features>d.x d.y>loss.prediction data.target>loss.target
        rate.rate>adam.schedule"""
    return draw(nodes, wires + LOSS, EXACT)


def started(init: str) -> Graph:
    """A wide, a square and a high matrix and a window that start in one way."""
    conv = op("Conv2d", filters=3, kernel=2, padding="valid", init=init)
    nodes = plain() | {
        "wide": op("Dense", units=9, init=init),
        "image": op("Reshape", shape=(1, 3, 3)),
        "conv": conv,
        "flat": op("Flatten"),
        "square": op("Dense", units=12, init=init),
        "high": op("Dense", units=2, init=init),
    }
    wires = """data.features>wide.x wide.y>image.x image.y>conv.x conv.y>flat.x flat.y>square.x
        square.y>high.x high.y>loss.prediction data.target>loss.target"""
    return draw(nodes, wires + LOSS, EXACT)


def _each_of(role: str) -> list[str]:
    return [name for name, kind in REGISTRY.items() if kind.role == role]


def exposing() -> Graph:
    """Three instances of one definition, two with other values, one inside another definition."""
    inner = {"in": op("Input"), "wide": op("Dense", units=6), "act": op("ELU"), "out": op("Output")}
    inner["back"] = op("Projection", bias=False)
    block = draw(inner, "in.y>wide.x wide.y>act.x act.y>back.x in.y>back.like back.y>out.x")
    settings = ("hidden", ("wide", "units")), ("slope", ("act", "alpha"))
    block.expose(tuple(Exposure(name, (place,)) for name, place in settings))
    within = {"in": op("Input"), "one": op("Subgraph", definition="block"), "out": op("Output")}
    outer = draw(within, "in.y>one.in one.out>out.x")
    outer.expose((Exposure("steepness", (("one", "slope"),)),))
    nodes = plain() | {"first": op("Subgraph", definition="block"), "last": op("Dense", units=2)}
    nodes["second"] = op("Subgraph", definition="block", values=(("hidden", 3), ("slope", 2.0)))
    nodes["third"] = op("Subgraph", definition="outer", values=(("steepness", 0.25),))
    wires = (
        "data.features>first.in first.out>second.in second.out>third.in third.out>last.x "
        "last.y>loss.prediction data.target>loss.target"
    )
    drawn = draw(nodes, wires + LOSS, EXACT)
    for definition in (block, outer):
        definition.definitions = drawn.definitions
    drawn.definitions.update(block=block, outer=outer)
    return drawn


BY_HAND: dict[str, Graph] = {
    **{name: trained_by(name, "CosineSchedule") for name in _each_of("optimizer")},
    **{name: trained_by("SGD", name) for name in _each_of("schedule")},
    **{name: started(name) for name in INITIALISERS},
    "softmax_output": softmax_output(),
    "target_layer": target_layer(),
    "repeated_own": repeated("own", 3),
    "repeated_shared": repeated("shared", 2),
    "repeated_widening": repeated("own", 2, widen=True),
    "exposing": exposing(),
    "two_phases": two_phases(),
    "odd_nodes": odd_nodes(),
    "own_types": own_types(),
    "shadowing": shadowing(),
}
