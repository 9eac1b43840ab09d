"""The field one searches with: a glass at its left, at its right the key that leads here."""

from __future__ import annotations

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit

from gui.look import Look
from gui.palette.rows import key_chip, pixmap
from gui.widgets.menus import round_menu_of

GLASS = 14
ROOM = 22  # px a key in a frame may need


class SearchField(QLineEdit):
    """A line of text; `key` is shown while it is empty and waits for the keyboard."""

    def __init__(self, look: Look, hint: str, key: str = "", framed: bool = True) -> None:
        super().__init__()
        self._look, self._key = look, key
        self._glass_x = 9 if framed else 12
        self.setPlaceholderText(hint)
        self.setAccessibleName(hint)
        if not framed:
            self.setProperty("kind", "plain")
        left = self._glass_x + GLASS + 8 - (8 if framed else 0)  # the frame has a padding of 8
        self.setTextMargins(left, 0, ROOM if key else 0, 0)
        round_menu_of(self)
        look.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, middle = self._look.theme, self.height() / 2
        glass = pixmap("search", theme.text2, GLASS, self.devicePixelRatioF())
        painter.drawPixmap(self._glass_x, round(middle - GLASS / 2), glass)
        if self._key and not self.text() and not self.hasFocus():
            key_chip(painter, self._key, self.width() - 5, middle, theme)
        painter.end()
