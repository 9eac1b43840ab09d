"""Random graphs on the CPU plan: the reference's gradients, and plans without hazards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from plan_checks import check_plan
from random_graphs import training_graphs
from small_graphs import draw, op

from compute.backend import PlanOptions
from compute.cpu import entry
from compute.cpu.plan import CpuPlan
from compute.cpu.planner import schedule
from compute.cpu.threads import team
from compute.evaluate import host_scalars
from compute.reference_plan import ReferencePlan
from graph.graph import Graph
from graph.lower import Model
from graph.op import Op

SAMPLES = 24


@pytest.fixture(autouse=True)
def no_workers_left() -> Iterator[None]:
    """The process's worker threads end with the test."""
    yield
    team().close()


def _data(model: Model) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(4)
    program = model.program("train/0", 2)
    found = {}
    for given_input in program.inputs:
        if given_input.kind == "batch":
            kind = program.types[given_input.value]
            shape = (SAMPLES, *kind.shape[1:])
            if kind.dtype == "int":
                found[given_input.key] = generator.integers(0, 2, shape)
            else:
                found[given_input.key] = generator.standard_normal(shape)
    return found


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(drawn=training_graphs())
def test_random_graphs(drawn: Graph) -> None:
    """One step: loss and every gradient; the same bits on two threads and without watching."""
    model = Model(drawn)
    watch = frozenset(f"gradient:{key}" for p in model.phases for _, own in p.owned for key in own)
    index = np.random.default_rng(1).integers(0, SAMPLES, (1, 5))
    scalars, data = host_scalars(model.live, 0, 1), _data(model)
    mine = CpuPlan(model, PlanOptions("float64", threads=1), lambda *_: None)
    theirs = ReferencePlan(model, PlanOptions("float64"), lambda *_: None)
    for phase in model.phases:
        found = mine.run(phase.name, data, index, scalars, watch)
        expected = theirs.run(phase.name, data, index, scalars, watch)
        np.testing.assert_allclose(found.scalars["loss"], expected.scalars["loss"], rtol=1e-9)
        largest = max((float(np.abs(a).max()) for a in expected.arrays.values()), default=1.0)
        for key, array in expected.arrays.items():
            np.testing.assert_allclose(
                found.arrays[key], array, rtol=1e-7, atol=1e-9 * max(1.0, largest), err_msg=key
            )
    for bound in mine.engine.bound():
        check_plan(bound.planned)
    _same_elsewhere(model, mine, data, index, scalars)


def _same_elsewhere(model, mine, data, index, scalars) -> None:  # type: ignore[no-untyped-def]
    """On two threads that share even the shortest steps."""
    small, entry.SMALL_FLOPS = entry.SMALL_FLOPS, 0
    long, schedule.LONG = schedule.LONG, 0
    try:
        other = CpuPlan(model, PlanOptions("float64", threads=2), lambda *_: None)
        for phase in model.phases:
            other.run(phase.name, data, index, scalars)
        values = other.read()
        for key, array in mine.read().items():
            assert array.tobytes() == values[key].tobytes(), key
    finally:
        entry.SMALL_FLOPS, schedule.LONG = small, long


def _bounded(optimizer: Op) -> Graph:
    """Two layers on the digits, the rows of the first no longer than one half: its weights lie
    column by column.
    """
    nodes = {
        "data": op("Digits"),
        "flat": op("Flatten"),
        "hidden": op("Dense", units=11, max_norm=0.5),
        "top": op("Dense", units=10),
        "loss": op("CrossEntropy"),
        "optimizer": optimizer,
    }
    wires = (
        "data.image>flat.x flat.y>hidden.x hidden.y>top.x top.y>loss.prediction"
        " data.label>loss.target loss.loss>optimizer.loss"
    )
    return draw(nodes, wires)


@pytest.mark.parametrize("asked", ["made", "read"])
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(drawn=training_graphs())
@example(drawn=_bounded(op("Adam")))
@example(drawn=_bounded(op("SGD", momentum=0.9, ema_decay=0.5)))
def test_what_is_carried_over_may_be_an_output(asked: str, drawn: Graph) -> None:
    """What the last step read of arrays that are carried over, or made of them, may be asked for;
    that changes nothing.
    """
    model = Model(drawn)
    index = np.random.default_rng(1).integers(0, SAMPLES, (2, 5))
    scalars, samples = host_scalars(model.live, 0, 2), _data(model)
    made, plain = (CpuPlan(model, PlanOptions(threads=1), lambda *_: None) for _ in range(2))
    data = {key: a if a.dtype == np.int64 else a.astype(np.float32) for key, a in samples.items()}
    for phase in model.phases:
        program = model.program(phase.name, 5)
        named = {f"{u.kind}:{u.key}": u.value for u in program.updates}
        if asked == "read":
            inputs = {f"{i.kind}:{i.key}": i.value for i in program.inputs}
            named = {name: inputs[name] for name in named if name in inputs}
        more = replace(program, outputs=(*program.outputs, *named.items()), _hash=0)
        bound = made.engine.entry((phase.name, -5, frozenset()), lambda more=more: more)
        found = made.engine.run(bound, data, index, scalars)
        check_plan(bound.planned)
        before, losses = _two_steps(plain, phase.name, data, index, scalars)
        assert found.scalars["loss"].tobytes() == losses
        kept = made.read()
        expected = before if asked == "read" else kept
        for name in named if found.bad_step is None else ():
            last = found.scalars[name][-1] if name in found.scalars else found.arrays[name]
            assert np.array_equal(last, expected[name], equal_nan=True), name
        for name, array in plain.read().items():
            assert np.array_equal(kept[name], array, equal_nan=True), name


def _two_steps(
    plan: CpuPlan,
    entry_name: str,
    data: dict[str, np.ndarray],
    index: np.ndarray,
    scalars: dict[str, np.ndarray],
) -> tuple[dict[str, np.ndarray], bytes]:
    """Run two steps; the arrays between them, and the bytes of the losses of both."""
    one, two = ({key: a[k : k + 1] for key, a in scalars.items()} for k in (0, 1))
    first = plan.run(entry_name, data, index[:1], one)
    between, losses = plan.read(), first.scalars["loss"].tobytes()
    if first.bad_step is None:
        losses += plan.run(entry_name, data, index[1:], two).scalars["loss"].tobytes()
    return between, losses
