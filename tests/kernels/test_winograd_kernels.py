"""Convolution by Winograd's transforms against the reference rows, for many sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import Array, border_is_zero, image_words, nhwc, no_image, run

from compute.cpu.kernels.winograd import weight_bytes, work_bytes
from compute.cpu.loader import Library
from compute.reference import BASIC

PLAIN = {"kernel": (3, 3), "stride": (1, 1), "dilation": (1, 1)}

# images, channels in, channels out, height, width, padding, images a chunk, tiles together
SIZES = [
    (3, 32, 32, 8, 8, (1, 1, 1, 1), 2, 8),
    (2, 17, 33, 9, 7, (1, 1, 1, 1), 1, 3),
    (2, 40, 64, 5, 14, (0, 0, 2, 1), 2, 5),
    (1, 70, 3, 3, 3, (2, 2, 2, 2), 1, 32),
    (3, 16, 48, 6, 6, (0, 0, 0, 0), 2, 1),
    (1, 1, 1, 3, 3, (0, 0, 0, 0), 1, 2),
    (2, 5, 130, 1, 23, (1, 1, 0, 2), 3, 9),
]


class Case:
    """Operands of one size in N×C×H×W, and the words they share."""

    def __init__(self, rng: np.random.Generator, real: Any, given: Any) -> None:
        n, ci, co, height, width, self.pad, size, self.tiles = given
        draw = lambda *shape: rng.standard_normal(shape).astype(real)  # noqa: E731
        self.real, self.x, self.bias = real, draw(n, ci, height, width), draw(co)
        self.weight = draw(co, ci, 3, 3)
        wide = self.x.astype(np.float64), self.weight.astype(np.float64)
        self.y = BASIC["conv2d"](*wide, padding=self.pad, **PLAIN)
        self.dy, self.mask = draw(*self.y.shape), draw(*self.y.shape)
        oh, ow = self.y.shape[2:]
        self.words = {
            "n": n, "oh": oh, "ow": ow, "ci": ci, "co": co, "ph": self.pad[0], "pw": self.pad[2],
            "slots": 1, "tiles": self.tiles, "size": size,
        }  # fmt: skip
        self.chunks = -(-n // size)

    def work(self, more: int = 0) -> Array:
        """Memory for one thread, full of what must not be read."""
        ci, co, item = self.words["ci"], self.words["co"], np.dtype(self.real).itemsize
        return np.full((work_bytes(self.tiles, ci, co, item) + more) // item, np.nan, self.real)

    def close(self, found: Array, expected: Array, depth: int) -> None:
        """Few units in the last place of a sum of `depth` terms of about 1."""
        allowed = 16.0 * float(np.finfo(self.real).eps) * max(depth, 4) ** 0.5 * 4.0
        np.testing.assert_allclose(found, expected, rtol=0, atol=allowed)


def transformed(library: Library, weight: Array) -> Array:
    """Weights [co,ci,3,3] at all points."""
    co, ci = weight.shape[:2]
    taps = np.ascontiguousarray(weight.transpose(2, 3, 1, 0))
    u = np.full(weight_bytes(ci, co, taps.itemsize) // taps.itemsize, np.nan, taps.dtype)
    run(library, "winograd_weights", w=taps.ctypes.data, u=u.ctypes.data, ci=ci, co=co, size=5)
    return u


@pytest.fixture(params=SIZES, ids=str)
def case(request: pytest.FixtureRequest, rng: np.random.Generator, real: Any) -> Case:
    return Case(rng, real, request.param)


@pytest.mark.parametrize(("init", "epilogue"), [(2, 1), (0, 2), (0, 0)])
def test_forward(library: Library, case: Case, init: int, epilogue: int) -> None:
    x, y = nhwc(case.x, case.pad), nhwc(case.dy, (1, 2, 1, 0))
    mask, pre = nhwc(case.mask), nhwc(case.dy * 0, (1, 2, 1, 0))
    u, work = transformed(library, case.weight), case.work()
    before = case.y + (case.bias[:, None, None] if init else 0.0)
    final = [before, np.maximum(before, 0), np.where(case.mask > 0, before, 0)]
    run(
        library, "winograd_conv", **case.words, **image_words("x", x), **image_words("y", y),
        **(image_words("mask", mask) if epilogue == 2 else no_image("mask")),
        u=u.ctypes.data, work=work.ctypes.data, init=init, epilogue=epilogue,
        bias=case.bias.ctypes.data if init else 0, pre=pre.ctypes.data if epilogue else 0,
    )  # fmt: skip
    depth = 9 * case.words["ci"]
    case.close(y.transpose(0, 3, 1, 2), final[epilogue], depth)
    if epilogue:
        case.close(pre.transpose(0, 3, 1, 2), before, depth)
    assert border_is_zero(y)
    assert border_is_zero(pre)


@pytest.mark.parametrize("with_bias", [True, False])
def test_gradient_to_weights(library: Library, case: Case, with_bias: bool) -> None:
    x, dy = nhwc(case.x, case.pad), nhwc(case.dy, (0, 1, 0, 2))
    ci, co = case.words["ci"], case.words["co"]
    partial = np.full((case.chunks, 3, 3, ci, co), np.nan, case.real)
    db = np.full((case.chunks, co), np.nan, case.real)
    work = case.work(weight_bytes(ci, co, x.itemsize))
    run(
        library, "winograd_dw", **case.words, **image_words("x", x), **image_words("dy", dy),
        partial=partial.ctypes.data, partial_chunk=partial.strides[0], work=work.ctypes.data,
        db=db.ctypes.data if with_bias else 0, db_chunk=db.strides[0],
    )  # fmt: skip
    wide = case.x.astype(np.float64), case.dy.astype(np.float64)
    expected = BASIC["conv2d_dw"](*wide, padding=case.pad, **PLAIN)
    pixels = case.dy.size // co
    case.close(partial.sum(0).transpose(3, 2, 0, 1), expected, pixels)
    if with_bias:
        case.close(db.sum(0), case.dy.sum((0, 2, 3)), pixels)


def test_bits_depend_on_no_chunk_nor_block(library: Library, real: Any) -> None:
    """Forward; a weight gradient is one chain for each chunk, as in the direct kernel."""
    results = []
    for size, tiles, slots in ((1, 32, 2), (2, 7, 4), (7, 1, 1)):
        given = (7, 20, 21, 6, 9, (1, 1, 1, 1), size, tiles)
        case = Case(np.random.default_rng(3), real, given)
        x, y, work = nhwc(case.x, case.pad), nhwc(case.dy * 0), np.tile(case.work(), slots)
        case.words["slots"] = slots
        u = transformed(library, case.weight)
        run(
            library, "winograd_conv", **case.words, **image_words("x", x), **image_words("y", y),
            **no_image("mask"), u=u.ctypes.data, work=work.ctypes.data,
            init=0, bias=0, epilogue=0, pre=0,
        )  # fmt: skip
        results.append(y.copy())
    assert all((r == results[0]).all() for r in results)


def test_what_lies_beyond_a_window_is_not_read(library: Library, real: Any) -> None:
    """NaN in one image stays there, also where the last tiles reach beyond it."""
    case = Case(np.random.default_rng(3), real, (3, 32, 32, 6, 7, (1, 1, 1, 1), 3, 8))
    case.x[1] = np.nan
    x, y, work = nhwc(case.x, case.pad), nhwc(case.dy * 0), case.work()
    u = transformed(library, case.weight)
    run(
        library, "winograd_conv", **case.words, **image_words("x", x), **image_words("y", y),
        **no_image("mask"), u=u.ctypes.data, work=work.ctypes.data,
        init=0, bias=0, epilogue=0, pre=0,
    )  # fmt: skip
    assert np.isnan(y[1]).all()
    case.close(y[::2].transpose(0, 3, 1, 2), case.y[::2], 9 * 32)
