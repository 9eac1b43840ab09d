"""Sums, maxima, sums of partials, index of the maximum, equality of indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import run, tolerance

from compute.cpu.kernels.reduce import MAX, SUM
from compute.cpu.loader import Library


def words(x: Any, y: Any, op: int, order: Any = (0, 1, 2, 3, 4, 5), **changes: Any) -> Any:
    """reduce's words for x with axes (o0, o1, r0, r1, r2, inner) taken in `order`."""
    extents = [x.shape[axis] for axis in order]
    strides = [x.strides[axis] for axis in order]
    names = ("o0", "o1", "r0", "r1", "r2", "inner")
    plain = dict(zip(names, extents, strict=True))
    plain |= {f"x_{name}": s for name, s in zip(names, strides, strict=True)}
    plain |= {"x": x.ctypes.data, "y": y.ctypes.data, "y_chunk": 0}
    plain |= {f"y_{n}": s for n, s in zip(("o0", "o1", "inner"), y.strides[-3:], strict=True)}
    plain |= {"op": op, "scale": 1.0, "init": 0, "split": 0, "size": max(1, extents[0])}
    return {**plain, **changes}


SHAPES = [
    (1, 1, 1, 1, 1, 1), (2, 3, 4, 5, 6, 1), (2, 3, 4, 1, 5, 17), (1, 1, 31, 2, 3, 33),
    (3, 1, 1, 1, 97, 1), (1, 2, 1, 3, 32, 1), (4, 1, 1, 1, 1, 16),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("op", [SUM, MAX])
@pytest.mark.parametrize(("split", "size"), [(0, 1), (2, 16)])
@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (0, 5, 3, 2, 1, 4)], ids=str)
def test_reduce(
    library: Library, real: Any, rng: np.random.Generator, shape: Any, op: int, split: int,
    size: int, order: Any,
) -> None:  # fmt: skip
    x = rng.standard_normal(shape).astype(real)
    view = x.transpose(order)
    plain = view.astype(np.float64)
    y = rng.standard_normal((view.shape[0], view.shape[1], view.shape[5])).astype(real)
    for init in (0, 1):
        before = y.astype(np.float64)
        given = words(x, y, op, order, scale=0.5, init=init, split=split, size=size)
        run(library, "reduce", **given)
        result = plain.sum((2, 3, 4)) * 0.5 if op == SUM else plain.max((2, 3, 4))
        if init:
            result = before + result if op == SUM else np.maximum(before, result)
        count = view.shape[2] * view.shape[3] * view.shape[4]
        allowed = tolerance(real, count, 4 * count) if op == SUM else 0
        np.testing.assert_allclose(y, result, rtol=0, atol=allowed)


@pytest.mark.parametrize(
    "shape", [(1, 1, 3, 1, 30_000, 5), (1, 1, 1, 1, 200_000, 1), (1, 1, 5000, 9, 1, 5)], ids=str
)
def test_errors_of_a_long_sum_do_not_grow_with_it(
    library: Library, real: Any, rng: Any, shape: Any
) -> None:
    x = rng.uniform(1, 2, shape).astype(real)
    y = np.zeros((1, 1, shape[5]), real)
    run(library, "reduce", **words(x, y, SUM))
    exact = x.astype(np.longdouble).sum((2, 3, 4))
    assert (np.abs(y - exact) <= 16 * np.finfo(real).eps * exact).all()


def test_partials_are_added_in_order(library: Library, real: Any, rng: Any) -> None:
    x = rng.standard_normal((1, 1, 10, 3, 1, 21)).astype(real)
    for size in (1, 3, 10):
        parts = -(-10 // size)
        partial = np.full((parts, 1, 1, 21), np.nan, real)
        out = rng.standard_normal(21).astype(real)
        given = words(x, partial, SUM, split=1, size=size, y_chunk=partial.strides[0])
        run(library, "reduce", shuffle=size, **given)
        before = out.copy()
        run(
            library, "sum_chunks", partial=partial.ctypes.data, partial_chunk=partial.strides[0],
            parts=parts, out=out.ctypes.data, count=21, scale=2.0, init=1, size=16,
        )  # fmt: skip
        total = partial[0].ravel()
        for part in partial[1:]:
            total = total + part.ravel()
        assert (out == before + real(2) * total).all()
        np.testing.assert_allclose(
            total, x.astype(np.float64).sum((0, 1, 2, 3, 4)), atol=tolerance(real, 30, 120)
        )


def test_maximum_keeps_nan(library: Library, real: Any, rng: Any) -> None:
    for shape in ((1, 1, 1, 1, 40, 1), (1, 1, 5, 1, 1, 20)):
        x = rng.standard_normal(shape).astype(real)
        x[0, 0, 0, 0, 0, 0] = np.nan
        y = np.zeros((1, 1, shape[5]), real)
        run(library, "reduce", **words(x, y, MAX))
        assert np.isnan(y[0, 0, 0])
        assert np.isfinite(y[0, 0, 1:]).all()


@pytest.mark.parametrize("n", [1, 3, 17, 100])
def test_argmax(library: Library, real: Any, rng: Any, n: int) -> None:
    x = rng.integers(-2, 3, (13, n)).astype(real)
    x[4, n // 2] = np.nan
    out = np.zeros(13, np.int64)
    run(
        library, "argmax", x=x.ctypes.data, x_row=x.strides[0], out=out.ctypes.data, m=13, n=n,
        size=5,
    )  # fmt: skip
    assert (out == x.argmax(1)).all()


def test_equal_int(library: Library, real: Any, rng: Any) -> None:
    a, b = rng.integers(0, 3, (2, 37))
    out = np.zeros(37, real)
    run(
        library, "equal_int", a=a.ctypes.data, b=b.ctypes.data, out=out.ctypes.data, count=37,
        size=10,
    )  # fmt: skip
    assert (out == (a == b)).all()
