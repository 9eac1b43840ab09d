"""The long-lived threads that execute tapes together.

Worker threads are started once a process, on first need, and sleep between runs. One run uses the
workers at a time; a run on a single thread needs none of them and may go beside another.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from queue import SimpleQueue
from typing import Any, NamedTuple

from compute.cpu.interpreter import INTERPRETER
from compute.cpu.loader import Library
from compute.cpu.tape import (
    MAX_STEPS,
    SYNC_BAD_STEP,
    SYNC_PROFILE,
    SYNC_STEPS_DONE,
    SYNC_STOP,
    SYNC_STOP_AFTER,
    SYNC_WORDS,
)

_NEVER = 2**62
_Entry = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 7)  # releases the GIL while it runs


@cache
def _function(address: int) -> Any:
    return _Entry(address)


@cache
def _interpreter(library: Library) -> Any:
    return _function(library.address(INTERPRETER))


class Outcome(NamedTuple):
    """How a run ended.

    `steps` completed steps; `bad_step` the step at which a checked value was not finite (that step
    is not counted as completed), or None; `stopped` whether the run was asked to stop before its
    last step.
    """

    steps: int
    bad_step: int | None
    stopped: bool


@dataclass(frozen=True)
class _Job:
    """One thread's call of the interpreter."""

    entry: int
    tape: int
    rows: int
    first: int
    steps: int
    tid: int
    threads: int
    sync: int

    def __call__(self) -> None:
        arguments = self.tape, self.rows, self.first, self.steps, self.tid, self.threads, self.sync
        _function(self.entry)(*arguments)


class _Worker:
    """A sleeping thread that runs one job at a time."""

    def __init__(self, number: int) -> None:
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.done: SimpleQueue[None] = SimpleQueue()
        self.thread = threading.Thread(target=self._work, name=f"netloom-{number}", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while (job := self.jobs.get()) is not None:
            job()
            self.done.put(None)


@contextmanager
def _signals_put_off() -> Iterator[None]:
    """In the main thread, lets handlers of SIGINT and SIGTERM run only after the block.

    They may raise, between any two steps of the Python code they interrupt: a run on several
    threads must not be left half given out, or half waited for.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    noted: dict[int, Any] = {}
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    mine = {number: handler for number, handler in handlers.items() if callable(handler)}
    try:
        for number in mine:
            signal.signal(number, noted.__setitem__)
        yield
    finally:
        for number, handler in mine.items():
            signal.signal(number, handler)
        for came, frame in noted.items():
            mine[signal.Signals(came)](came, frame)


class Team:
    """The worker threads of this process."""

    def __init__(self) -> None:
        self._workers: list[_Worker] = []
        self._busy = threading.Lock()
        self._running: set[Sync] = set()

    @contextmanager
    def workers(self, count: int) -> Iterator[list[_Worker]]:
        """Exclusive use of `count` workers."""
        with self._busy:
            while len(self._workers) < count:
                self._workers.append(_Worker(len(self._workers) + 1))
            yield self._workers[:count]

    def thread_ids(self) -> list[int]:
        """Operating-system ids of the workers, for setting their priority."""
        return [w.thread.native_id for w in self._workers if w.thread.native_id is not None]

    def close(self) -> None:
        """Stops runs at the end of their step and ends the workers, until the next need."""
        for sync in list(self._running):
            sync.stop()
        with self._busy:
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.jobs.put(None)
        for worker in workers:
            worker.thread.join()


class Sync:
    """The sync block of one run; `stop` may be called from any thread."""

    def __init__(self) -> None:
        size = SYNC_WORDS + 8
        self._block = (ctypes.c_int64 * size)()
        start = ctypes.addressof(self._block)
        self.address = (start + 63) // 64 * 64
        self._words = (ctypes.c_int64 * SYNC_WORDS).from_address(self.address)
        self._words[SYNC_BAD_STEP] = -1

    def stop(self) -> None:
        """Asks all threads to leave after the present step; a run that has not begun makes one
        step.
        """
        self._words[SYNC_STOP] = 1

    @property
    def steps_done(self) -> int:
        """Steps completed so far in the present run."""
        return int(self._words[SYNC_STEPS_DONE])

    def begin(self, profile: bool) -> None:
        """Readies the block for a run. A stop asked for since the last run stays asked for."""
        self._words[SYNC_STOP_AFTER] = _NEVER
        self._words[SYNC_STEPS_DONE] = 0
        self._words[SYNC_BAD_STEP] = -1
        self._words[SYNC_PROFILE] = int(profile)

    def outcome(self, steps: int) -> Outcome:
        """How the run of `steps` steps ended; clears the wish to stop."""
        bad, done = int(self._words[SYNC_BAD_STEP]), self.steps_done
        self._words[SYNC_STOP] = 0
        return Outcome(done, bad if bad >= 0 else None, bad < 0 and done < steps)


_team = Team()
atexit.register(_team.close)


def team() -> Team:
    """The process's worker threads."""
    return _team


def run(
    library: Library,
    tape: int,
    rows: int,
    first: int,
    steps: int,
    threads: int = 1,
    sync: Sync | None = None,
    profile: bool = False,
) -> Outcome:
    """Runs `steps` steps, numbered from `first`, of the tape at an address; returns when all
    threads are done.

    The calling thread is thread 0. `profile` accumulates cycles and calls in the rows and needs one
    thread. The result does not depend on `threads`.
    """
    if profile and threads != 1:
        raise ValueError(f"Profiling counts on one thread; {threads} were asked for.")
    if steps > MAX_STEPS:
        raise ValueError(f"{steps} steps in one run; at most {MAX_STEPS} are allowed.")
    if steps <= 0:
        return Outcome(0, None, False)
    sync = sync or Sync()
    sync.begin(profile)
    _team._running.add(sync)
    try:
        if threads == 1:
            _interpreter(library)(tape, rows, first, steps, 0, 1, sync.address)
        else:
            entry = library.address(INTERPRETER)
            job = _Job(entry, tape, rows, first, steps, 0, threads, sync.address)
            with _signals_put_off(), _team.workers(threads - 1) as workers:
                _together(workers, job)
        return sync.outcome(steps)
    finally:
        _team._running.discard(sync)


def _together(workers: list[_Worker], job: _Job) -> None:
    """Runs the job here and on the workers; returns when all are done."""
    replace(job, steps=0)()
    for tid, worker in enumerate(workers, start=1):
        worker.jobs.put(replace(job, tid=tid))
    job()
    for worker in workers:
        worker.done.get()


def set_niceness(value: int, worker_threads: bool = True) -> None:
    """Sets the priority of the calling thread and the workers, where threads have one."""
    if sys.platform != "linux":
        return
    ids = [threading.get_native_id(), *(_team.thread_ids() if worker_threads else [])]
    for number in ids:
        os.setpriority(os.PRIO_PROCESS, number, value)
