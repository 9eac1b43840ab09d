"""From measured rows to rates: least squares in which no rate is negative."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compute.backend import Array
from compute.cpu.costs.work import WAITS, Work

TURNS = 3  # for each number that is sought
FLAT = 1e-9  # a slope, as a share of the steepest at the start, that ends the search
ROBUST_TURNS = 6
LONG = 1e-6  # seconds of a row below which it counts less
USUAL = 0.3  # a relative error above which a row counts less: something disturbed it
STRENGTH = 1e-4  # with which rates that little depends on are held at zero
WHOLE = 0.1  # with which waits are held at all of what the bytes take
NEARER, LONGEST = (
    0.05,
    1.0,
)  # of a logarithm: a step to see a slope, and the longest one that is made
SETTLING = 5  # turns


@dataclass(frozen=True)
class Measured:
    """A row, the seconds it took, and those that its bytes alone would take."""

    work: Work
    seconds: float
    bytes_seconds: float


def nonnegative(matrix: Array, wanted: Array) -> Array:
    """x ≥ 0 with the least ‖matrix · x − wanted‖² (Lawson & Hanson 1974, chapter 23)."""
    scale = np.sqrt((matrix**2).sum(axis=0))
    scale[scale == 0] = 1.0
    scaled = matrix / scale
    gram, goal = scaled.T @ scaled, scaled.T @ wanted
    gram += STRENGTH * np.eye(len(gram))
    x, free = np.zeros(len(goal)), np.zeros(len(goal), bool)
    for _ in range(TURNS * len(goal)):
        slope = np.where(free, -np.inf, goal - gram @ x)
        if not len(x) or slope.max() <= FLAT * np.abs(goal).max():
            break
        free[slope.argmax()] = True
        x, free = _within(gram, goal, x, free)
    found: Array = x / scale
    return found


def _within(gram: Array, goal: Array, x: Array, free: Array) -> tuple[Array, Array]:
    """From x towards the least of what the free ones can reach; which are free then."""
    while True:
        best = np.zeros(len(x))
        best[free] = np.linalg.solve(gram[np.ix_(free, free)], goal[free])
        low = free & (best <= 0.0)
        if not low.any():
            return best, free
        share = (x[low] / (x[low] - best[low])).min() if (x[low] > 0.0).any() else 0.0
        x = np.maximum(0.0, x + share * (best - x))
        free = free & ~(low & (x <= FLAT))


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
        weight = start * _robust(matrix @ found - 1.0)
    return dict(zip(names, map(float, found), strict=True))


def seconds(work: Work, alone: float, among: float, rates: Mapping[str, float]) -> float:
    """What a row takes by its counts and by the wait for its bytes.

    The bytes alone take `alone` seconds, and `among` where other threads fetch too. Who fetches
    less than memory gives loses only what others leave short of that.
    """
    counted = sum(rates.get(name, 0.0) * count for name, count in work.counts.items())
    wait = rates.get(work.wait, 1.0)
    return counted + max(wait * alone, min(wait, 1.0) * among)


def settled(off: Callable[[Array], Array], start: Array, trust: Array) -> Array:
    """Positive numbers near `start` with which what is foretold is off the least.

    `off` tells the logarithms of what is foretold over what was measured. With `trust` the
    numbers are held at `start`: an error of so much for each logarithm that one moves. Gauss's and
    Newton's steps in logarithms; what is far off counts less.
    """
    place = np.zeros(len(start))

    def cost(errors: Array, at: Array) -> float:
        return float(np.sum(_robust(errors) ** 2 * errors**2) + np.sum((trust * at) ** 2))

    here = off(start)
    for _ in range(SETTLING):
        nudges = np.eye(len(start)) * NEARER
        slopes = [(off(start * np.exp(place + nudge)) - here) / NEARER for nudge in nudges]
        weight = _robust(here)
        matrix = np.vstack([np.stack(slopes, axis=1) * weight[:, None], np.diag(trust)])
        wanted = np.concatenate([-here * weight, -trust * place])
        move = np.clip(np.linalg.lstsq(matrix, wanted)[0], -LONGEST, LONGEST)
        there = off(start * np.exp(place + move))
        if cost(there, place + move) > cost(here, place):
            move = move / 4
            there = off(start * np.exp(place + move))
            if cost(there, place + move) > cost(here, place):
                break
        here, place = there, place + move
    found: Array = start * np.exp(place)
    return found


def _robust(off: Array) -> Array:
    weight: Array = np.sqrt(USUAL / np.maximum(USUAL, np.abs(off)))
    return weight
