"""The crash journal: every committed edit, one checked line each, on disk before the next.

The first line holds the graph as it was, so recovery needs no other file and cannot mismatch. A
line is the CRC-32 of its text, a space, and JSON. An undo is written with the edit that it applied,
so replay stays right when the undo reaches behind the first line. Each line is handed to the system
at once; another thread waits for the disk.
"""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from json import dumps as json_text
from pathlib import Path
from threading import Thread
from typing import BinaryIO

from graph.edit import Edit
from graph.edit_records import edit_record, read_edit
from graph.files import dumps, loads, sync_folder
from graph.history import Change, History
from graph.rules import EditError
from graph.validator import (
    MAX_BYTES,
    FileError,
    Json,
    decode_fields,
    encode,
    hints_of,
    need_object,
    parse,
)

VERSION = 1
SYNC_SECONDS = 2.0  # a power cut loses at most so much; a crash of the program loses nothing
MAX_LINES = 1_000_000


@dataclass(frozen=True)
class Heading:
    """Whose journal it is: the graph's own file and name, and where its relative paths start.

    `unsaved`: the graph held changes already when the journal began.
    """

    file: str = ""
    name: str = ""
    folder: str = ""
    unsaved: bool = False


class Journal:
    """Writes the edits of a history to a file until it is closed or discarded.

    When a line cannot be written, the journal ends and tells `failed`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        history: History,
        heading: Heading = Heading(),
        *,
        clock: Callable[[], float] = time.monotonic,
        failed: Callable[[OSError], None] | None = None,
    ) -> None:
        """Start a new journal at `path`. Raises OSError."""
        self.path, self._clock, self._failed = path, clock, failed
        self._syncing: Thread | None = None
        self._synced = 0.0
        history.end_merge()  # a step that began before the first line could not be undone by replay
        self._out: BinaryIO = open(path, "wb", opener=_private)  # noqa: SIM115  (open as long)
        record = {"journal": VERSION, "graph": dumps(history.graph, exact=True)}
        try:
            self._write(record | encode(replace(heading, unsaved=not history.clean)))
            self.sync()
        except BaseException:
            self._out.close()
            raise
        sync_folder(Path(path).resolve().parent)
        self._unsubscribe = history.subscribe(self._record)

    def _record(self, change: Change) -> None:
        record: dict[str, Json] = {"do": change.kind, "edit": edit_record(change.edit)}
        if change.key:
            record |= {"key": change.key, "merged": change.merged}
        try:
            self._write(record)
        except OSError as error:
            if self._failed is None:
                raise
            self._end()
            self._failed(error)
            return
        idle = self._syncing is None or not self._syncing.is_alive()
        if idle and self._clock() - self._synced >= SYNC_SECONDS:
            self._synced = self._clock()
            handle = os.dup(self._out.fileno())  # stays valid when the journal ends meanwhile
            self._syncing = Thread(target=_sync, args=(handle,), daemon=True)
            self._syncing.start()

    def _write(self, record: dict[str, Json]) -> None:
        text = json_text(record, ensure_ascii=True, allow_nan=False).encode()
        self._out.write(b"%08x %s\n" % (zlib.crc32(text), text))
        self._out.flush()

    def sync(self) -> None:
        """Wait until everything written is on the disk."""
        os.fsync(self._out.fileno())
        self._synced = self._clock()

    def close(self) -> None:
        """Stop writing; the file stays and can be replayed."""
        if not self._out.closed:
            self.sync()
        self._end()

    def discard(self) -> None:
        """Stop writing and remove the file: the graph is saved, or its changes are not wanted."""
        self._end()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def _end(self) -> None:
        if self._out.closed:
            return
        self._unsubscribe()
        if self._syncing is not None:
            self._syncing.join()
        with contextlib.suppress(OSError):  # closing writes what a failed write left behind
            self._out.close()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(handle: int) -> None:
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Recovery:
    """What a journal gave back.

    `edits` counts what was replayed; `lost` says why the replay ended before the end of the
    journal, empty when nothing is missing.
    """

    history: History
    heading: Heading
    edits: int
    lost: str = ""


def replay(path: str | os.PathLike[str]) -> Recovery:
    """The graph and its history as they were when the journal ended.

    A torn or damaged line ends the replay: what stands before it is recovered. Raises FileError
    when not even the first line can be read.
    """
    try:
        with open(path, "rb") as source:
            return _replay(source)
    except OSError as error:
        raise _unreadable(error) from None


def _replay(source: BinaryIO) -> Recovery:
    lines = _lines(source)
    heading, graph = _heading(next(lines, None))
    history, count = History(loads(graph)), 0
    if heading.unsaved:
        history.mark_unsaved()
    for number, record in enumerate(lines, start=2):
        problem = record if isinstance(record, str) else _apply(history, record, number)
        if problem:
            return Recovery(history, heading, count, f"line {number}: {problem}")
        count += 1
    return Recovery(history, heading, count)


def heading(path: str | os.PathLike[str]) -> tuple[Heading, int]:
    """Whose journal a file is, and how many steps follow, sound or not. Raises FileError.

    Where a layout settled by itself is no step: nothing of it is anybody's work.
    """
    try:
        with open(path, "rb") as source:
            found = _heading(next(_lines(source), None))[0]
            return found, sum(b'"do": "settle"' not in line[:64] for line in source)
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> FileError:
    reason = (error.strerror or "it cannot be read").lower()
    return FileError("", reason, "a journal that can be read", "check its name")


def _heading(first: Json) -> tuple[Heading, str]:
    if not isinstance(first, dict):
        raise FileError("line 1", first or "nothing", "a journal", "choose another file")
    keys = {"journal", "graph", *hints_of(Heading)}
    need_object(first, "line 1", keys=keys, required=keys)
    if first["journal"] != VERSION or not isinstance(first["graph"], str):
        found = f"made by another Netloom (journal {first['journal']!r})"
        raise FileError("line 1", found, f"journal {VERSION}", "use the Netloom that wrote it")
    own = {key: first[key] for key in hints_of(Heading)}
    made: Heading = decode_fields(own, Heading, "line 1")
    return made, first["graph"]


def _apply(history: History, record: Json, number: int) -> str:
    """Do one line; returns why it cannot be done."""
    try:
        keys = {"do", "edit", "key", "merged"}
        need_object(record, "", keys=keys, required={"do", "edit"})
        edit = read_edit(record["edit"], "edit")
        if not record.get("merged"):
            history.end_merge()
        _do(history, record["do"], edit, str(record.get("key", "")))
    except (FileError, EditError) as error:
        return str(error)
    return ""


def _do(history: History, kind: Json, edit: Edit, key: str) -> None:
    if kind == "push":
        history.push(edit, key)
    elif kind == "settle":
        history.settle(edit)
    elif kind not in ("undo", "redo"):
        raise FileError("do", repr(kind), "push, undo, redo or settle", "nothing to do")
    elif not (history.undo() if kind == "undo" else history.redo()):
        # Behind the first line: its steps are not known here, their effect is.
        history.forget(edit)


def _lines(source: BinaryIO) -> Iterator[Json]:
    """The records of the lines; a text in place of one says what is wrong with the line."""
    for _ in range(MAX_LINES):
        line = source.readline(2 * MAX_BYTES)
        if not line:
            return
        if not line.endswith(b"\n"):
            yield "found half a line"
            return
        check, _, text = line[:-1].partition(b" ")
        if check != b"%08x" % zlib.crc32(text):
            yield "found a damaged line"
            return
        try:
            yield parse(text.decode("ascii"))
        except (FileError, UnicodeDecodeError) as error:
            yield str(error)
            return
    yield f"found more than {MAX_LINES:,} lines"
