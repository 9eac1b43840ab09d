"""The paths of a graph that is saved elsewhere: they go on to lead to the same files. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from operator import is_
from pathlib import Path
from typing import Any

from graph.drawing import Drawing
from graph.edit import Edit
from graph.edits import Batch, SetOp
from graph.graph import Node
from graph.ops.table import Table
from gui.document import Document


def relative(file: Path, folder: Path) -> str:
    """How a graph in `folder` names a file: relative where it lies inside, else whole."""
    folder = folder.resolve()
    return (file.relative_to(folder) if file.is_relative_to(folder) else file).as_posix()


@dataclass(frozen=True)
class Moving:
    """What saving a graph in another folder changes: paths, in the graph and in all its steps."""

    edit: Edit
    translate: Callable[[Edit], Edit]
    files: dict[str, Path]  # that were looked up, by their old path

    def __call__(self, document: Document) -> None:
        """Change a document; its files may be read from the other folder."""
        document.rebase(self.edit, self.translate, "Keep the paths of data")
        document.allowed |= frozenset(self.files.values())


def moving(document: Document, folder: Path) -> Moving:
    """Name the files of a document's tables as seen from another folder, those that it may read."""
    graph, files = document.graph, dict[str, Path]()

    def rename(path: str) -> str:
        if (file := _file(document, path)) is None:
            return path
        files[path] = file
        return relative(file, folder)

    def translate(edit: Edit) -> Edit:
        found: Edit = _renamed(edit, rename)
        return found

    edits = [
        SetOp(node.id, _renamed(node.op, rename), into=name)
        for name in ("", *sorted(graph.definitions))
        for node in graph.drawing(name)
        if isinstance(node.op, Table)
    ]
    return Moving(Batch(tuple(edits)), translate, files)


def _file(document: Document, path: str) -> Path | None:
    """The file of a path when it is there and may be read."""
    if not path or "://" in path:
        return None
    file, home = document.file(path), document.folder.resolve()
    allowed = file.is_relative_to(home) or file in document.allowed
    return file if allowed and file.is_file() else None


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    """An edit, or a part of one, in which tables have other paths; the same object where not."""
    if isinstance(value, Table):
        path = rename(value.path)
        return value if path == value.path else replace(value, path=path)
    if isinstance(value, tuple):
        parts = tuple(_renamed(part, rename) for part in value)
        return value if all(map(is_, parts, value)) else parts
    if not isinstance(value, Edit | Node | Drawing):
        return value
    parts_by = {f.name: getattr(value, f.name) for f in fields(value)}
    made = {name: _renamed(part, rename) for name, part in parts_by.items()}
    changed = {name: part for name, part in made.items() if part is not parts_by[name]}
    return replace(value, **changed) if changed else value
