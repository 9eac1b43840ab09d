"""Batch normalisation, forward and backward, against its formulas in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import image, image_words, no_image, run

from compute.cpu.loader import Library

EPSILON = 1e-5


def nhwc(array: Any, border: Any = (1, 0, 0, 1)) -> Any:
    inside = image(array.shape, array.dtype, border)
    inside[...] = array
    return inside


class Case:
    """Images N×H×W×C with a large mean, and everything derived from them."""

    def __init__(self, rng: np.random.Generator, real: Any, shape: Any, size: int) -> None:
        self.n, self.height, self.width, self.c = shape
        self.size, self.count = size, self.n * self.height * self.width
        self.chunks = -(-self.n // size)
        channels = rng.standard_normal((6, self.c)).astype(real)
        self.gamma, self.beta, self.d_mean, self.d_variance, self.mean, self.inverse = channels
        self.x = (2 * rng.standard_normal(shape) + 30).astype(real)
        self.dy, self.mask = rng.standard_normal((2, *shape)).astype(real)
        self.words = {
            "n": self.n, "height": self.height, "width": self.width, "c": self.c, "size": size,
        }  # fmt: skip
        wide = self.x.astype(np.float64)
        self.true_mean, self.true_variance = wide.mean((0, 1, 2)), wide.var((0, 1, 2))
        self.normal = (wide - self.true_mean) / np.sqrt(self.true_variance + EPSILON)
        self.mean[...] = self.true_mean
        self.inverse[...] = 1 / np.sqrt(self.true_variance + EPSILON)
        # x itself has a rounding error of eps·30, which the division by the deviation keeps
        self.allowed = 100 * float(np.finfo(real).eps) * 30

    def channel_words(self, *names: str) -> dict[str, int]:
        return {name: getattr(self, name).ctypes.data for name in names}


@pytest.fixture(
    params=[((5, 4, 4, 16), 2), ((33, 1, 1, 5), 4), ((7, 3, 5, 33), 3), ((1, 31, 1, 1), 1)], ids=str
)
def case(request: pytest.FixtureRequest, rng: np.random.Generator, real: Any) -> Case:
    return Case(rng, real, *request.param)


def test_moments_and_combine(library: Library, real: Any, case: Case) -> None:
    partial = np.full((case.chunks, 2, case.c), np.nan, real)
    x = nhwc(case.x)
    shared = {"partial": partial.ctypes.data, "partial_chunk": partial.strides[0]}
    run(library, "bn_moments", **case.words, **image_words("x", x), **shared)
    mean, variance, inverse = (np.zeros(case.c, real) for _ in range(3))
    run(
        library, "bn_combine", images=case.size, n=case.n, pixels=case.height * case.width,
        c=case.c, epsilon=EPSILON, size=16, mean=mean.ctypes.data, inverse=inverse.ctypes.data,
        variance=variance.ctypes.data, **shared,
    )  # fmt: skip
    np.testing.assert_allclose(mean, case.true_mean, rtol=0, atol=case.allowed)
    np.testing.assert_allclose(variance, case.true_variance, rtol=0, atol=case.allowed)
    np.testing.assert_allclose(inverse, 1 / np.sqrt(variance + EPSILON), rtol=1e-5)


@pytest.mark.parametrize("epilogue", [0, 1])
def test_apply(library: Library, case: Case, epilogue: int) -> None:
    x, y = nhwc(case.x), nhwc(case.x * 0, (0, 1, 1, 0))
    run(
        library, "bn_apply", **case.words, **image_words("x", x), **image_words("y", y),
        **case.channel_words("mean", "inverse", "gamma", "beta"), epilogue=epilogue,
    )  # fmt: skip
    expected = case.normal * case.gamma + case.beta
    expected = np.maximum(expected, 0) if epilogue else expected
    np.testing.assert_allclose(y, expected, rtol=0, atol=case.allowed)
    assert not y.base[:, case.height :].any()


@pytest.mark.parametrize("masked", [True, False])
def test_backward(library: Library, real: Any, case: Case, masked: bool) -> None:
    partial = np.full((case.chunks, 2, case.c), np.nan, real)
    x, dy, mask, dx = nhwc(case.x), nhwc(case.dy), nhwc(case.mask), nhwc(case.x * 0)
    images = image_words("x", x) | image_words("dy", dy)
    images |= image_words("mask", mask) if masked else no_image("mask")
    run(
        library, "bn_dx_sums", **case.words, **images, **case.channel_words("mean", "inverse"),
        partial=partial.ctypes.data, partial_chunk=partial.strides[0],
    )  # fmt: skip
    kept = np.where(case.mask > 0, case.dy, 0) if masked else case.dy
    sums = partial.astype(np.float64).sum(0)
    total, weighted = kept.sum((0, 1, 2)), (kept * case.normal).sum((0, 1, 2))
    allowed = case.allowed * case.count**0.5
    np.testing.assert_allclose(sums, [total, weighted], rtol=0, atol=allowed)
    sums = sums.astype(real)
    run(
        library, "bn_dx", **case.words, **images, **image_words("dx", dx), sums=sums.ctypes.data,
        **case.channel_words("mean", "inverse", "gamma", "d_mean", "d_variance"),
    )  # fmt: skip
    inner = kept - total / case.count - case.normal * weighted / case.count
    expected = case.gamma * case.inverse * inner + case.d_mean / case.count
    expected = expected + 2 * case.d_variance * (case.x - case.true_mean) / case.count
    np.testing.assert_allclose(dx, expected, rtol=0, atol=case.allowed)
