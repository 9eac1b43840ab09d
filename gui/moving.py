"""The paths of a graph that is saved elsewhere: they go on to lead to the same files. No Qt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from graph.edit import Edit
from graph.edits import Batch, SetOp
from graph.ops.table import Table
from gui.document import Document


def relative(file: Path, folder: Path) -> str:
    """How a graph in `folder` names a file: relative where it lies inside, else whole."""
    folder = folder.resolve()
    return (file.relative_to(folder) if file.is_relative_to(folder) else file).as_posix()


def follow_files(document: Document, folder: Path) -> bool:
    """Name the files of the tables as seen from another folder, as one step; whether any changed.

    Files that could be read so far may be read from there.
    """
    edits = list(_edits(document, folder))
    if not edits:
        return False
    document.allowed |= {file for file, _ in edits}
    document.push(Batch(tuple(edit for _, edit in edits), "Keep the paths of data"))
    return True


def _edits(document: Document, folder: Path) -> Iterator[tuple[Path, Edit]]:
    graph, home = document.graph, document.folder.resolve()
    for name in ("", *sorted(graph.definitions)):
        for node in graph.drawing(name):
            op = node.op
            if not isinstance(op, Table) or not op.path or "://" in op.path:
                continue
            file = document.file(op.path)
            if not file.is_file() or not (file.is_relative_to(home) or file in document.allowed):
                continue
            path = relative(file, folder)
            if path != Path(op.path).as_posix():
                yield file, SetOp(node.id, replace(op, path=path), into=name)
