"""Counter-based random numbers: the definition every back end reproduces bit for bit.

Philox 4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"). A
number depends only on (seed, stream, step, element index), so thread count, resume and edits
elsewhere change nothing.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import numpy.typing as npt

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)


@cache
def stream_key(name: str) -> int:
    """The int64 stream key of a named stream."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little", signed=True)


def block(
    counter: tuple[npt.NDArray[np.uint64], ...], key: tuple[int, int]
) -> list[npt.NDArray[np.uint64]]:
    """Four 32-bit words (held in uint64) for each 4×32-bit counter under a 2×32-bit key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        p0, p1 = c0 * np.uint64(MULTIPLIERS[0]), c2 * np.uint64(MULTIPLIERS[1])
        c0, c1, c2, c3 = (
            (p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1),
            p0 & _LOW,
        )
        k0, k1 = (k0 + WEYL[0]) & 0xFFFFFFFF, (k1 + WEYL[1]) & 0xFFFFFFFF
    return [c0, c1, c2, c3]


def bits(seed: int, stream: str | int, step: int, count: int) -> npt.NDArray[np.uint64]:
    """`count` 32-bit random words, held in uint64.

    Element i is word i mod 4 of the block with counter (i div 4, step, stream low, stream high) and
    key (seed low, seed high), each 32 bits.
    """
    key = stream_key(stream) if isinstance(stream, str) else stream
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    fixed = [np.array([value & 0xFFFFFFFF], np.uint64) for value in (step, key, key >> 32)]
    words = np.empty((len(blocks), 4), np.uint64)
    halves = seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF
    for place, word in enumerate(block((blocks & _LOW, *fixed), halves)):
        words[:, place] = word
    return words.reshape(-1)[:count]


def uniform(seed: int, stream: str | int, step: int, count: int) -> npt.NDArray[np.float64]:
    """`count` numbers in [0, 1), multiples of 2**-24, so exact in float32 as well."""
    return (bits(seed, stream, step, count) >> np.uint64(8)).astype(np.float64) * 2.0**-24
