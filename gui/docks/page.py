"""The shape of what a dock holds."""

from __future__ import annotations

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from gui.app import App
from gui.document import Document, DocumentChange


class Page(QWidget):
    """Content of one dock. It does nothing while it is hidden and catches up when it is shown.

    A subclass builds its widgets in `__init__` and overrides the hooks it needs.
    """

    title = ""
    id = ""

    def __init__(self, app: App) -> None:
        super().__init__()
        self.app = app
        self._stale = True
        self.setAccessibleName(self.title)
        app.desk.current_changed.connect(self._current_changed)
        app.desk.changed.connect(self._document_changed)
        app.look.changed.connect(self._look_changed)
        app.trainer.changed.connect(self._run_changed)

    @property
    def document(self) -> Document | None:
        """The document that is shown."""
        return self.app.desk.current

    # Hooks

    def rebuild(self) -> None:
        """The document, the look or the run is another: show all anew."""

    def edited(self, change: DocumentChange) -> None:
        """The current document changed while the page is visible."""

    def refresh(self) -> None:
        """New numbers of the run are on the board: at most 30 times a second, while visible."""

    def wants(self) -> frozenset[str]:
        """Names of the tensors to watch while the page is visible."""
        return frozenset()

    # What calls them

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._rebuild()

    def _current_changed(self) -> None:
        self._renew()

    def _look_changed(self) -> None:
        self._renew()

    def _run_changed(self) -> None:
        self._renew()

    def _renew(self) -> None:
        if self.isVisible():
            self._rebuild()
        else:
            self._stale = True

    def _rebuild(self) -> None:
        self._stale = False
        self.rebuild()

    def _document_changed(self, document: Document, change: DocumentChange) -> None:
        if document is not self.document:
            return
        if self.isVisible():
            self.edited(change)
        else:
            self._stale = True
