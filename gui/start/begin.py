"""What stands below the examples: where to drop a file, and keys worth knowing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QWidget

from gui import fonts
from gui.app import App
from gui.canvas.geometry import wrapped
from gui.look import Look, icon_pixmap
from gui.theme import mix, tokens

LEAST = 112  # px of height
SAID = "A graph, a table, or a picture of a graph."
# what can be done next, by the id of its action
HINTS = (
    ("graph.add", "Search for a node and add it"),
    ("view.palette", "Find any command by its name"),
    ("train.run", "Run or pause the training"),
    ("help.card", "Explain the selected node"),
)
HINT, GAP = 20, 16


class DropArea(QAbstractButton):
    """Takes files that are dropped on it; a click asks for one."""

    dropped = Signal(object)  # the Path of each file

    def __init__(self, look: Look, suffixes: Sequence[str]) -> None:
        super().__init__()
        self._look, self._suffixes = look, frozenset(suffixes)
        self._over = False
        self.setAcceptDrops(True)
        self.setMinimumHeight(LEAST)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Open a file")
        self.setAccessibleDescription(f"Drop a file here, or press to choose one. {SAID}")
        look.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(314, LEAST)

    def _paths(self, event: QDropEvent) -> list[Path]:
        urls = event.mimeData().urls()
        paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
        return [path for path in paths if path.suffix.lower() in self._suffixes]

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._paths(event):
            event.acceptProposedAction()
            self._light(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._light(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._light(False)
        event.acceptProposedAction()
        for path in self._paths(event):
            self.dropped.emit(path)

    def enterEvent(self, event: QEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()

    def _light(self, over: bool) -> None:
        self._over = over
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = tokens()["size"]["radius"]["bubble"]
        edge = theme.accent if self._over else theme.text3 if self.underMouse() else theme.border
        pen = QPen(QColor(edge), 1.5 if self._over else 1.0)
        pen.setDashPattern([4, 4])
        painter.setPen(pen)
        painter.setBrush(QColor(mix(theme.canvas, theme.accent, 0.09 if self._over else 0.0)))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), radius, radius)
        lines = wrapped(SAID, self.width() - 48, fonts.measure, "body")
        top = (self.height() - 44 - 18 * len(lines)) // 2
        icon = icon_pixmap("folder", theme.text2, 16, self.devicePixelRatioF())
        painter.drawPixmap((self.width() - 16) // 2, top, icon)
        painter.setFont(fonts.font("node name"))
        painter.setPen(QColor(theme.text))
        centre = Qt.AlignmentFlag.AlignCenter
        painter.drawText(QRectF(0, top + 24, self.width(), 16), centre, "Drop a file here")
        painter.setFont(fonts.font("body"))
        painter.setPen(QColor(theme.text3))
        for number, line in enumerate(lines):
            painter.drawText(QRectF(0, top + 44 + 18 * number, self.width(), 16), centre, line)
        painter.end()


class Hints(QWidget):
    """Keys and what they do, side by side, `columns` in a row."""

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app, self._columns = app, len(HINTS)
        self.setAccessibleName("Keys worth knowing")
        self.arrange(len(HINTS))
        app.look.changed.connect(self.update)

    def arrange(self, columns: int) -> None:
        """Stand in so many columns."""
        self._columns = columns
        rows = -(-len(HINTS) // columns)
        self.setFixedHeight(rows * HINT + (rows - 1) * GAP)
        self.update()

    def _key(self, id: str) -> str:
        keys = {entry.id: entry.action.shortcut() for entry in self._app.actions}
        return keys.get(id, QKeySequence()).toString(QKeySequence.SequenceFormat.NativeText)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._app.look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = tokens()["size"]["radius"]["badge"]
        wide = (self.width() - GAP * (self._columns - 1)) / self._columns
        for number, (id, words) in enumerate(HINTS):
            row, column = divmod(number, self._columns)
            x, y = column * (wide + GAP), row * (HINT + GAP)
            key = self._key(id)
            cap = QRectF(x + 0.5, y + 0.5, fonts.measure(key, "caption mono") + 12, 19)
            painter.setPen(QPen(QColor(theme.border), 1))
            painter.setBrush(QColor(theme.panel))
            painter.drawRoundedRect(cap, radius, radius)
            painter.setFont(fonts.font("caption mono"))
            painter.setPen(QColor(theme.text2))
            painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, key)
            painter.setFont(fonts.font("body"))
            painter.setPen(QColor(theme.text3))
            left = cap.right() + 10
            spot = QRectF(left, y, x + wide - left, HINT)
            painter.drawText(spot, Qt.AlignmentFlag.AlignVCenter, words)
        painter.end()
