"""Rows normalised by themselves, through planner and kernels against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from plan_harness import Case, Make, Runner, compare, numbers, program_of

import graph.primitives as rows
from compute.backend import PlanOptions

FLOAT64 = PlanOptions("float64", threads=1)
FLOAT32 = PlanOptions("float32", threads=1)


def _normed(axes: int = 1, centred: bool = True) -> Make:
    return lambda x, *affine: rows.layer_norm(x, axes, 1e-3, *affine, centred=centred)


CASES = {
    "steps": Case(_normed(), [(9, 5, 19), (19,), (19,)]),
    "few_samples": Case(_normed(), [(3, 37, 7), (7,), (7,)]),
    "many_rows": Case(_normed(), [(1100, 3), (3,), (3,)]),
    "plain": Case(_normed(), [(4, 3, 2, 33)]),
    "squares": Case(_normed(centred=False), [(9, 40), (40,)]),
    "turned": Case(
        lambda x, w: rows.layer_norm(rows.permute(x, (0, 2, 1)), 1, 1e-3, w), [(9, 5, 4), (5,)]
    ),
    "images": Case(_normed(3), [(3, 2, 4, 3), (2, 4, 3), (2, 4, 3)]),
}


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name: str) -> None:
    compare(CASES[name], 1, FLOAT64, 1e-11)


@pytest.mark.parametrize("name", CASES)
def test_gradient_of_gradient(name: str) -> None:
    compare(CASES[name], 2, FLOAT64, 1e-10)


@pytest.mark.parametrize("name", CASES)
def test_single_precision(name: str) -> None:
    compare(CASES[name], 1, FLOAT32, 2e-5)


@pytest.mark.parametrize("name", ["steps", "few_samples", "many_rows"])
def test_any_number_of_threads_gives_the_same_bits(name: str) -> None:
    """And one kernel does it each way, beside sums of what its chunks leave."""
    case = CASES[name]
    program = program_of(case, 1)
    arrays = dict(zip(("p0", "p1", "p2"), numbers(case.shapes, -1.5, 1.5), strict=True))
    arrays["scale0"] = np.linspace(0.5, 1.5, arrays["p0"].size).reshape(case.shapes[0])
    given = {f"param:{key}": array.astype(np.float32) for key, array in arrays.items()}
    runs = [Runner(program, given, options=PlanOptions(threads=k)) for k in (1, 2, 3)]
    first, *others = (runner.run().arrays for runner in runs)
    for other in others:
        for key, value in first.items():
            np.testing.assert_array_equal(value, other[key])
    kernels = [s.kernel for b in runs[0].engine.bound() for s in b.planned.steps()]
    assert [k for k in kernels if "norm" in k] == ["layer_norm", "layer_norm_grad"]
    assert kernels.count("sum_chunks") >= 2
