"""A pad to draw a small grey picture on with the mouse, or with the keyboard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.look import Look

FINE = 8  # drawn pixels along a side of each pixel of the picture
LEAST, SIDE = 96, 192  # px of the pad
BRUSH = 1.5  # width of the brush in pixels of the picture


class DrawingPad(QWidget):
    """White ink on black; `drawn` after every stroke. `pixels` is what the net is given."""

    drawn = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._size = (8, 8)  # height, width
        self._side = SIDE
        self._ink = QImage()
        self._last: QPointF | None = None
        self._cursor = (0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Drawing pad: arrows move, Space draws, Delete clears")
        self.resize_picture(8, 8)

    def sizeHint(self) -> QSize:
        return QSize(self._side, self._side)

    def set_side(self, side: int) -> None:
        """Be a square of so many px, at most as large as usual."""
        self._side = min(max(side, LEAST), SIDE)
        self.updateGeometry()

    def resize_picture(self, height: int, width: int) -> None:
        """Draw pictures of another size from now on; what was drawn is gone."""
        self._size = (height, width)
        self._ink = QImage(width * FINE, height * FINE, QImage.Format.Format_Grayscale8)
        self._ink.fill(0)
        self.update()

    def clear(self) -> None:
        """Take everything away."""
        self._ink.fill(0)
        self.update()
        self.drawn.emit()

    def put(self, pixels: NDArray[np.float64]) -> None:
        """Show a picture, height × width, from 0 to 1, to draw on."""
        fine = np.repeat(np.repeat(pixels.clip(0, 1), FINE, axis=0), FINE, axis=1)
        grey = np.ascontiguousarray((fine * 255).round().astype(np.uint8))
        height, width = grey.shape
        image = QImage(grey.tobytes(), width, height, width, QImage.Format.Format_Grayscale8)
        self._ink = image.copy()  # owns its pixels
        self.update()
        self.drawn.emit()

    @property
    def empty(self) -> bool:
        """Whether nothing is drawn."""
        return not self.pixels.any()

    @property
    def pixels(self) -> NDArray[np.float64]:
        """The picture, height × width, from 0 to 1: the share of ink in each pixel."""
        height, width = self._size
        data = np.frombuffer(self._ink.constBits(), np.uint8)
        rows = data.reshape(height * FINE, self._ink.bytesPerLine())[:, : width * FINE]
        blocks = rows.reshape(height, FINE, width, FINE).astype(np.float64)
        shares: NDArray[np.float64] = blocks.mean(axis=(1, 3)) / 255.0
        return shares

    @property
    def _area(self) -> QRectF:
        height, width = self._size
        scale = min(self.width() / width, self.height() / height)
        return QRectF(0, 0, width * scale, height * scale)

    def _stroke(self, start: QPointF, end: QPointF) -> None:
        area = self._area
        scale = self._ink.width() / area.width()
        painter = QPainter(self._ink)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(Qt.GlobalColor.white, BRUSH * FINE)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(start * scale, end * scale + QPointF(0.01, 0))
        painter.end()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, area, theme = QPainter(self), self._area, self._look.theme
        painter.drawImage(area, self._ink)
        painter.setPen(QPen(QColor(theme.accent if self.hasFocus() else theme.border), 1))
        painter.drawRect(area.adjusted(0, 0, -1, -1))
        if self.hasFocus():
            row, column = self._cursor
            side = area.width() / self._size[1]
            painter.drawRect(QRectF(column * side, row * side, side, side))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._last = event.position()
            self._stroke(self._last, self._last)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._last is not None:
            self._stroke(self._last, event.position())
            self._last = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._last is not None:
            self._last = None
            self.drawn.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }
        move = moves.get(Qt.Key(event.key()))
        if move:
            row = min(max(self._cursor[0] + move[0], 0), self._size[0] - 1)
            column = min(max(self._cursor[1] + move[1], 0), self._size[1] - 1)
            self._cursor = row, column
            self.update()
        elif event.key() == Qt.Key.Key_Space:
            side = self._area.width() / self._size[1]
            at = QPointF((self._cursor[1] + 0.5) * side, (self._cursor[0] + 0.5) * side)
            self._stroke(at, at)
            self.drawn.emit()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.clear()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()
