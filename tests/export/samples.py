"""A graph for every node sample: the node alone, between its inputs and its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from compute.backend import Array
from graph.graph import Graph, Node, Wire
from graph.kinds import DataSource
from graph.lower import Model
from graph.op import Op, Port, Sample
from graph.program import TensorType
from tests.export.drawings import EXACT
from tests.export.running import Case, give, outputs_of, plan_of, stored
from tests.support.small_graphs import op


class Given(DataSource, register=False):
    """Arrays of the sample's types; the generated file gets them as arguments."""

    category, icon = "Data", "data"
    kinds: tuple[tuple[str, TensorType], ...] = ()

    def ports_out(self) -> tuple[Port, ...]:
        return tuple(Port(name) for name, _ in self.kinds)

    def sample_types(self) -> Mapping[str, TensorType]:
        return {n: replace(kind, shape=kind.shape[1:]) for n, kind in self.kinds}


def sample_case(name: str, kind: type[Op], sample: Sample, seed: int) -> Case:
    """The node of a sample in evaluation, its weights random, each of its outputs an output."""
    node = kind(**sample.settings)
    wired = [(port, k, t) for port, own in sample.types().items() for k, t in enumerate(own)]
    drawn = Graph(training=EXACT)
    drawn.set_node(Node("given", Given(tuple((f"{p}_{k}", t) for p, k, t in wired))))
    drawn.set_node(Node("it", node))
    for port, k, _ in wired:
        drawn.add_wire(Wire("given", f"{port}_{k}", "it", port, k))
    for port in node.ports_out():
        drawn.set_node(Node(f"out_{port.name}", op("Output")))
        drawn.add_wire(Wire("it", port.name, f"out_{port.name}", "x"))
    rng = np.random.default_rng(seed)
    arrays = {f"given.{p}_{k}": _array(t, sample, rng) for p, k, t in wired}
    model = Model(drawn)
    plan = plan_of(model)
    weights = {k: v + rng.uniform(0.1, 0.4, v.shape) for _, k, v in stored(plan)}
    give(plan, model, weights)
    count = len(next(iter(arrays.values())))
    found = plan.run("predict", arrays, np.arange(count)[None], {})
    read = {item.key for item in model.program("predict", count).inputs if item.kind == "batch"}
    made = {**found.arrays, **{k: v[0] for k, v in found.scalars.items()}}
    outputs = outputs_of(model.program("predict", count), made)
    inputs = [array for key, array in arrays.items() if key in read]
    return Case(name, drawn, weights, outputs, np.zeros(0), inputs)


def _array(kind: TensorType, sample: Sample, rng: np.random.Generator) -> Array:
    if kind.dtype == "int":
        return rng.integers(0, sample.classes, kind.shape) + int(sample.positive)
    low, high = (0.05, 0.95) if sample.shares else (0.1 if sample.positive else -2.0, 2.0)
    return rng.uniform(low, high, kind.shape)
