"""Copies: transposes, permutations of many shapes, broadcasts, fills, conversions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import padded, run, untouched_gaps

from compute.cpu.loader import Library


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (15, 17), (31, 33), (48, 5), (3, 97)])
@pytest.mark.parametrize("size", [1, 16, 100])
def test_transpose(library: Library, real: Any, rng: Any, shape: Any, size: int) -> None:
    x, y = padded(shape, real), padded(shape[::-1], real)
    x[...] = rng.standard_normal(shape)
    run(
        library, "transpose2d", x=x.ctypes.data, x_row=x.strides[0], y=y.ctypes.data,
        y_row=y.strides[0], m=shape[0], n=shape[1], batch=1, x_batch=0, y_batch=0, size=size,
    )  # fmt: skip
    assert (y == x.T).all()
    assert untouched_gaps(y)


def test_transpose_of_a_batch(library: Library, real: Any, rng: Any) -> None:
    x = rng.standard_normal((5, 18, 7)).astype(real)
    y = np.zeros((5, 7, 18), real)
    run(
        library, "transpose2d", x=x.ctypes.data, x_row=x.strides[1], y=y.ctypes.data,
        y_row=y.strides[1], m=18, n=7, batch=5, x_batch=x.strides[0], y_batch=y.strides[0], size=2,
    )  # fmt: skip
    assert (y == x.transpose(0, 2, 1)).all()


def permute(library: Library, x: Any, y: Any, **changes: Any) -> None:
    """y = x, both given as views of one shape."""
    lead = 6 - x.ndim
    words = {f"d{i}": 1 for i in range(lead)} | {f"{v}{i}": 0 for v in "xy" for i in range(lead)}
    for i in range(x.ndim):
        words |= {f"d{lead + i}": x.shape[i]}
        words |= {f"x{lead + i}": x.strides[i], f"y{lead + i}": y.strides[i]}
    plain = {"x": x.ctypes.data, "y": y.ctypes.data, "item": x.itemsize, "add": 0, "split": 0}
    run(library, "permute", **{**plain, **words, "size": 2, **changes})


@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ((2, 3, 4, 5, 6, 7), (0, 1, 2, 3, 4, 5)),
        ((2, 3, 4, 5, 6, 7), (5, 3, 1, 0, 2, 4)),
        ((3, 17, 33), (0, 2, 1)),
        ((2, 3, 20, 19), (0, 2, 3, 1)),
        ((40, 50), (1, 0)),
        ((5,), (0,)),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["real", "int"])
@pytest.mark.parametrize("split", [0, 1])
def test_permute(
    library: Library, real: Any, rng: Any, shape: Any, order: Any, kind: str, split: int
) -> None:
    dtype = real if kind == "real" else np.int64
    x = rng.integers(-(2**40) if kind == "int" else -99, 2**23, shape).astype(dtype)
    view = x.transpose(order)
    y = padded(view.shape, dtype)
    permute(library, view, y, split=split)
    assert (y == view).all()
    assert untouched_gaps(y)


def test_broadcast_slice_and_flip(library: Library, real: Any, rng: Any) -> None:
    x = rng.standard_normal((3, 1, 5)).astype(real)
    y = padded((3, 4, 5), real)
    permute(library, np.broadcast_to(x, (3, 4, 5)), y)
    assert (y == x).all()
    column = np.broadcast_to(x[:, :, 2:3], (3, 4, 37))
    wide = padded((3, 4, 37), real)
    permute(library, column, wide)
    assert (wide == column).all()
    reverse = np.zeros((3, 1, 5), real)
    permute(library, x[:, :, ::-1], reverse)
    assert (reverse == x[:, :, ::-1]).all()


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)], ids=str)
def test_add(library: Library, real: Any, rng: Any, order: Any) -> None:
    x = rng.standard_normal((3, 17, 33)).astype(real).transpose(order)
    y = padded(x.shape, real)
    y[...] = rng.standard_normal(x.shape)
    before = y.copy()
    permute(library, x, y, add=1)
    assert (y == before + x).all()
    assert untouched_gaps(y)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 17), (2, 1, 33)])
def test_fill(library: Library, real: Any, shape: Any) -> None:
    y = padded(shape, real)
    run(
        library, "fill", y=y.ctypes.data, d0=shape[0], d1=shape[1], d2=shape[2], y0=y.strides[0],
        y1=y.strides[1], value=0.1, size=2,
    )  # fmt: skip
    assert (y == real(0.1)).all()
    assert untouched_gaps(y)


def test_to_real(library: Library, real: Any) -> None:
    x, out = np.arange(-5, 28), np.zeros(33, real)
    run(library, "to_real", x=x.ctypes.data, out=out.ctypes.data, count=33, size=10)
    assert (out == x).all()


@pytest.mark.parametrize(("step", "kept"), [(0, True), (3, True), (4, False)])
def test_record(library: Library, real: Any, step: int, kept: bool) -> None:
    x, out = np.array([0.3], real), np.full((4, 2), -1.0)
    run(
        library, "record", step=step, x=x.ctypes.data, out=out.ctypes.data,
        out_step=out.strides[0], steps=4,
    )  # fmt: skip
    expected = np.full((4, 2), -1.0)
    if kept:
        expected[step, 0] = x[0]
    assert (out == expected).all()


@pytest.mark.parametrize("size", [1, 4, 100])
def test_counting_and_ids_of_numbers(library: Library, real: Any, size: int) -> None:
    out = padded((1, 33), real)
    run(library, "arange", out=out.ctypes.data, count=33, size=size)
    assert (out[0] == np.arange(33)).all()
    assert untouched_gaps(out)
    x = np.array([0.0, 2.9, -2.9, 7.0, np.nan, np.inf, -np.inf, 1e30], real)
    ids = np.full(9, 5, np.int64)
    run(library, "to_int", x=x.ctypes.data, out=ids.ctypes.data, count=8, size=size)
    assert ids.tolist() == [0, 2, -2, 7, -1, -1, -1, -1, 5]
