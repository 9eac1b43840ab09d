"""Reading CSV files into columns of text: the delimiter found, damage named by its line."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from compute.data.source import DataError

DELIMITERS = ",;\t|"
SNIFFED = 64 * 1024  # bytes that the delimiter is guessed from
MAX_COLUMNS = 10_000
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Text:
    """A CSV file as columns of stripped text, and how it was read."""

    file: Path
    where: str
    names: tuple[str, ...]
    table: pa.Table
    delimiter: str
    encoding: str
    header: bool

    @property
    def rows(self) -> int:
        """Number of samples."""
        return int(self.table.num_rows)

    def line(self, row: int) -> int:
        """Line in the file of a row of the table, both as people count: from 1 and from 0."""
        wanted = row + (1 if self.header else 0)
        for number, (line, _) in enumerate(_records(self.file, self.encoding, self.delimiter)):
            if number == wanted:
                return line
        raise IndexError(row)


def read_csv(
    file: Path, where: str, delimiter: str = "", encoding: str = "", header: bool = True
) -> Text:
    """All columns of `file` as text; an empty delimiter or encoding is found out.

    Raises DataError naming the line for ragged rows, unclosed quotes, undecodable bytes, repeated
    or missing names and files without rows.
    """
    encoding = _checked_encoding(file, where, encoding)
    delimiter = delimiter or _guess_delimiter(file, where, encoding)
    names = _names(file, where, encoding, delimiter, header)
    _check_quotes(file, where, encoding, delimiter)
    try:
        table = _read(file, encoding, delimiter, names, header)
    except pa.ArrowInvalid as error:
        raise _damage(file, where, encoding, delimiter, len(names), error) from None
    if not table.num_rows:
        raise DataError(where, "no rows", "at least one row of data", "check the file")
    return Text(file, where, names, table, delimiter, encoding, header)


def _read(
    file: Path, encoding: str, delimiter: str, names: tuple[str, ...], header: bool
) -> pa.Table:
    text = dict.fromkeys(names, pa.large_string())
    return pa.csv.read_csv(
        file,
        pa.csv.ReadOptions(
            column_names=list(names), skip_rows_after_names=int(header), encoding=encoding
        ),
        pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        pa.csv.ConvertOptions(column_types=text, strings_can_be_null=False),
    )


def _checked_encoding(file: Path, where: str, encoding: str) -> str:
    """The encoding asked for, else the one marked, UTF-8 or Windows' Western European.

    Raises DataError, with the line, unless every byte of the file fits it.
    """
    with file.open("rb") as stream:
        start = stream.read(4)
    marked = next((name for mark, name in BOMS if start.startswith(mark)), "")
    if encoding:
        try:
            codecs.lookup(encoding)
        except LookupError:
            remedy = "try utf-8, cp1252 or utf-16"
            raise DataError(where, f"encoding {encoding!r}", "a known one", remedy) from None
    if marked == "utf-8-sig" and encoding in ("", "utf-8"):
        return marked
    guesses = (encoding,) if encoding else (marked,) if marked else ("utf-8", "cp1252", "latin-1")
    lines = [_undecodable_line(file, where, guess) for guess in guesses]
    for guess, line in zip(guesses, lines, strict=True):
        if not line:
            return guess
    place, found = f"{where}, line {lines[0]}", f"bytes that are not {guesses[0]}"
    raise DataError(place, found, guesses[0], "leave encoding empty, or try cp1252 or utf-16")


def _undecodable_line(file: Path, where: str, encoding: str) -> int:
    """The first line with bytes that the encoding does not know, from 1; 0 when all is well."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with file.open("rb") as stream:
        try:
            while block := stream.read(1 << 20):
                text = decoder.decode(block)
                if "\0" in text:
                    remedy = "choose a CSV file, or set encoding"
                    raise DataError(where, "zero bytes", "a text file", remedy)
                line += text.count("\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return line + bytes(error.object[: error.start]).count(b"\n")
    return 0


def _guess_delimiter(file: Path, where: str, encoding: str) -> str:
    """The character that cuts most of the first lines into the same number of parts."""
    with file.open("r", encoding=encoding, newline="") as stream:
        lines = stream.read(SNIFFED).splitlines()
    sample = [line for line in (lines[:-1] or lines) if line.strip()][:100]
    if not sample:
        raise DataError(where, "an empty file", "a table", "choose another file")
    best, score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        counts = Counter(len(row) for row in csv.reader(sample, delimiter=delimiter) if row)
        width, often = counts.most_common(1)[0]
        if width > 1 and (often / len(sample), width) > score:
            best, score = delimiter, (often / len(sample), width)
    return best


def _records(file: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line on which it starts, cells) of each record; blank lines skipped as when reading."""
    with file.open("r", encoding=encoding, newline="") as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        line = 1
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1


def _names(file: Path, where: str, encoding: str, delimiter: str, header: bool) -> tuple[str, ...]:
    """Column names: the first row's, or `c1`, `c2` …"""
    try:
        _, first = next(_records(file, encoding, delimiter))
    except StopIteration:
        raise DataError(where, "an empty file", "a table", "choose another file") from None
    except csv.Error as error:
        raise DataError(where, str(error), "a table", "check that it is a CSV file") from None
    if len(first) > MAX_COLUMNS:
        found, most = f"{len(first):,} columns", f"at most {MAX_COLUMNS:,}"
        raise DataError(where, found, most, "check the delimiter")
    if not header:
        return tuple(f"c{k}" for k in range(1, len(first) + 1))
    names = [cell.strip() or f"c{k}" for k, cell in enumerate(first, 1)]
    twice = next((name for name, often in Counter(names).items() if often > 1), None)
    if twice is not None:
        remedy = "rename one, or turn `header` off"
        raise DataError(f"{where}, line 1", f"two columns named {twice!r}", "one", remedy)
    return tuple(names)


def _check_quotes(file: Path, where: str, encoding: str, delimiter: str) -> None:
    """Raise DataError for a quote that is never closed: it would swallow all that follows."""
    with file.open("r", encoding=encoding, newline="") as stream:
        quotes = sum(block.count('"') for block in iter(lambda: stream.read(1 << 20), ""))
        if quotes % 2 == 0:
            return
        stream.seek(0)
        reader, line = csv.reader(stream, delimiter=delimiter, strict=True), 1
        try:
            for _ in reader:
                line = reader.line_num + 1
        except csv.Error as error:
            if "unexpected end" in str(error) or "larger than" in str(error):
                place, found = f"{where}, line {line}", "a quote that is never closed"
                raise DataError(place, found, "quotes in pairs", "close it") from None


def _damage(
    file: Path, where: str, encoding: str, delimiter: str, width: int, error: Exception
) -> DataError:
    """The first row that does not fit, found again slowly so that its line is exact."""
    try:
        for line, cells in _records(file, encoding, delimiter):
            if len(cells) != width:
                place = f"{where}, line {line}"
                remedy = "mend that line, or set the delimiter"
                return DataError(place, f"{len(cells)} values", f"{width} as in line 1", remedy)
    except csv.Error as problem:
        return DataError(where, str(problem), "a table", "check that it is a CSV file")
    return DataError(where, str(error).splitlines()[0], "a table", "check that it is a CSV file")
