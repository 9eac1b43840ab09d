"""What is wrong with the files of data nodes, found before anybody presses Run.

A process of low priority reads them when a document is opened, a setting of such a node changes, or
a file does; the window's thread only hands over names and takes the answer.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from weakref import WeakKeyDictionary

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer

from compute.children import environment
from compute.filecheck import Trouble, named, read_answer, request
from graph.checks import Problem
from graph.files import named_file
from graph.graph import Graph, Node
from graph.kinds import DataSource
from gui.app import App
from gui.aside import Aside
from gui.document import Document, DocumentChange

SETTLE = 300  # ms without an edit, or a change of a file, before they are looked at
LONGEST = 120.0  # s for a look, after which Run has to tell
Stamp = tuple[int, int, int] | None


@dataclass(frozen=True)
class Asked:
    """The data nodes that name a file, by drawing, and from where their paths start."""

    nodes: tuple[tuple[str, str, DataSource], ...]  # definition, id, settings
    folder: Path
    allowed: frozenset[Path]

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are named."""
        paths = {named(op) for _, _, op in self.nodes}
        return tuple(named_file(self.folder, path) for path in sorted(paths) if "://" not in path)


@dataclass(frozen=True)
class Told:
    """What was asked, how the files were then, and what is wrong."""

    asked: Asked
    stamps: tuple[Stamp, ...]
    troubles: tuple[Trouble, ...]
    folders: tuple[str, ...]  # there, to be watched


class FileProblems(QObject):
    """Keeps `file_problems` of the current document up to date, but for while a run trains."""

    def __init__(self, app: App, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self._known: WeakKeyDictionary[Document, Told] = WeakKeyDictionary()
        self._process: subprocess.Popen[str] | None = None
        self._closed = False
        self._aside = Aside("files", self)
        self._watcher = QFileSystemWatcher(self)
        self._soon = QTimer(self, singleShot=True, interval=SETTLE)
        self._soon.timeout.connect(self._look)
        self._watcher.fileChanged.connect(lambda _: self._soon.start())
        self._watcher.directoryChanged.connect(lambda _: self._soon.start())
        app.desk.current_changed.connect(lambda _: self._soon.start())
        app.desk.changed.connect(self._edited)
        app.desk.renamed.connect(lambda _: self._soon.start())
        app.trainer.changed.connect(self._run_changed)

    @property
    def busy(self) -> bool:
        """Whether files are about to be looked at, or are."""
        return self._soon.isActive() or self._aside.busy

    def close(self) -> None:
        """End what is under way."""
        self._closed = True
        self._soon.stop()
        if self._process is not None:
            self._process.terminate()
        self._aside.close()

    def _edited(self, document: Document, change: DocumentChange) -> None:
        if document is self._app.desk.current and change.title and not change.moved:
            self._soon.start()

    def _run_changed(self) -> None:
        if not self._app.trainer.board.active:
            self._soon.start()

    def _look(self) -> None:
        document = self._app.desk.current
        if document is None or self._app.trainer.board.active or self._closed:
            return
        asked = Asked(tuple(_named(document.graph)), document.folder, document.allowed)
        if not asked.nodes:
            self._known.pop(document, None)
            self._watch(())
            document.put_file_problems(())
            return
        known = self._known.get(document)
        self._aside.ask(partial(self._told, asked, known), partial(self._heard, document))

    def _told(self, asked: Asked, known: Told | None) -> Told | None:
        """Called on the thread; None: nobody can tell."""
        files = asked.files
        stamps = tuple(map(_stamp, files))
        if known is not None and (known.asked, known.stamps) == (asked, stamps):
            return known
        text = self._answer(request(_graph(asked), asked.folder, asked.allowed))
        if text is None:
            return None
        there = {str(one) for file in files for one in (file, file.parent) if one.exists()}
        return Told(asked, stamps, tuple(read_answer(text)), tuple(sorted(there)))

    def _answer(self, asked: str) -> str | None:
        try:
            with subprocess.Popen(
                [sys.executable, "-m", "compute.filecheck"],
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            ) as process:
                self._process = process
                if self._closed:
                    process.terminate()
                try:
                    text, _ = process.communicate(asked, timeout=LONGEST)
                except subprocess.TimeoutExpired:
                    process.kill()
                    return None
        except OSError:
            return None
        finally:
            self._process = None
        return text if process.returncode == 0 else None

    def _heard(self, document: Document, told: Told | None) -> None:
        if told is None or document not in self._app.desk.documents:
            return
        self._known[document] = told
        if document is self._app.desk.current:
            self._watch(told.folders)
        document.put_file_problems(tuple(_problems(document, told)))

    def _watch(self, wanted: Iterable[str]) -> None:
        """A file that was replaced is no longer watched: all are, anew, after each look."""
        before = {*self._watcher.files(), *self._watcher.directories()}
        if gone := before - {*wanted}:
            self._watcher.removePaths(sorted(gone))
        if new := {*wanted} - before:
            self._watcher.addPaths(sorted(new))


def _named(graph: Graph) -> Iterable[tuple[str, str, DataSource]]:
    for name in ("", *sorted(graph.definitions)):
        for node in graph.drawing(name):
            if isinstance(node.op, DataSource) and named(node.op):
                yield name, node.id, node.op


def _graph(asked: Asked) -> Graph:
    """The nodes alone, each named by its place among them."""
    made = Graph()
    for place, (_, _, op) in enumerate(asked.nodes):
        made.set_node(Node(f"n{place}", op))
    return made


def _problems(document: Document, told: Told) -> Iterable[Problem]:
    for one in told.troubles:
        definition, id, _ = told.asked.nodes[int(one.id[1:])]
        spot = document.checked.spots.get(definition)
        if spot is None or id not in spot.drawing:
            continue  # it was removed meanwhile
        found = f"found {one.found}, expected {one.expected}"
        yield Problem("error", spot.prefix + id, "", found, one.remedy, definition=definition)


def _stamp(file: Path) -> Stamp:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
