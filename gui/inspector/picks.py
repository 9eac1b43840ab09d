"""Fields with a button: words to pick from, and a file to look for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QFileDialog, QMenu

from gui.inspector.row import EntryRow, Owner
from gui.inspector.spec import Spec
from gui.look import Look
from gui.widgets.menus import rounded

# (value, what the menu shows) of what can be picked
Candidates = Callable[[str], list[tuple[Any, str]]]


class PickRow(EntryRow):
    """A typed field with a menu: of one word, or for a list of several."""

    def __init__(self, look: Look, spec: Spec, owner: Owner, candidates: Candidates) -> None:
        super().__init__(look, spec, owner)
        self._candidates = candidates
        self._several = spec.editor == "names"
        self.button = self.entry.add_button("chevron_down", f"Choose {spec.label.lower()}")
        self.button.clicked.connect(self.open_menu)

    def open_menu(self) -> None:
        """Show what can be picked, below the field."""
        menu = self.menu()
        menu.setMinimumWidth(self.entry.width())
        menu.exec(self.entry.mapToGlobal(QPoint(0, self.entry.height() + 2)))
        menu.deleteLater()

    def menu(self) -> QMenu:
        """What can be picked; the present choice is marked."""
        menu = rounded(QMenu(self))
        value = self.values[0] if len(self.values) == 1 else None
        for word, label in self._candidates(self.spec.name):
            action = menu.addAction(label)
            action.setCheckable(True)
            chosen = word in value if self._several and value else word == value
            action.setChecked(chosen)
            action.triggered.connect(lambda _=False, word=word: self._pick(word))
        if menu.isEmpty():
            menu.addAction("Nothing to choose from").setEnabled(False)
        return menu

    def _pick(self, word: Any) -> None:
        self.set(self._with(word) if self._several else word)
        self.owner.settle()

    def _with(self, word: Any) -> tuple[Any, ...]:
        value: tuple[Any, ...] = self.values[0] if len(self.values) == 1 else ()
        if word in value:
            return tuple(w for w in value if w != word)
        if isinstance(word, tuple):  # a pair takes the place of another of the same name
            value = tuple(w for w in value if w[0] != word[0])
        return (*value, word)


class PathRow(EntryRow):
    """A file: typed, or looked for. Files below the graph's folder are kept relative to it."""

    def __init__(self, look: Look, spec: Spec, owner: Owner, folder: Callable[[], Path]) -> None:
        super().__init__(look, spec, owner)
        self._folder = folder
        self.entry.tail = True
        self.button = self.entry.add_button("folder", "Look for a file")
        self.button.clicked.connect(self._browse)

    def _browse(self) -> None:
        dialog = QFileDialog(self, "Choose a file", str(self._folder()))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Tables (*.csv *.tsv *.txt)", "All files (*)"])
        dialog.fileSelected.connect(self.choose)
        dialog.open()

    def choose(self, file: str) -> None:
        """Take a file."""
        path, folder = Path(file), self._folder().resolve()
        if path.is_relative_to(folder):
            path = path.relative_to(folder)
        self.set(path.as_posix())
        self.owner.settle()
