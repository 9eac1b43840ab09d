"""What plots and pages paint beside lines: cards of readings, an empty page."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from gui import fonts
from gui.canvas.drawing import brush, colour, fill, pen, rounded, stroke, text
from gui.canvas.geometry import Rect
from gui.theme import Theme


def paint_card(
    painter: QPainter, rows: Sequence[tuple[str, str, str]], x: float, area: Rect, theme: Theme
) -> None:
    """Readings beside a crosshair: (words, value, colour of the line) a row, the first a title."""
    words = max(fonts.measure(row[0], "caption") for row in rows)
    values = max(fonts.measure(row[1], "caption mono") for row in rows)
    width, height = words + values + 48.0, 16.0 * len(rows) + 8.0
    left = x + 10 if x + 10 + width < area.right else x - 10 - width
    card = Rect(round(max(left, area.x)), area.y, round(width), height)
    fill(painter, rounded(card, 5.0), theme.node)
    stroke(painter, rounded(card.grown(-0.5), 4.5), pen(theme.border))
    for number, (name, value, tint) in enumerate(rows):
        middle = card.y + 12.0 + 16.0 * number
        if tint:
            painter.fillRect(QRectF(card.x + 8, middle - 1, 10, 2), brush(tint))
        start = card.x + (24 if tint else 8)
        text(painter, start, middle, name, "caption", theme.text2)
        text(painter, card.right - 8, middle, value, "caption mono", theme.text, "right")


def paint_empty(painter: QPainter, rect: QRectF, words: str, theme: Theme) -> None:
    """The sentence of a page that has nothing to show, in its middle."""
    painter.setFont(fonts.font("body"))
    painter.setPen(colour(theme.text3))
    inner = rect.adjusted(24, 0, -24, 0)
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(inner, int(flags), words)
