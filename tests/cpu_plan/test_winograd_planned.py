"""Fast convolution: a choice of the run, off unless asked for, the same bits for any threads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from classifiers import classifier
from plan_harness import Case, Make, Runner, compare, numbers, program_of

import graph.primitives as rows
from compute.backend import PlanOptions
from compute.cpu.costs.forecast import forecast
from compute.cpu.plan import CpuPlan
from compute.cpu.threads import team
from compute.cpu.variants import native
from compute.evaluate import host_scalars
from graph.lower import Model
from tests.cpu_plan.test_forecast import machine

FAST = PlanOptions("float32", threads=1, fast_convolution=True)
FAST64 = PlanOptions("float64", threads=1, fast_convolution=True)
SHAPES = [(2, 32, 16, 16), (32, 32, 3, 3)]


@pytest.fixture(autouse=True)
def no_workers_left() -> Iterator[None]:
    """The process's worker threads end with the test."""
    yield
    team().close()


def _conv(padding=(1, 1, 1, 1), **window: tuple[int, int]) -> Make:
    given = {"stride": (1, 1), "dilation": (1, 1)} | window
    return lambda x, w: rows.conv2d(x, w, padding=padding, **given)


def _block(x, w, b, v):
    """Two layers with bias, relu, and its mask on the way back; both sides of a relu are read."""
    y = rows.conv2d(x, w, (1, 1), (1, 1, 1, 1), (1, 1)) + rows.reshape(b, (1, b.shape[0], 1, 1))
    z = rows.conv2d(rows.relu(y), v, (1, 1), (1, 1, 1, 1), (1, 1))
    return rows.relu(z), y


CASES = {
    "plain": Case(_conv(), SHAPES),
    "odd sizes": Case(_conv(), [(3, 32, 19, 13), (33, 32, 3, 3)]),
    "no padding": Case(_conv((0, 0, 0, 0)), [(2, 40, 14, 18), (70, 40, 3, 3)]),
    "wide padding": Case(_conv((2, 2, 2, 2)), [(2, 48, 13, 13), (32, 48, 3, 3)]),
    "one side": Case(_conv((0, 2, 1, 0)), [(1, 32, 22, 15), (49, 32, 3, 3)]),
    "block": Case(_block, [(2, 32, 16, 16), (48, 32, 3, 3), (48,), (32, 48, 3, 3)]),
    "second order": Case(_conv(), [(1, 32, 16, 16), (32, 32, 3, 3)], order=2),
}


def _kernels(case: Case, order: int, options: PlanOptions) -> list[str]:
    program = program_of(case, order)
    shapes = {i.key: program.types[i.value].shape for i in program.inputs}
    given = {f"param:{key}": np.zeros(shape) for key, shape in shapes.items()}
    runner = Runner(program, given, options=options)
    (bound,) = runner.engine.bound()
    return [step.kernel for step in bound.planned.steps()]


@pytest.mark.parametrize("name", CASES)
def test_equals_the_reference(name: str) -> None:
    """Values and gradients; every pass is by transforms."""
    case = CASES[name]
    compare(case, case.order, FAST, 2e-4)
    found = _kernels(case, 1, FAST)
    assert {"winograd_conv", "winograd_dw", "winograd_weights"} <= set(found)
    assert not {"conv2d", "conv2d_dx", "conv2d_dw"} & set(found)


@pytest.mark.parametrize(
    "case",
    [
        Case(_conv(stride=(2, 2)), SHAPES),
        Case(_conv((2, 2, 2, 2), dilation=(2, 2)), SHAPES),
        Case(_conv(), [(2, 32, 16, 16), (32, 32, 3, 2)]),
        Case(_conv(), [(2, 16, 16, 16), (32, 16, 3, 3)]),
        Case(_conv(), [(1, 256, 4, 4), (256, 256, 3, 3)]),
    ],
    ids=["stride", "dilation", "window", "few channels", "more weights than places"],
)
def test_others_stay_direct(case: Case) -> None:
    assert _kernels(case, 1, FAST) == _kernels(case, 1, PlanOptions(threads=1))


def test_float64_stays_direct() -> None:
    case = CASES["block"]
    assert _kernels(case, 1, FAST64) == _kernels(case, 1, PlanOptions("float64", threads=1))
    compare(case, 1, FAST64, 1e-10)


def _net() -> Model:
    layers = {
        "conv1": ("Conv2d", {"filters": 32}),
        "norm1": ("BatchNorm", {}),
        "relu1": ("ReLU", {}),
        "conv2": ("Conv2d", {"filters": 40}),
        "relu2": ("ReLU", {}),
        "conv3": ("Conv2d", {"filters": 33}),
        "flat": ("Flatten", {}),
        "top": ("Dense", {"units": 10}),
    }
    return Model(classifier(layers, "Adam"))


def _trained(options: PlanOptions, watch: frozenset[str] = frozenset()) -> dict[str, bytes]:
    """Six steps of 35 samples; parameters and losses as bits."""
    model, generator = _net(), np.random.default_rng(4)
    plan = CpuPlan(model, options, lambda *_: None)
    images = generator.standard_normal((70, 1, 8, 8), dtype=np.float32)
    data = {"data.image": images, "data.label": generator.integers(0, 10, 70)}
    index = generator.integers(0, 70, (6, 35))
    done = plan.run("train/0", data, index, host_scalars(model.live, 0, 6), watch)
    kernels = {line.kernel for line in plan.table("train/0", 35)}
    assert ("winograd_conv" in kernels) is options.fast_convolution
    found = {key: array.tobytes() for key, array in plan.read().items()}
    plan.close()
    return found | {"loss": done.scalars["loss"].tobytes()}


def test_bits_do_not_depend_on_threads() -> None:
    """On one, two and three, and whatever is watched."""
    found = [_trained(PlanOptions(threads=threads, fast_convolution=True)) for threads in (1, 2, 3)]
    assert found[0] == found[1] == found[2]
    watch = frozenset({"value:conv2.y", "gradient:conv2.y"})
    assert _trained(PlanOptions(threads=2, fast_convolution=True), watch) == found[0]


def test_another_choice_gives_other_bits() -> None:
    assert _trained(PlanOptions(fast_convolution=True)) != _trained(PlanOptions())


def test_rounding_is_near_that_of_the_direct_sums() -> None:
    """Root mean square against float64, of values and gradients: at most four times as much."""
    case = Case(_conv(), [(4, 64, 16, 16), (64, 64, 3, 3)])
    program = program_of(case, 1)
    arrays = numbers([program.types[i.value].shape for i in program.inputs], -1.5, 1.5)
    pairs = zip(program.inputs, arrays, strict=True)
    given = {f"param:{i.key}": array.astype(np.float32) for i, array in pairs}
    exact = Runner(program, given, options=FAST64).run().arrays
    errors = []
    for options in (FAST, PlanOptions(threads=1)):
        found = Runner(program, given, options=options).run().arrays
        errors.append({k: float(np.sqrt(np.mean((found[k] - exact[k]) ** 2))) for k in found})
    for name, direct in errors[1].items():
        assert 0 < errors[0][name] < 4 * direct, name


def test_the_forecast_knows_that_it_is_faster() -> None:
    """With the rates of products, which are what it mostly does."""
    model, told = _net(), []
    names = ("conv2d", "conv2d_dx", "conv2d_dw", "winograd_conv", "winograd_dw", "winograd_weights")
    rates = dict.fromkeys(names, machine().kernels["gemm"])
    known = replace(machine(), kernels=machine().kernels | rates)
    for fast in (True, False):
        plan = CpuPlan(model, PlanOptions(threads=1, fast_convolution=fast), lambda *_: None)
        found = forecast(plan.planned("train/0", 64).planned, known, 1, native())
        told.append(found.seconds)
        plan.close()
    assert 0.3 * told[1] < told[0] < told[1]
