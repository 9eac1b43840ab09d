"""Depthwise convolution and its gradients against the reference rows, for many geometries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import (
    border_is_zero,
    check_weight_gradient,
    image_words,
    nhwc,
    no_image,
    run,
    tolerance,
)

from compute.cpu.kernels.conv import dx_border
from compute.cpu.loader import Library
from compute.reference import BASIC

# images, channels, height, width, kernel, stride, padding, dilation, images a chunk
GEOMETRIES = [
    (3, 16, 8, 8, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2),
    (2, 3, 9, 7, (3, 2), (2, 1), (1, 0, 0, 1), (1, 1), 1),
    (2, 31, 5, 14, (5, 5), (1, 1), (2, 2, 2, 2), (1, 1), 1),
    (3, 33, 6, 5, (3, 3), (1, 2), (0, 0, 2, 1), (2, 1), 2),
    (1, 40, 9, 11, (2, 4), (4, 3), (1, 1, 1, 1), (2, 2), 1),
    (2, 2, 7, 7, (1, 1), (3, 3), (0, 0, 0, 0), (1, 1), 1),
    (2, 17, 10, 9, (3, 3), (2, 2), (0, 2, 1, 3), (4, 3), 3),
    (5, 5, 4, 6, (2, 1), (1, 1), (1, 0, 0, 0), (1, 1), 2),
    (1, 1, 1, 1, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
]


class Case:
    """Operands of one geometry in N×C×H×W, and the words they share."""

    def __init__(self, real: Any, given: Any) -> None:
        n, c, height, width, k, s, self.pad, d, self.size = given
        rng = np.random.default_rng(1)
        draw = lambda *shape: rng.standard_normal(shape).astype(real)  # noqa: E731
        self.geometry = {"kernel": k, "stride": s, "padding": self.pad, "dilation": d}
        self.x, self.weight, self.bias = draw(n, c, height, width), draw(c, 1, *k), draw(c)
        self.mask = draw(n, c, height, width)
        self.y = self.reference("depthwise2d", self.x, self.weight)
        self.dy = draw(*self.y.shape)
        oh, ow = self.y.shape[2:]
        self.taps = k[0] * k[1]
        self.words = {
            "n": n, "oh": oh, "ow": ow, "c": c, "kh": k[0], "kw": k[1], "sh": s[0], "sw": s[1],
            "ph": self.pad[0], "pw": self.pad[2], "dh": d[0], "dw": d[1], "size": self.size,
        }  # fmt: skip
        self.borders = (
            *dx_border(height, oh, k[0], s[0], self.pad[0], d[0]),
            *dx_border(width, ow, k[1], s[1], self.pad[2], d[1]),
        )
        self.kernel_weight = np.ascontiguousarray(self.weight[:, 0].transpose(1, 2, 0))

    def reference(self, row: str, a: Any, b: Any, **more: Any) -> Any:
        """A row of the reference in float64."""
        return BASIC[row](a.astype(np.float64), b.astype(np.float64), **self.geometry, **more)


@pytest.fixture(params=GEOMETRIES, ids=str)
def case(request: pytest.FixtureRequest, real: Any) -> Case:
    return Case(real, request.param)


def forward(library: Library, case: Case, bias: bool = False, relu: bool = False) -> Any:
    """y as an N×H×W×C image whose border must stay zero."""
    x, y = nhwc(case.x, case.pad), nhwc(case.dy, (1, 2, 1, 0))
    run(
        library, "depthwise2d", **case.words, **image_words("x", x), **image_words("y", y),
        w=case.kernel_weight.ctypes.data, bias=case.bias.ctypes.data if bias else 0, relu=int(relu),
    )  # fmt: skip
    return y


def to_input(library: Library, case: Case, masked: bool = False) -> Any:
    """dx as an N×H×W×C image whose border must stay zero."""
    dy, dx, mask = nhwc(case.dy, case.borders), nhwc(case.x, (0, 1, 2, 0)), nhwc(case.mask)
    height, width = case.x.shape[2:]
    run(
        library, "depthwise2d_dx", **case.words, **image_words("dy", dy), **image_words("dx", dx),
        **(image_words("mask", mask) if masked else no_image("mask")),
        w=case.kernel_weight.ctypes.data, height=height, width=width,
    )  # fmt: skip
    return dx


@pytest.mark.parametrize(("bias", "relu"), [(False, False), (True, True)])
def test_forward(library: Library, real: Any, case: Case, bias: bool, relu: bool) -> None:
    y = forward(library, case, bias, relu)
    expected = case.y + bias * case.bias[:, None, None]
    expected = np.maximum(expected, 0) if relu else expected
    allowed = tolerance(real, case.taps, 4.0 * case.taps)
    np.testing.assert_allclose(y.transpose(0, 3, 1, 2), expected, rtol=0, atol=allowed)
    assert border_is_zero(y)


@pytest.mark.parametrize("masked", [False, True])
def test_gradient_to_input(library: Library, real: Any, case: Case, masked: bool) -> None:
    dx = to_input(library, case, masked)
    expected = case.reference("depthwise2d_dx", case.dy, case.weight, size=case.x.shape[2:])
    expected = np.where(case.mask > 0, expected, 0) if masked else expected
    allowed = tolerance(real, case.taps, 4.0 * case.taps)
    np.testing.assert_allclose(dx.transpose(0, 3, 1, 2), expected, rtol=0, atol=allowed)
    assert border_is_zero(dx)


@pytest.mark.parametrize("with_bias", [True, False])
def test_gradient_to_weights(library: Library, case: Case, with_bias: bool) -> None:
    expected = case.reference("depthwise2d_dw", case.x, case.dy)[:, 0].transpose(1, 2, 0)
    check_weight_gradient(library, "depthwise2d_dw", case, expected, with_bias)


@pytest.mark.parametrize("make", [forward, to_input])
def test_bits_depend_on_no_chunk_size(library: Library, real: Any, make: Any) -> None:
    results = []
    for size in (1, 2, 3, 7):
        case = Case(real, (7, 21, 5, 6, (3, 3), (2, 1), (1, 1, 1, 1), (1, 1), size))
        results.append(make(library, case).copy())
    assert all((r == results[0]).all() for r in results)
