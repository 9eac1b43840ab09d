"""The text of a note, as a field of several lines."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from gui.inspector.label import MARGIN
from gui.look import Look
from gui.widgets.basics import label
from gui.widgets.menus import text_menu

HIGH = 120  # px
_UNDOING = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)


class NoteText(QWidget):
    """Ctrl+Enter or leaving the field keeps the text, Esc takes it back."""

    kept = Signal(str)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._note, self._text = "", ""
        self.field = _Field(self)
        self.field.setAccessibleName("Text of the note")
        self.field.setToolTip("What the note says. Ctrl+Enter keeps it, Esc takes it back.")
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, 0, MARGIN, 8)
        column.setSpacing(4)
        column.addWidget(label("Text", "secondary"))
        column.addWidget(self.field)
        self.field.left.connect(self.keep)
        self.field.reverted.connect(self._revert)

    def display(self, note: str, text: str) -> None:
        """Show the text of a note, unless somebody is typing another for it."""
        same, self._note, self._text = note == self._note, note, text
        typing = same and self.field.hasFocus() and self.field.document().isModified()
        if not typing and text != self.field.toPlainText():
            self._revert()

    def keep(self) -> None:
        """Take over what was typed; a note without a word keeps its text."""
        if not self.field.document().isModified():
            return
        text = self.field.toPlainText()
        if text.strip() and text != self._text:
            self.field.document().setModified(False)
            self.kept.emit(text)
        else:
            self._revert()

    def _revert(self) -> None:
        self.field.setPlainText(self._text)
        self.field.document().setModified(False)


class _Field(QPlainTextEdit):
    left = Signal()
    reverted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)
        self.setFixedHeight(HIGH)

    def sizeHint(self) -> QSize:
        return QSize(120, HIGH)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if any(event.matches(key) for key in _UNDOING):
                event.setAccepted(self.document().isModified())  # else it is the graph's
                return True
            if event.key() == Qt.Key.Key_Escape or self._ends(event):
                event.accept()
                return True
        return super().event(event)

    def _ends(self, event: QKeyEvent) -> bool:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        return enter and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._ends(event):
            self.left.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.reverted.emit()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.left.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = text_menu(self)
        menu.exec(event.globalPos())
        menu.deleteLater()
