"""What a canvas with nothing but data offers: a small net for it, in one click."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from graph.edit import Edit
from graph.starter import small_net
from gui.app import App
from gui.canvas.geometry import Point
from gui.canvas.view import Canvas
from gui.document import DocumentChange
from gui.widgets.basics import Button, label

APART = 16  # px from the node


class FirstNet(QWidget):
    """Lies below the only node of a canvas, when that is data; beside it where there is no room."""

    def __init__(self, app: App, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._edit: Edit | None = None
        self._only = ""
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
        canvas.camera_changed.connect(self._place)
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
        self._only = only.id if only is not None else ""
        self._place()

    def _add(self) -> None:
        if self._edit is not None:
            self._canvas.document.push(self._edit)
            self._canvas.fit()
            self._canvas.setFocus()

    def _place(self) -> None:
        """Where the node leaves room; nowhere when that is nowhere in sight."""
        canvas, row = self._canvas, self._canvas.scene.index_of.get(self._only)
        if self._edit is None or row is None or canvas.document.into:
            self.hide()
            return
        self.adjustSize()
        node, zoom = canvas.scene.rect(row), canvas.camera.zoom
        at, size = canvas.camera.window(Point(node.x, node.y)), self.size()
        around = QRectF(at.x, at.y, node.width * zoom, node.height * zoom).toRect()
        bar = canvas.zoom_bar.geometry()
        for place in _beside(around, size.width(), size.height()):
            if canvas.rect().contains(place) and not bar.intersects(place):
                self.move(place.topLeft())
                self.show()
                return
        self.hide()


def _beside(node: QRect, width: int, height: int) -> Iterator[QRect]:
    """Places for something of a size: below, right, left and above."""
    place = QRect(0, 0, width, height)
    place.moveCenter(node.center())
    yield place.translated(0, node.bottom() + APART - place.y())
    yield place.translated(node.right() + APART - place.x(), 0)
    yield place.translated(node.x() - APART - place.right(), 0)
    yield place.translated(0, node.y() - APART - place.bottom())
