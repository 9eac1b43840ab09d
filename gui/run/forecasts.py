"""What is foretold of each document's training."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, Signal

from compute.foreseen import Costs, Foreseen
from gui.document import Document

NOTHING = Foreseen()


class Forecasts(QObject):
    """The newest forecasts. `changed`: there is another, or one less."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._known: WeakKeyDictionary[Document, Foreseen] = WeakKeyDictionary()

    def of(self, document: Document | None) -> Foreseen:
        """What is foretold of a document; nothing of most."""
        return self._known.get(document, NOTHING) if document is not None else NOTHING

    def costs(self, document: Document | None) -> Costs | None:
        """What its training costs, if that is known."""
        return self.of(document).costs

    def put(self, document: Document, found: Foreseen) -> None:
        """Another forecast of a document."""
        if self.of(document) != found:
            self._known[document] = found
            self.changed.emit()
