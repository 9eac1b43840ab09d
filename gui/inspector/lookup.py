"""Looking at the file of a table node, and keeping what was found in the graph."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from PySide6.QtCore import QObject, Signal

from graph.edits import SetOp
from graph.ops.table import Table
from graph.schema import Schema
from gui.document import Document
from gui.inspector.subject import push
from gui.run.tables import TableReader

_keys = count(1)


class FileLookup(QObject):
    """`failed`: why a file cannot be read."""

    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader = TableReader(self)

    @property
    def busy(self) -> bool:
        """Whether a file is being read."""
        return self._reader.busy

    def fresh_key(self) -> str:
        """A merge key under which a changed path and what it leads to are one step."""
        return f"file {next(_keys)}"

    def start(self, document: Document, id: str, op: Table, key: str) -> None:
        """Look at the file that `op` names; the node keeps what is found if it is still `op`."""
        into = document.into

        def found(schema: Schema | None, text: str) -> None:
            drawing = document.graph.definitions.get(into) if into else document.graph
            if drawing is None or id not in drawing or drawing.node(id).op != op:
                return
            if schema is None:
                self.failed.emit(text)
            elif schema != op.schema:
                push(document, SetOp(id, replace(op, schema=schema), into=into), key)
            document.history.end_merge()

        if op.path:
            self._reader.read(op, document, id, found)
