"""How a gesture puts back what it moved. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from gui.canvas.index import Floats, Indices


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where nodes stood, the lanes of the wires at them, and where dots were."""

    which: Indices
    places: Floats
    wires: Indices
    lanes: Floats
    dots: dict[int, Floats]
