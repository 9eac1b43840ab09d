"""The line in which a value is typed: unit at its right, arrows, Esc, and no wheel."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QLineEdit,
    QMenu,
    QStyle,
    QStyleOptionFrame,
    QToolButton,
    QWidget,
)

from gui import fonts
from gui.look import Look
from gui.style import restyle
from gui.widgets.menus import text_menu

TEN = 10  # steps of one arrow press with Shift
BUTTON = 20
LIVE = "live"
INSET = -2  # takes back the margin that QLineEdit adds to its padding
_OWN_KEYS = frozenset({Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Escape})


class Entry(QLineEdit):
    """A field of mono text.

    `committed`: Enter, or the focus left after typing. `stepped`: arrows, ±1 or ±10. `reverted`:
    Esc. While nothing is typed, undo and Esc are left to the window.
    """

    committed = Signal()
    stepped = Signal(int)
    reverted = Signal()
    left = Signal()
    menu_asked = Signal(QMenu)

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._unit, self._live = "", False
        self._button: QToolButton | None = None
        self._invalid = False
        self.steps = False
        self.tail = False  # whether the end of a text that is too long says most
        self.setProperty("tone", "mono")
        self.setFixedHeight(24)
        self._make_room()

    # What it shows

    def show_text(self, text: str) -> None:
        """Show a value, from its first letter on; what was typed is dropped."""
        if self.text() != text:
            self.setText(text)
            self._rest()
            if self.hasFocus():
                self.selectAll()
        self.setModified(False)

    def set_unit(self, unit: str) -> None:
        """A word behind the value, in tertiary."""
        self._unit = unit
        self._make_room()

    def set_live(self, live: bool) -> None:
        """Say that a training under way takes a new value up."""
        if live != self._live:
            self._live = live
            self._make_room()
            self.update()

    def set_invalid(self, invalid: bool) -> None:
        """Wear the error border, or not."""
        if invalid != self._invalid:
            self._invalid = invalid
            self.setProperty("invalid", invalid)
            restyle(self)

    def add_button(self, icon: str, name: str) -> QToolButton:
        """A button inside the field, at its right end."""
        button = QToolButton(self)
        button.setIconSize(QSize(12, 12))
        button.setIcon(self._look.icon(icon))
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.setCursor(Qt.CursorShape.ArrowCursor)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._button = button
        self._make_room()
        return button

    def _make_room(self) -> None:
        right = BUTTON if self._button else 0
        right += sum(round(fonts.measure(text, "caption")) + 6 for text, _ in self._tags())
        self.setTextMargins(INSET, 0, right, 0)

    def _tags(self) -> list[tuple[str, str]]:
        """What stands behind the value, from the right, with its colour."""
        theme = self._look.theme
        tags = [(self._unit, theme.text3)] if self._unit else []
        return [*tags, (LIVE, theme.success)] if self._live else tags

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._button:
            side = self.height() - 4
            self._button.setGeometry(self.width() - BUTTON - 2, 2, BUTTON, side)

    def _rest(self) -> None:
        """Show the beginning of the text, or its end."""
        self.setCursorPosition(len(self.text()) if self.tail else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        tags = self._tags() if self.text() else []
        painter = QPainter(self)
        if not self.hasFocus() and not tags:
            self._ellipsis(painter)
        painter.setFont(fonts.font("caption"))
        right = self.width() - 8 - (BUTTON if self._button else 0)
        for text, colour in tags:
            painter.setPen(QColor(colour))
            place = QRect(0, 0, right, self.height())
            painter.drawText(
                place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text
            )
            right -= round(fonts.measure(text, "caption")) + 6
        painter.end()

    def _ellipsis(self, painter: QPainter) -> None:
        """Say that there is more of the text than there is room for."""
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        part = QStyle.SubElement.SE_LineEditContents
        room = self.style().subElementRect(part, option, self)
        room = room.marginsRemoved(self.textMargins()).adjusted(1, 1, -1, -1)
        if self.fontMetrics().horizontalAdvance(self.text()) <= room.width():
            return
        width = self.fontMetrics().horizontalAdvance("…") + 2
        left = room.left() if self.tail else room.right() - width + 1
        spot = QRect(left, room.top(), width, room.height())
        plain = self.property("kind") == "plain"
        edge = 0 if plain else 2  # of the border; a line of text shows a little beside its room
        hidden = spot
        if self.tail:
            hidden = spot.adjusted(edge - left, 0, 0, 0)
        elif not self._button:
            hidden = spot.adjusted(0, 0, self.width() - edge - spot.right() - 1, 0)
        theme = self._look.theme
        painter.fillRect(hidden, QColor(theme.panel if plain else theme.field))
        painter.setFont(self.font())
        painter.setPen(QColor(theme.text2))
        painter.drawText(spot, Qt.AlignmentFlag.AlignCenter, "…")

    # Keys, wheel, focus

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.matches(QKeySequence.StandardKey.Undo) or event.matches(
                QKeySequence.StandardKey.Redo
            ):
                event.setAccepted(self.isModified())  # else it is the graph's
                return True
            if event.key() in _OWN_KEYS and (event.key() != Qt.Key.Key_Escape or self._dirty):
                event.accept()
                return True
        return super().event(event)

    @property
    def _dirty(self) -> bool:
        return self.isModified() or self._invalid

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.committed.emit()
            self.selectAll()
        elif key == Qt.Key.Key_Escape and self._dirty:
            self.reverted.emit()
            self.selectAll()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.steps:
            size = TEN if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self.stepped.emit(size if key == Qt.Key.Key_Up else -size)
        elif key == Qt.Key.Key_Escape:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the panel scrolls

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
            Qt.FocusReason.ShortcutFocusReason,
        ):
            self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._rest()
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            if self.isModified():
                self.committed.emit()
            self.left.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = text_menu(self)
        self.menu_asked.emit(menu)
        menu.exec(event.globalPos())
        menu.deleteLater()
