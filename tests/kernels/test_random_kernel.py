"""Philox: the definition against published values, the kernel against it, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from guarded import image, image_words, run

from compute import philox
from compute.cpu.loader import Library

SEED, STREAM = -(2**40) + 12345, philox.stream_key("dropout")
# (counter, key) and result: the known-answer file of the authors' Random123 library.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((2**32 - 1,) * 4, (2**32 - 1,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


SHAPES = [
    (7, 1, 1, 33), (3, 5, 4, 3), (2, 8, 8, 1), (1, 1, 1, 1), (2, 3, 3, 17), (1, 13, 11, 33),
    (2, 40, 31, 1), (1, 2, 2500, 1), (1, 12, 12, 2),
]  # fmt: skip


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_published_values(counter: Any, key: Any, expected: Any) -> None:
    words = philox.block(tuple(np.array([c], np.uint64) for c in counter), key)
    assert tuple(int(w[0]) for w in words) == expected


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 2])
def test_uniform(library: Library, real: Any, shape: Any, size: int) -> None:
    n, height, width, c = shape
    base, step = np.array([2**33 + 5]), 3
    out = image(shape, real, (1, 0, 0, 1))
    shared = {
        **image_words("out", out), "n": n, "c": c, "height": height, "width": width,
        "seed": SEED, "stream": STREAM, "base": base.ctypes.data, "size": size,
    }  # fmt: skip
    run(library, "random_uniform", step=step, kind=0, probability=0, **shared)
    numbers = philox.uniform(SEED, STREAM, int(base[0]) + step, n * c * height * width)
    expected = numbers.reshape(n, c, height, width).transpose(0, 2, 3, 1)
    assert (out == expected).all()
    keep = np.array([0.3], real)
    run(library, "random_uniform", step=step, kind=1, probability=keep.ctypes.data, **shared)
    assert (out == (expected < keep[0])).all()
    left = out.base[:, :, width:]
    assert not left.any()


def test_numbers_are_uniform_and_streams_differ() -> None:
    a = philox.uniform(1, "a", 0, 100_000)
    assert abs(a.mean() - 0.5) < 0.005
    assert abs(a.var() - 1 / 12) < 0.002
    for other in (philox.uniform(2, "a", 0, 100), philox.uniform(1, "b", 0, 100)):
        assert (other != a[:100]).any()
    assert (philox.uniform(1, "a", 1, 100) != a[:100]).any()
    assert (philox.uniform(1, "a", 0, 100) == a[:100]).all()
