"""What a canvas with nothing but data offers: a small net for it, in one click."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from graph.edit import Edit
from graph.starter import small_net
from gui.app import App
from gui.canvas.view import Canvas
from gui.document import DocumentChange
from gui.widgets.basics import Button, label

SHARE = 0.72  # of the canvas's height that is above it: the data stands in the middle


class FirstNet(QWidget):
    """Lies below the only node of a canvas, when that is data."""

    def __init__(self, app: App, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._edit: Edit | None = None
        text = label("Add layers that learn from this data, or press Tab to search.", "secondary")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.add = Button(app.look, "Add a small net", "plus")
        self.add.setToolTip("Two layers, a loss, Adam and a metric that fit the target")
        self.add.clicked.connect(self._add)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(text)
        column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignHCenter)
        canvas.installEventFilter(self)
        self.destroyed.connect(canvas.document.subscribe(self._changed))
        self._look_again()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _changed(self, change: DocumentChange) -> None:
        if change.view:
            self._look_again()

    def _look_again(self) -> None:
        graph = self._canvas.document.drawing
        only = next(iter(graph)) if len(graph) == 1 else None
        self._edit = small_net(graph, only.id) if only is not None else None
        self.setVisible(self._edit is not None and not self._canvas.document.into)
        self._place()

    def _add(self) -> None:
        if self._edit is not None:
            self._canvas.document.push(self._edit)
            self._canvas.fit()
            self._canvas.setFocus()

    def _place(self) -> None:
        self.adjustSize()
        space = self._canvas.size() - self.size()
        self.move(space.width() // 2, round(self._canvas.height() * SHARE))
