"""Everything that is there while a document is shown: panels at the sides, docks below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow, QSplitter, QVBoxLayout, QWidget

from gui.app import App
from gui.shell.canvases import Canvases
from gui.shell.docks import Docks
from gui.tabs import TabStrip
from gui.theme import tokens
from gui.widgets.basics import line


class Workbench(QMainWindow):
    """Library, canvas and inspector side by side, the training bar under them, then the docks."""

    def __init__(self, app: App, canvases: Canvases) -> None:
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Widget)
        size = tokens()["size"]["window"]
        self.strip = TabStrip(app)
        self._centre = QWidget()
        column = _column(self._centre)
        column.addWidget(self.strip)
        column.addWidget(canvases, 1)
        self._canvases = canvases
        self._columns = QSplitter(Qt.Orientation.Horizontal)
        self._columns.setHandleWidth(1)
        self._columns.addWidget(self._centre)
        middle = QWidget()
        self._below = _column(middle)
        self._below.addWidget(self._columns, 1)
        self.setCentralWidget(middle)
        self.docks = Docks(app, self)
        self._sides = {"library": size["library"], "inspector": size["inspector"]}
        self._training = size["trainBar"]

    def set_library(self, panel: QWidget) -> None:
        """Put the library at the left."""
        self._columns.insertWidget(0, panel)
        self._share()

    def set_inspector(self, panel: QWidget) -> None:
        """Put the inspector at the right."""
        self._columns.addWidget(panel)
        self._share()

    def set_training_bar(self, bar: QWidget) -> None:
        """Put the training bar between the panels and the docks."""
        bar.setFixedHeight(self._training - 1)
        edge = line()
        edge.setProperty("kind", "edge")
        self._below.addWidget(edge)
        self._below.addWidget(bar)

    @property
    def columns(self) -> list[int]:
        """Widths of the panels and the canvas."""
        return self._columns.sizes()

    def set_columns(self, widths: Sequence[int]) -> None:
        """Give the panels and the canvas these widths, when there are as many."""
        if len(widths) == self._columns.count() and all(width > 0 for width in widths):
            self._columns.setSizes(list(widths))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc that means nothing where the keyboard is brings it back to the canvas."""
        canvas = self._canvases.current
        if event.key() == Qt.Key.Key_Escape and canvas is not None:
            canvas.setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.docks.fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.docks.fit()

    def _share(self) -> None:
        """The sides keep their widths when the window grows."""
        sides = self._sides
        count = self._columns.count()
        centre = self._columns.indexOf(self._centre)
        for index in range(count):
            self._columns.setStretchFactor(index, int(index == centre))
            self._columns.setCollapsible(index, index != centre)
        widths = [sides["library"], 1108, sides["inspector"]]
        self._columns.setSizes(widths[1 - centre : 1 - centre + count])


def _column(widget: QWidget) -> QVBoxLayout:
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    return layout
