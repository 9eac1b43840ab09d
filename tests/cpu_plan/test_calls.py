"""Calls of a plan from outside: arrays that change from call to call, and who works on them."""

import numpy as np
import pytest

from compute.backend import Array, PlanOptions
from compute.bench.workloads import WORKLOADS
from compute.cpu.plan import CpuPlan
from graph.lower import Model

KEY = "data.image"
PREDICTION = "outputs/prediction"


def plan_of(name: str, threads: int = 1) -> CpuPlan:
    """A reference net with its first weights."""
    model = Model(WORKLOADS[name].graph())
    return CpuPlan(model, PlanOptions(threads=threads), lambda done, total, what: None)


def answer(plan: CpuPlan, samples: Array, rows: list[list[int]]) -> Array:
    """The prediction for the last of `rows`."""
    index = np.array(rows, np.int64)
    return plan.run("predict", {KEY: samples}, index, {}).arrays[PREDICTION]


def test_each_call_reads_the_array_it_is_given() -> None:
    """Other arrays at other places, also of other lengths; answers stay what they were."""
    plan, samples = plan_of("W2"), WORKLOADS["W2"].data()[KEY]
    together = answer(plan, samples, [list(range(8))])
    before = together.copy()
    for number in range(8):
        alone = answer(plan, samples[number : number + 1].copy(), [[0]])
        np.testing.assert_allclose(alone[0], together[number], rtol=1e-5, atol=1e-6)
    longer = answer(plan, samples[:20].copy(), [[19]])
    np.testing.assert_allclose(longer, answer(plan, samples, [[19]]), rtol=0, atol=0)
    assert (together == before).all()


def test_an_array_that_cannot_be_written_is_read() -> None:
    """A view of a file, or of somebody else's constants."""
    plan, samples = plan_of("W2"), WORKLOADS["W2"].data()[KEY]
    expected = answer(plan, samples, [[2]])
    frozen = samples[2:3].copy()
    frozen.flags.writeable = False
    assert (answer(plan, frozen, [[0]]) == expected).all()


def test_answers_of_one_sample_are_the_same_on_awake_threads() -> None:
    """The large MLP, one call after another, also where a long call stands between them."""
    alone, both = plan_of("W1"), plan_of("W1", threads=2)
    samples = WORKLOADS["W1"].data()[KEY]
    for number in range(200):
        rows = [[number]] if number % 50 else [[k] for k in range(number, number + 100)]
        assert (answer(alone, samples, rows) == answer(both, samples, rows)).all()


def test_answers_are_right_after_the_memory_has_grown() -> None:
    """A batch that needs more room moves what small ones use."""
    plan, samples = plan_of("W3"), WORKLOADS["W3"].data()[KEY]
    first = answer(plan, samples, [[3]])
    before = plan.memory
    answer(plan, samples, [list(range(64))])
    assert plan.memory > before
    assert (answer(plan, samples, [[3]]) == first).all()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (np.zeros((4, 64), np.float64), "found float64, expected contiguous float32"),
        (np.zeros((4, 128), np.float32)[:, ::2], "expected contiguous float32"),
        (np.zeros((4, 63), np.float32), r"found samples of shape \(63,\) \(252 bytes\)"),
    ],
)
def test_an_array_that_does_not_fit_is_refused(given: Array, says: str) -> None:
    """Also after one that did."""
    plan = plan_of("W2")
    answer(plan, np.zeros((4, 64), np.float32), [[0]])
    with pytest.raises(ValueError, match=says):
        answer(plan, given, [[0]])


def test_a_call_of_little_work_wakes_nobody() -> None:
    """One sample of the large MLP is one thread's work, a batch of training or many samples both's,
    and the answers are the same to the bit.
    """
    plan, samples = plan_of("W1", threads=2), WORKLOADS["W1"].data()[KEY]
    alone = answer(plan, samples, [[5]])
    bound = plan.planned("predict", 1)
    plan.prepare("predict", 1)
    assert [bound.short(steps) for steps in (1, 100)] == [True, False]
    plan.prepare("train/0", 128)
    assert not plan.planned("train/0", 128).short(1)
    assert (answer(plan, samples, [[5]] * 100) == alone).all()


def train(plan: CpuPlan, rates: list[float], first: int) -> Array:
    """The losses of so many steps of W2 with these learning rates, in one call."""
    workload, count = WORKLOADS["W2"], len(rates)
    index = np.arange(count * 32).reshape(count, 32) % 256
    scalars = {
        "live:optimizer/learning_rate": np.array(rates),
        "live:optimizer/momentum": np.full(count, 0.9),
        "iteration:step": np.arange(first, first + count, dtype=float),
        "iteration:epoch": np.zeros(count),
        "iteration:steps": np.full(count, 100.0),
    }
    return plan.run("train/0", workload.data(), index, scalars).scalars["loss"]


def test_each_call_uses_the_numbers_it_is_given() -> None:
    """Also where those of the call before were the same, others, or several."""
    parts = [[0.1], [0.1], [0.02, 0.3], [0.3], [0.02], [0.02]]
    plan, again = plan_of("W2"), plan_of("W2")
    for number, rates in enumerate(parts):
        expected = [train(again, [rate], 1 + number)[0] for rate in rates]
        # a call of several steps takes other samples than several calls: only its first is the same
        found = train(plan, rates, 1 + number)
        assert found[0] == expected[0]
        for key, value in plan.read().items():
            again.write({key: value})
    other = train(again, [0.5], 9)
    assert other == train(plan, [0.02], 9)  # of the weights before the step
    assert train(again, [0.5], 10) != train(plan, [0.02], 10)


def test_a_number_that_is_missing_is_named() -> None:
    """Also in the one step of a call."""
    plan, data = plan_of("W2"), WORKLOADS["W2"].data()
    for steps in (1, 3):
        with pytest.raises(ValueError, match="found no scalar 'live:optimizer/"):
            plan.run("train/0", data, np.zeros((steps, 32), np.int64), {})
