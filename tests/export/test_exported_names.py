"""What people type never becomes code: names, notes, labels, categories, paths."""

from __future__ import annotations

import ast
import builtins
import keyword
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graph.export import Options, Target, export
from graph.export.names import (
    MODULE_ATTRIBUTES,
    Namespace,
    class_identifier,
    comment,
    docstring,
    identifier,
    literal,
)
from graph.graph import Graph, Node, Note
from tests.export.drawings import BY_HAND
from tests.support.small_graphs import moons

NASTY = [
    "'''\nimport os\n'''",
    '"""); import os; os.abort()  # ',
    "\\",
    '\\"""\\',
    "a\u2028import os",
    "a\u2029import os\x85import os\x0bimport os\x0cimport os\x1cimport os",
    "a\rimport os\r\nimport os",
    "__class__",
    "__init__",
    "class",
    "None",
    "print",
    "self",
    "params",
    "torch",
    "nn",
    "x",
    "{0} {x} {all} {module.__class__}",
    "%s %(x)s",
    "ﬁ ™ Ⅳ ５",
    "\x00\x1b[31m",
    "\u202e\u2066 right to left",
    "# coding: utf-7",
    "-*- coding: latin-1 -*-",
    "x" * 500,
    "",
    "🙂",
    "a.b/c:d",
    "\ud800",
]
TARGETS: list[Target] = ["numpy", "pytorch"]
text = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))


@given(text)
def test_identifiers_are_legal(word: str) -> None:
    """Whatever people call a node, the name is an identifier and nobody's yet."""
    scope = Namespace()
    names = [scope.new(word) for _ in range(3)] + [scope.new_class(word) for _ in range(3)]
    assert len(set(names)) == len(names)
    for name in names:
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
        assert not hasattr(builtins, name)
        assert not name.startswith("__")


def test_identifiers_read_like_the_name() -> None:
    """Spaces, accents and capitals become what people would have written."""
    assert identifier("1. Große Schicht") == "n1_grosse_schicht"
    assert identifier("Conv 2D (first)") == "conv_2d_first"
    assert class_identifier("residual block") == "ResidualBlock"
    assert [Namespace().new(word) for word in ("class", "in", "conv1")] == [
        "class_",
        "in_",
        "conv1",
    ]


@given(st.one_of(text, st.floats(), st.integers(), st.booleans(), st.none(), st.tuples(text, text)))
def test_literals_are_the_value(value: Any) -> None:
    """A literal evaluates to the value and stays on one line."""
    code = literal(value)
    assert len(code.splitlines()) <= 1
    tree = ast.parse(code, mode="eval")
    if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
        assert isinstance(tree.body, ast.Call)
    else:
        found = ast.literal_eval(tree)
        assert found == value
        assert type(found) is type(value)


@given(text)
def test_comments_stay_comments(note: str) -> None:
    """Every line of a note is a comment; the file around it does not change."""
    lines = comment(note, "    ")
    assert all(line.lstrip().startswith("#") and line.isprintable() for line in lines)
    assert all(len(line) <= 100 for line in lines if " " in line.strip("# "))
    assert not ast.parse("\n".join(lines)).body


@given(text)
def test_docstrings_stay_docstrings(title: str) -> None:
    """A docstring with any title is one string."""
    (statement,) = ast.parse(f'"""{docstring(title)}."""').body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)


def shape_of(code: str) -> list[str]:
    """The file as node types, without what names and strings say."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            node.values = []
    return [type(node).__name__ for node in ast.walk(tree)]


def renamed(names: list[str], note: str) -> Graph:
    """Two moons with these names on the nodes and this note beside them."""
    drawn = moons(dropout=0.2)
    for node, name in zip(list(drawn), names, strict=False):
        drawn.set_node(Node(node.id, node.op, name=name))
    drawn.notes["note"] = Note("note", note)
    return drawn


@settings(max_examples=20)
@given(st.lists(text, min_size=8, max_size=8), text, text)
@example(NASTY[:8], NASTY[0], NASTY[0])
@example(["x"] * 8, "\n", "# coding: utf-7")
@example(["F", "nn", "torch", "np", "model", "self", "forward", "train"], "", "")
def test_no_name_becomes_code(names: list[str], note: str, title: str) -> None:
    """With any names the file has the statements it has with plain ones."""
    named, plain = renamed(names, note), renamed(["a", "b", "c", "d", "e", "f", "g", "h"], "")
    for target in TARGETS:
        code = export(named, target, Options(title))
        compile(code, "exported", "exec")
        code.encode()
        other = export(plain, target)
        assert sorted(set(shape_of(code))) == sorted(set(shape_of(other)))
        assert _imports(code) == _imports(other)


def _imports(code: str) -> list[str]:
    tree = ast.parse(code)
    kinds = (ast.Import, ast.ImportFrom)
    return [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", NASTY[:12])
def test_definitions_of_any_name_compile(target: Target, name: str) -> None:
    """A definition's name becomes a class name, or a part of a stream."""
    drawn = BY_HAND["repeated_own"]
    inner = drawn.definitions["block"]
    before = inner.node("lin")
    try:
        inner.set_node(Node("lin", before.op, name=name))
        compile(export(drawn, target), "exported", "exec")
    finally:
        inner.set_node(before)


def test_no_attribute_hides_a_module_method() -> None:
    """Every public attribute of nn.Module of the installed PyTorch is reserved."""
    torch = pytest.importorskip("torch")
    public = {name for name in dir(torch.nn.Module()) if not name.startswith("_")}
    assert public <= MODULE_ATTRIBUTES
