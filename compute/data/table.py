"""Tables: what a CSV file holds (`probe_table`) and its samples as arrays (`load_table`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compute.backend import Array
from compute.data.cells import (
    Cells,
    cells_of,
    classes_of,
    indices_of,
    looks_like_numbers,
    numbers_of,
)
from compute.data.csv_text import Text, read_csv
from compute.data.source import Block, DataError, Folder, Loaded
from graph.schema import Column, Schema

if TYPE_CHECKING:
    from graph.ops.table import Table


def probe_table(op: Table, folder: Folder, where: str) -> Schema:
    """The schema of the file that `op` names, read as its settings say.

    Raises DataError for a file that cannot be read as a table, dates, columns without values,
    identifiers and a target with one class, each with its line or column.
    """
    text = read_table(op, folder.file(op.path, where), where)
    target = op.target or text.names[-1]
    for name in (target, *op.skip, *(name for name, _ in op.types)):
        _check_name(text, name)
    columns = tuple(_probe_column(op, text, name, name == target) for name in text.names)
    schema = Schema(columns, text.rows, target)
    names = schema.class_names
    if len(names) == 1:
        found = f"only the class {names[0]!r} in the target {target!r}"
        remedy = "choose another target, or add rows of another class"
        raise DataError(where, found, "at least two classes", remedy)
    if not schema.features:
        remedy = "check the delimiter and the columns skipped"
        raise DataError(where, f"no column beside the target {target!r}", "features", remedy)
    if not _kept(op, text, schema).any():
        raise DataError(where, "no row without a missing value", "one", "set `missing` to mean")
    return schema


def read_table(op: Table, file: Path, where: str) -> Text:
    """The file's columns as text, read as the node's settings say."""
    return read_csv(file, where, op.delimiter, op.encoding, op.header)


def _check_name(text: Text, name: str) -> None:
    if name not in text.names:
        names = ", ".join(text.names[:8]) + (", …" if len(text.names) > 8 else "")
        remedy = "correct the name, or the delimiter"
        raise DataError(text.where, f"no column {name!r}", f"one of {names}", remedy)


def _probe_column(op: Table, text: Text, name: str, is_target: bool) -> Column:
    if name in op.skip:
        return Column(name, "skipped")
    cells = cells_of(text, name)
    if not cells.present:
        remedy = "skip it, or choose another target"
        raise cells.error(None, "no value at all", "numbers or categories", remedy)
    _check_missing(op, cells, is_target)
    kind = dict(op.types).get(name, "")
    if not kind and is_target:
        kind = {"classification": "category", "regression": "number"}.get(op.task, "")
    if kind == "number" or (not kind and looks_like_numbers(cells)):
        numbers_of(cells)
        return Column(name, "number")
    return Column(name, "category", classes_of(cells))


def _check_missing(op: Table, cells: Cells, is_target: bool) -> None:
    """Missing cells are refused unless the settings say what to do; a target is never filled."""
    if op.missing == "refuse" or (op.missing == "mean" and is_target):
        missing = cells.missing
        if missing.any():
            remedy = "fill it in, or set `missing` to drop" + ("" if is_target else " or mean")
            raise cells.error(int(np.argmax(missing)), "no value", "one in every row", remedy)


def _kept(op: Table, text: Text, schema: Schema) -> Array:
    """Which rows are samples: all, or those without a missing value in the used columns."""
    kept = np.ones(text.rows, bool)
    if op.missing == "drop":
        for column in schema.columns:
            if column.kind != "skipped":
                kept &= ~cells_of(text, column.name).missing
    return kept


def load_table(op: Table, folder: Folder, where: str) -> Loaded:
    """All samples of the file: features N×F and target N (classes) or N×1 (numbers).

    Raises DataError when the file no longer fits the node's schema.
    """
    text = read_table(op, folder.file(op.path, where), where)
    schema, target = op.schema, op.schema.target_column
    if target is None:
        raise DataError(where, "no target", "a column to predict", "read the file's columns again")
    for column in schema.columns:
        if column.kind != "skipped":
            _check_name(text, column.name)
    features, blocks = encode_features(op, text)
    cells = cells_of(text, target.name)
    _check_missing(op, cells, True)
    kept = _kept(op, text, schema)
    if target.kind == "category":
        labels = indices_of(cells, target.categories)[kept]
        return Loaded(
            {"features": features[kept], "target": labels},
            target.categories,
            {"features": blocks},
        )
    goal = (Block(target.name, 0, 1, standardise=op.standardise_target),)
    numbers = numbers_of(cells)[kept, None]
    arrays = {"features": features[kept], "target": numbers}
    return Loaded(arrays, (), {"features": blocks, "target": goal})


def encode_features(
    op: Table, text: Text, refuse_missing: bool = True
) -> tuple[Array, tuple[Block, ...]]:
    """Feature vectors of all rows, N×F float64, and the columns they come from.

    A missing number is NaN, a missing category all zeros; new rows to predict may have them even
    where training rows may not.
    """
    parts: list[Array] = []
    blocks: list[Block] = []
    start = 0
    for column in op.schema.features:
        _check_name(text, column.name)
        cells = cells_of(text, column.name)
        if refuse_missing:
            _check_missing(op, cells, False)
        numeric = column.kind == "number"
        parts.append(numbers_of(cells)[:, None] if numeric else _one_hot(cells, column))
        scaled = op.standardise and numeric
        blocks.append(Block(column.name, start, start + column.width, numeric, scaled))
        start += column.width
    return np.concatenate(parts, axis=1), tuple(blocks)


def _one_hot(cells: Cells, column: Column) -> Array:
    indices = indices_of(cells, column.categories)
    return np.asarray(indices[:, None] == np.arange(len(column.categories)), np.float64)
