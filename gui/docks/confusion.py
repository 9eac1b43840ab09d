"""The confusion matrix: targets down, predictions across; a cell is a set of samples."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import fonts
from gui.canvas.drawing import fill, pen, rounded
from gui.canvas.geometry import Rect
from gui.docks.letters import letters
from gui.look import Look
from gui.theme import contrast, mix

Counts = NDArray[np.int64]
EDGE = 30  # px for the names of rows and columns
MOST_NAMED = 40  # classes whose names are written
BARRED = 12.0  # px of a row from which it has a bar
BARS = 150  # px for the share of each class that is found


@cache
def _ink(dark: str, ground: str) -> str:
    """What is read best on a ground: this dark, or white."""
    return max((dark, "#FFFFFF"), key=lambda ink: contrast(ink, ground))


class Confusion(QWidget):
    """Paints counts; `picked` gives (target, predicted) of a cell that is clicked or entered."""

    picked = Signal(int, int)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.counts: Counts = np.zeros((0, 0), np.int64)  # of the classes shown
        self.names: tuple[str, ...] = ()  # of all classes
        self.classes: NDArray[np.int64] = np.arange(0)  # that are shown
        self._given: Counts = self.counts
        self.cell = (0, 0)  # with the keyboard's focus
        self._picture: QPixmap | None = None  # of the counts: they seldom change, and cost 1 ms
        self._pictured: tuple[object, ...] = ()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Confusion matrix")

    def sizeHint(self) -> QSize:
        return QSize(420, 240)

    def put(self, counts: Counts, names: tuple[str, ...]) -> None:
        """Show these counts; a class without a name is shown by its number.

        Of more than 40 classes those are shown that a sample has or was taken for.
        """
        if names == self.names and np.array_equal(counts, self._given):
            return
        self._given, self.names, self._picture = counts, names, None
        seen = counts.any(axis=0) | counts.any(axis=1) | (len(counts) <= MOST_NAMED)
        self.classes = np.flatnonzero(seen)
        self.counts = counts = counts[np.ix_(self.classes, self.classes)]
        last = max(0, len(counts) - 1)
        self.cell = min(self.cell[0], last), min(self.cell[1], last)
        right = int(np.trace(counts))
        total = int(counts.sum())
        self.setAccessibleDescription(f"{right} of {total} right")
        self.update()

    def name(self, label: int) -> str:
        """What a class is called."""
        return self.names[label] if label < len(self.names) else str(label)

    def _pick(self, row: int, column: int) -> None:
        self.picked.emit(int(self.classes[row]), int(self.classes[column]))

    # Geometry

    @property
    def _side(self) -> float:
        count = max(1, len(self.counts))
        across = self.width() - EDGE - 16
        down = (self.height() - EDGE - 20) / count
        beside = min((across - BARS) / count, down, 40.0)
        if beside >= BARRED:
            return beside
        return max(2.0, min(across / count, down, BARRED - 0.5))

    def _rect(self, target: int, predicted: int) -> QRectF:
        side = self._side
        return QRectF(EDGE + 8 + predicted * side, 4 + target * side, side - 1, side - 1)

    def _at(self, point: QPointF) -> tuple[int, int] | None:
        side = self._side
        column = int((point.x() - EDGE - 8) // side)
        row = int((point.y() - 4) // side)
        inside = 0 <= row < len(self.counts) and 0 <= column < len(self.counts)
        return (row, column) if inside else None

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        if not len(self.counts):
            return
        pictured = self.size(), self.devicePixelRatioF(), self._look.theme
        if self._picture is None or pictured != self._pictured:
            self._picture, self._pictured = self._paint(), pictured
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        if self.hasFocus():
            painter.setPen(QPen(QColor(self._look.theme.accent), 2))
            painter.drawRect(self._rect(*self.cell))

    def _paint(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(self._look.theme.panel))
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(fonts.font("caption mono"))
        tops = np.maximum(self.counts.max(axis=1), 1)
        cells: Iterable[tuple[int, ...]] = np.ndindex(*self.counts.shape)
        if len(self.counts) > MOST_NAMED:  # thousands of empty cells: one surface
            last = len(self.counts) - 1
            self._fill(painter, self._rect(0, 0).united(self._rect(last, last)), 2, self._empty)
            cells = map(tuple, np.argwhere(self.counts).tolist())
        for row, column in cells:
            self._paint_cell(painter, row, column, int(tops[row]))
        self._paint_names(painter)
        self._paint_recall(painter)
        painter.end()
        return picture

    @property
    def _empty(self) -> str:
        theme = self._look.theme
        return theme.ramp("activation", 0.03 if theme.name == "dark" else 0.97)

    def _paint_cell(self, painter: QPainter, row: int, column: int, top: int) -> None:
        theme, count, rect = (
            self._look.theme,
            int(self.counts[row, column]),
            self._rect(row, column),
        )
        place = 0.23 + 0.69 * count / top if count else 0.03
        place = place if theme.name == "dark" else 1 - place  # many stand out from the panel
        colour = theme.ramp("activation", place)
        self._fill(painter, rect, 2, colour)
        if count and self._side >= 16:
            dark = theme.window if theme.name == "dark" else theme.text
            painter.setPen(pen(_ink(dark, colour)))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, str(count))

    def _fill(self, painter: QPainter, rect: QRectF, radius: float, colour: str) -> None:
        place = Rect(rect.x(), rect.y(), rect.width(), rect.height())
        fill(painter, rounded(place, radius), colour)

    def _paint_names(self, painter: QPainter) -> None:
        theme, count = self._look.theme, len(self.counts)
        painter.setPen(QColor(theme.text3))
        metrics = fonts.metrics("caption mono")
        all_signs = letters(self.names)
        signs = [all_signs[k] if k < len(all_signs) else str(k) for k in self.classes.tolist()]
        step = max(1, math.ceil(12 / self._side))
        for label in range(0, count, step):
            rect = self._rect(label, 0)
            row = QRectF(0, rect.center().y() - 7, EDGE, 14)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            text = metrics.elidedText(signs[label], Qt.TextElideMode.ElideRight, EDGE)
            painter.drawText(row, right, text)
            last = self._rect(count - 1, label)
            below = QRectF(last.left() - 8, last.bottom() + 2, last.width() + 16, 14)
            room = self._side * step
            text = metrics.elidedText(signs[label], Qt.TextElideMode.ElideRight, room)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, text)
        last = self._rect(count - 1, 0)
        width = self._side * count
        under = QRectF(last.left(), last.bottom() + 16, width, 14)
        painter.setFont(fonts.font("caption"))
        painter.drawText(under, Qt.AlignmentFlag.AlignCenter, "predicted, by target")
        painter.setFont(fonts.font("caption mono"))

    def _paint_recall(self, painter: QPainter) -> None:
        """How many of each class are found, as a bar and a number."""
        theme, count = self._look.theme, len(self.counts)
        left = self._rect(0, count - 1).right() + 24
        if self._side < BARRED or left + 100 > self.width():
            return
        for label in range(count):
            rect, total = self._rect(label, 0), int(self.counts[label].sum())
            share = int(self.counts[label, label]) / total if total else 0.0
            bar = QRectF(left, rect.center().y() - 3, 72, 6)
            self._fill(painter, bar, 3, mix(theme.panel, theme.text3, 0.2))
            bar.setWidth(72 * share)
            self._fill(painter, bar, 3, theme.text3)
            text = f"{share * 100:.0f} %" if total else "–"
            painter.setPen(QColor(theme.text2))
            room = QRectF(left + 76, rect.top(), 44, rect.height())
            middle = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(room, middle, text)
        painter.setPen(QColor(theme.text3))
        painter.setFont(fonts.font("caption"))
        bottom = self._rect(count - 1, 0).bottom()
        painter.drawText(QPointF(left, bottom + 26), "recall per class")

    # Events

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        cell = self._at(event.position())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self.cell = cell
            self.update()
            self._pick(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
        }
        move, last = moves.get(Qt.Key(event.key())), len(self.counts) - 1
        if move and last >= 0:
            row, column = self.cell[0] + move[0], self.cell[1] + move[1]
            self.cell = min(max(row, 0), last), min(max(column, 0), last)
            self.setAccessibleDescription(self._cell_words(*self.cell))
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Space) and last >= 0:
            self._pick(*self.cell)
        else:
            super().keyPressEvent(event)

    def _cell_words(self, row: int, column: int) -> str:
        return self.sentence(int(self.classes[row]), int(self.classes[column]))

    def sentence(self, target: int, predicted: int) -> str:
        """The cell of two classes in words."""
        count = int(self._given[target, predicted])
        return f"{count} × {self.name(target)} taken for {self.name(predicted)}"

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            cell = self._at(QPointF(event.pos()))
            if cell is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self._cell_words(*cell), self)
            return True
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()
