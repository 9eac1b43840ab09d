"""The long-lived threads that execute tapes together.

Worker threads are started once a process, on first need. After a run they stay awake for a moment,
as the next one can then have them at once; later they sleep. A run never waits for a worker to wake
up: its own thread begins, and goes on alone as long as nobody comes. One run uses the workers at a
time; a run on a single thread needs none of them and may go beside another.
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
from functools import cache
from queue import SimpleQueue
from time import perf_counter
from typing import Any, NamedTuple

from compute.cpu.interpreter import INTERPRETER
from compute.cpu.loader import Library
from compute.cpu.tape import (
    HELPER,
    HELPER_ENTRY,
    HELPER_PLACE,
    HELPER_TURNS,
    JOB_FIRST,
    JOB_NUMBER,
    JOB_ROWS,
    JOB_STEPS,
    JOB_SYNC,
    JOB_TAPE,
    JOB_THREADS,
    JOB_TID,
    JOB_WORDS,
    MAX_STEPS,
    PLACE_INTERPRETER,
    PLACE_NEXT,
    PLACE_WORDS,
    SYNC_BAD_STEP,
    SYNC_HELPERS,
    SYNC_PROFILE,
    SYNC_STEPS_DONE,
    SYNC_STOP,
    SYNC_WORDS,
)

LINGER = 0.0002  # seconds that a worker stays awake for the next run
LAST_LOOK = 0.00002
# Releases the GIL while it runs. One argument, the address of a job: each takes 60 ns to convert,
# and as a number twice as long as as a pointer.
_Entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@cache
def _function(address: int) -> Any:
    return _Entry(address)


class Outcome(NamedTuple):
    """How a run ended.

    `steps` completed steps; `bad_step` the step at which a checked value was not finite (that step
    is not counted as completed), or None; `stopped` whether the run was asked to stop before its
    last step.
    """

    steps: int
    bad_step: int | None
    stopped: bool


_ONE_STEP = Outcome(1, None, False)


class _Block:
    """Zeroed words on cache lines of their own, shared with native code."""

    def __init__(self, count: int) -> None:
        self._memory = (ctypes.c_int64 * (count + 8))()
        self.address = (ctypes.addressof(self._memory) + 63) // 64 * 64
        self.words = (ctypes.c_int64 * count).from_address(self.address)


@cache
def _turns(entry: int, seconds: float) -> int:
    """How often a helper looks at its place in so many seconds."""
    trial, place = 1000, _Block(PLACE_WORDS)
    job = _waiting(place, trial, entry)
    taken = []
    for _ in range(3):
        start = perf_counter()
        _function(entry)(job.address)
        taken.append(perf_counter() - start)
    return max(1, int(seconds / min(taken) * trial))


def _waiting(place: _Block, turns: int, entry: int) -> _Block:
    """The job of a helper: to look at its place so often."""
    job = _Block(JOB_WORDS)
    job.words[HELPER_PLACE], job.words[HELPER_TURNS] = place.address, turns
    job.words[HELPER_ENTRY], job.words[JOB_TID] = entry, HELPER
    return job


class _Local(threading.local):
    """What each thread knows of itself."""

    def __init__(self) -> None:
        self.number = threading.get_native_id() if sys.platform == "linux" else 0


_local = _Local()


class _Worker:
    """A thread that takes the jobs that are left at its place, and sleeps when none comes."""

    def __init__(self, number: int) -> None:
        self._calls: SimpleQueue[int | None] = SimpleQueue()
        self.attends = 0  # the interpreter in which it waits, or soon will; 0 while it sleeps
        self.place = _Block(PLACE_WORDS)
        self.thread = threading.Thread(target=self._work, name=f"netloom-{number}", daemon=True)
        self.thread.start()

    def call(self, entry: int) -> None:
        """Readies it for jobs of the interpreter at `entry`: it may be awake or not."""
        self.place.words[PLACE_INTERPRETER] = entry
        if self.attends != entry:
            self.attends = entry  # first, as the worker may wake up and go to sleep meanwhile
            self._calls.put(entry)

    def end(self) -> None:
        """Ends the thread once it has nothing to do."""
        self._calls.put(None)
        self.thread.join()

    def _work(self) -> None:
        while (entry := self._calls.get()) is not None:
            self.attends = entry
            self._wait(entry, LINGER)
            self.attends = 0
            self._wait(entry, LAST_LOOK)  # whoever saw it awake until now has made an offer by then

    def _wait(self, entry: int, seconds: float) -> None:
        job = _waiting(self.place, _turns(entry, seconds), entry)
        _function(entry)(job.address)


@contextmanager
def _signals_put_off() -> Iterator[None]:
    """In the main thread, lets handlers of SIGINT and SIGTERM run only after the block.

    They may raise, between any two steps of the Python code they interrupt.
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
        self.running: set[Sync] = set()
        self._ended = 0.0  # when the last run ended that was too short to wake anybody for it
        self.busy = threading.Lock()
        """Held by the run that uses the workers."""

    def went_without(self) -> None:
        """A short run has ended that had no workers."""
        self._ended = perf_counter()

    def call(self, entry: int, count: int, short: bool) -> int:
        """Calls `count` workers to their places; the address of the first. `busy` must be held.

        A short run gets 0 unless they are awake, or will be for the next one, as runs follow each
        other closely.
        """
        workers = self._workers
        if len(workers) >= count:
            for worker in workers if len(workers) == count else workers[:count]:
                if worker.attends != entry:
                    break
            else:
                return workers[0].place.address
        if short and perf_counter() - self._ended >= LINGER:
            return 0
        while len(self._workers) < count:
            with _signals_put_off():
                added = _Worker(len(self._workers) + 1)
                if self._workers:
                    self._workers[-1].place.words[PLACE_NEXT] = added.place.address
                self._workers.append(added)
        for worker in self._workers[:count]:
            worker.call(entry)
        return self._workers[0].place.address

    def thread_ids(self) -> list[int]:
        """Operating-system ids of the workers, for setting their priority."""
        return [w.thread.native_id for w in self._workers if w.thread.native_id is not None]

    def close(self) -> None:
        """Stops runs at the end of their step and ends the workers, until the next need."""
        for sync in list(self.running):
            sync.stop()
        with self.busy:
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.end()


class Sync:
    """The sync block of one run; `stop` may be called from any thread."""

    def __init__(self) -> None:
        self._block = _Block(SYNC_WORDS)
        self.address, self._words = self._block.address, self._block.words

    def stop(self) -> None:
        """Asks all threads to leave after the present step; a run that has not begun makes one
        step.
        """
        self._words[SYNC_STOP] = 1

    @property
    def steps_done(self) -> int:
        """Steps completed so far in the present run."""
        return int(self._words[SYNC_STEPS_DONE])

    def profile(self, wanted: bool) -> None:
        """Whether runs accumulate cycles and calls in their rows."""
        self._words[SYNC_PROFILE] = wanted

    def give_helpers(self, place: int) -> None:
        """Sets the place of the first helper."""
        self._words[SYNC_HELPERS] = place

    def outcome(self, steps: int) -> Outcome:
        """How the run of `steps` steps ended; clears the wish to stop."""
        words = self._words
        done = words[SYNC_STEPS_DONE]
        words[SYNC_STOP] = 0
        if done == 1 == steps:
            return _ONE_STEP
        bad = words[SYNC_BAD_STEP]
        return Outcome(done, bad if bad >= 0 else None, bad < 0 and done < steps)


_team = Team()
atexit.register(_team.close)


def team() -> Team:
    """The process's worker threads."""
    return _team


class Call:
    """A tape that is ready to run, any number of times, by one run at a time."""

    def __init__(self, library: Library, tape: int, rows: int) -> None:
        self._entry = library.address(INTERPRETER)
        self._interpret = _function(self._entry)
        self._job = _Block(JOB_WORDS)
        self._address, self._words = self._job.address, self._job.words
        self._words[JOB_TAPE], self._words[JOB_ROWS] = tape, rows
        self._given: tuple[int, int, Sync] | None = None  # as the job says now

    def run(
        self, first: int, steps: int, threads: int, sync: Sync, profile: bool = False
    ) -> Outcome:
        """Runs `steps` steps, numbered from `first`; returns when all threads are done.

        The calling thread is thread 0. `profile` accumulates cycles and calls in the rows and needs
        one thread. The result does not depend on `threads`.
        """
        if profile and threads != 1:
            raise ValueError(f"Profiling counts on one thread; {threads} were asked for.")
        if steps > MAX_STEPS:
            raise ValueError(f"{steps} steps in one run; at most {MAX_STEPS} are allowed.")
        if steps <= 0:
            return Outcome(0, None, False)
        sync.profile(profile)
        _team.running.add(sync)
        try:
            return self.run_short(steps, threads, sync, first, short=False)
        finally:
            _team.running.discard(sync)
            sync.profile(False)

    def run_short(
        self, steps: int, threads: int, sync: Sync, first: int = 0, short: bool = True
    ) -> Outcome:
        """The same for a run that is over before anybody could ask for its end.

        It has the other threads only when they are awake, or about to be.
        """
        team, words = _team, self._words
        given = first, steps, sync
        if given != self._given:
            words[JOB_FIRST], words[JOB_STEPS], words[JOB_SYNC] = first, steps, sync.address
            self._given = given
        if threads > 1 and not (short and team.busy.locked()):
            with team.busy:
                place = team.call(self._entry, threads - 1, short)
                if place:
                    words[JOB_THREADS], words[JOB_NUMBER] = threads, _local.number
                    sync.give_helpers(place)
                    # one native call: no signal leaves the run half given out
                    self._interpret(self._address)
                    return sync.outcome(steps)
        words[JOB_THREADS] = 1
        self._interpret(self._address)
        if threads > 1:
            team.went_without()
        return sync.outcome(steps)


def run(
    library: Library,
    tape: int,
    rows: int,
    first: int,
    steps: int,
    threads: int = 1,
    sync: Sync | None = None,
    profile: bool = False,
    short: bool = False,
) -> Outcome:
    """Runs the tape at an address once; see `Call`."""
    made, sync = Call(library, tape, rows), sync or Sync()
    if short and 0 < steps <= MAX_STEPS and not profile:
        return made.run_short(steps, threads, sync, first)
    return made.run(first, steps, threads, sync, profile)


def yield_to_others(niceness: int, worker_threads: bool = True) -> None:
    """Gives the calling thread and the workers a lower priority, where threads have one.

    As batch work they also never put aside another program when they wake, which one that paints
    feels most.
    """
    if sys.platform != "linux":
        return
    ids = [threading.get_native_id(), *(_team.thread_ids() if worker_threads else [])]
    for number in ids:
        os.sched_setscheduler(number, os.SCHED_BATCH, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, number, niceness)
