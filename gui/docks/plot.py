"""The plot that all pages share: lines over steps, drawn by pyqtgraph in the look of the window."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QGraphicsEllipseItem

from gui import fonts
from gui.canvas.drawing import NO_PEN, brush, pen
from gui.docks.plot_lines import Floats, Line
from gui.docks.plot_paint import paint_card, paint_empty
from gui.docks.plot_scale import SMALLEST, axis_range, tick_text, value_text
from gui.docks.plot_view import Curve, PlotView, line_pen
from gui.look import Look
from gui.theme import mix

MOST = 2000  # points of a line
GHOST = 0.22  # what is left of the lines beside the one that is pointed at
ZOOM = 1.25
CLOSEST = 4.0  # steps across
SLACK = 0.75  # the y axis keeps its range while the lines fill so much of it
FEW, END = 24, 7.0  # points that have dots; px across the last one
Mark = tuple[float, str]


class Plot(PlotView):
    """Lines over the steps of a run. The wheel zooms along x, a drag moves, Home shows all.

    Left and Right move the reading from the keyboard.
    """

    def __init__(self, look: Look, name: str) -> None:
        super().__init__(look, name)
        self.lines: Sequence[Line] = ()
        self.marks: Sequence[Mark] = ()  # x and a word: where something went wrong
        self.log = False  # a logarithmic y axis, where all values are positive
        self.length = 1.0  # steps of the whole axis
        self.value_text: Callable[[float], str] = value_text
        self.isolated = ""
        self.empty = ""  # the sentence shown instead of a plot
        self.reading: float | None = None  # x of the crosshair
        self._under: QPixmap | None = None  # what lies under the crosshair, while there is one
        self._curves: list[Curve] = []
        self._end = QGraphicsEllipseItem(-END / 2, -END / 2, END, END)
        self._end.setFlag(QGraphicsEllipseItem.GraphicsItemFlag.ItemIgnoresTransformations)
        self._end.setPen(NO_PEN)
        self._end.setZValue(1)
        self.box.addItem(self._end, ignoreBounds=True)
        self._flags: list[Any] = []
        self._flagged: tuple[object, ...] = ()
        self.box.setMouseEnabled(y=False)
        self.box.setXRange(0.0, self.length)
        self.box.sigXRangeChanged.connect(self.grown)
        self.box.sigResized.connect(self.grown)
        self.recolour()

    # What a page tells

    def show_lines(self, lines: Sequence[Line], length: float) -> None:
        """Show these lines, the last on top, over `length` steps."""
        low, high = self.span
        whole, self.lines = high - low > 0.999 * self.length, lines
        if (length := max(length, CLOSEST)) != self.length:
            self.length = length
            self.box.setLimits(xMin=0.0, xMax=length, minXRange=CLOSEST)
            if whole:
                self.show_all()
        self.grown()

    def grown(self, *_: object) -> None:
        """The shapes of the lines have more points, or others are in sight."""
        self._under = None
        self.viewport().update()
        self.centralWidget.setVisible(not self.empty)
        if self.empty:
            self.reading = None
        else:
            self._draw(self.devicePixelRatioF())

    def isolate(self, name: str) -> None:
        """Fade all lines but those of one name; "" shows all."""
        if name != self.isolated:
            self.isolated = name
            self.grown()

    def show_all(self) -> None:
        """The whole axis again."""
        self.box.setXRange(0.0, self.length)

    # Where things are

    @property
    def span(self) -> tuple[float, float]:
        """The steps in sight."""
        low, high = self.box.viewRange()[0]
        return low, high

    def step_at(self, x: float) -> float:
        """The step under a pixel."""
        return float(self.box.mapSceneToView(QPointF(x, 0.0)).x())

    def zoom(self, by: float, around: float) -> None:
        """Show `by` times closer around a step."""
        self.box.scaleBy(x=1 / by, center=(around, 0.0))

    def picture(self, ratio: float) -> QPixmap:
        """The plot as it is now, without crosshair, at so many pixels per px."""
        self._draw(ratio)
        made = QPixmap(self.size() * ratio)
        made.setDevicePixelRatio(ratio)
        painter = QPainter(made)
        self.render(painter, QRectF(self.rect()), self.rect())
        painter.end()
        self._draw(self.devicePixelRatioF())
        return made

    def _draw(self, ratio: float) -> None:
        """Give pyqtgraph what is in sight, for so many pixels per px."""
        most = int(min(MOST, 2 * self.box.width() * ratio))
        drawn = [line.shape.drawn(*self.span, most) for line in self.lines]
        self._fit([y for _, y in drawn])
        while len(self._curves) < len(drawn):
            self._curves.append(Curve(self.box))
        while len(self._curves) > len(drawn):
            self._curves.pop().remove()
        self._end.hide()
        for curve, line, points in zip(self._curves, self.lines, drawn, strict=True):
            self._draw_line(curve, line, *points, ratio)
        self._flag(line_pen(self._look.theme.error, 1.0, True, ratio))

    def _draw_line(self, curve: Curve, line: Line, x: Floats, y: Floats, ratio: float) -> None:
        ground, loud = self._look.theme.panel, line.belongs(self.isolated)
        tint = line.colour if loud else mix(ground, line.colour, GHOST)
        curve.style(line_pen(tint, line.width, line.dashed, ratio), line.dashed)
        curve.show(x, np.log10(np.maximum(y, SMALLEST)) if self.left.logMode else y)
        curve.mark((tint, ground) if line.dots and len(x) <= FEW else None)
        if line.end and np.isfinite(y[-1:]).any():
            self._end.setBrush(brush(tint))
            self._end.setPos(x[-1], self._placed(y[-1]))
            self._end.show()

    def _fit(self, drawn: Sequence[Floats]) -> None:
        """Let the y axis hold what is drawn. It moves in steps: its labels cost more than lines."""
        every = np.concatenate([*drawn, np.empty(0)])
        every = every[np.isfinite(every)] if np.isfinite(every).any() else np.array([0.1, 1.0])
        if (log := bool(self.log and every.min() > 0)) != self.left.logMode:
            self.left.setLogMode(log)
        low, high = self._placed(every.min()), self._placed(every.max())
        bottom, top = self.box.viewRange()[1]
        if not bottom <= low <= high <= top or high - low < SLACK * (top - bottom):
            self.box.setYRange(*axis_range(low, high))

    def _placed(self, y: float) -> float:
        """Where the view box has a value: at its logarithm where the axis is logarithmic."""
        return math.log10(max(y, SMALLEST)) if self.left.logMode else float(y)

    def _flag(self, dashes: Any) -> None:
        """Show the marks."""
        if (flagged := (dashes, *self.marks)) == self._flagged:
            return
        for flag in self._flags:
            self.box.removeItem(flag)
        self._flagged, self._flags = flagged, []
        for step, words in self.marks:
            label = {"position": 0.95, "color": dashes.color()}
            flag = pg.InfiniteLine(step, pen=dashes, label=words, labelOpts=label)
            flag.label.setFont(fonts.font("caption"))
            self.box.addItem(flag, ignoreBounds=True)
            self._flags.append(flag)

    def recolour(self) -> None:
        super().recolour()
        self.grown()

    # The reading

    def readings(self, x: float) -> list[tuple[Line, float]]:
        """The lines that have a value at step `x`, and the values."""
        shown = [line for line in self.lines if not line.quiet]
        shown = [line for line in shown if line.belongs(self.isolated)]
        values = [(line, line.shape.at(x)) for line in reversed(shown)]
        return [(line, value) for line, value in values if np.isfinite(value)]

    def read(self, step: float | None) -> None:
        """Put the crosshair at a step; None takes it away."""
        inside = step is not None and 0.0 <= step <= self.length and not self.empty
        self.reading = step if inside else None
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.reading is None:
            super().paintEvent(event)
            return
        ratio = self.devicePixelRatioF()
        if self._under is None or self._under.devicePixelRatio() != ratio:
            self._under = self.picture(ratio)
        painter = QPainter(self.viewport())
        painter.drawPixmap(0, 0, self._under)
        self._paint_reading(painter, min(max(self.reading, self.span[0]), self.span[1]))
        painter.end()

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        if self.empty:
            paint_empty(painter, QRectF(self.rect()), self.empty, self._look.theme)

    def _paint_reading(self, painter: QPainter, step: float) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, area, lower = self._look.theme, self.area(), self.lower
        x = round(self.box.mapViewToScene(QPointF(step, 0.0)).x()) + 0.5
        painter.setPen(pen(theme.border))
        painter.drawLine(QPointF(x, area.y), QPointF(x, area.bottom))
        found = self.readings(step)
        painter.setPen(pen(theme.panel, 1.5))
        for line, value in found:
            painter.setBrush(brush(line.colour))
            y = self.box.mapViewToScene(QPointF(step, self._placed(value))).y()
            painter.drawEllipse(QPointF(x, y), 3.5, 3.5)
        at = tick_text(round(step * lower.scale, 0 if lower.scale == 1 else 2))
        rows = [(f"{lower.unit} {at}", "", "")]
        rows += [(line.label or line.name, self.value_text(v), line.colour) for line, v in found]
        paint_card(painter, rows, x, area, theme)

    # The pointer and the keyboard

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons():  # without a drag there is nothing in the scene to be told
            super().mouseMoveEvent(event)
        self.read(self.step_at(event.position().x()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.show_all()

    def leaveEvent(self, event: QEvent) -> None:
        self.read(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        low, high = self.span
        middle = self.reading if self.reading is not None else (low + high) / 2
        by = max(1.0, (high - low) / 100)
        match event.key():
            case Qt.Key.Key_Left:
                self.read(max(middle - by, low))
            case Qt.Key.Key_Right:
                self.read(min(middle + by, high))
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.zoom(ZOOM, middle)
            case Qt.Key.Key_Minus:
                self.zoom(1 / ZOOM, middle)
            case Qt.Key.Key_Home:
                self.show_all()
            case Qt.Key.Key_Escape if self.reading is not None:
                self.read(None)
            case _:
                event.ignore()
