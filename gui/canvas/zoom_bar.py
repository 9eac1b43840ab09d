"""Zoom out, the zoom itself, zoom in, fit: beside the overview (LOOK.md, Window)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QWidget

from gui.canvas.camera import NOTCH
from gui.canvas.drawing import fill, icon, pen, rounded, stroke, text
from gui.canvas.geometry import Rect

if TYPE_CHECKING:
    from gui.canvas.surface import Surface

HEIGHT, SIDE, MIDDLE, RADIUS = 28, 30, 56, 6.0


class ZoomBar(QWidget):
    """Four buttons; the pointer's way to what the keys do."""

    def __init__(self, surface: Surface) -> None:
        super().__init__(surface)
        self._surface = surface
        row = QHBoxLayout(self)
        row.setContentsMargins(1, 1, 1, 1)
        row.setSpacing(0)
        parts: tuple[tuple[str, str, str, Callable[[], object]], ...] = (
            ("minus", "Zoom out", "Ctrl+-", lambda: surface.zoom_by(-NOTCH)),
            ("", "Zoom to 100 %", "Ctrl+0", lambda: surface.zoom_by(-surface.camera.rung)),
            ("plus", "Zoom in", "Ctrl+=", lambda: surface.zoom_by(NOTCH)),
            ("fit", "Fit the drawing", "Home", surface.fit),
        )
        for name, words, keys, act in parts:
            button = _Button(surface, name, words, keys)
            button.clicked.connect(lambda _=False, act=act: act())
            row.addWidget(button)
        self.setFixedHeight(HEIGHT)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.adjustSize()
        surface.camera_changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._surface.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = Rect(0.5, 0.5, self.width() - 1.0, self.height() - 1.0)
        fill(painter, rounded(frame, RADIUS), theme.panel)
        stroke(painter, rounded(frame, RADIUS), pen(theme.border))
        x = self.width() - SIDE - 1.5
        painter.setPen(pen(theme.border))
        painter.drawLine(round(x), 7, round(x), self.height() - 8)


class _Button(QAbstractButton):
    """An icon, or the zoom in figures."""

    def __init__(self, surface: Surface, name: str, words: str, keys: str) -> None:
        super().__init__()
        self._surface, self._icon, self._lit = surface, name, False
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(words)
        self.setToolTip(f"{words}  {keys}")
        self.setFixedSize(QSize(SIDE if name else MIDDLE, HEIGHT - 2))

    def enterEvent(self, event: QEnterEvent) -> None:
        self._lit = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._lit = False
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._surface.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._lit:
            inner = Rect(2.0, 2.0, self.width() - 4.0, self.height() - 4.0)
            fill(painter, rounded(inner, RADIUS - 2), theme.hover)
        tint = theme.text if self._lit or self.isDown() else theme.text2
        if self._icon:
            corner = (self.width() - 14) / 2, (self.height() - 14) / 2
            icon(painter, self._icon, *corner, 14, tint)
            return
        words = f"{round(100 * self._surface.camera.zoom)} %"
        text(painter, self.width() / 2, self.height() / 2, words, "caption mono", tint, "centre")
