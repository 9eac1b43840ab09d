"""Small graphs for tests of training, and the back ends that they run on."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import graph.ops  # noqa: F401  fills the registry
from compute.backend import Array, Plan, PlanOptions, load
from compute.evaluate import host_scalars
from graph.graph import Graph, Node, Wire
from graph.lower import Model
from graph.op import REGISTRY, Op
from graph.training import Split, Training

_NO_CPU = importlib.util.find_spec("compute.cpu.plan") is None
# Every test of what a back end does runs on all of them.
DEVICES = [
    "reference",
    pytest.param(
        "cpu", marks=pytest.mark.skipif(_NO_CPU, reason="compute.cpu.plan is not written yet")
    ),
]


def op(name: str, **settings: Any) -> Op:
    """A node type of the registry with these settings."""
    return REGISTRY[name](**settings)


def draw(nodes: Mapping[str, Op], wires: str, training: Training | None = None) -> Graph:
    """A graph from nodes by id and wires `source.port>target.port`, parted by spaces."""
    drawn = Graph()
    for id, each in nodes.items():
        drawn.set_node(Node(id, each))
    for number, text in enumerate(wires.split()):
        source, target = text.split(">")
        drawn.add_wire(Wire(*source.split("."), *target.split("."), number))
    drawn.training = training or Training()
    return drawn


CLASSIFIER_WIRES = (
    "data.features>hidden.x hidden.y>relu.x relu.y>top.x top.y>loss.prediction "
    "data.target>loss.target top.y>accuracy.prediction data.target>accuracy.target "
    "loss.loss>adam.loss"
)


def moons(units: int = 8, dropout: float = 0.0, **training: Any) -> Graph:
    """Two dense layers on 120 points of two moons, Adam; with dropout where asked for."""
    nodes = {
        "data": op("ToyData", samples_count=120),
        "hidden": op("Dense", units=units),
        "relu": op("ReLU"),
        "top": op("Dense", units=2),
        "loss": op("CrossEntropy"),
        "accuracy": op("Accuracy"),
        "adam": op("Adam", learning_rate=0.01),
    }
    wires = CLASSIFIER_WIRES
    if dropout:
        nodes["drop"] = op("Dropout", p=dropout)
        wires = wires.replace("relu.y>top.x", "relu.y>drop.x drop.y>top.x")
    settings = {"epochs": 3, "batch_size": 10, "seed": 7, "split": Split(validation=0.25)}
    return draw(nodes, wires, Training(**(settings | training)))


def tied_tokens() -> Graph:
    """Points as tokens, embedded; scores of tokens from the same table, then of two classes."""
    nodes = {
        "data": op("ToyData", samples_count=120),
        "cut": op("Formula", formula="3 * abs(x)"),
        "ids": op("ToIds"),
        "words": op("Embedding", vocabulary=20, features=5, padding_idx=0),
        "mean": op("Reduce", axes=(1,)),
        "scores": op("Dense", units=20, tie="words"),
        "tanh": op("Tanh"),
        "top": op("Dense", units=2),
        "loss": op("CrossEntropy"),
        "adam": op("Adam", learning_rate=0.01),
    }
    wires = """data.features>cut.x cut.y>ids.x ids.y>words.x words.y>mean.x mean.y>scores.x
        scores.y>tanh.x tanh.y>top.x top.y>loss.prediction data.target>loss.target
        loss.loss>adam.loss"""
    return draw(nodes, wires, Training(batch_size=10))


def make_plan(model: Model, device: str, seed: int = 0, threads: int = 1) -> Plan:
    """A float64 plan of a model."""
    options = PlanOptions("float64", threads=threads, seed=seed)
    return load(device).build(model, options, lambda *_: None)  # type: ignore[arg-type]


def train_steps(
    model: Model, plan: Plan, data: Mapping[str, Array], index: Array, first: int = 0
) -> dict[str, Array]:
    """Train every phase for each row of `index` in turn; the losses by phase."""
    losses: dict[str, list[float]] = {}
    for step, row in enumerate(index):
        for phase in model.phases:
            scalars = host_scalars(model.live, first + step, 1)
            done = plan.run(phase.name, data, row[None], scalars)
            losses.setdefault(phase.name, []).append(float(done.scalars["loss"][0]))
    return {name: np.array(values) for name, values in losses.items()}


def outputs(model: Model, plan: Plan, data: Mapping[str, Array]) -> dict[str, Array]:
    """What the model gives for all samples of `data`, by output name."""
    count = len(next(iter(data.values())))
    index = np.arange(count, dtype=np.int64)[None]
    done = plan.run("predict", data, index, host_scalars(model.live, 0, 1))
    return {name.removeprefix("outputs/"): array for name, array in done.arrays.items()}
