"""The zoom buttons at the foot of a canvas, beside the overview."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from gui.app import App
from gui.canvas.camera import NOTCH
from gui.canvas.view import Canvas
from gui.theme import tokens
from gui.widgets.basics import IconButton, upright

HEIGHT, MARGIN = 30, 12


class ZoomControls(QWidget):
    """Less, the zoom (a click: 100 %), more, and the whole drawing."""

    def __init__(self, app: App, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas, self._look = canvas, app.look
        look = app.look
        self.less = IconButton(look, "minus", "Zoom out")
        self.more = IconButton(look, "plus", "Zoom in")
        self.fit = IconButton(look, "fit", "Fit the drawing")
        self.zoom = QPushButton()
        self.zoom.setProperty("kind", "text")
        self.zoom.setProperty("tone", "mono")
        self.zoom.setFixedWidth(48)
        self.zoom.setToolTip("Zoom to 100 %")
        self.less.clicked.connect(lambda: canvas.zoom_by(-NOTCH))
        self.more.clicked.connect(lambda: canvas.zoom_by(NOTCH))
        self.zoom.clicked.connect(lambda: canvas.zoom_by(-canvas.camera.rung))
        self.fit.clicked.connect(canvas.fit)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 1, 4, 1)
        row.setSpacing(2)
        for widget in (self.less, self.zoom, self.more, upright(14), self.fit):
            row.addWidget(widget)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        canvas.camera_changed.connect(self._show)
        look.changed.connect(self.update)
        canvas.installEventFilter(self)
        self._show()
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _show(self) -> None:
        text = f"{self._canvas.camera.zoom:.0%}".replace("%", " %")
        self.zoom.setText(text)
        self.zoom.setAccessibleName(f"Zoom, {text}")

    def _place(self) -> None:
        self.adjustSize()
        self.resize(self.width(), HEIGHT)
        left = self._canvas.minimap.width() + 2 * MARGIN
        self.move(left, self._canvas.height() - HEIGHT - MARGIN)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = tokens()["size"]["radius"]["button"]
        painter.setPen(QPen(QColor(theme.border)))
        painter.setBrush(QColor(theme.panel))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        painter.end()
