"""The Python of a document, written beside the window's thread: large graphs take a while."""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal

from compute.data import DataError, Folder
from compute.facts import table_facts
from graph.drawing import copy
from graph.export import ExportError, Line, Options, Target, export_lines
from graph.graph import Graph
from graph.lower import LowerError
from gui.document import Document

Written = tuple[list[Line], str]  # the lines, or why there are none


class CodeWriter(QObject):
    """Writes the newest request only; `written` tells of it in the window's thread."""

    written = Signal(object)  # Written
    _done = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._next: Callable[[], Written] | None = None
        self._thread: threading.Thread | None = None
        self._done.connect(self._finished, Qt.ConnectionType.QueuedConnection)

    def write(self, document: Document, target: Target) -> None:
        """Ask for the text of a document as it is now."""
        graph, title = copy(document.graph), document.title
        folder = Folder(document.folder, allowed=document.allowed)
        self._next = lambda: _write(graph, target, title, folder)
        if self._thread is None:
            self._begin()

    def close(self) -> None:
        """Wait for the text under way and forget the rest."""
        self._next = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _begin(self) -> None:
        work, self._next = self._next, None
        if work is not None:
            self._thread = threading.Thread(target=lambda: self._done.emit(work()), name="code")
            self._thread.start()

    def _finished(self, written: Written) -> None:
        if self._thread is None:
            return
        self._thread.join()
        self._thread = None
        if self._next is None:
            self.written.emit(written)
        self._begin()


def _write(graph: Graph, target: Target, title: str, folder: Folder) -> Written:
    try:
        tables = table_facts(graph, folder)
        return export_lines(graph, target, Options(title, tables)), ""
    except LowerError as error:
        return [], str(error)
    except (ExportError, DataError, OSError) as error:
        return [], str(error)
