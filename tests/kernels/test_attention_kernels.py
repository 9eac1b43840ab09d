"""Attention and its gradients against float64: sizes around a block, hidden keys, large scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from guarded import padded, run, tolerance, untouched_gaps

from compute.cpu.kernels.attention import BLOCK
from compute.cpu.loader import Library

Array = np.ndarray[Any, np.dtype[Any]]
# n, h, t, s, d, e
SIZES = [
    (1, 1, 1, 1, 1, 1),
    (3, 2, 2, 17, 5, 3),
    (2, 1, BLOCK, BLOCK, 16, 16),
    (2, 3, BLOCK + 1, BLOCK - 1, 7, 33),
    (1, 2, 2 * BLOCK + 3, 3 * BLOCK + 5, 33, 17),
]


@dataclass
class Heads:
    """Operands of both kernels and room for their results, all in the order N×T×H×d."""

    q: Array
    k: Array
    v: Array
    g: Array
    lengths: Array | None
    causal: bool
    scale: float

    def words(self) -> dict[str, float]:
        """What both kernels are told."""
        (n, t, h, d), (_, s, _, e) = self.q.shape, self.v.shape
        found: dict[str, float] = {"n": n, "h": h, "t": t, "s": s, "d": d, "e": e}
        for name in "qkv":
            found |= strided(name, getattr(self, name))
        found["lengths"] = 0 if self.lengths is None else self.lengths.ctypes.data
        return found | {"scale": self.scale, "causal": int(self.causal)}

    def expected(self) -> tuple[Array, Array, Array, Array]:
        """y, dq, dk and dv in float64."""
        q, k, v, g = (x.astype(np.float64).transpose(0, 2, 1, 3) for x in
                      (self.q, self.k, self.v, self.g))  # fmt: skip
        scores = q @ k.swapaxes(-1, -2) * self.scale
        seen = np.ones(scores.shape, bool)
        if self.causal:
            seen &= np.tri(*scores.shape[-2:], dtype=bool)
        if self.lengths is not None:
            seen &= np.arange(scores.shape[-1]) < self.lengths[:, None, None, None]
        scores = np.where(seen, scores, -np.inf)
        top = np.maximum(scores.max(-1, keepdims=True), -1e300)
        weights = np.exp(scores - top)
        weights /= np.maximum(weights.sum(-1, keepdims=True), 1e-300)
        pull = g @ v.swapaxes(-1, -2)
        pull = weights * (pull - (weights * pull).sum(-1, keepdims=True)) * self.scale
        made = weights @ v, pull @ k, pull.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ g
        y, dq, dk, dv = (x.transpose(0, 2, 1, 3) for x in made)
        return y, dq, dk, dv


def strided(name: str, x: Array) -> dict[str, float]:
    """The words of an operand N×T×H×d."""
    n, t, h, _ = x.strides
    return {name: x.ctypes.data, f"{name}_n": n, f"{name}_h": h, f"{name}_row": t}


def heads(
    size: tuple[int, ...], real: Any, causal: bool = False, hidden: bool = False, spread: float = 1
) -> Heads:
    """Random operands with gaps between their rows; lengths from 0 to more than there are keys."""
    rng, (n, h, t, s, d, e) = np.random.default_rng(2), size
    shapes = (n, t, h, d), (n, s, h, d), (n, s, h, e), (n, t, h, e)
    arrays = [padded(shape, real) for shape in shapes]
    for x in arrays:
        x[...] = rng.standard_normal(x.shape)
    arrays[0][...] *= spread
    lengths = rng.permutation(np.linspace(0, s + 1, max(n, 3)).astype(np.int64))[:n]
    return Heads(*arrays, lengths if hidden else None, causal, d**-0.5)


def computed(library: Library, given: Heads, size: int = 2) -> list[Array]:
    """y, dq, dk and dv by the kernels."""
    (n, t, h, _), real = given.q.shape, given.q.dtype
    y, dq, dk, dv = (np.full(x.shape, np.nan, real) for x in
                     (given.g, given.q, given.k, given.v))  # fmt: skip
    tops, inverses = np.full((n, h, t), np.nan, real), np.full((n, h, t), np.nan, real)
    kept = {"y": y.ctypes.data, "tops": tops.ctypes.data, "inverses": inverses.ctypes.data}
    run(library, "attention", shuffle=1, size=size, **kept, **given.words())
    made = {"dq": dq.ctypes.data, "dk": dk.ctypes.data, "dv": dv.ctypes.data}
    made |= {"d_row": dk.strides[1], "dv_row": dv.strides[1]}
    words = strided("g", given.g) | kept | made | given.words()
    run(library, "attention_grad", shuffle=2, size=size, **words)
    assert all(untouched_gaps(x) for x in (given.q, given.k, given.v, given.g))
    return [y, dq, dk, dv]


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_attention_and_its_gradients(
    library: Library, real: Any, size: tuple[int, ...], causal: bool, hidden: bool
) -> None:
    given = heads(size, real, causal, hidden)
    for mine, theirs in zip(computed(library, given), given.expected(), strict=True):
        allowed = tolerance(real, max(size), 4.0)
        np.testing.assert_allclose(mine, theirs, rtol=allowed, atol=allowed)


def test_scores_of_thousands(library: Library, real: Any) -> None:
    """The maximum is found block by block: nothing overflows, and the largest score wins."""
    given = heads((1, 1, 3, 2 * BLOCK + 1, 4, 2), real, spread=1e4)
    y, *gradients = computed(library, given)
    np.testing.assert_allclose(y, given.expected()[0], rtol=1e-5, atol=1e-5)
    assert all(np.isfinite(x).all() for x in gradients)


def test_what_is_no_number_shows(library: Library, real: Any) -> None:
    """A NaN among the keys reaches every query that sees it, and no other."""
    given = heads((1, 1, 4, 4, 3, 2), real, causal=True)
    given.k[0, 2, 0, 1] = np.nan
    y = computed(library, given)[0]
    assert np.isnan(y).all((2, 3)).tolist() == [[False, False, True, True]]


def test_bits_do_not_depend_on_chunks(library: Library, real: Any) -> None:
    """Heads are computed alike, one by one or all by one thread."""
    given = heads((3, 2, BLOCK + 5, 2 * BLOCK, 9, 9), real, causal=True, hidden=True)
    one, all_ = (computed(library, given, size) for size in (1, 6))
    assert all(np.array_equal(a, b) for a, b in zip(one, all_, strict=True))
