"""What onlookers may cost: a small part of the time of a run, however much they want."""

from __future__ import annotations

import time

EARLY = 5.0  # s in which a run changes most
SAVED = 0.1  # s of rest that may be made up for: several small works then go one after another


class Share:
    """Side work that is due again only when enough time has passed since the last.

    It takes at most `share` of the time, and comes at most every `gap` seconds, at first every
    `early`. The first `credit` seconds are free, so that a run of two seconds is looked at too.
    """

    def __init__(
        self, share: float, gap: float = 0.0, credit: float = 0.0, early: float = 0.0
    ) -> None:
        self._share, self._gap, self._credit, self._early = share, gap, credit, early
        self._begun = self._next = self._after = time.perf_counter()

    @property
    def due(self) -> bool:
        """Whether the work may be done now."""
        return time.perf_counter() >= max(self._next, self._after)

    def spent(self, seconds: float) -> None:
        """The work was done and took so much longer than doing without it.

        Count CPU time: work that others hold up costs the run nothing.
        """
        now, free = time.perf_counter(), min(seconds, self._credit)
        self._credit -= free
        self._next = max(self._next, now - SAVED) + (seconds - free) / self._share
        self._after = now + (self._early if now - self._begun < EARLY else self._gap)
