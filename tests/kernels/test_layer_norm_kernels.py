"""Normalisation of rows, forward and backward, against its formulas in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import padded, run, untouched_gaps

from compute.cpu.kernels.reduce import RUN
from compute.cpu.loader import Library

EPSILON = 1e-5
ROWS = 9


class Case:
    """Rows with a large mean, and what comes of them and of the gradients `g` to their results."""

    def __init__(
        self, rng: np.random.Generator, real: Any, n: int, centred: bool, m: int = ROWS
    ) -> None:
        self.x, self.g = padded((m, n), real), padded((m, n), real)
        self.x[...] = 2 * rng.standard_normal((m, n)) + (30 if centred else 1)
        self.g[...] = rng.standard_normal((m, n))
        self.weight, self.bias = rng.standard_normal((2, n)).astype(real)
        wide = self.x.astype(np.float64)
        away = wide - wide.mean(1, keepdims=True) if centred else wide
        self.inverse = 1 / np.sqrt((away**2).mean(1, keepdims=True) + EPSILON)
        self.normal = away * self.inverse
        # x itself has a rounding error of eps·30, which the division by the deviation keeps
        worst = float(self.inverse.max())
        self.allowed = 50 * float(np.finfo(real).eps) * 30 * max(1.0, worst)
        self.words = {"m": m, "n": n, "epsilon": EPSILON, "centred": int(centred), "size": 4}
        self.words |= {"x": self.x.ctypes.data, "x_row": self.x.strides[0]}
        self.pull = {"g": self.g.ctypes.data, "g_row": self.g.strides[0]}

    def dx(self, weight: Any, centred: bool) -> Any:
        slope = self.g * weight
        level = slope.mean(1, keepdims=True) if centred else 0
        dot = (slope * self.normal).mean(1, keepdims=True)
        return (slope - level - self.normal * dot) * self.inverse


@pytest.fixture(params=[2, 15, 16, 17, 33, 97], ids=str)
def n(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=[True, False], ids=["centred", "squares"])
def centred(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def case(rng: np.random.Generator, real: Any, n: int, centred: bool) -> Case:
    return Case(rng, real, n, centred)


@pytest.mark.parametrize("affine", [0, 1, 2])
def test_forward(library: Library, real: Any, case: Case, affine: int) -> None:
    y = padded(case.x.shape, real)
    weight, bias = (part.ctypes.data for part in (case.weight, case.bias))
    run(
        library, "layer_norm", **case.words, y=y.ctypes.data, y_row=y.strides[0],
        weight=weight if affine else 0, bias=bias if affine == 2 else 0,
    )  # fmt: skip
    expected = case.normal * case.weight if affine else case.normal
    expected = expected + case.bias if affine == 2 else expected
    np.testing.assert_allclose(y, expected, rtol=0, atol=case.allowed)
    assert untouched_gaps(y)


@pytest.mark.parametrize("affine", [True, False])
def test_gradient(library: Library, real: Any, case: Case, centred: bool, affine: bool) -> None:
    n = case.x.shape[1]
    dx, partial = padded(case.x.shape, real), np.full((3, 2, n), np.nan, real)
    words = {"weight": case.weight.ctypes.data, "partial": partial.ctypes.data}
    run(
        library, "layer_norm_grad", **case.words, **case.pull, dx=dx.ctypes.data,
        dx_row=dx.strides[0], partial_chunk=partial.strides[0],
        **(words if affine else dict.fromkeys(words, 0)),
    )  # fmt: skip
    expected = case.dx(case.weight if affine else 1.0, centred)
    np.testing.assert_allclose(dx, expected, rtol=0, atol=10 * case.allowed * case.inverse.max())
    assert untouched_gaps(dx)
    if affine:
        _check_sums(case, partial)


def test_long_chunks_without_dx(
    library: Library, real: Any, rng: np.random.Generator, centred: bool
) -> None:
    """Of more rows than one run, the last one broken."""
    m, n = 3 * RUN + 5, 19
    case = Case(rng, real, n, centred, m)
    partial = np.full((2, 4, n), np.nan, real)
    run(
        library, "layer_norm_grad", **case.words | {"size": 2 * RUN + 7}, **case.pull, dx=0,
        dx_row=0, weight=0, partial=partial.ctypes.data, partial_chunk=partial.strides[0],
    )  # fmt: skip
    _check_sums(case, partial[:, :2])


def _check_sums(case: Case, partial: Any) -> None:
    sums = partial.astype(np.float64).sum(0)
    expected = [(case.g * case.normal).sum(0), case.g.sum(0, dtype=np.float64)]
    allowed = case.allowed * case.x.shape[0] ** 0.5
    np.testing.assert_allclose(sums, expected, rtol=0, atol=allowed)
