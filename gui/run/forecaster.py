"""Forecasts of the document that is shown, made beside the window while people draw.

A process of low priority does the work (`compute.foresight`), a thread talks with it, and the
window's thread only hands over a copy of the graph and takes the answer.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from compute.children import environment
from compute.foreseen import Foreseen, Measuring, Request, read_answer
from gui.app import App
from gui.document import Document, DocumentChange
from gui.run.changes import Drawn, differs, snapshot

SETTLE = 250  # ms without an edit before a forecast is made
IDLE = 60.0  # s without a request after which the process ends: it holds 100 MB
MOST_FAILURES = 3  # of the process, after which only another edit begins it anew
ENDED = "the forecast was interrupted"


class Forecaster(QObject):
    """Keeps the forecast of the current document up to date.

    This machine is measured once, when `quiet` says that nothing else is under way. `changed`: it
    is measured now, or no longer.
    """

    changed = Signal()
    _told = Signal(object)

    def __init__(
        self, app: App, quiet: Callable[[], bool] = lambda: True, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._app, self._quiet = app, quiet
        self._talk: Talk | None = None
        self._asked: tuple[Document, Drawn] | None = None  # the newest that was answered or is
        self._waiting = self._late = False  # for an answer; somebody asked meanwhile
        self._failures = 0  # one after the other
        self.measuring = False
        self._soon = QTimer(self, singleShot=True, interval=SETTLE)
        self._soon.timeout.connect(self._ask)
        self._told.connect(self._hear)

    def start(self) -> None:
        """Begin with the document that is shown."""
        self._app.desk.current_changed.connect(self._renew)
        self._app.desk.changed.connect(self._edited)
        self._app.trainer.changed.connect(self._run_changed)
        self._renew()

    def stop(self) -> None:
        """End the process and wait for the thread."""
        self._soon.stop()
        talk, self._talk = self._talk, None
        if talk is not None:
            talk.end()
            talk.join()

    def renew(self) -> None:
        """Ask once more: what kept a forecast from being made may be over."""
        costs = self._app.forecasts.costs(self._app.desk.current)
        if costs is None or costs.epoch is None:
            self._renew()

    def _renew(self) -> None:
        if not self._waiting:
            self._asked = None
        self._soon.start()

    def _edited(self, document: Document, change: DocumentChange) -> None:
        if document is self._app.desk.current and not change.moved:
            self._soon.start()

    def _run_changed(self) -> None:
        if self._app.trainer.board.active:
            if self.measuring and self._talk is not None:
                self._talk.interrupt()  # a run needs the cores
        else:
            self.renew()

    def _ask(self) -> None:
        document, trainer = self._app.desk.current, self._app.trainer
        if self._waiting:
            self._late = True
            return
        if document is None:
            return
        drawn = Drawn(snapshot(document.graph), document.folder)
        if trainer.device != "cpu" or document.refusal is not None:
            self._asked = None
            self._app.forecasts.put(document, Foreseen())
            return
        if self._known(document, drawn):
            return
        self._asked, self._waiting = (document, drawn), True
        reads = bool(trainer.board_of(document).curves.run)  # then it has read them before
        measures = not trainer.board.active and self._quiet()
        if self._talk is None:
            self._talk = Talk(self._told.emit)
            self._talk.start()
        self._talk.ask(Request(drawn.graph, drawn.folder, document.allowed, reads, measures))

    def _known(self, document: Document, drawn: Drawn) -> bool:
        """Whether the newest forecast is of what is drawn; one without costs is tried again."""
        found = self._app.forecasts.of(document)
        if self._asked is None or self._asked[0] is not document:
            return False
        told = found.costs is not None or found.unmeasured
        return told and not differs(self._asked[1], drawn)

    def _hear(self, found: Foreseen | Measuring) -> None:
        measuring = isinstance(found, Measuring)
        if measuring != self.measuring:
            self.measuring = measuring
            self.changed.emit()
        if isinstance(found, Measuring):
            return
        late, self._waiting, self._late = self._late, False, False
        self._failures = self._failures + 1 if found.why == ENDED else 0
        if self._failures:
            self._asked, late = None, self._failures < MOST_FAILURES
        elif self._asked is not None:
            self._app.forecasts.put(self._asked[0], found)
        if late:
            self._soon.start()


class Talk(threading.Thread):
    """Sends requests one by one and tells what comes back; starts the process when it is needed."""

    def __init__(self, tell: Callable[[Foreseen | Measuring], object]) -> None:
        super().__init__(name="netloom-forecast", daemon=True)
        self._tell = tell
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[str] | None = None
        self._ended = False

    def ask(self, request: Request) -> None:
        """Hand over a request."""
        self._requests.put(request)

    def interrupt(self) -> None:
        """End the process with all it started; the thread waits for another request."""
        process = self._process
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)

    def end(self) -> None:
        """End the process and, when it is done, the thread."""
        self._ended = True
        self._requests.put(None)
        self.interrupt()

    def run(self) -> None:
        """Answer requests until the end."""
        while not self._ended:
            try:
                request = self._requests.get(timeout=IDLE)
            except queue.Empty:
                self._close()
                continue
            if request is not None and not self._ended:
                self._answer(request)
        self._close()

    def _answer(self, request: Request) -> None:
        try:
            process = self._process = self._process or _start()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(request.to_line() + "\n")
            process.stdin.flush()
            while isinstance(found := read_answer(process.stdout.readline()), Measuring):
                self._tell(found)
        except (OSError, ValueError):
            found = Foreseen(why=ENDED)
            self._close()
        if not self._ended:
            self._tell(found)

    def _close(self) -> None:
        self.interrupt()
        process, self._process = self._process, None
        if process is not None:
            process.communicate()


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "compute.foresight"],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        start_new_session=True,  # so that what measures ends with it
    )
