"""Taps are small and right; the loss ring and the controls work across threads."""

import threading

import numpy as np
import pytest

from compute.control import Control
from compute.share import Share
from compute.watch import norm_tap, reduce_tap


def test_tap_numbers_are_those_of_the_tensor() -> None:
    """Norm, moments, range, zeros and a histogram that counts every value."""
    values = np.random.default_rng(0).normal(size=(7, 30)).astype(np.float32)
    values[0, :3] = 0
    tap = reduce_tap("value:a.y", values)
    assert tap.shape == (7, 30)
    assert tap.norm == pytest.approx(float(np.linalg.norm(values.astype(float))))
    assert (tap.mean, tap.deviation) == (pytest.approx(values.mean()), pytest.approx(values.std()))
    assert (tap.low, tap.high) == (values.min(), values.max())
    assert tap.zeros == pytest.approx(3 / 210)
    expected, _ = np.histogram(values.astype(float), 64, (tap.low, tap.high))
    assert sum(tap.histogram) == 210
    assert np.abs(np.array(tap.histogram) - expected).sum() <= 2


def test_tap_counts_what_is_not_finite() -> None:
    """NaN and infinity are left out of the rest; nothing else is a number either."""
    tap = reduce_tap("v", np.array([1.0, np.nan, 3.0, np.inf]))
    assert (tap.not_finite, tap.low, tap.high, tap.mean) == (2, 1.0, 3.0, 2.0)
    assert np.isnan(reduce_tap("v", np.array([np.nan])).norm)
    assert sum(reduce_tap("v", np.full(5, 2.0)).histogram) == 5


def test_norms_neither_overflow_nor_vanish() -> None:
    """Squares of these numbers leave the range of single precision; the norm does not."""
    for size in (1e-30, 1.0, 1e30):
        values = np.full((4, 4), size, np.float32)
        assert norm_tap("v", values).norm == pytest.approx(4 * size, rel=1e-5)
    for size in (1e-250, 1e250):
        assert norm_tap("v", np.full((4, 4), size)).norm == pytest.approx(4 * size, rel=1e-12)
    assert norm_tap("v", np.zeros(3, np.float32)).norm == 0
    assert norm_tap("v", np.array([0.0, 1.0, 0.0, 2.0])).zeros == 0.5
    assert np.isnan(norm_tap("v", np.array([np.nan, 1.0])).norm)
    assert np.isinf(norm_tap("v", np.array([np.inf, 1.0])).norm)


def test_a_share_is_due_when_enough_time_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work of 2 s at a tenth of the time is due again after 20 s, and never before its gap."""
    now = [100.0]
    monkeypatch.setattr("compute.share.time.perf_counter", lambda: now[0])
    share = Share(0.1, gap=5.0)
    assert share.due
    share.spent(2.0)
    now[0] = 119.9
    assert not share.due
    now[0] = 120.0
    assert share.due
    share.spent(0.0)
    now[0] = 124.0
    assert not share.due


def test_small_works_may_follow_each_other_after_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second of rest is made up for, no more."""
    now = [100.0]
    monkeypatch.setattr("compute.share.time.perf_counter", lambda: now[0])
    share = Share(0.1)
    now[0] = 200.0
    for _ in range(2):
        assert share.due
        share.spent(0.004)
    assert share.due
    share.spent(0.004)
    assert not share.due
    now[0] = 200.021
    assert share.due


def test_the_first_work_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """3 s of credit: 2 s cost nothing, of the next 2 s one counts."""
    now = [100.0]
    monkeypatch.setattr("compute.share.time.perf_counter", lambda: now[0])
    share = Share(0.1, credit=3.0)
    share.spent(2.0)
    assert share.due
    share.spent(2.0)
    now[0] = 109.9
    assert not share.due
    now[0] = 110.0
    assert share.due


def test_waiting_ends_when_something_is_asked_for() -> None:
    """Each order wakes the run; it gets every live change and a swap once."""
    control = Control()
    interrupts = []
    control.attach(lambda: interrupts.append(1))
    for order in (control.resume, control.stop, lambda: control.set_live("a/rate", 2.0)):
        control.pause()
        woken = threading.Event()
        waiting = threading.Thread(target=lambda w=woken: (control.wait(), w.set()))
        waiting.start()
        order()
        assert woken.wait(5)
        waiting.join()
    orders = control.take()
    assert (dict(orders.live), orders.stop) == ({"a/rate": 2.0}, True)
    assert control.take().live == {}
    assert len(interrupts) == 6


def test_single_steps_are_counted() -> None:
    """Two asked for while paused are two blocks of one step, then a pause."""
    control = Control()
    control.single_step()
    control.single_step()
    assert [(o.single, o.pause) for o in (control.take() for _ in range(3))] == [
        (True, False),
        (True, False),
        (False, True),
    ]
