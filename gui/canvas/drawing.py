"""What every painter of the canvas draws with: cached colours, pens and icons, text, rounded paths.

Calls from Python into Qt are what painting costs, so nothing here is made twice.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache, lru_cache
from typing import Literal

from PySide6.QtCore import QByteArray, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
)
from PySide6.QtSvg import QSvgGenerator, QSvgRenderer

import resources
from gui import fonts
from gui.canvas.camera import NAMED, READABLE
from gui.canvas.geometry import Rect

Align = Literal["left", "right", "centre"]


class Detail(IntEnum):
    """How much of a node is drawn, decided once a frame by the zoom (LOOK.md, Node)."""

    BOX = 0  # below 10 %: a block, straight wires
    NAME = 1  # below 25 %: a block with its name
    PLAIN = 2  # below 60 %: no settings, footer or text of previews
    FULL = 3


def detail(zoom: float) -> Detail:
    """The level of detail at a zoom (1 is 100 %)."""
    if zoom >= READABLE:
        return Detail.FULL
    if zoom >= NAMED:
        return Detail.PLAIN
    return Detail.NAME if zoom >= 0.1 else Detail.BOX


@cache
def colour(name: str, alpha: float = 1.0) -> QColor:
    """The QColor of "#RRGGBB"; do not change it."""
    made = QColor(name)
    made.setAlphaF(alpha)
    return made


@cache
def brush(name: str, alpha: float = 1.0) -> QBrush:
    """A solid brush; do not change it."""
    return QBrush(colour(name, alpha))


@lru_cache(maxsize=4096)
def pen(name: str, width: float = 1.0, dashes: tuple[float, ...] = (), alpha: float = 1.0) -> QPen:
    """A round-capped pen; `dashes` in px, not in widths. Do not change it."""
    made = QPen(colour(name, alpha), width)
    made.setCapStyle(Qt.PenCapStyle.FlatCap if dashes else Qt.PenCapStyle.RoundCap)
    made.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dashes:
        if dashes[0] <= 1.0:  # dots are round
            made.setCapStyle(Qt.PenCapStyle.RoundCap)
        made.setDashPattern([length / width for length in dashes])
    return made


NO_PEN = QPen(Qt.PenStyle.NoPen)
NO_BRUSH = QBrush(Qt.BrushStyle.NoBrush)


def qrect(rect: Rect) -> QRectF:
    """The Qt rectangle of a Rect."""
    return QRectF(rect.x, rect.y, rect.width, rect.height)


@lru_cache(maxsize=4096)
def rounded(rect: Rect, radius: float, top: float | None = None) -> QPainterPath:
    """A rectangle with round corners; `top` is the radius of the upper two. Do not change it."""
    half = max(rect.width / 2, 0.0)
    upper = min(radius, half, rect.height / 2) if top is None else min(top, half, rect.height)
    radius = min(radius, half, rect.height - upper)
    path = QPainterPath()
    x, y, right, bottom = rect.x, rect.y, rect.right, rect.bottom
    path.moveTo(x + upper, y)
    path.lineTo(right - upper, y)
    path.arcTo(right - 2 * upper, y, 2 * upper, 2 * upper, 90, -90)
    path.lineTo(right, bottom - radius)
    path.arcTo(right - 2 * radius, bottom - 2 * radius, 2 * radius, 2 * radius, 0, -90)
    path.lineTo(x + radius, bottom)
    path.arcTo(x, bottom - 2 * radius, 2 * radius, 2 * radius, 270, -90)
    path.lineTo(x, y + upper)
    path.arcTo(x, y, 2 * upper, 2 * upper, 180, -90)
    path.closeSubpath()
    return path


def fill(painter: QPainter, path: QPainterPath, name: str, alpha: float = 1.0) -> None:
    """Fill a path with a colour."""
    painter.fillPath(path, brush(name, alpha))


def stroke(painter: QPainter, path: QPainterPath, line: QPen) -> None:
    """Draw the outline of a path."""
    painter.strokePath(path, line)


def text(
    painter: QPainter,
    x: float,
    middle: float,
    words: str,
    style: str,
    name: str,
    align: Align = "left",
) -> None:
    """One line of text; its capitals are centred on `middle`."""
    font_text(painter, x, middle, words, fonts.font(style), fonts.metrics(style), name, align)


def font_text(
    painter: QPainter,
    x: float,
    middle: float,
    words: str,
    font: QFont,
    metrics: QFontMetricsF,
    name: str,
    align: Align = "left",
) -> None:
    """`text` in any font. In an SVG it becomes outlines: no viewer needs the fonts."""
    if align != "left":
        width = metrics.horizontalAdvance(words)
        x -= width if align == "right" else width / 2
    baseline = QPointF(x, middle + metrics.capHeight() / 2)
    if is_svg(painter):
        path = QPainterPath()
        path.addText(baseline, font, words)
        painter.fillPath(path, brush(name))
        return
    painter.setFont(font)
    painter.setPen(colour(name))
    painter.drawText(baseline, words)


def draw_image(painter: QPainter, place: QRectF, image: QImage) -> None:
    """An image in a place of another size: with smooth edges it takes seven times as long."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.drawImage(place, image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


def is_svg(painter: QPainter) -> bool:
    """Whether it writes an SVG. Asked of its paint engine this costs as much as a word painted."""
    return isinstance(painter.device(), QSvgGenerator)


def elided(words: str, style: str, width: float) -> str:
    """The text, cut with "…" where it is wider than `width`."""
    if fonts.measure(words, style) <= width:
        return words
    return fonts.metrics(style).elidedText(words, Qt.TextElideMode.ElideRight, width)


@lru_cache(maxsize=1024)
def _icon(name: str, tint: str) -> QSvgRenderer:
    source = resources.icon(name).replace("currentColor", tint)
    return QSvgRenderer(QByteArray(source.encode()))


def icon(painter: QPainter, name: str, x: float, y: float, size: float, tint: str) -> None:
    """An icon in one colour, its corner at (x, y)."""
    _icon(name, tint).render(painter, QRectF(x, y, size, size))
