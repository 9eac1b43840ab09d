"""The files that were open last, each with its last run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from gui import fonts
from gui.look import Look, icon_pixmap
from gui.theme import mix, tokens

ROW = 36
LEAST = 112  # px of height
NOTHING = "Files that you open or save are listed here."


@dataclass(frozen=True)
class Recent:
    """A file, when it was last open, and its last run: a name with its result, and its losses."""

    path: Path
    opened: float = 0.0  # seconds since 1970
    run: str = ""
    losses: tuple[float, ...] = ()


class RecentList(QWidget):
    """A row for each file; a click asks for it."""

    chosen = Signal(object)  # Path

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.setAccessibleName("Recent files")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(1, 1, 1, 1)
        self._column.setSpacing(0)
        self._column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setMinimumHeight(LEAST)
        self._empty = True
        look.changed.connect(self.update)

    def show_files(self, files: Sequence[Recent]) -> None:
        """Show these files."""
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        rows = []
        for place, file in enumerate(files):
            row = RecentRow(self._look, file, last=place == len(files) - 1)
            row.clicked.connect(lambda _=False, path=file.path: self.chosen.emit(path))
            self._column.addWidget(row)
            row.show()
            rows.append(row)
        self._empty = not rows
        self.setAccessibleDescription(NOTHING if self._empty else "")
        if rows:
            self.setFocusProxy(rows[0])
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = tokens()["size"]["radius"]["bubble"]
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.setBrush(QColor(theme.panel))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        if self._empty:
            painter.setFont(fonts.font("body"))
            painter.setPen(QColor(theme.text3))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, NOTHING)
        painter.end()


class RecentRow(QAbstractButton):
    """Name, folder, sparkline of the last run, its result, and when."""

    def __init__(self, look: Look, file: Recent, *, last: bool) -> None:
        super().__init__()
        self._look, self._file, self._last = look, file, last
        self.setFixedHeight(ROW)
        self.setAccessibleName(f"Open {file.path.name} in {file.path.parent}")
        self.setToolTip(str(file.path))

    def sizeHint(self) -> QSize:
        return QSize(600, ROW)

    def enterEvent(self, event: object) -> None:
        self.update()

    def leaveEvent(self, event: object) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            painter.fillRect(self.rect().adjusted(2, 2, -2, -2), QColor(theme.hover))
        if not self._last:
            painter.fillRect(0, ROW - 1, self.width(), 1, QColor(theme.hair))
        icon = icon_pixmap("folder", theme.text2, 16, self.devicePixelRatioF())
        painter.drawPixmap(12, (ROW - 16) // 2, icon)
        width = self.width()

        def text(x: float, room: float, words: str, style: str, colour: str) -> None:
            painter.setFont(fonts.font(style))
            painter.setPen(QColor(colour))
            metrics = fonts.metrics(style)
            words = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, room)
            painter.drawText(QRectF(x, 0, room, ROW), Qt.AlignmentFlag.AlignVCenter, words)

        text(38, 0.26 * width - 50, self._file.path.name, "body", theme.text)
        text(0.26 * width, 0.2 * width, home_text(self._file.path.parent), "body", theme.text3)
        text(0.6 * width, 0.28 * width, self._file.run, "small mono", theme.text2)
        if len(self._file.losses) > 1:
            self._sparkline(painter, QRectF(0.48 * width, 8, 0.1 * width, ROW - 16))
        painter.setFont(fonts.font("body"))
        painter.setPen(QColor(theme.text3))
        side = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        when = when_text(self._file.opened, datetime.now())
        painter.drawText(QRectF(0, 0, width - 12, ROW), side, when)
        painter.end()

    def _sparkline(self, painter: QPainter, area: QRectF) -> None:
        theme, losses = self._look.theme, self._file.losses
        low, high = min(losses), max(losses)
        span = (high - low) or 1.0
        points = [
            QPointF(
                area.x() + area.width() * index / (len(losses) - 1),
                area.bottom() - area.height() * (loss - low) / span,
            )
            for index, loss in enumerate(losses)
        ]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(mix(theme.panel, theme.text3, 0.2)))
        painter.drawPolygon(QPolygonF([*points, area.bottomRight(), area.bottomLeft()]))
        painter.setPen(QPen(QColor(theme.text2), 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(points))


def home_text(folder: Path) -> str:
    """A folder, with ~ for the user's home."""
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except ValueError:
        return str(folder)


def when_text(seconds: float, now: datetime) -> str:
    """Such as "today 14:32", "yesterday", "Monday" or "3 March"."""
    if not seconds:
        return ""
    at = datetime.fromtimestamp(seconds)
    days = (now.date() - at.date()).days
    if days <= 0:
        return f"today {at:%H:%M}"
    if days == 1:
        return "yesterday"
    return (
        f"{at:%A}"
        if days < 7
        else f"{at.day} {at:%B}" + ("" if at.year == now.year else f" {at.year}")
    )
