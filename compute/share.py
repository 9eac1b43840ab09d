"""What onlookers may cost: a small part of the time of a run, however much they want."""

from __future__ import annotations

import time


class Share:
    """Side work that is due again only when enough time has passed since the last.

    It takes at most `share` of the time, and comes at most every `gap` seconds. The first `credit`
    seconds are free, so that a run of two seconds is looked at too.
    """

    def __init__(self, share: float, gap: float = 0.0, credit: float = 0.0) -> None:
        self._share, self._gap, self._credit, self._next = share, gap, credit, 0.0

    @property
    def due(self) -> bool:
        """Whether the work may be done now."""
        return time.perf_counter() >= self._next

    def spent(self, seconds: float) -> None:
        """The work was done and took so much longer than doing without it."""
        free = min(seconds, self._credit)
        self._credit -= free
        self._next = time.perf_counter() + max(self._gap, (seconds - free) / self._share)
