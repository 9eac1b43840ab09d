"""The documents that are open, and which of them is shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

import resources
from graph.files import load, save
from graph.graph import Graph
from gui import fonts
from gui.document import Document, DocumentChange


class Desk(QObject):
    """Documents in the order of their tabs. Views listen here and read the document."""

    opened = Signal(object)  # Document
    closed = Signal(object)  # Document, after it is gone from the desk
    current_changed = Signal(object)  # Document or None
    changed = Signal(object, object)  # Document, DocumentChange: of any open document
    renamed = Signal(object)  # Document: another path, or saved
    jumped = Signal(str)  # node id in the drawing now shown: to be brought into view

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.documents: list[Document] = []
        self.current: Document | None = None
        self._ends: dict[Document, Callable[[], None]] = {}

    def new(self) -> Document:
        """Open an empty document."""
        return self.add(Document(Graph(), fonts.measure))

    def open(self, path: Path) -> Document:
        """Open a file, or show it when it is open already. Raises FileError or OSError."""
        path = Path(os.path.abspath(path))
        for document in self.documents:
            if document.path == path:
                self.show(document)
                return document
        return self.add(Document(load(path), fonts.measure, path))

    def open_example(self, name: str) -> Document:
        """Open a copy of a shipped example: saving it asks for a place."""
        path = resources.example_path(name)
        document = Document(load(path), fonts.measure)
        document.name, document.folder = name, path.parent
        return self.add(document)

    def add(self, document: Document) -> Document:
        """Put a document on the desk and show it."""
        self.documents.append(document)
        self._ends[document] = document.subscribe(lambda change: self._changed(document, change))
        self.opened.emit(document)
        self.show(document)
        return document

    def show(self, document: Document | None) -> None:
        """Make a document the current one."""
        if document is not self.current:
            self.current = document
            self.current_changed.emit(document)

    def jump(self, path: str, definition: str = "") -> None:
        """Select the node at a NodePath, entering its definition, and have it brought into view."""
        document, id = self.current, path.rpartition("/")[2].rpartition(":")[2]
        if document is None:
            return
        if document.into != definition:
            document.enter(definition)
        if id in document.view.by_id:
            document.select({id})
            self.jumped.emit(id)

    def close(self, document: Document) -> None:
        """Take a document off the desk; unsaved work is the caller's to ask about."""
        place = self.documents.index(document)
        self.documents.remove(document)
        self._ends.pop(document)()
        if document is self.current:
            left = self.documents
            self.show(left[min(place, len(left) - 1)] if left else None)
        self.closed.emit(document)

    def save(self, document: Document, path: Path | None = None) -> None:
        """Write a document to its file, or to `path` from now on. Raises OSError."""
        target = Path(os.path.abspath(path)) if path else document.path
        if target is None:
            raise ValueError("found no path, expected one for a document never saved")
        save(document.graph, target)
        document.path, document.folder = target, target.parent
        document.history.mark_clean()
        self.renamed.emit(document)

    def _changed(self, document: Document, change: DocumentChange) -> None:
        self.changed.emit(document, change)
