"""Small painted plots: a curve over time, and a histogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from gui import fonts
from gui.inspector.label import MARGIN
from gui.look import Look
from gui.theme import mix

Floats = NDArray[np.float64]

TITLE = 22
CURVE = 40


class Plot(QWidget):
    """A title, a figure at its right, and a picture below; says so while there is nothing."""

    def __init__(self, look: Look, title: str) -> None:
        super().__init__()
        self.look, self._title, self._figure = look, title, ""
        self.setAccessibleName(title)
        self.setFixedHeight(TITLE + CURVE + 8)

    def write(self, title: str, figure: str) -> None:
        """Title and figure above the picture."""
        self._title, self._figure = title, figure
        self.setAccessibleName(title)
        self.setAccessibleDescription(figure)
        self.update()

    @property
    def figure(self) -> str:
        """What stands above the picture, at its right."""
        return self._figure

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self.look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = QRectF(MARGIN, 0, self.width() - 2 * MARGIN, TITLE)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(fonts.font("section"))
        painter.setPen(QColor(theme.text3))
        painter.drawText(line, middle, self._title)
        painter.setFont(fonts.font("small mono"))
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, self._figure)
        self.paint(painter, QRectF(MARGIN, TITLE, line.width(), CURVE))
        painter.end()

    def paint(self, painter: QPainter, place: QRectF) -> None:
        """Draw the picture."""
        raise NotImplementedError


class Curve(Plot):
    """Values over time, over their own range, in a colour; the area below is tinted."""

    def __init__(self, look: Look, title: str) -> None:
        super().__init__(look, title)
        self._values: Floats = np.empty(0)
        self._colour = ""

    def display(self, values: Floats, colour: str) -> None:
        """Show values, oldest first; those that are not finite are left out."""
        self._values, self._colour = thinned(values[np.isfinite(values)]), colour
        self.update()

    def paint(self, painter: QPainter, place: QRectF) -> None:
        values = self._values
        if len(values) < 2:
            return
        low, high = float(values.min()), float(values.max())
        span = high - low or 1.0
        xs = np.linspace(place.left(), place.right(), len(values))
        ys = place.bottom() - 2 - (values - low) / span * (place.height() - 6)
        points = [QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
        below = [*points, place.bottomRight(), place.bottomLeft()]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(mix(self.look.theme.panel, self._colour, 0.14)))
        painter.drawPolygon(QPolygonF(below))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self._colour), 1.4))
        painter.drawPolyline(QPolygonF(points))


class Histogram(Plot):
    """Counts of equal bins, up to the largest."""

    BARS = 48

    def __init__(self, look: Look, title: str) -> None:
        super().__init__(look, title)
        self._counts: Floats = np.empty(0)

    def display(self, counts: Floats) -> None:
        """Show counts, of the lowest bin first."""
        self._counts = merged(counts, self.BARS)
        self.update()

    def paint(self, painter: QPainter, place: QRectF) -> None:
        counts = self._counts
        if not len(counts) or not counts.max() > 0:
            return
        theme = self.look.theme
        step = place.width() / len(counts)
        shade = QColor(mix(theme.panel, theme.text3, 0.85))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for index, count in enumerate((counts / counts.max()).tolist()):
            height = max(1.0, count * (place.height() - 4))
            left = place.left() + index * step
            bar = QRectF(left, place.bottom() - height, step - 1, height)
            painter.fillRect(bar, shade)


def thinned(values: Floats, limit: int = 256) -> Floats:
    """At most `limit` values with the same extremes: of each piece its smallest and largest."""
    if len(values) <= limit:
        return values
    pieces = np.array_split(values, limit // 2)
    pairs = [(piece.min(), piece.max()) for piece in pieces]
    return np.asarray(pairs, np.float64).reshape(-1)


def merged(counts: Floats, bars: int) -> Floats:
    """The same counts in fewer bins; a bin that is cut in two gives each its share."""
    if len(counts) <= bars:
        return counts
    total = np.concatenate([[0.0], np.cumsum(counts)])
    edges = np.linspace(0, len(counts), bars + 1)
    return np.diff(np.interp(edges, np.arange(len(counts) + 1), total))
