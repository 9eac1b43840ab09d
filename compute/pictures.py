"""Tensors as grey pictures, for whoever looks on: feature maps and filters as uint8 tiles."""

from __future__ import annotations

import numpy as np

from compute.backend import Array
from compute.questions import FeatureMap

MOST_MAPS = 256
MOST_FILTERS = 1024
MOST_NUMBERS = 4096
SIDE = 512  # at most so many pixels along a side of a tile


def feature_map(name: str, values: Array) -> FeatureMap:
    """One sample's tensor: its maps (C×H×W), or its matrix (T×F), each on its own range."""
    values = np.asarray(values)
    maps = np.zeros((0, 0, 0))
    if values.ndim == 3:
        maps = values[:MOST_MAPS, :SIDE, :SIDE]
    elif values.ndim == 2:
        maps = values[None, :SIDE, :SIDE]
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (np.nan, np.nan)
    tiles, ranges = _own_ranges(maps)
    few = values.size <= MOST_NUMBERS
    kept = values.astype(np.float32).ravel() if few else np.zeros(0, np.float32)
    return FeatureMap(name, values.shape, low, high, tiles, ranges, kept)


def _own_ranges(maps: Array) -> tuple[Array, Array]:
    if not maps.size:
        return np.zeros(maps.shape, np.uint8), np.zeros((len(maps), 2))
    clean = np.nan_to_num(maps.astype(np.float64), nan=0.0)
    low, high = clean.min(axis=(1, 2)), clean.max(axis=(1, 2))
    span = np.where(high > low, high - low, 1.0)
    tiles = (clean - low[:, None, None]) * (255 / span)[:, None, None]
    return np.round(tiles).clip(0, 255).astype(np.uint8), np.stack([low, high], axis=1)


def parameter_tiles(values: Array) -> tuple[float, Array]:
    """(reach, count×height×width): filters, or the matrix, on the range −reach to reach.

    Of convolution weights (out×in×height×width) a tile for each pair, row by row.
    """
    if values.ndim >= 4:
        tiles = values.reshape(-1, *values.shape[-2:])[:MOST_FILTERS]
    elif values.ndim == 2:
        tiles = values[None]
    else:
        tiles = values.reshape(1, 1, -1)
    tiles = tiles[:, :SIDE, :SIDE]
    finite = np.nan_to_num(tiles.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    reach = float(np.abs(finite).max()) if finite.size else 0.0
    grey = (finite / (reach or 1.0) + 1) * 127.5
    return reach, np.round(grey).clip(0, 255).astype(np.uint8)
