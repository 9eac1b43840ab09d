"""Training in the background: one thread that drives `train()`, one timer that brings news.

The thread puts events into a queue and never touches a widget; the timer of the window's thread
drains it at most 30 times a second.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from compute.control import Control
from compute.data import DataError
from compute.events import Event, Failed
from compute.prepare import TrainOptions
from compute.runs import RunError
from compute.session import train_graph
from graph.files import dumps, loads
from graph.graph import Graph
from graph.lower import LowerError
from gui.document import Document
from gui.run.board import Board

TICK = 33  # ms


class Trainer(QObject):
    """Trains the graph of one document at a time.

    `changed`: the state, the run or the document is another. `ticked`: new numbers are on `board`.
    """

    changed = Signal()
    ticked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.board = Board()
        self.document: Document | None = None  # whose run it is
        self.graph: Graph | None = None  # as it was when the run began
        self.options: Callable[[Document], TrainOptions] = lambda document: TrainOptions(
            folder=document.folder, name=document.title
        )
        self._boards: dict[Document, Board] = {}
        self._wanted: dict[object, frozenset[str]] = {}
        self._control = Control()
        self._thread: threading.Thread | None = None
        self._news: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._timer = QTimer(self, interval=TICK)
        self._timer.timeout.connect(self._drain)

    def board_of(self, document: Document | None) -> Board:
        """What is known of a document's run; an idle board when there was none."""
        if document is None:
            return Board()
        return self._boards.setdefault(document, Board())

    def run(self, document: Document) -> None:
        """Begin a run of the document as it is now, or go on when it is paused."""
        if self._thread is not None and self.document is document:
            self._control.resume()
            return
        self.stop()
        self._join()
        self.document, self.board = document, self.board_of(document)
        self.graph = loads(dumps(document.graph))
        self.board.begin()
        self._control = Control()
        self._watch()
        self._thread = threading.Thread(
            target=self._work, args=(self.graph, self.options(document), self._control)
        )
        self._thread.start()
        self._timer.start()
        self.changed.emit()

    def pause(self) -> None:
        """Wait before the next step."""
        self._control.pause()

    def step(self) -> None:
        """Train one batch, then wait."""
        self._control.single_step()

    def stop(self) -> None:
        """End the run after the step it is in."""
        self._control.stop()

    def set_live(self, key: str, value: float) -> None:
        """Change a live setting (`node/name`) from the next step on."""
        self._control.set_live(key, value)

    def want(self, owner: object, names: frozenset[str]) -> None:
        """The tensors that `owner` shows; all owners' together are watched."""
        if names:
            self._wanted[owner] = names
        else:
            self._wanted.pop(owner, None)
        self._watch()

    def close(self) -> None:
        """End the run and wait for its thread."""
        self.stop()
        self._join()

    def _watch(self) -> None:
        self._control.watch(frozenset().union(*self._wanted.values()))

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._drain()

    def _work(self, graph: Graph, options: TrainOptions, control: Control) -> None:
        try:
            for event in train_graph(graph, options, control):
                self._news.put(event)
        except (LowerError, DataError, RunError, OSError) as error:
            self._news.put(Failed(0, "", str(error)))
        finally:
            self._news.put(None)

    def _drain(self) -> None:
        before, some = self.board.state, False
        while not self._news.empty():
            event = self._news.get()
            some = True
            if event is None:
                if self._thread is not None:
                    self._thread.join()
                self._thread = None
                self._timer.stop()
            else:
                self.board.take(event)
        if some:
            self.ticked.emit()
        if self.board.state != before:
            self.changed.emit()
