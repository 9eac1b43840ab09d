"""The dots that wires of a scene are led through. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from gui.canvas.index import Floats, Indices
from gui.canvas.view_model import WireView

Spot = tuple[int, int]  # row of a wire, number of the dot on it


class Led:
    """Places of the dots (k, 2), by row of their wire; a gesture may move them."""

    def __init__(self, wires: Sequence[WireView] = ()) -> None:
        self.of: dict[int, Floats] = {
            row: np.array(wire.dots, np.float64) for row, wire in enumerate(wires) if wire.dots
        }
        self.rows: Indices = np.array(sorted(self.of), np.intp)

    def __contains__(self, spot: Spot) -> bool:
        return spot[1] < len(self.of.get(spot[0], ()))

    def among(self, which: Indices) -> list[int]:
        """Rows of those of some wires that have dots."""
        if not len(self.rows):
            return []
        found: list[int] = np.intersect1d(which, self.rows).tolist()
        return found

    def all(self, which: Indices) -> Iterable[Spot]:
        """Every dot of some wires."""
        return ((row, k) for row in self.among(which) for k in range(len(self.of[row])))

    def shift(self, spots: Iterable[Spot], x: float, y: float) -> None:
        """Move some dots."""
        for row, number in spots:
            self.of[row][number] += x, y

    def changed(self, other: Led) -> Indices:
        """Rows of wires that have other dots there."""
        rows = np.union1d(self.rows, other.rows).tolist()
        none = np.empty((0, 2))
        pairs = ((row, self.of.get(row, none), other.of.get(row, none)) for row in rows)
        return np.array([r for r, one, two in pairs if not np.array_equal(one, two)], np.intp)

    def copy(self) -> dict[int, Floats]:
        """The places as they are now."""
        return {row: places.copy() for row, places in self.of.items()}
