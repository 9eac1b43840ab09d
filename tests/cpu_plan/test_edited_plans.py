"""What planning keeps from net to net changes no plan: each is as one made from nothing."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_words import forget, plan_words
from random_graphs import ELEMENTWISE, IMAGE, VECTOR, ops, training_graphs

from compute.backend import PlanOptions
from compute.cpu.plan import CpuPlan, Sketch
from compute.cpu.threads import team
from compute.evaluate import host_scalars
from graph.files import dumps, loads
from graph.graph import Graph, Node, Wire
from graph.lower import LowerError, Model
from graph.op import SettingError, settings_of
from graph.stepping import batch_size

SAMPLES = 24
SIZES = {"units", "filters", "hidden"}


@pytest.fixture(autouse=True)
def no_workers_left() -> Iterator[None]:
    """The process's worker threads end with the test."""
    yield
    team().close()


def edit(graph: Graph, data: st.DataObject) -> str:
    """One random edit of a layer or a wire, which the net may or may not bear; returns its kind."""
    kinds = ("size", "size", "size", "settings", "settings", "flag", "insert", "drop", "rewire")
    kind, layers = data.draw(st.sampled_from(kinds)), [n for n in graph if n.op.role == "layer"]
    sized = [n for n in layers if SIZES & set(settings_of(type(n.op)))]
    node = data.draw(st.sampled_from(sized if kind == "size" and sized else layers))
    wires = graph.wires_in(node.id)
    wire = data.draw(st.sampled_from(wires))
    if kind == "size":
        names = sorted(SIZES & set(settings_of(type(node.op))))
        wanted = {name: data.draw(st.integers(1, 20)) for name in names}
        with suppress(SettingError):
            graph.set_node(replace(node, op=replace(node.op, **wanted)))
    elif kind == "settings":
        graph.set_node(replace(node, op=data.draw(ops(type(node.op).__name__))))
    elif kind == "flag":
        if data.draw(st.booleans()):
            graph.set_node(replace(node, frozen=not node.frozen))
        else:
            graph.set_node(replace(node, bypassed=not node.bypassed))
    elif kind == "insert":
        name = data.draw(st.sampled_from(sorted({*ELEMENTWISE, *VECTOR, *IMAGE})))
        new = Node(graph.fresh_id(name.lower()), data.draw(ops(name)))
        graph.set_node(new)
        graph.drop_wire(wire)
        graph.add_wire(replace(wire, target=new.id, input=new.op.ports_in()[0].name, order=0))
        graph.add_wire(replace(wire, source=new.id, output=new.op.ports_out()[0].name))
    elif kind == "drop" and len(layers) > 1:
        for after in graph.wires_out(node.id):
            graph.drop_wire(after)
            graph.add_wire(replace(after, source=wire.source, output=wire.output))
        for before in wires:
            graph.drop_wire(before)
        graph.drop_node(node.id)
    elif kind == "rewire":
        others = sorted(graph.upstream([node.id]) - {node.id})
        source = graph.node(data.draw(st.sampled_from(others)))
        if source.op.ports_out():
            graph.drop_wire(wire)
            port = source.op.ports_out()[0].name
            graph.add_wire(Wire(source.id, port, wire.target, wire.input, wire.order))
    return kind


def planned(graph: Graph) -> dict[str, tuple[str, bytes, bytes]] | str:
    """The words of every entry of a net, or why it cannot run."""
    try:
        model = Model(graph)
        sketch = Sketch(model, PlanOptions(threads=1))
        names = [*(phase.name for phase in model.phases), "evaluate", "predict"]
        size = batch_size(graph)
        return {
            name: plan_words(sketch.engine, sketch.planned(name, batch))
            for name in names
            for batch in ((size, 5) if name == names[0] else (size,))
        }
    except LowerError as error:
        return str(error)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(drawn=training_graphs(max_layers=6), data=st.data())
def test_a_plan_after_edits_is_one_made_from_nothing(drawn: Graph, data: st.DataObject) -> None:
    """Programs, steps, places and tape words after each of some edits."""
    first = planned(drawn)
    assert forget() > 0
    assert planned(drawn) == first
    for _ in range(data.draw(st.integers(1, 4))):
        edit(drawn, data)
        warm = planned(drawn)
        forget()
        assert planned(loads(dumps(drawn))) == warm


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(drawn=training_graphs(max_layers=5), data=st.data())
def test_an_edited_net_trains_to_the_same_bits(drawn: Graph, data: st.DataObject) -> None:
    """Two steps of the net that was edited, and of its like from a file."""
    planned(drawn)
    edit(drawn, data)
    if isinstance(planned(drawn), str):
        return
    warm = trained(drawn)
    forget()
    assert trained(loads(dumps(drawn))) == warm


def trained(graph: Graph) -> dict[str, bytes]:
    """Losses and all that lasts after two steps."""
    model = Model(graph)
    plan = CpuPlan(model, PlanOptions(threads=1), lambda *_: None)
    generator, found = np.random.default_rng(4), {}
    phase = model.phases[0].name
    program = model.program(phase, 5)
    for one in program.inputs:
        if one.kind == "batch":
            kind = program.types[one.value]
            shape = (SAMPLES, *kind.shape[1:])
            whole = kind.dtype == "int"
            found[one.key] = (
                generator.integers(0, 2, shape)
                if whole
                else (generator.standard_normal(shape).astype(np.float32))
            )
    index = generator.integers(0, SAMPLES, (2, 5))
    ran = plan.run(phase, found, index, host_scalars(model.live, 0, 2))
    made = {f"recorded {name}": array.tobytes() for name, array in ran.scalars.items()}
    return made | {key: array.tobytes() for key, array in plan.read().items()}


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(drawn=training_graphs(max_layers=4), data=st.data())
def test_plans_before_an_edit_are_freed(drawn: Graph, data: st.DataObject) -> None:
    """What lowering and planning keep to go on from holds no plan and no memory of one."""
    plan = CpuPlan(Model(drawn), PlanOptions(threads=1), lambda *_: None)
    gone = weakref.ref(plan.engine), weakref.ref(plan.engine.persistent)
    edit(drawn, data)
    planned(drawn)
    del plan
    gc.collect()
    assert [one() for one in gone] == [None, None]
