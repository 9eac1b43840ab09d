"""The card at the canvas's foot that says what the colours of wires mean."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from gui import fonts
from gui.canvas.drawing import fill, pen, rounded, stroke, text
from gui.canvas.geometry import Rect
from gui.canvas.paint_wire import Overlay
from gui.docks.gradients_strips import paint_range
from gui.look import Look
from gui.probe_card import ProbeCard

MARGIN = 12
HEIGHT, WIDTH = 58, 224
LINE = 24.0


class WireLegend(QWidget):
    """Hidden while wires show kinds of data, which their ports tell."""

    def __init__(self, look: Look, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._look, self._canvas = look, canvas
        self.overlay: Overlay = "kind"
        self.phases = 0
        self._made: tuple[object, QPixmap] | None = None  # the canvas paints itself often
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_overlay(self, overlay: Overlay, phases: int) -> None:
        """Explain an overlay; phases count from 1."""
        shown = overlay == "gradient" or (overlay == "phase" and phases > 0)
        if (overlay, phases) != (self.overlay, self.phases):
            self.overlay, self.phases = overlay, phases
            words = "norm of the gradient, 1e-4 to 1e1" if overlay == "gradient" else "phases"
            self.setAccessibleName(f"Wires show: {words}")
            self.update()
        if shown != self.isVisibleTo(self._canvas):
            self.setVisible(shown)
        if shown:
            self.place()

    def place(self) -> None:
        """At the foot, right of what else stands there."""
        canvas = self._canvas
        others = [
            child.geometry()
            for child in canvas.children()
            if isinstance(child, QWidget)
            and not isinstance(child, WireLegend | ProbeCard)
            and child.isVisibleTo(canvas)
        ]
        foot = canvas.height() - HEIGHT - MARGIN
        beside = [g for g in others if g.bottom() > foot and g.left() < canvas.width() / 2]
        left = max((g.right() + 1 for g in beside), default=0) + MARGIN
        self.setGeometry(left, foot, WIDTH, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        shown = self.overlay, self.phases, self._look.theme.name, self.size(), ratio
        if self._made is None or self._made[0] != shown:
            self._made = shown, self._picture(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._made[1])
        painter.end()

    def _picture(self, ratio: float) -> QPixmap:
        made = QPixmap(self.size() * ratio)
        made.setDevicePixelRatio(ratio)
        made.fill(Qt.GlobalColor.transparent)
        theme, painter = self._look.theme, QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = Rect(0.0, 0.0, float(self.width()), float(self.height()))
        fill(painter, rounded(card, 6.0), theme.panel)
        stroke(painter, rounded(card.grown(-0.5), 5.5), pen(theme.border))
        if self.overlay == "gradient":
            text(painter, 12, 13, "Gradient on wires ‖∂L/∂x‖", "caption", theme.text2)
            bar = Rect(12.0, 24.0, self.width() - 24.0, 6.0)
            paint_range(painter, bar, theme.gradient_range, theme)
        else:
            self._paint_phases(painter)
        painter.end()
        return made

    def _paint_phases(self, painter: QPainter) -> None:
        theme = self._look.theme
        text(painter, 12, 13, "Trained by phase", "caption", theme.text2)
        x = 12.0
        for phase in range(min(self.phases, 4)):
            painter.setPen(pen(theme.phases[phase % len(theme.phases)], 2.0))
            painter.drawLine(QPointF(x, 29), QPointF(x + LINE, 29))
            text(painter, x + LINE + 6, 29, str(phase + 1), "caption mono", theme.text2)
            x += LINE + 12 + fonts.measure(str(phase + 1), "caption mono") + 8
        painter.setPen(pen(theme.text3, 2.0, (6.0, 4.0)))
        painter.drawLine(QPointF(12, 45), QPointF(12 + LINE, 45))
        text(painter, 18 + LINE, 45, "only passed through", "caption", theme.text3)
