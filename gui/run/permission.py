"""Files outside a document's folder: the user is asked once before they are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from graph.kinds import DataSource
from gui.document import Document

Then = Callable[[], object]


class Permission(QObject):
    """`wanted` (Document, files, what to do once they are allowed): the user is to be asked."""

    wanted = Signal(object, object, object)

    def __call__(self, document: Document, then: Then) -> bool:
        """Whether all data of a document may be read; else the user is asked, `then` follows."""
        files = outside(document)
        if not files:
            return True
        self.wanted.emit(document, files, then)
        return False


def outside(document: Document) -> tuple[Path, ...]:
    """The files that a graph names outside its folder and that nobody has allowed yet."""
    from compute.data.source import DataError, Folder, OutsideError

    folder = Folder(document.folder, allowed=document.allowed)
    graph = document.graph
    found = dict[Path, None]()
    for drawing in (graph, *graph.definitions.values()):
        for node in drawing:
            path = getattr(node.op, "path", "") if isinstance(node.op, DataSource) else ""
            try:
                if path:
                    folder.file(path, node.id)
            except OutsideError as error:
                found[error.file] = None
            except DataError:
                pass  # said when it is read
    return tuple(found)
