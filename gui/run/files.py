"""What file actions need of compute: a table looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from compute.data import Folder
from compute.data.table import probe_table
from graph.ops.table import Table
from gui.moving import relative


def table_of(file: Path, folder: Path) -> Table:
    """A table node for a file, its columns looked at; the path is relative inside `folder`.

    Raises DataError. Whoever chose the file allowed it to be read, wherever it lies.
    """
    op = Table(path=relative(file, folder))
    return replace(op, schema=probe_table(op, Folder(folder, allow_outside=True), file.name))
