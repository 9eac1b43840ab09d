"""The library: its rows, filter and keyboard, favourites, dragging, and what it remembers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from graph.catalog import catalog
from graph.define import Instance
from graph.edits import AddNode
from graph.graph import Node
from graph.op import REGISTRY
from gui.app import App
from gui.blocks import blocks
from gui.canvas.view import Canvas
from gui.library.drag import Ghost
from gui.library.panel import EXAMPLES, LibraryPanel
from gui.library.shelf import SUBGRAPHS, shelf
from gui.palette.memory import Memory

BARE = {"Scan", "Subgraph"}  # stand for a definition


@pytest.fixture
def panel(app: App, qtbot: QtBot) -> LibraryPanel:
    """The panel in a shown window, with a memory of its own."""
    made = LibraryPanel(app, Memory(None))
    qtbot.addWidget(made)
    made.resize(216, 1400)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    return made


def _titles(panel: LibraryPanel) -> list[str]:
    return [row.text for row in panel.nodes.rows if row.kind == "item"]


def _row_at(panel: LibraryPanel, id: str) -> QPoint:
    model = panel.nodes.model()
    place = next(at for at, row in enumerate(panel.nodes.rows) if row.id == id)
    return panel.nodes.visualRect(model.index(place, 0)).center()


def _press(panel: LibraryPanel, id: str) -> None:
    at = _row_at(panel, id)
    QTest.mouseClick(panel.nodes.viewport(), Qt.MouseButton.LeftButton, pos=at)


def test_every_node_type_has_a_row(panel: LibraryPanel) -> None:
    """All of the catalog but what needs a definition, and the blocks, under heads that count."""
    rows = panel.nodes.rows
    heads = {row.text: int(row.shape) for row in rows if row.kind == "head"}
    expected = {entry["title"] for entry in catalog() if entry["name"] not in BARE}
    expected |= {block.title for block in blocks()}
    assert set(_titles(panel)) == expected
    assert heads.pop("Favourites") == 3
    assert sum(heads.values()) == len(expected)


@pytest.mark.parametrize(
    ("name", "takes"),
    [("Conv2d", "N×C×H×W"), ("Dense", "N×F"), ("Digits", "1×8×8"), ("Adam", "loss")],
)
def test_rows_show_the_expected_shape(panel: LibraryPanel, name: str, takes: str) -> None:
    """What stands at the right."""
    assert next(row for row in panel.nodes.rows if row.id.endswith(f"/{name}")).shape == takes


def test_tooltip_says_what_it_does_takes_and_gives(panel: LibraryPanel) -> None:
    """Markup in docs stays text."""
    assert not any("`" in row.tip for row in panel.nodes.rows)
    row = next(row for row in panel.nodes.rows if row.id == "Loss/CrossEntropy")
    assert "Takes prediction N×F, target N" in row.tip
    assert "Gives loss" in row.tip
    assert "true class" in row.tip


def test_slash_focuses_and_typing_filters(app: App, panel: LibraryPanel) -> None:
    """Synonyms count; Esc brings everything back."""
    panel.focus_filter()
    QTest.keyClicks(panel.field, "fully connected")
    assert _titles(panel)[0] == "Dense"
    QTest.keyClick(panel.field, Qt.Key.Key_Escape)
    assert len(_titles(panel)) > 20
    QTest.keyClicks(panel.field, "zzz")
    assert panel.nodes.rows[0].kind == "message"


def test_enter_in_the_field_adds_the_best_match(app: App, panel: LibraryPanel) -> None:
    """And the new node is the selection."""
    document = app.desk.new()
    QTest.keyClicks(panel.field, "conv2")
    QTest.keyClick(panel.field, Qt.Key.Key_Return)
    assert [type(node.op).__name__ for node in document.graph] == ["Conv2d"]
    assert len(document.selection) == 1
    document.undo()
    assert len(document.graph) == 0


def test_added_nodes_stand_in_the_middle_and_clear_of_each_other(
    panel: LibraryPanel, canvas: Canvas
) -> None:
    """Two of them at once, within the canvas that is shown."""
    panel.canvas = lambda: canvas
    for _ in range(2):
        QTest.mouseDClick(
            panel.nodes.viewport(),
            Qt.MouseButton.LeftButton,
            pos=_row_at(panel, "Dense/Dense"),
        )
    area, nodes = canvas.camera.area, canvas.document.view.nodes
    assert len({node.y for node in nodes}) == 2
    assert all(area.x < node.x < area.right and area.y < node.y < area.bottom for node in nodes)


def test_arrows_walk_and_close_categories(app: App, panel: LibraryPanel) -> None:
    """Left on a row goes to its head, Left on a head closes it, Right opens it."""
    app.desk.new()
    QTest.keyClick(panel.field, Qt.Key.Key_Down)
    QTest.keyClick(panel.nodes, Qt.Key.Key_Down)
    assert panel.nodes.rows[panel.nodes.currentIndex().row()].text == "Conv2d"
    QTest.keyClick(panel.nodes, Qt.Key.Key_Left)
    QTest.keyClick(panel.nodes, Qt.Key.Key_Left)
    assert not panel.nodes.rows[0].open
    assert panel.nodes.rows[1].text == "Data"
    QTest.keyClick(panel.nodes, Qt.Key.Key_Right)
    assert panel.nodes.rows[0].open
    QTest.keyClick(panel.nodes, Qt.Key.Key_Up)
    assert panel.focusWidget() is panel.field


def test_closed_categories_and_favourites_are_remembered(
    app: App, qtbot: QtBot, tmp_path: Path
) -> None:
    """A second panel with the same file begins as the first ended."""
    file = tmp_path / "library.json"
    first = LibraryPanel(app, Memory(file))
    qtbot.addWidget(first)
    first.resize(216, 1400)
    first.show()
    _press(first, "# Activation")
    first.nodes.setCurrentIndex(first.nodes.indexAt(_row_at(first, "Merge/Add")))
    menu = _open_menu(first, qtbot)
    star = next(action for action in menu.actions() if action.text() == "Add to favourites")
    star.trigger()
    menu.close()
    second = LibraryPanel(app, Memory(file))
    qtbot.addWidget(second)
    rows = second.nodes.rows
    assert "Activation/ReLU" not in [row.id for row in rows]
    assert "Favourites/Add" in [row.id for row in rows]


def _open_menu(panel: LibraryPanel, qtbot: QtBot) -> QMenu:
    """Ask for the context menu by its key, as Qt sends it."""
    at = panel.nodes.visualRect(panel.nodes.currentIndex()).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, at, panel.nodes.mapToGlobal(at))
    QApplication.sendEvent(panel.nodes.viewport(), event)
    qtbot.waitUntil(lambda: bool(panel.nodes.findChildren(QMenu)))
    return panel.nodes.findChildren(QMenu)[0]


@pytest.mark.parametrize("text", ["", "[]", '{"favourites": 3, "closed": [1]}', "\x00"])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, text: str) -> None:
    """And is written anew."""
    file = tmp_path / "library.json"
    file.write_text(text, "utf-8")
    found = Memory(file)
    assert found.favourites == ("Conv2d", "Dense", "Adam")
    found.used_node("Dense")
    assert Memory(file).nodes == ("Dense",)


def test_subgraphs_of_the_document_are_offered(app: App, panel: LibraryPanel) -> None:
    """Not inside themselves."""
    document = app.desk.new()
    document.push(AddNode(Node("a", REGISTRY["ReLU"]())))
    document.push(Instance(("a",), "block", "block1"))
    row = next(row for row in panel.nodes.rows if row.id == f"{SUBGRAPHS}/{SUBGRAPHS}/block")
    assert row.payload.op().definition == "block"
    document.enter("block")
    assert SUBGRAPHS not in [row.text for row in panel.nodes.rows]
    assert [item for item in shelf(document.graph, "block") if item.definition] == []


def _drag(panel: LibraryPanel, to: QPoint) -> None:
    """Press on Dense and move to a point of the screen, step by step."""
    view = panel.nodes.viewport()
    start = _row_at(panel, "Dense/Dense")
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view, start + QPoint(3, 3))
    QTest.mouseMove(view, view.mapFromGlobal(to))


@pytest.fixture
def canvas(app: App, panel: LibraryPanel, qtbot: QtBot) -> Iterator[Canvas]:
    """An empty canvas beside the panel, which drops on it."""
    made = Canvas(app.desk.new(), app.look.theme)
    qtbot.addWidget(made)
    made.setGeometry(400, 0, 700, 500)
    made.show()
    qtbot.waitExposed(made)
    panel.drop_target = lambda at: made if made.rect().contains(made.mapFromGlobal(at)) else None
    yield made
    made.close_document()


def test_dragging_previews_and_drops(panel: LibraryPanel, canvas: Canvas, qtbot: QtBot) -> None:
    """The canvas shows the node under the pointer; leaving it takes that away."""
    empty = canvas.draft
    view, inside = panel.nodes.viewport(), canvas.mapToGlobal(QPoint(320, 280))
    _drag(panel, inside)
    assert canvas.draft != empty
    QTest.mouseMove(view, QPoint(10, 10))
    assert canvas.draft == empty
    assert len(panel.findChildren(Ghost)) == 1
    assert panel.findChildren(Ghost)[0].isVisible()
    QTest.mouseMove(view, view.mapFromGlobal(inside))
    assert not panel.findChildren(Ghost)[0].isVisible()
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=view.mapFromGlobal(inside))
    (node,) = canvas.document.graph
    there = canvas.camera.canvas(320, 280)
    assert abs(node.x - there.x) < 200
    assert abs(node.y - there.y) < 100
    assert canvas.draft == empty
    qtbot.waitUntil(lambda: not panel.findChildren(Ghost))


def test_a_release_elsewhere_adds_nothing(panel: LibraryPanel, canvas: Canvas) -> None:
    """Back over the library, for one."""
    _drag(panel, canvas.mapToGlobal(QPoint(320, 280)))
    view = panel.nodes.viewport()
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert len(canvas.document.graph) == 0


def test_escape_ends_a_drag(panel: LibraryPanel, canvas: Canvas, qtbot: QtBot) -> None:
    """Nothing is dropped, and no ghost is left."""
    empty, inside = canvas.draft, canvas.mapToGlobal(QPoint(320, 280))
    _drag(panel, inside)
    QTest.keyClick(panel.nodes, Qt.Key.Key_Escape)
    assert canvas.draft == empty
    view = panel.nodes.viewport()
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=view.mapFromGlobal(inside))
    assert len(canvas.document.graph) == 0
    qtbot.waitUntil(lambda: not panel.findChildren(Ghost))


def test_an_example_opens_by_a_click(app: App, panel: LibraryPanel) -> None:
    """Title and one line each; the filter works here too."""
    panel.tabs.setCurrentIndex(EXAMPLES)
    QTest.keyClicks(panel.field, "moons")
    model = panel.examples.model()
    assert model.rowCount() == 1
    at = panel.examples.visualRect(model.index(0, 0)).center()
    QTest.mouseClick(panel.examples.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert app.desk.current is not None
    assert app.desk.current.title == "moons-mlp"


def test_rows_are_read_out(panel: LibraryPanel) -> None:
    """Title, category and shape of a row; a head says whether it is open."""
    model, role = panel.nodes.model(), Qt.ItemDataRole.AccessibleTextRole
    assert model.index(0, 0).data(role) == "Favourites, 3 nodes, open"
    assert model.index(1, 0).data(role) == "Conv2d, Convolution, N×C×H×W"
