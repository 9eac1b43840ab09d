"""What an empty canvas says: the first step, and three ways to begin."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.app import App
from gui.canvas.view import Canvas
from gui.document import DocumentChange
from gui.widgets.basics import Button, label

WIDTH = 420


class Guide(QWidget):
    """Lies in the middle of a canvas as long as its drawing is empty."""

    example_asked = Signal()
    data_asked = Signal()
    open_asked = Signal()

    def __init__(self, app: App, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self.setFixedWidth(WIDTH)
        text = label("Drag a node here, or press Tab to search.", "secondary")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.example = Button(app.look, "Digits example", "image")
        self.data = Button(app.look, "Begin with data", "data")
        self.file = Button(app.look, "Open file", "folder")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch()
        pairs = (
            (self.example, self.example_asked),
            (self.data, self.data_asked),
            (self.file, self.open_asked),
        )
        for button, signal in pairs:
            button.clicked.connect(signal)
            row.addWidget(button)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addWidget(text)
        column.addLayout(row)
        canvas.installEventFilter(self)
        self._end = canvas.document.subscribe(self._changed)
        self.destroyed.connect(self._end)
        self._look_again()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _changed(self, change: DocumentChange) -> None:
        if change.view:
            self._look_again()

    def _look_again(self) -> None:
        self.setVisible(not len(self._canvas.document.drawing))
        self._place()

    def _place(self) -> None:
        self.adjustSize()
        self.move(
            (self._canvas.width() - self.width()) // 2,
            (self._canvas.height() - self.height()) // 2,
        )
