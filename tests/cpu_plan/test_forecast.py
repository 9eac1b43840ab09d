"""What a plan will take, from rates that are given: pure counting, nothing is timed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compute.backend import PlanOptions
from compute.bench.workloads import WORKLOADS, Workload
from compute.cli.opening import open_graph
from compute.cpu.costs import forecast as forecasting
from compute.cpu.costs.fit import Measured, kernel_rates, nonnegative, seconds
from compute.cpu.costs.forecast import Forecast, forecast, parts
from compute.cpu.costs.rates import Calibration, Teamwork, read, rising, seconds_a_byte, write
from compute.cpu.costs.shape import Shape
from compute.cpu.costs.traffic import traffic
from compute.cpu.costs.work import OTHER, Work
from compute.cpu.plan import CpuPlan
from compute.cpu.planner.program import Planned
from compute.cpu.simd import tile_shape
from compute.cpu.variants import Variant, available, native
from compute.forecast import Data, costs
from compute.prepare import load_graph
from graph.lower import Model

NETS = ("W1", "W2", "W3", "W4", "W5", "W6", "digits-mlp", "digits-cnn")
REACH = ((1 << 15, 1e-13), (1 << 20, 2e-11), (1 << 24, 8e-11))


class EveryCount(dict[str, float]):
    """A nanosecond for each thing that is counted."""

    def get(self, name: str, default: float = 0.0) -> float:  # type: ignore[override]
        return 1.0 if name.startswith("wait") else 1e-9


def machine(slower: float = 1.3, barrier: float = 1e-6) -> Calibration:
    """A machine on which every kernel is known."""
    names = ("gemm", "elementwise", OTHER)
    alone = Teamwork(1.0, 0.0, 0.0, REACH)
    both = Teamwork(slower, barrier, 1e-8, REACH)
    return Calibration(
        {n: EveryCount() for n in names}, {1: alone, 2: both}, 2e-5, 1e-3, 100_000_000
    )


def planned(workload: Workload, batch: int, entry: str = "train/0") -> Planned:
    """A net planned for some batch size."""
    plan = CpuPlan(Model(workload.graph()), PlanOptions(threads=1), lambda done, total, what: None)
    return plan.planned(entry, batch).planned


def found(name: str, batch: int, threads: int = 1) -> Forecast:
    """The forecast of a net on the made-up machine."""
    return forecast(planned(WORKLOADS[name], batch), machine(), threads, native())


@pytest.mark.parametrize("name", NETS)
def test_every_row_has_a_time_and_their_sum_is_the_step(name: str) -> None:
    """On one thread that waits for nobody."""
    plan = planned(WORKLOADS[name], 16)
    one = forecast(plan, machine(), 1, native())
    assert len(one.rows) == len(plan.steps())
    assert all(row > 0.0 and np.isfinite(row) for row in one.rows)
    assert one.seconds == pytest.approx(sum(one.rows))


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_larger_batch_takes_longer(name: str, threads: int) -> None:
    """Doubling the batch never makes a step faster."""
    steps = [found(name, batch, threads).seconds for batch in (8, 16, 32, 64, 128)]
    assert steps == sorted(steps)
    assert steps[-1] > 2 * steps[0]


def test_two_threads_share_the_chunks_but_not_the_waiting() -> None:
    """No faster than half, as slow as their rates say."""
    plan = planned(WORKLOADS["W3"], 64)
    perfect = Calibration(machine().kernels, {2: Teamwork(1.0, 0.0, 0.0, REACH)}, 0.0, 0.0, 0)
    alone = forecast(plan, perfect, 1, native()).seconds
    both = forecast(plan, perfect, 2, native()).seconds
    assert alone / 2 <= both < 0.7 * alone
    waiting = replace(perfect, teams={2: Teamwork(1.0, 1e-3, 0.0, REACH)})
    later = forecast(plan, waiting, 2, native()).seconds
    assert later - both == pytest.approx(1e-3 * len(plan.regions))


def test_a_kernel_nobody_measured_takes_the_rates_of_others() -> None:
    """By its bytes and operations, not by counts that those rates do not name."""
    plan = planned(WORKLOADS["W2"], 16)
    known = machine()
    unknown = replace(known, kernels={OTHER: {"vectors": 1e-9, "flops": 1e-10, "chunks": 1e-8}})
    for part, row in zip(
        parts(plan, native()), forecast(plan, unknown, 1, native()).rows, strict=True
    ):
        vectors = part.step.bytes() / native().lanes / 4
        counted = 1e-9 * vectors + 1e-10 * part.step.flops + 1e-8 * part.work.chunks
        assert row == pytest.approx(counted + forecasting.bytes_seconds(part, known.team(1).reach))


def test_what_was_touched_long_ago_is_far_away() -> None:
    """The weights of the first layer were last touched by the update at the end of a step."""
    plan = planned(WORKLOADS["W1"], 32)
    far = {
        t.distance for touched in traffic(plan.regions, {}, plan.where).values() for t in touched
    }
    assert max(far) > 1_000_000
    part = next(p for p in parts(plan, native()) if p.step.kernel == "gemm")
    near, distant = (((1.0, s), (2.0, s)) for s in (1e-12, 1e-10))
    spent = [forecasting.bytes_seconds(part, reach) for reach in (near, distant)]
    assert spent[1] == pytest.approx(100 * spent[0])


@pytest.mark.parametrize(("wait", "among"), [(0.5, 2e-5), (1.0, 4e-5), (1.5, 4e-5), (3.0, 6e-5)])
def test_who_fetches_slower_than_memory_gives_loses_less(wait: float, among: float) -> None:
    """Memory gives this thread's bytes in 20 us, in 40 where another fetches too."""
    taken = seconds(Work("fill", 1, {"rows": 1.0}), 2e-5, 4e-5, {"rows": 1e-6, "wait": wait})
    assert taken == pytest.approx(1e-6 + among)


def test_rates_are_found_again() -> None:
    """Rows made from rates give those rates, also when one of twenty was disturbed."""
    rates = {"rows": 3e-9, "vectors": 5e-10, "wait": 0.5}
    generator = np.random.default_rng(4)
    rows = []
    for number in range(20):
        counts = dict(zip(("rows", "vectors"), generator.uniform(1e3, 1e5, 2), strict=True))
        work, waited = Work("fill", 1, counts), float(generator.uniform(1e-6, 1e-4))
        taken = seconds(work, waited, waited, rates)
        rows.append(Measured(work, 9 * taken if number == 7 else taken, waited))
    assert kernel_rates(rows)["fill"] == pytest.approx(rates, rel=0.05)


def test_no_rate_is_negative() -> None:
    """Where plain least squares would make one negative."""
    matrix = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    assert np.linalg.lstsq(matrix, np.array([3.0, 2.0, 1.0]))[0].min() < 0
    assert nonnegative(matrix, np.array([3.0, 2.0, 1.0])) == pytest.approx([2.0, 0.0], abs=1e-3)


def test_seconds_a_byte_between_and_beyond_what_was_measured() -> None:
    """They rise with the distance, and disturbed points do not stand."""
    curve = [
        seconds_a_byte(REACH, distance) for distance in (1, 1 << 15, 1 << 18, 1 << 22, 1 << 40)
    ]
    assert curve == sorted(curve)
    assert (curve[0], curve[-1]) == (1e-13, 8e-11)
    assert list(rising([(1, 5.0), (2, 1.0), (3, 2.0)])) == [(1, 1.0), (2, 1.0), (3, 2.0)]


def test_a_calibration_is_kept_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    """As after a crash, or from another version."""
    file = tmp_path / "folder" / "machine.json"
    assert read(file) is None
    write(file, machine())
    kept = read(file)
    assert kept is not None
    assert kept.teams.keys() == {1, 2}
    assert (kept.call, kept.epoch, kept.process) == (2e-5, 1e-3, 100_000_000)
    assert kept.team(16).slower == 1.3
    for damaged in ("", "{}", "[1]", file.read_text()[:50]):
        file.write_text(damaged)
        assert read(file) is None


@pytest.mark.parametrize("variant", available(), ids=lambda variant: variant.name)
def test_the_tile_that_is_counted_is_the_one_compiled(variant: Variant) -> None:
    """The counts do not load the compiler to know it."""
    shape = Shape.of(variant)
    assert (shape.rows, shape.vectors) == tile_shape(variant)


def test_nodes_and_memory_add_up() -> None:
    """What is told of an example is the sum of its parts, and more epochs take longer."""
    opened = open_graph("digits-cnn")
    loaded = load_graph(opened.graph, opened.folder)
    plan = CpuPlan(loaded.model, PlanOptions(threads=1), lambda done, total, what: None)
    told = costs(loaded.model, Data.of(loaded), plan, machine())
    rows = forecast(plan.planned("train/0", told.batch).planned, machine(), 1, native()).rows
    assert sum(sum(node.seconds.values()) for node in told.nodes) == pytest.approx(sum(rows))
    passes = {node.path: {name for name, s in node.seconds.items() if s} for node in told.nodes}
    assert passes["conv2"] == {"forward", "backward"}
    assert passes["adam"] == {"update"}
    assert told.bytes == sum(told.memory.values())
    assert told.memory["optimizer"] == 2 * told.memory["parameters"]
    assert plan.memory < told.bytes - told.memory["process"]
    assert told.run is not None
    assert told.epoch is not None
    assert told.run > told.epoch > told.step
    loaded.model.graph.training = replace(loaded.model.graph.training, epochs=1)
    sooner = costs(loaded.model, Data.of(loaded), plan, machine()).run
    assert sooner is not None
    assert sooner < told.run


def test_the_plan_table_tells_predicted_times_once_the_machine_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before that there are none."""
    workload = WORKLOADS["W2"]
    plan = CpuPlan(Model(workload.graph()), PlanOptions(threads=1), lambda done, total, what: None)
    monkeypatch.setattr("compute.cpu.costs.store.known", lambda variant: None)
    assert {line.predicted for line in plan.table("train/0", 16)} == {None}
    monkeypatch.setattr("compute.cpu.costs.store.known", lambda variant: machine())
    told = [line.predicted for line in plan.table("train/0", 16)]
    assert tuple(told) == found("W2", 16).rows
