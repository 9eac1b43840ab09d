"""A list of rows that takes the keyboard: those of the library, and the results of a search."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QListView

from gui.look import Look
from gui.palette.rows import Measures, Row, RowPainter, Rows


class RowList(QListView):
    """Paints its `content` by LOOK.md; `strong` as for RowPainter."""

    left = Signal()  # Up on the first row: back to the field

    def __init__(self, look: Look, name: str, measures: Measures, strong: bool = False) -> None:
        super().__init__()
        self.content = Rows()
        self.painter = RowPainter(look, measures, strong)
        self.setItemDelegate(self.painter)
        self.setModel(self.content)
        self.setMouseTracking(True)
        self.setAccessibleName(name)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        look.changed.connect(self.viewport().update)

    @property
    def current(self) -> Row | None:
        """The row that has the mark."""
        index = self.currentIndex()
        return self.content.rows[index.row()] if index.isValid() else None

    def choose(self, place: int) -> None:
        """Move the mark to a row; -1 takes it away."""
        self.setCurrentIndex(self.content.index(place))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.currentIndex().isValid():
            self.choose(0)
