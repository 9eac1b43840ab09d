"""Watched tensors made small: norms and a histogram, for whoever looks on.

Reducing happens on the side of the run, so what travels to a window is a few kilobytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from compute.backend import Array
from compute.events import Tap

BINS = 64


def norm_tap(name: str, tensor: Array) -> Tap:
    """The norm of one tensor and its share of zeros: what wires and nodes show, at little cost."""
    flat = np.ravel(tensor)
    norm = _power(flat) ** 0.5
    if not 1e-15 < norm < 1e15:  # squares may have left the range of single precision
        norm = _norm(flat.astype(np.float64))
    unknown = math.nan
    zeros = 1.0 - np.count_nonzero(flat != 0) / max(flat.size, 1)  # of numbers it is slower
    return Tap(name, np.shape(tensor), norm, unknown, unknown, unknown, unknown, zeros, 0)


def reduce_tap(name: str, tensor: Array) -> Tap:
    """Norm, moments and 64-bin histogram of one tensor."""
    values = np.asarray(tensor)
    finite = values.ravel()
    low, high = _range(finite)
    lost = 0
    if not math.isfinite(high - low):
        finite = finite[np.isfinite(finite)]
        lost = values.size - finite.size
        low, high = _range(finite)
    if not finite.size:
        nan = math.nan
        return Tap(name, values.shape, nan, nan, nan, nan, nan, 0.0, lost)
    exact = finite.astype(np.float64)
    mean, power = float(exact.mean()), _power(exact)
    exact -= mean
    return Tap(
        name,
        values.shape,
        math.sqrt(power),
        mean,
        math.sqrt(_power(exact) / exact.size),
        low,
        high,
        1 - np.count_nonzero(finite) / finite.size,
        lost,
        tuple(histogram(finite, low, high)),
    )


def _power(values: Array) -> float:
    """Σx². Not by BLAS: its threads spin on after a long product, which halved the run's speed."""
    return float(np.einsum("i,i->", values, values))


def _norm(values: Array) -> float:
    """√Σx² where the squares may leave the range of the numbers."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(_power(values / largest))


def _range(values: Array) -> tuple[float, float]:
    """Least and greatest; NaN when there is none or one of them is NaN."""
    return (float(values.min()), float(values.max())) if values.size else (math.nan, math.nan)


def histogram(finite: Array, low: float, high: float) -> Iterable[int]:
    """How many of the values fall into each of 64 equal bins from `low` to `high`."""
    if not high > low:
        return [finite.size] + [0] * (BINS - 1)
    # in double precision a range of single-precision numbers can neither overflow nor vanish
    scale = BINS / (high - low)
    places = np.minimum(((finite.astype(np.float64) - low) * scale).astype(np.uint8), BINS - 1)
    counts: list[int] = np.bincount(places, minlength=BINS).tolist()
    return counts
