"""The card at the canvas's foot that says what the colours of wires mean."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from gui import fonts
from gui.canvas.drawing import fill, pen, rounded, stroke, text
from gui.canvas.fitting import covers
from gui.canvas.geometry import Rect
from gui.canvas.paint_wire import Overlay
from gui.canvas.scene import Touched
from gui.canvas.view import Canvas
from gui.docks.gradients_strips import paint_range
from gui.look import Look

LINE = 24.0
FAINT = 0.25
AWAY = QPoint(-1, -1)


class WireLegend(QWidget):
    """Hidden while wires show kinds of data, which their ports tell."""

    def __init__(self, look: Look, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._look, self._canvas = look, canvas
        self.overlay: Overlay = "kind"
        self.phases = 0
        self._made: tuple[object, QPixmap] | None = None  # the canvas paints itself often
        self.faint = False
        self._pointer = AWAY
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        canvas.installEventFilter(self)
        canvas.camera_changed.connect(self.place)
        canvas.scene.subscribe(self._touched)

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
        """In the room that the canvas keeps free; faint while a node or the pointer is under it."""
        canvas, room = self._canvas, self._canvas.card_room
        self.setGeometry(room)
        card = Rect(room.x(), room.y(), room.width(), room.height())
        under = covers(canvas.camera, canvas.scene.boxes, card)
        faint = under or self.geometry().contains(self._pointer)
        if faint != self.faint:
            self.faint = faint
            self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove:
            self._pointed(event.position().toPoint())
        elif event.type() == QEvent.Type.Leave:
            self._pointed(AWAY)
        return False

    def _pointed(self, at: QPoint) -> None:
        before, self._pointer = self._pointer, at
        if self.geometry().contains(before) != self.geometry().contains(at):
            self.place()

    def _touched(self, touched: Touched) -> None:
        if not touched.looks and self.isVisible():
            self.place()

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        shown = self.overlay, self.phases, self._look.theme.name, self.size(), ratio
        if self._made is None or self._made[0] != shown:
            self._made = shown, self._picture(ratio)
        painter = QPainter(self)
        painter.setOpacity(FAINT if self.faint else 1.0)
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
