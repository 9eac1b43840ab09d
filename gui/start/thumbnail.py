"""A drawing as a small picture: headers in family colours, bodies with what they show, wires.

Too small for words.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from graph.graph import Graph
from graph.shapes import Shapes
from gui.canvas.drawing import Detail, qrect
from gui.canvas.geometry import Rect
from gui.canvas.paint_canvas import Scene, scene_bounds
from gui.canvas.paint_preview import paint_preview
from gui.canvas.paint_wire import qpath
from gui.canvas.view_model import REST, Mosaic, Preview, Sparkline
from gui.rest import rest_previews
from gui.run.previews import data_previews
from gui.theme import Theme

MARGIN = 20.0  # px around the drawing
LARGEST = 0.4  # zoom
HEADER, RADIUS, GRID, DOT = 8.0, 2.0, 16.0, 1.5  # px of the picture


def previews(graph: Graph, shapes: Shapes, losses: Sequence[float]) -> dict[str, Preview]:
    """What the nodes of an example show, by id: its data, and the losses that it had."""
    curves: dict[str, Preview] = {
        node.id: Sparkline(losses) for node in graph if node.op.role == "loss"
    }
    return {**rest_previews(graph, shapes.types), **data_previews(graph), **curves}


def thumbnail(drawing: Scene, theme: Theme, width: int, height: int, ratio: float) -> QPixmap:
    """The drawing in the middle of a picture of `width` × `height` px, with the canvas's dots."""
    picture = QPixmap(round(width * ratio), round(height * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(QColor(theme.canvas))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for x in range(round(GRID / 2), width, round(GRID)):
        for y in range(round(GRID / 2), height, round(GRID)):
            painter.fillRect(QRectF(x, y, DOT, DOT), QColor(theme.grid))
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
        tint = theme.of_family(node.family)
        painter.setBrush(QColor(tint))
        painter.drawRoundedRect(QRectF(box.x, box.y, box.width, header), radius, radius)
        place = drawing.boxes[node.id].preview
        if place is not None and node.preview is not None:
            where = place.moved(node.x, node.y)
            _preview(painter, node.preview, where, tint, theme, zoom)


def _preview(
    painter: QPainter, preview: Preview, where: Rect, tint: str, theme: Theme, zoom: float
) -> None:
    """Lines and gaps keep their width, points and bars shrink; an empty mosaic is plain ground."""
    if isinstance(preview, Mosaic) and preview.ramp == REST:
        radius = RADIUS / zoom
        painter.setBrush(QColor(theme.canvas))
        painter.drawRoundedRect(qrect(where), radius, radius)
        return
    if not isinstance(preview, Sparkline | Mosaic):
        paint_preview(painter, preview, where, tint, theme, Detail.PLAIN)
        return
    painter.save()
    painter.translate(where.x, where.y)
    painter.scale(1 / zoom, 1 / zoom)
    shown = Rect(0.0, 0.0, where.width * zoom, where.height * zoom)
    paint_preview(painter, preview, shown, tint, theme, Detail.PLAIN)
    painter.restore()
