"""Points in the plane, generated: the same on every platform for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compute import philox
from compute.backend import Array
from compute.data.source import Loaded

if TYPE_CHECKING:
    from graph.ops.data import ToyData

TURNS = 1.75  # of each arm of the spiral


def load_toy(op: ToyData) -> Loaded:
    """`samples_count` points of the chosen shape with Gaussian noise, classes alternating."""
    count = op.samples_count
    place = philox.uniform(op.seed, "toy/place", 0, 2 * count).reshape(2, count)
    if op.shape == "regression":
        x = 2 * place[0] - 1
        y = 0.7 * np.sin(np.pi * x) + 0.3 * x + op.noise * _normal(op.seed, count)[0]
        return Loaded({"features": x[:, None], "target": y[:, None]})
    label = np.arange(count, dtype=np.int64) % 2
    if op.shape == "xor":
        points = 2 * place.T - 1
        label = (points[:, 0] * points[:, 1] < 0).astype(np.int64)
    else:
        points = {"moons": _moons, "circles": _circles, "spiral": _spiral}[op.shape](
            place[0], label
        )
    points = points + op.noise * _normal(op.seed, count).T
    return Loaded({"features": points, "target": label}, op.class_names())


def _normal(seed: int, count: int) -> Array:
    """2×count standard normal numbers (Box & Muller 1958)."""
    first, second = philox.uniform(seed, "toy/noise", 0, 2 * count).reshape(2, count)
    radius, angle = np.sqrt(-2 * np.log(1 - first)), 2 * np.pi * second
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)])


def _moons(t: Array, label: Array) -> Array:
    angle = np.pi * t
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1)
    return np.where(label[:, None] == 0, upper, lower)


def _circles(t: Array, label: Array) -> Array:
    angle = 2 * np.pi * t
    radius = np.where(label == 0, 1.0, 0.5)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def _spiral(t: Array, label: Array) -> Array:
    angle = 2 * np.pi * (TURNS * t + 0.5 * label)
    return np.stack([t * np.cos(angle), t * np.sin(angle)], 1)
