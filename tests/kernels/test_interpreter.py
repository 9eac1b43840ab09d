"""The tape interpreter and its threads: same bits for any number, stopping, breaking, rhythms."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from compute.cpu import loader, tape, threads, variants
from compute.cpu.kernels import SPECS
from compute.cpu.loader import Library
from compute.cpu.tape import Control

KERNELS = ["gemm", "reduce", "sum_chunks", "permute", "record"]


@pytest.fixture
def library() -> Iterator[Library]:
    yield loader.ensure(variants.native("f64"), KERNELS)
    threads.team().close()


class Tape:
    """A tape under construction, with the arrays it works on."""

    def __init__(self, library: Library) -> None:
        self.library, self.kept = library, list[Any]()
        self.rows: list[np.ndarray[Any, Any]] = []
        self.counters = np.zeros((64, 8), np.int64)

    def control(self, kind: Control, **words: int) -> None:
        row = np.zeros(tape.ROW_WORDS, np.int64)
        row[tape.CONTROL] = kind
        for name, value in words.items():
            row[getattr(tape, name)] = value
        self.rows.append(row)

    def kernel(self, name: str, grouped: bool = True, **words: Any) -> None:
        spec = SPECS[name]
        packed = spec.pack(**words)
        if grouped:
            counter = self.counters[len(self.rows)].ctypes.data
            self.control(
                Control.GROUP, GROUP_SIZE=1, GROUP_CHUNKS=spec.chunks(packed),
                GROUP_COUNTER=counter,
            )  # fmt: skip
        row = np.zeros(tape.ROW_WORDS, np.int64)
        row[tape.FUNCTION] = self.library.address(name)
        row[tape.ARGUMENTS : tape.ARGUMENTS + len(packed)] = packed
        self.rows.append(row)

    def array(self, *shape: int, value: Any = None) -> Any:
        made = np.zeros(shape) if value is None else np.array(value, dtype=np.float64)
        self.kept.append(made)
        return made

    def finish(self) -> None:
        self.table = np.stack(self.rows)

    def run(self, steps: int, count: int = 1, first: int = 0, **options: Any) -> threads.Outcome:
        at = self.table.ctypes.data
        return threads.run(self.library, at, len(self.table), first, steps, count, **options)


def copy_words(x: Any, y: Any, add: int, size: int) -> dict[str, int]:
    words = {f"d{i}": 1 for i in range(6)}
    words |= {f"{v}{i}": 0 for v in "xy" for i in range(6)}
    words |= {"d0": x.shape[0], "d5": x.shape[1], "x0": x.strides[0], "y0": y.strides[0]}
    words |= {"x5": 8, "y5": 8, "item": 8, "add": add, "split": 0, "size": size}
    return {**words, "x": x.ctypes.data, "y": y.ctypes.data}


def product_words(a: Any, b: Any, c: Any, size: int) -> dict[str, Any]:
    words = dict.fromkeys(SPECS["gemm"].words, 0)
    return words | {
        "a": a.ctypes.data, "a_row": a.strides[0], "a_col": 8, "b": b.ctypes.data,
        "b_row": b.strides[0], "b_col": 8, "c": c.ctypes.data, "c_row": c.strides[0],
        "m": a.shape[0], "n": b.shape[1], "k": a.shape[1], "size": size, "batch": 1,
    }  # fmt: skip


def power_iteration(library: Library) -> tuple[Tape, Any]:
    """x ← a x b, step after step, with a checked and recorded sum: any lost chunk changes the
    result.
    """
    rng = np.random.default_rng(0)
    made = Tape(library)
    a = made.array(value=rng.standard_normal((40, 40)) / 40**0.5 / 1.1)
    b = made.array(value=rng.standard_normal((24, 24)) / 24**0.5 / 1.1)
    x, y = made.array(value=rng.standard_normal((40, 24))), made.array(40, 24)
    partial, total, record = made.array(8, 24), made.array(24), made.array(1000)
    made.kernel("gemm", **product_words(a, x, y, 5))
    made.control(Control.BARRIER)
    made.kernel("gemm", **product_words(y, b, x, 3))
    made.control(Control.BARRIER)
    sums = dict.fromkeys(SPECS["reduce"].words, 0)
    sums |= {"x": x.ctypes.data, "x_r0": x.strides[0], "x_inner": 8, "y": partial.ctypes.data}
    sums |= {"y_inner": 8, "y_chunk": partial.strides[0], "o0": 1, "o1": 1, "r0": 40, "r1": 1}
    made.kernel("reduce", **(sums | {"r2": 1, "inner": 24, "scale": 1.0, "split": 1, "size": 5}))
    made.control(Control.BARRIER)
    made.kernel(
        "sum_chunks", partial=partial.ctypes.data, partial_chunk=partial.strides[0], parts=8,
        out=total.ctypes.data, count=24, scale=1.0, init=0, size=16,
    )  # fmt: skip
    made.control(Control.BREAK_IF_NOT_FINITE, BREAK_ADDRESS=total.ctypes.data)
    made.kernel(
        "record", grouped=False, x=total.ctypes.data, out=record.ctypes.data, out_step=8,
        steps=1000,
    )  # fmt: skip
    made.finish()
    return made, record


def counting(library: Library, every: int = 0) -> tuple[Tape, Any]:
    """total += 1 for 64 rows in 16 chunks; with `every`, only in each so-manieth step."""
    made = Tape(library)
    ones, total = made.array(value=np.ones((64, 3))), made.array(64, 3)
    if every:
        made.control(Control.EVERY, EVERY_PERIOD=every, EVERY_SKIP=2, EVERY_PHASE=1)
    made.kernel("permute", **copy_words(ones, total, 1, 4))
    made.finish()
    return made, total


@contextmanager
def busy_process() -> Iterator[None]:
    """Another process that wants a core all the time."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_same_bits_with_any_number_of_threads(library: Library, count: int) -> None:
    alone, expected = power_iteration(library)
    assert alone.run(200).steps == 200
    made, record = power_iteration(library)
    for first in range(0, 200, 20):
        outcome = made.run(20, count, first)
        assert outcome == threads.Outcome(20, None, False)
    assert (record == expected).all()
    assert np.abs(record[:200]).min() > 0


def test_same_bits_beside_a_busy_process(library: Library) -> None:
    alone, expected = power_iteration(library)
    alone.run(300)
    made, record = power_iteration(library)
    with busy_process():
        made.run(300, 2)
    assert (record == expected).all()


@pytest.mark.skipif(sys.platform != "linux", reason="processors are given away on Linux only")
def test_threads_that_trade_places_may_go_where_they_might_before(library: Library) -> None:
    """More threads than processors, and busy ones beside them: whoever waits gives way often."""
    alone, expected = power_iteration(library)
    alone.run(900)
    places = os.sched_getaffinity(0)
    with busy_process():
        for count in (2, 2 * len(places)):
            made, record = power_iteration(library)
            made.run(900, count)
            assert (record == expected).all()
    for number in (threading.get_native_id(), *threads.team().thread_ids()):
        assert os.sched_getaffinity(number) == places


@pytest.mark.parametrize("count", [1, 2, 4])
def test_many_short_runs(library: Library, count: int) -> None:
    made, total = counting(library)
    for run in range(300):
        made.run(1 + run % 3, count, first=run)
    assert (total == 600).all()


@pytest.mark.parametrize("count", [1, 3])
def test_every_so_many_steps(library: Library, count: int) -> None:
    made, total = counting(library, every=3)
    made.run(10, count, first=4)
    assert (total == len([s for s in range(4, 14) if (s + 1) % 3 == 0])).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_value_that_is_not_finite_ends_the_run(library: Library, count: int) -> None:
    made, record = power_iteration(library)
    made.run(5)
    made.kept[2][3, 0] = np.inf
    outcome = made.run(50, count, first=5)
    assert outcome == threads.Outcome(0, 5, False)
    assert (record[5:] == 0).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_stopping_from_another_thread(library: Library, count: int) -> None:
    made, total = counting(library)
    sync = threads.Sync()

    def stop_after_some_steps() -> None:
        while sync.steps_done < 50:
            time.sleep(0.001)
        sync.stop()

    helper = threading.Thread(target=stop_after_some_steps)
    helper.start()
    outcome = made.run(tape.MAX_STEPS, count, sync=sync)
    helper.join()
    assert outcome.stopped
    assert 50 <= outcome.steps < tape.MAX_STEPS
    assert (total == outcome.steps).all()
    assert made.run(7, count, first=outcome.steps, sync=sync) == threads.Outcome(7, None, False)


def interrupted_runs(made: Tape, total: Any, run: Callable[[], object]) -> None:
    """Forty times Ctrl-C at some point of `run`; a run after each is whole."""
    assert threading.current_thread() is threading.main_thread()
    rng, interrupted = random.Random(0), 0

    def interrupt(after: float) -> None:
        time.sleep(after)
        signal.raise_signal(signal.SIGINT)

    for _ in range(40):
        helper = threading.Thread(target=interrupt, args=(rng.random() * 0.004,))
        try:
            helper.start()
            while helper.is_alive():
                run()
        except KeyboardInterrupt:
            interrupted += 1
        helper.join()
        before = total.copy()
        assert made.run(5, 3) == threads.Outcome(5, None, False)
        assert (total == before + 5).all()
    assert interrupted > 20


def test_interrupts_leave_no_thread_running(library: Library) -> None:
    """Ctrl-C may raise at any point of a run; the next run must be whole all the same."""
    made, total = counting(library)
    interrupted_runs(made, total, lambda: made.run(200, 3))


def test_profile_counts_calls_and_cycles(library: Library) -> None:
    made, _ = power_iteration(library)
    made.run(10, profile=True)
    calls = made.table[made.table[:, tape.FUNCTION] > 2**16][:, [tape.CALLS, tape.CYCLES]]
    assert calls[:, 0].tolist() == [80, 140, 80, 20, 10]
    assert (calls[:, 1] > 0).all()
    with pytest.raises(ValueError, match="one thread"):
        made.run(1, 2, profile=True)


def test_two_runs_at_a_time(library: Library) -> None:
    plans = [power_iteration(library) for _ in range(2)]
    expected, record = power_iteration(library)
    expected.run(200)
    helpers = [threading.Thread(target=made.run, args=(200, 2)) for made, _ in plans]
    for helper in helpers:
        helper.start()
    for helper in helpers:
        helper.join()
    assert all((found == record).all() for _, found in plans)


def test_more_steps_than_a_run_may_have(library: Library) -> None:
    made, total = counting(library)
    assert made.run(0).steps == 0
    with pytest.raises(ValueError, match="at most"):
        made.run(tape.MAX_STEPS + 1)
    assert not total.any()


def _exit_with_threads() -> None:
    library = loader.ensure(variants.native("f64"), KERNELS)
    made, _ = counting(library)
    made.run(10, 3)
    # A run in a daemon thread that would go on for ever must not hold up the end of the process.
    threading.Thread(target=made.run, args=(tape.MAX_STEPS, 2), daemon=True).start()
    time.sleep(0.05)


def test_process_ends_while_threads_sleep_or_run(library: Library) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_exit_with_threads)
    process.start()
    process.join(60)
    assert process.exitcode == 0
