"""Blocks that ship with Netloom: found like nodes, added with what they consist of in one step."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from graph.edits import AddNode, SetOp
from graph.graph import Node
from graph.op import REGISTRY
from graph.subgraph import Subgraph
from gui.app import App
from gui.canvas.geometry import Point
from gui.canvas.view import Canvas
from gui.document import Document
from gui.library.add import add_free, add_linked
from gui.library.fits import Fits
from gui.library.shelf import BLOCKS, Item, shelf
from gui.palette.fuzzy import rank

ENCODER = "TransformerEncoderBlock"


@pytest.fixture
def document(app: App) -> Document:
    """An Input of seven steps."""
    made = app.desk.new()
    made.push(AddNode(Node("x", REGISTRY["Input"](shape=(7, 12)))))
    return made


def item(document: Document, name: str = ENCODER) -> Item:
    """A block of the library."""
    (found,) = (i for i in shelf(document.graph, document.into) if i.name == f"{BLOCKS}/{name}")
    return found


def test_the_search_finds_them(document: Document) -> None:
    """By their names, among the nodes."""
    items = shelf(document.graph)
    best = rank("encoder block", items, lambda one: one.fields)[0][0]
    assert (best.title, best.takes) == ("Transformer encoder block", "N×T×F")
    found = {one.title for one, _ in rank("transformer", items, lambda one: one.fields)[:2]}
    assert found == {"Transformer encoder block", "Transformer decoder block"}


def test_each_block_says_what_it_takes() -> None:
    """As node types do."""
    takes = {one.title: one.takes for one in shelf() if one.block}
    assert takes == {
        "Transformer encoder block": "N×T×F",
        "Transformer decoder block": "N×T×F",
        **dict.fromkeys(("Elman cell, drawn", "GRU cell, drawn", "LSTM cell, drawn"), "N×T×F"),
        "Residual dense block": "N×F",
        "Convolution block": "N×C×H×W",
        "Residual convolution block": "N×C×H×W",
    }


def test_a_block_is_added_behind_the_selected_node(document: Document) -> None:
    """Wired, with its definition, as one step of undo; its shapes are known at once."""
    op = item(document).op()
    links = Fits(document.checked).links(op, "x")
    id = add_linked(document, op, links, "x")
    assert [str(wire) for wire in document.graph.wires()] == [f"x.y → {id}.x"]
    assert document.graph.node(id).op == Subgraph(definition=ENCODER)
    assert document.checked.shapes.text(id, "y") == "7×12"
    assert not document.checked.shapes.refusals
    document.enter(ENCODER)
    assert len({(node.x, node.y) for node in document.view.nodes}) == len(document.drawing)
    document.enter("")
    document.undo()
    assert id not in document.graph
    assert not document.graph.definitions


def test_a_second_block_shares_the_definition(document: Document) -> None:
    """Unless the first was changed: then it gets one of its own."""
    for number in (1, 2):
        add_free(document, item(document).op(), Point(300.0 * number, 0.0))
    assert list(document.graph.definitions) == [ENCODER]
    document.push(SetOp("widen", REGISTRY["Dense"](units=8), into=ENCODER))
    id = add_free(document, item(document).op(), Point(900.0, 0.0))
    assert document.graph.node(id).op == Subgraph(definition=f"{ENCODER}1")


def test_no_block_is_offered_inside_itself(document: Document) -> None:
    """Where it would contain itself."""
    add_free(document, item(document).op(), Point(300.0, 0.0))
    document.enter(ENCODER)
    names = {one.name for one in shelf(document.graph, document.into)}
    assert f"{BLOCKS}/{ENCODER}" not in names
    assert f"{BLOCKS}/TransformerDecoderBlock" in names


def test_a_block_is_dropped_on_the_canvas(app: App, document: Document, qtbot: QtBot) -> None:
    """As a node is; the one under the pointer shows its ports."""
    canvas = Canvas(document, app.look.theme)
    qtbot.addWidget(canvas)
    canvas.resize(700, 500)
    op = item(document, "TransformerDecoderBlock").op()
    canvas.preview_drop(op, QPointF(350.0, 300.0))
    assert [port.name for port in canvas.draft.nodes[0].view.inputs] == ["sequence", "source"]
    id = canvas.drop(op, QPointF(350.0, 300.0))
    assert document.graph.node(id).op == Subgraph(definition="TransformerDecoderBlock")
    canvas.close_document()
