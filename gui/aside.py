"""Work beside the window's thread, of which only the newest counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal

T = TypeVar("T")


class Aside(QObject):
    """Does one thing at a time on a thread; of what is asked meanwhile only the newest is done."""

    _done = Signal(object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._next: Callable[[], Callable[[], object]] | None = None
        self._thread: threading.Thread | None = None
        self._done.connect(self._finished, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether something is under way or waits."""
        return self._thread is not None

    def ask(self, work: Callable[[], T], heard: Callable[[T], object]) -> None:
        """Do `work` on the thread; `heard` is called on this one, unless newer work was asked."""

        def done() -> Callable[[], object]:
            try:
                return partial(heard, work())
            except Exception as error:  # told where the other would have been
                return partial(_throw, error)

        self._next = done
        if self._thread is None:
            self._begin()

    def forget(self) -> None:
        """What is under way is not to be heard."""
        self._next = _nothing if self._thread is not None else None

    def close(self) -> None:
        """Wait for what is under way and forget the rest."""
        self._next = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _begin(self) -> None:
        work, self._next = self._next, None
        if work is not None:
            self._thread = threading.Thread(
                target=lambda: self._done.emit(work()), name=f"netloom-{self._name}"
            )
            self._thread.start()

    def _finished(self, tell: Callable[[], object]) -> None:
        if self._thread is None:
            return
        self._thread.join()
        self._thread = None
        if self._next is None:
            tell()
        if self._thread is None:  # else `tell` has asked for more
            self._begin()


def _throw(error: Exception) -> None:
    raise error


def _nothing() -> Callable[[], object]:
    return lambda: None
