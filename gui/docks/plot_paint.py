"""What plots and pages paint with: lines from arrays, cards of readings, an empty page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import shiboken6
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from gui import fonts
from gui.canvas.drawing import brush, colour, fill, pen, rounded, stroke, text
from gui.canvas.frame import draw_segments
from gui.canvas.geometry import Rect
from gui.docks.plot_lines import Floats, Line
from gui.theme import Theme, mix

_VOID = cast("Any", shiboken6.VoidPtr)  # its types leave out size and writeable


def draw_polyline(painter: QPainter, points: Floats, line: QPen) -> None:
    """A line through points (n, 2), broken where one is not finite. Qt reads the array in place."""
    finite = np.isfinite(points[:, 0]) & np.isfinite(points[:, 1])
    if len(points) < 2:
        return
    painter.setPen(line)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if line.widthF() <= 1.0 and line.style() is Qt.PenStyle.SolidLine:
        kept = finite[1:] & finite[:-1]
        thin = QPen(line)
        thin.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(thin)
        draw_segments(painter, np.concatenate([points[:-1], points[1:]], axis=1)[kept])
        return
    for part in np.split(points, np.flatnonzero(~finite)):
        part = part[np.isfinite(part[:, 0]) & np.isfinite(part[:, 1])]
        polygon = QPolygonF()
        polygon.resize(len(part))
        room = _VOID(polygon.data(), 16 * len(part), True)
        np.frombuffer(room, np.float64)[:] = part.reshape(-1)
        painter.drawPolyline(polygon)


def paint_card(
    painter: QPainter, rows: Sequence[tuple[str, str, str]], x: float, area: Rect, theme: Theme
) -> None:
    """Readings beside a crosshair: (words, value, colour of the line) a row, the first a title."""
    words = max(fonts.measure(row[0], "caption") for row in rows)
    values = max(fonts.measure(row[1], "caption mono") for row in rows)
    width, height = words + values + 40.0, 16.0 * len(rows) + 8.0
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


def ghost(line: Line, theme: Theme, share: float) -> Line:
    """A line held back: its colour mixed into the panel, so its pen stays opaque."""
    return replace(line, colour=mix(theme.panel, line.colour, share))
