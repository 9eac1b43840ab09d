"""The bubble at a port that refuses a wire: why, and what would make it fit (LOOK.md, Refusal)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QWidget

from gui import fonts
from gui.canvas.beside import beside
from gui.canvas.drawing import NO_PEN, brush, fill, icon, pen, rounded, stroke, text
from gui.canvas.geometry import Point, Rect, wrapped
from gui.canvas.refusal import Proposal, Refusal
from gui.theme import Theme, mix

if TYPE_CHECKING:
    from gui.canvas.surface import Surface

WIDEST, SHARE, LEAST = 400.0, 0.6, 260.0  # px; of the canvas's width; px however narrow that is
PAD, INDENT = 16.0, 38.0
HEAD, LINE, ROW, ROW_GAP, FOOT, TAIL = 12.0, 18.0, 32.0, 2.0, 36.0, 10.0
LOW = 480  # px of a canvas below which the bubble has no foot
ICON, KEY = 32.0, 56.0  # px of a row before its title and behind its shapes
RADIUS, ARROW = 8.0, 8.0  # an arrow lies in the rim around the body, so wide


class Bubble(QWidget):
    """Takes no focus: the canvas's keys work it, the pointer may too."""

    hovered = Signal(int)
    taken = Signal(int)

    def __init__(self, surface: Surface, theme: Callable[[], Theme]) -> None:
        super().__init__(surface)
        self._surface, self._theme = surface, theme
        self._refusal: Refusal | None = None
        self._title: list[str] = []
        self._lines: list[str] = []
        self._width, self._current, self._low = WIDEST, 0, False
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.hide()
        surface.camera_changed.connect(self.place)

    def tell(self, refusal: Refusal, current: int) -> None:
        """Show a refusal with one of its proposals preselected."""
        if refusal is not self._refusal:
            self._refusal = refusal
            self._fit(refusal)
            self.setAccessibleName(f"{refusal.title}. {refusal.sentence}")
            self.setAccessibleDescription("; ".join(one.title for one in refusal.proposals))
        self._current = current
        self.place()
        self.show()
        self.raise_()
        self.update()

    def _fit(self, refusal: Refusal) -> None:
        """As wide as the longest of its lines asks, within limits, and as high as all of them."""
        measure, rim = fonts.measure, INDENT + PAD
        widest = min(WIDEST, max(SHARE * self._surface.width(), LEAST))
        rows = [
            2 * PAD + ICON + measure(one.title, "node name") + 10 + _wide(one.shapes) + KEY
            for one in refusal.proposals
        ]
        sentence = rim + measure(refusal.sentence, "body")
        wanted = max(rim + measure(refusal.title, "panel title"), sentence, *rows, LEAST)
        self._width = min(float(math.ceil(wanted)), widest)
        room = self._width - rim
        self._low = self._surface.height() < LOW
        key = measure("Esc", "caption mono") + 20 if self._low else 0.0
        self._title = wrapped(refusal.title, room - key, measure, "panel title")
        self._lines = wrapped(refusal.sentence, room, measure, "body")
        high = self._rows_top() + (ROW + ROW_GAP) * len(rows) + (TAIL if self._low else FOOT)
        self.setFixedSize(round(self._width + 2 * ARROW), round(high + ARROW))

    def place(self) -> None:
        """Near the port: over neither of the wire's nodes nor what is proposed, where it can."""
        refusal, surface = self._refusal, self._surface
        if refusal is None:
            return
        scene = surface.scene
        known = [id for id in (refusal.node, refusal.giver) if id in scene.index_of]
        dear = [scene.rect(scene.index_of[id]) for id in known]
        dear += [d.box.rect(d.view.x, d.view.y) for one in refusal.proposals for d in one.nodes]
        others = [scene.rect(row) for row in scene.boxes.meeting(surface.camera.area).tolist()]
        port = surface.camera.window(refusal.port)
        node = self._seen(dear[0]) if dear else Rect(port.x, port.y, 0.0, 0.0)
        at = beside(
            (float(self.width()), float(self.height())),
            port,
            node,
            (float(surface.width()), float(surface.height())),
            [node, *(self._seen(rect) for rect in dear)],  # the port's own node counts twice
            [self._seen(rect) for rect in others] + surface.card_rects(),
        )
        self.move(round(at.x), round(at.y))
        self.update()  # the arrow points elsewhere

    def _seen(self, rect: Rect) -> Rect:
        """A part of the canvas in px of the window."""
        camera = self._surface.camera
        corner, zoom = camera.window(Point(rect.x, rect.y)), camera.zoom
        return Rect(corner.x, corner.y, rect.width * zoom, rect.height * zoom)

    def _rows_top(self) -> float:
        return ARROW + HEAD + LINE * (len(self._title) + len(self._lines)) + 12

    def row_rect(self, number: int) -> Rect:
        """Where the row of a proposal is."""
        top = self._rows_top() + (ROW + ROW_GAP) * number
        return Rect(ARROW + PAD, top, self._width - 2 * PAD, ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        refusal, theme = self._refusal, self._theme()
        if refusal is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._ground(painter, refusal, theme)
        left, first = ARROW + INDENT, ARROW + HEAD + LINE / 2
        middle = first
        icon(painter, "warning", ARROW + PAD - 1, middle - 8, 16, theme.error)
        for line in self._title:
            text(painter, left, middle, line, "panel title", theme.text)
            middle += LINE
        for line in self._lines:
            text(painter, left, middle + 4, line, "body", theme.text2)
            middle += LINE
        for number, proposal in enumerate(refusal.proposals):
            self._row(painter, number, proposal, theme)
        if self._low:
            key = fonts.measure("Esc", "caption mono") + 10
            self._key(painter, ARROW + self._width - PAD - key, first, "Esc", theme)
            return
        middle = self.height() - ARROW - FOOT / 2
        end = self._key(painter, ARROW + PAD, middle, "Esc", theme)
        text(painter, end + 8, middle, "drops the wire", "body", theme.text3)

    def _ground(self, painter: QPainter, refusal: Refusal, theme: Theme) -> None:
        rim = ARROW + 0.5
        body = Rect(rim, rim, self.width() - 2 * rim, self.height() - 2 * rim)
        edge = mix(theme.panel, theme.error, 0.55)
        fill(painter, rounded(body, RADIUS), theme.panel)
        stroke(painter, rounded(body, RADIUS), pen(edge))
        port = self._surface.camera.window(refusal.port).moved(-self.x(), -self.y())
        if (points := _arrow(body, port)) is None:
            return
        arrow = QPolygonF(points)
        painter.setPen(NO_PEN)
        painter.setBrush(brush(theme.panel))
        painter.drawPolygon(arrow)
        painter.setPen(pen(edge))
        painter.drawPolyline(arrow)

    def _row(self, painter: QPainter, number: int, proposal: Proposal, theme: Theme) -> None:
        rect, chosen = self.row_rect(number), number == self._current
        if chosen:
            fill(painter, rounded(rect, 6.0), theme.selected_row)
        middle = rect.middle
        tint = theme.of_family(proposal.family)
        icon(painter, proposal.icon, rect.x + 10, middle - 7, 14, tint)
        x = rect.x + ICON
        text(painter, x, middle, proposal.title, "node name", theme.text)
        x += fonts.measure(proposal.title, "node name") + 10
        room = rect.right - KEY - x
        whole, brief = proposal.shapes, "→" + proposal.shapes.rpartition("→")[2]
        shapes = next((one for one in (whole, brief) if _wide(one) <= room), "")
        text(painter, x, middle, shapes, "caption mono", theme.text2)
        key = "Enter" if chosen else str(number + 1)
        width = fonts.measure(key, "caption mono") + 10
        self._key(painter, rect.right - 8 - width, middle, key, theme)

    def _key(self, painter: QPainter, x: float, middle: float, key: str, theme: Theme) -> float:
        """A key cap; returns its right edge."""
        width = fonts.measure(key, "caption mono") + 10
        cap = Rect(x + 0.5, middle - 8.5, width, 17)
        fill(painter, rounded(cap, 4.0), theme.panel)
        stroke(painter, rounded(cap, 4.0), pen(theme.border))
        text(painter, x + width / 2 + 0.5, middle, key, "caption mono", theme.text2, "centre")
        return x + width

    def _row_at(self, event: QMouseEvent) -> int:
        count = len(self._refusal.proposals) if self._refusal else 0
        y, rects = event.position().y(), [self.row_rect(number) for number in range(count)]
        return next((n for n, r in enumerate(rects) if r.y <= y < r.bottom + ROW_GAP), -1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event)
        if row >= 0:
            self.hovered.emit(row)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event)
        if row >= 0:
            self.taken.emit(row)


def _wide(shapes: str) -> float:
    return fonts.measure(shapes, "caption mono")


def _arrow(body: Rect, port: Point) -> list[QPointF] | None:
    """Three points from an edge towards a port outside; None when it is inside. The foot lies a
    px inside, where the edge is painted over.
    """
    inset = RADIUS + 10
    x = min(max(port.x, body.x + inset), body.right - inset)
    y = min(max(port.y, body.y + inset), body.bottom - inset)
    if port.y < body.y or port.y > body.bottom:
        base, out = (body.y, -1) if port.y < body.y else (body.bottom, 1)
        ends = [(x - 8, base - out), (x, base + out * (ARROW - 1)), (x + 8, base - out)]
    elif port.x < body.x or port.x > body.right:
        base, out = (body.x, -1) if port.x < body.x else (body.right, 1)
        ends = [(base - out, y - 8), (base + out * (ARROW - 1), y), (base - out, y + 8)]
    else:
        return None
    return [QPointF(*end) for end in ends]
