"""Scanned cells in the window: found, added, entered, made from an instance, their ports chosen."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from graph.define import Define
from graph.drawing import Drawing
from graph.edits import AddNode, Connect, SetOp
from graph.graph import Node, Wire
from graph.op import REGISTRY
from gui.app import App
from gui.canvas import commands
from gui.canvas.view import Canvas
from gui.document import Document
from gui.inspector.picks import PickRow
from gui.library.add import add_linked
from gui.library.fits import Fits
from gui.library.shelf import shelf
from gui.palette.fuzzy import rank
from tests.support.cells import elman, scan
from tests.support.inspected import inspector


@pytest.fixture
def document(app: App) -> Document:
    """An Input of seven steps, and the definition of a cell."""
    made = app.desk.new()
    made.push(AddNode(Node("x", REGISTRY["Input"](shape=(7, 2)))))
    made.push(Define("cell", Drawing.of(elman())))
    return made


@pytest.fixture
def canvas(app: App, document: Document, qtbot: QtBot) -> Canvas:
    """The document on a canvas."""
    made = Canvas(document, app.look.theme)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.mark.parametrize("words", ["scan", "recurrent cell", "cell at every step"])
def test_a_definition_is_offered_at_every_step(document: Document, words: str) -> None:
    items = shelf(document.graph)
    found = [one for one, _ in rank(words, items, lambda one: one.fields)[:6]]
    (item,) = (one for one in found if one.scanned)
    assert (item.title, item.takes) == ("cell at every step", "N×T×F")
    assert item.op() == scan()


@pytest.mark.parametrize("title", ["GRU cell, drawn", "LSTM cell, drawn", "Elman cell, drawn"])
def test_a_shipped_cell_is_added_scanned(document: Document, title: str) -> None:
    """Behind a sequence, with its definition, shapes known, in one step."""
    (item,) = (one for one in shelf(document.graph) if one.title == title)
    id = add_linked(document, item.op(), Fits(document.checked).links(item.op(), "x"), "x")
    assert [str(wire) for wire in document.graph.wires()] == [f"x.y → {id}.x"]
    assert type(document.graph.node(id).op) is type(scan())
    assert document.checked.shapes.text(id, "h_next") == "7×32"
    assert not [one for one in document.checked.shapes.refusals if one.path.startswith(id)]
    document.undo()
    assert list(document.graph.definitions) == ["cell"]


def test_it_is_entered_and_left_like_an_instance(document: Document, canvas: Canvas) -> None:
    document.push(AddNode(Node("scan", scan())))
    document.push(Connect(Wire("x", "y", "scan", "x")))
    assert canvas.enter_node("scan")
    assert document.into == "cell"
    assert document.prefix == "scan/"
    assert document.checked.shapes.text("scan/act", "y") == "3"
    canvas.leave_drawing()
    assert (document.into, set(document.selection)) == ("", {"scan"})


def test_an_instance_is_run_at_every_step_and_back(document: Document, canvas: Canvas) -> None:
    document.push(AddNode(Node("part", REGISTRY["Subgraph"](definition="cell"))))
    document.push(Connect(Wire("x", "y", "part", "x")))
    document.select(["part"])
    commands.scan_selection(canvas)
    assert document.graph.node("part").op == scan()
    assert [str(wire) for wire in document.graph.wires()] == ["x.y → part.x"]
    commands.dissolve_selection(canvas)  # leaves it as it is
    commands.scan_selection(canvas)
    assert document.graph.node("part").op == REGISTRY["Subgraph"](definition="cell")


def test_its_states_are_picked_from_a_menu(app: App, document: Document, qtbot: QtBot) -> None:
    """Each input with each output; picking another feeds the same input by that."""
    document.push(AddNode(Node("more", REGISTRY["Output"]()), into="cell"))
    document.push(AddNode(Node("scan", scan())))
    with inspector(app, qtbot) as panel:
        document.select(["scan"])
        assert panel.settings.form is not None
        row = panel.settings.form.rows["carry"]
        assert isinstance(row, PickRow)
        actions = row.menu().actions()
        words = [action.text() for action in actions]
        assert words == ["h: h_next", "h: more", "x: h_next", "x: more"]
        for number, expected in ((0, "h_next"), (1, "more")):
            actions[number].trigger()
            assert document.graph.node("scan").op.carry == (("h", expected),)
        assert row.entry.text() == "h: more"
        actions[1].trigger()
        assert document.graph.node("scan").op.carry == ()


def test_a_wrong_state_is_told_at_the_node(document: Document) -> None:
    document.push(AddNode(Node("scan", scan())))
    document.push(Connect(Wire("x", "y", "scan", "x")))
    document.push(SetOp("wh", REGISTRY["Dense"](units=5), into="cell"))
    document.push(SetOp("wx", REGISTRY["Dense"](units=5), into="cell"))
    assert document.checked.shapes.text("scan", "h_next") == "7×5"
    document.push(SetOp("h", REGISTRY["Input"](shape=(3,)), into="cell"))
    (problem,) = [p for p in document.problems if p.path == "scan" and p.port == "h"]
    assert "found a vector of 5 a sample out of h_next" in problem.message
