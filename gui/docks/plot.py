"""The plot that all pages share: lines over steps, in the look of the window.

Painted by hand: labels, legend, crosshair and min/max levels are the look's own. It is no faster
than pyqtgraph (`benchmarks/plots.py`), which is to take over the drawing of lines and axes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import fonts
from gui.canvas.drawing import brush, colour, pen, text
from gui.canvas.geometry import Rect
from gui.docks.plot_lines import Floats, Line
from gui.docks.plot_paint import draw_polyline, paint_card, paint_empty
from gui.docks.plot_scale import Scale, linear_ticks, scale_around, tick_text, value_text
from gui.look import Look
from gui.theme import Theme, mix

LEFT, RIGHT, TOP, BOTTOM = 44.0, 12.0, 8.0, 24.0
MOST = 2000  # points of a line
RANGE_SECONDS = 0.2  # between two looks at how far the lines reach
GHOST = 0.22  # what is left of the lines beside the one that is pointed at
ZOOM = 1.25
CLOSEST = 4.0  # steps across
DASHES = (4.0, 3.0)
Mark = tuple[float, str]


class Plot(QWidget):
    """Lines over the steps of a run. The wheel zooms along x, a drag moves, Home shows all.

    Left and Right move the reading from the keyboard.
    """

    range_changed = Signal()

    def __init__(self, look: Look, name: str) -> None:
        super().__init__()
        self._look = look
        self.lines: Sequence[Line] = ()
        self.marks: Sequence[Mark] = ()  # x and a word: where something went wrong
        self.log = False
        self.length = 1.0  # steps of the whole axis
        self.per_unit, self.unit = 1.0, "iteration"  # steps of one unit of the x axis
        self.y_text: Callable[[float], str] = tick_text
        self.value_text: Callable[[float], str] = value_text
        self.isolated = ""
        self.empty = ""  # the sentence shown instead of a plot
        self.reading: float | None = None  # x of the crosshair
        self._view: tuple[float, float] | None = None  # None: all
        self._scale = Scale(0.0, 1.0)
        self._ranged = 0.0
        self._picture: QPixmap | None = None
        self._under: tuple[object, QPixmap] | None = None
        self._held: float | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 96)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        return QSize(340, 200)

    # What a page tells

    def show_lines(self, lines: Sequence[Line], length: float) -> None:
        """Show these lines, the last on top, over `length` steps."""
        length = max(length, CLOSEST)
        known = [(line.name, line.label) for line in self.lines]
        if length != self.length or known != [(line.name, line.label) for line in lines]:
            self._ranged = 0.0
        self.lines, self.length = lines, length
        self.grown()

    def grown(self) -> None:
        """The shapes of the lines have more points: paint them soon."""
        self._picture = None
        self.update()

    def isolate(self, name: str) -> None:
        """Fade all lines but those of one name; "" shows all."""
        if name != self.isolated:
            self.isolated = name
            self.grown()

    def set_log(self, log: bool) -> None:
        """A logarithmic y axis, where all values are positive."""
        self.log = log
        self._ranged = 0.0
        self.grown()

    def show_all(self) -> None:
        """The whole axis again."""
        self._look_at(None)

    # Where things are

    @property
    def scale(self) -> Scale:
        """The y axis as it is painted."""
        return self._scale

    @property
    def span(self) -> tuple[float, float]:
        """The steps in sight."""
        return self._view or (0.0, self.length)

    def area(self) -> Rect:
        """Where lines are painted."""
        return Rect(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)

    def place(self, x: Floats, y: Floats) -> Floats:
        """Pixels of points: (n, 2)."""
        area, (low, high) = self.area(), self.span
        across = area.x + (x - low) / (high - low) * area.width
        down = area.bottom - self._scale.share(y) * area.height
        return np.stack([across, np.clip(down, -1e4, 1e4)], axis=1)

    def step_at(self, x: float) -> float:
        """The step under a pixel."""
        area, (low, high) = self.area(), self.span
        return low + (x - area.x) / max(area.width, 1.0) * (high - low)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.devicePixelRatio() != ratio:
            self._picture = self.picture(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        if not self.empty:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_reading(painter)
        painter.end()

    def picture(self, ratio: float) -> QPixmap:
        """The plot as it is now, without crosshair, at so many pixels per px."""
        theme = self._look.theme
        if not self.empty:
            self._range()
        made = QPixmap(self._ground(ratio))
        if self.empty:
            return made
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.area()
        painter.setClipRect(QRectF(area.x, area.y - 4, area.width + 6, area.height + 8))
        for line in self.lines:
            self._paint_line(painter, line, theme)
        self._paint_marks(painter, theme)
        painter.end()
        return made

    def _ground(self, ratio: float) -> QPixmap:
        """What lies under the lines, made anew when the axes are others."""
        theme, axes = self._look.theme, (self.unit, self.per_unit, self.y_text)
        key = (self.size(), ratio, theme.name, self.empty, self._scale, self.span, axes)
        if self._under is None or self._under[0] != key:
            made = QPixmap(self.size() * ratio)
            made.setDevicePixelRatio(ratio)
            made.fill(colour(theme.panel))
            painter = QPainter(made)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self.empty:
                paint_empty(painter, QRectF(self.rect()), self.empty, theme)
            else:
                self._paint_axes(painter, theme)
            painter.end()
            self._under = key, made
        return self._under[1]

    def _range(self) -> None:
        """How far y reaches: of what is in sight, looked at a few times a second."""
        now = time.monotonic()
        if now - self._ranged < RANGE_SECONDS:
            return
        self._ranged = now
        bounds = [line.shape.bounds(*self.span) for line in self.lines]
        low = min((low for low, _ in bounds), default=np.inf)
        high = max((high for _, high in bounds), default=-np.inf)
        self._scale = scale_around(low, high, self.log)

    def _paint_axes(self, painter: QPainter, theme: Theme) -> None:
        area, (low, high) = self.area(), self.span
        hair = pen(theme.hair)
        ticks = self._scale.ticks()
        places = self.place(np.full(len(ticks), low), np.array(ticks, np.float64))
        for tick, (_, y) in zip(ticks, places.tolist(), strict=True):
            y = round(y) + 0.5
            painter.setPen(hair)
            painter.drawLine(QPointF(area.x, y), QPointF(area.right, y))
            words = self.y_text(tick)
            text(painter, area.x - 8, y, words, "caption mono", theme.text3, "right")
        foot = round(area.bottom) + 0.5
        painter.setPen(pen(theme.border))
        painter.drawLine(QPointF(area.x, foot), QPointF(area.right, foot))
        unit = fonts.measure(self.unit, "caption")
        middle = area.bottom + 14
        text(painter, area.right, middle, self.unit, "caption", theme.text3, "right")
        most = max(2, int(area.width / 72))
        for tick in linear_ticks(low / self.per_unit, high / self.per_unit, most):
            x = area.x + (tick * self.per_unit - low) / (high - low) * area.width
            words = tick_text(tick)
            if x + fonts.measure(words, "caption mono") / 2 + 8 < area.right - unit:
                text(painter, x, middle, words, "caption mono", theme.text3, "centre")

    def _paint_line(self, painter: QPainter, line: Line, theme: Theme) -> None:
        area = self.area()
        most = int(min(MOST, 2 * area.width * self.devicePixelRatioF()))
        x, y = line.shape.drawn(*self.span, most)
        points = self.place(x, y)
        whole = line.belongs(self.isolated)
        tint = line.colour if whole else mix(theme.panel, line.colour, GHOST)
        draw_polyline(painter, points, pen(tint, line.width, DASHES if line.dashed else ()))
        painter.setPen(pen(theme.panel, 1.0))
        painter.setBrush(brush(tint))
        if line.dots:
            for px, py in points[-200:].tolist() if len(points) <= 60 else ():
                painter.drawEllipse(QPointF(px, py), 2.5, 2.5)
        if line.end and len(points) and np.isfinite(points[-1]).all():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(QPointF(*points[-1]), 3.5, 3.5)

    def _paint_marks(self, painter: QPainter, theme: Theme) -> None:
        area, (low, high) = self.area(), self.span
        for step, words in self.marks:
            x = area.x + (step - low) / (high - low) * area.width
            painter.setPen(pen(theme.error, 1.0, DASHES))
            painter.drawLine(QPointF(x, area.y), QPointF(x, area.bottom))
            left = x + 6 + fonts.measure(words, "caption") < area.right
            side = x + 6 if left else x - 6 - fonts.measure(words, "caption")
            text(painter, side, area.y + 8, words, "caption", theme.error)

    def readings(self, x: float) -> list[tuple[Line, float]]:
        """The lines that have a value at step `x`, and the values."""
        shown = [line for line in self.lines if not line.quiet]
        shown = [line for line in shown if line.belongs(self.isolated)]
        values = [(line, line.shape.at(x)) for line in reversed(shown)]
        return [(line, value) for line, value in values if np.isfinite(value)]

    def _paint_reading(self, painter: QPainter) -> None:
        if self.reading is None:
            return
        theme, area, (low, high) = self._look.theme, self.area(), self.span
        step = min(max(self.reading, low), high)
        x = round(area.x + (step - low) / (high - low) * area.width) + 0.5
        painter.setPen(pen(theme.border))
        painter.drawLine(QPointF(x, area.y), QPointF(x, area.bottom))
        found = self.readings(step)
        for line, value in found:
            spot = self.place(np.array([step]), np.array([value]))[0]
            painter.setPen(pen(theme.panel, 1.5))
            painter.setBrush(brush(line.colour))
            painter.drawEllipse(QPointF(x, float(spot[1])), 3.5, 3.5)
        at = tick_text(round(step / self.per_unit, 0 if self.per_unit == 1 else 2))
        rows = [(f"{self.unit} {at}", "", "")]
        rows += [(line.label or line.name, self.value_text(v), line.colour) for line, v in found]
        paint_card(painter, rows, x, area, theme)

    # The pointer and the keyboard

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._held is not None:
            low, high = self.span
            by = (self._held - x) / max(self.area().width, 1.0) * (high - low)
            self._held = x
            self._look_at((low + by, high + by))
        self.read(self.step_at(x))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._held = event.position().x()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.show_all()

    def leaveEvent(self, event: QEvent) -> None:
        self.read(None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.grown()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom(ZOOM ** (event.angleDelta().y() / 120), self.step_at(event.position().x()))
        event.accept()

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
                super().keyPressEvent(event)

    def read(self, step: float | None) -> None:
        """Put the crosshair at a step; None takes it away."""
        inside = step is not None and 0.0 <= step <= self.length and not self.empty
        self.reading = step if inside else None
        self.update()

    def zoom(self, by: float, around: float) -> None:
        """Show `by` times closer around a step."""
        low, high = self.span
        self._look_at((around - (around - low) / by, around + (high - around) / by))

    def _look_at(self, view: tuple[float, float] | None) -> None:
        if view is not None:
            width = min(max(view[1] - view[0], CLOSEST), self.length)
            low = min(max(view[0], 0.0), self.length - width)
            view = (low, low + width) if width < self.length else None
        self._view = view
        self._ranged = 0.0
        self.grown()
        self.range_changed.emit()
