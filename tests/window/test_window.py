"""The window: its frame, its documents, and what it asks."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDragLeaveEvent
from PySide6.QtWidgets import QApplication, QPushButton, QTabBar
from pytestqt.qtbot import QtBot
from windows import act, add_node, answer_file, dialog, drag_over, dragged, drop, press

import resources
from graph.edits import Remove
from graph.files import dumps, load
from graph.ops.table import Table
from gui.tabs import TabButton
from gui.theme import tokens
from gui.widgets.drop_sign import DropSign
from gui.window import MainWindow

SIZE = tokens()["size"]["window"]


# The frame


def test_frame_has_the_sizes_of_the_look(window: MainWindow, qtbot: QtBot) -> None:
    window.app.desk.open_example("digits-cnn")
    docks = window.workbench.docks
    qtbot.waitUntil(lambda: docks.by_id["curves"].height() > 0)
    assert window.top.height() == SIZE["topBar"]
    assert window.workbench.strip.height() == SIZE["canvasStrip"]
    assert window.status.height() == SIZE["status"]
    assert window.parts.library.width() == SIZE["library"]
    assert abs(window.parts.inspector.width() - SIZE["inspector"]) <= 1
    assert abs(docks.by_id["curves"].height() + SIZE["dockTabs"] - SIZE["docks"]) <= 2


def test_start_screen_comes_first_and_the_mark_leads_back(window: MainWindow, qtbot: QtBot) -> None:
    assert window.start.isVisible()
    qtbot.mouseClick(window.start.cards[0], Qt.MouseButton.LeftButton)
    assert window.workbench.isVisible()
    assert window.windowTitle() == f"{window.start.cards[0].example.name} – Netloom"
    act(window, "view.start")
    assert window.start.isVisible()
    assert len(window.app.desk.documents) == 1


def test_menus_show_every_action_once(window: MainWindow) -> None:
    for action in window.top.menus.actions():
        menu = action.menu()
        menu.aboutToShow.emit()
        ids = [a.objectName() for a in menu.actions() if a.objectName()]
        assert ids == [entry.id for entry in window.app.actions.of_menu(action.text())]


def test_alt_and_a_letter_open_a_menu(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is not None)
    popup = QApplication.activePopupWidget()
    assert popup is window.top.menus.actions()[0].menu()
    popup.close()


def test_undo_button_names_the_step(window: MainWindow, qtbot: QtBot) -> None:
    window.app.desk.new()
    assert not window.top.undo.isEnabled()
    add_node(window)
    qtbot.waitUntil(window.top.undo.isEnabled)
    assert "Table" in window.top.undo.toolTip()
    qtbot.mouseClick(window.top.undo, Qt.MouseButton.LeftButton)
    document = window.app.desk.current
    assert document is not None
    assert len(document.graph) == 0


def test_ring_follows_keys_and_not_the_pointer(window: MainWindow, qtbot: QtBot) -> None:
    handle = window.windowHandle()
    qtbot.keyClick(handle, Qt.Key.Key_Tab)
    qtbot.waitUntil(window.ring.isVisible)
    around = window.ring.geometry()
    held = QApplication.focusWidget()
    assert held is not None
    assert around.contains(held.mapTo(window, held.rect().center()))
    qtbot.mouseClick(handle, Qt.MouseButton.LeftButton, pos=QPoint(800, 700))
    assert not window.ring.isVisible()


def test_every_control_has_a_name_to_be_read(window: MainWindow) -> None:
    window.app.desk.open_example("digits-mlp")
    for button in window.findChildren(QPushButton) + window.findChildren(TabButton):
        if button.isVisible():
            assert button.accessibleName() or button.text(), button


# Documents


def test_tabs_show_documents_and_unsaved_changes(window: MainWindow, qtbot: QtBot) -> None:
    desk, tabs = window.app.desk, window.workbench.strip.tabs
    first, second = desk.open_example("digits-mlp"), desk.open_example("moons-mlp")
    assert [tabs.tabText(i) for i in range(2)] == ["digits-mlp", "moons-mlp"]
    qtbot.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(0).center())
    assert desk.current is first
    assert window.canvas is not None
    assert window.canvas.document is first
    add_node(window)
    button = tabs.tabButton(0, QTabBar.ButtonPosition.RightSide)
    assert "unsaved" in button.accessibleName()
    tabs.moveTab(0, 1)
    assert desk.documents == [second, first]


def test_closing_a_changed_document_asks_and_keeps_it_by_default(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.app.desk.new()
    add_node(window)
    act(window, "file.close")
    asked = dialog(qtbot)
    assert asked.width() == 440
    focus = asked.focusWidget()
    assert isinstance(focus, QPushButton)
    assert focus.text() == "Save"
    qtbot.keyClick(asked, Qt.Key.Key_Escape)
    assert len(window.app.desk.documents) == 1
    act(window, "file.close")
    press(qtbot, dialog(qtbot), "Discard changes")
    assert window.app.desk.documents == []


def test_saving_from_the_question_writes_the_file(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    document = window.app.desk.new()
    add_node(window)
    act(window, "file.close")
    press(qtbot, dialog(qtbot), "Save")
    answer_file(qtbot, tmp_path / "net")
    assert window.app.desk.documents == []
    assert dumps(load(tmp_path / "net.loom")) == dumps(document.graph)


def test_leaving_asks_about_each_changed_document(window: MainWindow, qtbot: QtBot) -> None:
    window.app.desk.new()
    add_node(window)
    window.app.desk.new()
    add_node(window)
    window.close()
    press(qtbot, dialog(qtbot), "Discard changes")
    press(qtbot, dialog(qtbot), "Keep open")
    assert window.isVisible()
    window.close()
    press(qtbot, dialog(qtbot), "Discard changes")
    press(qtbot, dialog(qtbot), "Discard changes")
    qtbot.waitUntil(lambda: not window.isVisible())


def test_saving_to_a_place_that_cannot_be_written_says_so(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    document = window.app.desk.new()
    add_node(window)
    document.path = tmp_path / "gone" / "net.loom"
    act(window, "file.save")
    assert window.notice.isVisible()
    assert "net.loom could not be saved" in window.notice.text.text()
    assert not document.history.clean


def test_files_can_be_dropped(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("a,b,kind\n1,2,x\n2,3,y\n3,4,x\n4,6,y\n")
    drop(window, resources.example_path("digits-mlp"), table, tmp_path / "notes.txt")
    assert [one.title for one in window.app.desk.documents] == ["digits-mlp", "rows"]
    document = window.app.desk.current
    assert document is not None
    op = next(iter(document.graph)).op
    assert isinstance(op, Table)
    assert op.path == "rows.csv"
    assert [column.name for column in op.schema.columns] == ["a", "b", "kind"]
    assert document.folder == tmp_path


def test_the_window_says_what_a_drop_does(window: MainWindow, tmp_path: Path) -> None:
    sign = window.findChild(DropSign)
    assert isinstance(sign, DropSign)
    assert not drag_over(window, dragged(tmp_path / "notes.doc"))
    assert not sign.isVisible()
    files = tmp_path / "a.loom", tmp_path / "film.mp4"
    assert drag_over(window, dragged(*files))
    assert (sign.isVisible(), sign.words) == (True, "Drop to open a.loom")
    assert sign.geometry() == window.rect()
    assert window.childAt(window.rect().center()) is not sign
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not sign.isVisible()
    assert drag_over(window, dragged(*files, tmp_path / "b.csv"))
    assert sign.words == "Drop to open 2 files"
    drop(window, resources.example_path("digits-mlp"))
    assert not sign.isVisible()


def test_a_file_that_cannot_be_opened_is_explained(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "bad.loom").write_text("{")
    (tmp_path / "ragged.csv").write_text("a,b\n1\n2,3,4\n")
    for name in ("bad.loom", "none.loom", "ragged.csv"):
        window.notice.hide()
        window.files.open(tmp_path / name)
        assert window.notice.isVisible()
        assert window.notice.text.text().endswith(".")
    assert window.app.desk.documents == []


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture_brings_its_graph_back(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, suffix: str
) -> None:
    document = window.app.desk.open_example("moons-mlp")
    act(window, f"file.export_{suffix[1:]}")
    answer_file(qtbot, tmp_path / f"net{suffix}")
    window.files.open(tmp_path / f"net{suffix}")
    back = window.app.desk.current
    assert back is not None
    assert back is not document
    assert dumps(back.graph) == dumps(document.graph)


def test_code_that_cannot_be_is_refused_before_a_place_is_asked_for(
    window: MainWindow, tmp_path: Path
) -> None:
    """Errors of the graph, of its data and of the exporter are told instead."""
    document = window.app.desk.open_example("table-regression")
    scores = next(n for n in document.graph.ordered() if type(n.op).__name__ == "Dense")
    document.push(Remove((scores.id,)))
    act(window, "file.export_numpy")
    assert QApplication.activeModalWidget() is None
    assert "Not exported: " in window.notice.text.text()
    problem = next(p for p in document.problems if p.severity == "error")
    assert document.selection == {problem.path}
    document.undo()
    table = next(n for n in document.graph if isinstance(n.op, Table))
    document.folder = tmp_path
    (tmp_path / table.op.path).parent.mkdir(parents=True, exist_ok=True)
    act(window, "file.export_numpy")
    assert QApplication.activeModalWidget() is None
    assert "a file that exists" in window.notice.text.text()


def test_code_is_exported(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.app.desk.open_example("table-regression")
    act(window, "file.export_pytorch")
    answer_file(qtbot, tmp_path / "net.py")
    text = (tmp_path / "net.py").read_text()
    compile(text, "net.py", "exec")
    assert "class Model" in text
