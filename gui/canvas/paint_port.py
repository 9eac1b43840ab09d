"""Ports: shape and colour say what kind of data passes; filled means wired."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath, QPolygonF

from graph.op import PortKind
from gui.canvas.drawing import fill, pen, stroke
from gui.canvas.geometry import PORT, Point
from gui.canvas.view_model import PortView
from gui.theme import Theme

LINE = 1.75
CASING = 2.25


@cache
def outline(kind: PortKind) -> QPainterPath:
    """The shape of a kind around the origin, 9 px; do not change it."""
    path, half = QPainterPath(), PORT / 2
    if kind == "image":
        path.addRoundedRect(QRectF(-half, -half, PORT, PORT), 2, 2)
    elif kind == "sequence":
        path.addRoundedRect(QRectF(-6, -3.5, 12, 7), 3.5, 3.5)
    elif kind == "labels":
        _polygon(path, (0, -5.5), (5.5, 0), (0, 5.5), (-5.5, 0))
    elif kind == "loss":
        _polygon(path, (-4, -5), (5.25, 0), (-4, 5))
    elif kind == "parameters":
        _polygon(path, (-5, 0), (-2.5, -4.4), (2.5, -4.4), (5, 0), (2.5, 4.4), (-2.5, 4.4))
    elif kind == "transition":
        path.moveTo(-2, -half)
        path.arcTo(QRectF(-2 - half, -half, PORT, PORT), 90, -180)
        path.closeSubpath()
    else:
        path.addEllipse(QPointF(0, 0), half, half)
    return path


def _polygon(path: QPainterPath, *corners: tuple[float, float]) -> None:
    path.addPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))
    path.closeSubpath()


def paint_port(painter: QPainter, port: PortView, at: Point, theme: Theme) -> None:
    """One port centred at a point."""
    path, tint = outline(port.kind), theme.port[port.kind]
    painter.translate(at.x, at.y)
    stroke(painter, path, pen(theme.canvas, LINE + 2 * CASING))
    fill(painter, path, tint if port.wired else theme.canvas)
    stroke(painter, path, pen(tint, LINE))
    painter.translate(-at.x, -at.y)
