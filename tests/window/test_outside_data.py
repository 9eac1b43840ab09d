"""Data outside the folder of a graph: one's own choice is read, what a file names is asked for."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from compute.data import DataError, Folder, OutsideError
from graph.define import Define, Undefine
from graph.drawing import Drawing
from graph.edits import Batch, Remove, SetOp, SetTraining
from graph.files import load, save
from graph.graph import Node
from graph.ops.table import Table
from graph.schema import Schema
from graph.validator import FileError
from gui.inspector.picks import PathRow
from gui.preferences import Preferences
from gui.run.exporting import python_of, write_python
from gui.run.permission import outside
from gui.shell.keeper import Places
from gui.training.bar import TrainingBar
from gui.window import MainWindow
from tests.support.outside import houses, prices
from tests.window.conftest import MakeWindow


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table in a folder of its own."""
    return houses(tmp_path)


@pytest.fixture
def received(tmp_path: Path, table: Path) -> Path:
    """A graph in another folder that names the table, as one gets it from somebody."""
    return prices(tmp_path, table)


def click(window: MainWindow, text: str) -> None:
    """Press the button of the notice bar that says `text`."""
    buttons = {b.accessibleName(): b for b in window.notice.findChildren(QPushButton)}
    QTest.mouseClick(buttons[text], Qt.MouseButton.LeftButton)


def run(window: MainWindow) -> None:
    window.app.actions["train.run"].trigger()


def finished(window: MainWindow) -> bool:
    assert window.app.trainer.board.state != "failed", window.app.trainer.board.message
    return window.app.trainer.board.state == "finished"


def test_run_asks_once_and_goes_on(
    make: MakeWindow, received: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    places = Places(session=tmp_path / "session.json")
    window = make(Preferences(tmp_path / "preferences.json"), places)
    window.preferences.set(workspace=str(tmp_path / "runs"))
    window.files.open(received)
    run(window)
    assert window.notice.isVisible()
    assert "houses.csv? It lies outside" in window.notice.text.text()
    click(window, "Not now")
    assert window.app.trainer.board.state == "idle"
    run(window)
    click(window, "Allow")
    qtbot.waitUntil(lambda: finished(window), timeout=60_000)
    run(window)
    assert not window.notice.isVisible()
    qtbot.waitUntil(lambda: finished(window), timeout=60_000)
    before = received.read_text()
    window.close()
    again = make(places=places)
    again.files.open(received)
    assert again.app.desk.current is not None
    assert not outside(again.app.desk.current)
    assert received.read_text() == before  # nothing of it is in the graph


def test_looking_at_the_columns_asks(
    window: MainWindow, received: Path, table: Path, qtbot: QtBot
) -> None:
    window.files.open(received)
    document = window.app.desk.current
    assert document is not None
    table.write_text(table.read_text() + "\n100,1,200")
    document.select({"table"})
    settings = window.parts.inspector.settings
    qtbot.waitUntil(lambda: settings.look_at.isVisible())
    QTest.mouseClick(settings.look_at, Qt.MouseButton.LeftButton)
    click(window, "Allow")

    def rows() -> int:
        op = document.graph.node("table").op
        assert isinstance(op, Table)
        return op.schema.rows

    qtbot.waitUntil(lambda: rows() == 41)


def test_a_file_chosen_in_the_inspector_is_just_read(
    window: MainWindow, received: Path, table: Path, qtbot: QtBot
) -> None:
    other = table.with_name("other.csv")
    other.write_text(table.read_text())
    graph = load(received)
    graph.set_node(replace(graph.node("table"), op=Table()))
    save(graph, received)
    window.files.open(received)
    document = window.app.desk.current
    assert document is not None
    document.select({"table"})
    form = window.parts.inspector.settings.form
    assert form is not None
    row = form.rows["path"]
    assert isinstance(row, PathRow)
    QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
    dialog = row.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    dialog.selectFile(str(other))
    dialog.accept()

    def schema() -> Schema:
        op = document.graph.node("table").op
        assert isinstance(op, Table)
        return op.schema

    qtbot.waitUntil(lambda: bool(schema()))
    assert not window.notice.isVisible()
    assert not outside(document)


def test_saving_elsewhere_keeps_the_table_in_reach(
    window: MainWindow, table: Path, tmp_path: Path
) -> None:
    window.files.begin_with(table)
    desk, document = window.app.desk, window.app.desk.current
    assert document is not None
    (id,) = document.selection

    def path() -> str:
        op = document.graph.node(id).op
        assert isinstance(op, Table)
        return op.path

    assert path() == "houses.csv"
    desk.save(document, tmp_path / "away.loom")
    assert path() == "data/houses.csv"
    (tmp_path / "far").mkdir()
    desk.save(document, tmp_path / "far" / "away.loom")
    assert path() == str(table)
    assert not outside(document)
    assert document.history.clean
    desk.save(document, table.with_name("beside.loom"))
    assert path() == "houses.csv"


def test_no_undo_leads_to_the_paths_of_another_folder(
    window: MainWindow, table: Path, tmp_path: Path
) -> None:
    """Of all steps: set, removed, inside a definition. Saving elsewhere is no step itself."""
    window.files.begin_with(table)
    desk, document = window.app.desk, window.app.desk.current
    assert document is not None
    (id,) = document.selection
    first = document.graph.node(id).op
    assert isinstance(first, Table)
    document.push(SetOp(id, replace(first, header=not first.header)))
    document.push(Define("part", Drawing((Node("t", first),))))
    document.push(Batch((Undefine("part"), Remove((id,)))))
    document.undo()
    steps, position = document.steps, document.history.position
    (tmp_path / "far").mkdir()
    desk.save(document, tmp_path / "far" / "away.loom")
    assert (document.steps, document.history.position) == (steps, position)
    assert document.history.clean
    paths = set[str]()
    for to in (*range(position, 0, -1), *range(1, len(steps) + 1), position):
        document.go_to(to)
        for drawing in (document.graph, *document.graph.definitions.values()):
            paths |= {node.op.path for node in drawing if isinstance(node.op, Table)}
    assert paths == {str(table)}
    assert document.history.clean
    assert not outside(document)
    assert load(tmp_path / "far" / "away.loom").definitions["part"].node("t").op.path == str(table)


def test_what_cannot_be_saved_elsewhere_keeps_its_paths(
    window: MainWindow, table: Path, tmp_path: Path
) -> None:
    window.files.begin_with(table)
    desk, document = window.app.desk, window.app.desk.current
    assert document is not None
    (id,) = document.selection
    with pytest.raises(FileError, match="no such file"):
        desk.save(document, tmp_path / "not there" / "away.loom")
    assert document.graph.node(id).op.path == "houses.csv"
    assert (document.folder, document.path) == (table.parent, None)
    assert not document.history.clean


def test_only_the_allowed_file_is_read(tmp_path: Path, table: Path) -> None:
    folder = Folder(tmp_path / "elsewhere", allowed=frozenset({table}))
    assert folder.file(str(table), "table") == table
    other = table.with_name("secret.csv")
    other.write_text("a,b\n1,2")
    with pytest.raises(OutsideError) as caught:
        folder.file(str(other), "table")
    assert caught.value.file == other
    with pytest.raises(DataError, match="no file"):
        Folder(tmp_path).file("~nobody-of-that-name/x.csv", "table")


def test_a_run_stays_with_a_graph_that_is_saved_elsewhere(
    make: MakeWindow, received: Path, table: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    """Its paths are others, its files the same: nothing is changed, swapped, lost or searched."""
    window = make()
    trainer = window.app.trainer
    home = table.parent / "prices.loom"
    save(load(received), home)
    (table.parent / ".netloom").mkdir()
    window.files.open(home)
    document = window.app.desk.current
    document.push(SetOp("table", replace(document.graph.node("table").op, path="houses.csv")))
    document.push(SetTraining(replace(document.graph.training, epochs=1_000_000)))
    run(window)
    qtbot.waitUntil(lambda: trainer.board.step > 0, timeout=60_000)
    there = tmp_path / "elsewhere"
    (there / ".netloom").mkdir(parents=True)
    window.app.desk.save(document, there / "costs.loom")
    assert document.graph.node("table").op.path == table.as_posix()
    assert (document.title, trainer.document, trainer.board.active) == ("costs", document, True)
    assert not trainer.changed_since_start(document)
    label = window.findChild(TrainingBar).changed_label
    assert not label.isVisible()

    document.push(SetOp("dense", replace(document.graph.node("dense").op, bias=False)))
    assert trainer.changed_since_start(document)
    qtbot.waitUntil(label.isVisible)
    assert trainer.swap_refusal(document) == ""
    assert trainer.swap(document)
    qtbot.waitUntil(lambda: not trainer.changed_since_start(document))
    trainer.stop()
    qtbot.waitUntil(lambda: trainer.board.state == "stopped")

    step, name = trainer.board.step, trainer.board.curves.run
    assert trainer.go_on(document)
    qtbot.waitUntil(lambda: trainer.board.step > step, timeout=60_000)
    assert trainer.board.curves.run == name == "prices-1"
    assert not trainer.changed_since_start(document)
    trainer.stop()
    qtbot.waitUntil(lambda: trainer.board.state == "stopped")
    text, options = python_of(document, "numpy"), trainer.run_options(document)
    told = write_python(text, document, there / "costs.py", options, trainer.board.run)
    assert "with the weights of run prices-1" in told
