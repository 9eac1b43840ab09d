"""The list of node types in the library: categories that open and close, favourites, dragging."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu

from gui.app import App
from gui.canvas.interact.state import DRAG
from gui.library.drag import Drag, DropTarget
from gui.library.shelf import Item, by_category, shelf
from gui.palette.fuzzy import Found, rank
from gui.palette.memory import Memory
from gui.palette.row_list import RowList
from gui.palette.rows import Kind, Measures, Row
from gui.widgets.menus import rounded

FAVOURITES = "Favourites"
_PLAIN = Qt.KeyboardModifier.NoModifier
_TAKEN = frozenset(
    {
        *(Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Escape),
        *(Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right),
        *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown),
    }
)


class NodeList(RowList):
    """Shows the shelf, or what of it fits `query`."""

    added = Signal(object)  # Item: Enter or a double-click

    def __init__(self, app: App, memory: Memory) -> None:
        super().__init__(app.look, "Nodes", Measures())
        self._app, self._memory = app, memory
        self._query, self._pressed = "", QPoint()
        self._drag: Drag | None = None
        self._held: Item | None = None
        self.drop_target: DropTarget = lambda place: None
        self.shelf: Callable[[], list[Item]] = self._of_document

    @property
    def rows(self) -> list[Row]:
        """The rows that are shown."""
        return list(self.content.rows)

    def show_matches(self, query: str) -> None:
        """Show what fits `query`; everything when it is empty."""
        self._query = query
        self.rebuild()
        self.scrollToTop()
        first = next((at for at, row in enumerate(self.content.rows) if row.kind == "item"), -1)
        self.choose(first if query else -1)

    def rebuild(self) -> None:
        """Read the shelf again; the current row stays."""
        current = self.currentIndex()
        id = self.content.rows[current.row()].id if current.isValid() else ""
        place = self.verticalScrollBar().value()
        self.content.show(self._matching() if self._query.strip() else self._all())
        self.choose(self.content.place_of(id))
        self.verticalScrollBar().setValue(place)

    def _of_document(self) -> list[Item]:
        document = self._app.desk.current
        return shelf(document.graph, document.into) if document else shelf()

    def _all(self) -> list[Row]:
        items = self.shelf()
        known = {item.name: item for item in items}
        starred = [known[name] for name in self._memory.favourites if name in known]
        groups = ({FAVOURITES: starred} if starred else {}) | by_category(items)
        rows = []
        for category, members in groups.items():
            open = category not in self._memory.closed
            rows.append(_head(category, len(members), open))
            rows += [_row(category, item) for item in members if open]
        return rows

    def _matching(self) -> list[Row]:
        """Categories by their best match, their rows best first."""
        hits = rank(self._query, self.shelf(), lambda item: item.fields)
        groups: dict[str, list[tuple[Item, Found]]] = {}
        for item, found in hits:
            groups.setdefault(item.category, []).append((item, found))
        rows = []
        for category, members in groups.items():
            rows.append(_head(category, len(members), True, fixed=True))
            rows += [_row(category, item, found.places) for item, found in members]
        if not rows:
            text = f"No node fits “{self._query.strip()}”. Esc clears the filter."
            rows.append(Row("nothing", text, "message"))
        return rows

    # Keyboard

    def event(self, event: QEvent) -> bool:
        """Plain keys that the list knows come before the window's shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() in (_PLAIN, Qt.KeyboardModifier.KeypadModifier)
            if plain and event.key() in _TAKEN:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, row = event.key(), self.current
        if key == Qt.Key.Key_Escape and self._drag is not None:
            self._drag.cancel()
            self._drag = self._held = None
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and row:
            self._take(row)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and row:
            self._open(row, key == Qt.Key.Key_Right)
        elif key == Qt.Key.Key_Up and self.currentIndex().row() <= 0:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _take(self, row: Row) -> None:
        if row.kind == "head":
            self._toggle(row)
        elif isinstance(row.payload, Item):
            self.added.emit(row.payload)

    def _open(self, row: Row, open: bool) -> None:
        """Right opens a category, Left closes it; Left in it goes to its head."""
        if row.kind == "head":
            if row.open != open:
                self._toggle(row)
        elif not open:
            head = self.currentIndex().row()
            while self.content.rows[head].kind != "head":
                head -= 1
            self.choose(head)

    def _toggle(self, row: Row) -> None:
        if not self._query.strip():
            self._memory.close(row.text, row.open)
            self.rebuild()

    # Pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        row = self._at(event)
        if event.button() != Qt.MouseButton.LeftButton or row is None:
            return
        if row.kind == "head":
            self._toggle(row)
        self._held = row.payload
        self._pressed = event.globalPosition().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.globalPosition().toPoint()
        far = (place - self._pressed).manhattanLength() >= DRAG
        if self._held is None:
            super().mouseMoveEvent(event)
        elif self._drag is not None or far:
            if self._drag is None:
                self._drag = Drag(self._app.look, self._held, self.window(), self.drop_target)
            self._drag.move(place)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, held = self._drag, self._held
        self._drag = self._held = None
        super().mouseReleaseEvent(event)
        if drag is None or held is None:
            return
        if drag.drop(event.globalPosition().toPoint()):
            self._memory.used_node(held.name)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row = self._at(event)
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            self._take(row)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        row = self.current
        item = row.payload if row else None
        if not isinstance(item, Item) or item.definition:
            return
        menu = rounded(QMenu(self))
        starred = item.name in self._memory.favourites
        text = "Remove from favourites" if starred else "Add to favourites"
        menu.addAction("Add to the canvas", lambda: self.added.emit(item))
        menu.addAction(text, lambda: self._star(item, not starred))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(event.globalPos())

    def _star(self, item: Item, starred: bool) -> None:
        self._memory.star(item.name, starred)
        self.rebuild()

    def _at(self, event: QMouseEvent) -> Row | None:
        index = self.indexAt(event.position().toPoint())
        return self.content.rows[index.row()] if index.isValid() else None


def _head(category: str, count: int, open: bool, fixed: bool = False) -> Row:
    state = "" if fixed else ", open" if open else ", closed"
    noun = "node" if count == 1 else "nodes"
    spoken = f"{category}, {count} {noun}{state}"
    kind: Kind = "label" if fixed else "head"
    return Row(f"# {category}", category, kind, shape=str(count), open=open, spoken=spoken)


def _row(category: str, item: Item, places: tuple[int, ...] = ()) -> Row:
    return Row(
        f"{category}/{item.name}",
        item.title,
        icon=item.icon,
        family=item.family,
        shape=item.takes,
        places=places,
        tip=item.explained,
        spoken=item.spoken,
        payload=item,
    )
