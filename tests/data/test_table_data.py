"""Tables: what a probe finds, the samples they give, and files that cannot be used."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import graph.ops  # noqa: F401  fills the registry
from compute.data import DataError, Folder, OutsideError, load_samples, probe, source
from graph.op import REGISTRY
from graph.schema import Column

PEOPLE = "age,city,height,y\n20,Rome,1.5,yes\n30,Oslo,1.7,no\n40,Rome,1.9,yes\n50,Bern,2.1,no\n"


def table(folder: Path, content: str, **settings: object):
    """A probed Table node for a file with this content."""
    (folder / "t.csv").write_text(content, "utf-8")
    op = REGISTRY["Table"](path="t.csv", **settings)
    return dataclasses.replace(op, schema=probe(op, Folder(folder), "table"))


def test_probe_finds_columns_and_classes(tmp_path: Path) -> None:
    """Numbers, categories sorted by name, the last column as the target."""
    schema = table(tmp_path, PEOPLE).schema
    assert schema.columns == (
        Column("age"),
        Column("city", "category", ("Bern", "Oslo", "Rome")),
        Column("height"),
        Column("y", "category", ("no", "yes")),
    )
    assert (schema.rows, schema.target) == (4, "y")


def test_samples_are_numbers_and_class_indices(tmp_path: Path) -> None:
    """Categories become one 0/1 number each; the target its index."""
    samples = load_samples({"t": table(tmp_path, PEOPLE)}, Folder(tmp_path))
    expected = [[20, 0, 0, 1, 1.5], [30, 0, 1, 0, 1.7], [40, 0, 0, 1, 1.9], [50, 1, 0, 0, 2.1]]
    assert samples.arrays["t.features"].tolist() == expected
    assert samples.arrays["t.target"].tolist() == [1, 0, 1, 0]
    assert samples.class_names == {"t": ("no", "yes")}


def test_statistics_come_from_the_training_rows_only(tmp_path: Path) -> None:
    """Rows 0 and 1 train; a constant column is not divided by zero; categories stay."""
    samples = load_samples({"t": table(tmp_path, PEOPLE)}, Folder(tmp_path))
    ready = samples.prepare(samples.fit(np.array([0, 1])), np.float64)["t.features"]
    assert ready[:, 0].tolist() == [-1, 1, 3, 5]
    assert ready[:, 1:4].tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    same = samples.prepare(samples.fit(np.array([0])), np.float64)["t.features"]
    assert same[:, 0].tolist() == [0, 10, 20, 30]


def test_missing_values_become_the_mean_of_the_training_rows(tmp_path: Path) -> None:
    """A missing category is all zeros; several spellings mean missing."""
    content = "a,c,y\n1,x,0.5\n?,w,1.5\n3,NA,2\n100,x,4\n"
    node = table(tmp_path, content, standardise=False, standardise_target=False)
    samples = load_samples({"t": node}, Folder(tmp_path))
    ready = samples.prepare(samples.fit(np.array([0, 1, 2])), np.float64)
    assert ready["t.features"].tolist() == [[1, 0, 1], [2, 1, 0], [3, 0, 0], [100, 0, 1]]
    assert ready["t.target"].tolist() == [[0.5], [1.5], [2.0], [4.0]]


def test_rows_with_missing_values_can_be_left_out(tmp_path: Path) -> None:
    """Also where the target is missing; skipped columns do not count."""
    content = "a,b,y\n1,,u\n,2,u\n3,,v\n4,,\n5,,u\n"
    node = table(tmp_path, content, missing="drop", skip=("b",))
    samples = load_samples({"t": node}, Folder(tmp_path))
    assert samples.arrays["t.features"].tolist() == [[1], [3], [5]]
    assert samples.arrays["t.target"].tolist() == [0, 1, 0]


def test_regression_target_is_scaled_and_mapped_back(tmp_path: Path) -> None:
    """Mean 0 and deviation 1 on the training rows; `undo` gives the file's units."""
    samples = load_samples({"t": table(tmp_path, "a,y\n1,10\n2,30\n3,50\n")}, Folder(tmp_path))
    scaling = samples.fit(np.array([0, 1]))
    ready = samples.prepare(scaling, np.float64)["t.target"]
    assert ready.tolist() == [[-1], [1], [3]]
    assert scaling["t.target"].undo(ready).tolist() == [[10], [30], [50]]


def test_task_and_types_decide_where_looks_do_not(tmp_path: Path) -> None:
    """Numbers as classes sort by size; decimal commas where the comma parts no columns."""
    node = table(tmp_path, "a;y\n1,5;10\n2,5;9\n3;10\n", task="classification")
    assert node.schema.class_names == ("9", "10")
    samples = load_samples({"t": node}, Folder(tmp_path))
    assert samples.arrays["t.features"].tolist() == [[1.5], [2.5], [3.0]]
    node = table(tmp_path, "a,y\n1,2\n2,3\n1,4\n", types=(("a", "category"),))
    assert node.schema.columns[0] == Column("a", "category", ("1", "2"))


REFUSED = {
    "NaN column": ("a,b,y\n1,NaN,u\n2,nan,v\n", {}, "column 'b': found no value at all"),
    "NaN target": ("a,y\n1,\n2,\n", {}, "column 'y': found no value at all"),
    "one class": ("a,y\n1,u\n2,u\n", {}, "only the class 'u' in the target 'y'"),
    "date": ("d,y\n2024-01-31,1\n2024-02-01,2\n", {}, "line 2, column 'd': found the date"),
    "identifier": (
        "id,y\n" + "".join(f"n{k},{k}\n" for k in range(30)),
        {},
        "column 'id': found 30 different texts in 30 rows",
    ),
    "a word among numbers": (
        "a,y\n" + "".join(f"{k},1\n" for k in range(20)) + "oops,1\n",
        {},
        "line 22, column 'a': found 'oops', expected a number",
    ),
    "missing": ("a,y\n1,1\n,2\n", {"missing": "refuse"}, "line 3, column 'a': found no value"),
    "missing target": ("a,y\n1,1\n2,\n", {}, "line 3, column 'y': found no value"),
    "nothing left": ("a,b,y\n1,,1\n,2,1\n", {"missing": "drop"}, "no row without a missing"),
    "no target": ("a,y\n1,1\n", {"target": "z"}, "found no column 'z', expected one of a, y"),
    "only a target": ("y\n1\n2\n", {}, "no column beside the target 'y'"),
    "infinite": ("a,y\n1e999,1\n2,2\n", {}, "line 2, column 'a': found 1e999"),
    "not a number": ("a,y\nx,1\n2,2\n", {"types": (("a", "number"),)}, "found 'x'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_unusable_files_are_refused_in_one_line(tmp_path: Path, case: str) -> None:
    """Where, found, expected and remedy."""
    content, settings, says = REFUSED[case]
    with pytest.raises(DataError) as error:
        table(tmp_path, content, **settings)
    message = str(error.value)
    assert says in message
    assert message.startswith("table")
    assert ", expected " in message
    assert "; " in message
    assert "\n" not in message


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    """A class that the schema does not know; a column that is gone."""
    node = table(tmp_path, PEOPLE)
    (tmp_path / "t.csv").write_text(PEOPLE.replace("Bern", "Lima"), "utf-8")
    with pytest.raises(DataError, match="line 5, column 'city': found 'Lima', expected one of"):
        load_samples({"t": node}, Folder(tmp_path))
    (tmp_path / "t.csv").write_text(PEOPLE.replace("height", "weight"), "utf-8")
    with pytest.raises(DataError, match="found no column 'height'"):
        load_samples({"t": node}, Folder(tmp_path))


def test_files_elsewhere_need_a_permission(tmp_path: Path) -> None:
    """Outside the graph's folder, behind `..` or a link; addresses never."""
    inside = tmp_path / "graphs"
    inside.mkdir()
    (tmp_path / "t.csv").write_text(PEOPLE, "utf-8")
    (inside / "link.csv").symlink_to(tmp_path / "t.csv")
    for path in ("../t.csv", str(tmp_path / "t.csv"), "link.csv"):
        with pytest.raises(OutsideError, match="allow it, or copy the file"):
            Folder(inside).file(path, "table")
        assert Folder(inside, allow_outside=True).file(path, "table") == tmp_path / "t.csv"
    with pytest.raises(DataError, match="found the address"):
        Folder(inside, allow_outside=True).file("http://example.org/t.csv", "table")
    for path, says in (("none.csv", "no file 'none.csv'"), (".", "which is no file"), ("", "no f")):
        with pytest.raises(DataError, match=says):
            Folder(inside).file(path, "table")


def test_huge_files_are_refused_unread(tmp_path: Path) -> None:
    """A sparse file just above the limit, told by its size."""
    with (tmp_path / "t.csv").open("wb") as stream:
        stream.truncate(source.MAX_FILE_BYTES + 1)
    with pytest.raises(DataError, match="at most 1 GiB"):
        Folder(tmp_path).file("t.csv", "table")
