"""Nodes: one function paints a node in every state and at every zoom, its corner at the origin.

The window caches what this paints; `netloom render` paints it once. No widgets, shadows or blur.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPolygonF

from gui import fonts
from gui.canvas.drawing import (
    NO_BRUSH,
    Detail,
    brush,
    elided,
    fill,
    font_text,
    icon,
    pen,
    rounded,
    stroke,
    text,
)
from gui.canvas.geometry import (
    BADGE_PAD,
    FOOTER,
    HEADER,
    ICON,
    ICON_X,
    NAME_X,
    PORT_Y,
    RADIUS,
    RING,
    RING_X,
    ROW,
    STRIP,
    TEXT_X,
    NodeBox,
    Rect,
    port_y,
)
from gui.canvas.paint_port import paint_port
from gui.canvas.paint_preview import paint_preview
from gui.canvas.view_model import Health, NodeView
from gui.theme import Theme, mix

DEPTH = 2.0
HALO = 4.0
BADGE = 18.0  # warning and error, px; an error keeps 24 px on screen
NAME_ON_SCREEN = 11.0
COLUMN_ROOM = 24.0  # a name below a block may be so much wider
_MIDDLE = 14.5  # of what the header shows below its strip


def paint_node(
    painter: QPainter, node: NodeView, box: NodeBox, theme: Theme, zoom: float, level: Detail
) -> None:
    """A node at `zoom` with the detail `level`; see gui.canvas.drawing.detail."""
    if level < Detail.PLAIN:
        _block(painter, node, box, theme, zoom, level)
    else:
        painter.setOpacity(0.45 if node.state.bypassed else 1.0)
        _body(painter, node, box, theme, level)
        painter.setOpacity(1.0)
        if node.state.bypassed and node.inputs and node.outputs:
            painter.setPen(pen(theme.port[node.outputs[0].kind], 1.75))
            painter.drawLine(QPointF(0, PORT_Y), QPointF(box.width, PORT_Y))
        for port, place in (
            *zip(node.inputs, box.inputs, strict=True),
            *zip(node.outputs, box.outputs, strict=True),
        ):
            paint_port(painter, port, place, theme)
    if node.state.problem:
        size = max(BADGE, 24.0 / zoom) if node.state.problem == "error" else BADGE
        lift = (size - BADGE) / 2 + 2.0  # clear of the first port
        paint_problem(painter, node.state.problem, box.width, -lift, size, theme)


def _block(
    painter: QPainter, node: NodeView, box: NodeBox, theme: Theme, zoom: float, level: Detail
) -> None:
    """The node from afar: a block in its family's colour, with its name while that can be read."""
    tint = mix(theme.canvas, theme.of_family(node.family), 0.7)
    painter.fillRect(QRectF(0, 0, box.width, box.height), brush(tint))
    if node.state.selected:
        painter.setBrush(NO_BRUSH)
        painter.setPen(pen(theme.accent, 2.0 / zoom))
        painter.drawRect(QRectF(0, 0, box.width, box.height))
    if level is Detail.NAME:
        size = NAME_ON_SCREEN / zoom
        font, metrics = fonts.sized("small", round(size))
        room = box.width + COLUMN_ROOM
        name = metrics.elidedText(node.title, Qt.TextElideMode.ElideRight, room)
        middle = box.height + 0.8 * size
        font_text(painter, box.width / 2, middle, name, font, metrics, theme.text2, "centre")


def _body(painter: QPainter, node: NodeView, box: NodeBox, theme: Theme, level: Detail) -> None:
    outer = box.rect()
    if node.state.ghost:
        _ghost(painter, node, outer, theme)
    else:
        _card(painter, node, outer, theme)
    _header(painter, node, box, theme)
    if level is Detail.FULL:
        _lines(painter, node, box, theme)
    if box.preview and node.preview is not None:
        tint = theme.of_family(node.family)
        paint_preview(painter, node.preview, box.preview, tint, theme, level)
    if node.collapsed and node.badge and level is Detail.FULL:
        middle = box.height + 12.0
        text(painter, box.width / 2, middle, node.badge, "caption mono", theme.text3, "centre")


def _card(painter: QPainter, node: NodeView, outer: Rect, theme: Theme) -> None:
    """Depth, body, tinted header, strip and border."""
    state, tint = node.state, theme.of_family(node.family)
    if state.selected:
        halo = rounded(outer.grown(HALO), RADIUS + HALO)
        fill(painter, halo, mix(theme.canvas, theme.accent, 0.24))
    else:
        fill(painter, rounded(outer.moved(0, DEPTH), RADIUS), theme.shade())
    edge, width = theme.border, 1.0
    if state.problem == "error":
        edge, width = theme.error, 1.5
    elif state.selected:
        edge, width = theme.accent, 1.5
    elif state.hovered:
        edge = theme.text3
    fill(painter, rounded(outer, RADIUS), theme.node)
    header = Rect(0, 0, outer.width, HEADER)
    lower = RADIUS if outer.height == HEADER else 0.0
    fill(painter, rounded(header, lower, RADIUS), theme.header(node.family))
    if state.frozen:
        _hatching(painter, header, theme)
    stroke(painter, rounded(outer.grown(-width / 2), RADIUS - width / 2), pen(edge, width))
    strip = tint if not state.running else mix(tint, theme.text, 0.35)
    fill(painter, rounded(Rect(0, 0, outer.width, STRIP), 0.0, STRIP), strip)


def _ghost(painter: QPainter, node: NodeView, outer: Rect, theme: Theme) -> None:
    """A node that is only proposed."""
    path = rounded(outer.grown(-0.75), RADIUS - 0.75)
    fill(painter, path, mix(theme.canvas, theme.accent, 0.09))
    stroke(painter, path, pen(theme.accent, 1.5, (4.0, 3.0)))


def _hatching(painter: QPainter, header: Rect, theme: Theme) -> None:
    """Lines at 45° over the header of a frozen node, ending inside it."""
    painter.setPen(pen(mix(theme.node, theme.text3, 0.35)))
    x = 8.0
    while x < header.width - 6:
        reach = min(header.height - STRIP - 3, header.width - 3 - x)
        foot = header.bottom - 2
        painter.drawLine(QPointF(x, foot), QPointF(x + reach, foot - reach))
        x += 7.0


def _header(painter: QPainter, node: NodeView, box: NodeBox, theme: Theme) -> None:
    top = _MIDDLE - ICON / 2
    icon(painter, node.icon, ICON_X, top, ICON, theme.of_family(node.family))
    name = elided(node.title, "node name", box.name_width + 0.5)
    text(painter, NAME_X, _MIDDLE, name, "node name", theme.text)
    if node.state.frozen:
        icon(painter, "lock", box.width - RING_X - 7, top, ICON, theme.text2)
    elif node.state.health is not None:
        paint_health(painter, node.state.health, box.width - RING_X, _MIDDLE, theme)


def paint_health(painter: QPainter, health: Health, x: float, y: float, theme: Theme) -> None:
    """The ring: arc length and colour are the logarithm of the gradient's norm."""
    if health.not_finite:
        radius = RING / 2 + 0.5
        turns = ((1, 0.414), (0.414, 1), (-0.414, 1), (-1, 0.414))
        corners = [*turns, *((-a, -b) for a, b in turns)]
        painter.setPen(pen(theme.error))
        painter.setBrush(brush(theme.error))
        points = [QPointF(x + a * radius * 0.92, y + b * radius * 0.92) for a, b in corners]
        painter.drawPolygon(QPolygonF(points))
        painter.setPen(pen(theme.node, 1.5))
        painter.drawLine(QPointF(x, y - 3), QPointF(x, y + 0.5))
        painter.drawPoint(QPointF(x, y + 3))
        return
    radius = RING / 2 - 1
    around = QRectF(x - radius, y - radius, 2 * radius, 2 * radius)
    painter.setBrush(NO_BRUSH)
    painter.setPen(pen(mix(theme.node, theme.text3, 0.3), 2.0))
    painter.drawEllipse(around)
    share = min(max(health.share, 0.04), 1.0)
    line = pen(theme.ramp("gradient", health.share), 2.0)
    painter.setPen(line)
    painter.drawArc(around, 90 * 16, round(-share * 360 * 16))
    if health.dead:
        painter.setPen(pen(theme.text3, 2.0))
        painter.drawLine(QPointF(x - 2, y), QPointF(x + 2, y))


def _lines(painter: QPainter, node: NodeView, box: NodeBox, theme: Theme) -> None:
    """The rows of text: key settings, names of further ports, footer."""
    if box.settings and node.summary:
        words = elided(node.summary, "caption mono", box.width - 2 * TEXT_X + 1)
        text(painter, TEXT_X, HEADER + ROW / 2, words, "caption mono", theme.text2)
    if box.settings:
        for index, port in enumerate(node.inputs[2:], 2):
            text(painter, TEXT_X, port_y(index), port.name, "caption mono", theme.text3)
        for index, port in enumerate(node.outputs[2:], 2):
            x, y = box.width - TEXT_X, port_y(index)
            text(painter, x, y, port.name, "caption mono", theme.text3, "right")
    if box.footer:
        _footer(painter, node, box.footer, theme)


def _footer(painter: QPainter, node: NodeView, rect: Rect, theme: Theme) -> None:
    middle = rect.y + FOOTER / 2
    if node.badge:
        width = fonts.measure(node.badge, "caption mono") + 2 * BADGE_PAD
        badge = Rect(rect.x, middle - 8, round(width), 16)
        fill(painter, rounded(badge, 4.0), theme.raised)
        text(painter, badge.x + BADGE_PAD, middle, node.badge, "caption mono", theme.text)
    if node.note:
        text(painter, rect.right, middle, node.note, "caption mono", theme.text3, "right")


def paint_problem(
    painter: QPainter, severity: str, x: float, y: float, size: float, theme: Theme
) -> None:
    """A badge centred at (x, y): a triangle with "!", filled, so it shows over anything."""
    tint = theme.error if severity == "error" else theme.warn
    half = size / 2
    triangle = QPainterPath(QPointF(x, y - half * 0.9))
    triangle.lineTo(x + half, y + half * 0.8)
    triangle.lineTo(x - half, y + half * 0.8)
    triangle.closeSubpath()
    stroke(painter, triangle, pen(theme.canvas, size * 0.3))
    stroke(painter, triangle, pen(tint, size * 0.1))
    fill(painter, triangle, tint)
    painter.setPen(pen(theme.canvas, size * 0.1))
    painter.drawLine(QPointF(x, y - half * 0.25), QPointF(x, y + half * 0.25))
    painter.drawPoint(QPointF(x, y + half * 0.58))
