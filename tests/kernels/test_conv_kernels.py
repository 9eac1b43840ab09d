"""Convolution and its gradients against the reference rows, for many geometries."""

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

# images, channels in, channels out, height, width, kernel, stride, padding, dilation, images a
# chunk
GEOMETRIES = [
    (3, 1, 16, 8, 8, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2),
    (2, 3, 5, 9, 7, (3, 2), (2, 1), (1, 0, 0, 1), (1, 1), 1),
    (2, 16, 31, 5, 14, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    (3, 17, 33, 6, 5, (3, 3), (1, 2), (0, 0, 2, 1), (2, 1), 2),
    (1, 40, 20, 5, 5, (3, 3), (2, 2), (1, 1, 1, 1), (1, 2), 1),
    (2, 2, 3, 7, 7, (1, 1), (3, 3), (0, 0, 0, 0), (1, 1), 1),
    (2, 37, 15, 4, 6, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2),
    (2, 4, 8, 6, 6, (5, 5), (2, 3), (2, 2, 2, 2), (1, 1), 2),
    (1, 300, 9, 3, 1, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    (1, 1, 1, 1, 1, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    (1, 2, 64, 3, 300, (1, 3), (1, 1), (0, 0, 1, 1), (1, 1), 1),
]


class Case:
    """Operands of one geometry in N×C×H×W float64, and the words they share."""

    def __init__(self, rng: np.random.Generator, real: Any, given: Any) -> None:
        n, ci, co, height, width, k, s, self.pad, d, self.size = given
        self.geometry = {"kernel": k, "stride": s, "padding": self.pad, "dilation": d}
        draw = lambda *shape: rng.standard_normal(shape).astype(real)  # noqa: E731
        self.x, self.weight, self.bias = draw(n, ci, height, width), draw(co, ci, *k), draw(co)
        wide = self.x.astype(np.float64), self.weight.astype(np.float64)
        self.y = BASIC["conv2d"](*wide, **self.geometry)
        self.dy = draw(*self.y.shape)
        oh, ow = self.y.shape[2:]
        self.depth = ci * k[0] * k[1]
        self.words = {
            "n": n, "oh": oh, "ow": ow, "ci": ci, "co": co, "kh": k[0], "kw": k[1],
            "sh": s[0], "sw": s[1], "ph": self.pad[0], "pw": self.pad[2], "dh": d[0], "dw": d[1],
            "size": self.size,
        }  # fmt: skip
        self.borders = (
            *dx_border(height, oh, k[0], s[0], self.pad[0], d[0]),
            *dx_border(width, ow, k[1], s[1], self.pad[2], d[1]),
        )
        self.kernel_weight = np.ascontiguousarray(self.weight.transpose(2, 3, 1, 0))


@pytest.fixture(params=GEOMETRIES, ids=str)
def case(request: pytest.FixtureRequest, rng: np.random.Generator, real: Any) -> Case:
    return Case(rng, real, request.param)


@pytest.mark.parametrize(("init", "epilogue"), [(2, 1), (1, 2), (0, 0)])
def test_forward(
    library: Library, real: Any, rng: np.random.Generator, case: Case, init: int, epilogue: int
) -> None:
    x, y = nhwc(case.x, case.pad), nhwc(case.dy, (1, 2, 1, 0))
    mask, pre = nhwc(rng.standard_normal(case.dy.shape)), nhwc(case.dy * 0, (1, 2, 1, 0))
    before = case.y + [0.0, case.dy, case.bias[:, None, None]][init]
    final = [before, np.maximum(before, 0), np.where(mask.transpose(0, 3, 1, 2) > 0, before, 0)]
    mask = mask.astype(real)
    run(
        library, "conv2d", **case.words, **image_words("x", x), **image_words("y", y),
        **(image_words("mask", mask) if epilogue == 2 else no_image("mask")),
        w=case.kernel_weight.ctypes.data, init=init, epilogue=epilogue,
        bias=case.bias.ctypes.data if init == 2 else 0, pre=pre.ctypes.data,
    )  # fmt: skip
    allowed = tolerance(real, case.depth, 4.0 * case.depth)
    np.testing.assert_allclose(pre.transpose(0, 3, 1, 2), before, rtol=0, atol=allowed)
    np.testing.assert_allclose(y.transpose(0, 3, 1, 2), final[epilogue], rtol=0, atol=allowed)
    assert border_is_zero(y)


@pytest.mark.parametrize(("init", "epilogue"), [(0, 0), (1, 2)])
def test_gradient_to_input(
    library: Library, real: Any, rng: np.random.Generator, case: Case, init: int, epilogue: int
) -> None:
    flipped = np.zeros((*case.weight.shape[2:], *case.weight.shape[:2]), real)
    kh, kw, co, ci = flipped.shape
    run(
        library, "flip_weights", w=case.kernel_weight.ctypes.data, flipped=flipped.ctypes.data,
        kh=kh, kw=kw, ci=ci, co=co, size=2,
    )  # fmt: skip
    assert (flipped == case.weight[:, :, ::-1, ::-1].transpose(2, 3, 0, 1)).all()
    start = rng.standard_normal(case.x.shape).astype(real)
    mask = rng.standard_normal(case.x.shape).astype(real)
    dy, dx, mask_image = nhwc(case.dy, case.borders), nhwc(start, (0, 1, 2, 0)), nhwc(mask)
    height, width = case.x.shape[2:]
    run(
        library, "conv2d_dx", **case.words, **image_words("dy", dy), **image_words("dx", dx),
        **(image_words("mask", mask_image) if epilogue == 2 else no_image("mask")),
        w=flipped.ctypes.data, height=height, width=width, init=init, epilogue=epilogue,
    )  # fmt: skip
    wide = case.dy.astype(np.float64), case.weight.astype(np.float64)
    expected = BASIC["conv2d_dx"](*wide, size=(height, width), **case.geometry) + init * start
    expected = np.where(mask > 0, expected, 0) if epilogue == 2 else expected
    depth = co * kh * kw
    allowed = tolerance(real, depth, 4.0 * depth)
    np.testing.assert_allclose(dx.transpose(0, 3, 1, 2), expected, rtol=0, atol=allowed)
    assert border_is_zero(dx)


@pytest.mark.parametrize("with_bias", [True, False])
def test_gradient_to_weights(library: Library, case: Case, with_bias: bool) -> None:
    wide = case.x.astype(np.float64), case.dy.astype(np.float64)
    expected = BASIC["conv2d_dw"](*wide, **case.geometry).transpose(2, 3, 1, 0)
    check_weight_gradient(library, "conv2d_dw", case, expected, with_bias)


@pytest.mark.parametrize("kernel", ["conv2d", "conv2d_dx"])
def test_bits_depend_on_no_chunk_size(
    library: Library, real: Any, rng: np.random.Generator, kernel: str
) -> None:
    results = []
    for size in (1, 2, 3, 7):
        given = (7, 5, 21, 5, 6, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), size)
        case = Case(np.random.default_rng(3), real, given)
        if kernel == "conv2d":
            x, y = nhwc(case.x, case.pad), nhwc(case.dy * 0)
            extra = {"bias": 0, "pre": 0, "w": case.kernel_weight.ctypes.data}
            extra |= image_words("x", x) | image_words("y", y)
        else:
            x, y = nhwc(case.dy, case.borders), nhwc(case.x * 0)
            flipped = np.ascontiguousarray(case.kernel_weight[::-1, ::-1].transpose(0, 1, 3, 2))
            extra = {"height": 5, "width": 6, "w": flipped.ctypes.data}
            extra |= image_words("dy", x) | image_words("dx", y)
        run(library, kernel, init=0, epilogue=0, **no_image("mask"), **case.words, **extra)
        results.append(y.copy())
    assert all((r == results[0]).all() for r in results)
