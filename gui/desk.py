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
from graph.validator import FileError
from gui import fonts
from gui.document import Document, DocumentChange
from gui.moving import moving
from gui.recovery import Journals, Left
from gui.run.changes import snapshot

Stamp = tuple[int, int, int] | None  # of a file: which it is, when it was written, its size


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
        self._stamps: dict[Document, Stamp] = {}  # of their files, as they were read or written
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
        for document in self._of_file(path):
            self.show(document)
            return document
        stamp = _stamp(path)  # before it is read: what comes later is another's
        document = Document(load(path), fonts.measure, path)
        self._stamps[document] = stamp
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

    def place(self, document: Document, folder: Path, name: str) -> None:
        """Say where the relative paths of a document never saved start, and what it is called."""
        document.folder, document.name = folder, name
        self._keep(document)  # its journal knows both
        self.renamed.emit(document)

    def _of_file(self, path: Path) -> list[Document]:
        """The documents whose file it is, by whatever links it is reached."""
        file = os.path.realpath(path)
        return [one for one in self.documents if one.path and os.path.realpath(one.path) == file]

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
        self._stamps.pop(document, None)
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
        if any(other is not document for other in self._of_file(target)):
            expected, remedy = "a file of no other tab", "close that tab, or choose another name"
            raise FileError("", "it open in another tab", expected, remedy, target.name)
        graph = document.graph
        moves = moving(document, target.parent) if target.parent != document.folder else None
        if moves is not None:
            moves.edit.apply(graph := snapshot(graph))
        save(graph, target)
        if moves is not None:
            moves(document)
        document.path, document.folder = target, target.parent
        self._stamps[document] = _stamp(target)
        document.history.mark_clean()
        self._keep(document)
        self.renamed.emit(document)

    def changed_outside(self, document: Document) -> bool:
        """Whether another program has written a document's file since it was read or written."""
        known, now = self._stamps.get(document), _stamp(document.path)
        return None not in (known, now) and known != now

    # Unsaved work

    def left(self) -> list[Left]:
        """What processes that died left unsaved, newest first."""
        return self._journals.left() if self._journals is not None else []

    def restore(self, left: Left) -> str:
        """Open what was left unsaved, in the place of its file where that is open and unchanged.

        Returns why edits at its end are missing, or "". Raises FileError when nothing of it can be
        read.
        """
        assert self._journals is not None
        restored = self._journals.restore(left, fonts.measure)
        document, twins = restored.document, self._of_file(left.path) if left.path else []
        if not all(twin.history.clean for twin in twins):
            document.path = None  # another tab has work of its own for that file
        self.add(document)
        for twin in twins if document.path else ():
            self.close(twin)
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


def _stamp(path: Path | None) -> Stamp:
    """None where there is no file."""
    try:
        status = os.stat(path) if path is not None else None
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size) if status is not None else None
