"""Heat strips: a row for each layer, its norm over time in the colours of the gradient map."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import fonts
from gui.canvas.drawing import colour, draw_image, pen, rounded, stroke, text
from gui.canvas.geometry import Rect
from gui.colour_maps import map_pixels, map_table, pixel
from gui.docks.gradients_norms import LOUDEST, Layer, entries, value_at
from gui.docks.plot_scale import tick_text, value_text
from gui.look import Look
from gui.theme import Mood, Theme
from gui.theme import theme as theme_of

PITCH, PITCH_MIN = 34, 20
NAME_MAX, NAME_GAP, VALUE, VALUE_GAP = 104.0, 12.0, 46.0, 8.0
SCALE_HEIGHT = 34


@cache
def _colours(mood: Mood) -> NDArray[np.uint32]:
    """256 pixels of a theme: nothing, the gradient map, and beyond its end."""
    theme, ramp = theme_of(mood), map_pixels(mood, "gradient", LOUDEST)
    return np.array([pixel(theme.field), *ramp, pixel(theme.error)], np.uint32)


class Strips(QWidget):
    """Rows of layers. `pointed`: another row is under the pointer or the keyboard's mark.

    Up and Down move the mark, Enter chooses; so does a click. `moved`: another `step` is pointed
    at, or other names take another room.
    """

    pointed = Signal(int)
    moved = Signal()
    chosen = Signal(int)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.layers: Sequence[Layer] = ()
        self.limits = (1e-4, 1e1)
        self.end = 1.0
        self.row = -1
        self.step: float | None = None  # under the pointer
        self._picture = QPixmap()
        self._pictured: tuple[object, ...] = ()  # what the picture shows
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Norms of each layer over time")

    def show_layers(self, layers: Sequence[Layer], end: float, limits: tuple[float, float]) -> None:
        """Show these layers over steps 0 to `end` in colours for a range of norms."""
        if len(layers) != len(self.layers):
            self.setMinimumHeight(PITCH_MIN * len(layers))
            self.row = min(self.row, len(layers) - 1)
        if [one.name for one in layers] != [one.name for one in self.layers]:
            self.moved.emit()
        self.layers, self.end, self.limits = layers, max(end, 1.0), limits
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, PITCH * len(self.layers))

    @property
    def pitch(self) -> float:
        """Height of a row with the gap below it."""
        return min(float(PITCH), self.height() / max(len(self.layers), 1))

    def name_width(self) -> float:
        """Width of the column of names."""
        widest = max((fonts.measure(one.name, "small") for one in self.layers), default=0.0)
        return min(max(widest, 32.0), NAME_MAX)

    def strip(self, row: int) -> Rect:
        """Where the strip of a row is."""
        left = self.name_width() + NAME_GAP
        height = min(26.0, self.pitch - 4.0)
        top = row * self.pitch + (self.pitch - height) / 2
        return Rect(left, round(top), self.width() - left - VALUE - VALUE_GAP, round(height))

    def point_at(self, row: int) -> None:
        """Mark a row; -1 marks none."""
        if row != self.row:
            self.row = row
            known = 0 <= row < len(self.layers)
            self.setAccessibleDescription(
                f"{self.layers[row].name}: {value_text(self.layers[row].now)}" if known else ""
            )
            self.pointed.emit(row)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        norms = [(one.name, one.now, one.steps.size) for one in self.layers]
        where = self.size(), self.devicePixelRatioF(), self._look.theme
        pointed = self.row, self.step, self.hasFocus()
        shown = (norms, self.end, self.limits, where, pointed)
        if shown != self._pictured:  # norms come less often than the docks are painted
            self._picture, self._pictured = self._made(), shown
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        painter.end()

    def _made(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        made = QPixmap(self.size() * ratio)
        made.setDevicePixelRatio(ratio)
        made.fill(colour(self._look.theme.panel))
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row in range(len(self.layers)):
            self._paint_row(painter, row)
        if self.step is not None and self.layers:
            first, last = self.strip(0), self.strip(len(self.layers) - 1)
            x = round(first.x + self.step / self.end * first.width) + 0.5
            painter.setPen(pen(self._look.theme.panel, 1.0))
            painter.drawLine(QPointF(x, first.y), QPointF(x, last.bottom))
        painter.end()
        return made

    def _paint_row(self, painter: QPainter, row: int) -> None:
        theme, layer, strip = self._look.theme, self.layers[row], self.strip(row)
        loud = row == self.row
        if loud and self.hasFocus():
            around = Rect(0.0, row * self.pitch, float(self.width()), self.pitch).grown(-1.0)
            stroke(painter, rounded(around, 5.0), pen(theme.accent, 2.0))
        words = fonts.metrics("small").elidedText(
            layer.name, Qt.TextElideMode.ElideLeft, self.name_width()
        )  # paths differ at their ends
        text(painter, 4, strip.middle, words, "small", theme.text if loud else theme.text2)
        width = max(1, round(strip.width * self.devicePixelRatioF()))
        line = _colours(theme.name)[entries(layer, width, self.end, self.limits)]
        image = QImage(line.data, width, 1, 4 * width, QImage.Format.Format_RGB32)
        place = QRectF(strip.x, strip.y, strip.width, strip.height)
        draw_image(painter, place, image)
        value = layer.now if self.step is None else value_at(layer, self.step)
        tint = theme.error if not value <= self.limits[1] and layer.steps.size else theme.text
        x = strip.right + VALUE_GAP
        text(painter, x, strip.middle, value_text(value), "caption mono", tint)

    # The pointer and the keyboard

    def _row_at(self, y: float) -> int:
        row = int(y / self.pitch) if self.layers else -1
        return row if row < len(self.layers) else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if not self.layers:
            return
        strip = self.strip(0)
        inside = strip.x <= at.x() <= strip.right and self._row_at(at.y()) >= 0
        self.step = (at.x() - strip.x) / strip.width * self.end if inside else None
        if self._row_at(at.y()) >= 0:
            self.point_at(self._row_at(at.y()))
        self.moved.emit()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.step = None
        self.moved.emit()
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position().y())
        if event.button() == Qt.MouseButton.LeftButton and row >= 0:
            self.point_at(row)
            self.chosen.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Up:
                self.point_at(max(self.row - 1, 0))
            case Qt.Key.Key_Down:
                self.point_at(min(self.row + 1, len(self.layers) - 1))
            case Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Space if self.row >= 0:
                self.chosen.emit(self.row)
            case _:
                super().keyPressEvent(event)


class RangeBar(QWidget):
    """The map below the strips with the powers of ten it stands for."""

    def __init__(self, look: Look, strips: Strips) -> None:
        super().__init__()
        self._look, self._strips = look, strips
        self.unit, self.limits = "", strips.limits
        strips.moved.connect(self.update)
        self.setFixedHeight(SCALE_HEIGHT)
        self.setAccessibleName("Range of the colours")

    def show_range(self, limits: tuple[float, float], unit: str) -> None:
        """Explain the colours of a range of norms."""
        if (limits, unit) != (self.limits, self.unit):
            self.limits, self.unit = limits, unit
            self.setToolTip(f"{unit} from {limits[0]:g} to {limits[1]:g}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, strips = self._look.theme, self._strips
        left = strips.name_width() + NAME_GAP
        width = strips.width() - left - VALUE - VALUE_GAP
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_range(painter, Rect(left, 6.0, width, 6.0), self.limits, theme)
        words = self.unit if strips.step is None else f"at {round(strips.step):,}"
        text(painter, left + width + VALUE_GAP, 9.0, words, "caption mono", theme.text3)
        painter.end()


def paint_range(painter: QPainter, bar: Rect, limits: tuple[float, float], theme: Theme) -> None:
    """The gradient map as a bar, each power of ten of its range written below it."""
    line = np.arange(256, dtype=np.uint8)
    image = QImage(line.data, 256, 1, 256, QImage.Format.Format_Indexed8)
    image.setColorTable(map_table(theme.name, "gradient"))
    draw_image(painter, QRectF(bar.x, bar.y, bar.width, bar.height), image)
    low, high = (round(float(np.log10(end))) for end in limits)
    room = bar.width / (1.2 * fonts.measure(power_text(low), "caption mono"))  # for so many
    named = range(low, high + 1) if room > high - low + 1 else (low, high) if room > 2 else ()
    for power in named:
        share = (power - low) / (high - low)
        words = power_text(power)
        x = bar.x + share * bar.width - share * fonts.measure(words, "caption mono")
        text(painter, x, bar.bottom + 9, words, "caption mono", theme.text3)


def power_text(power: int) -> str:
    """A power of ten as the look writes it: 1e-4, 1e0."""
    return f"1e{power}"


def moments(mean: float, deviation: float) -> str:
    """Mean and standard deviation in one line."""
    return f"mean {tick_text(_figures(mean))} · std {tick_text(_figures(deviation))}"


def _figures(value: float) -> float:
    return float(f"{value:.3g}")
