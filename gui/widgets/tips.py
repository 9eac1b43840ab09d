"""Tips: their texts, and how soon they come."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QHelpEvent, QMouseEvent, QWindow
from PySide6.QtWidgets import QApplication

from gui import fonts
from gui.canvas.geometry import wrapped

WIDEST = 264  # px of a line; the tip has 8 more on each side
REST = 400  # ms; Qt's own come after 700, which only a style can change, at a price in every paint
_ENDS = {
    QEvent.Type.MouseButtonPress,
    QEvent.Type.KeyPress,
    QEvent.Type.Wheel,
    QEvent.Type.Leave,
    QEvent.Type.Close,
}


def tip_lines(text: str) -> str:
    """A text in lines that are not too long for a tip: Qt breaks none, unless it is HTML."""
    return "\n".join(wrapped(text.replace("`", ""), WIDEST, fonts.measure, "small"))


class TipsSoon(QObject):
    """Asks what is under a pointer that rests for its tip, in each window that has the keyboard."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._at = QPoint()
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self._ask)
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.focusWindowChanged.connect(self._follow)
        self._follow(application.focusWindow())

    def _follow(self, window: QWindow | None) -> None:
        self._rest.stop()
        if window is not None:
            window.installEventFilter(self)  # once for each window, however often it is called

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._at = event.globalPosition().toPoint()
            if event.buttons() == Qt.MouseButton.NoButton:
                self._rest.start()
        elif kind in _ENDS:
            self._rest.stop()
        return False

    def _ask(self) -> None:
        window = QApplication.activeWindow()
        if window is None or QApplication.activePopupWidget() is not None:
            return
        inside = window.mapFromGlobal(self._at)
        if not window.rect().contains(inside):
            return
        widget = window.childAt(inside) or window
        within = widget.mapFromGlobal(self._at)
        QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, within, self._at))
