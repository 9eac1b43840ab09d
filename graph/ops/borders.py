"""Borders around images and signals: zeros, their mirror, their edge or their other end."""

from __future__ import annotations

from collections.abc import Sequence

from graph.primitives import concat, pad, slice_axis
from graph.program import ShapeError
from graph.tensor import Tensor

Places = tuple[Sequence[int], Sequence[int]]
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")  # PyTorch's names


def bordered(x: Tensor, axis: int, before: int, after: int, mode: str) -> Tensor:
    """x between a border before and one after the places of an axis, made as `mode` says.

    Raises ShapeError when there are too few places to mirror or to go round.
    """
    if mode == "zeros":
        low, high = [0] * x.rank, [0] * x.rank
        low[axis], high[axis] = before, after
        return pad(x, low, high)
    extent = x.shape[axis]
    most = {"reflect": extent - 1, "circular": extent}.get(mode, max(before, after))
    if max(before, after) > most:
        found = f"a border of {max(before, after)} on a side of {extent}"
        remedy = "make the padding smaller, or replicate the edge"
        raise ShapeError(found, f"at most {most} for {mode}", remedy)
    first, last = _BORDERS[mode](extent, before, after)
    parts = [place(x, axis, k) for k in first]
    return concat([*parts, x, *(place(x, axis, k) for k in last)], axis)


def place(x: Tensor, axis: int, k: int) -> Tensor:
    """One place of an axis, which stays with an extent of 1."""
    return slice_axis(x, axis, k, k + 1)


def _reflected(extent: int, before: int, after: int) -> Places:
    return range(before, 0, -1), range(extent - 2, extent - 2 - after, -1)


def _replicated(extent: int, before: int, after: int) -> Places:
    return (0,) * before, (extent - 1,) * after


def _wrapped(extent: int, before: int, after: int) -> Places:
    return range(extent - before, extent), range(after)


# the places of an axis that make the borders before and after it
_BORDERS = {"reflect": _reflected, "replicate": _replicated, "circular": _wrapped}
