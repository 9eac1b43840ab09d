"""Dragging a node out of the library: our own drag inside the window.

Qt's QDrag runs an event loop of its own and hands the pointer to the window system, so the canvas
could not show the new node under the pointer at every platform, nor a test drive it.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gui import fonts
from gui.canvas.view import Canvas
from gui.library.shelf import Item
from gui.look import Look
from gui.palette.rows import ICON, pixmap

DropTarget = Callable[[QPoint], Canvas | None]


class Ghost(QWidget):
    """The node under the pointer until a canvas shows it."""

    def __init__(self, look: Look, item: Item, window: QWidget) -> None:
        super().__init__(window)
        self._look, self._item = look, item
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        width = round(fonts.measure(item.title, "node name")) + 46
        self.resize(QSize(max(width, 80), 28))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self._look.theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.accent), 1.5, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(theme.header(self._item.family)))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 7, 7)
        colour = theme.of_family(self._item.family)
        glyph = pixmap(self._item.icon, colour, ICON, self.devicePixelRatioF())
        painter.drawPixmap(10, 7, glyph)
        painter.setFont(fonts.font("node name"))
        painter.setPen(QColor(theme.text))
        painter.drawText(
            self.rect().adjusted(32, 0, -4, 0), Qt.AlignmentFlag.AlignVCenter, self._item.title
        )
        painter.end()


class Drag:
    """One drag, from its first movement until it is dropped or cancelled."""

    def __init__(self, look: Look, item: Item, window: QWidget, target: DropTarget) -> None:
        self._op, self._target, self._window = item.op(), target, window
        self._ghost = Ghost(look, item, window)
        self._over: Canvas | None = None

    def move(self, place: QPoint) -> None:
        """The pointer is at a point of the screen."""
        over = self._target(place)
        if over is not self._over:
            self._leave()
        self._over = over
        if over is not None:
            over.preview_drop(self._op, QPointF(over.mapFromGlobal(place)))
        self._ghost.move(self._window.mapFromGlobal(place) - QPoint(16, 14))
        self._ghost.setVisible(over is None)
        self._ghost.raise_()

    def drop(self, place: QPoint) -> bool:
        """End at a point of the screen; whether a canvas took the node."""
        over = self._target(place)
        if over is not self._over:
            self._leave()
        self._over = None
        self._end()
        if over is not None:
            over.drop(self._op, QPointF(over.mapFromGlobal(place)))
        return over is not None

    def cancel(self) -> None:
        """End without a node."""
        self._leave()
        self._end()

    def _leave(self) -> None:
        if self._over is not None:
            self._over.preview_drop(None, QPointF())
            self._over = None

    def _end(self) -> None:
        self._ghost.hide()
        self._ghost.deleteLater()
