"""Plans within a memory budget: the same bits in fewer bytes, and what cannot be is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from classifiers import GRAPHS
from hypothesis import HealthCheck, given, settings
from plan_checks import check_plan
from random_graphs import training_graphs

from compute.backend import PlanOptions
from compute.bench.workloads import WORKLOADS
from compute.cpu import entry
from compute.cpu.entry import Bound
from compute.cpu.memory import BudgetError, in_pages
from compute.cpu.plan import CpuPlan
from compute.cpu.planner.budget import Usage
from compute.cpu.planner.edited import plan_program
from compute.cpu.planner.fused import fuse
from compute.cpu.planner.prepare import optimise, split_host
from compute.cpu.planner.program import Planned, Planner
from compute.cpu.planner.schedule import Pace
from compute.cpu.threads import team
from compute.evaluate import host_scalars
from graph.files import load
from graph.graph import Graph
from graph.lower import Model
from graph.op import SettingError
from graph.program import Program
from graph.training import Training
from resources import example_path

SAMPLES, BATCH = 24, 8
EXAMPLES = (
    "char-lstm",
    "digits-cnn",
    "digits-autoencoder",
    "two-inputs-two-heads",
    "sine-forecast",
)


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads also for small plans; they end with the test."""
    monkeypatch.setattr(entry, "SMALL_FLOPS", 0)
    yield
    team().close()


def _plan(model: Model, threads: int = 1, budget: int | None = None) -> CpuPlan:
    options = PlanOptions(threads=threads, seed=3, memory_budget=budget)
    return CpuPlan(model, options, lambda *_: None)


def _data(program: Program) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(4)
    found: dict[str, np.ndarray] = {}
    for one in program.inputs:
        if one.kind == "batch":
            kind = program.types[one.value]
            shape = (SAMPLES, *kind.shape[1:])
            whole = kind.dtype == "int"
            made = generator.integers(0, 2, shape) if whole else generator.standard_normal(shape)
            found[one.key] = made if whole else made.astype(np.float32)
    return found


def _scalars(model: Model, steps: int) -> dict[str, np.ndarray]:
    """Of a run with more steps to come: a schedule has something to divide by."""
    return host_scalars(model.live, 0, steps) | {"iteration:steps": np.full(steps, 100.0)}


def _train(model: Model, plan: CpuPlan, steps: int = 3) -> dict[str, bytes]:
    """Losses of each phase and every array after some steps."""
    index = np.random.default_rng(1).integers(0, SAMPLES, (steps, BATCH))
    scalars = _scalars(model, steps)
    found = {}
    for phase in model.phases:
        data = _data(model.program(phase.name, BATCH))
        outputs = plan.run(phase.name, data, index, scalars)
        assert outputs.steps == steps
        found[f"loss {phase.name}"] = outputs.scalars["loss"].tobytes()
    return found | {key: array.tobytes() for key, array in plan.read().items()}


def _planned(model: Model, plan: CpuPlan) -> list[Planned]:
    return [plan.planned(phase.name, BATCH).planned for phase in model.phases]


def _needs(model: Model, plan: CpuPlan) -> tuple[int, int]:
    """Bytes that persist, and those of the work space."""
    kept = plan.engine.persistent.size
    return kept, max(in_pages(planned.transient) for planned in _planned(model, plan))


def _everything_again(plan: CpuPlan, program: Program, pace: Pace, clears: bool) -> Planned:
    """A plan in which all that may be is done again."""
    storage, prepared = plan.engine.storage, split_host(optimise(program))
    first = Planner(prepared, fuse(prepared), storage, 3)
    usage = Usage(first, first.plan())
    made = usage.recipe.build(usage.free, prepared)
    planner = Planner(made.prepared, made.ops, storage, 3, made.twins, clears)
    return planner.plan(pace)


def _same_bits(drawn: Graph, shares: Sequence[tuple[float, int]]) -> None:
    """Whatever is done again, within these shares of the work space on so many threads."""
    drawn.training = replace(drawn.training, batch_size=BATCH)
    model = Model(drawn)
    usual = _plan(model)
    expected = _train(model, usual)
    kept, work = _needs(model, usual)
    for share, threads in shares:
        plan = _plan(model, threads, kept + int(share * work))
        assert _train(model, plan) == expected
        for planned in _planned(model, plan):
            check_plan(planned)
    for pace, clears in ((Pace.FREE, False), (Pace.SERIAL, True)):
        plan = _plan(model, threads=2)
        for phase in model.phases:
            planned = _everything_again(plan, model.program(phase.name, BATCH), pace, clears)
            check_plan(planned)
            plan.engine._entries[phase.name, BATCH, frozenset()] = Bound(planned)
        assert _train(model, plan) == expected


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(drawn=training_graphs())
def test_random_graphs(drawn: Graph) -> None:
    """Losses and weights have the same bits within any budget."""
    _same_bits(drawn, ((0.7, 2), (0.4, 3)))


@pytest.mark.parametrize("name", [*GRAPHS, *EXAMPLES])
def test_same_bits(name: str) -> None:
    """Convolutions, normalisation, dropout, attention, recurrent layers, several phases."""
    drawn = GRAPHS[name]() if name in GRAPHS else load(example_path(name))
    _same_bits(drawn, ((0.8, 1), (0.6, 2), (0.4, 3)))


def test_noise_is_not_drawn_anew() -> None:
    """A dropout mask that was given up is the same one again."""
    model = Model(load(example_path("digits-cnn")))
    plan = _plan(model)
    planned = _everything_again(plan, model.program("train/0", BATCH), Pace.APART, False)
    drawn = [step for step in planned.steps() if step.kernel == "random_uniform"]
    assert [step.again for step in drawn] == [(), ("dropout",)]
    assert len({(step.words["seed"], step.words["stream"]) for step in drawn}) == 1


@pytest.mark.parametrize(("name", "share"), [("W4", 0.7), ("W4", 0.5), ("W6", 0.85), ("W6", 0.75)])
def test_a_plan_fits_its_budget(name: str, share: float) -> None:
    """Half the memory is enough for a convolutional net, three quarters for a transformer block,
    which keeps little that is cheap as it is.
    """
    workload = WORKLOADS[name]
    model = Model(workload.graph())
    usual = _plan(model).planned("train/0", workload.batch).planned
    kept = sum(in_pages(buffer.size) for buffer in _plan(model).engine.storage.buffers())
    budget = int(share * (kept + usual.transient))
    plan = _plan(model, budget=budget)
    plan.prepare("train/0", workload.batch)
    assert plan.memory <= budget
    lines = plan.table("train/0", workload.batch)
    assert any(line.again for line in lines)
    check_plan(plan.planned("train/0", workload.batch).planned)


def test_what_is_cheap_is_given_up_first() -> None:
    """No product is done again while activations and norms will do."""
    workload = WORKLOADS["W6"]
    model = Model(workload.graph())
    usual = _plan(model)
    work = usual.planned("train/0", workload.batch).planned.transient
    plan = _plan(model, budget=usual.engine.persistent.size + int(0.9 * work))
    lines = plan.table("train/0", workload.batch)
    kernels = {line.kernel for line in lines if line.again}
    assert kernels
    assert kernels <= {"elementwise", "layer_norm"}
    assert {line.recomputed for line in lines if line.again} <= {"recomputed", "recomputes gelu"}


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_without_need_the_plan_is_the_ordinary_one(name: str) -> None:
    """No budget, or one that is large enough, changes nothing."""
    model = Model(GRAPHS[name]())
    usual, roomy = _plan(model), _plan(model, budget=1 << 30)
    program = model.program("train/0", BATCH)
    expected = plan_program(program, usual.engine.storage, 3)
    for plan in (usual, roomy):
        planned = plan.planned("train/0", BATCH).planned
        assert str(planned) == str(expected)
        places = [(b.size, at, b.border) for b, at in planned.offsets.items()]
        assert places == [(b.size, at, b.border) for b, at in expected.offsets.items()]
        assert not any(s.again or s.behind or s.clears for s in planned.steps())


def test_a_budget_that_cannot_be_met_says_what_can() -> None:
    """Found, asked for, what to do; what it says is enough is enough."""
    model = Model(GRAPHS["cnn"]())
    plan = _plan(model, budget=1 << 14)
    with pytest.raises(BudgetError, match="training settings, memory budget: found") as caught:
        plan.prepare("train/0", BATCH)
    text = str(caught.value)
    assert "expected at most 0.01 MiB" in text
    assert "raise the budget" in text
    assert "batch smaller" in text
    least = float(text.split("found ")[1].split(" MiB")[0])
    assert least < sum(_needs(model, _plan(model))) / 2**20
    enough = _plan(model, budget=int(least * 2**20))
    enough.prepare("train/0", BATCH)
    assert enough.memory <= least * 2**20


def test_a_watch_may_take_more() -> None:
    """What is watched is kept for it, has the same bits, and is no reason to refuse."""
    model = Model(GRAPHS["cnn"]())
    watch = frozenset({"value:conv1.y", "gradient:dense/weight", "value:drop.y"})
    usual = _plan(model)
    tight = _plan(model, budget=1)
    index = np.random.default_rng(1).integers(0, SAMPLES, (2, BATCH))
    data, scalars = _data(model.program("train/0", BATCH)), _scalars(model, 2)
    expected = usual.run("train/0", data, index, scalars, watch)
    found = tight.run("train/0", data, index, scalars, watch)
    for name, array in expected.arrays.items():
        assert found.arrays[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize(
    ("bad", "expected"),
    [(-1.0, "at least 0"), (float("nan"), "a finite number"), (2e6, "at most"), (True, "float")],
)
def test_a_budget_out_of_range_is_refused(bad: float, expected: str) -> None:
    """What was found and what was expected."""
    with pytest.raises(SettingError, match=f"memory_budget: found .*, expected {expected}"):
        Training(memory_budget=bad)
