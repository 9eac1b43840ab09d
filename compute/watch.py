"""Watched tensors made small: norms, a histogram and a picture, for whoever looks on.

Reducing happens on the side of the run, so what travels to a window is a few kilobytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from compute.backend import Array
from compute.events import Tap

BINS = 64
TILES = 36  # at most so many maps in a mosaic
SIDE = 512  # at most so many pixels along a side


def norm_tap(name: str, tensor: Array) -> Tap:
    """The norm of one tensor and its share of zeros: what wires and nodes show, at little cost."""
    flat = np.ravel(tensor)
    norm = float(np.vdot(flat, flat)) ** 0.5
    if not 1e-15 < norm < 1e15:  # squares may have left the range of single precision
        norm = float(np.linalg.norm(flat.astype(np.float64)))
    unknown = math.nan
    zeros = 1.0 - np.count_nonzero(flat != 0) / max(flat.size, 1)  # of numbers it is slower
    return Tap(name, np.shape(tensor), norm, unknown, unknown, unknown, unknown, zeros, 0)


def reduce_tap(name: str, tensor: Array) -> Tap:
    """Norm, moments, 64-bin histogram and mosaic of one tensor (axis 0: samples or filters)."""
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
    mosaic = _mosaic(values, low, high)
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
        mosaic.tobytes(),
        (mosaic.shape[0], mosaic.shape[1]),
    )


def _power(values: Array) -> float:
    """Σx². Not by BLAS: its threads spin on after a long product, which halved the run's speed."""
    return float(np.einsum("i,i->", values, values))


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


def _mosaic(values: Array, low: float, high: float) -> Array:
    """Grey picture: maps of the first sample (N×C×H×W), filters, or the matrix itself."""
    tiles = _tiles(values)
    if tiles is None:
        return np.zeros((0, 0), np.uint8)
    span = high - low if high > low else 1.0
    grey = np.nan_to_num((tiles - low) / span * 255, nan=0.0, posinf=255, neginf=0)
    tiles = grey.clip(0, 255).astype(np.uint8)
    count, height, width = tiles.shape
    columns = math.ceil(math.sqrt(count))
    rows = -(-count // columns)
    sheet = np.zeros((rows * columns, height, width), np.uint8)
    sheet[:count] = tiles
    sheet = sheet.reshape(rows, columns, height, width).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(sheet.reshape(rows * height, columns * width)[:SIDE, :SIDE])


def _tiles(values: Array) -> Array | None:
    if values.ndim == 4:
        first = values[0] if values.shape[1] > 1 else values[:, 0]
        return first[:TILES, :SIDE, :SIDE]
    if values.ndim in (2, 3):
        matrix = values if values.ndim == 2 else values[0]
        return matrix[None, :SIDE, :SIDE]
    if values.ndim == 1 and values.size:
        return values[None, None, :SIDE]
    return None
