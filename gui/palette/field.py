"""The field one searches with: a glass at its left, at its right the key that leads here."""

from __future__ import annotations

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from gui.look import Look
from gui.palette.rows import key_chip, pixmap

GLASS = 14
ROOM = 22  # px a key in a frame may need


class SearchField(QLineEdit):
    """A line of text; `key` is shown while it is empty and waits for the keyboard."""

    def __init__(self, look: Look, hint: str, key: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._key = look, key
        self.setPlaceholderText(hint)
        self.setAccessibleName(hint)
        self.setTextMargins(GLASS + 8, 0, ROOM if key else 0, 0)
        look.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, middle = self._look.theme, self.height() / 2
        glass = pixmap("search", theme.text2, GLASS, self.devicePixelRatioF())
        painter.drawPixmap(9, round(middle - GLASS / 2), glass)
        if self._key and not self.text() and not self.hasFocus():
            key_chip(painter, self._key, self.width() - 5, middle, theme)
        painter.end()
