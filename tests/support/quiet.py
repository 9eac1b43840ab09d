"""Timers that still run after a test would fire into the next one."""

from __future__ import annotations

import gc
import weakref

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QTimer

_started: weakref.WeakSet[QTimer] = weakref.WeakSet()
_start = QTimer.start


def _noted(timer: QTimer, *given: object) -> None:
    _started.add(timer)
    # a signal connected to `start` hands over all it has
    _start(timer, *(one for one in given[:1] if type(one) is int))


# looking through all objects instead takes longer than most tests
QTimer.start = _noted  # type: ignore[method-assign, assignment]


def running() -> list[str]:
    """Every QTimer that is running, in words, once all that is to be deleted is deleted."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    if _active():
        gc.unfreeze()
        gc.collect()
    return sorted(f"{one.interval()} ms, of {type(one.parent()).__name__}" for one in _active())


def _active() -> list[QTimer]:
    return [one for one in tuple(_started) if shiboken6.isValid(one) and one.isActive()]
