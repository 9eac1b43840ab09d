"""The documents that are open, and which of them is shown."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

import resources
from graph.files import load, save
from graph.graph import Graph
from gui import fonts
from gui.document import Document, DocumentChange
from gui.moving import moving
from gui.recovery import Journals, Left
from gui.run.changes import snapshot


class Desk(QObject):
    """Documents in the order of their tabs. Views listen here and read the document."""

    opened = Signal(object)  # Document
    closed = Signal(object)  # Document, after it is gone from the desk
    going = Signal()  # another document is about to be shown: what is typed is for the one shown
    current_changed = Signal(object)  # Document or None
    changed = Signal(object, object)  # Document, DocumentChange: of any open document
    renamed = Signal(object)  # Document: another path, or saved
    jumped = Signal(str)  # node id in the drawing now shown: to be brought into view

    unprotected = Signal(object, str)  # Document, why its edits no longer reach a journal

    def __init__(self, parent: QObject | None = None, journals: Path | None = None) -> None:
        """`journals` is the folder in which every open document keeps its edits; None: nowhere."""
        super().__init__(parent)
        self.documents: list[Document] = []
        self.current: Document | None = None
        self._ends: dict[Document, Callable[[], None]] = {}
        self._journals: Journals | None = None
        with contextlib.suppress(OSError):  # told when a document is opened
            self._journals = Journals(journals) if journals is not None else None
        self._unkept = journals is not None and self._journals is None

    def new(self) -> Document:
        """Open an empty document."""
        return self.add(Document(Graph(), fonts.measure))

    def open(
        self, path: Path, prepare: Callable[[Document], object] = lambda document: None
    ) -> Document:
        """Open a file, or show it when it is open already. Raises FileError.

        `prepare` is given the new document before anybody shows it.
        """
        path = Path(os.path.abspath(path))
        for document in self.documents:
            if document.path == path:
                self.show(document)
                return document
        document = Document(load(path), fonts.measure, path)
        prepare(document)
        return self.add(document)

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
        self._keep(document)
        self.opened.emit(document)
        self.show(document)
        return document

    def show(self, document: Document | None) -> None:
        """Make a document the current one."""
        if document is not self.current:
            self.going.emit()
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
        if self._journals is not None:
            self._journals.end(document)
        if document is self.current:
            left = self.documents
            self.show(left[min(place, len(left) - 1)] if left else None)
        self.closed.emit(document)

    def save(self, document: Document, path: Path | None = None) -> None:
        """Write a document to its file, or to `path` from now on. Raises FileError."""
        target = Path(os.path.abspath(path)) if path else document.path
        if target is None:
            raise ValueError("found no path, expected one for a document never saved")
        graph = document.graph
        moves = moving(document, target.parent) if target.parent != document.folder else None
        if moves is not None:
            moves.edit.apply(graph := snapshot(graph))
        save(graph, target)
        if moves is not None:
            moves(document)
        document.path, document.folder = target, target.parent
        document.history.mark_clean()
        self._keep(document)
        self.renamed.emit(document)

    # Unsaved work

    def left(self) -> list[Left]:
        """What processes that died left unsaved, newest first."""
        return self._journals.left() if self._journals is not None else []

    def restore(self, left: Left) -> str:
        """Open what was left unsaved. Returns why edits at its end are missing, or "".

        Raises FileError when nothing of it can be read.
        """
        assert self._journals is not None
        restored = self._journals.restore(left, fonts.measure)
        self.add(restored.document)
        self._journals.forget(left, damaged=bool(restored.lost))
        return restored.lost

    def forget(self, left: Left) -> None:
        """What was left unsaved is not wanted."""
        assert self._journals is not None
        self._journals.forget(left)

    def finish(self) -> None:
        """The program ends and has asked about unsaved work: keep no journal."""
        if self._journals is not None:
            self._journals.close()

    def _keep(self, document: Document) -> None:
        """Write the edits of a document from here on to a journal."""
        if self._journals is None:
            if self._unkept:
                self._unkept = False  # once is enough
                self.unprotected.emit(document, "the folder for it cannot be written")
            return

        def failed(error: OSError) -> None:
            self.unprotected.emit(document, (error.strerror or "it cannot be written").lower())

        try:
            self._journals.restart(document, failed)
        except OSError as error:
            failed(error)

    def _changed(self, document: Document, change: DocumentChange) -> None:
        self.changed.emit(document, change)
