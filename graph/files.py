"""`.loom` files: a graph as JSON that people can read, compare and merge.

UTF-8, sorted keys, one setting a line, everything by name, a newline at the end. Opening a file
reads nothing that it names. Saving replaces the file in one step, so a crash leaves the old one or
the new one.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from collections.abc import Callable, Iterator, Mapping
from json import dumps as json_text
from pathlib import Path

from graph.define import drawings, fill_nodes, fill_wires
from graph.drawing import Drawing
from graph.graph import Graph
from graph.records import DRAWING, drawing_record, read_drawing
from graph.rules import EditError, check_id, check_nesting
from graph.training import Training
from graph.validator import (
    MAX_BYTES,
    FileError,
    Json,
    decode_fields,
    describe,
    encode,
    fail,
    inside,
    need_object,
    parse,
)

VERSION = 1
SUFFIX = ".loom"

# Version n -> what makes version n + 1 of it.
MIGRATIONS: dict[int, Callable[[dict[str, Json]], dict[str, Json]]] = {}


def dumps(graph: Graph, exact: bool = False) -> str:
    """The text of a `.loom` file; equal graphs give equal text.

    `exact` keeps the numbers of wires, which edits that are still to come may name.
    """
    return pretty(graph_record(graph, exact)) + "\n"


def graph_record(graph: Graph, exact: bool = False) -> dict[str, Json]:
    """A graph as JSON."""
    record = {
        "netloom": VERSION,
        "training": encode(graph.training),
        **drawing_record(Drawing.of(graph, exact)),
    }
    if graph.definitions:
        record["definitions"] = {
            name: drawing_record(Drawing.of(drawing, exact))
            for name, drawing in drawings(graph)[1:]
        }
    return record


def loads(text: str) -> Graph:
    """The graph of the text of a `.loom` file. Raises FileError."""
    return read_graph(parse(text))


def read_graph(value: Json) -> Graph:
    """The graph of a parsed `.loom` file. Raises FileError."""
    record = upgrade(value)
    # a piece that was copied tells what it was wired to: paste reads that, a file holds it in vain
    keys = {"netloom", "training", "definitions", "outside", *DRAWING}
    need_object(record, "", keys=keys, required={"nodes"})
    definitions = record.get("definitions", {})
    if not isinstance(definitions, dict):
        fail("definitions", definitions, "an object")
    bodies = {"": read_drawing(record, "")}
    for name in sorted(definitions):
        place = inside("definitions", name)
        need_object(definitions[name], place, keys=DRAWING, required={"nodes"})
        bodies[name] = read_drawing(definitions[name], f"{place}.")
    root = Graph()
    root.training = decode_fields(record.get("training", {}), Training, "training")
    try:
        build(root, bodies)
    except EditError as error:
        raise FileError(error.place, error.found, error.expected, error.remedy) from None
    return root


def build(root: Graph, bodies: dict[str, Drawing]) -> None:
    """Fill an empty graph with its drawing `""` and its definitions, keeping the rules."""
    for name in bodies:
        if name:
            check_id(name, "definitions")
            root.definitions[name] = Graph(definitions=root.definitions)
    places = {name: f"definitions.{name}." if name else "" for name in bodies}
    for name, body in bodies.items():
        fill_nodes(root, name, body, places[name])
    check_nesting(root, "definitions")
    for name, body in bodies.items():
        fill_wires(root, name, body, places[name])


def upgrade(value: Json) -> dict[str, Json]:
    """A record of the present version, from one of this or an earlier version."""
    if not isinstance(value, dict) or "netloom" not in value:
        found = describe(value) if not isinstance(value, dict) else "no 'netloom' version"
        raise FileError("", found, "a Netloom graph", "choose a .loom file")
    version = value["netloom"]
    if type(version) is not int or version < 1:
        fail("netloom", version, f"a version number, at most {VERSION}")
    if version > VERSION:
        found = f"made by a newer Netloom (version {version})"
        raise FileError("", found, f"at most {VERSION}", "update Netloom")
    record: dict[str, Json] = value
    for old in range(version, VERSION):
        record = MIGRATIONS[old](record)
    return record


def load(path: str | os.PathLike[str]) -> Graph:
    """The graph in the file `path`. Raises FileError, never OSError."""
    name = os.path.basename(path)
    try:
        return loads(read_text(path))
    except FileError as error:
        raise error.within(file=name) from None


def read_text(path: str | os.PathLike[str], limit: int = MAX_BYTES) -> str:
    """The text of an ordinary file of at most `limit` bytes. Raises FileError."""
    try:
        # O_NONBLOCK: opening a pipe must not wait for its other end
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(path, flags)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise FileError("", "no ordinary file", "a .loom file", "choose another")
            data = file.read(limit + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise FileError("", reason, "a file that can be read", "check its name") from None
    if len(data) > limit:
        size = max(status.st_size, len(data))
        raise FileError("", f"{size:,} bytes", f"at most {limit:,}", "is it a graph?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"byte {error.start}", "no UTF-8", "UTF-8", "save it as UTF-8") from None


def save(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write `graph` to the file `path`. Raises FileError and leaves the old file as it was."""
    try:
        replace_text(path, dumps(graph))
    except OSError as error:
        reason = (error.strerror or "it cannot be written").lower()
        expected = "a place that can be written"
        file = os.path.basename(path)
        raise FileError("", reason, expected, "save it elsewhere", file) from None


def replace_text(path: str | os.PathLike[str], text: str) -> None:
    """Put `text` in the place of the file `path` in one step, safe on disk before it counts."""
    replace_files({Path(path): text.encode()})


def replace_files(contents: Mapping[Path, bytes]) -> None:
    """Put bytes in the places of files, each in one step, none before all are safe on disk.

    Raises OSError; files whose turn has not come are then as they were.
    """
    drafts: dict[Path, Path] = {}  # what is to become of each
    try:
        for path, data in contents.items():
            target = Path(os.path.realpath(path))  # a link stays a link
            draft = _draft_of(target)
            drafts[draft] = target
            _write_draft(draft, target, data)
        for draft, target in drafts.items():
            os.replace(draft, target)
    except BaseException:
        for draft in drafts:
            with contextlib.suppress(OSError):
                draft.unlink()
        raise
    for folder in {target.parent for target in drafts.values()}:
        sync_folder(folder)


def _draft_of(target: Path) -> Path:
    # not its name: with more letters than a name may have it would be no file
    name = f".{zlib.crc32(os.fsencode(target.name)):08x}.{os.getpid()}.tmp"
    return target.with_name(name)


def _write_draft(draft: Path, target: Path, data: bytes) -> None:
    with contextlib.suppress(OSError):
        draft.unlink()  # left by a crash of a process with our number
    with open(draft, "xb") as file:
        with contextlib.suppress(OSError):  # a new file gets the user's default permissions
            os.chmod(draft, stat.S_IMODE(target.stat().st_mode))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def named_file(folder: Path, path: str) -> Path:
    """The file that a path in a graph of `folder` means, with links followed."""
    with contextlib.suppress(RuntimeError):  # of "~name" where nobody is called so
        path = str(Path(path).expanduser())
    return (folder / path).resolve()


def sync_folder(folder: Path) -> None:
    """Make a new name in `folder` safe on disk, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def pretty(value: Json) -> str:
    """JSON with sorted keys; a list of numbers stays on one line."""
    return "".join(_lines(value, "\n"))


def _lines(value: Json, end: str) -> Iterator[str]:
    numbers = isinstance(value, list) and all(isinstance(one, (int, float)) for one in value)
    if not value or numbers or not isinstance(value, (dict, list)):
        yield json_text(value, ensure_ascii=False, allow_nan=False)
        return
    inner = end + "  "
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield ("," if index else "[") + inner
            yield from _lines(one, inner)
        yield end + "]"
        return
    for index, key in enumerate(sorted(value)):
        yield ("," if index else "{") + inner + json_text(key, ensure_ascii=False) + ": "
        yield from _lines(value[key], inner)
    yield end + "}"
