"""CSV files: what is found out about them, and damage named by its line."""

from pathlib import Path

import pytest

from compute.data.csv_text import read_csv
from compute.data.source import DataError


def written(folder: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    """A file with this content."""
    file = folder / "table.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return file


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    """The one that cuts all lines into equally many parts, commas in quotes left alone."""
    lines = [["name", "size"], ['"a, b; c"', "1"], ["d", "2.5"]]
    text = read_csv(written(tmp_path, "\n".join(map(delimiter.join, lines))), "data")
    assert (text.delimiter, text.names, text.rows) == (delimiter, ("name", "size"), 2)
    assert text.table["name"].to_pylist() == ["a, b; c", "d"]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("cp1252", "cp1252")],
)
def test_encoding_is_found(tmp_path: Path, encoding: str, found: str) -> None:
    """By its mark, else UTF-8, else Windows' Western European."""
    text = read_csv(written(tmp_path, "größe,x\n1,ä\n", encoding), "data")
    assert (text.encoding, text.names) == (found, ("größe", "x"))
    assert text.table["x"].to_pylist() == ["ä"]


def test_settings_override_what_is_found(tmp_path: Path) -> None:
    """A delimiter and an encoding that were set are used."""
    text = read_csv(written(tmp_path, b"a;b,c\n\xe4;1,2\n"), "data", ",", "latin-1")
    assert text.names == ("a;b", "c")
    assert text.table["a;b"].to_pylist() == ["ä;1"]


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    """Blank lines and line breaks in quotes count."""
    text = read_csv(written(tmp_path, 'a,b\n\n1,"x\ny"\n\n2,z\n'), "data")
    assert [text.line(row) for row in range(text.rows)] == [3, 6]


def test_without_a_header_columns_are_numbered(tmp_path: Path) -> None:
    """The first row is a sample then."""
    text = read_csv(written(tmp_path, "1,2\n3,4\n"), "data", header=False)
    assert (text.names, text.rows, text.line(0)) == (("c1", "c2"), 2, 1)


DAMAGED = {
    "empty": (b"", "an empty file"),
    "blank": (b"\n\n", "an empty file"),
    "header only": (b"a,b\n", "no rows"),
    "ragged": (b"a,b\n1,2\n\n3,4,5\n", "line 4: found 3 values, expected 2"),
    "short row": (b"a,b\n1,2\n3\n", "line 3: found 1 values, expected 2"),
    "open quote": (b'a,b\n1,2\n3,"4\n5,6\n', "line 3: found a quote that is never closed"),
    "twice": (b"a,b,a\n1,2,3\n", "line 1: found two columns named 'a'"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "zero bytes"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_one_line(tmp_path: Path, case: str) -> None:
    """Found, expected and remedy in one line, with the line of the file where there is one."""
    content, says = DAMAGED[case]
    with pytest.raises(DataError) as error:
        read_csv(written(tmp_path, content), "data")
    message = str(error.value)
    assert says in message
    assert message.startswith("data")
    assert "expected" in message
    assert "; " in message
    assert "\n" not in message


def test_undecodable_bytes_are_named_by_line(tmp_path: Path) -> None:
    """When an encoding was set that the file does not have."""
    with pytest.raises(DataError, match=r"line 3: found bytes that are not utf-8"):
        read_csv(written(tmp_path, b"a,b\n1,2\n\xe4,3\n"), "data", encoding="utf-8")
    with pytest.raises(DataError, match="encoding 'klingon'"):
        read_csv(written(tmp_path, b"a,b\n1,2\n"), "data", encoding="klingon")
