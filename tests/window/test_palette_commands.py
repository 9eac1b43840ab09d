"""The command palette: what it lists, in which order, and what Enter does."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from graph.files import save
from graph.graph import Graph, Node
from graph.ops.activation import ReLU
from gui import fonts
from gui.app import App
from gui.document import Document
from gui.library.shelf import Item
from gui.palette.actions import add_actions
from gui.palette.memory import Memory
from gui.palette.palette import GOES_TO, MOST, CommandPalette
from tests.window.conftest import MakeWindow


@pytest.fixture
def window(app: App, qtbot: QtBot) -> QWidget:
    """The shown window, with a field that has the keyboard."""
    found = app.actions.parent()
    assert isinstance(found, QWidget)
    found.resize(1200, 800)
    QLineEdit(found)
    found.show()
    found.activateWindow()
    qtbot.waitUntil(found.isActiveWindow)
    found.findChildren(QLineEdit)[0].setFocus()
    return found


@pytest.fixture
def palette(app: App, window: QWidget, qtbot: QtBot) -> CommandPalette:
    """A palette with some actions to find."""
    made = CommandPalette(app, Memory(None))
    qtbot.addWidget(made)
    made.setParent(window)
    done: list[str] = []
    made.setProperty("done", done)
    for id, title, key in (("file.new", "New", "Ctrl+N"), ("train.run", "Run", "Ctrl+Return")):
        app.actions.add(id, title, partial(_note, made, id), menu="File", keys=(key,))
    app.actions.add("edit.undo", "Undo", partial(_note, made, "undo"), enabled=lambda: False)
    add_actions(app, made, window)
    return made


def _note(palette: CommandPalette, id: str) -> None:
    palette.setProperty("done", [*palette.property("done"), id])


def _texts(palette: CommandPalette) -> list[str]:
    return [row.text for row in palette.model.rows if row.kind == "item"]


def _open(palette: CommandPalette, window: QWidget, text: str = "") -> None:
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert palette.isVisible()
    QTest.keyClicks(palette.field, text)


def test_it_opens_560_wide_in_the_middle(palette: CommandPalette, window: QWidget) -> None:
    """Below the window's top, the keyboard in its field; Esc gives it back."""
    _open(palette, window)
    assert palette.width() == 560
    assert abs(palette.geometry().center().x() - 600) <= 1
    assert palette.field.hasFocus()
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert window.findChildren(QLineEdit)[0].hasFocus()


def test_every_action_is_there_with_its_key(
    app: App, palette: CommandPalette, window: QWidget
) -> None:
    """Also those that cannot be done now, dimmed and not to be taken."""
    _open(palette, window)
    rows = {row.id: row for row in palette.model.rows}
    assert {f"action/{entry.id}" for entry in app.actions} <= rows.keys()
    assert rows["action/file.new"].keys == "Ctrl N"
    assert rows["action/train.run"].keys == "Ctrl Enter"
    assert not rows["action/edit.undo"].enabled
    QTest.keyClicks(palette.field, "undo")
    assert palette.current is None or palette.current.id != "action/edit.undo"
    assert palette.property("done") == []


def test_enter_does_it(palette: CommandPalette, window: QWidget) -> None:
    """With the palette gone first; next time it is on top."""
    _open(palette, window, "run")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.property("done") == ["train.run"]
    assert not palette.isVisible()
    _open(palette, window)
    assert palette.model.rows[0].text == "Recent"
    assert _texts(palette)[0] == "Run"
    assert _texts(palette).count("Run") == 1


@pytest.mark.parametrize("query", ["add dense", "dense", "fully connected"])
def test_node_types_are_commands(
    app: App, palette: CommandPalette, window: QWidget, query: str
) -> None:
    """By "add" and name, or by any word that the library knows."""
    added: list[Item] = []
    palette.places.add = added.append
    app.desk.new()
    _open(palette, window, query)
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert [item.name for item in added] == ["Dense"]


def test_nodes_of_the_graph_are_places_to_go(
    app: App, palette: CommandPalette, window: QWidget
) -> None:
    """By the name people see."""
    gone: list[str] = []
    app.desk.jumped.connect(gone.append)
    document = app.desk.open_example("digits-cnn")
    _open(palette, window, "conv2")
    assert palette.current is not None
    assert palette.current.text == "Go to conv2"
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert gone == ["conv2"]
    assert document.selection == {"conv2"}


def test_nodes_gone_to_come_first(app: App, palette: CommandPalette, window: QWidget) -> None:
    """Of many that fit as well, and above all while nothing is typed; but few are listed then."""
    graph = Graph()
    for number in range(400):
        graph.set_node(Node(f"n{number}", ReLU(), f"ReLU {number:03}"))
    document = app.desk.add(Document(graph, fonts.measure))
    _open(palette, window, "relu 350")
    assert _texts(palette) == ["Go to ReLU 350"]
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert document.selection == {"n350"}
    _open(palette, window)
    assert _texts(palette)[0] == "Go to ReLU 350"
    assert sum(text.startswith("Go to") for text in _texts(palette)) == 1 + GOES_TO
    QTest.keyClicks(palette.field, "relu ")
    found = [text for text in _texts(palette) if text.startswith("Go to")]
    assert found[0] == "Go to ReLU 350"
    assert len(found) == len(set(found)) <= MOST


def test_in_the_window_it_adds_nodes_and_opens_files(
    make: MakeWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    """What only the window can do is lent to the palette there."""
    save(Graph(), tmp_path / "older.loom")
    whole = make()
    whole.files.open(tmp_path / "older.loom")
    whole.files.close()
    document = whole.app.desk.new()
    qtbot.waitUntil(lambda: whole.canvas is not None and whole.canvas.hasFocus())
    palette = whole.parts.palette
    palette._memory = Memory(None)
    _open(palette, whole, "add dense")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert [type(node.op).__name__ for node in document.graph] == ["Dense"]
    _open(palette, whole, "open older")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert whole.app.desk.current is not None
    assert whole.app.desk.current.path == tmp_path / "older.loom"


def test_documents_and_recent_files(app: App, palette: CommandPalette, window: QWidget) -> None:
    """Open ones are shown, others are opened; the current one is neither."""
    first = app.desk.open_example("digits-cnn")
    app.desk.open_example("moons-mlp")
    opened: list[Path] = []
    palette.places.recent_files = lambda: [Path("nets") / "old.loom"]
    palette.places.open_file = opened.append
    _open(palette, window, "show")
    assert "Show digits-cnn" in _texts(palette)
    assert "Show moons-mlp" not in _texts(palette)
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert app.desk.current is first
    _open(palette, window, "old")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert opened == [Path("nets") / "old.loom"]


def test_a_click_takes_a_row(palette: CommandPalette, window: QWidget) -> None:
    """As Enter does."""
    _open(palette, window, "new")
    at = palette.list.visualRect(palette.model.index(0)).center()
    QTest.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert palette.property("done") == ["file.new"]


def test_rows_are_read_out_with_their_keys(palette: CommandPalette, window: QWidget) -> None:
    """A screen reader hears what is drawn."""
    _open(palette, window, "new")
    index = palette.model.index(0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "New, File, Ctrl N"
    assert palette.field.accessibleName() == "Search nodes and commands"
