"""The window: its frame, its documents, its docks, what it asks and what it remembers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLineEdit,
    QPushButton,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

import resources
from graph.edits import AddNode
from graph.files import dumps, load
from graph.graph import Node
from graph.ops.table import Table
from gui import style
from gui.dialogs.dialog import Dialog
from gui.dialogs.preferences import PreferencesDialog
from gui.look import Look
from gui.opening import Hook
from gui.preferences import Preferences
from gui.shell.dock import Dock
from gui.shell.keeper import NOWHERE, Places
from gui.tabs import TabButton
from gui.theme import tokens
from gui.window import MainWindow

SIZE = tokens()["size"]["window"]


@pytest.fixture
def make(qtbot: QtBot, qapp: QApplication) -> Iterator[object]:
    """Builds windows in the dark look, as large as the pictures; gives the application back."""
    sheet, palette, font = qapp.styleSheet(), qapp.palette(), qapp.font()
    made: list[MainWindow] = []

    def build(preferences: Preferences | None = None, places: Places = NOWHERE) -> MainWindow:
        preferences = preferences or Preferences()
        if preferences.values.theme == "system":
            preferences.set(theme="dark")
        look = Look("dark")
        style.apply(qapp, look.theme)
        window = MainWindow(look, preferences, places)
        qtbot.addWidget(window, before_close_func=lambda w: w.app.trainer.close())
        window.resize(1600, 1000)
        window.show()
        qtbot.waitExposed(window)
        made.append(window)
        return window

    yield build
    for window in made:
        for document in list(window.app.desk.documents):
            document.history.mark_clean()
        window.close()
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
    qapp.setFont(font)


@pytest.fixture
def window(make) -> MainWindow:
    return make()


def add_node(window: MainWindow) -> None:
    document = window.app.desk.current
    assert document is not None
    document.push(AddNode(Node(document.graph.fresh_id("table"), Table())))


def act(window: MainWindow, id: str) -> None:
    window.app.actions.refresh()
    window.app.actions[id].trigger()


def dialog(qtbot: QtBot, kind: type[QWidget] = Dialog) -> QWidget:
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), kind))
    found = QApplication.activeModalWidget()
    assert found is not None
    return found


def press(qtbot: QtBot, inside: QWidget, verb: str) -> None:
    button = next(b for b in inside.findChildren(QPushButton) if b.text().strip("\u2009") == verb)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def answer_file(qtbot: QtBot, path: Path) -> None:
    """Paste a path into the file dialog that is open, and press Enter."""
    asked = dialog(qtbot, QFileDialog)
    field = asked.findChild(QLineEdit, "fileNameEdit")
    assert field is not None
    QApplication.clipboard().setText(str(path))
    field.selectAll()
    field.paste()  # typing would open a list of names over the button
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not isinstance(QApplication.activeModalWidget(), QFileDialog))


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left, none = (
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    enter = QDragEnterEvent(QPoint(50, 300), copy, data, left, none)
    QApplication.sendEvent(window, enter)
    if enter.isAccepted():
        QApplication.sendEvent(window, QDropEvent(QPointF(50, 300), copy, data, left, none))


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
    assert abs(docks.by_id["curves"].height() - SIZE["docks"]) <= 2


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


def test_code_is_exported(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.app.desk.open_example("table-regression")
    act(window, "file.export_pytorch")
    answer_file(qtbot, tmp_path / "net.py")
    text = (tmp_path / "net.py").read_text()
    compile(text, "net.py", "exec")
    assert "class Model" in text


# Docks


def test_pages_are_built_when_seen_and_hidden_ones_are_not_visible(
    window: MainWindow, qtbot: QtBot
) -> None:
    docks = window.workbench.docks
    assert all(dock.page is None for dock in docks)
    window.app.desk.open_example("digits-mlp")
    qtbot.waitUntil(lambda: all(dock.page or dock.isHidden() for dock in docks), timeout=20_000)
    assert docks.by_id["outline"].page is None
    assert docks.by_id["curves"].page.isVisible()
    code = docks.by_id["code"]
    assert not code.page.isVisible()
    docks.open("code")
    qtbot.waitUntil(code.page.isVisible)
    assert not docks.by_id["predictions"].page.isVisible()


def test_a_dock_floats_closes_and_comes_back(window: MainWindow, qtbot: QtBot) -> None:
    window.app.desk.open_example("digits-mlp")
    docks = window.workbench.docks
    curves, gradients = docks.by_id["curves"], docks.by_id["gradients"]
    assert curves.titleBarWidget().height() == SIZE["dockTabs"]
    qtbot.waitUntil(lambda: gradients.titleBarWidget().isHidden())
    gradients.setFloating(True)
    qtbot.waitUntil(lambda: gradients.titleBarWidget().height() == SIZE["dockTabs"])
    gradients.close()
    assert gradients.isHidden()
    docks.reset()
    assert not gradients.isHidden()
    assert not gradients.isFloating()


def test_docks_and_columns_are_remembered(make, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "preferences.json"
    first = make(Preferences(path))
    first.app.desk.open_example("digits-mlp")
    first.workbench.docks.by_id["problems"].close()
    first.workbench.docks.open("outline")
    first.workbench.set_columns((300, 1000, 298))
    first.close()
    second = make(Preferences(path))
    second.app.desk.open_example("digits-mlp")
    docks = second.workbench.docks
    assert docks.by_id["problems"].isHidden()
    assert not docks.by_id["outline"].isHidden()
    qtbot.waitUntil(lambda: second.parts.library.width() == 300)


def test_a_layout_of_another_version_is_not_restored(window: MainWindow) -> None:
    docks = window.workbench.docks
    state = docks.save()
    assert docks.restore(state)
    assert not docks.restore(state[:-4])


def test_the_menu_of_a_group_acts_on_the_dock_on_top(window: MainWindow, qtbot: QtBot) -> None:
    window.app.desk.open_example("digits-mlp")
    docks = window.workbench.docks
    docks.open("code")
    bars = window.workbench.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    bar = next(b for b in bars if "Code" in [b.tabText(i) for i in range(b.count())])
    menu = _more(bar)
    menu.aboutToShow.emit()
    close = next(action for action in menu.actions() if action.text() == "Close Code")
    close.trigger()
    assert docks.by_id["code"].isHidden()


def _more(bar: QTabBar):
    from gui.widgets.basics import IconButton

    button = bar.findChild(IconButton)
    assert button is not None
    return button.menu()


# Preferences, session, crashes


def test_preferences_take_effect_and_stay(make, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "preferences.json"
    window = make(Preferences(path))
    window.app.desk.open_example("digits-mlp")
    act(window, "file.preferences")
    asked = dialog(qtbot, PreferencesDialog)
    assert isinstance(asked, PreferencesDialog)
    for box, key in ((asked.theme, Qt.Key.Key_Down), (asked.wheel, Qt.Key.Key_Down)):
        qtbot.keyClick(box, key)
    asked.threads.setValue(3)
    qtbot.keyClick(asked, Qt.Key.Key_Escape)
    assert window.app.look.theme.name == "light"
    assert window.canvas is not None
    assert window.canvas.wheel_pans
    assert window.top.device.text().endswith("3 threads")
    assert Preferences(path).values == window.preferences.values


def test_damaged_preferences_cost_only_themselves(tmp_path: Path) -> None:
    path = tmp_path / "preferences.json"
    path.write_text('{"theme": "pink", "threads": "many", "wheel": "pan", "columns": [1, "x"]}')
    values = Preferences(path).values
    assert (values.theme, values.threads, values.wheel, values.columns) == (
        "system",
        0,
        "pan",
        (1,),
    )
    path.write_text("[")
    assert Preferences(path).values.theme == "system"


def test_open_files_come_back(make, tmp_path: Path) -> None:
    places = Places(tmp_path / "journals", tmp_path / "session.json")
    first = make(places=places)
    document = first.app.desk.open_example("moons-mlp")
    first.app.desk.save(document, tmp_path / "moons.loom")
    first.close()
    second = make(places=places)
    second.keeper.reopen()
    assert [one.path for one in second.app.desk.documents] == [tmp_path / "moons.loom"]
    assert [file.path for file in second.keeper.recent] == [str(tmp_path / "moons.loom")]


CRASH = """
import os, sys
from pathlib import Path
from graph.edits import AddNode, Move
from graph.graph import Graph, Node
from graph.ops.table import Table
from gui.document import Document
from gui.recovery import Journals
journals = Journals(Path(sys.argv[1]))
graph = Graph()
AddNode(Node("table", Table())).apply(graph)
document = Document(graph, lambda text, style: 10.0)
journals.begin(document, print)
if sys.argv[2] == "edit":
    document.push(AddNode(Node("other", Table())))
else:
    document.history.settle(Move((("table", 8.0, 8.0),)))
os._exit(1)
"""


def crash(folder: Path, after: str) -> None:
    """Let a process die that has a document open, after an edit or after a mere layout."""
    done = subprocess.run([sys.executable, "-c", CRASH, str(folder), after], check=False)
    assert done.returncode == 1
    assert list(folder.rglob("*.journal"))


@pytest.mark.parametrize("verb", ["Bring it back", "Discard"])
def test_work_that_a_crash_left_is_offered(make, qtbot: QtBot, tmp_path: Path, verb: str) -> None:
    folder = tmp_path / "journals"
    crash(folder, "edit")
    window = make(places=Places(folder, tmp_path / "session.json"))
    qtbot.waitUntil(window.notice.isVisible)
    press(qtbot, window.notice, verb)
    found = [list(one.graph) for one in window.app.desk.documents]
    assert [len(nodes) for nodes in found] == ([2] if verb == "Bring it back" else [])
    assert not window.notice.isVisible()


def test_a_layout_alone_is_no_work_to_bring_back(make, qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "journals"
    crash(folder, "layout")
    window = make(places=Places(folder, tmp_path / "session.json"))
    qtbot.waitUntil(lambda: bool(window.status.version))  # after the first paint
    assert not window.notice.isVisible()


def test_an_uncaught_error_is_told_and_the_work_stays(window: MainWindow) -> None:
    window.app.desk.new()
    add_node(window)
    try:
        raise KeyError("lost")
    except KeyError as error:
        Hook(window)(KeyError, error, error.__traceback__)
    assert window.notice.isVisible()
    assert "KeyError" in window.notice.text.text()
    assert len(window.app.desk.documents) == 1


def test_it_says_how_long_it_took_to_paint() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gui", "--quit-after-paint"],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 0.05 < float(done.stdout) < 60


def test_docks_are_named(window: MainWindow) -> None:
    assert all(dock.accessibleName() for dock in window.findChildren(Dock))
