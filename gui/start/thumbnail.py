"""A drawing as a small picture: headers in family colours, bodies, wires; too small for words."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from gui.canvas.paint_canvas import Scene, scene_bounds
from gui.canvas.paint_wire import qpath
from gui.theme import Theme

MARGIN = 16.0  # px around the drawing
LARGEST = 0.32  # zoom
HEADER, RADIUS, DOT = 8.0, 2.0, 10.0  # px of the picture


def thumbnail(drawing: Scene, theme: Theme, width: int, height: int, ratio: float) -> QPixmap:
    """The drawing in the middle of a picture of `width` × `height` px, with the canvas's dots."""
    picture = QPixmap(round(width * ratio), round(height * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(QColor(theme.canvas))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for x in range(round(DOT / 2), width, round(DOT)):
        for y in range(round(DOT / 2), height, round(DOT)):
            painter.fillRect(QRectF(x, y, 1, 1), QColor(theme.grid))
    bounds = scene_bounds(drawing)
    if bounds is not None:
        room = width - 2 * MARGIN, height - 2 * MARGIN
        zoom = min(room[0] / bounds.width, room[1] / bounds.height, LARGEST)
        painter.translate(width / 2, height / 2)
        painter.scale(zoom, zoom)
        painter.translate(-(bounds.x + bounds.width / 2), -(bounds.y + bounds.height / 2))
        _paint(painter, drawing, theme, zoom)
    painter.end()
    return picture


def _paint(painter: QPainter, drawing: Scene, theme: Theme, zoom: float) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme.wire), 1.0 / zoom))
    for line in drawing.lines:
        painter.drawPath(qpath(line))
    radius, header = RADIUS / zoom, HEADER / zoom
    for node in drawing.view.nodes:
        box = drawing.boxes[node.id].rect(node.x, node.y)
        body = QRectF(box.x, box.y, box.width, max(box.height, header))
        painter.setPen(QPen(QColor(theme.border), 1.0 / zoom))
        painter.setBrush(QColor(theme.node))
        painter.drawRoundedRect(body, radius, radius)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.of_family(node.family)))
        painter.drawRoundedRect(QRectF(box.x, box.y, box.width, header), radius, radius)
