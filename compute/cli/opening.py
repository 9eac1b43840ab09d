"""FILE or EXAMPLE on the command line: which file it is, and the graph in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import resources
from compute.cli.errors import UsageError
from compute.data import Folder
from graph.edits import SetOp
from graph.files import dumps, load
from graph.graph import Graph
from graph.kinds import DataSource
from graph.ops.table import Table

SUFFIX = ".loom"
OUTSIDE = "--allow-outside"


class GraphError(ValueError):
    """A graph that cannot run: where, found, expected, what to do."""


@dataclass(frozen=True)
class Opened:
    """A graph and the file it comes from; `allow_outside`: all files that it names may be read."""

    name: str
    file: Path
    graph: Graph
    allow_outside: bool = False

    @property
    def folder(self) -> Folder:
        """Where the paths of its data nodes start."""
        return Folder(self.file.parent, self.allow_outside, allow=f"allow it with {OUTSIDE}")

    def data(self) -> frozenset[Path]:
        """The files that its data nodes name. Raises DataError for those that cannot be read."""
        drawings = (self.graph, *self.graph.definitions.values())
        sources = (n for drawing in drawings for n in drawing if isinstance(n.op, DataSource))
        named = ((node.id, getattr(node.op, "path", "")) for node in sources)
        return frozenset(self.folder.file(path, id) for id, path in named if path)

    @property
    def text(self) -> str:
        """The graph as file text."""
        return dumps(self.graph)


def example_file(name: str) -> Path:
    """The file of a shipped example; raises UsageError for another name."""
    known = resources.examples()
    if name not in known:
        raise UsageError(f"no example {name!r}", f"one of {', '.join(known)}", "see the list")
    return resources.example_path(name)


def find(name: str) -> Path:
    """The file that `name` means: a file, else an example."""
    file = Path(name)
    if file.suffix == SUFFIX or file.is_file():
        if not file.exists():
            raise UsageError(f"no file {name!r}", "one that exists", "check the path")
        return file
    known = resources.examples()
    if name not in known:
        expected = f"a {SUFFIX} file or one of {', '.join(known)}"
        raise UsageError(f"no file or example {name!r}", expected, "check the name")
    return resources.example_path(name)


def open_graph(name: str, allow_outside: bool = False) -> Opened:
    """The graph of a file or an example, as it is in the file. Raises FileError for damage."""
    file = find(name)
    return Opened(file.stem, file, load(file), allow_outside)


def looked_at(opened: Opened) -> Opened:
    """The graph with the schema of every table that has none, read from its file.

    Raises DataError for files that cannot be used.
    """
    for node in list(opened.graph):
        op = node.op
        if isinstance(op, Table) and op.path and not op.schema:
            from compute.data.table import probe_table  # pyarrow takes a tenth of a second

            found = probe_table(op, opened.folder, node.id)
            SetOp(node.id, replace(op, schema=found)).apply(opened.graph)
    return opened


def sound(opened: Opened) -> Opened:
    """The graph, tables looked at, when no check finds an error; raises GraphError for the first.

    Raises DataError for tables that cannot be used.
    """
    from graph.checks import check

    errors = [p for p in check(looked_at(opened).graph) if p.severity == "error"]
    if errors:
        first = errors[0]
        where = ".".join(part for part in (first.path, first.port) if part)
        text = "; ".join(part for part in (first.message, first.remedy) if part)
        more = f" ({len(errors) - 1} more: netloom check {opened.file})" if errors[1:] else ""
        raise GraphError(f"{where + ': ' if where else ''}{text}{more}")
    return opened
