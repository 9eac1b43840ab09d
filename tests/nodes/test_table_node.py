"""The Table node: its types come from the schema alone, and a schema that does not fit is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.files import dumps, loads
from graph.graph import Graph, Node
from graph.op import SettingError
from graph.ops.table import Table
from graph.program import ShapeError, TensorType
from graph.schema import Column, Schema
from graph.trace import trace
from graph.validator import FileError

COLUMNS = (
    Column("age"),
    Column("sex", "category", ("female", "male")),
    Column("id", "skipped"),
    Column("town", "category", ("A", "B", "C")),
    Column("price"),
)
SCHEMA = Schema(COLUMNS, 120, "price")
HOUSES = Table(path="houses.csv", skip=("id",), schema=SCHEMA)


def refusal(table: Table) -> str:
    """Why the node gives no types."""
    with pytest.raises(ShapeError) as caught:
        table.sample_types()
    assert caught.value.remedy
    return str(caught.value)


def test_regression_types() -> None:
    """Numbers count once, categories once a class, what is skipped not at all."""
    assert HOUSES.sample_types() == {
        "features": TensorType((1 + 2 + 3,)),
        "target": TensorType((1,)),
    }
    assert [port.kind for port in HOUSES.ports_out()] == ["vector", "vector"]
    assert HOUSES.class_names() == ()


def test_classification_types() -> None:
    """A category as the target gives class indices and names."""
    table = replace(HOUSES, target="town", schema=replace(SCHEMA, target="town"))
    assert table.sample_types() == {
        "features": TensorType((1 + 2 + 1,)),
        "target": TensorType((), "int"),
    }
    assert [port.kind for port in table.ports_out()] == ["vector", "labels"]
    assert table.class_names() == ("A", "B", "C")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": ""}, "found no file"),
        ({"schema": Schema()}, "not looked at yet"),
        ({"target": "age"}, "target 'price' in the schema, 'age' in the settings"),
        ({"task": "classification"}, "'price' read as a number for classification"),
        ({"skip": ("age", "id")}, "column 'age' as number, not skipped"),
        ({"types": (("town", "number"),)}, "column 'town' as category, not number"),
        ({"types": (("street", "number"),)}, "column 'street' as none, not number"),
        ({"schema": Schema((Column("price"),), 9, "price"), "skip": ()}, "no column beside"),
        (
            {
                "schema": Schema((Column("x"), Column("y", "category", ("yes",))), 9, "y"),
                "skip": (),
            },
            "only the class 'yes'",
        ),
    ],
)
def test_schema_that_does_not_fit_is_refused(change: dict[str, Any], words: str) -> None:
    """Found, expected and what to do, instead of wrong shapes."""
    assert words in refusal(replace(HOUSES, **change))


def test_refusal_reaches_the_trace() -> None:
    """A graph with an unread table is traced; the table is the one problem."""
    drawn = Graph()
    drawn.set_node(Node("table", Table(path="a.csv")))
    found = trace(drawn, "train", 4)
    assert [(r.path, r.remedy) for r in found.refusals] == [("table", "look at the file first")]


@pytest.mark.parametrize(
    ("columns", "rows", "target", "words"),
    [
        ((Column("a"), Column("a")), 1, "", "two columns of one name"),
        ((Column("a"),), 1, "b", "no column 'b'"),
        ((Column("a"),), -1, "a", "-1 rows"),
        (tuple(Column(f"c{k}") for k in range(10_001)), 1, "", "10001 columns"),
    ],
)
def test_schema_checks_itself(columns: Any, rows: int, target: str, words: str) -> None:
    """A schema from a file can be trusted by every shape rule."""
    with pytest.raises(SettingError, match=words):
        Schema(columns, rows, target)


@pytest.mark.parametrize(
    ("kind", "categories", "words"),
    [
        ("number", ("a",), "1 categories"),
        ("category", (), "0 categories"),
        ("category", ("a", "a"), "a category twice"),
        ("colour", (), "'colour'"),
    ],
)
def test_column_checks_itself(kind: Any, categories: tuple[str, ...], words: str) -> None:
    """So can each column."""
    with pytest.raises(SettingError, match=words):
        Column("a", kind, categories)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.fixed_dictionaries({"name": inner, "kind": inner, "categories": inner})
    ),
    max_leaves=8,
)


@given(
    json_values
    | st.fixed_dictionaries({"columns": json_values, "rows": json_values, "target": json_values})
)
def test_any_json_is_a_schema_or_refused(data: Any) -> None:
    """A damaged file brings a FileError that leads to the schema, never another error."""
    drawn = Graph()
    drawn.set_node(Node("table", HOUSES))
    record = json.loads(dumps(drawn))
    record["nodes"]["table"]["settings"]["schema"] = data
    place = "nodes.table.settings.schema"
    try:
        read = loads(json.dumps(record)).node("table").op
    except FileError as error:
        place = error.place
    else:
        assert isinstance(read, Table)
        assert isinstance(read.schema, Schema)
    assert place.startswith("nodes.table.settings")
