"""Unsaved work after a crash: journals of open documents, and what dead processes left. No Qt.

Each process has a folder of its own among the journals and holds its lock as long as it lives,
however it ends. What lies in a folder that nobody holds was left behind.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from compute.lock import FolderLock
from graph.journal import Heading, Journal, heading, replay
from graph.validator import FileError
from gui.canvas.geometry import Measure
from gui.document import Document

SUFFIX = ".journal"
DAMAGED = "damaged"
KEPT = 20  # damaged journals, the newest ones


@dataclass(frozen=True)
class Left:
    """Unsaved work: the name of the graph, its own file if it has one, when it was last changed
    (seconds since 1970), and how many edits the journal holds.
    """

    journal: Path
    name: str
    path: Path | None
    time: float
    edits: int


@dataclass(frozen=True)
class Restored:
    """A document as it was; `lost` says why edits at the end are missing, or is empty."""

    document: Document
    lost: str


class Journals:
    """The journals of this process's documents, and those that others left in the same folder."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError when the folder cannot be used."""
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._own = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._locks: dict[Path, FolderLock] = {}  # folders that this process holds
        self._journals: dict[Document, Journal] = {}
        self._count = 0

    # Of open documents

    def begin(self, document: Document, failed: Callable[[OSError], None]) -> None:
        """Write every edit of a document from now on; `failed` is told when that ends early.

        Raises OSError.
        """
        if self._own not in self._locks:
            self._locks[self._own] = FolderLock(self._own)
            self._own.chmod(0o700)
        self._count += 1
        file = str(document.path) if document.path else ""
        about = Heading(file, document.title, str(document.folder))
        path = self._own / f"{self._count}{SUFFIX}"
        self._journals[document] = Journal(path, document.history, about, failed=failed)

    def restart(self, document: Document, failed: Callable[[OSError], None]) -> None:
        """Begin anew with the document as it is: it is saved. Raises OSError."""
        before = self._journals.pop(document, None)
        try:
            self.begin(document, failed)
        finally:
            if before is not None:
                before.discard()

    def end(self, document: Document) -> None:
        """The document is closed: nothing of it is to come back."""
        journal = self._journals.pop(document, None)
        if journal is not None:
            journal.discard()

    def close(self) -> None:
        """End all journals; the folder goes away, and what others left is free again."""
        for document in list(self._journals):
            self.end(document)
        for folder, lock in self._locks.items():
            if folder == self._own or not any(folder.glob(f"*{SUFFIX}")):
                shutil.rmtree(folder, ignore_errors=True)
            lock.release()
        self._locks.clear()

    # Of dead processes

    def left(self) -> list[Left]:
        """What dead processes left unsaved, newest first; this process alone offers it now.

        What needs nothing back is removed, what cannot be read is moved aside.
        """
        found: list[Left] = []
        for folder in sorted(self.folder.iterdir()):
            if folder.is_dir() and folder.name != DAMAGED and self._hold(folder):
                for journal in sorted(folder.glob(f"*{SUFFIX}")):
                    found += self._look(journal)
                self._tidy(folder)
        return sorted(found, key=lambda one: -one.time)

    def restore(self, left: Left, measure: Measure) -> Restored:
        """A document with its committed edits; the journal stays until `forget`.

        Raises FileError when nothing can be read; the journal is then moved aside.
        """
        try:
            back = replay(left.journal)
        except FileError:
            self._aside(left.journal)
            raise
        document = Document(back.history.graph, measure, left.path, back.history)
        document.name, document.folder = left.name, Path(back.heading.folder)
        return Restored(document, back.lost)

    def forget(self, left: Left, damaged: bool = False) -> None:
        """It is restored, or not wanted; a damaged journal is moved aside instead of removed."""
        if damaged:
            self._aside(left.journal)
        else:
            with contextlib.suppress(FileNotFoundError):
                left.journal.unlink()
        self._tidy(left.journal.parent)

    def _hold(self, folder: Path) -> bool:
        if folder == self._own or folder in self._locks:
            return folder != self._own
        try:
            self._locks[folder] = FolderLock(folder)
        except OSError:
            return False  # its process lives, or another one offers what it left
        return True

    def _look(self, journal: Path) -> list[Left]:
        try:
            about, edits = heading(journal)
            changed = journal.stat().st_mtime
        except (FileError, OSError):
            self._aside(journal)
            return []
        if not edits and not about.unsaved:
            journal.unlink(missing_ok=True)
            return []
        path = Path(about.file) if about.file else None
        return [Left(journal, about.name, path, changed, edits)]

    def _tidy(self, folder: Path) -> None:
        """Remove a dead process's folder once nothing is left in it."""
        if folder in self._locks and folder != self._own and not any(folder.glob(f"*{SUFFIX}")):
            shutil.rmtree(folder, ignore_errors=True)
            self._locks.pop(folder).release()

    def _aside(self, journal: Path) -> None:
        """Keep a damaged journal where nothing offers it again."""
        aside = self.folder / DAMAGED
        with contextlib.suppress(OSError):
            aside.mkdir(mode=0o700, exist_ok=True)
            journal.replace(aside / f"{journal.parent.name}-{journal.name}")
            old = sorted(aside.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEPT]
            for path in old:
                path.unlink()


def user_folder() -> Path:
    """Where this user's journals lie."""
    return Path(platformdirs.user_state_dir("netloom", appauthor=False)) / "journals"
