"""Previews inside nodes: mosaics of small pictures, sparklines, bars."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPolygonF

from gui.canvas.drawing import Detail, brush, draw_image, fill, is_svg, pen, qrect, rounded, text
from gui.canvas.geometry import Rect
from gui.canvas.view_model import REST, Bars, Mosaic, Preview, Scatter, Sparkline
from gui.colour_maps import COUNT, greys, map_pixels, pixel
from gui.theme import Mood, Theme, mix
from gui.theme import theme as theme_of

SHARPEST = 4  # pixels of a mosaic for each px, at most
RADIUS = 3.0
QUIET = 0.1  # how much of the text's colour tiles have that show nothing yet


def paint_preview(
    painter: QPainter, preview: Preview, rect: Rect, tint: str, theme: Theme, level: Detail
) -> None:
    """A preview in its rectangle; `tint` is the family colour."""
    if isinstance(preview, Mosaic):
        _mosaic(painter, preview, rect, theme)
    elif isinstance(preview, Sparkline):
        _sparkline(painter, preview, rect, tint, theme)
    elif isinstance(preview, Scatter):
        _scatter(painter, preview, rect, theme)
    else:
        _bars(painter, preview, rect, tint, theme, level)


def mosaic_image(mosaic: Mosaic, rect: Rect, theme: Theme, sharpness: int = 2) -> QImage:
    """The tiles side by side with gaps of 1 px and round corners, `sharpness` times `rect`."""
    size = round(rect.width * sharpness), round(rect.height * sharpness)
    image = QImage(*size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.scale(sharpness, sharpness)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    path = QPainterPath()
    path.addRoundedRect(0, 0, rect.width, rect.height, RADIUS, RADIUS)
    painter.setClipPath(path)
    wide = (rect.width - (mosaic.columns - 1)) / mosaic.columns
    high = (rect.height - (mosaic.rows - 1)) / mosaic.rows
    count, rows, columns = mosaic.tiles.shape
    pixels = _table(theme.name, mosaic.ramp)[mosaic.tiles]  # of all at once: five times as fast
    for index in range(count):
        row, column = divmod(index, mosaic.columns)
        place = QRectF(column * (wide + 1), row * (high + 1), wide, high)
        # enlarged by a smooth filter, so that 8 × 8 values read well
        tile = QImage(pixels[index].data, columns, rows, 4 * columns, QImage.Format.Format_RGB32)
        painter.drawImage(place, tile)
    painter.end()
    return image


@cache
def _table(mood: Mood, ramp: str) -> NDArray[np.uint32]:
    """The 256 colours of a map of a theme, or greys; made for a tile each they cost most of it."""
    if ramp == REST:
        look = theme_of(mood)
        return np.full(COUNT, pixel(mix(look.node, look.text3, QUIET)), np.uint32)
    return map_pixels(mood, ramp) if ramp else greys()


def _mosaic(painter: QPainter, preview: Mosaic, rect: Rect, theme: Theme) -> None:
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    draw_image(painter, qrect(rect), mosaic_image(preview, rect, theme, _sharpness(painter)))


def _sharpness(painter: QPainter) -> int:
    """Pixels of the target for each px, up to SHARPEST; an SVG gets the most."""
    if is_svg(painter):
        return SHARPEST
    pixels = painter.worldTransform().m11() * painter.device().devicePixelRatioF()
    return min(max(math.ceil(pixels - 0.01), 1), SHARPEST)


def _sparkline(painter: QPainter, preview: Sparkline, rect: Rect, tint: str, theme: Theme) -> None:
    """The curve on a tinted ground, as in the look's loss node."""
    values = [v for v in preview.values if math.isfinite(v)]
    if len(values) < 2:
        return
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    across = rect.width / (len(values) - 1)
    points = [
        QPointF(rect.x + i * across, rect.bottom - 3 - (v - low) / span * (rect.height - 6))
        for i, v in enumerate(values)
    ]
    under = QPainterPath(points[0])
    for point in points[1:]:
        under.lineTo(point)
    under.lineTo(rect.right, rect.bottom)
    under.lineTo(rect.x, rect.bottom)
    under.closeSubpath()
    fill(painter, under, mix(theme.node, tint, 0.15))
    painter.setPen(pen(tint, 1.4))
    painter.drawPolyline(QPolygonF(points))


def _scatter(painter: QPainter, preview: Scatter, rect: Rect, theme: Theme) -> None:
    """The points on a field ground, both axes stretched to fill it; class colours as for runs."""
    if not len(preview.points):
        return
    fill(painter, rounded(rect, RADIUS), theme.field if theme.name == "dark" else theme.raised)
    low, high = preview.points.min(axis=0), preview.points.max(axis=0)
    share = (preview.points - low) / np.where(high > low, high - low, 1.0)
    margin = 6.0
    x = rect.x + margin + share[:, 0] * (rect.width - 2 * margin)
    y = rect.bottom - margin - share[:, 1] * (rect.height - 2 * margin)
    for group in np.unique(preview.groups):
        dots = [
            QPointF(a, b)
            for a, b in zip(x[preview.groups == group], y[preview.groups == group], strict=True)
        ]
        painter.setPen(pen(theme.runs[int(group) % len(theme.runs)], 2.0))
        painter.drawPoints(dots)


def _bars(
    painter: QPainter, preview: Bars, rect: Rect, tint: str, theme: Theme, level: Detail
) -> None:
    labels = preview.labels if level is Detail.FULL else ()
    room = rect.height - (12.0 if preview.labels else 0.0)
    step = rect.width / max(len(preview.values), 1)
    gap = min(3.0, step * 0.25)
    top = max((v for v in preview.values if math.isfinite(v)), default=0.0) or 1.0
    quiet = mix(theme.node, theme.text3, 0.55)
    for index, value in enumerate(preview.values):
        height = max(1.0, room * value / top) if math.isfinite(value) else 0.0
        x = rect.x + index * step + gap / 2
        shade = tint if index == preview.marked or preview.marked < 0 else quiet
        bar = QRectF(x, rect.y + room - height, step - gap, height)
        painter.fillRect(bar, brush(shade))
    for index, label in enumerate(labels):
        x = rect.x + (index + 0.5) * step
        text(painter, x, rect.bottom - 4, label, "caption mono", theme.text3, "centre")
