"""A field with a list below it that lies over the window: base of search popup and palette."""

from __future__ import annotations

from collections.abc import Sequence

import shiboken6
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QWindow
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QVBoxLayout,
    QWidget,
)

from gui.app import App
from gui.palette.field import SearchField
from gui.palette.row_list import RowList
from gui.palette.rows import Measures, Row

MARGIN = 8  # to the edges of the window, px
_MOVES = {
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Tab: 1,
    Qt.Key.Key_Backtab: -1,
    Qt.Key.Key_PageDown: 8,
    Qt.Key.Key_PageUp: -8,
}
_TAKEN = frozenset({*_MOVES, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape})


class Finder(QFrame):
    """Typing filters, arrows choose, Enter takes, Esc or a press elsewhere closes.

    A subclass gives the rows, and says what taking one does.
    """

    closed = Signal()

    def __init__(self, app: App, hint: str, width: int, measures: Measures, shown: int) -> None:
        super().__init__()
        self.app, self._most = app, shown * measures.item
        self.hide()
        self.setProperty("kind", "card")
        self.setFixedWidth(width)
        self.field = SearchField(app.look, hint, framed=False)
        self.field.setFixedHeight(38)
        self.field.textEdited.connect(lambda: self.refresh())
        self.field.installEventFilter(self)
        self._handle: QWindow | None = None  # of the window that it lies over, while it is shown
        self.list = RowList(app.look, f"{hint}: results", measures, strong=True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.model = self.list.content
        self.list.clicked.connect(lambda index: self._take(index.row()))
        self.list.selectionModel().currentChanged.connect(lambda: self._tell())
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(1, 1, 1, 1)
        self.body.setSpacing(0)
        self.body.addWidget(self.field)
        self.add_line()
        results = QVBoxLayout()
        results.setContentsMargins(4, 4, 4, 4)
        results.addWidget(self.list)
        self.body.addLayout(results)
        self._before: QWidget | None = None
        app.look.changed.connect(self.update)
        app.desk.current_changed.connect(lambda _: self.hide())

    # What a subclass says

    def rows(self, query: str) -> Sequence[Row]:
        """The rows for what is typed, best first."""
        raise NotImplementedError

    def take(self, row: Row, modifiers: Qt.KeyboardModifier) -> None:
        """A row was chosen."""
        raise NotImplementedError

    def highlighted(self, row: Row | None) -> None:
        """Another row is the current one."""

    # What it does

    def add_line(self) -> None:
        """A hairline below what is there."""
        line = QFrame()
        line.setProperty("kind", "line")
        self.body.addWidget(line)

    @property
    def current(self) -> Row | None:
        """The row that Enter takes."""
        return self.list.current

    def show_in(self, window: QWidget, at: QPoint) -> None:
        """Open with its corner at a point of `window`, moved inside where it would stick out."""
        if not self.isVisible():
            self._before = QApplication.focusWidget()
        self.setParent(window)
        self.field.clear()
        self.refresh()
        self.place(at)
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)
        # presses come to the window's handle first. A filter of the whole application would make a
        # Python object of each thing that hears of anything, which ends others, or the program
        self._handle = window.window().windowHandle()
        if self._handle is not None:
            self._handle.installEventFilter(self)

    def place(self, at: QPoint) -> None:
        """Move its corner to a point of the window, or as near as keeps it inside."""
        window = self.parentWidget() or self
        x = max(MARGIN, min(at.x(), window.width() - self.width() - MARGIN))
        y = max(MARGIN, min(at.y(), window.height() - self.height() - MARGIN))
        self.move(x, y)

    def refresh(self) -> None:
        """Show the rows for what is typed; the first that can be taken is the current one."""
        rows = self.rows(self.field.text())
        self.model.show(rows)
        tall = 0
        for row in rows:
            if tall + self.list.painter.height(row) > self._most:
                break
            tall += self.list.painter.height(row)
        self.list.setFixedHeight(tall)
        self._select(self._next(-1, 1))
        self.list.scrollToTop()
        self._tell()
        self.body.activate()
        self.adjustSize()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyPress:
                return self._key(event)
            if event.type() == QEvent.Type.ShortcutOverride and event.key() in _TAKEN:
                event.accept()  # else Ctrl+Enter would be the window's
                return True
        elif watched is self._handle and isinstance(event, QMouseEvent):
            pressed = event.type() == QEvent.Type.MouseButtonPress
            at = self.mapFromGlobal(event.globalPosition().toPoint())
            if pressed and not self.rect().contains(at):
                self.hide()
        return False

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        # an error in here would end the program, so look whether both are still there
        handle, before = self._handle, self._before
        self._handle = self._before = None
        if handle is not None and shiboken6.isValid(handle):
            handle.removeEventFilter(self)
        back = QApplication.focusWidget() in (None, self.field)
        if back and before is not None and shiboken6.isValid(before):
            before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.closed.emit()

    def _key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if key in _MOVES:
            self._move(_MOVES[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            index = self.list.currentIndex()
            if index.isValid():
                self._take(index.row(), event.modifiers())
        elif key == Qt.Key.Key_Escape:
            self.hide()
        else:
            return False
        return True

    def _take(self, place: int, held: Qt.KeyboardModifier | None = None) -> None:
        row = self.model.rows[place]
        if self.model.flags(self.model.index(place)) != Qt.ItemFlag.NoItemFlags:
            modifiers = held if held is not None else QApplication.keyboardModifiers()
            self.take(row, modifiers)

    def _move(self, by: int) -> None:
        """So many rows on, over rows that cannot be taken, around at the ends."""
        step = 1 if by > 0 else -1
        place = self.list.currentIndex().row()
        for _ in range(abs(by)):
            following = self._next(place, step)
            if following < 0:
                if abs(by) > 1:
                    break
                following = self._next(-1 if step > 0 else len(self.model.rows), step)
            place = following
        self._select(place)

    def _next(self, place: int, step: int) -> int:
        """The nearest row from `place` that can be taken; -1 when there is none."""
        place += step
        while 0 <= place < len(self.model.rows):
            if self.model.flags(self.model.index(place)) != Qt.ItemFlag.NoItemFlags:
                return place
            place += step
        return -1

    def _tell(self) -> None:
        """Say which row is the current one, to the eye and to a screen reader in the field."""
        row = self.current
        self.field.setAccessibleDescription((row.spoken or row.text) if row else "")
        self.highlighted(row)

    def _select(self, place: int) -> None:
        if place >= 0:
            self.list.choose(place)
