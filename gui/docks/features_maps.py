"""The maps of one tensor: a mosaic, one of them enlarged, units over time where it is a sequence,
or bars where it is a vector.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from compute.attention import NAME
from compute.questions import FeatureMap
from gui.canvas.drawing import brush, colour, draw_image, pen, rounded, stroke, text
from gui.canvas.geometry import Rect
from gui.colour_maps import map_table
from gui.docks.plot_paint import paint_empty
from gui.docks.plot_scale import linear_ticks, tick_text, value_text
from gui.look import Look

GAP = 3.0
SMALLEST = 18.0  # px of a map; what does not fit is left out and said
LARGEST = 84.0
AXIS = 40.0
FOOT = 16.0  # px beside and below units over time
Greys = NDArray[np.uint8]


def picture(tile: Greys, table: list[int] | None) -> QImage:
    """One tile, height × width, in colours; None is grey. The image owns its pixels."""
    tile = np.ascontiguousarray(tile)
    high, wide = tile.shape
    if table is None:
        return QImage(tile.data, wide, high, wide, QImage.Format.Format_Grayscale8).copy()
    image = QImage(tile.data, wide, high, wide, QImage.Format.Format_Indexed8)
    image.setColorTable(table)
    return image.convertToFormat(QImage.Format.Format_RGB32)


def on_one_range(found: FeatureMap) -> Greys:
    """The tiles on the range of all of them together."""
    low, high = found.ranges[:, 0].min(), found.ranges[:, 1].max()
    span = (high - low) or 1.0
    values = found.tiles * ((found.ranges[:, 1] - found.ranges[:, 0]) / 255)[:, None, None]
    values = values + found.ranges[:, 0][:, None, None]
    made: Greys = np.rint((values - low) * (255 / span)).clip(0, 255).astype(np.uint8)
    return made


class MapsView(QWidget):
    """Shows a FeatureMap. A click, or Enter on the marked map, enlarges it; again, or Esc, ends it.

    `enlarged` tells which map is large, -1 for none.
    """

    enlarged = Signal(int)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.found: FeatureMap | None = None
        self.own_range = True
        self.labels: tuple[str, ...] = ()  # of the numbers of a vector
        self.time = -1  # axis of the steps of a sequence, -1 for none
        self.steps: tuple[str, ...] = ()  # what stands at each of them
        self.marked = 0
        self.large = -1
        self.empty = ""
        self._picture: QPixmap | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(48, 48)
        self.setAccessibleName("Feature maps")

    def sizeHint(self) -> QSize:
        return QSize(280, 150)

    def show_map(self, found: FeatureMap | None, empty: str = "") -> None:
        """Show another tensor, or a sentence where there is none."""
        if found is None or self.found is None or found.shape != self.found.shape:
            self.marked, self.large = 0, -1
        self.found, self.empty = found, empty
        self.renew()

    def renew(self) -> None:
        """Paint anew: the look or the range is another."""
        self._picture = None
        self.setAccessibleDescription(self.words())
        self.update()

    # Where maps are

    def grid(self) -> tuple[int, float]:
        """Columns, and the side of a square map, so that as many as possible are seen."""
        count = len(self.found.tiles) if self.found is not None else 0
        width, height = float(self.width()), float(self.height())
        best = (1, 0.0)
        for columns in range(1, count + 1):
            rows = -(-count // columns)
            side = min((width + GAP) / columns - GAP, (height + GAP) / rows - GAP, LARGEST)
            if side > best[1]:
                best = (columns, side)
        if best[1] >= SMALLEST or not count:
            return best
        return max(1, int((width + GAP) / (SMALLEST + GAP))), SMALLEST

    def shown(self) -> int:
        """How many maps there is room for."""
        if self.found is None:
            return 0
        columns, side = self.grid()
        rows = max(1, int((self.height() + GAP) / (side + GAP)))
        return min(len(self.found.tiles), columns * rows)

    def place(self, index: int) -> QRectF:
        """Where a map is painted."""
        columns, side = self.grid()
        row, column = divmod(index, columns)
        return QRectF(column * (side + GAP), row * (side + GAP), side, side)

    def words(self) -> str:
        """What is shown, in words."""
        if self.found is None:
            return self.empty
        count = len(self.found.tiles)
        if self.over_time:
            units, steps = (self.found.shape[axis] for axis in (1 - self.time, self.time))
            return f"{units} units over {steps} steps"
        if not count:
            size = int(np.prod(self.found.shape))
            return f"{size:,} number{'s' if size != 1 else ''}"
        if self.large >= 0:
            low, high = self.found.ranges[self.large].tolist()
            return f"map {self.large} · {value_text(low)} to {value_text(high)}"
        return self.left_out() or f"{count} maps"

    @property
    def over_time(self) -> bool:
        """Whether units over time are shown."""
        return self.time >= 0 and self.found is not None and len(self.found.tiles) == 1

    def left_out(self) -> str:
        """How many maps are seen of how many, where not all of them are."""
        count, shown = len(self.found.tiles) if self.found is not None else 0, self.shown()
        if self.over_time:
            return ""
        return f"{shown} of {count} maps" if shown < count else ""

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.devicePixelRatio() != ratio:
            self._picture = self._made(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        several = self.found is not None and len(self.found.tiles) > 1 and self.large < 0
        if self.hasFocus() and several:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            at = self.place(self.marked)
            around = Rect(at.x(), at.y(), at.width(), at.height()).grown(1.0)
            stroke(painter, rounded(around, 3.0), pen(self._look.theme.accent, 2.0))
        painter.end()

    def _made(self, ratio: float) -> QPixmap:
        theme, found = self._look.theme, self.found
        made = QPixmap(self.size() * ratio)
        made.setDevicePixelRatio(ratio)
        made.fill(colour(theme.panel))
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if found is None:
            paint_empty(painter, QRectF(self.rect()), self.empty, theme)
        elif self.over_time:
            self._paint_time(painter, found)
        elif len(found.tiles):
            self._paint_tiles(painter, found)
        elif len(found.values):
            self._paint_bars(painter, found.values.astype(np.float64))
        else:
            count = f"{int(np.prod(found.shape)):,}"
            words = f"Found {count} numbers, expected at most 4,096 to draw them as bars."
            paint_empty(painter, QRectF(self.rect()), words, theme)
        painter.end()
        return made

    def _paint_time(self, painter: QPainter, found: FeatureMap) -> None:
        """A row for each unit, a column for each step, what stands there below it."""
        theme, tile = self._look.theme, found.tiles[0]
        image = picture(tile.T if self.time == 0 else tile, map_table(theme.name, "activation"))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        whole = QRectF(FOOT, 0, self.width() - FOOT, self.height() - FOOT)
        draw_image(painter, whole, image)
        step = whole.width() / image.width()
        every = max(1, int(np.ceil(7.0 / step)))
        middle = whole.bottom() + FOOT / 2
        for place, sign in enumerate(self.steps[: image.width()]):
            if place % every == 0:
                x = whole.left() + (place + 0.5) * step
                text(painter, x, middle, sign, "caption mono", theme.text3, "centre")
        if not self.steps:
            text(painter, whole.right(), middle, "step", "caption", theme.text3, "right")
        painter.rotate(-90)
        text(painter, -whole.center().y(), FOOT / 2, "unit", "caption", theme.text3, "centre")
        painter.resetTransform()

    def _paint_tiles(self, painter: QPainter, found: FeatureMap) -> None:
        table = map_table(self._look.theme.name, "activation")
        tiles = found.tiles if self.own_range else on_one_range(found)
        if self.large >= 0:
            tile = tiles[self.large]
            share = min(self.width() / tile.shape[1], self.height() / tile.shape[0])
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            size = QRectF(0, 0, round(tile.shape[1] * share), round(tile.shape[0] * share))
            draw_image(painter, size, picture(tile, table))
            return
        if found.name.startswith(NAME):  # a pixel is a pair of steps
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        columns, side = self.grid()
        pixels = np.array(table, np.uint32)[tiles[: self.shown()]]  # of all at once: far faster
        high, wide = pixels.shape[1:]
        share = side / max(wide, high)
        for index, tile in enumerate(pixels):
            row, column = divmod(index, columns)
            x, y = column * (side + GAP), row * (side + GAP)
            image = QImage(tile.data, wide, high, 4 * wide, QImage.Format.Format_RGB32)
            draw_image(painter, QRectF(x, y, wide * share, high * share), image)

    def _paint_bars(self, painter: QPainter, values: NDArray[np.float64]) -> None:
        theme, room = self._look.theme, float(self.height()) - 18.0
        values = np.nan_to_num(values)
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
        high = high if high > low else low + 1.0
        pitch = (room - 8.0) / (high - low)
        heights, zero = 4.0 + (high - values) * pitch, 4.0 + high * pitch
        for tick in linear_ticks(low, high):
            y = round(4.0 + (high - tick) * pitch) + 0.5
            painter.setPen(pen(theme.hair))
            painter.drawLine(QPointF(AXIS, y), QPointF(self.width(), y))
            text(painter, AXIS - 8, y, tick_text(tick), "caption mono", theme.text3, "right")
        step = (self.width() - AXIS) / len(values)
        gap = min(3.0, 0.25 * step)
        largest = int(values.argmax())
        for index, y in enumerate(heights.tolist()):
            x = AXIS + index * step + gap / 2
            loud = index == largest or not self.labels
            tint = theme.ramp("activation", 0.65) if loud else theme.text3
            top, height = min(y, zero), max(abs(zero - y), 1.0)
            painter.fillRect(QRectF(x, top, max(step - gap, 1.0), height), brush(tint))
            if self.labels and index < len(self.labels) and step > 14:
                middle = room + 8.0
                words, middle_x = self.labels[index], x + (step - gap) / 2
                text(painter, middle_x, middle, words, "caption mono", theme.text3, "centre")
        if not self.labels:
            middle, last = room + 8.0, len(values) - 1
            text(painter, AXIS, middle, "unit 0", "caption", theme.text3)
            text(painter, self.width() - 2, middle, f"{last}", "caption", theme.text3, "right")

    # The pointer and the keyboard

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._picture = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.over_time:
            return
        if self.large >= 0:
            self.enlarge(-1)
            return
        for index in range(self.shown()):
            if self.place(index).contains(event.position()):
                self.enlarge(index)
                return

    def enlarge(self, index: int) -> None:
        """Show one map alone; -1 shows all."""
        self.large = index
        self.marked = max(index, self.marked if index < 0 else 0)
        self.renew()
        self.enlarged.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        columns, shown = self.grid()[0], 0 if self.over_time else self.shown()
        steps: dict[Any, int] = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -columns,
            Qt.Key.Key_Down: columns,
        }
        if event.key() in steps and shown:
            self.marked = min(max(self.marked + steps[event.key()], 0), shown - 1)
            if self.large >= 0:
                self.enlarge(self.marked)
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and shown:
            self.enlarge(-1 if self.large >= 0 else self.marked)
        elif event.key() == Qt.Key.Key_Escape and self.large >= 0:
            self.enlarge(-1)
        else:
            super().keyPressEvent(event)
