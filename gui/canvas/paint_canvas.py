"""The canvas below and around the nodes: dots, frames, notes; and a whole drawing at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath

from gui import fonts
from gui.canvas.camera import READABLE
from gui.canvas.drawing import (
    Detail,
    brush,
    detail,
    elided,
    fill,
    font_text,
    pen,
    qrect,
    rounded,
    stroke,
    text,
)
from gui.canvas.geometry import NodeBox, Rect, node_bounds, node_box
from gui.canvas.items import NOTE_PAD, note_lines, note_rect
from gui.canvas.layout import FRAME_TITLE, arrange, is_unplaced
from gui.canvas.paint_node import paint_node
from gui.canvas.paint_wire import Overlay, paint_portal, paint_wire_dots, paint_wires, qpath
from gui.canvas.routes import routed
from gui.canvas.view_model import CanvasView, FrameView, NoteView
from gui.canvas.wires import Path, path_bounds, path_points, paths, tag_rect, wire_ends
from gui.theme import Theme, mix

DOT_STEP = 20.0
MOST_DOTS = 250_000
FRAME_RADIUS = 10.0
NOTE_RADIUS = 5.0
TITLE_ON_SCREEN = 12.0


@dataclass(frozen=True)
class Scene:
    """A drawing with everything placed: what `paint_scene` paints."""

    view: CanvasView
    boxes: Mapping[str, NodeBox]
    lines: list[Path] = field(default_factory=list)  # of view.wires that are no portals


def scene(view: CanvasView) -> Scene:
    """Measure a drawing, lay it out when nobody has placed the nodes, and lead its wires."""
    boxes = {node.id: node_box(node, fonts.measure) for node in view.nodes}
    if is_unplaced(view):
        view = arrange(view, boxes)
    view = routed(view, boxes)
    return Scene(view, boxes, [path for _, path in paths(view, boxes)])


def scene_bounds(scene: Scene) -> Rect | None:
    """Rectangle around all that a drawing shows; None when it is empty."""
    view, boxes = scene.view, scene.boxes
    found = [node_bounds(node, boxes[node.id]) for node in view.nodes]
    found += [path_bounds(path) for path in scene.lines]
    found += [Rect(frame.x, frame.y, frame.width, frame.height) for frame in view.frames]
    found += [note_rect(note) for note in view.notes]
    for wire in view.wires:
        if wire.portal:
            source, target = wire_ends(wire, view.by_id, boxes)
            found += [tag_rect(source, True), tag_rect(target, False)]
    if not found:
        return None
    whole = found[0]
    for rect in found[1:]:
        whole = whole.united(rect)
    return whole


def paint_scene(
    painter: QPainter,
    scene: Scene,
    area: Rect,
    theme: Theme,
    zoom: float = 1.0,
    overlay: Overlay = "kind",
) -> None:
    """Paint a drawing and the canvas under it; `area` is the part to cover, in canvas px."""
    level = detail(zoom)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(qrect(area), brush(theme.canvas))
    paint_dots(painter, area, theme, zoom)
    for frame in scene.view.frames:
        paint_frame(painter, frame, theme, zoom)
    _wires(painter, scene, theme, zoom, overlay)
    if level >= Detail.PLAIN:
        paint_portals(painter, scene, theme)
    for node in scene.view.nodes:
        painter.translate(node.x, node.y)
        paint_node(painter, node, scene.boxes[node.id], theme, zoom, level)
        painter.translate(-node.x, -node.y)
    for note in scene.view.notes:
        paint_note(painter, note, theme, level)


def _wires(painter: QPainter, scene: Scene, theme: Theme, zoom: float, overlay: Overlay) -> None:
    if detail(zoom) is Detail.BOX:
        painter.setPen(pen(theme.wire, 1.0 / zoom))
        for path in scene.lines:
            ends = list(path_points(path, 1))
            painter.drawLine(QPointF(ends[0].x, ends[0].y), QPointF(ends[-1].x, ends[-1].y))
        return
    shown = (wire for wire in scene.view.wires if not wire.portal)
    pairs = zip(shown, map(qpath, scene.lines), strict=True)
    for _, bundle in groupby(pairs, key=lambda pair: (pair[0].source, pair[0].output)):
        lines = list(bundle)
        paint_wires(painter, lines, theme, overlay)
        for wire, _ in lines if detail(zoom) >= Detail.PLAIN else ():
            paint_wire_dots(painter, wire, wire.dots, theme, overlay)


def paint_portals(painter: QPainter, scene: Scene, theme: Theme) -> None:
    """Both tags of every portal."""
    for wire in scene.view.wires:
        if wire.portal:
            source, target = wire_ends(wire, scene.view.by_id, scene.boxes)
            paint_portal(painter, source, True, wire.portal, wire.kind, theme)
            paint_portal(painter, target, False, wire.portal, wire.kind, theme)


def paint_dots(painter: QPainter, area: Rect, theme: Theme, zoom: float = 1.0) -> None:
    """Dots of 1 px radius every 20, fewer from afar and on a very large area; in one call."""
    step = DOT_STEP
    while step * zoom < 14.0 or area.width * area.height > MOST_DOTS * step * step:
        step *= 2.0
    size = 2.0 / max(1.0, zoom) if zoom >= READABLE else 1.0 / zoom
    path = QPainterPath()
    row = -(-area.y // step) * step
    while row < area.bottom:
        x = -(-area.x // step) * step
        while x < area.right:
            path.addRect(QRectF(x - size / 2, row - size / 2, size, size))
            x += step
        row += step
    painter.fillPath(path, brush(theme.grid))


def paint_frame(painter: QPainter, frame: FrameView, theme: Theme, zoom: float = 1.0) -> None:
    """A frame: a tinted ground, an outline and a title, which from afar keeps 12 px on screen."""
    tint = theme.of_family(frame.family)
    rect = Rect(frame.x, frame.y, frame.width, frame.height)
    ground = mix(theme.canvas, tint, 0.08)
    fill(painter, rounded(rect, FRAME_RADIUS), ground)
    bar = Rect(rect.x, rect.y, rect.width, FRAME_TITLE)
    if zoom >= READABLE:
        fill(painter, rounded(bar, 0.0, FRAME_RADIUS), mix(ground, tint, 0.10))
    stroke(
        painter,
        rounded(rect.grown(-0.5), FRAME_RADIUS - 0.5),
        pen(mix(theme.canvas, tint, 0.55)),
    )
    if zoom >= READABLE:
        title = elided(frame.title, "section", rect.width - 24)
        text(painter, rect.x + 12, bar.middle, title, "section", theme.text)
        return
    size = TITLE_ON_SCREEN / zoom
    font = fonts.sized("section", round(size))
    font_text(painter, rect.x, rect.y - size, frame.title, *font, theme.text2)


def paint_note(painter: QPainter, note: NoteView, theme: Theme, level: Detail) -> None:
    """Text on a sheet of its own."""
    rect = note_rect(note)
    fill(painter, rounded(rect, NOTE_RADIUS), theme.panel)
    stroke(painter, rounded(rect.grown(-0.5), NOTE_RADIUS - 0.5), pen(theme.border))
    if level < Detail.PLAIN:
        return
    y = rect.y + NOTE_PAD
    height = fonts.line_height("body")
    for line in note_lines(note):
        text(painter, rect.x + NOTE_PAD, y + height / 2, line, "body", theme.text2)
        y += height
