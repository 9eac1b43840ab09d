"""Python's search for unreachable cycles, paused while many objects are made that all stay."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_pauses = 0
_resume = False  # whether collection ran before the first of the pauses under way


@contextmanager
def paused_collection() -> Iterator[None]:
    """No collection of cycles inside: planning makes a hundred thousand objects that stay, and each
    search would walk over all of them again.

    Pauses may nest and overlap in several threads; the last one to end restores what was, and has
    all there is count as old, which only full collections search. Memory that no cycle holds is
    freed as always; plans hold themselves by none.
    """
    global _pauses, _resume
    with _lock:
        if not _pauses:
            _resume = gc.isenabled()
            gc.disable()
        _pauses += 1
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if not _pauses and _resume:
                gc.freeze()
                gc.unfreeze()  # into the oldest generation
                gc.enable()
