"""The thread of a run: it prepares, trains, and then answers questions until it is closed.

The machinery of training is imported in the thread, so that the window does not wait for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from compute.control import Control
from compute.events import Failed, Finished, Started, Warned
from compute.questions import Answer, Question, Unanswered
from gui.run.board import Board

if TYPE_CHECKING:
    from compute.prepare import Report
    from compute.session import Session
    from compute.train import Job
    from graph.graph import Graph

# Of the training alone, so that the window's own thread goes first. On two cores, digits-cnn, five
# docks: the 99th percentile of a 16 ms timer is 23, 22, 23, 27 ms with 10, 5, 2, 0 (as threads that
# are not batch work 33, 37, 37, 45), and beside one busy process the run makes 147, 147, 602, 580
# steps a second. When others take both cores, 0 is twice as late as 2.
NICENESS = 2
FIRST_PAINT = 0.05  # s for the window to show that a run began, before plans are made
News = Callable[[Board], None]


class _EndedError(Exception):
    """The run was asked to end while it was being prepared."""


_ENDED: News = partial(Board.take, event=Finished(0, {}, "", True))


class Worker(threading.Thread):
    """Drives one run. `tell` is called in this thread with what is to be done to its board."""

    def __init__(
        self,
        opens: Callable[[Report], Session],
        opened: Callable[[Session], News],
        control: Control,
        tell: Callable[[News], None],
        before: Worker | None,
    ) -> None:
        """`opens` prepares the run, `opened` makes news of it; `before` must have ended first."""
        super().__init__(name="netloom-run")
        self.control = control
        self._opens, self._opened, self._tell, self._before = opens, opened, tell, before
        self._session: Session | None = None
        self._first = 0  # the step the run begins after

    @property
    def memory(self) -> int:
        """Bytes of the plan's arena; 0 before there is one."""
        return self._session.job.plan.memory if self._session is not None else 0

    def ask(self, key: object, question: Question, hear: Callable[[Answer], News]) -> None:
        """Answer between two steps; a newer question of the same key takes this one's place."""

        def work(job: Job) -> None:
            from compute.answers import answer

            assert self._session is not None
            try:
                self._tell(hear(answer(question, job, self._session.loaded)))
            except Exception as error:  # a question must not end a run
                self._tell(hear(Unanswered(f"{type(error).__name__}: {error}")))

        self.control.ask(key, work)

    def swap(self, graph: Graph, done: News) -> None:
        """Go on with another graph from the next step on, trained values kept by name.

        Layers of another size keep what fits.
        `done` is told when nothing can hinder it any more.
        """

        def work(job: Job) -> None:
            from compute.control import Swap
            from compute.prepare import load_other, make_plan
            from compute.steps import prepare_steps
            from compute.widen import overlap

            assert self._session is not None
            try:
                loaded = load_other(self._session.loaded, graph)
                plan = make_plan(loaded, self._session.options, self._progress)
                prepare_steps(loaded.model, plan, job.parts, job.batches)
            except (ValueError, RuntimeError, MemoryError) as error:
                self._tell(partial(Board.take, event=Warned(job.position.step, str(error))))
                return
            self.control.swap(Swap(loaded.model, plan, overlap(job.plan.read(), plan.read())))
            self._tell(done)

        self.control.do(work)

    def run(self) -> None:
        """Prepare, train, answer; see the module."""
        if self._before is not None:
            self._before.join()
            self._before = None
        try:
            self._progress(0, 0, "")
            self._session = self._opens(self._progress)
            self._first = self._session.job.position.step
            self._tell(self._opened(self._session))
        except _EndedError:
            self._tell(_ENDED)
        except Exception as error:  # whatever it is, a person must read it
            self._tell(partial(Board.take, event=_failure(error)))
        else:
            self._train(self._session)

    def _train(self, session: Session) -> None:
        from compute.cpu.threads import yield_to_others
        from compute.train import serve

        yield_to_others(NICENESS)
        try:
            try:
                for event in session.events(self.control):
                    self._tell(partial(Board.take, event=event))
                    if isinstance(event, Started):
                        time.sleep(FIRST_PAINT)
            except _EndedError:
                self._tell(_ENDED)
            except Exception as error:  # such as a full disk
                self._tell(partial(Board.take, event=_failure(error)))
            serve(session.job, self.control)
        finally:
            session.close()

    def _progress(self, done: int, total: int, what: str) -> None:
        begun = self._session is not None and self._session.job.position.step > self._first
        if self.control.stopping and not begun:
            raise _EndedError
        if total:
            self._tell(partial(Board.prepare, done=done, total=total))


def _failure(error: Exception) -> Failed:
    refusals = getattr(error, "refusals", ())
    path = refusals[0].path if refusals else ""
    known = isinstance(error, ValueError | OSError | MemoryError | RuntimeError)
    return Failed(0, path, str(error) if known else f"{type(error).__name__}: {error}")
