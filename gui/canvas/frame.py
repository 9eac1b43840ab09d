"""One repaint: what every layer needs to know, decided once at its start."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import cast

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRect
from PySide6.QtGui import QPainter

from gui.canvas.camera import Camera
from gui.canvas.drawing import Detail
from gui.canvas.geometry import Rect
from gui.theme import Theme


@dataclass(frozen=True, slots=True)
class Frame:
    """Layers paint in device pixels: a canvas point times `scale`, less `origin`.

    What is not cached yet may be made until `deadline` (of time.perf_counter); the rest is drawn
    coarsely and made in idle time.
    """

    camera: Camera
    theme: Theme
    level: Detail
    scale: float
    origin: tuple[int, int]
    size: tuple[int, int]  # device pixels
    area: Rect
    deadline: float

    @property
    def zoom(self) -> float:
        """1 is 100 %."""
        return self.camera.zoom

    @property
    def in_time(self) -> bool:
        """Whether something more may be made for this frame."""
        return time.perf_counter() < self.deadline

    def device(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows of canvas coordinates (x, y or x, y, x, y) in device pixels."""
        moved: NDArray[np.float64] = xy * self.scale - np.tile(self.origin, xy.shape[1] // 2)
        return moved


# Qt reads arrays in place: a list of 20,000 lines would cost as much to build as to draw.


def draw_rects(painter: QPainter, rects: NDArray[np.int32]) -> None:
    """Filled rectangles: rows of left, top, right, bottom; the last two pixels are painted."""
    if len(rects):
        rects = np.ascontiguousarray(rects, np.int32)
        first = cast(QRect, shiboken6.wrapInstance(rects.ctypes.data, QRect))
        painter.drawRects(first, len(rects))


def draw_segments(painter: QPainter, lines: NDArray[np.float64]) -> None:
    """Lines: rows of x, y, x, y."""
    if len(lines):
        lines = np.ascontiguousarray(lines, np.float64)
        first = cast(QLineF, shiboken6.wrapInstance(lines.ctypes.data, QLineF))
        painter.drawLines(first, len(lines))
