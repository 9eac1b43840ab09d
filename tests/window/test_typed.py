"""What is typed and not yet entered counts when something else begins, and for its own document."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QPlainTextEdit
from pytestqt.qtbot import QtBot
from windows import act, dialog, press

from graph.edits import AddNode
from graph.files import load
from graph.graph import Node
from graph.ops.dense import Dense
from gui.document import Document
from gui.inspector.entry import Entry
from gui.inspector.row import EntryRow
from gui.window import MainWindow

CONTROL = Qt.KeyboardModifier.ControlModifier


def one_layer(window: MainWindow) -> Document:
    """A new document with a chosen Dense node of 5 units."""
    document = window.app.desk.new()
    document.push(AddNode(Node("a", Dense(units=5), x=0.0, y=0.0)))
    document.select(["a"])
    return document


def type_units(window: MainWindow, qtbot: QtBot, text: str) -> Entry:
    """Type a number of units into the inspector, without Enter."""
    form = window.parts.inspector.settings.form
    assert form is not None
    row = form.rows["units"]
    assert isinstance(row, EntryRow)
    row.entry.setFocus()
    qtbot.waitUntil(row.entry.hasFocus)
    row.entry.selectAll()
    qtbot.keyClicks(row.entry, text)
    return row.entry


def units(document: Document) -> int:
    op = document.graph.node("a").op
    assert isinstance(op, Dense)
    return op.units


def test_saving_takes_what_is_typed(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    document = one_layer(window)
    window.app.desk.save(document, tmp_path / "net.loom")
    entry = type_units(window, qtbot, "78")
    qtbot.waitUntil(window.app.actions["file.save"].isEnabled)
    qtbot.keyClick(entry, Qt.Key.Key_S, CONTROL)
    assert units(document) == 78
    op = load(tmp_path / "net.loom").node("a").op
    assert op == document.graph.node("a").op
    assert entry.hasFocus()


@pytest.mark.parametrize("how", ["key", "tab", "window"])
def test_closing_asks_about_what_is_typed(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, how: str
) -> None:
    document = one_layer(window)
    window.app.desk.save(document, tmp_path / "net.loom")
    entry = type_units(window, qtbot, "78")
    qtbot.waitUntil(window.app.actions["file.close"].isEnabled)
    if how == "key":
        qtbot.keyClick(entry, Qt.Key.Key_W, CONTROL)
    elif how == "tab":
        strip = window.workbench.strip
        button = strip.tabs.tabButton(0, strip.tabs.ButtonPosition.RightSide)
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    else:
        window.close()
    press(qtbot, dialog(qtbot), "Keep open")
    assert window.app.desk.documents == [document]
    assert units(document) == 78


def test_undo_by_its_button_takes_back_what_is_typed(window: MainWindow, qtbot: QtBot) -> None:
    """The button leaves the keyboard in the field; undo must not meet the typing half way."""
    document = one_layer(window)
    type_units(window, qtbot, "78")
    window.app.actions.refresh()
    qtbot.mouseClick(window.top.undo, Qt.MouseButton.LeftButton)
    assert units(document) == 5
    assert document.history.redo_title == "Change units of a"


def test_typing_stays_with_its_document(window: MainWindow, qtbot: QtBot) -> None:
    first, second = one_layer(window), one_layer(window)
    type_units(window, qtbot, "78")
    tabs = window.workbench.strip.tabs
    qtbot.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(0).center())
    assert window.app.desk.current is first
    window.parts.library.setFocus()
    assert (units(first), units(second)) == (5, 78)


def test_a_run_begins_with_the_epochs_typed(window: MainWindow, qtbot: QtBot) -> None:
    document = window.app.desk.open_example("moons-mlp")
    edit = window.parts.training.epochs.edit
    edit.setFocus()
    qtbot.waitUntil(edit.hasFocus)
    edit.selectAll()
    qtbot.keyClicks(edit, "3")
    qtbot.waitUntil(window.app.actions["train.run"].isEnabled)
    qtbot.keyClick(edit, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: window.app.trainer.board.epochs > 0, timeout=60_000)
    assert window.app.trainer.board.epochs == document.graph.training.epochs == 3


@pytest.mark.parametrize("action", ["graph.note", "graph.frame", "edit.rename"])
def test_undo_takes_away_what_is_being_named(window: MainWindow, qtbot: QtBot, action: str) -> None:
    document = one_layer(window)
    before = document.history.position
    qtbot.waitUntil(lambda: window.canvas is not None and window.canvas.hasFocus())
    canvas = window.canvas
    assert canvas is not None
    act(window, action)
    editor = QApplication.focusWidget()
    assert editor is not None
    assert editor is not canvas
    window.app.actions.refresh()
    qtbot.mouseClick(window.top.undo, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(canvas.hasFocus)
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(600, 300))
    done = before if isinstance(editor, QPlainTextEdit) or action == "graph.frame" else before - 1
    assert document.history.position == done
    assert not document.drawing.notes
    assert not document.drawing.frames


@pytest.mark.parametrize("typed", ["", "inner"])
def test_leaving_a_subgraph_by_its_menu_while_naming(
    window: MainWindow, qtbot: QtBot, typed: str
) -> None:
    """A menu leaves the editor open; what was typed is kept, whatever is shown then."""
    document = one_layer(window)
    act(window, "graph.define")
    (name,) = document.graph.definitions
    document.enter(name)
    document.select(["a"])
    canvas = window.canvas
    assert canvas is not None
    qtbot.waitUntil(canvas.hasFocus)
    act(window, "edit.rename")
    editor = QApplication.focusWidget()
    assert editor is not None
    assert editor is not canvas
    qtbot.keyClicks(editor, typed)
    act(window, "graph.leave")
    assert document.into == ""
    assert document.graph.definitions[name].node("a").name == typed
