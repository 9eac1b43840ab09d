"""One column of text as numbers or categories: what it looks like, and its cells converted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from compute.backend import Array
from compute.data.csv_text import Text
from compute.data.source import DataError

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
COMMA_NUMBER = r"^[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?$"
DATE = r"^\d{4}-\d{1,2}-\d{1,2}([T ].*)?$|^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}$|^\d{4}/\d{1,2}/\d{1,2}$"
NOTHING = ("", "?", "-", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none")
# Above this share of numbers, other texts are taken for damage and not for names.
MOSTLY = 0.8
MAX_CATEGORIES = 1_000


@dataclass(frozen=True)
class Cells:
    """The cells of a column, trimmed, null where there is no value."""

    text: Text
    name: str
    values: pa.Array

    @property
    def missing(self) -> Array:
        """True where there is no value."""
        return np.asarray(pc.is_null(self.values).to_numpy(zero_copy_only=False), bool)

    @property
    def present(self) -> int:
        """Number of cells with a value."""
        return len(self.values) - int(self.values.null_count)

    def error(self, row: int | None, found: str, expected: str, remedy: str) -> DataError:
        """An error in this column, with its line in the file when a row is to blame."""
        line = "" if row is None else f", line {self.text.line(row)}"
        return DataError(f"{self.text.where}{line}, column {self.name!r}", found, expected, remedy)

    def matching(self, pattern: str) -> Array:
        """True where the value matches; missing cells do not."""
        found = pc.match_substring_regex(self.values, pattern=pattern)
        return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), bool)

    def first(self, mask: Array) -> tuple[int, str]:
        """Row and text of the first cell in `mask`."""
        row = int(np.argmax(mask))
        return row, str(self.values[row].as_py())


def cells_of(text: Text, name: str) -> Cells:
    """The cells of column `name`; the texts in `NOTHING` count as no value."""
    trimmed = pc.utf8_trim_whitespace(text.table[name].combine_chunks())
    nothing = pa.array(NOTHING, pa.large_string())
    return Cells(text, name, pc.if_else(pc.is_in(trimmed, value_set=nothing), None, trimmed))


def number_pattern(cells: Cells) -> str:
    """How this file writes numbers: with a comma only where the comma does not part columns."""
    if cells.text.delimiter == ",":
        return NUMBER
    with_comma = cells.matching(COMMA_NUMBER).sum()
    return COMMA_NUMBER if with_comma > cells.matching(NUMBER).sum() else NUMBER


def looks_like_numbers(cells: Cells) -> bool:
    """Whether a column holds numbers; raises DataError for dates, damage and empty columns."""
    if not cells.present:
        remedy = "skip it, or choose another target"
        raise cells.error(None, "no value at all", "numbers or categories", remedy)
    numbers = cells.matching(number_pattern(cells))
    count = int(numbers.sum())
    if count == cells.present:
        return True
    dates = cells.matching(DATE)
    if dates.sum() > MOSTLY * cells.present:
        row, value = cells.first(dates)
        remedy = "write year, month or weekday as numbers, or skip it"
        raise cells.error(row, f"the date {value!r}", "numbers or categories", remedy)
    if count > MOSTLY * cells.present:
        row, value = cells.first(~numbers & ~cells.missing)
        remedy = "mend it, or set the column's type to category"
        raise cells.error(row, f"{value[:40]!r}", "a number", remedy)
    return False


def first_is_numbers(text: Text) -> bool:
    """Whether the first row holds numbers only, so is no row of names."""
    first = pa.array([text.table[name][0].as_py().strip() for name in text.names])
    return bool(pc.all(pc.match_substring_regex(first, pattern=NUMBER)).as_py())


def numbers_of(cells: Cells) -> Array:
    """The column as float64, NaN where there is no value; raises DataError for other texts."""
    pattern = number_pattern(cells)
    wrong = ~cells.matching(pattern) & ~cells.missing
    if wrong.any():
        row, value = cells.first(wrong)
        remedy = "mend it, or set the column's type to category"
        raise cells.error(row, f"{value[:40]!r}", "a number", remedy)
    plain = pc.replace_substring_regex(cells.values, pattern=r"^\+", replacement="")
    if pattern is COMMA_NUMBER:
        plain = pc.replace_substring(plain, pattern=",", replacement=".")
    numbers = np.array(pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    huge = np.isinf(numbers)
    if huge.any():
        row, value = cells.first(huge)
        raise cells.error(row, value[:40], "a finite number", "mend it, or leave it empty")
    return numbers


def classes_of(cells: Cells) -> tuple[str, ...]:
    """The different texts, sorted: by size when all are numbers, else by name."""
    if not cells.present:
        remedy = "skip it, or choose another target"
        raise cells.error(None, "no value at all", "categories", remedy)
    names = [str(name) for name in pc.unique(cells.values).drop_null().to_pylist()]
    if len(names) > MAX_CATEGORIES or (len(names) == cells.present and cells.present > 20):
        found = f"{len(names):,} different texts in {cells.present:,} rows"
        remedy = "skip it: it names rows and says nothing about them"
        raise cells.error(None, found, f"at most {MAX_CATEGORIES:,} that repeat", remedy)
    if cells.matching(NUMBER).sum() == cells.present:
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))


def indices_of(cells: Cells, classes: tuple[str, ...]) -> Array:
    """The class number of each cell, int64, −1 where there is no value.

    Raises DataError for a text that is none of the classes.
    """
    known = pa.array(classes, pa.large_string())
    found = pc.index_in(cells.values, value_set=known)
    indices = np.array(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)
    strange = (indices < 0) & ~cells.missing
    if strange.any():
        row, value = cells.first(strange)
        names = ", ".join(classes[:6]) + (", …" if len(classes) > 6 else "")
        remedy = "mend it, or read the columns of the file again"
        raise cells.error(row, f"{value[:40]!r}", f"one of {names}", remedy)
    return indices
