"""The number of threads follows what else the machine does."""

from __future__ import annotations

from functools import partial

from compute.cpu.pace import LONGEST_WAIT, Pace, ShortPace


def simulate(
    pace: Pace, seconds: dict[int, float], busy: bool, start: float, until: float
) -> list[int]:
    """Calls of ten steps that take `seconds` a step; the threads of each."""
    now, used = start, []
    while now < until:
        count = pace.choose(now)
        spent = 10 * seconds[count]
        now += spent
        pace.note(count, 10, spent, spent * (1.5 if busy and count > 1 else count), now)
        used.append(count)
    return used


def test_undisturbed_threads_are_never_tried_alone() -> None:
    assert set(simulate(Pace(2), {1: 0.02, 2: 0.01}, False, 0.0, 20.0)) == {2}


def test_one_thread_where_two_are_slower() -> None:
    used = simulate(Pace(2), {1: 0.010, 2: 0.011}, True, 0.0, 30.0)
    assert used.count(1) > 0.9 * len(used)


def test_two_threads_where_they_are_faster_though_disturbed() -> None:
    used = simulate(Pace(2), {1: 0.011, 2: 0.010}, True, 0.0, 30.0)
    assert used.count(2) > 0.9 * len(used)


def test_all_threads_again_when_the_machine_is_free() -> None:
    pace = Pace(2)
    simulate(pace, {1: 0.010, 2: 0.011}, True, 0.0, 30.0)
    used = simulate(pace, {1: 0.010, 2: 0.006}, False, 30.0, 60.0)
    late = [count for k, count in enumerate(used) if k * 0.06 > 2 * LONGEST_WAIT]
    assert set(late) == {2}


def test_a_single_thread_stays_one() -> None:
    assert set(simulate(Pace(1), {1: 0.01}, True, 0.0, 5.0)) == {1}


def short_calls(pace: ShortPace, seconds: dict[int, float], share: float, calls: int) -> list[int]:
    """Calls of one step, as far apart as they are long; the threads of each."""
    now, used, spent = 0.0, [], 0.0
    for _ in range(calls):
        count = pace.threads
        used.append(count)
        spent += 2 * seconds[count] * share * count
        now += 2 * seconds[count]
        pace.note(1, seconds[count], now, partial(float, spent))
    return used


def test_short_calls_are_counted_together() -> None:
    """Each is far too short to be compared; a thousand tell which number of threads is faster."""
    slower = short_calls(ShortPace(2, 0.0, 0.0), {1: 4e-5, 2: 8e-5}, 0.6, 200_000)
    assert slower.count(1) > 0.8 * len(slower)
    faster = short_calls(ShortPace(2, 0.0, 0.0), {1: 4e-5, 2: 2e-5}, 0.6, 200_000)
    assert faster.count(2) > 0.8 * len(faster)
    undisturbed = short_calls(ShortPace(2, 0.0, 0.0), {1: 4e-5, 2: 2e-5}, 1.0, 200_000)
    assert set(undisturbed) == {2}
