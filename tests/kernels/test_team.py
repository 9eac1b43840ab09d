"""The life of the worker threads: awake after a run, then asleep; called, shared, ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from compute.cpu import loader, threads, variants
from compute.cpu.loader import Library
from compute.cpu.tape import Control
from tests.kernels.test_interpreter import (
    KERNELS,
    Tape,
    copy_words,
    counting,
    interrupted_runs,
    power_iteration,
)

PATIENCE = 30.0  # seconds until a test gives up waiting for what is bound to come


@pytest.fixture
def kernels() -> Iterator[Library]:
    threads.team().close()
    yield loader.ensure(variants.native("f64"), KERNELS)
    threads.team().close()


def wait_until(reached: Callable[[], bool]) -> None:
    """Returns when it is so; fails when that takes far too long."""
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.001)


def asleep() -> bool:
    """Whether no worker looks out for a job."""
    return all(worker.attends == 0 for worker in threads.team()._workers)


def worker_clocks() -> list[float]:
    """Processor seconds of each worker so far."""
    found = [worker.thread.ident for worker in threads.team()._workers]
    clocks = [time.pthread_getcpuclockid(ident) for ident in found if ident is not None]
    return [time.clock_gettime(clock) for clock in clocks]


def single_precision(made: Tape) -> np.ndarray:
    """Has the tape count in float32, whose kernels are others."""
    ones, total = np.ones((64, 3), np.float32), np.zeros((64, 3), np.float32)
    words: dict[str, Any] = copy_words(ones, total, 1, 4) | {"x5": 4, "y5": 4, "item": 4}
    made.kept += [ones, total]
    made.kernel("permute", **words)
    made.control(Control.BARRIER)
    made.finish()
    return total


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="no clock of a thread")
def test_workers_sleep_when_nobody_calls(kernels: Library) -> None:
    made, total = counting(kernels)
    made.run(20, 3)
    wait_until(asleep)
    time.sleep(0.01)  # the last look
    before = worker_clocks()
    time.sleep(0.05)
    assert worker_clocks() == before
    assert len(before) == 2
    made.run(20, 3, first=20)
    assert (total == 40).all()


def test_a_single_short_run_calls_nobody(kernels: Library) -> None:
    made, total = counting(kernels)
    assert made.run(1, 2, short=True).steps == 1
    assert threads.team().thread_ids() == []
    assert (total == 1).all()


def test_short_runs_that_follow_each_other_have_helpers(kernels: Library) -> None:
    made, total = counting(kernels)
    runs = 0
    while not threads.team().thread_ids():
        made.run(1, 2, short=True)
        runs += 1
        assert runs < 100_000
    made.run(1, 2, short=True)
    assert (total == runs + 1).all()


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_short_runs_have_the_same_bits(kernels: Library, count: int) -> None:
    alone, expected = power_iteration(kernels)
    alone.run(400)
    made, record = power_iteration(kernels)
    for first in range(0, 400, 2):
        made.run(2, count, first, short=True)
        if first % 50 == 0:
            time.sleep(0.001)  # so that some begin while the others sleep
    assert (record == expected).all()


def test_no_helper_is_on_a_tape_after_its_run(kernels: Library) -> None:
    """A tape that is gone, or another one in its place, is nobody's work any more."""
    ones, total = np.ones((64, 3)), np.zeros((64, 3))
    for run in range(400):
        made = Tape(kernels)
        words: dict[str, Any] = copy_words(ones, total, 1, 4 + run % 3)
        made.kernel("permute", **words)
        made.finish()
        made.run(1 + run % 2, 3, short=run % 5 == 0)
        made.table[:], made.counters[:] = -1, -1
    assert (total == 600).all()


def test_a_helper_goes_from_one_interpreter_to_another(kernels: Library) -> None:
    """Kernels of float32 and float64 have interpreters of their own."""
    other = Tape(loader.ensure(variants.native("f32"), ["permute"]))
    single, (double, total) = single_precision(other), counting(kernels)
    for run in range(100):
        assert other.run(1, 3, first=run, short=run % 2 == 1).steps == 1
        assert double.run(2, 3, first=2 * run).steps == 2
    assert (single == 100).all()
    assert (total == 200).all()


def test_the_team_is_closed_and_begins_anew(kernels: Library) -> None:
    made, total = counting(kernels)
    for turn in range(20):
        made.run(3, 3)
        if turn % 2:
            wait_until(asleep)
        assert len(threads.team().thread_ids()) == 2
        threads.team().close()
        assert threads.team().thread_ids() == []
    assert (total == 60).all()
    assert not [t for t in threading.enumerate() if t.name in ("netloom-1", "netloom-2")]


def test_short_and_long_runs_of_several_threads(kernels: Library) -> None:
    """Whoever finds the workers busy waits or works alone; all get what they would have alone."""
    plans = [power_iteration(kernels) for _ in range(3)]
    alone, expected = power_iteration(kernels)
    alone.run(300)

    def work(made: Tape, steps: int) -> None:
        for first in range(0, 300, steps):
            made.run(steps, 2, first, short=steps == 1)

    jobs = zip(plans, (1, 1, 50), strict=True)
    helpers = [threading.Thread(target=work, args=(made, n)) for (made, _), n in jobs]
    for helper in helpers:
        helper.start()
    for helper in helpers:
        helper.join()
    assert all((record == expected).all() for _, record in plans)


def test_interrupts_of_short_runs(kernels: Library) -> None:
    """A handler that raises between two runs, or after one, leaves the next one whole."""
    made, total = counting(kernels)
    interrupted_runs(made, total, lambda: made.run(1, 3, short=True))
    assert not threads.team().busy.locked()
