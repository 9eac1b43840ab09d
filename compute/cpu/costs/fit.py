"""From measured rows to rates: least squares in which no rate is negative."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compute.backend import Array
from compute.cpu.costs.work import WAITS, Work

TURNS = 400
STILL = 1e-6  # a change in a turn, of the largest rate, that ends them
ROBUST_TURNS = 6
LONG = 1e-6  # seconds of a row below which it counts less
USUAL = 0.2  # a relative error above which a row counts less: something disturbed it
STRENGTH = 1e-4  # with which rates that little depends on are held at zero
WHOLE = 0.1  # with which waits are held at all of what the bytes take


@dataclass(frozen=True)
class Measured:
    """A row, the seconds it took, and those that its bytes alone would take."""

    work: Work
    seconds: float
    bytes_seconds: float


def nonnegative(matrix: Array, wanted: Array) -> Array:
    """x ≥ 0 with the least ‖matrix · x − wanted‖², by coordinate descent."""
    scale = np.sqrt((matrix**2).sum(axis=0))
    scale[scale == 0] = 1.0
    scaled = matrix / scale
    gram, goal = scaled.T @ scaled, scaled.T @ wanted
    gram += STRENGTH * np.eye(len(gram))
    x = np.zeros(len(goal))
    for _ in range(TURNS):
        before = x.copy()
        for k in range(len(x)):
            x[k] = max(0.0, x[k] + (goal[k] - gram[k] @ x) / gram[k, k])
        if np.abs(x - before).max(initial=0.0) <= STILL * x.max(initial=0.0):
            break
    found: Array = x / scale
    return found


def kernel_rates(rows: Iterable[Measured]) -> dict[str, dict[str, float]]:
    """Seconds a count for every kernel seen, and which part of the wait for bytes it feels.

    Relative errors are made small, not absolute ones.
    """
    kinds: dict[str, list[Measured]] = {}
    for row in rows:
        kinds.setdefault(row.work.kind, []).append(row)
    return {kind: _rates(members) for kind, members in kinds.items()}


def _rates(rows: Sequence[Measured]) -> dict[str, float]:
    counts = [{row.work.wait: row.bytes_seconds, **row.work.counts} for row in rows]
    names = sorted({name for each in counts for name in each})
    matrix = np.array(
        [[c.get(n, 0.0) / row.seconds for n in names] for c, row in zip(counts, rows, strict=True)]
    )
    size = np.array([row.seconds for row in rows])
    start = weight = np.sqrt(np.minimum(1.0, size / LONG))
    waits = np.diag([WHOLE if name in WAITS else 0.0 for name in names])
    for _ in range(ROBUST_TURNS):
        weighted = np.vstack([matrix * weight[:, None], waits])
        found = nonnegative(weighted, np.append(weight, waits.sum(axis=1)))
        off = np.abs(matrix @ found - 1.0)
        weight = start * np.sqrt(USUAL / np.maximum(USUAL, off))
    return dict(zip(names, map(float, found), strict=True))


def seconds(work: Work, bytes_seconds: float, rates: Mapping[str, float]) -> float:
    """What a row takes by its counts and by the wait for its bytes."""
    counted = sum(rates.get(name, 0.0) * count for name, count in work.counts.items())
    return counted + rates.get(work.wait, 1.0) * bytes_seconds
