"""The canvases of the open documents, one shown at a time."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget

from gui.app import App
from gui.canvas.view import Canvas
from gui.document import Document


class Canvases(QStackedWidget):
    """`changed`: another canvas is shown; `made`: a document is shown for the first time."""

    changed = Signal()
    made = Signal(object)  # Canvas

    def __init__(self) -> None:
        super().__init__()
        self._of: dict[Document, Canvas] = {}
        self._app: App | None = None

    def follow(self, app: App) -> None:
        """Show the current document of a desk from now on."""
        self._app = app
        app.desk.current_changed.connect(self._show)
        app.desk.closed.connect(self._close)
        app.look.changed.connect(self._recolour)

    @property
    def current(self) -> Canvas | None:
        """The canvas that is shown."""
        shown = self.currentWidget()
        return shown if isinstance(shown, Canvas) else None

    @property
    def all(self) -> tuple[Canvas, ...]:
        """The canvases of all documents that have been shown."""
        return tuple(self._of.values())

    def _show(self, document: Document | None) -> None:
        if document is None or self._app is None:
            return
        canvas = self._of.get(document)
        if canvas is None:
            canvas = self._of[document] = Canvas(document, self._app.look.theme)
            self.addWidget(canvas)
            self.made.emit(canvas)
        self.setCurrentWidget(canvas)
        self.changed.emit()

    def _close(self, document: Document) -> None:
        canvas = self._of.pop(document, None)
        if canvas is not None:
            canvas.close_document()
            self.removeWidget(canvas)
            canvas.deleteLater()
            self.changed.emit()

    def _recolour(self) -> None:
        if self._app is not None:
            for canvas in self._of.values():
                canvas.set_theme(self._app.look.theme)
