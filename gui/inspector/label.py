"""The name of a setting: dragged sideways it scrubs the value; a dot says it is not the default."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui import fonts
from gui.look import Look
from gui.widgets.tips import tip_lines

LABEL = 104
MARGIN = 12  # of the panel; the dot stands in it
ICON = 12  # px of the mark of an exposed setting
SLOP = 3  # px before a press becomes a drag
STRIDE = 4  # px of one step


class ScrubLabel(QWidget):
    """`scrubbed`: so many steps since the last time; then `released`, or with Esc `cancelled`."""

    began = Signal()
    scrubbed = Signal(int)
    released = Signal()
    cancelled = Signal()
    clicked = Signal()

    def __init__(self, look: Look, text: str, scrubs: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._text, self._scrubs = look, text, scrubs
        self._changed, self._exposed = False, False
        self._pressed: QPointF | None = None
        self._dragging, self._steps = False, 0
        self.setFixedSize(MARGIN + LABEL, 24)
        if scrubs:
            self.setCursor(Qt.CursorShape.SizeHorCursor)

    def display(self, changed: bool) -> None:
        """Mark a value that is not the default."""
        if changed != self._changed:
            self._changed = changed
            self.update()

    def explain(self, text: str, exposed: bool = False) -> None:
        """Say what the setting is, behind its name where that has no room; mark one that instances
        of the drawing may set.
        """
        whole = fonts.measure(self._text, "body") > self._room(exposed)
        if exposed != self._exposed:
            self._exposed = exposed
            self.update()
        self.setToolTip(tip_lines(f"{self._text}. {text}" if whole else text))

    def _room(self, exposed: bool) -> int:
        return LABEL - ICON - 4 if exposed else LABEL

    def sizeHint(self) -> QSize:
        return self.size()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._dragging, self._steps = event.position(), False, 0

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None or not self._scrubs:
            return
        way = event.position().x() - self._pressed.x()
        if not self._dragging:
            if abs(way) < SLOP:
                return
            self._dragging = True
            self.grabKeyboard()  # Esc takes the drag back
            self.began.emit()
        size = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        steps = int(way / STRIDE)
        if steps != self._steps:
            difference, self._steps = steps - self._steps, steps
            self.scrubbed.emit(difference * size)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        if self._dragging:
            self._end()
            self.released.emit()
        else:
            self.clicked.emit()
        self._pressed = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._dragging and event.key() == Qt.Key.Key_Escape:
            self._end()
            self._pressed = None
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    def _end(self) -> None:
        self._dragging = False
        self.releaseKeyboard()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._look.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._changed:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.text3))
            painter.drawEllipse(QPointF(MARGIN / 2, 12), 1.75, 1.75)
        strong = self._dragging or (self._scrubs and self.underMouse())
        painter.setPen(QColor(theme.text if strong else theme.text2))
        painter.setFont(fonts.font("body"))
        room = self._room(self._exposed)
        text = fonts.metrics("body").elidedText(self._text, Qt.TextElideMode.ElideRight, room)
        place = QRectF(MARGIN, 0, LABEL, 24)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)
        if self._exposed:
            icon = self._look.icon("subgraph", theme.accent)
            icon.paint(painter, MARGIN + LABEL - ICON, 6, ICON, ICON)
        painter.end()
