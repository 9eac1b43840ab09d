"""A bar that says what went wrong, or offers something, until it is closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gui.look import Look, icon_pixmap
from gui.theme import mix
from gui.widgets.basics import Button, IconButton, label

Tone = Literal["error", "warn", "accent"]
_ICONS: dict[Tone, str] = {"error": "error", "warn": "warning", "accent": "info"}
Offer = tuple[str, Callable[[], object]]
Message = tuple[str, Tone, Sequence[Offer]]


class Notice(QWidget):
    """One message at a time; a new one replaces the one before. One that offers something comes
    back once the new one is closed, until somebody has answered it.
    """

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._tone: Tone = "error"
        self._shown: Message | None = None
        self._waiting: list[Message] = []  # the one to come back first is the last
        self._badge = QLabel()
        self.text = label()
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._offers = QHBoxLayout()
        self._offers.setSpacing(6)
        close = IconButton(look, "close", "Close this message")
        close.clicked.connect(self._close)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 8, 6)
        row.setSpacing(10)
        row.addWidget(self._badge)
        row.addWidget(self.text, 1)
        row.addLayout(self._offers)
        row.addWidget(close)
        look.changed.connect(self._recolour)
        self.hide()

    def say(self, text: str, tone: Tone = "error", offers: Sequence[Offer] = ()) -> None:
        """Show a message; each offer is a button that closes the bar when pressed."""
        self._waiting = [one for one in self._waiting if one[0] != text]
        if self._shown is not None and self._shown[2] and self._shown[0] != text:
            self._waiting.append(self._shown)
        self._show((text, tone, offers))

    def _show(self, message: Message) -> None:
        self._shown = message
        text, self._tone, offers = message
        self.text.setText(text)
        self.setAccessibleName(text)
        while (item := self._offers.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for title, run in offers:
            button = Button(self._look, title)
            button.clicked.connect(self._close)
            button.clicked.connect(lambda _=False, run=run: run())
            self._offers.addWidget(button)
        self._recolour()
        self.show()

    def _close(self) -> None:
        self._shown = None
        if self._waiting:
            self._show(self._waiting.pop())
        else:
            self.hide()

    def _recolour(self) -> None:
        colour = getattr(self._look.theme, self._tone)
        self._badge.setPixmap(icon_pixmap(_ICONS[self._tone], colour, 16, self.devicePixelRatioF()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        colour = getattr(theme, self._tone)
        painter.fillRect(self.rect(), QColor(mix(theme.panel, colour, 0.12)))
        painter.fillRect(
            0, self.height() - 1, self.width(), 1, QColor(mix(theme.panel, colour, 0.5))
        )
        painter.end()
