"""The bubble at a port that refuses a wire: why, and what would make it fit (LOOK.md, Refusal)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui import fonts
from gui.canvas.drawing import elided, fill, icon, pen, rounded, stroke, text
from gui.canvas.geometry import Rect, wrapped
from gui.canvas.refusal import Proposal, Refusal
from gui.theme import Theme, mix

if TYPE_CHECKING:
    from gui.canvas.surface import Surface

WIDTH, PAD, INDENT = 400.0, 16.0, 38.0
BELOW, LEFT, ARROW, MARGIN = 112.0, 80.0, 8.0, 12.0
LINE, ROW, ROW_GAP, TITLE, FOOT = 18.0, 32.0, 2.0, 40.0, 40.0
RADIUS = 8.0


class Bubble(QWidget):
    """Takes no focus: the canvas's keys work it, the pointer may too."""

    hovered = Signal(int)
    taken = Signal(int)

    def __init__(self, surface: Surface, theme: Callable[[], Theme]) -> None:
        super().__init__(surface)
        self._surface, self._theme = surface, theme
        self._refusal: Refusal | None = None
        self._lines: list[str] = []
        self._current, self._above = 0, False
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.hide()
        surface.camera_changed.connect(self.place)

    def tell(self, refusal: Refusal, current: int) -> None:
        """Show a refusal with one of its proposals preselected."""
        if refusal is not self._refusal:
            self._refusal = refusal
            room = WIDTH - INDENT - PAD
            self._lines = wrapped(refusal.sentence, room, fonts.measure, "body")
            count = len(refusal.proposals)
            high = TITLE + LINE * len(self._lines) + 8 + (ROW + ROW_GAP) * count + FOOT
            self.setFixedSize(round(WIDTH), round(high + ARROW))
            self.setAccessibleName(f"{refusal.title}. {refusal.sentence}")
            self.setAccessibleDescription("; ".join(one.title for one in refusal.proposals))
        self._current = current
        self.place()
        self.show()
        self.raise_()
        self.update()

    def place(self) -> None:
        """Below the port; above it where there is no room below."""
        if self._refusal is None:
            return
        surface, at = self._surface, self._surface.camera.window(self._refusal.port)
        x = min(max(at.x - LEFT, MARGIN), surface.width() - WIDTH - MARGIN)
        row = surface.scene.index_of.get(self._refusal.node)
        zoom = surface.camera.zoom
        box = surface.scene.rect(row) if row is not None else Rect(0, 0, 0, 0)
        low = at.y + max(BELOW - ARROW, (box.bottom - self._refusal.port.y) * zoom + 2 * MARGIN)
        self._above = low + self.height() > surface.height() - MARGIN
        if self._above:
            high = at.y - 2 * MARGIN - (self._refusal.port.y - box.y) * zoom - self.height()
            low = max(high, MARGIN)
        self.move(round(x), round(low))

    def row_rect(self, number: int) -> Rect:
        """Where the row of a proposal is."""
        top = self._top() + TITLE + LINE * len(self._lines) + 8 + (ROW + ROW_GAP) * number
        return Rect(PAD, top, WIDTH - 2 * PAD, ROW)

    def _top(self) -> float:
        return 0.0 if self._above else ARROW

    def paintEvent(self, event: QPaintEvent) -> None:
        refusal, theme = self._refusal, self._theme()
        if refusal is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._ground(painter, refusal, theme)
        top = self._top()
        icon(painter, "warning", PAD - 1, top + 13, 16, theme.error)
        title = elided(refusal.title, "panel title", WIDTH - INDENT - PAD)
        text(painter, INDENT, top + 21, title, "panel title", theme.text)
        for number, line in enumerate(self._lines):
            middle = top + TITLE + LINE * number + 4
            text(painter, INDENT, middle, line, "body", theme.text2)
        for number, proposal in enumerate(refusal.proposals):
            self._row(painter, number, proposal, theme)
        middle = self.height() - FOOT / 2 - (ARROW if self._above else 0.0)
        end = self._key(painter, PAD, middle, "Esc", theme)
        text(painter, end + 8, middle, "drops the wire", "body", theme.text3)

    def _ground(self, painter: QPainter, refusal: Refusal, theme: Theme) -> None:
        body = Rect(0.5, self._top() + 0.5, WIDTH - 1, self.height() - ARROW - 1)
        edge = mix(theme.panel, theme.error, 0.55)
        fill(painter, rounded(body, RADIUS), theme.panel)
        stroke(painter, rounded(body, RADIUS), pen(edge))
        at = self._surface.camera.window(refusal.port).x - self.x()
        at = min(max(at, RADIUS + 10), WIDTH - RADIUS - 10)
        base, tip = (body.bottom, self.height() - 1.0) if self._above else (body.y, 1.0)
        inside = base - 1 if self._above else base + 1
        arrow = QPainterPath(QPointF(at - 8, inside))
        arrow.lineTo(at, tip)
        arrow.lineTo(at + 8, inside)
        fill(painter, arrow, theme.panel)
        painter.setPen(pen(edge))
        painter.drawPolyline([QPointF(at - 8, base), QPointF(at, tip), QPointF(at + 8, base)])

    def _row(self, painter: QPainter, number: int, proposal: Proposal, theme: Theme) -> None:
        rect, chosen = self.row_rect(number), number == self._current
        if chosen:
            fill(painter, rounded(rect, 6.0), theme.selected_row)
        middle = rect.middle
        tint = theme.of_family(proposal.family)
        icon(painter, proposal.icon, rect.x + 10, middle - 7, 14, tint)
        x = rect.x + 32
        text(painter, x, middle, proposal.title, "node name", theme.text)
        x += fonts.measure(proposal.title, "node name") + 10
        room = rect.right - 56 - x
        whole, brief = proposal.shapes, "→" + proposal.shapes.rpartition("→")[2]
        shapes = whole if fonts.measure(whole, "caption mono") <= room else brief
        words = elided(shapes, "caption mono", max(room, 0.0))
        text(painter, x, middle, words, "caption mono", theme.text2)
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
