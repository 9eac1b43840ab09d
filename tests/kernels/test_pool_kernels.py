"""Pooling and its gradients against the reference rows: ties, overlaps, gaps, padding, NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import image, image_words, run

from compute.cpu.loader import Library
from compute.reference import BASIC

# images, channels, height, width, window, stride, padding, images a chunk
GEOMETRIES = [
    (3, 16, 8, 8, (2, 2), (2, 2), (0, 0, 0, 0), 2),
    (2, 5, 9, 7, (3, 2), (2, 1), (1, 1, 0, 1), 1),
    (2, 33, 7, 7, (3, 3), (1, 2), (1, 1, 1, 1), 1),
    (1, 1, 5, 5, (2, 2), (3, 3), (0, 0, 0, 0), 1),
    (2, 17, 5, 4, (5, 4), (1, 1), (0, 0, 0, 0), 2),
    # half the size in whole vectors, as 2×2 windows give, but other windows
    (2, 16, 2, 8, (2, 1), (12, 2), (0, 0, 0, 0), 1),
    (2, 16, 6, 6, (1, 2), (2, 2), (0, 0, 0, 0), 1),
]
Case = tuple[dict[str, Any], dict[str, int], Any, Any]


@pytest.fixture(params=GEOMETRIES, ids=str)
def case(request: pytest.FixtureRequest, rng: np.random.Generator, real: Any) -> Case:
    """Attributes of the row, words of the kernel, an input with many ties, an output gradient."""
    n, c, height, width, k, s, p, size = request.param
    x = rng.integers(-3, 4, (n, c, height, width)).astype(real)
    attrs = {"kernel": k, "stride": s, "padding": p}
    oh, ow = BASIC["max_pool2d"](x, **attrs).shape[2:]
    words = {
        "n": n, "height": height, "width": width, "oh": oh, "ow": ow, "c": c, "kh": k[0],
        "kw": k[1], "sh": s[0], "sw": s[1], "ph": p[0], "pw": p[2], "size": size,
    }  # fmt: skip
    return attrs, words, x, rng.standard_normal((n, c, oh, ow)).astype(real)


def nhwc(array: Any) -> Any:
    turned = array.transpose(0, 2, 3, 1)
    inside = image(turned.shape, array.dtype, (1, 0, 0, 2))
    inside[...] = turned
    return inside


def run_images(library: Library, kernel: str, words: Any, **images: Any) -> None:
    """Runs a pooling kernel on N×C×H×W arrays, in place."""
    turned = {name: nhwc(array) for name, array in images.items()}
    operands: dict[str, int] = {}
    for name, inside in turned.items():
        operands |= image_words(name, inside)
    run(library, kernel, **words, **operands)
    for name, array in images.items():
        array[...] = turned[name].transpose(0, 3, 1, 2)
        left = turned[name].base[:, :, turned[name].shape[2] :]
        assert not left.any(), f"{kernel} wrote into the border of {name}"


def test_maximum(library: Library, case: Case) -> None:
    attrs, words, x, dy = case
    y = dy.copy()
    run_images(library, "max_pool2d", words, x=x, y=y)
    assert (y == BASIC["max_pool2d"](x, **attrs)).all()


def test_maximum_keeps_nan(library: Library, case: Case) -> None:
    attrs, words, x, dy = case
    x[0, 0, 0, 0] = np.nan
    y = dy.copy()
    run_images(library, "max_pool2d", words, x=x, y=y)
    np.testing.assert_array_equal(y, BASIC["max_pool2d"](x, **attrs))


@pytest.mark.parametrize(("relu", "init"), [(0, 0), (1, 0), (1, 1)])
def test_gradient_goes_to_the_first_maximum(
    library: Library, real: Any, case: Case, relu: int, init: int
) -> None:
    attrs, words, x, dy = case
    y = BASIC["max_pool2d"](x, **attrs)
    dx = np.full_like(x, 5)
    run_images(library, "max_pool2d_dx", {**words, "relu": relu, "init": init}, x=x, dx=dx, dy=dy)
    sent = np.where(y > 0, dy, 0) if relu else dy
    expected = BASIC["max_pool2d_scatter"](x, y, sent, **attrs) + 5 * init
    np.testing.assert_allclose(dx, expected, rtol=0, atol=20 * np.finfo(real).eps * 5)


def test_take_reads_the_first_maximum(
    library: Library, real: Any, rng: np.random.Generator, case: Case
) -> None:
    attrs, words, x, dy = case
    h, y = rng.standard_normal(x.shape).astype(real), dy.copy()
    run_images(library, "max_pool2d_take", words, x=x, h=h, y=y)
    assert (y == BASIC["max_pool2d_take"](x, y, h, **attrs)).all()


def test_average_and_its_gradient(library: Library, real: Any, case: Case) -> None:
    attrs, words, x, dy = case
    y, dx = dy.copy(), np.full_like(x, 5)
    run_images(library, "avg_pool2d", words, x=x, y=y)
    close = {"rtol": 0, "atol": 20 * np.finfo(real).eps * 5}
    np.testing.assert_allclose(y, BASIC["avg_pool2d"](x, **attrs), **close)
    for init in (0, 1):
        before = dx.copy()
        run_images(library, "avg_pool2d_dx", {**words, "init": init}, dx=dx, dy=dy)
        expected = BASIC["avg_pool2d_dx"](dy, size=x.shape[2:], **attrs) + init * before
        np.testing.assert_allclose(dx, expected, **close)
