"""After an edit a plan keeps the steps and rows of the tape that the edit does not concern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from plan_words import forget, plan_words

from compute.backend import PlanOptions
from compute.bench.nets import chain
from compute.cpu.engine import Engine
from compute.cpu.entry import Bound
from compute.cpu.plan import Sketch
from compute.cpu.planner import rebind
from compute.cpu.planner.steps import Step
from graph.graph import Graph
from graph.lower import Model
from graph.op import Op
from graph.ops.activation import ReLU
from graph.ops.conv import Conv2d
from graph.ops.dense import Dense
from graph.ops.merge import Concat
from graph.ops.optimizer import Adam
from graph.ops.shape import Flatten

LAYERS, BATCH = 20, 24


def net() -> Graph:
    """Dense layers with activations."""
    layers: list[Op] = [op for _ in range(LAYERS) for op in (Dense(units=8), ReLU())]
    return chain((16,), [*layers, Dense(units=10)], Adam())


def images() -> Graph:
    """Convolutions, whose values lie in images with borders."""
    layers: list[Op] = [Conv2d(filters=4), ReLU(), Conv2d(filters=4), ReLU(), Flatten()]
    return chain((1, 8, 8), [*layers, Dense(units=8), ReLU(), Dense(units=10)], Adam())


def large() -> Graph:
    """Weights that are each updated behind the product of their gradient."""
    layers: list[Op] = [op for _ in range(4) for op in (Dense(units=160), ReLU())]
    return chain((160,), [*layers, Dense(units=10)], Adam())


def resized(graph: Graph, units: int) -> None:
    """The dense layer in the middle has so many units."""
    dense = [node for node in graph.ordered() if isinstance(node.op, Dense)]
    node = dense[(len(dense) - 1) // 2]
    graph.set_node(replace(node, op=replace(node.op, units=units)))  # type: ignore[call-arg]


def drawn(graph: Graph) -> tuple[Engine, Bound]:
    """Its training step, planned."""
    sketch = Sketch(Model(graph), PlanOptions(threads=2))
    return sketch.engine, sketch.planned("train/0", BATCH)


def steps(graph: Graph) -> list[Step]:
    """The steps of its plan."""
    return drawn(graph)[1].planned.steps()


def test_steps_of_other_layers_are_the_very_same() -> None:
    """Those of the layer and of what reads it are new, and the optimizer's, which reads all."""
    graph = net()
    resized(graph, 9)
    before = steps(graph)
    resized(graph, 11)
    after = steps(graph)
    assert len(after) == len(before)
    new = [step for old, step in zip(before, after, strict=True) if step is not old]
    assert 0 < len(new) < len(before) // 5


def test_rows_of_the_tape_are_written_for_new_steps_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """All others are taken over with other addresses."""
    graph, written = net(), list[Step]()
    resized(graph, 9)
    plan_words(*drawn(graph))
    resized(graph, 11)
    engine, bound = drawn(graph)
    row = rebind._row

    def counted(*given: object) -> rebind.Mark:
        written.append(given[3])  # type: ignore[arg-type]
        return row(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(rebind, "_row", counted)
    plan_words(engine, bound)
    assert 0 < len(written) < len(bound.planned.steps()) // 5


@pytest.mark.parametrize("make", [net, images, large])
@pytest.mark.parametrize("units", [(9, 11, 9), (8, BATCH, 10), (1, 200, 2), (16, 64, 65)])
def test_sizes_that_meet_those_of_others(make: Callable[[], Graph], units: tuple[int, ...]) -> None:
    """Layers as wide as the batch, as others, as nothing else, or crossing what decides cuts."""
    graph = make()
    plan_words(*drawn(graph))
    for size in units:
        resized(graph, size)
        warm = plan_words(*drawn(graph))
        forget()
        assert plan_words(*drawn(graph)) == warm
        plan_words(*drawn(graph))


def test_the_plan_before_an_edit_stays_as_it_is() -> None:
    """It may still run, and be bound anew, while the next one is made."""
    graph = large()
    engine, bound = drawn(graph)
    before = plan_words(engine, bound)
    resized(graph, 161)
    plan_words(*drawn(graph))
    forget()
    assert plan_words(engine, bound) == before


@pytest.mark.parametrize("number", [3, 4, 5])
def test_a_joined_value_begins_anew(number: int) -> None:
    """Where its parts lie is found by whichever asks first, which a step passed over does not."""
    graph = net()
    dense = [node.id for node in graph.ordered() if isinstance(node.op, Dense)]
    wire = graph.wires_in(dense[5], "x")[0]
    joined = graph.fresh_id("concat")
    graph.set_node(replace(graph.node(dense[5]), id=joined, op=Concat()))
    graph.drop_wire(wire)
    port = Concat().ports_in()[0].name
    for order, source in enumerate((wire.source, graph.wires_in(dense[4], "x")[0].source)):
        graph.add_wire(replace(wire, source=source, target=joined, input=port, order=order))
    graph.add_wire(replace(wire, source=joined, output=Concat().ports_out()[0].name))
    plan_words(*drawn(graph))
    node = graph.node(dense[number])
    graph.set_node(replace(node, op=replace(node.op, units=9)))  # type: ignore[call-arg]
    warm = plan_words(*drawn(graph))
    forget()
    assert plan_words(*drawn(graph)) == warm
