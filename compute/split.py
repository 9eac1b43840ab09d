"""Which samples train, which validate, which test: fixed by the split's own seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compute import philox
from compute.backend import Array
from compute.data.source import DataError
from graph.training import Split


@dataclass(frozen=True)
class Parts:
    """Sample numbers of each part, ascending, int64."""

    train: Array
    validation: Array
    test: Array


def split(count: int, labels: Array | None, settings: Split) -> Parts:
    """Divide samples 0 … count−1 as `settings` say.

    Stratified: each class is divided in the same shares (largest remainders decide), and keeps at
    least one sample for training. Not shuffled: training first, then validation, then test, as a
    time series needs it. Raises DataError when nothing is left to train on or a part stays empty.
    """
    groups = np.zeros(count, np.int64)
    if labels is not None and settings.stratified and settings.shuffled:
        groups = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    order = np.arange(count)
    if settings.shuffled:
        order = np.argsort(philox.bits(settings.seed, "split", 0, count), kind="stable")
    sizes = np.bincount(groups, minlength=1)
    validation = _shares(sizes, settings.validation, np.maximum(sizes - 1, 0))
    test = _shares(sizes, settings.test, np.maximum(sizes - 1 - validation, 0))
    part = np.zeros(count, np.int64)
    together = order[np.argsort(groups[order], kind="stable")]
    for group, own in enumerate(np.split(together, np.cumsum(sizes)[:-1])):
        kept = len(own) - validation[group] - test[group]
        part[own[kept : kept + validation[group]]] = 1
        part[own[kept + validation[group] :]] = 2
    parts = Parts(*(np.flatnonzero(part == k).astype(np.int64) for k in range(3)))
    for name, share, own in (
        ("validation", settings.validation, parts.validation),
        ("test", settings.test, parts.test),
    ):
        if share > 0 and not own.size:
            found, remedy = f"{count} samples", f"use more, or set {name} to 0"
            raise DataError("split", found, f"enough for {share:.0%} {name}", remedy)
    return parts


def _shares(sizes: Array, share: float, most: Array) -> Array:
    """How many of each group: `share` of all together, divided by largest remainders."""
    exact = sizes * share
    counts = np.minimum(np.floor(exact).astype(np.int64), most)
    wanted = round(float(sizes.sum()) * share)
    if share > 0:
        wanted = max(wanted, 1)
    for group in np.argsort(-(exact - np.floor(exact)), kind="stable"):
        if counts.sum() < wanted and counts[group] < most[group]:
            counts[group] += 1
    return counts
