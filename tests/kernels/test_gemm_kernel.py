"""Matrix product against NumPy: sizes around the tile, strides, initial values, epilogues, splits,
batches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import padded, run, tolerance, untouched_gaps

from compute.cpu.loader import Library

SIZES = [
    (1, 1, 1), (1, 15, 16), (2, 17, 3), (15, 16, 17), (16, 31, 33), (17, 33, 31), (31, 15, 1),
    (33, 1, 32), (13, 97, 7), (64, 10, 300), (70, 53, 257), (1, 300, 19), (5, 7, 0),
    (210, 20, 390),
]  # fmt: skip


def words(a: Any, b: Any, c: Any, **changes: Any) -> dict[str, Any]:
    """gemm's words for arrays a (m×k), b (k×n), c (m×n), all of c in one chunk."""
    plain = {
        "a": a.ctypes.data, "a_row": a.strides[0], "a_col": a.strides[1],
        "b": b.ctypes.data, "b_row": b.strides[0], "b_col": b.strides[1],
        "c": c.ctypes.data, "c_row": c.strides[0],
        "m": c.shape[0], "n": c.shape[1], "k": a.shape[1], "init": 0, "bias": 0, "epilogue": 0,
        "mask": 0, "mask_row": 0, "pre": 0, "pre_row": 0, "sums": 0, "split": 0, "size": c.shape[0],
        "batch": 1, "a_batch": 0, "b_batch": 0, "c_batch": 0,
    }  # fmt: skip
    return {**plain, **changes}


def operands(
    rng: np.random.Generator,
    m: int,
    n: int,
    k: int,
    real: Any,
    transposed: bool = False,
    turned: bool = False,
) -> tuple[Any, Any, Any]:
    """A, B and C; `transposed` stores A by columns, `turned` B."""
    a = padded((k, m) if transposed else (m, k), real)
    b, c = padded((n, k) if turned else (k, n), real), padded((m, n), real)
    for array in (a, b, c):
        array[...] = rng.standard_normal(array.shape)
    return (a.T if transposed else a), (b.T if turned else b), c


def assert_product(c: Any, a: Any, b: Any, expected: Any) -> None:
    scale = float((np.abs(a) @ np.abs(b)).max(initial=1.0)) + 1.0
    np.testing.assert_allclose(c, expected, rtol=0, atol=tolerance(c.dtype, a.shape[1], scale))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_product(
    library: Library, real: Any, rng: np.random.Generator, size: Any, transposed: bool, turned: bool
) -> None:
    a, b, c = operands(rng, *size, real, transposed, turned)
    run(library, "gemm", **words(a, b, c))
    assert_product(c, a, b, a.astype(np.float64) @ b)
    assert untouched_gaps(c)


@pytest.mark.parametrize("epilogue", [0, 1, 2])
@pytest.mark.parametrize("init", [0, 1, 2])
@pytest.mark.parametrize("size", [(9, 35, 300), (1, 140, 20), (3, 10, 5)], ids=str)
def test_initial_value_and_epilogue(
    library: Library, real: Any, rng: np.random.Generator, size: Any, init: int, epilogue: int
) -> None:
    a, b, c = operands(rng, *size, real)
    bias = rng.standard_normal(size[1]).astype(real)
    mask, pre = padded(c.shape, real), padded(c.shape, real)
    mask[...] = rng.standard_normal(c.shape)
    plain = a.astype(np.float64) @ b + [np.zeros_like(c), c.copy(), bias][init]
    final = [plain, np.maximum(plain, 0), np.where(mask > 0, plain, 0)][epilogue]
    extra = {"mask": mask.ctypes.data, "mask_row": mask.strides[0]} if epilogue == 2 else {}
    run(
        library, "gemm",
        **words(
            a, b, c, init=init, bias=bias.ctypes.data if init == 2 else 0, epilogue=epilogue,
            pre=pre.ctypes.data, pre_row=pre.strides[0], **extra,
        ),
    )  # fmt: skip
    assert_product(c, a, b, final)
    assert_product(pre, a, b, plain)
    assert untouched_gaps(c)
    assert untouched_gaps(pre)


@pytest.mark.parametrize(("split", "size"), [(0, 150), (0, 7), (1, 48)])
@pytest.mark.parametrize("shape", [(150, 50, 400), (1, 140, 20), (9, 33, 1)], ids=str)
def test_sums_of_the_columns_of_b(
    library: Library, real: Any, rng: np.random.Generator, shape: Any, split: int, size: int
) -> None:
    a, b, c = operands(rng, *shape, real, transposed=True)
    sums = np.full(shape[1] + 8, 7.0, real)
    given = words(a, b, c, split=split, size=size, sums=sums.ctypes.data)
    run(library, "gemm", shuffle=3, **given)
    assert_product(c, a, b, a.astype(np.float64) @ b)
    exact = b.astype(np.float64).sum(0)
    np.testing.assert_allclose(sums[:-8], exact, rtol=0, atol=tolerance(real, shape[2], 8.0))
    assert (sums[-8:] == 7.0).all()


def test_bits_depend_on_no_split(library: Library, real: Any, rng: np.random.Generator) -> None:
    a, b, c = operands(rng, 70, 130, 300, real)
    bias = rng.standard_normal(130).astype(real)
    results = []
    for split, size in [(0, 70), (0, 1), (0, 7), (0, 32), (1, 130), (1, 16), (1, 48), (1, 50)]:
        c[...] = 0
        run(
            library, "gemm", shuffle=size,
            **words(a, b, c, init=2, bias=bias.ctypes.data, epilogue=1, split=split, size=size),
        )  # fmt: skip
        results.append(c.copy())
    assert all((r == results[0]).all() for r in results)


def test_bits_depend_on_no_order_of_b(
    library: Library, real: Any, rng: np.random.Generator
) -> None:
    a, b, c = operands(rng, 70, 130, 300, real)
    other = np.ascontiguousarray(b.T).T
    results = []
    for given, split, size in [(b, 0, 70), (other, 0, 70), (other, 0, 32), (other, 1, 48)]:
        c[...] = 0
        run(library, "gemm", **words(a, given, c, split=split, size=size))
        results.append(c.copy())
    assert all((r == results[0]).all() for r in results)
    assert untouched_gaps(c)


def test_split_offsets_every_operand(library: Library, real: Any, rng: np.random.Generator) -> None:
    a, b, c = operands(rng, 37, 45, 20, real)
    mask, pre = padded(c.shape, real), padded(c.shape, real)
    mask[...] = rng.standard_normal(c.shape)
    plain = a.astype(np.float64) @ b
    for split, size in [(0, 5), (1, 16)]:
        given = words(
            a, b, c, epilogue=2, mask=mask.ctypes.data, mask_row=mask.strides[0],
            pre=pre.ctypes.data, pre_row=pre.strides[0], split=split, size=size,
        )  # fmt: skip
        run(library, "gemm", **given)
        assert_product(c, a, b, np.where(mask > 0, plain, 0))
        assert_product(pre, a, b, plain)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_batch(library: Library, real: Any, rng: np.random.Generator, size: int) -> None:
    a = rng.standard_normal((5, 9, 11)).astype(real)
    b = rng.standard_normal((5, 11, 20)).astype(real)
    c = np.zeros((5, 9, 20), real)
    given = words(
        a[0], b[0], c[0], batch=5, size=size,
        a_batch=a.strides[0], b_batch=b.strides[0], c_batch=c.strides[0],
    )  # fmt: skip
    run(library, "gemm", **given)
    for i in range(5):
        assert_product(c[i], a[i], b[i], a[i].astype(np.float64) @ b[i])


def test_relu_keeps_nan(library: Library, real: Any, rng: np.random.Generator) -> None:
    a, b, c = operands(rng, 3, 20, 4, real)
    a[1, 2] = np.nan
    run(library, "gemm", **words(a, b, c, epilogue=1))
    assert np.isnan(c[1]).all()
    assert not np.isnan(c[[0, 2]]).any()
