"""The list at the left of the start screen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QVBoxLayout, QWidget

from gui import fonts
from gui.look import Look, icon_pixmap
from gui.theme import tokens

ROW = 30
Line = tuple[str, str, str, int]  # what it stands for, words, icon, how many (0: not said)


class Sidebar(QWidget):
    """`chosen` tells what the picked row stands for."""

    chosen = Signal(str)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.setFixedWidth(tokens()["size"]["window"]["library"])
        self._group = QButtonGroup(self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 16, 1, 0)
        self._column.setSpacing(0)
        self._column.addStretch()
        look.changed.connect(self.update)

    def show_rows(self, lines: Sequence[Line]) -> None:
        """Show these rows, the first of them picked."""
        for button in self._group.buttons():
            self._group.removeButton(button)
            button.hide()
            button.deleteLater()
        for place, line in enumerate(lines):
            row = Row(self._look, line)
            row.setChecked(not place)
            row.clicked.connect(lambda _=False, value=line[0]: self.chosen.emit(value))
            self._group.addButton(row)
            self._column.insertWidget(place, row)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.panel))
        painter.fillRect(self.width() - 1, 0, 1, self.height(), QColor(theme.hair))
        painter.end()


class Row(QAbstractButton):
    """An icon, words, and how many there are."""

    def __init__(self, look: Look, line: Line) -> None:
        super().__init__()
        self._look = look
        _, self._words, self._icon, self._count = line
        self.setCheckable(True)
        self.setFixedHeight(ROW)
        self.setAccessibleName(self._words)
        look.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(200, ROW)

    def enterEvent(self, event: object) -> None:
        self.update()

    def leaveEvent(self, event: object) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        picked = self.isChecked()
        if picked or self.underMouse():
            painter.fillRect(self.rect().adjusted(0, 0, -1, 0), QColor(theme.hover))
        colour = theme.text if picked else theme.text2
        icon = icon_pixmap(self._icon, theme.text2, 16, self.devicePixelRatioF())
        painter.drawPixmap(14, (ROW - 16) // 2, icon)
        inside = QRectF(38, 0, self.width() - 50, ROW)
        painter.setFont(fonts.font("body"))
        painter.setPen(QColor(colour))
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter, self._words)
        if self._count:
            painter.setFont(fonts.font("caption mono"))
            painter.setPen(QColor(theme.text2))
            side = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(inside, side, str(self._count))
        painter.end()
