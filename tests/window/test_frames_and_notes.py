"""Frames and notes: chosen on the canvas by a click, changed in the inspector, copied, removed."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from graph.edits import Batch, SetFrame, SetNote
from graph.graph import Frame, Note
from gui.canvas.geometry import Point
from gui.canvas.view import Canvas
from gui.document import Document
from gui.inspector.row import ChoiceRow, EntryRow
from gui.window import MainWindow


@pytest.fixture
def canvas(window: MainWindow, qtbot: QtBot) -> Canvas:
    """A frame around the first node of an example, and a note below it, all in sight."""
    document = window.app.desk.open_example("moons-mlp")
    node = min(document.drawing, key=lambda node: node.x)
    frame = Frame("f1", "Head", (node.id,), node.x - 20, node.y - 60, 240.0, 260.0)
    note = Note("n1", "Mind the gap", node.x, node.y + 300.0, 160.0)
    document.push(Batch((SetFrame(frame), SetNote(note)), "Add things"))
    found = window.canvas
    assert found is not None
    found.fit()
    qtbot.waitUntil(lambda: found.camera.width > 100)
    return found


def click(canvas: Canvas, x: float, y: float, shift: bool = False) -> None:
    held = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    at = canvas.camera.window(Point(x, y))
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, held, QPoint(round(at.x), round(at.y)))


def choose_frame(canvas: Canvas, shift: bool = False) -> None:
    frame = canvas.document.drawing.frames["f1"]
    click(canvas, frame.x + 40, frame.y + 12, shift)


def choose_note(canvas: Canvas, shift: bool = False) -> None:
    note = canvas.document.drawing.notes["n1"]
    click(canvas, note.x + 20, note.y + 10, shift)


def frame_of(document: Document) -> Frame:
    return document.drawing.frames["f1"]


def test_a_frame_is_chosen_and_coloured(window: MainWindow, canvas: Canvas, qtbot: QtBot) -> None:
    document, panel = canvas.document, window.parts.inspector
    choose_frame(canvas)
    assert document.selected_things == {"f1"}
    assert document.selection == frozenset()
    assert canvas.scene.items == {"f1"}
    assert "Head" in canvas.accessibleDescription()
    qtbot.waitUntil(lambda: panel.head.name.text() == "Head")
    row = panel.things.forms[Frame].rows["colour"]
    assert isinstance(row, ChoiceRow)
    assert row.isVisible()
    before = document.history.position
    row.choice.setFocus()
    QTest.keyClicks(row.choice, "loss")
    assert frame_of(document).colour == "loss"
    document.undo()
    assert (document.history.position, frame_of(document).colour) == (before, "")
    assert document.selected_things == {"f1"}
    assert row.choice.currentText() == "plain"


def test_a_note_has_a_width(window: MainWindow, canvas: Canvas) -> None:
    document = canvas.document
    choose_note(canvas)
    assert document.selected_things == {"n1"}
    row = window.parts.inspector.things.forms[Note].rows["width"]
    assert isinstance(row, EntryRow)
    row.entry.setFocus()
    row.entry.selectAll()
    QTest.keyClicks(row.entry, "30")
    QTest.keyClick(row.entry, Qt.Key.Key_Return)
    assert row.problem.isVisible()
    row.entry.selectAll()
    QTest.keyClicks(row.entry, "320")
    QTest.keyClick(row.entry, Qt.Key.Key_Return)
    assert document.drawing.notes["n1"].width == 320.0


def test_the_text_of_a_note_is_typed_in_the_inspector(window: MainWindow, canvas: Canvas) -> None:
    """Ctrl+Enter keeps it as one step, Esc takes back, and a note keeps at least a word."""
    document = canvas.document
    choose_note(canvas)
    field = window.parts.inspector.things.text.field
    assert field.isVisible()
    assert field.toPlainText() == "Mind the gap"
    before = document.history.position

    def write(text: str, key: Qt.Key, held: Qt.KeyboardModifier) -> None:
        field.setFocus()
        field.selectAll()
        QTest.keyClick(field, Qt.Key.Key_Delete)
        QTest.keyClicks(field, text)
        QTest.keyClick(field, key, held)

    none, control = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
    write("Mind it", Qt.Key.Key_Return, control)
    assert document.drawing.notes["n1"].text == "Mind it"
    assert document.history.position == before + 1
    write("Never", Qt.Key.Key_Escape, none)
    assert field.toPlainText() == "Mind it"
    write(" ", Qt.Key.Key_Tab, none)
    assert (field.toPlainText(), document.history.position) == ("Mind it", before + 1)
    document.undo()
    assert field.toPlainText() == "Mind the gap"
    choose_frame(canvas)
    assert not field.isVisible()


def test_both_are_duplicated_and_deleted(window: MainWindow, canvas: Canvas, qtbot: QtBot) -> None:
    document, actions = canvas.document, window.app.actions
    choose_note(canvas)
    choose_frame(canvas, shift=True)
    assert document.selected_things == {"f1", "n1"}
    canvas.setFocus()
    qtbot.waitUntil(actions["edit.duplicate"].isEnabled)
    QTest.keyClick(canvas, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert len(document.drawing.frames) == len(document.drawing.notes) == 2
    assert document.selected_things.isdisjoint({"f1", "n1"})
    assert len(document.selected_things) == 2
    qtbot.waitUntil(actions["edit.delete"].isEnabled)
    QTest.keyClick(canvas, Qt.Key.Key_Delete)
    assert set(document.drawing.frames) == {"f1"}
    assert set(document.drawing.notes) == {"n1"}
    assert document.selected_things == frozenset()
    document.undo()
    assert len(document.selected_things) == 2


def test_the_button_of_the_inspector_removes_a_frame_and_leaves_its_nodes(
    window: MainWindow, canvas: Canvas
) -> None:
    document = canvas.document
    nodes = set(document.drawing.net)
    choose_frame(canvas)
    QTest.mouseClick(window.parts.inspector.remove, Qt.MouseButton.LeftButton)
    assert document.drawing.frames == {}
    assert set(document.drawing.net) == nodes


def test_what_goes_is_chosen_no_more(canvas: Canvas) -> None:
    document = canvas.document
    document.select({"f1", "n1"})
    document.push(SetFrame(replace(frame_of(document), title="Other")))
    assert document.selected_things == {"f1", "n1"}
    document.undo()
    document.undo()
    assert document.selected_things == frozenset()
