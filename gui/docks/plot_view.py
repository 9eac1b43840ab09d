"""What every plot stands on: a view box of pyqtgraph between two axes, in the look."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsScene, QSizePolicy

from gui import fonts
from gui.canvas.drawing import pen, text
from gui.canvas.geometry import Rect
from gui.docks.plot_lines import Floats
from gui.docks.plot_scale import MANY, linear_ticks, log_ticks, tick_text
from gui.look import Look
from gui.theme import Theme

LEFT, RIGHT, TOP, BOTTOM = 44.0, 12.0, 8.0, 24.0
DASHES, DOT = (4.0, 3.0), 5.0  # px
APART = 60  # px between two labels of the lower axis, at least
ANYWHERE = QRectF(-1e9, -1e9, 2e9, 2e9)
WHEEL = -math.log(1.25) / (120 * math.log(1.02))  # 1.25 times closer a notch


class Axis(pg.AxisItem):  # type: ignore[misc]
    """A few round values; those of a left axis have hairlines across the plot.

    The `unit` stands behind the values of a lower axis, and above the plot beside a left one.
    """

    def __init__(self, side: str, box: pg.ViewBox) -> None:
        self.words: Callable[[float], str] = tick_text
        self.unit, self._unit_colour = "", ""
        self._bounds: QRectF | None = None
        super().__init__(side, linkView=box, maxTickLength=0)
        self.enableAutoSIPrefix(False)
        self.setStyle(
            tickFont=fonts.font("caption mono"),
            tickTextOffset=8,
            tickAlpha=255,
            autoExpandTextSpace=False,
        )
        self.setZValue(-1000)  # hairlines lie under the lines
        self.setCacheMode(self.CacheMode.DeviceCoordinateCache)
        if side == "left":
            self.setWidth(LEFT)
            self.setGrid(255)
        else:
            self.setHeight(BOTTOM)
        self.geometryChanged.connect(self._resized)
        box.sigResized.connect(self._resized)  # hairlines go across it

    def tell(self, unit: str, words: Callable[[float], str], scale: float = 1.0) -> None:
        """Label other things: `scale` times the values of the plot."""
        if (unit, words, scale) != (self.unit, self.words, self.scale):
            self.unit, self.words, self.picture = unit, words, None
            self.setScale(scale)
            self.update()

    def recolour(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._unit_colour = theme.text3
        self.setTextPen(theme.text3)
        self.setTickPen(pen(theme.hair))
        self.setPen(None if self.orientation == "left" else pen(theme.border))

    def boundingRect(self) -> QRectF:
        if self._bounds is None:  # the scene asks seven times a frame
            self._bounds = QRectF(super().boundingRect()).adjusted(-15, -20, 15, 8)  # and words
        return self._bounds

    def _resized(self, *_: object) -> None:
        self.prepareGeometryChange()
        self._bounds = None

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        if self.logMode:
            return [(1.0, [math.log10(tick) for tick in log_ticks(10**low, 10**high)])]
        most = MANY if self.orientation == "left" else max(2, int(size / APART))
        ticks = linear_ticks(low * self.scale, high * self.scale, most)
        return [(1.0, [tick / self.scale for tick in ticks])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [self.words(10**value if self.logMode else value * scale) for value in values]

    def drawPicture(self, p: QPainter, line: Any, ticks: Any, texts: list[Any]) -> None:
        if self.orientation == "left":
            super().drawPicture(p, line, ticks, texts)
            text(p, LEFT, -12, self.unit, "caption", self._unit_colour)
            return
        right = self.size().width()
        room = right - fonts.measure(self.unit, "caption") - 12 if self.unit else right + 15
        super().drawPicture(p, line, ticks, [one for one in texts if one[0].right() < room])
        text(p, right, 14, self.unit, "caption", self._unit_colour, "right")


class Box(pg.ViewBox):  # type: ignore[misc]
    """The room of the lines. A dot at its edge is seen whole."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.0)
        self.disableAutoRange()
        self.state["wheelScaleFactor"] = WHEEL

    def shape(self) -> QPainterPath:
        path = QPainterPath()
        path.addRect(self.rect().adjusted(0, -4, 6, 4))
        return path


class _Segments(pg.PlotCurveItem):  # type: ignore[misc]
    def boundingRect(self) -> QRectF:
        return ANYWHERE  # the view repaints all of itself: to look for bounds only costs time


class Curve:
    """One line of a plot, with dots where it has few points.

    pyqtgraph's item for both takes three times as long, and a net in training draws ten a second.
    """

    def __init__(self, box: Box) -> None:
        self._box = box
        self._line, self._dots = _Segments(antialias=True), pg.ScatterPlotItem(size=DOT)
        self._styled: tuple[object, ...] = ()
        for item in (self._line, self._dots):
            box.addItem(item, ignoreBounds=True)

    def remove(self) -> None:
        """Take it out of the plot."""
        for item in (self._line, self._dots):
            self._box.removeItem(item)

    def style(self, line: Any, dashed: bool) -> None:
        """Draw with this pen."""
        if self._styled != (line, dashed):
            self._styled = line, dashed
            self._line.setPen(line)
            self._line.setSegmentedLineMode("off" if dashed else "on")  # faster where wide

    def show(self, x: Floats, y: Floats) -> None:
        """Go through these points; it breaks at those that are not finite."""
        if not (np.array_equal(self._line.xData, x) and np.array_equal(self._line.yData, y)):
            self._line.setData(x, y, connect="all" if np.isfinite(y).all() else "finite")

    def mark(self, colours: tuple[str, str] | None) -> None:
        """Dots in a colour with a border in another at each point; None takes them away."""
        self._dots.setVisible(colours is not None)
        if colours is not None:
            x, y = self._line.getData()
            known = np.isfinite(y)
            self._dots.setData(x[known], y[known], brush=colours[0], pen=colours[1])


class PlotView(pg.GraphicsView):  # type: ignore[misc]
    """A view box with a left and a lower axis. Subclasses add items to `box`, then `recolour`."""

    def __init__(self, look: Look, name: str) -> None:
        super().__init__()
        self._look = look
        self.box = Box()
        self.left, self.lower = Axis("left", self.box), Axis("bottom", self.box)
        self.centralLayout.setContentsMargins(0, TOP, RIGHT, 0)
        self.centralLayout.setSpacing(0)
        self.centralLayout.addItem(self.left, 0, 0)
        self.centralLayout.addItem(self.box, 0, 1)
        self.centralLayout.addItem(self.lower, 1, 1)
        self.scene().setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.setViewportUpdateMode(self.ViewportUpdateMode.FullViewportUpdate)  # all moves at once
        self.setAntialiasing(True)
        self.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the view has it
        self.setOptimizationFlag(self.OptimizationFlag.DontAdjustForAntialiasing)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(96, 96)
        self.setAccessibleName(name)
        look.changed.connect(self.recolour)

    def sizeHint(self) -> QSize:
        return QSize(340, 200)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:  # pens are in device pixels
            self.recolour()
        return bool(super().event(event))

    def area(self) -> Rect:
        """Where lines are painted."""
        place = self.box.sceneBoundingRect()
        return Rect(place.x(), place.y(), self.box.width(), self.box.height())

    def recolour(self) -> None:
        """Take the colours of the theme."""
        self.setBackground(self._look.theme.panel)
        for axis in (self.left, self.lower):
            axis.recolour(self._look.theme)


@lru_cache(maxsize=256)
def line_pen(tint: str, width: float, dashed: bool, ratio: float) -> Any:
    """A pen of `width` px at every zoom, of `ratio` pixels per px. Do not change it."""
    made = pg.mkPen(tint, width=width * ratio)
    made.setCapStyle(Qt.PenCapStyle.FlatCap)
    if dashed:
        made.setDashPattern([length / width for length in DASHES])
    return made
