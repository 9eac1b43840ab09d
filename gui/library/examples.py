"""The shipped examples as a list: a title and one line each."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent

import resources
from gui.app import App
from gui.palette.fuzzy import Field, rank
from gui.palette.row_list import RowList
from gui.palette.rows import Measures, Row


class ExampleList(RowList):
    """A click opens a copy of an example."""

    chosen = Signal(str)  # name of the example

    def __init__(self, app: App) -> None:
        super().__init__(app.look, "Examples", Measures(icon_x=12, text_x=34))
        self._examples = examples()
        self.clicked.connect(lambda index: self._take(index.row()))
        self.show_matches("")

    def show_matches(self, query: str) -> None:
        """Show the examples that fit `query`; all when it is empty."""
        hits = rank(query, self._examples, lambda row: (Field(row.text), Field(row.line, 0.5)))
        rows = [row for row, _ in hits]
        if not rows:
            text = f"No example fits “{query.strip()}”. Esc clears the filter."
            rows = [Row("nothing", text, "message")]
        self.content.show(rows)
        if query.strip():
            self.choose(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if index.isValid():
                self._take(index.row())
        elif event.key() == Qt.Key.Key_Up and index.row() <= 0:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _take(self, place: int) -> None:
        row = self.content.rows[place]
        if row.kind == "item":
            self.chosen.emit(row.id)


def examples() -> Sequence[Row]:
    """A row for each shipped example."""
    about = json.loads(resources.results())
    return [_row(name, about.get(name, {}).get("about", "")) for name in resources.examples()]


def _row(name: str, about: str) -> Row:
    first = about.split(";")[0]  # what follows is for those who read on
    return Row(
        name, name, icon="file", line=first, tip=html.escape(about), spoken=f"{name}, {about}"
    )
