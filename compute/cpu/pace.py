"""How many threads the next call of a plan gets, as others use the machine.

Threads wait for each other several times a step. When another process keeps one of their cores
busy, all wait for the one that was put aside, and one thread alone may be faster. Bits do not
depend on the number of threads, so it may change from call to call.
"""

from __future__ import annotations

from collections.abc import Callable

LEAST_SECONDS = 0.005  # of a call that says something
ALONE = 0.82  # share of their time on the processor that threads get beside a window that paints
FIRST_WAIT, LONGEST_WAIT = 0.5, 4.0  # seconds between two looks at the other number of threads


class Pace:
    """Chooses between all threads and one by the seconds that a step took with each."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.disturbed = False
        self._now = threads  # what the last comparison chose
        self._seconds: dict[int, float] = {}
        self._wait, self._next = FIRST_WAIT, 0.0

    def choose(self, now: float) -> int:
        """Threads of a call that begins at `now` (seconds of any clock)."""
        if self.threads == 1 or now < self._next:
            return self._now
        if self._now == 1:
            return self.threads
        return 1 if self.disturbed else self.threads

    def note(self, used: int, steps: int, spent: float, processor: float, now: float) -> None:
        """A call of `steps` steps on `used` threads took `spent` seconds, and `processor` seconds
        of processor time; it ended at `now`.
        """
        if self.threads == 1 or steps == 0 or spent < LEAST_SECONDS:
            return
        self._seconds[used] = spent / steps
        if used == self.threads:
            self.disturbed = processor < ALONE * used * spent
        if used == self._now:
            return
        better = self._seconds[used] < self._seconds.get(self._now, 0.0)
        if better:
            self._now, self._wait = used, FIRST_WAIT
        else:
            self._wait = min(2 * self._wait, LONGEST_WAIT)
        self._next = now + self._wait


class ShortPace:
    """The same for calls that say nothing alone: they are counted together until they do."""

    def __init__(self, threads: int, now: float, processor: float) -> None:
        self.threads = threads
        """Of the next call."""
        self._pace = Pace(threads)
        self._begin(now, processor)

    def _begin(self, now: float, processor: float) -> None:
        self._since, self._processor = now, processor
        self._steps, self._spent = 0, 0.0

    def note(self, steps: int, spent: float, now: float, processor: Callable[[], float]) -> None:
        """A call of `steps` steps took `spent` seconds and ended at `now`; `processor` tells the
        processor time of the process so far.
        """
        self._steps += steps
        self._spent += spent
        if self._spent < LEAST_SECONDS:
            return
        until = processor()
        share = (until - self._processor) / (now - self._since)
        self._pace.note(self.threads, self._steps, self._spent, share * self._spent, now)
        self.threads = self._pace.choose(now)
        self._begin(now, until)
