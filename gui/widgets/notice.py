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


class Notice(QWidget):
    """One message at a time; a new one replaces the one before."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._tone = look, "error"
        self._badge = QLabel()
        self.text = label()
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._offers = QHBoxLayout()
        self._offers.setSpacing(6)
        close = IconButton(look, "close", "Close this message")
        close.clicked.connect(self.hide)
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
        self._tone = tone
        self.text.setText(text)
        self.setAccessibleName(text)
        while (item := self._offers.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for title, run in offers:
            button = Button(self._look, title)
            button.clicked.connect(self.hide)
            button.clicked.connect(lambda _=False, run=run: run())
            self._offers.addWidget(button)
        self._recolour()
        self.show()

    def _recolour(self) -> None:
        tone: Tone = self._tone  # type: ignore[assignment]
        colour = getattr(self._look.theme, tone)
        self._badge.setPixmap(icon_pixmap(_ICONS[tone], colour, 16, self.devicePixelRatioF()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        colour = getattr(theme, self._tone)
        painter.fillRect(self.rect(), QColor(mix(theme.panel, colour, 0.12)))
        painter.fillRect(
            0, self.height() - 1, self.width(), 1, QColor(mix(theme.panel, colour, 0.5))
        )
        painter.end()
