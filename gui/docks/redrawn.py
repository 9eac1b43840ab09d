"""Numbers that a net says beside their targets: as points, in words, and as pictures."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from compute.questions import Output
from gui.docks.sample_sheet import MOST, Shown


def as_points(output: Output) -> NDArray[np.float64]:
    """Pairs of target and prediction, shape (n, 2): all that are finite, of all samples."""
    assert output.targets is not None
    both = np.stack([np.ravel(output.targets), np.ravel(output.values)], axis=1).astype(np.float64)
    return both[np.isfinite(both).all(axis=1)]


def in_words(points: NDArray[np.float64]) -> str:
    """The mean absolute error and the coefficient of determination of pairs."""
    targets, values = points.T
    spread = float(np.square(targets - targets.mean()).sum())
    rest = float(np.square(values - targets).sum())
    r2 = 1 - rest / spread if spread > 0 else float("nan")
    return f"mean error {np.abs(values - targets).mean():.4g} · R² {r2:.3f}"


def picture_shape(output: Output, read: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """C×H×W of the pictures that an output makes: it has as many numbers as one of the shapes that
    are `read`, and targets. Else ().
    """
    if output.kind != "numbers" or output.targets is None:
        return ()
    size = output.values.shape[1]
    found = [s for s in read if len(s) == 3 and s[0] in (1, 3) and np.prod(s) == size > 1]
    return found[0] if len(found) == 1 else ()


def pairs(output: Output, samples: NDArray[np.int64], shape: tuple[int, ...]) -> list[Shown]:
    """Targets and what the net makes of them as pictures of `shape`, an even choice of samples."""
    assert output.targets is not None
    chosen = np.linspace(0, len(samples) - 1, min(MOST, len(samples))).astype(np.int64)
    made = []
    for place in chosen.tolist():
        target, says = (
            np.nan_to_num(np.reshape(array[place], shape).astype(np.float64))
            for array in (output.targets, output.values)
        )
        error = f"error {np.abs(says - target).mean():.3g}"
        made.append(Shown(int(samples[place]), error, True, target, says=says))
    return made
