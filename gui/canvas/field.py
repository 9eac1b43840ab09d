"""A real editor over a name, a title or a note: there only while it is typed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

from gui import fonts
from gui.canvas.geometry import Rect
from gui.widgets.menus import round_menu_of

LEAST = 9  # px of the letters, however small the canvas is shown


class Field(QObject):
    """One text being typed. Enter or leaving it keeps the text, Esc does not.

    `ended` comes once, with the text to keep or None. In a text of several lines Enter breaks the
    line and Ctrl+Enter ends it.
    """

    ended = Signal(object)

    def __init__(self, canvas: QWidget, name: str, text: str, style: str, lines: bool) -> None:
        super().__init__(canvas)
        self._style, self._over = style, False
        self.widget: QLineEdit | QPlainTextEdit
        if lines:
            self.widget = QPlainTextEdit(text, canvas)
            self.widget.selectAll()
            self.widget.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.widget.document().setDocumentMargin(6.0)
            self.widget.document().setModified(False)  # margins count as typing
        else:
            self.widget = QLineEdit(text, canvas)
            self.widget.selectAll()
        self.widget.setAccessibleName(name)
        round_menu_of(self.widget)
        self.widget.installEventFilter(self)

    def show_at(self, rect: Rect, zoom: float) -> None:
        """Show it over a part of the canvas, given in px of the window."""
        font, _ = fonts.sized(
            self._style, max(round(fonts.font(self._style).pixelSize() * zoom), 9)
        )
        self.widget.setFont(font)
        self.widget.setGeometry(
            QRect(round(rect.x), round(rect.y), round(rect.width), round(rect.height))
        )
        self.widget.show()
        self.widget.setFocus(Qt.FocusReason.OtherFocusReason)

    def text(self) -> str:
        """What is typed now."""
        widget = self.widget
        return widget.text() if isinstance(widget, QLineEdit) else widget.toPlainText()

    def end(self, keep: bool) -> None:
        """Take the editor away."""
        if self._over:
            return
        self._over = True
        text = self.text() if keep else None
        self.widget.removeEventFilter(self)
        self.widget.hide()
        self.widget.deleteLater()
        self.deleteLater()
        self.ended.emit(text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # letters are text here, no shortcuts
            return True
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                self.end(keep=False)
                return True
            control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if enter and (control or isinstance(self.widget, QLineEdit)):
                self.end(keep=True)
                return True
            if event.key() == Qt.Key.Key_Tab:
                self.end(keep=True)
                return True
        left = isinstance(event, QFocusEvent) and event.lostFocus()
        if left and event.reason() != Qt.FocusReason.PopupFocusReason:  # type: ignore[attr-defined]
            self.end(keep=True)
        return False
