"""The Python of a document, written beside the window's thread: large graphs take a while."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from compute.data import DataError, Folder
from compute.facts import table_facts
from graph.drawing import copy
from graph.export import ExportError, Line, Options, Target, export_lines
from graph.graph import Graph
from graph.lower import LowerError
from gui.aside import Aside
from gui.document import Document

Written = tuple[list[Line], str]  # the lines, or why there are none


class CodeWriter(QObject):
    """Writes the newest request only; `written` tells of it in the window's thread."""

    written = Signal(object)  # Written

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._aside = Aside("code", self)
        self.close = self._aside.close

    @property
    def busy(self) -> bool:
        """Whether a text is being written."""
        return self._aside.busy

    def write(self, document: Document, target: Target) -> None:
        """Ask for the text of a document as it is now."""
        graph, title = copy(document.graph), document.title
        folder = Folder(document.folder, allowed=document.allowed)
        self._aside.ask(lambda: _write(graph, target, title, folder), self.written.emit)


def _write(graph: Graph, target: Target, title: str, folder: Folder) -> Written:
    try:
        tables = table_facts(graph, folder)
        return export_lines(graph, target, Options(title, tables)), ""
    except LowerError as error:
        return [], str(error)
    except (ExportError, DataError, OSError) as error:
        return [], str(error)
