"""What a window shows while files are dragged over it: that they may be dropped, and what then."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui import fonts
from gui.canvas.drawing import elided, fill, pen, rounded, stroke
from gui.canvas.geometry import Rect
from gui.look import Look
from gui.theme import tokens

INSET = 4.0  # px from the window's edge
HEIGHT, PAD, WIDEST = 36.0, 16.0, 420.0  # px of the words


class DropSign(QWidget):
    """Lies over its parent and lets everything through."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self.words = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.hide()

    def tell(self, paths: Sequence[Path]) -> None:
        """Show what dropping these files does; none takes it away."""
        many = f"{len(paths)} files"
        self.words = f"Drop to open {paths[0].name if len(paths) == 1 else many}" if paths else ""
        parent = self.parentWidget()
        if paths and parent is not None:
            self.setGeometry(parent.rect())
            self.raise_()
        self.setVisible(bool(paths))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, radius = self._look.theme, tokens()["size"]["radius"]
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = Rect(0.0, 0.0, float(self.width()), float(self.height())).grown(-INSET)
        path = rounded(whole, radius["bubble"])
        fill(painter, path, theme.accent, 0.09)
        stroke(painter, path, pen(theme.accent, 1.5, (4.0, 4.0)))
        words = elided(self.words, "node name", WIDEST - 2 * PAD)
        wide = fonts.measure(words, "node name") + 2 * PAD
        left, top = (self.width() - wide) / 2, (self.height() - HEIGHT) / 2
        sign = rounded(Rect(left, top, wide, HEIGHT), radius["button"])
        fill(painter, sign, theme.raised)
        stroke(painter, sign, pen(theme.accent, 1.5))
        painter.setFont(fonts.font("node name"))
        painter.setPen(pen(theme.text))
        painter.drawText(QRectF(left, top, wide, HEIGHT), Qt.AlignmentFlag.AlignCenter, words)
        painter.end()
