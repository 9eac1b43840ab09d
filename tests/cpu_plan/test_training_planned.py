"""Whole graphs on the CPU plan: against the reference, and bit for bit against itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from classifiers import GRAPHS, cnn, mlp
from plan_checks import check_plan
from small_graphs import moons, op

from compute.backend import PlanOptions
from compute.cpu import entry
from compute.cpu.plan import CpuPlan
from compute.cpu.planner import tables
from compute.cpu.threads import team
from compute.cpu.variants import available
from compute.evaluate import host_scalars
from compute.reference_plan import ReferencePlan
from graph.graph import Node, Wire
from graph.lower import Model
from graph.op import REGISTRY

SAMPLES = 60


@pytest.fixture(autouse=True)
def no_workers_left() -> Iterator[None]:
    """The process's worker threads end with the test."""
    yield
    team().close()


def _data(model: Model, dtype: type = np.float64) -> dict[str, np.ndarray]:
    """Random samples for the model's batch inputs."""
    generator = np.random.default_rng(4)
    program = model.program("evaluate", 2)
    found = {}
    for given in program.inputs:
        if given.kind == "batch":
            kind = program.types[given.value]
            if kind.dtype == "int":
                found[given.key] = generator.integers(0, 2, (SAMPLES, *kind.shape[1:]))
            else:
                shape = (SAMPLES, *kind.shape[1:])
                found[given.key] = generator.standard_normal(shape).astype(dtype)
    return found


def _index(steps: int, batch: int, seed: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, SAMPLES, (steps, batch))


def _plan(model: Model, precision: str = "float64", threads: int = 1) -> CpuPlan:
    return CpuPlan(model, PlanOptions(precision, threads=threads, seed=3), lambda *_: None)  # type: ignore[arg-type]


def _train(
    plan: CpuPlan | ReferencePlan,
    model: Model,
    index: np.ndarray,
    watch: frozenset[str] = frozenset(),
    first: int = 0,
    dtype: type = np.float64,
):
    scalars = host_scalars(model.live, first, len(index))
    return plan.run("train/0", _data(model, dtype), index, scalars, watch)


def _same_bits(one: Mapping[str, np.ndarray], two: Mapping[str, np.ndarray]) -> None:
    assert one.keys() == two.keys()
    for name in one:
        assert one[name].tobytes() == two[name].tobytes(), name


STEPPERS = [name for name, kind in REGISTRY.items() if kind.role in ("optimizer", "schedule")]


@pytest.mark.parametrize("name", STEPPERS)
def test_every_optimizer_and_schedule_steps_as_the_reference(name: str) -> None:
    """30 steps from the same weights, on one thread and on two."""
    drawn = mlp()
    optimizer = "best"
    if REGISTRY[name].role == "optimizer":
        drawn.set_node(Node(optimizer, op(name)))
    else:
        drawn.set_node(Node(optimizer, op("SGD")))
        drawn.set_node(Node("rate", op(name)))
        drawn.add_wire(Wire("rate", "rate", optimizer, "schedule"))
    model, index = Model(drawn), _index(30, 10)
    theirs = ReferencePlan(model, PlanOptions("float64", seed=3), print)
    _train(theirs, model, index)
    values = theirs.read()
    for threads in (1, 2):
        mine = _plan(model, threads=threads)
        _train(mine, model, index)
        for key, array in mine.read().items():
            np.testing.assert_allclose(array, values[key], rtol=1e-7, atol=1e-9, err_msg=key)
        mine.close()


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("batch", [10, 1, 13])
def test_training_equals_the_reference(name: str, batch: int) -> None:
    if name == "normed" and batch == 1:
        pytest.skip("the variance of one sample is 0: its gradient is all rounding")
    model = Model(GRAPHS[name]())
    mine, theirs = _plan(model), ReferencePlan(model, PlanOptions("float64", seed=3), print)
    index = _index(5, batch)
    found, expected = _train(mine, model, index), _train(theirs, model, index)
    assert found.steps == 5
    np.testing.assert_allclose(found.scalars["loss"], expected.scalars["loss"], rtol=1e-10)
    values = theirs.read()
    for key, array in mine.read().items():
        scale = max(1e-3, np.abs(values[key]).max())
        np.testing.assert_allclose(array, values[key], rtol=1e-9, atol=1e-9 * scale, err_msg=key)
    scalars = host_scalars(model.live, 0, 2)
    for kind in ("evaluate", "predict"):
        one = mine.run(kind, _data(model), _index(2, 7), scalars)
        two = theirs.run(kind, _data(model), _index(2, 7), scalars)
        assert one.scalars.keys() == two.scalars.keys()
        for series in one.scalars:
            np.testing.assert_allclose(one.scalars[series], two.scalars[series], rtol=1e-9)
        for array in one.arrays:
            np.testing.assert_allclose(one.arrays[array], two.arrays[array], rtol=1e-8, atol=1e-10)
    for bound in mine.engine.bound():
        check_plan(bound.planned)
    mine.close()


def _watches(model: Model) -> frozenset[str]:
    names = set()
    for path, node in model.nodes.items():
        for port in node.op.ports_out():
            if node.op.role == "layer" or port.name in ("image", "features"):
                names |= {f"value:{path}.{port.name}", f"gradient:{path}.{port.name}"}
    return frozenset(names | {f"gradient:{key}" for key in model.params})


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", GRAPHS)
def test_watching_changes_no_bit(name: str, precision: str) -> None:
    """All outputs and gradients watched, each alone, and none: the same training."""
    model, index = Model(GRAPHS[name]()), _index(3, 10)
    dtype = np.float32 if precision == "float32" else np.float64
    plain = _plan(model, precision)
    _train(plain, model, index, dtype=dtype)
    expected = plain.read()
    every = _watches(model)
    together = _plan(model, precision)
    seen = _train(together, model, index, every, dtype=dtype)
    _same_bits(together.read(), expected)
    assert every <= seen.arrays.keys() | seen.scalars.keys()
    for watch in sorted(every):
        alone = _plan(model, precision)
        found = _train(alone, model, index, frozenset({watch}), dtype=dtype)
        _same_bits(alone.read(), expected)
        assert found.arrays[watch].tobytes() == seen.arrays[watch].tobytes(), watch


@pytest.mark.parametrize("name", GRAPHS)
def test_watched_values_equal_the_reference(name: str) -> None:
    model = Model(GRAPHS[name]())
    mine, theirs = _plan(model), ReferencePlan(model, PlanOptions("float64", seed=3), print)
    index, watch = _index(2, 10), _watches(model)
    found, expected = _train(mine, model, index, watch), _train(theirs, model, index, watch)
    for key in watch:
        np.testing.assert_allclose(
            found.arrays[key], expected.arrays[key], rtol=1e-9, atol=1e-11, err_msg=key
        )


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", ["cnn", "mlp", "normed"])
def test_threads_change_no_bit(name: str, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "SMALL_FLOPS", 0)
    model, index = Model(GRAPHS[name]()), _index(6, 13)
    dtype = np.float32 if precision == "float32" else np.float64
    results = []
    for threads in (1, 2, 3):
        plan = _plan(model, precision, threads)
        done = _train(plan, model, index, dtype=dtype)
        results.append(plan.read() | {"loss": done.scalars["loss"]})
        plan.close()
    _same_bits(results[0], results[1])
    _same_bits(results[0], results[2])


@pytest.mark.parametrize("name", ["cnn", "moons"])
def test_steps_in_one_call_or_many(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call, calls of one step, and tables shorter than the call give the same bits."""
    model, index = Model(GRAPHS[name]()), _index(9, 10)
    whole = _plan(model)
    losses = _train(whole, model, index).scalars["loss"]
    single = _plan(model)
    parts = [_train(single, model, index[k : k + 1], first=k).scalars["loss"] for k in range(9)]
    _same_bits(single.read(), whole.read())
    assert np.concatenate(parts).tobytes() == losses.tobytes()
    monkeypatch.setattr(tables, "MAX_STEPS", 4)
    monkeypatch.setattr(tables, "MIN_STEPS", 4)
    short = _plan(model)
    assert _train(short, model, index).scalars["loss"].tobytes() == losses.tobytes()
    _same_bits(short.read(), whole.read())


@pytest.mark.parametrize("vector", [v.name for v in available("f64")])
def test_every_vector_length(vector: str) -> None:
    """Forced lengths train alike; each gives the same bits again."""
    model, index = Model(cnn()), _index(3, 10)
    expected = _train(_plan(model), model, index).scalars["loss"]
    options = PlanOptions("float64", threads=1, seed=3, vector=vector)
    plans = [CpuPlan(model, options, lambda *_: None) for _ in range(2)]
    found = [_train(plan, model, index).scalars["loss"] for plan in plans]
    assert found[0].tobytes() == found[1].tobytes()
    np.testing.assert_allclose(found[0], expected, rtol=1e-10)


def test_a_vector_of_the_other_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of float64"):
        CpuPlan(Model(mlp()), PlanOptions("float64", vector="f32x4"), lambda *_: None)


def test_random_numbers_follow_the_step_number() -> None:
    """Steps 0, 1, then 7: as if the run had been there."""
    model, index = Model(moons(dropout=0.4)), _index(3, 10)
    scalars = host_scalars(model.live, 0, 3)
    scalars["iteration:step"] = np.array([1.0, 2.0, 8.0])
    mine, theirs = _plan(model), ReferencePlan(model, PlanOptions("float64", seed=3), print)
    found = mine.run("train/0", _data(model), index, scalars)
    expected = theirs.run("train/0", _data(model), index, scalars)
    np.testing.assert_allclose(found.scalars["loss"], expected.scalars["loss"], rtol=1e-11)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_bad_step_is_not_applied(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "SMALL_FLOPS", 0)
    model = Model(cnn())
    data, index = _data(model), np.arange(40).reshape(4, 10)
    data["data.image"][25] = np.nan
    plan = _plan(model, threads=threads)
    done = plan.run("train/0", data, index, host_scalars(model.live, 0, 4))
    assert (done.steps, done.bad_step) == (2, 2)
    assert done.scalars["loss"].shape == (2,)
    good = _plan(model, threads=threads)
    good.run("train/0", data, index[:2], host_scalars(model.live, 0, 2))
    _same_bits(plan.read(), good.read())


def test_arrays_are_canonical_outside() -> None:
    """What was written is read back, whatever the order inside."""
    model = Model(cnn())
    plan = _plan(model)
    generator = np.random.default_rng(0)
    values = {key: generator.standard_normal(a.shape) for key, a in plan.read().items()}
    plan.write(values)
    found = plan.read()
    for key, array in values.items():
        assert np.array_equal(found[key], array), key
        assert found[key].flags.c_contiguous
    with pytest.raises(ValueError, match="expected one of the plan's"):
        plan.write({"param:nothing": np.zeros(3)})
    with pytest.raises(ValueError, match="expected"):
        plan.write({"param:dense/bias": np.zeros(3)})


def test_too_little_memory_is_said_before_it_is_taken() -> None:
    model = Model(mlp())
    with pytest.raises(MemoryError, match="make the batch smaller"):
        CpuPlan(model, PlanOptions(memory_limit=10_000), lambda *_: None)
    plan = CpuPlan(model, PlanOptions(memory_limit=8_000_000), lambda *_: None)
    with pytest.raises(MemoryError, match="batch 200000"):
        plan.prepare("train/0", 200_000)


def test_data_must_fit() -> None:
    model = Model(mlp())
    plan = _plan(model)
    index, scalars = _index(1, 10), host_scalars(model.live, 0, 1)
    data = _data(model)
    with pytest.raises(ValueError, match=r"data\.image.*expected contiguous float64"):
        plan.run("train/0", data | {"data.image": data["data.image"].astype("f4")}, index, scalars)
    with pytest.raises(ValueError, match="found samples of"):
        plan.run(
            "train/0", data | {"data.image": data["data.image"][:, :, :7].copy()}, index, scalars
        )
    with pytest.raises(ValueError, match=r"found no data for 'data\.label'"):
        plan.run("train/0", {"data.image": data["data.image"]}, index, scalars)


def test_the_plan_is_a_table() -> None:
    model = Model(cnn())
    plan = _plan(model)
    lines = plan.table("train/0", 10)
    assert [line.index for line in lines] == list(range(len(lines)))
    convolutions = [line for line in lines if line.kernel.startswith("conv2d")]
    assert {line.path for line in convolutions} == {"conv1", "conv2"}
    assert all(line.seconds is None for line in lines)
    text = str(plan.engine.bound()[0].planned)
    assert text.startswith("plan train/0 (batch 10, ")
    assert "region 1" in text
    assert "after the loss is checked" in text
    assert "group (10 samples by 1)" in text
    plan.profile("train/0", _data(model), _index(3, 10), host_scalars(model.live, 0, 3))
    measured = [line.seconds for line in plan.table("train/0", 10)]
    assert all(seconds is not None and seconds > 0 for seconds in measured)


@pytest.mark.parametrize("threads", [1, 2])
def test_numbers_too_small_for_full_precision_are_zero(threads: int) -> None:
    """In the run only: the moments of weights without a gradient fade to 0, not to a crawl."""
    model = Model(mlp("Adam"))
    plan = _plan(model, "float32", threads)
    tiny = np.float32(1e-38)
    arrays = plan.read()
    plan.write({k: np.full_like(v, tiny) for k, v in arrays.items() if k.startswith("slot:")})
    frozen = {key: np.zeros_like(value) for key, value in arrays.items() if "param" in key}
    plan.write(frozen)  # nothing flows back through weights of 0
    _train(plan, model, _index(3, 10), dtype=np.float32)
    found = plan.read()
    moments = np.abs(np.concatenate([v.ravel() for k, v in found.items() if k.startswith("slot:")]))
    assert not ((moments > 0) & (moments < np.finfo(np.float32).tiny)).any()
    assert (moments == 0).any()
    assert np.float32(1e-38) / np.float32(2) > 0  # everyone else's arithmetic is as before
    plan.close()
