"""Softmax, its gradient and cross-entropy against float64, for ordinary and extreme logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import padded, run, untouched_gaps

from compute.cpu.loader import Library

COLUMNS = [1, 2, 10, 15, 16, 17, 33, 97]


def log_softmax(x: Any) -> Any:
    wide = x.astype(np.float64)
    shifted = wide - wide.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def logits(rng: np.random.Generator, n: int, real: Any) -> Any:
    x = padded((9, n), real)
    x[...] = rng.standard_normal((9, n)) * 5
    x[1] *= 1000
    x[2] += 1e4
    return x


def close(real: Any, scale: float = 1.0) -> dict[str, float]:
    return {"rtol": 20 * float(np.finfo(real).eps), "atol": 20 * float(np.finfo(real).eps) * scale}


@pytest.mark.parametrize("n", COLUMNS)
@pytest.mark.parametrize("in_place", [False, True])
def test_cross_entropy(
    library: Library, real: Any, rng: np.random.Generator, n: int, in_place: bool
) -> None:
    x, labels = logits(rng, n, real), rng.integers(0, n, 9)
    out = x if in_place else padded((9, n), real)
    loss, grad = np.zeros(9, real), rng.standard_normal(9).astype(real)
    expected = log_softmax(x)
    run(
        library, "softmax_cross_entropy", logits=x.ctypes.data, logits_row=x.strides[0],
        labels=labels.ctypes.data, loss=loss.ctypes.data, grad=grad.ctypes.data,
        grad_row=grad.itemsize, dlogits=out.ctypes.data, dlogits_row=out.strides[0], m=9, n=n,
        scale=0.25, size=4,
    )  # fmt: skip
    rows = np.arange(9)
    np.testing.assert_allclose(loss, -expected[rows, labels], **close(real, 1e4))
    onehot = np.eye(n)[labels]
    np.testing.assert_allclose(
        out, (np.exp(expected) - onehot) * 0.25 * grad[:, None], **close(real)
    )
    assert untouched_gaps(out)


def test_cross_entropy_of_one_gradient_and_of_none(
    library: Library, real: Any, rng: np.random.Generator
) -> None:
    x, labels = logits(rng, 10, real), rng.integers(0, 10, 9)
    out, loss, grad = padded((9, 10), real), np.zeros(9, real), np.array([3.0], real)
    shared = {
        "logits": x.ctypes.data, "logits_row": x.strides[0], "labels": labels.ctypes.data,
        "grad_row": 0, "m": 9, "n": 10, "scale": 0.5, "size": 9, "dlogits_row": out.strides[0],
    }  # fmt: skip
    name = "softmax_cross_entropy"
    run(library, name, loss=0, grad=grad.ctypes.data, dlogits=out.ctypes.data, **shared)
    expected = (np.exp(log_softmax(x)) - np.eye(10)[labels]) * 1.5
    np.testing.assert_allclose(out, expected, **close(real))
    run(library, name, loss=loss.ctypes.data, grad=0, dlogits=0, **shared)
    np.testing.assert_allclose(loss, -log_softmax(x)[np.arange(9), labels], **close(real, 1e4))


@pytest.mark.parametrize("label", [-1, 10, 2**62])
def test_label_out_of_range_gives_nan(library: Library, real: Any, rng: Any, label: int) -> None:
    x, labels = logits(rng, 10, real), np.zeros(9, np.int64)
    labels[3] = label
    out, loss = padded((9, 10), real), np.zeros(9, real)
    run(
        library, "softmax_cross_entropy", logits=x.ctypes.data, logits_row=x.strides[0],
        labels=labels.ctypes.data, loss=loss.ctypes.data, grad=0, grad_row=0,
        dlogits=out.ctypes.data, dlogits_row=out.strides[0], m=9, n=10, scale=1.0, size=9,
    )  # fmt: skip
    assert np.isnan(loss[3])
    assert np.isnan(out[3]).all()
    assert np.isfinite(np.delete(loss, 3)).all()


@pytest.mark.parametrize("n", COLUMNS)
@pytest.mark.parametrize("logarithm", [0, 1])
def test_softmax_and_its_gradient(
    library: Library, real: Any, rng: np.random.Generator, n: int, logarithm: int
) -> None:
    x, y, dy, dx = logits(rng, n, real), *(padded((9, n), real) for _ in range(3))
    run(
        library, "softmax", x=x.ctypes.data, x_row=x.strides[0], y=y.ctypes.data,
        y_row=y.strides[0], m=9, n=n, logarithm=logarithm, size=2,
    )  # fmt: skip
    expected = log_softmax(x) if logarithm else np.exp(log_softmax(x))
    np.testing.assert_allclose(y, expected, **close(real, 1e4 if logarithm else 1))
    assert untouched_gaps(y)
    dy[...] = rng.standard_normal(dy.shape)
    run(
        library, "softmax_dx", y=y.ctypes.data, y_row=y.strides[0], dy=dy.ctypes.data,
        dy_row=dy.strides[0], dx=dx.ctypes.data, dx_row=dx.strides[0], m=9, n=n,
        logarithm=logarithm, size=4,
    )  # fmt: skip
    out, g = y.astype(np.float64), dy.astype(np.float64)
    if logarithm:
        expected = g - np.exp(out) * g.sum(1, keepdims=True)
    else:
        expected = out * (g - (out * g).sum(1, keepdims=True))
    np.testing.assert_allclose(dx, expected, **close(real, n**0.5))
    assert untouched_gaps(dx)
