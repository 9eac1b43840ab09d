"""Recurrent rows through planner and kernels: against their expansion, and on several threads."""

from __future__ import annotations

import numpy as np
import pytest
from plan_harness import Case, Make, Runner, compare, numbers, program_of

import graph.primitives as rows
from compute.backend import PlanOptions
from compute.cpu import entry
from compute.cpu.plan import CpuPlan
from compute.cpu.planner import schedule
from compute.cpu.threads import team
from compute.evaluate import host_scalars
from graph.lower import Model
from graph.tensor import Tensor
from tests.support.cells import scan, shipped, trained

FLOAT64 = PlanOptions("float64", threads=1)
FLOAT32 = PlanOptions("float32", threads=1)
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def _walk(cell: str, ends: bool, reverse: bool, relu: bool = False) -> Make:
    """The states; with `ends` the last operand holds the lengths."""

    def make(x: Tensor, weight: Tensor, *rest: Tensor) -> Tensor:
        lengths, *others = reversed(rest) if ends else (None, *reversed(rest))
        if cell == "rnn":
            return rows.rnn_scan(x, weight, lengths, reverse, "relu" if relu else "tanh")
        if cell == "lstm":
            return rows.lstm_scan(x, weight, lengths, reverse)[0]
        return rows.gru_scan(x, weight, others[0], lengths, reverse)[0]

    return make


def _case(cell: str, n: int, steps: int, units: int, ends=False, reverse=False, relu=False) -> Case:
    wide = GATES[cell] * units
    shapes = [(n, steps, wide), (wide, units)]
    shapes += [(units,)] if cell == "gru" else []
    shapes += [(n,)] if ends else []
    # the lengths are numbers like all others, so these reach from before 0 to the last step
    high = float(steps) if ends else 1.2
    return Case(_walk(cell, ends, reverse, relu), shapes, low=-1.2, high=high)


def _both_ways(x: Tensor, weight: Tensor) -> Tensor:
    """Two walks over the same operands side by side, one of them on what the other made."""
    h, c, gates = rows.lstm_scan(x, weight)
    turned = rows.reshape(rows.permute(gates, (1, 0, 2)), x.shape)
    again = rows.lstm_scan(turned, weight, reverse=True)
    return rows.concat([h, c, again[0], rows.lstm_scan(x, weight, reverse=True)[0]], 2)


CASES = {
    f"{cell}{n}x{steps}x{units}{'_ends' * ends}{'_back' * back}": _case(
        cell, n, steps, units, bool(ends), bool(back)
    )
    for cell in GATES
    for n, steps, units, ends, back in (
        (1, 1, 1, 0, 0),
        (2, 3, 5, 0, 0),
        (2, 3, 5, 0, 1),
        (3, 4, 2, 1, 0),
        (3, 4, 2, 1, 1),
        (19, 2, 17, 0, 0),
        (9, 3, 33, 1, 1),
        (2, 2, 100, 0, 1),
    )
}
CASES |= {
    "relu": _case("rnn", 3, 4, 6, relu=True),
    "relu_ends": _case("rnn", 3, 4, 6, ends=True, reverse=True, relu=True),
    "both_ways": Case(_both_ways, [(3, 4, 12), (12, 3)]),
}


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name: str) -> None:
    compare(CASES[name], 1, FLOAT64, 1e-11)


@pytest.mark.parametrize("name", CASES)
def test_single_precision(name: str) -> None:
    compare(CASES[name], 1, FLOAT32, 3e-5)


@pytest.mark.parametrize("name", [n for n in CASES if "2x3x5" in n or "3x4x2" in n])
def test_gradient_of_gradient(name: str) -> None:
    compare(CASES[name], 2, FLOAT64, 1e-10)


@pytest.mark.parametrize("cell", GATES)
def test_threads_change_no_bit(cell: str) -> None:
    case = _case(cell, 37, 5, 21)
    program = program_of(case, 1)
    given = {f"p{k}": a for k, a in enumerate(numbers(case.shapes, -1.0, 1.0))}
    shapes = {i.key: program.types[i.value].shape for i in program.inputs}
    for key in shapes.keys() - given.keys():
        given[key] = np.linspace(0.5, 1.5, int(np.prod(shapes[key]))).reshape(shapes[key])
    results = []
    for threads in (1, 2, 3):
        options = PlanOptions("float32", threads=threads)
        runner = Runner(program, {f"param:{k}": given[k].astype("f4") for k in shapes}, {}, options)
        kernels = {step.kernel for b in runner.engine.bound() for step in b.planned.steps()}
        assert {"recurrent", "recurrent_dx"} <= kernels
        results.append(runner.run())
    for other in results[1:]:
        for name, array in results[0].arrays.items():
            assert array.tobytes() == other.arrays[name].tobytes(), name


def test_threads_share_the_walk_of_a_drawn_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is long, though each of its steps is short; with the same bits."""
    monkeypatch.setattr(entry, "SMALL_FLOPS", 0)
    model, batch = Model(trained(scan(), shipped("LSTM"))), 32
    program, generator = model.program("train/0", batch), np.random.default_rng(3)
    data = {
        given.key: generator.standard_normal((batch, *program.types[given.value].shape[1:]))
        for given in program.inputs
        if given.kind == "batch"
    }
    index, scalars = np.arange(batch)[None].repeat(2, 0), host_scalars(model.live, 0, 2)
    found = []
    for long, threads, size in ((0, 1, 32), (0, 2, 16), (0, 4, 8), (schedule.LONG, 3, 32)):
        monkeypatch.setattr(schedule, "LONG", long)
        plan = CpuPlan(model, PlanOptions("float64", threads=threads), lambda *_: None)
        plan.run("train/0", data, index, scalars)
        found.append({key: array.tobytes() for key, array in plan.read().items()})
        regions = plan.planned("train/0", batch).planned.regions
        walks = [g for region in regions for g in region.groups if len(g.steps) > 10]
        assert {group.size for group in walks} == {size}, (long, threads)
        plan.close()
    team().close()
    assert found[1:] == found[:1] * 3
