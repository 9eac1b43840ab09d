"""What each kernel's work is counted as, and what the machine is measured with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.backend import PlanOptions
from compute.bench.nets import chain
from compute.cpu.costs import timing
from compute.cpu.costs.fit import Measured, kernel_rates, nonnegative
from compute.cpu.costs.forecast import parts
from compute.cpu.costs.probes import net_probes, single_probes
from compute.cpu.costs.products import AS
from compute.cpu.costs.traffic import Seen, traffic
from compute.cpu.costs.work import COUNTS, DOWN, WAIT, Work
from compute.cpu.kernels import SPECS
from compute.cpu.plan import Sketch
from compute.cpu.planner.program import Planned
from compute.cpu.variants import native
from graph.lower import Model
from graph.op import Op
from graph.ops.attention import MultiHeadAttention
from graph.ops.conv_groups import DepthwiseConv2d
from graph.ops.dense import Dense
from graph.ops.optimizer import SGD
from graph.ops.recurrent import GRU, LSTM, RNN, Recurrent
from graph.ops.shape import Flatten

NOT_PROBED = frozenset({  # rare or of no weight
    *("arange", "avg_pool2d_dx", "equal_int", "max_pool2d_take", "softmax_dx"),
})  # fmt: skip


def planned(sample: tuple[int, ...], layers: list[Op], batch: int = 8) -> Planned:
    """A net planned for training."""
    graph = chain(sample, [*layers, Dense(units=4)], SGD())
    graph.training = replace(graph.training, batch_size=batch)
    return Sketch(Model(graph), PlanOptions(threads=1)).planned("train/0", batch).planned


def counts(kernel: str, sample: tuple[int, ...], layers: list[Op], batch: int = 8) -> Work:
    """The work of the first step of a kernel."""
    found = parts(planned(sample, layers, batch), native())
    return next(part.work for part in found if part.step.kernel == kernel)


def test_every_kernel_is_counted() -> None:
    """None is left to what is guessed of others."""
    assert SPECS.keys() == COUNTS.keys()


def test_every_kernel_is_measured() -> None:
    """A kernel without a probe has no rates of its own: it is guessed by bytes and operations."""
    options = PlanOptions(threads=1)
    probes = [*net_probes(options, 2), *single_probes(options)]
    seen = {step.kernel for probe in probes for step in probe.bound.planned.steps()}
    assert SPECS.keys() - seen - AS.keys() <= NOT_PROBED


def test_a_net_that_is_measured_learns_nothing() -> None:
    """So its loss stays finite however long it is measured, on each number of threads."""
    for probe in net_probes(PlanOptions(threads=1), 2):
        before = probe.engine.read()
        probe.run(3)
        probe.run(3, count=2)
        after = probe.engine.read()
        for name, array in before.items():
            assert not name.startswith("param:") or np.array_equal(array, after[name]), name


def test_what_is_no_step_is_not_measured() -> None:
    """A loss that is not finite ends a run; its time would be that of nothing."""
    probe = next(net_probes(PlanOptions(threads=1), 1))
    broken = {
        name: np.full_like(a, np.nan) for name, a in probe.data.items() if a.dtype.kind == "f"
    }
    wrong = replace(probe, data={**probe.data, **broken}, name="a net of nothing")
    with pytest.raises(FloatingPointError, match="a net of nothing: the loss is not finite"):
        wrong.run(2)


@pytest.mark.parametrize("kernel", ["recurrent", "recurrent_dx"])
@pytest.mark.parametrize("layer", [RNN, GRU, LSTM])
def test_a_walk_of_twice_the_steps_is_twice_the_work(kernel: str, layer: type[Recurrent]) -> None:
    """But for the first step, which has no state before it."""
    short, long = (
        counts(kernel, (steps, 16), [layer(units=48, returns="last")]).counts for steps in (11, 21)
    )
    assert long["cycles"] == pytest.approx(2 * short["cycles"])
    assert long["streamed"] == pytest.approx(2 * short["streamed"])
    assert long["cells"] / short["cells"] == pytest.approx(21 / 11)


def test_an_lstm_makes_four_products_where_a_plain_cell_makes_one() -> None:
    """And their vectors are counted apart: other functions."""
    plain = counts("recurrent", (12, 16), [RNN(units=96, returns="last")]).counts
    gated = counts("recurrent", (12, 16), [LSTM(units=96, returns="last")]).counts
    assert gated["cycles"] == pytest.approx(4 * plain["cycles"])
    assert plain["tanh vectors"] == gated["LSTM vectors"]
    assert "LSTM vectors" not in plain


@pytest.mark.parametrize("kernel", ["attention", "attention_grad"])
def test_attention_grows_with_the_square_of_its_steps(kernel: str) -> None:
    """A causal one leaves out blocks that nobody sees."""
    layers = [[MultiHeadAttention(heads=2, causal=causal), Flatten()] for causal in (False, True)]
    one, four = (counts(kernel, (steps, 32), layers[0], 2).counts for steps in (128, 256))
    assert four["powers"] == 4 * one["powers"]
    assert four["cycles"] == pytest.approx(4 * one["cycles"])
    half = counts(kernel, (256, 32), layers[1], 2).counts
    assert 0.5 < half["powers"] / four["powers"] < 0.7


def test_depthwise_taps_are_counted_by_four_pixels() -> None:
    """9 taps over 10 pixels of a line: two fours and two ones."""
    layers: list[Op] = [DepthwiseConv2d(kernel=3), Flatten()]
    for kernel in ("depthwise2d", "depthwise2d_dx"):
        found = counts(kernel, (16, 10, 10), [DepthwiseConv2d(kernel=3), *layers]).counts
        vectors = -(-16 // native().lanes)
        assert found["taps of four"] == 8 * vectors * 10 * 2 * 9
        assert found["taps of one"] == 8 * vectors * 10 * 2 * 9
        assert found["windows"] == 8 * vectors * 10 * 4


def test_columns_wait_in_their_own_way() -> None:
    """Sums over rows go down columns; sums of rows do not."""
    for part in parts(planned((40,), [Dense(units=24)]), native()):
        if part.step.kernel == "reduce":
            column = part.work.counts["column"] > 0
            assert part.work.wait == (DOWN if column else WAIT)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), min_size=1, max_size=25))
def test_when_bytes_were_touched_is_remembered_for_each(touches: list[tuple[int, int]]) -> None:
    """As an array of a number for each byte would."""
    seen, plain = Seen(), np.full(100, -1)
    for at, (low, size) in enumerate(touches):
        found = sorted(
            (time, common) for common, time in seen.spans(low, low + size) for _ in range(common)
        )
        known = plain[low : low + size]
        assert [time for time, _ in found] == sorted(known[known >= 0])
        seen.touch(low, low + size, at)
        plain[low : low + size] = at


def test_memory_that_is_used_again_is_near() -> None:
    """Values that share bytes of the arena bring each other into the caches."""
    plan = planned((256,), [Dense(units=256) for _ in range(6)], 256)
    apart = traffic(plan.regions, {}, plan.where)
    far = traffic(plan.regions, {}, plan.within)  # no two values in one place
    written = [
        (sum(t.distance for t in apart[step]), sum(t.distance for t in far[step]))
        for step in plan.steps()
    ]
    assert all(near <= away for near, away in written)
    assert any(near < away for near, away in written)


@given(st.integers(1, 6), st.integers(0, 10_000))
def test_the_least_squares_cannot_be_better(columns: int, seed: int) -> None:
    """No rate can be raised or lowered to come nearer: the conditions of Karush, Kuhn, Tucker."""
    generator = np.random.default_rng(seed)
    matrix = generator.standard_normal((9, columns))
    wanted = generator.standard_normal(9)
    found = nonnegative(matrix, wanted)
    assert (found >= 0).all()
    slope = matrix.T @ (wanted - matrix @ found)
    assert slope.max() < 0.01
    assert np.abs(slope[found > 0]).max(initial=0.0) < 0.01


def test_bytes_that_nobody_waited_for_long_are_waited_for_whole() -> None:
    """Rows whose bytes take next to nothing say nothing of waiting."""
    rows = [Measured(Work("fill", 1, {"rows": 1e4 * k}), 3e-5 * k, 1e-12) for k in range(1, 9)]
    found = kernel_rates(rows)["fill"]
    assert found[WAIT] == pytest.approx(1.0, abs=0.05)
    assert found["rows"] == pytest.approx(3e-9, rel=0.01)


def test_measuring_ends_by_the_processor_s_time_and_at_last_by_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Among others it gets as many slices, but does not wait for ever."""
    own, clock = [5.0], [100.0]
    monkeypatch.setattr("time.thread_time", lambda: own[0])
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    budget = timing.Budget(2.0)
    clock[0] += 2.5
    assert budget.left
    own[0] += 2.0
    assert not budget.left
    budget = timing.Budget(2.0)
    clock[0] += 3.5
    assert not budget.left


def test_a_slow_start_does_not_shorten_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quickest of some tries tells how many steps fit; as many as the tables of a call hold."""
    clock, spent = [0.0], iter([0.5, 1e-4, 0.2, 1e-9, 1.0, 1.0, 3.0, 3.0])
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])

    def two() -> None:
        clock[0] += next(spent)

    assert timing.steps_of(0.0006, two) in (11, 12)
    assert timing.steps_of(0.0006, two) == timing.MOST_STEPS
    assert timing.steps_of(0.0006, two) == 1  # which two tries tell
    assert list(spent) == []
