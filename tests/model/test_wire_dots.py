"""Dots that wires are led through: kept by every edit that keeps the wire, gone when it goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from drawn import drawn

from graph.clipboard import copied, paste
from graph.define import Dissolve, Instance
from graph.dots import SetDots
from graph.drawing import Drawing, copy, same
from graph.edit import Edit
from graph.edit_records import edit_record, read_edit
from graph.edits import Connect, Disconnect, Move, Remove, SetOp
from graph.files import dumps, loads
from graph.graph import Graph, Wire
from graph.history import History
from graph.ops.activation import ReLU, Sigmoid, Tanh
from graph.ops.merge import Add
from graph.rules import MAX_DOTS, EditError
from graph.validator import FileError

FIRST, SECOND = Wire("a", "y", "b", "x"), Wire("b", "y", "c", "x")
DOTS = ((10.0, 20.0), (30.5, -40.0))


@pytest.fixture
def graph() -> Graph:
    """a, b and c in a row; the first wire has two dots, the second one."""
    made = drawn({"a": ReLU(), "b": Tanh(), "c": Sigmoid()}, "a.y -> b.x", "b.y -> c.x")
    SetDots(FIRST, DOTS).apply(made)
    SetDots(SECOND, ((1.0, 2.0),)).apply(made)
    return made


@pytest.mark.parametrize(
    "edit",
    [
        SetDots(FIRST, ()),
        SetDots(FIRST, ((5.0, 6.0),)),
        Disconnect(FIRST),
        Remove(("b",)),
        Remove(("a", "b", "c")),
        Connect(Wire("a", "y", "c", "x"), ((7.0, 8.0),)),
        SetOp("b", Add()),
        Move((("a", 5.0, 5.0),)),
        Instance(("a", "b"), "cell", "cell1"),
        Instance(("b", "c"), "cell", "cell1"),
    ],
    ids=repr,
)
def test_every_edit_is_undone_with_its_dots(graph: Graph, edit: Edit) -> None:
    before, history = copy(graph), History(graph)
    history.push(edit)
    after = copy(graph)
    assert set(graph.dots) <= set(graph.wires())
    history.undo()
    assert same(graph, before)
    history.redo()
    assert same(graph, after)


def test_titles_say_what_is_done(graph: Graph) -> None:
    titles = [
        SetDots(FIRST, (*DOTS, (0.0, 0.0))).title(graph),
        SetDots(FIRST, DOTS[::-1]).title(graph),
        SetDots(FIRST, DOTS[:1]).title(graph),
        SetDots(FIRST, ()).title(graph),
    ]
    assert titles == ["Add a dot", "Move a dot", "Remove a dot", "Remove 2 dots"]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (SetDots(Wire("a", "y", "c", "x"), DOTS), "no such wire"),
        (SetDots(FIRST, ((float("nan"), 0.0),)), "found nan"),
        (SetDots(FIRST, ((0.0, 1e10),)), "back onto the canvas"),
        (SetDots(FIRST, ((0.0, 0.0),) * (MAX_DOTS + 1)), "1 to 64 on a wire"),
        (Connect(Wire("a", "y", "c", "x"), ((float("inf"), 0.0),)), "found inf"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    graph: Graph, edit: Edit, words: str
) -> None:
    before = copy(graph)
    with pytest.raises(EditError, match=words):
        edit.apply(graph)
    assert same(graph, before)


def test_a_file_keeps_them(graph: Graph) -> None:
    text = dumps(graph)
    assert json.loads(text)["dots"] == {
        "a.y -> b.x": [[10.0, 20.0], [30.5, -40.0]],
        "b.y -> c.x": [[1.0, 2.0]],
    }
    assert same(loads(text), graph)
    SetDots(FIRST, ()).apply(graph)
    SetDots(SECOND, ()).apply(graph)
    assert "dots" not in json.loads(dumps(graph))


def test_wires_of_one_port_are_told_apart() -> None:
    made = drawn({"a": ReLU(), "sum": Add()}, "a.y -> sum.x", "a.y -> sum.x")
    first, second = made.wires_in("sum")
    SetDots(second, DOTS).apply(made)
    assert list(json.loads(dumps(made))["dots"]) == ["a.y -> sum.x #1"]
    Disconnect(first).apply(made)  # in the file the wire that is left is the first
    again = loads(dumps(made))
    assert again.dots == {Wire("a", "y", "sum", "x"): DOTS}
    assert same(again, made)


Damage = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda d: d.update({"a.y -> c.x": [[1, 2]]}), r"dots: found dots of no wire"),
        (lambda d: d.update({"a.y -> b.x #7": [[1, 2]]}), r"dots of no wire"),
        (lambda d: d.update({"a to b": [[1, 2]]}), r"expected a wire such as"),
        (lambda d: d.update({"a.y -> b.x": []}), r"found 0 dots, expected 1 to 64"),
        (lambda d: d.update({"a.y -> b.x": [[0, 0]] * 65}), r"found 65 dots"),
        (lambda d: d.update({"a.y -> b.x": [[1, 2, 3]]}), r"a\.y -> b\.x"),
        (lambda d: d.update({"a.y -> b.x": [["1", 2]]}), r"a\.y -> b\.x"),
        (lambda d: d.update({"a.y -> b.x": [[1e308, 2]]}), r"back onto the canvas"),
        (lambda d: d.update({"a.y -> b.x": 5}), r"a\.y -> b\.x"),
    ],
)
def test_a_damaged_file_is_refused_with_a_word(graph: Graph, damage: Damage, words: str) -> None:
    record = json.loads(dumps(graph))
    damage(record["dots"])
    with pytest.raises(FileError, match=words):
        loads(json.dumps(record))


def test_copies_keep_the_dots_between_them(graph: Graph) -> None:
    edit = paste(graph, copied(graph, ["a", "b"]), at=(100.0, 200.0))
    middle = (
        (graph.node("a").x + graph.node("b").x) / 2,
        (graph.node("a").y + graph.node("b").y) / 2,
    )
    edit.apply(graph)
    (new,) = set(graph.dots) - {FIRST, SECOND}
    across, down = 100.0 - middle[0], 200.0 - middle[1]
    assert graph.dots[new] == tuple((x + across, y + down) for x, y in DOTS)


def test_a_subgraph_takes_the_inner_ones_along_and_gives_them_back(graph: Graph) -> None:
    Instance(("a", "b"), "cell", "cell1").apply(graph)
    assert graph.definitions["cell"].dots == {FIRST: DOTS}
    assert graph.dots == {}
    Dissolve("cell1").apply(graph)
    (wire,) = graph.dots
    assert (wire.output, wire.input) == ("y", "x")
    (x1, y1), (x2, y2) = graph.dots[wire]
    assert (x2 - x1, y2 - y1) == (20.5, -60.0)


@pytest.mark.parametrize(
    "edit", [SetDots(FIRST, DOTS), SetDots(FIRST, ()), Connect(FIRST, DOTS), Connect(FIRST)]
)
def test_the_journal_keeps_them(edit: Edit) -> None:
    record = json.loads(json.dumps(edit_record(edit)))
    assert read_edit(record) == edit


def test_they_say_nothing_about_what_is_computed(graph: Graph) -> None:
    """The wires, their order and the nodes are those of the graph without dots."""
    plain = copy(graph)
    plain.dots.clear()
    one, other = Drawing.of(graph), Drawing.of(plain)
    assert (one.nodes, one.wires) == (other.nodes, other.wires)
    assert not same(graph, plain)
