"""Paints a Draft over the canvas: proposed nodes and wires, ports that light up, the knife."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from gui import fonts
from gui.canvas.draft import Draft, DraftNode, DraftWire
from gui.canvas.drawing import NO_BRUSH, Detail, brush, colour, fill, pen, rounded, stroke, text
from gui.canvas.frame import Frame, draw_segments
from gui.canvas.geometry import PORT, RADIUS, Point, Rect
from gui.canvas.index import Floats
from gui.canvas.link_layer import row_path
from gui.canvas.paint_node import paint_node
from gui.canvas.paint_wire import SIDE, qpath, wire_pen
from gui.canvas.scene import CanvasScene
from gui.canvas.view_model import WireView
from gui.canvas.wires import ABOVE_THREAD, wire_path
from gui.theme import Theme, mix

GLOW, VEIL, RING = 20.0, 14.0, 12.0  # px: light around a port, shade over one, ring of the target
BESIDE = 22.0
LABEL_ROOM = 12.0  # from a wire to the middle of its label


def paint_draft(painter: QPainter, frame: Frame, scene: CanvasScene, draft: Draft) -> None:
    """The draft, in device pixels' coordinates like every layer."""
    theme = frame.theme
    if frame.level >= Detail.PLAIN:
        _dots(painter, frame, draft.dimmed, VEIL, colour(theme.canvas, 0.62))
        _dots(painter, frame, draft.lit, GLOW, colour(theme.accent, 0.38))
    painter.save()
    painter.translate(-frame.origin[0], -frame.origin[1])
    painter.scale(frame.scale, frame.scale)
    for row in draft.rows:
        line = pen(theme.error, 2.5, (6.0, 4.0)) if draft.cut else pen(theme.accent, 3.0)
        stroke(painter, row_path(scene.lines, row), pen(theme.canvas, 3.0 + 2 * SIDE))
        stroke(painter, row_path(scene.lines, row), line)
    for wire in draft.wires:
        _wire(painter, wire, theme)
    for node in draft.nodes:
        _node(painter, node, frame)
    _target(painter, draft, frame)
    if draft.outline is not None:
        _outline(painter, draft.outline, frame)
    if len(draft.knife) > 1:
        painter.setPen(pen(theme.error, 1.5 / frame.zoom, (5.0 / frame.zoom, 4.0 / frame.zoom)))
        painter.drawPolyline(QPolygonF([QPointF(p.x, p.y) for p in draft.knife]))
    painter.restore()


def _dots(painter: QPainter, frame: Frame, places: Floats, size: float, tint: QColor) -> None:
    """Round spots on ports, one call for all."""
    if not len(places):
        return
    line = QPen(tint, size * frame.scale)
    line.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(line)
    spots = frame.device(places)
    draw_segments(painter, np.concatenate([spots, spots], axis=1))


def draft_path(wire: DraftWire) -> QPainterPath:
    """The line of a drafted wire."""
    source, target = wire.source, wire.target
    if not wire.sag:
        return qpath(wire_path(source, target))
    if target.x <= source.x:  # beside the line that the same wire would take
        lane = max(source.y, target.y - ABOVE_THREAD) + BESIDE
        return qpath(wire_path(source, target, lane))
    path, reach = QPainterPath(QPointF(source.x, source.y)), abs(target.x - source.x) * 0.3 + 24.0
    low = max(source.y, target.y) + wire.sag
    path.cubicTo(source.x + reach, low, target.x - reach, low, target.x, target.y)
    return path


def _wire(painter: QPainter, wire: DraftWire, theme: Theme) -> None:
    path = draft_path(wire)
    line = wire_pen(WireView("", 0, "", 0, wire.kind, state=wire.state), theme)
    stroke(painter, path, pen(theme.canvas, line.widthF() + 2 * SIDE))
    stroke(painter, path, line)
    width = fonts.measure(wire.label, "caption mono")
    if wire.label and path.boundingRect().width() > width + 8:
        middle = path.pointAtPercent(0.5)
        y = middle.y() - LABEL_ROOM
        back = QRectF(middle.x() - width / 2 - 3, y - 7, width + 6, 14)
        painter.fillRect(back, brush(theme.canvas))
        text(painter, middle.x(), y, wire.label, "caption mono", theme.text2, "centre")


def _node(painter: QPainter, node: DraftNode, frame: Frame) -> None:
    view, box, theme = node.view, node.box, frame.theme
    painter.translate(view.x, view.y)
    paint_node(painter, view, box, theme, frame.zoom, frame.level)
    if node.caption and frame.level is Detail.FULL:
        middle = box.height + 12.0
        text(painter, box.width / 2, middle, node.caption, "caption mono", theme.accent, "centre")
    painter.translate(-view.x, -view.y)


def _target(painter: QPainter, draft: Draft, frame: Frame) -> None:
    """The port that the wire would end at, and the one that the keyboard is at."""
    theme = frame.theme
    painter.setBrush(NO_BRUSH)
    for at, tint in (
        (draft.target, theme.error if draft.refused else theme.accent),
        (draft.focus, theme.accent),
    ):
        if at is not None:
            painter.setPen(pen(tint, 1.5 if at is draft.target else 2.0))
            painter.drawEllipse(QPointF(at.x, at.y), RING, RING)
    if draft.refused and draft.target is not None:
        _drop(painter, draft.target, theme)


def _drop(painter: QPainter, at: Point, theme: Theme) -> None:
    """A dot before the port: here the wire is held off."""
    painter.setPen(pen(theme.canvas, 2.0))
    painter.setBrush(brush(theme.error))
    painter.drawEllipse(QPointF(at.x - RING - PORT / 2, at.y), 3.5, 3.5)


def _outline(painter: QPainter, rect: Rect, frame: Frame) -> None:
    path = rounded(rect, RADIUS)
    fill(painter, path, mix(frame.theme.canvas, frame.theme.accent, 0.5), 0.12)
    stroke(painter, path, pen(frame.theme.accent, 1.5 / min(frame.zoom, 1.0)))
