"""Points of the plane: predicted against target, or samples over what the net says around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from gui.docks.plot_scale import tick_text
from gui.docks.plot_view import DOT, RIGHT, PlotView, line_pen
from gui.look import Look
from gui.theme import Theme, channels

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Picture:
    """What is drawn: `points` N×2 with the class of each (−1: none), over `low` to `high`.

    `field` (rows×columns×classes, first row lowest) holds shares by class; `line` draws y = x.
    """

    points: Floats
    groups: NDArray[np.int64]
    low: tuple[float, float]
    high: tuple[float, float]
    field: Floats | None = None
    line: bool = False
    x: str = ""
    y: str = ""


class Plane(PlotView):
    """Shows one Picture."""

    def __init__(self, look: Look) -> None:
        super().__init__(look, "")
        self.picture: Picture | None = None
        self._image = pg.ImageItem(axisOrder="row-major")
        self._line = pg.InfiniteLine(angle=45)
        self._points = pg.ScatterPlotItem(size=DOT, antialias=True)
        for item in (self._image, self._line, self._points):
            self.box.addItem(item, ignoreBounds=True)
        self.box.setMouseEnabled(False, False)
        self.centralLayout.setContentsMargins(0, 24, RIGHT, 0)
        self.centralWidget.hide()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.recolour()

    def put(self, picture: Picture, words: str) -> None:
        """Show a picture; `words` say it to those who do not see it."""
        self.picture = picture
        self.setAccessibleName(words)
        (left, bottom), (right, top) = picture.low, picture.high
        self.box.setRange(xRange=(left, right), yRange=(bottom, top))
        self.lower.tell(picture.x, tick_text)
        self.left.tell(picture.y, tick_text)
        self.centralWidget.show()
        self._line.setVisible(picture.line)
        self._image.setVisible(picture.field is not None)
        self.recolour()

    def recolour(self) -> None:
        super().recolour()
        theme, picture = self._look.theme, self.picture
        if picture is None:
            return
        ratio = self.devicePixelRatioF()
        if picture.field is not None:
            self._image.setImage(_colours(picture.field, theme), levels=(0, 255))
            (left, bottom), (right, top) = picture.low, picture.high
            self._image.setRect(QRectF(left, bottom, right - left, top - bottom))
        self._line.setPen(line_pen(theme.text3, 1.0, True, ratio))
        brushes = [pg.mkBrush(tint) for tint in (*theme.runs, theme.accent)]
        places = np.where(picture.groups < 0, len(theme.runs), picture.groups % len(theme.runs))
        tints = [brushes[place] for place in places.tolist()]
        self._points.setData(
            *picture.points.T, brush=tints, pen=line_pen(theme.panel, 1.0, False, ratio)
        )


def _colours(field: Floats, theme: Theme) -> NDArray[np.uint8]:
    """Shares by class as colours over the panel: the surer the net, the stronger."""
    ground = np.array(channels(theme.panel), np.float64)
    colours = np.array([channels(theme.runs[k % len(theme.runs)]) for k in range(field.shape[2])])
    chance = 1 / field.shape[2]
    best = field.argmax(axis=2)
    sure = np.clip((field.max(axis=2) - chance) / (1 - chance), 0, 1)[..., None] * 0.55
    mixed: NDArray[np.uint8] = np.rint(ground * (1 - sure) + colours[best] * sure).astype(np.uint8)
    return mixed


def around(points: Floats) -> tuple[tuple[float, float], tuple[float, float]]:
    """(low, high) corners with some air around N×2 points."""
    low, high = points.min(axis=0), points.max(axis=0)
    air = np.maximum((high - low) * 0.06, 1e-6)
    low, high = low - air, high + air
    return (float(low[0]), float(low[1])), (float(high[0]), float(high[1]))
