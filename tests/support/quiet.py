"""Timers that still run after a test would fire into the next one."""

from __future__ import annotations

import gc

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QTimer


def running() -> list[str]:
    """Every QTimer that is running, in words, once all that is to be deleted is deleted."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.unfreeze()
    if _active():
        gc.collect()
    return sorted(f"{one.interval()} ms, of {type(one.parent()).__name__}" for one in _active())


def _active() -> list[QTimer]:
    timers = (one for one in gc.get_objects() if issubclass(type(one), QTimer))
    return [one for one in timers if shiboken6.isValid(one) and one.isActive()]
