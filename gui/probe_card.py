"""The card of a probe: what passes a wire now, pinned beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QWidget

from compute.events import Tap
from gui.canvas.drawing import brush, elided, fill, pen, rounded, stroke, text
from gui.canvas.geometry import Rect
from gui.look import Look
from gui.widgets.basics import IconButton

WIDTH, HEIGHT, PAD = 146, 126, 10
DROP = 44  # px from the wire to a card that nobody has moved, at least
REACH = 300  # … and at most, to stand clear of nodes
BAR_TOP, BAR_HEIGHT = 44.0, 36.0
PIN = 20


def short(value: float) -> str:
    """A value in at most six letters: −0.59, 21.7, 1,304, 2e-5; "–" when there is none."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞"
    size = abs(value)
    if size and not 0.01 <= size < 10_000:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:,.{2 if size < 10 else 1 if size < 100 else 0}f}"


class ProbeCard(QWidget):
    """146 wide, with a dotted leader to its wire; dragging moves it, its pin takes it away."""

    def __init__(self, look: Look, canvas: QWidget, title: str, unpin: Callable[[], None]) -> None:
        super().__init__(canvas)
        self._look, self._canvas, self.title = look, canvas, title
        self.tap: Tap | None = None
        self.tint = ""
        self._shift = QPoint(0, DROP)  # from the wire to the middle of the upper edge
        self._at = QPoint(0, 0)
        self._held: QPoint | None = None
        self.setAccessibleName(f"Probe: {title}")
        self.pin = IconButton(look, "pin", "Remove the probe", self)
        self.pin.setFixedSize(PIN, PIN)
        self.pin.clicked.connect(unpin)
        look.changed.connect(self.update)

    def tell(self, tap: Tap | None, tint: str) -> None:
        """Show what passed last; `tint` is the colour of the histogram."""
        if tap is not self.tap or tint != self.tint:
            self.tap, self.tint = tap, tint
            self.setAccessibleDescription(", ".join(f"{k} {v}" for k, v in self.figures()))
            self.update()

    def figures(self) -> list[tuple[str, str]]:
        """What is told in numbers."""
        nothing = math.nan
        tap = self.tap
        known = (tap.mean, tap.deviation, tap.low, tap.high) if tap else (nothing,) * 4
        return list(zip(("mean", "std", "min", "max"), map(short, known), strict=True))

    def stand_clear(self, at: QPoint, taken: Sequence[QRect]) -> None:
        """Choose the nearest place by its wire that covers none of these parts of the canvas."""
        for down in (*range(DROP, REACH, 20), *range(-HEIGHT - DROP // 2, -REACH, -20)):
            for across in (0, -WIDTH // 3, WIDTH // 3):
                corner = at + QPoint(across - WIDTH // 2, down)
                card = QRect(corner.x(), corner.y(), WIDTH, HEIGHT).adjusted(-6, -6, 6, 6)
                if self._canvas.rect().contains(card) and not any(map(card.intersects, taken)):
                    self._shift = QPoint(across, down)
                    return

    def place(self, at: QPoint) -> None:
        """Stand by a wire that is at this point of the canvas widget."""
        self._at = at
        middle = at + self._shift
        card = QRect(middle.x() - WIDTH // 2, middle.y(), WIDTH, HEIGHT)
        whole = card.united(QRect(at, at)).adjusted(-2, -2, 2, 2)
        self.setGeometry(whole)
        inner = self.card()
        self.setMask(QRegion(inner) + QRegion(self._leader().adjusted(-2, -2, 2, 2)))
        self.pin.move(inner.right() - PIN - 3, inner.top() + 5)
        self.update()

    def card(self) -> QRect:
        """Where the card itself lies in the widget."""
        middle = self._at + self._shift - self.pos()
        return QRect(middle.x() - WIDTH // 2, middle.y(), WIDTH, HEIGHT)

    def _ends(self) -> tuple[QPoint, QPoint]:
        """Of the leader: at the wire, and at the nearest point of the card."""
        at, card = self._at - self.pos(), self.card()
        x = min(max(at.x(), card.left()), card.right())
        return at, QPoint(x, min(max(at.y(), card.top()), card.bottom()))

    def _leader(self) -> QRect:
        return QRect(*self._ends()).normalized()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        start, end = self._ends()
        painter.setPen(pen(theme.accent, 1.5, (1.0, 4.0)))
        painter.drawLine(QPointF(start), QPointF(end))
        inner = self.card()
        painter.translate(inner.topLeft())
        card = Rect(0.0, 0.0, WIDTH, HEIGHT)
        fill(painter, rounded(card, 6.0), theme.panel)
        stroke(painter, rounded(card.grown(-0.5), 5.5), pen(theme.border))
        text(painter, PAD, 15, "Probe", "section", theme.text)
        words = elided(self.title, "caption mono", WIDTH - 2 * PAD)
        text(painter, PAD, 33, words, "caption mono", theme.text2)
        self._bars(painter)
        for place, (name, value) in enumerate(self.figures()):
            x = PAD + (place % 2) * (WIDTH - 2 * PAD) / 2
            y = 97.0 + 15.0 * (place // 2)
            text(painter, x, y, name, "caption mono", theme.text3)
            text(painter, x + 28, y, value, "caption mono", theme.text)
        painter.end()

    def _bars(self, painter: QPainter) -> None:
        theme, foot = self._look.theme, BAR_TOP + BAR_HEIGHT
        painter.setPen(pen(theme.hair))
        painter.drawLine(QPointF(PAD, foot + 0.5), QPointF(WIDTH - PAD, foot + 0.5))
        counts = self.tap.histogram if self.tap else ()
        most = max(counts, default=0)
        if not most:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        width = (WIDTH - 2 * PAD) / len(counts)
        for place, count in enumerate(counts):
            height = BAR_HEIGHT * count / most
            left, right = round(PAD + place * width), round(PAD + (place + 1) * width)
            bar = QRectF(left, foot - height, right - left, height)
            painter.fillRect(bar, brush(self.tint or theme.text3))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._held = event.globalPosition().toPoint() - self._shift

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._shift = event.globalPosition().toPoint() - self._held
            self.place(self._at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = None
