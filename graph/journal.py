"""The crash journal: every committed edit, one checked line each, on disk before the next.

The first line holds the graph as it was, so recovery needs no other file and cannot mismatch. A
line is the CRC-32 of its text, a space, and JSON. An undo is written with the edit that it applied,
so replay stays right when the undo reaches behind the first line.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from json import dumps as json_text
from pathlib import Path
from typing import BinaryIO

from graph.edit import Edit
from graph.edit_records import edit_record, read_edit
from graph.files import dumps, loads, sync_folder
from graph.history import Change, History
from graph.rules import EditError
from graph.validator import MAX_BYTES, FileError, Json, need_object, parse

VERSION = 1
SYNC_SECONDS = 2.0  # a power cut loses at most so much; a crash of the program loses nothing
MAX_LINES = 1_000_000


class Journal:
    """Writes the edits of a history to a file until it is closed or discarded."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        history: History,
        *,
        file: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start a new journal at `path`; `file` is the name of the graph's own file, if any."""
        self.path, self._clock = path, clock
        history.end_merge()  # a step that began before the first line could not be undone by replay
        self._out: BinaryIO = open(path, "wb")  # noqa: SIM115  (open as long as the journal)
        self._write({"journal": VERSION, "file": file, "graph": dumps(history.graph, exact=True)})
        self.sync()
        sync_folder(Path(path).resolve().parent)
        self._unsubscribe = history.subscribe(self._record)

    def _record(self, change: Change) -> None:
        record: dict[str, Json] = {"do": change.kind, "edit": edit_record(change.edit)}
        if change.key:
            record |= {"key": change.key, "merged": change.merged}
        self._write(record)
        if self._clock() - self._synced >= SYNC_SECONDS:
            self.sync()

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
        self._unsubscribe()
        self.sync()
        self._out.close()

    def discard(self) -> None:
        """Stop writing and remove the file: the graph is saved, or its changes are not wanted."""
        self._unsubscribe()
        self._out.close()
        os.unlink(self.path)


@dataclass(frozen=True)
class Recovery:
    """What a journal gave back.

    `file` is the graph's own file; `edits` counts what was replayed; `lost` says why the replay
    ended before the end of the journal, empty when nothing is missing.
    """

    history: History
    file: str
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
        reason = (error.strerror or "it cannot be read").lower()
        raise FileError("", reason, "a journal that can be read", "check its name") from None


def _replay(source: BinaryIO) -> Recovery:
    lines = _lines(source)
    first = next(lines, None)
    if not isinstance(first, dict):
        raise FileError("line 1", first or "nothing", "a journal", "choose another file")
    keys = {"journal", "file", "graph"}
    need_object(first, "line 1", keys=keys, required=keys)
    if first["journal"] != VERSION or not isinstance(first["graph"], str):
        found = f"made by another Netloom (journal {first['journal']!r})"
        raise FileError("line 1", found, f"journal {VERSION}", "use the Netloom that wrote it")
    history, count = History(loads(first["graph"])), 0
    for number, record in enumerate(lines, start=2):
        problem = record if isinstance(record, str) else _apply(history, record, number)
        if problem:
            return Recovery(history, str(first["file"]), count, f"line {number}: {problem}")
        count += 1
    return Recovery(history, str(first["file"]), count)


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
    elif kind not in ("undo", "redo"):
        raise FileError("do", repr(kind), "push, undo or redo", "nothing to do")
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
