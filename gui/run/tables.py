"""What a table's file holds, found out in the background."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from compute.data.dataset import probe
from compute.data.source import DataError, Folder
from graph.ops.table import Table
from graph.schema import Schema
from gui.document import Document

TICK = 15  # ms
Answer = Callable[[Schema | None, str], None]


class TableReader(QObject):
    """Reads one file at a time on a thread; answers on the thread that asked."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._answers: queue.SimpleQueue[tuple[Answer, Schema | None, str]] = queue.SimpleQueue()
        self._open = 0
        self._timer = QTimer(self, interval=TICK)
        self._timer.timeout.connect(self._drain)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._open > 0

    def read(self, op: Table, document: Document, where: str, answer: Answer) -> None:
        """Call `answer` with the schema of the file, or with None and what is wrong."""
        self._open += 1
        folder = Folder(document.folder, allowed=document.allowed)
        threading.Thread(target=self._work, args=(op, folder, where, answer)).start()
        self._timer.start()

    def _work(self, op: Table, folder: Folder, where: str, answer: Answer) -> None:
        try:
            self._answers.put((answer, probe(op, folder, where), ""))
        except (DataError, OSError) as error:
            self._answers.put((answer, None, str(error)))

    def _drain(self) -> None:
        while not self._answers.empty():
            answer, schema, text = self._answers.get()
            self._open -= 1
            answer(schema, text)
        if not self._open:
            self._timer.stop()
