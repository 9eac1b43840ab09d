"""What was open when the window closed, and the files that were open last. No Qt.

One JSON file in the user's data folder, replaced in one step. A file that makes no sense is kept
aside and costs the memory, never the work.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import platformdirs

from graph.files import pretty, read_text, replace_text
from graph.validator import FileError, decode_fields, encode, parse
from gui.desk import Desk
from gui.document import Document

MOST_RECENT = 20
MOST_OPEN = 50
DAMAGED = ".damaged"


@dataclass(frozen=True)
class Look:
    """Where a drawing was looked at: `into` names it; x, y, and rung of the zoom."""

    into: str
    x: float
    y: float
    rung: int


@dataclass(frozen=True)
class OpenFile:
    """A file that was open, the drawing of it that was shown, and where each was looked at."""

    path: str
    into: str = ""
    looks: tuple[Look, ...] = ()


@dataclass(frozen=True)
class RecentFile:
    """A file, and when it was opened or saved last (seconds since 1970).

    `allowed` are the files outside its folder that its graph may read.
    """

    path: str
    time: float
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Session:
    """Files in the order of their tabs, the path of the current one, and recent files, newest
    first.
    """

    version: int = 1
    open: tuple[OpenFile, ...] = ()
    current: str = ""
    recent: tuple[RecentFile, ...] = ()


class Sessions:
    """Follows a desk; what is open and `recent` are always up to date on disk, where it is looked
    at once `remember` is asked.

    `path` of None remembers nothing beyond this object.
    """

    def __init__(
        self, desk: Desk, path: Path | None, clock: Callable[[], float] = time.time
    ) -> None:
        self._desk, self._path, self._clock = desk, path, clock
        self._session = read(path) if path is not None else Session()
        self._reopening = False
        desk.opened.connect(self._opened)
        desk.renamed.connect(self._used)
        desk.closed.connect(self._closed)

    @property
    def recent(self) -> tuple[RecentFile, ...]:
        """Files that were opened or saved last and still exist, newest first."""
        return tuple(one for one in self._session.recent if os.path.exists(one.path))

    def remember(self) -> None:
        """Note which files are open now, and where they are looked at."""
        current = self._desk.current
        for document in self._desk.documents:
            self._allow(document)
        self._write(
            replace(
                self._session,
                open=_open_files(self._desk.documents),
                current=str(current.path) if current and current.path else "",
            )
        )

    def reopen(self) -> list[str]:
        """Open the files that were open, as they were shown; says which of them cannot be read.

        Files that are gone are left out.
        """
        errors, session = list[str](), self._session
        self._reopening = True  # a crash on the way must not cost those that are still to come
        for file in session.open:
            if not os.path.exists(file.path):
                continue
            try:
                self._desk.open(Path(file.path), partial(_show_as, file))
            except FileError as error:
                errors.append(str(error))
        self._reopening = False
        shown = [
            one for one in self._desk.documents if one.path and str(one.path) == session.current
        ]
        if shown:
            self._desk.show(shown[0])
        return errors

    def _opened(self, document: Document) -> None:
        for one in self._session.recent:
            if document.path is not None and one.path == str(document.path):
                document.allowed |= frozenset(map(Path, one.allowed))
        self._used(document)

    def _used(self, document: Document) -> None:
        if document.path is not None:
            allowed = tuple(sorted(map(str, document.allowed)))
            newest = RecentFile(str(document.path), self._clock(), allowed)
            others = (one for one in self._session.recent if one.path != newest.path)
            recent = (newest, *others)[:MOST_RECENT]
            self._write(replace(self._session, recent=recent, open=self._open_now()))

    def _closed(self, document: Document) -> None:
        self._allow(document)
        self._write(replace(self._session, open=self._open_now()))

    def _open_now(self) -> tuple[OpenFile, ...]:
        return self._session.open if self._reopening else _open_files(self._desk.documents)

    def _allow(self, document: Document) -> None:
        """Note what a document may read; its place among the recent files stays."""
        allowed = tuple(sorted(map(str, document.allowed)))
        recent = tuple(
            replace(one, allowed=allowed) if one.path == str(document.path) else one
            for one in self._session.recent
        )
        if recent != self._session.recent:
            self._write(replace(self._session, recent=recent))

    def _write(self, session: Session) -> None:
        self._session = session
        if self._path is not None:
            write(self._path, session)


def _show_as(file: OpenFile, document: Document) -> None:
    document.cameras.update({look.into: (look.x, look.y, look.rung) for look in file.looks})
    if file.into in document.graph.definitions:
        document.enter(file.into)


def _open_files(documents: Sequence[Document]) -> tuple[OpenFile, ...]:
    return tuple(
        OpenFile(str(one.path), one.into, tuple(_looks(one)))
        for one in documents[:MOST_OPEN]
        if one.path is not None
    )


def _looks(document: Document) -> Iterable[Look]:
    for into, (x, y, rung) in sorted(document.cameras.items()):
        if not into or into in document.graph.definitions:
            yield Look(into, float(x), float(y), rung)


def read(path: Path) -> Session:
    """The session of a file; an empty one when there is none or it makes no sense.

    A file that makes no sense is kept beside, with `.damaged` behind its name.
    """
    if not path.exists():
        return Session()
    try:
        found = decode_fields(parse(read_text(path)), Session, "")
        assert isinstance(found, Session)
        if found.version != 1:
            raise FileError("version", str(found.version), "1", "start anew")
    except FileError:
        with contextlib.suppress(OSError):
            path.replace(path.with_name(path.name + DAMAGED))
        return Session()
    return replace(found, recent=found.recent[:MOST_RECENT], open=found.open[:MOST_OPEN])


def write(path: Path, session: Session) -> None:
    """Put a session in the place of the file's; a place that cannot be written costs no more."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, pretty(encode(session)) + "\n")


def user_path() -> Path:
    """Where this user's session lies."""
    return Path(platformdirs.user_data_dir("netloom", appauthor=False)) / "session.json"
