"""The ring around what has the keyboard: shown when Tab or a key brought the focus there."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from gui.look import Look
from gui.theme import tokens

WIDTH, AWAY = 2, 2  # px
# fields say by their border that they have the focus
_FIELDS = (QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit, QTextEdit)
_KEYS = {Qt.Key.Key_Tab, Qt.Key.Key_Backtab}


class FocusRing(QWidget):
    """Lies over a window, lets every click through, and follows the focus."""

    def __init__(self, window: QMainWindow, look: Look) -> None:
        super().__init__(window)
        self._window, self._look = window, look
        self._around: QWidget | None = None
        self._by_keys = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.hide()
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._moved)
        window.installEventFilter(self)
        look.changed.connect(self.update)

    def expect_keys(self) -> None:
        """The focus is about to be moved by a shortcut, which never gets here as a key."""
        self._by_keys = True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self._window:
            handle = self._window.windowHandle()
            if kind == QEvent.Type.Show and handle is not None:
                handle.installEventFilter(self)  # keys and clicks come here first
        elif kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in _KEYS:
                self._by_keys = True
        elif kind == QEvent.Type.MouseButtonPress:
            self._by_keys = False
            self.hide()
        elif watched is self._around and kind in (
            QEvent.Type.Move,
            QEvent.Type.Resize,
            QEvent.Type.Hide,
        ):
            self._place()
        return False

    def _moved(self, before: QWidget | None, now: QWidget | None) -> None:
        if before is not None:
            before.removeEventFilter(self)
        if now is not None:
            now.installEventFilter(self)
        self._around = now
        self._place()

    def _place(self) -> None:
        now = self._around
        shown = (
            self._by_keys
            and now is not None
            and now.isVisible()
            and now.window() is self._window
            and now is not self._window
            and not isinstance(now, _FIELDS)
        )
        if not shown or now is None:
            self.hide()
            return
        corner = now.mapTo(self._window, QPoint(0, 0))
        grown = WIDTH + AWAY
        around = QRect(corner, now.size()).adjusted(-grown, -grown, grown, grown)
        self.setGeometry(around.intersected(self._window.rect()))
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._look.theme.accent), WIDTH))
        half = WIDTH / 2
        rect = QRectF(self.rect()).adjusted(half, half, -half, -half)
        radius = tokens()["size"]["radius"]["button"] + AWAY
        painter.drawRoundedRect(rect, radius, radius)
        painter.end()
