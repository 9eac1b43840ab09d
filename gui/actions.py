"""Everything the window can do, each thing once: menus, keys and the palette read this list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from gui.widgets.typed import take_typed

MENUS = ("File", "Edit", "View", "Graph", "Train", "Help")


@dataclass(frozen=True)
class Entry:
    """One action: `menu` is one of MENUS or "" (palette only); `words` help a search find it."""

    id: str
    title: str
    menu: str
    action: QAction
    icon: str = ""
    words: str = ""
    enabled: Callable[[], bool] | None = None
    checked: Callable[[], bool] | None = None


class Actions(QObject):
    """The actions of one window, in the order in which menus show them."""

    def __init__(self, window: QWidget, canvas: QWidget) -> None:
        """`canvas` is the widget inside which keys of the scope "canvas" work."""
        super().__init__(window)
        self._window, self._canvas = window, canvas
        self._entries: dict[str, Entry] = {}
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self.refresh)

    def add(
        self,
        id: str,
        title: str,
        run: Callable[[], object],
        *,
        menu: str = "",
        keys: Sequence[str] = (),
        scope: str = "window",
        icon: str = "",
        words: str = "",
        enabled: Callable[[], bool] | None = None,
        checked: Callable[[], bool] | None = None,
    ) -> QAction:
        """Add an action, by `id` such as "edit.undo"; `enabled` and `checked` are asked anew
        after each `refresh_soon`.
        """
        if id in self._entries:
            raise ValueError(f"action {id}: found a second one, expected each once")
        place = self._canvas if scope == "canvas" else self._window
        action = QAction(title, place)
        action.setObjectName(id)
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.setShortcutContext(
            Qt.ShortcutContext.WidgetWithChildrenShortcut
            if scope == "canvas"
            else Qt.ShortcutContext.WindowShortcut
        )
        action.setCheckable(checked is not None)
        action.triggered.connect(take_typed)
        action.triggered.connect(lambda _=False: run())
        place.addAction(action)
        self._entries[id] = Entry(id, title, menu, action, icon, words, enabled, checked)
        return action

    def __getitem__(self, id: str) -> QAction:
        return self._entries[id].action

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def of_menu(self, menu: str) -> list[Entry]:
        """The entries of one menu."""
        return [entry for entry in self if entry.menu == menu]

    def refresh_soon(self) -> None:
        """Ask what is enabled and checked again when the present event is done."""
        self._soon.start()

    def refresh(self) -> None:
        """Ask what is enabled and checked now."""
        for entry in self:
            if entry.enabled is not None:
                entry.action.setEnabled(entry.enabled())
            if entry.checked is not None:
                entry.action.setChecked(entry.checked())
