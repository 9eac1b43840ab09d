"""Files that others change, that are open already, that have odd names; offers that wait."""

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog
from pytestqt.qtbot import QtBot
from windows import act, answer_file, dialog, press

from graph.edits import AddNode, Batch, Rename
from graph.files import load, save
from graph.graph import Graph, Node
from graph.ops.dense import Dense
from graph.ops.table import Table
from graph.starter import small_net
from graph.validator import FileError
from gui.desk import Desk
from gui.document import Document
from gui.preferences import Preferences
from gui.shell.keeper import Places
from gui.window import MainWindow

TABLE = "a,b,label\n" + "".join(f"{k / 10},{k % 7},{k % 2}\n" for k in range(60))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A saved graph with one node."""
    return written(tmp_path / "one.loom")


def written(path: Path, name: str = "") -> Path:
    graph = Graph()
    AddNode(Node("a", Dense(), name)).apply(graph)
    save(graph, path)
    return path


def killed(desk: Desk) -> None:
    """Let go of a desk's files and folder as the system does when a process is killed."""
    assert desk._journals is not None
    for journal in desk._journals._journals.values():
        journal.close()
    for lock in desk._journals._locks.values():
        lock.release()


def current(window: MainWindow) -> Document:
    document = window.app.desk.current
    assert document is not None
    return document


def test_a_link_to_an_open_file_is_that_file(file: Path, qtbot: QtBot) -> None:
    link = file.with_name("link.loom")
    link.symlink_to(file)
    desk = Desk()
    assert desk.open(link) is desk.open(file)


def test_no_two_tabs_save_into_one_file(file: Path, qtbot: QtBot) -> None:
    desk, other = Desk(), written(file.with_name("two.loom"))
    desk.open(file).push(Rename("a", "work"))
    second = desk.open(other)
    with pytest.raises(FileError, match="open in another tab"):
        desk.save(second, file)
    assert second.path == other


@pytest.mark.parametrize("verb", ["Save over it", "Not now", "Save elsewhere"])
def test_saving_over_what_another_program_wrote_asks(
    window: MainWindow, qtbot: QtBot, file: Path, verb: str
) -> None:
    window.files.open(file)
    current(window).push(Rename("a", "mine"))
    act(window, "file.save")
    assert load(file).node("a").name == "mine"  # nobody else wrote
    current(window).push(Rename("a", "mine again"))
    written(file, "theirs")
    act(window, "file.save")
    press(qtbot, dialog(qtbot), verb)
    if verb == "Save elsewhere":
        asked = dialog(qtbot, QFileDialog)
        assert isinstance(asked, QFileDialog)
        asked.reject()
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is None)
    assert load(file).node("a").name == ("mine again" if verb == "Save over it" else "theirs")
    assert current(window).history.clean == (verb == "Save over it")


def test_a_name_of_the_greatest_length_can_be_saved(tmp_path: Path, qtbot: QtBot) -> None:
    desk, longest = Desk(), "x" * (255 - len(".loom")) + ".loom"
    document = desk.open(written(tmp_path / "short.loom").rename(tmp_path / longest))
    document.push(Rename("a", "changed"))
    desk.save(document)
    assert [path.name for path in tmp_path.iterdir()] == [longest]


def test_work_comes_back_in_the_place_of_its_file(make, tmp_path: Path, qtbot: QtBot, file) -> None:
    """Also what was open and unchanged comes back after a crash."""
    places = Places(tmp_path / "journals", tmp_path / "session.json")
    other = written(tmp_path / "two.loom")
    before = make(places=places)
    before.files.open(file)
    before.files.open(other)
    current(before).push(Rename("a", "changed"))
    killed(before.app.desk)
    after = make(places=places)
    after.keeper.reopen()
    assert [one.path for one in after.app.desk.documents] == [file, other]
    after.keeper.offer_left()
    press(qtbot, after.notice, "Bring it back")
    assert [one.path for one in after.app.desk.documents] == [file, other]
    assert current(after).graph.node("a").name == "changed"
    assert not current(after).history.clean


def test_work_brought_back_beside_newer_work_asks_for_a_place(
    tmp_path: Path, qtbot: QtBot, file: Path
) -> None:
    before = Desk(None, tmp_path / "journals")
    before.open(file).push(Rename("a", "before"))
    killed(before)
    after = Desk(None, tmp_path / "journals")
    newer = after.open(file)
    newer.push(Rename("a", "newer"))
    (left,) = after.left()
    after.restore(left)
    assert after.current is not None
    assert (after.current.path, after.current.title) == (None, "one")
    assert newer in after.documents
    after.finish()


def test_a_dropped_table_is_found_again_after_a_crash(make, tmp_path: Path, qtbot: QtBot) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "cars.csv").write_text(TABLE)
    before = make(places=Places(tmp_path / "journals", None))
    before.files.open(folder / "cars.csv")
    assert before.windowTitle() == "cars – Netloom"
    killed(before.app.desk)
    after = make(places=Places(tmp_path / "journals", None))
    after.keeper.offer_left()
    press(qtbot, after.notice, "Bring it back")
    (node,) = current(after).graph
    assert isinstance(node.op, Table)
    assert current(after).file(node.op.path) == folder / "cars.csv"
    assert current(after).title == "cars"


@pytest.mark.parametrize("name", ["x" * 240, "two\nlines", "ü 数据", os.fsdecode(b"caf\xe9")])
def test_tables_of_any_name_are_opened_or_refused(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, name: str
) -> None:
    (tmp_path / f"{name}.csv").write_text(TABLE)
    window.files.open(tmp_path / f"{name}.csv")
    if name.isprintable() or name.isascii():
        assert len(current(window).graph) == 1
    else:
        assert not window.app.desk.documents
        assert "lone surrogate" in window.notice.text.text()


def test_a_copied_piece_is_a_file(window: MainWindow, tmp_path: Path) -> None:
    document = window.app.desk.open_example("digits-cnn")
    document.select(sorted(node.id for node in document.graph)[:3])
    act(window, "edit.copy")
    piece = tmp_path / "piece.loom"
    piece.write_text(QApplication.clipboard().text(), "utf-8")
    window.files.open(piece)
    assert current(window).path == piece
    assert len(current(window).graph) == 3


def test_a_picture_of_a_wide_drawing_is_small_enough(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    document = window.app.desk.new()
    far = AddNode(Node("b", Dense(), x=900_000.0, y=3000.0))
    document.push(Batch((AddNode(Node("a", Dense(), x=0.0, y=0.0)), far)))
    window.files.export_picture(".png")
    answer_file(qtbot, tmp_path / "wide.png")
    picture = QImage(str(tmp_path / "wide.png"))
    assert 30_000 <= picture.width() <= 32_000
    window.files.open(tmp_path / "wide.png")
    assert len(current(window).graph) == 2
    assert current(window) is not document


def test_a_workspace_of_nobody_is_told_and_no_more(make, qtbot: QtBot) -> None:
    preferences = Preferences()
    preferences.set(workspace="~nobody-of-this-name/runs")
    window = make(preferences)
    document = window.app.desk.new()
    assert window._options(document).workspace == Path("~nobody-of-this-name/runs")


def test_allowing_after_closing_begins_nothing(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "cars.csv").write_text(TABLE)
    window.files.open(tmp_path / "cars.csv")
    document = current(window)
    net = small_net(document.graph, "table1")
    assert net is not None
    document.push(net)
    window.app.desk.save(document, tmp_path / "in" / "cars.loom")
    document.allowed = frozenset()
    assert not window.app.trainer.run(document)
    window.app.desk.close(document)
    press(qtbot, window.notice, "Allow")
    assert window.app.trainer.document is None


def test_an_offer_waits_behind_other_messages(window: MainWindow, qtbot: QtBot) -> None:
    notice, done = window.notice, list[str]()
    window.say("Work was left.", "warn", (("Bring it back", lambda: done.append("back")),))
    window.say("Something failed.")
    window.say("Something else failed.")
    close = next(b for b in notice.findChildren(QAbstractButton) if "Close" in b.toolTip())
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert notice.text.text() == "Work was left."
    press(qtbot, notice, "Bring it back")
    assert done == ["back"]
    assert not notice.isVisible()
