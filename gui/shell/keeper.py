"""Keeps the work: offers what a crash left, notes the session when the window closes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject

from graph.validator import FileError
from gui.app import App
from gui.document import Document
from gui.recovery import Left
from gui.session import RecentFile, Sessions
from gui.widgets.notice import Offer, Tone

Say = Callable[[str, Tone, Sequence[Offer]], None]


@dataclass(frozen=True)
class Places:
    """Where the desk's journals and the session lie; None keeps nothing beyond the process."""

    journals: Path | None = None
    session: Path | None = None


NOWHERE = Places()


class Keeper(QObject):
    """Follows the desk; `say` tells the user what is offered, and what cannot be kept."""

    def __init__(self, app: App, say: Say, places: Places, parent: QObject) -> None:
        super().__init__(parent)
        self._app, self._say = app, say
        self._sessions = Sessions(app.desk, places.session)
        app.desk.unprotected.connect(self._unprotected)

    @property
    def recent(self) -> tuple[RecentFile, ...]:
        """Files that were open last, newest first."""
        return self._sessions.recent

    def reopen(self) -> None:
        """Open what was open when the window closed last."""
        for error in self._sessions.reopen():
            self._say(error, "warn", ())

    def offer_left(self) -> None:
        """Offer the unsaved work that a crash left."""
        left = self._app.desk.left()
        if not left:
            return
        names = ", ".join(f"“{one.name}”" for one in left[:3])
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        at = datetime.fromtimestamp(left[0].time)
        self._say(
            f"Netloom ended before {names}{more} could be saved. The last change was at {at:%H:%M}"
            f" on {at.day} {at:%B}.",
            "warn",
            (
                ("Discard", lambda: self._discard(left)),
                ("Bring it back", lambda: self._restore(left)),
            ),
        )

    def remember(self) -> None:
        """The window closes: note what is open; nothing is left unsaved."""
        self._sessions.remember()
        self._app.desk.finish()

    def _unprotected(self, document: Document, why: str) -> None:
        self._say(f"Unsaved work is not protected against a crash: {why}. Save often.", "warn", ())

    def _restore(self, left: Sequence[Left]) -> None:
        for one in left:
            try:
                lost = self._app.desk.restore(one)
            except FileError as error:
                self._say(f"“{one.name}” could not be brought back: {error}.", "error", ())
                continue
            if lost:
                text = f"“{one.name}” is back, but its last edits are lost: {lost}."
                self._say(text, "warn", ())

    def _discard(self, left: Sequence[Left]) -> None:
        for one in left:
            self._app.desk.forget(one)
