"""Training in the background: one thread that drives a run, one timer that brings news.

The thread puts news into a queue and never touches a widget; a timer of the window's thread drains
it. While a run trains it is the one beat to which all views repaint: together, because every
repaint of a window has a price of its own.
"""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from compute.control import Control
from compute.events import Failed, Finished, Paused, Resumed, Started, Swapped
from compute.questions import Answer, Question
from graph.graph import Graph
from gui.document import Document, DocumentChange
from gui.run.board import MOST_LOSSES, Board
from gui.run.changes import Drawn, differs, live_settings, snapshot, swap_refusal, swapped
from gui.run.permission import Permission
from gui.run.worker import News, Worker

if TYPE_CHECKING:
    from compute.prepare import Report, TrainOptions
    from compute.session import Session

TICK = 45  # ms between two looks at the queue
BEAT = 98  # ms, while a run trains and somebody shows its course
SLOW_BEAT = 196  # ms, while it trains and nobody does
TURN = 0.001  # s that the thread of a run may keep the interpreter while the window waits for it
WAITED_FOR = Started, Paused, Resumed, Swapped, Failed, Finished
NORM = "norm:"  # before a wanted name: the norm is enough
Heard = Callable[[Answer], None]


class Trainer(QObject):
    """Trains the graph of one document at a time and keeps a board for each.

    `changed`: the state, the run or the document is another. `ticked`: new numbers are on `board`,
    ten times a second at most, half as often while `spectators` is empty.
    `problem_wanted` (Document, Problem): Run was refused for this. `said`: a sentence for people.
    """

    changed = Signal()
    ticked = Signal()
    problem_wanted = Signal(object, object)
    said = Signal(str)
    _woken = Signal()  # by the thread of the run: what people wait for is in the queue

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.board = Board()
        self.document: Document | None = None  # whose run it is
        self.device: Literal["cpu", "reference"] = "cpu"  # of the runs to come
        self.options: Callable[[Document], TrainOptions] = self._options
        self.permission = Permission(self)
        self.spectators: set[object] = set()  # those in sight that show the course of a run
        self._boards: dict[Document, Board] = {}
        self._wanted: dict[object, tuple[frozenset[str], float]] = {}
        self._asked: dict[Hashable, list[int]] = {}  # tickets that have no answer yet
        self._tickets = 0
        self._control = Control()
        self._worker: Worker | None = None
        self.graph: Graph | None = None  # that the run trains; not to be changed
        self._folder = Path()  # from which its paths start
        self._live: dict[str, float] = {}
        self._news: queue.SimpleQueue[tuple[Control, Board, News]] = queue.SimpleQueue()
        self._timer = QTimer(self, interval=TICK)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)  # others come by tens of ms
        self._timer.timeout.connect(self._drain)
        self._woken.connect(self._drain)
        sys.setswitchinterval(TURN)

    def board_of(self, document: Document | None) -> Board:
        """What is known of a document's run; an idle board when there was none."""
        if document is None:
            return Board()
        return self._boards.setdefault(document, Board())

    # ---- what people do

    def run(self, document: Document) -> bool:
        """Begin a run of the document as it is now, or go on when it is paused.

        False when the graph has an error: then `problem_wanted` says which.
        """
        if document is self.document and self.board.active:
            self._control.resume()
            return True
        return self.allows(document, self.run) and self._begin(document)

    def restart(self, document: Document) -> bool:
        """End the run and begin another of the document as it is now; False as for `run`."""
        return self.allows(document, self.restart) and self._begin(document)

    def pause(self) -> None:
        """Wait before the next step."""
        self._control.pause()

    def step(self, document: Document | None = None) -> bool:
        """Train one batch, then wait; begins a run of the document when there is none."""
        if document is None or (document is self.document and self.board.active):
            self._control.single_step()
            return True
        return self.allows(document, self.step) and self._begin(document, single=True)

    def stop(self) -> None:
        """End the run after the step it is in; its plan still answers questions."""
        self._control.stop()

    def go_on(self, document: Document) -> bool:
        """Resume the document's last run where it was stopped; False as for `run`."""
        if document is self.document and self.board.active:
            self._control.resume()
            return True
        epochs, board = document.graph.training.epochs, self.board_of(document)
        opens = partial(_open_last, self.run_options(document), epochs, board.run)
        return self._begin(document, opens=opens)

    def begin_with(self, document: Document, run: str) -> bool:
        """Begin a run of the document as it is now with the weights of another; False as for `run`.

        Layers are known by their names.
        """
        begin = partial(self.begin_with, run=run)
        return self.allows(document, begin) and self._begin(document, weights=run)

    def run_options(self, document: Document) -> TrainOptions:
        """Options that find the document's last run, also after it was saved elsewhere."""
        options, place = self.options(document), self.board_of(document).workspace
        return replace(options, workspace=place) if place is not None else options

    def set_live(self, key: str, value: float) -> None:
        """Change a live setting (`NodePath/name`) from the next step on."""
        self._live[key] = value
        self._control.set_live(key, value)

    # ---- the document changed while its run is under way

    @property
    def _trained(self) -> Drawn | None:
        return Drawn(self.graph, self._folder) if self.graph is not None else None

    def changed_since_start(self, document: Document | None) -> bool:
        """Whether the run under way trains another graph than the document shows."""
        if document is None or document is not self.document or not self.board.active:
            return False
        trained = self._trained
        return trained is not None and differs(trained, Drawn(document.graph, document.folder))

    def is_of(self, document: Document) -> bool:
        """Whether the last run is of the graph as the document shows it."""
        trained = self._trained if document is self.document else None
        return trained is not None and not differs(trained, Drawn(document.graph, document.folder))

    def swap_refusal(self, document: Document) -> str:
        """Why the run cannot go on with the changed graph, or "" when it can."""
        trained = self._trained
        return swap_refusal(trained, Drawn(document.graph, document.folder)) if trained else ""

    def swap(self, document: Document) -> bool:
        """Go on with the document as it is now: values of equal name and shape are kept."""
        if not self.allows(document, self.swap) or self._worker is None or self.graph is None:
            return False
        if refusal := self.swap_refusal(document):
            self.said.emit(refusal)
            return False
        graph, live = swapped(self.graph, document.graph), self._live

        control = self._control

        def done(board: Board) -> None:
            if control is not self._control:
                return  # the run of another document has begun meanwhile
            self.graph, known = graph, live_settings(graph)
            self._live = {key: live.get(key, value) for key, value in known.items()}
            self.changed.emit()

        self._worker.swap(graph, done)
        return True

    def follow(self, document: Document, change: DocumentChange) -> None:
        """Hand on live settings that were changed in the document; connected to the desk."""
        if not change.title or change.moved or document is not self.document:
            return
        if self.board.active:
            for key, value in live_settings(document.graph).items():
                if self._live.get(key, value) != value:
                    self.set_live(key, value)

    # ---- what others want to see

    def want(self, owner: object, names: frozenset[str], every: float = 0.0) -> None:
        """The tensors that `owner` shows, at most every so many seconds; all owners' are watched.

        Of a name after "norm:" only the norm is taken, which costs much less.
        """
        if names:
            self._wanted[owner] = names, every
        else:
            self._wanted.pop(owner, None)
        self._watch()

    def memory(self, document: Document | None) -> int:
        """Bytes of the arena of a document's run; 0 when there is none."""
        return self._worker.memory if self._worker and self.can_answer(document) else 0

    def can_answer(self, document: Document | None) -> bool:
        """Whether there is a run of this document, under way or ended, that can be asked."""
        there = self._worker is not None and self._worker.is_alive()
        return there and document is not None and document is self.document

    def ask(self, key: Hashable, question: Question, callback: Heard) -> bool:
        """Have a question about the present run answered between two steps, or after its end.

        `callback` is called in this thread with the answer, at most once; a newer question of the
        same `key` takes the place of one still waiting, which is then not answered. False: nobody
        to ask.
        """
        worker = self._worker
        if worker is None or self.document is None or not worker.is_alive():
            return False
        self._tickets = ticket = self._tickets + 1
        self._asked.setdefault(key, []).append(ticket)
        worker.ask(key, question, lambda found: lambda _: self._hear(key, ticket, callback, found))
        if not self._timer.isActive():  # else it would start anew
            self._timer.start()
        return True

    def forget(self, document: Document) -> None:
        """A document was closed: its run ends; connected to the desk."""
        if document is self.document:
            self._control.close()
            self.document = self.graph = None
            self.board = Board()
            self._asked.clear()
            self.changed.emit()
        self._boards.pop(document, None)

    def close(self) -> None:
        """End the run and wait for its thread."""
        self._control.close()
        if self._worker is not None:
            self._worker.join()
            self._drain()

    # ---- the run

    def _options(self, document: Document) -> TrainOptions:
        from compute.prepare import TrainOptions

        return TrainOptions(
            self.device, folder=document.folder, name=document.title, allowed=document.allowed
        )

    def allows(
        self, document: Document, asked: Callable[[Document], object], what: str = "run"
    ) -> bool:
        """Whether a document has no error and may read its data.

        Else people are told what was not done, and `asked` follows once they allow the data.
        """
        problem = document.refusal
        if problem is None:
            return self.permission(document, partial(asked, document))
        self.said.emit(f"Not {what}: {problem}")
        self.problem_wanted.emit(document, problem)
        return False

    def _begin(
        self,
        document: Document,
        single: bool = False,
        opens: Callable[[Report], Session] | None = None,
        weights: str = "",
    ) -> bool:
        self._control.close()
        self.document, self.board = document, self.board_of(document)
        self.graph, self._live = snapshot(document.graph), live_settings(document.graph)
        self._folder = document.folder
        self._asked.clear()
        self.board.begin()
        self._control = Control()
        if single:
            self._control.single_step()
        self._watch()
        if weights:
            opens = partial(_open_with, self.graph, self.run_options(document), weights)
        opens = opens or partial(_open_new, self.graph, self.options(document))
        control = self._control
        tell = partial(self._tell, control, self.board)
        self._worker = Worker(opens, partial(self._opened, control), control, tell, self._worker)
        self._worker.start()
        self._timer.start()
        self.changed.emit()
        return True

    def _tell(self, control: Control, board: Board, news: News) -> None:
        """Called in the thread of the run."""
        self._news.put((control, board, news))
        if isinstance(getattr(news, "keywords", {}).get("event"), WAITED_FOR):
            self._woken.emit()

    def _watch(self) -> None:
        wanted = frozenset[str]().union(*(names for names, _ in self._wanted.values()))
        full = frozenset(name for name in wanted if not name.startswith(NORM))
        norms = frozenset(name.removeprefix(NORM) for name in wanted - full)
        often = {
            n.removeprefix(NORM)
            for names, every in self._wanted.values()
            for n in names
            if not every
        }
        every = min((every for _, every in self._wanted.values() if every), default=0.0)
        self._control.watch(full, norms, (full | norms) - often, every)

    def _drain(self) -> None:
        before, some = self.board.state, False
        alive = self._worker is not None and self._worker.is_alive()
        while not self._news.empty():
            control, board, news = self._news.get()
            if control is self._control:
                some = True
                news(board)
            elif board is not self.board:  # else late news of a run that was restarted
                news(board)
        if not alive:
            self._asked.clear()
        if not (alive and (self.board.active or self._asked)):
            self._timer.stop()
        gap = (BEAT if self.spectators else SLOW_BEAT) if self.board.state == "running" else TICK
        if gap != self._timer.interval():  # setting it starts the timer anew
            self._timer.setInterval(gap)
        if some:
            self.ticked.emit()
        if self.board.state != before:
            self.changed.emit()

    def _opened(self, control: Control, session: Session) -> News:
        """Called in the thread of the run: what the window must know of a run that goes on."""
        job = session.job
        graph, live = snapshot(job.model.graph), dict(job.live)
        folder = Path(session.workspace.get(session.run).folder)
        known, again = session.workspace.metrics(session.run), job.position.step > 0
        history = {epoch: m for epoch, m in known.items() if epoch <= job.position.epochs}
        losses = job.losses.copy(MOST_LOSSES)

        def news(board: Board) -> None:
            board.run, board.workspace = session.run, session.workspace.folder
            board.recall(job.batches.steps, history, losses)
            if control is not self._control:
                return  # the run of another document has begun meanwhile
            if again:
                self.graph, self._folder = graph, folder
            given, self._live = self._live, live
            board.live = {k: v for k, v in live.items() if given.get(k) != v}

        return news

    def _hear(self, key: Hashable, ticket: int, callback: Heard, found: Answer) -> None:
        waiting = self._asked.pop(key, [])
        if left := [t for t in waiting if t > ticket]:
            self._asked[key] = left
        if ticket in waiting:
            callback(found)


def _open_new(graph: Graph, options: TrainOptions, progress: Report) -> Session:
    from compute.session import open_new

    return open_new(graph, options, progress)


def _open_with(graph: Graph, options: TrainOptions, run: str, progress: Report) -> Session:
    from gui.run.past import open_with

    return open_with(graph, options, run, progress)


def _open_last(options: TrainOptions, epochs: int, run: str, progress: Report) -> Session:
    from gui.run.past import open_last

    return open_last(options, epochs, run, progress)
