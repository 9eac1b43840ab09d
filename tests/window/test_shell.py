"""Docks, preferences, the session, and work that a crash left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QVariantAnimation
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QTabBar
from pytestqt.qtbot import QtBot
from windows import act, add_node, dialog, press

from compute.runs import Workspace
from gui.canvas.view import Canvas
from gui.dialogs.preferences import PreferencesDialog
from gui.opening import Hook
from gui.preferences import Preferences
from gui.shell.dock import Dock
from gui.shell.keeper import Places
from gui.theme import tokens
from gui.widgets.basics import IconButton
from gui.window import MainWindow

SIZE = tokens()["size"]["window"]


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


def wheel(canvas: Canvas) -> None:
    """One notch of the wheel in the middle of the canvas."""
    at = QPointF(canvas.rect().center())
    none = Qt.KeyboardModifier.NoModifier
    turn = QWheelEvent(
        *(at, canvas.mapToGlobal(at), QPoint(), QPoint(0, 120)),
        *(Qt.MouseButton.NoButton, none, Qt.ScrollPhase.NoScrollPhase, False),
    )
    QApplication.sendEvent(canvas, turn)


def test_the_wheel_zooms_or_scrolls(window: MainWindow) -> None:
    window.app.desk.open_example("digits-mlp")
    canvas = window.canvas
    assert canvas is not None
    before = canvas.camera
    wheel(canvas)
    assert canvas.camera.zoom > before.zoom
    window.preferences.set(wheel="pan")
    before = canvas.camera
    wheel(canvas)
    assert canvas.camera.zoom == before.zoom
    assert canvas.camera.y != before.y


def test_reduced_motion_draws_the_eye_without_moving(window: MainWindow) -> None:
    document = window.app.desk.open_example("digits-mlp")
    canvas = window.canvas
    assert canvas is not None
    flash = canvas.findChild(QVariantAnimation)
    assert isinstance(flash, QVariantAnimation)
    id = next(iter(document.drawing)).id
    canvas.show_node(id)
    assert flash.state() == QVariantAnimation.State.Running
    window.preferences.set(reduced_motion=True)
    canvas.show_node(id)
    assert flash.state() == QVariantAnimation.State.Stopped
    window.app.desk.open_example("moons-mlp")
    assert window.canvas is not None
    assert window.canvas.still


def test_threads_and_workspace_are_those_of_the_next_run(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    window.preferences.set(threads=1, workspace=str(runs))
    document = window.app.desk.open_example("moons-mlp")
    act(window, "train.run")
    trainer = window.app.trainer
    qtbot.waitUntil(lambda: trainer.board.state == "finished", timeout=60_000)
    workspace = Workspace(runs)
    record = workspace.get(trainer.board.curves.run)
    assert dict(record.options)["threads"] == 1
    memory = trainer.memory(document)
    assert memory > 0
    assert window.status.figures[2].text().startswith("arena ")
    window.app.desk.new()
    assert trainer.memory(window.app.desk.current) == 0
    assert window.status.figures[2].text() == ""


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
    assert path.is_file()


@pytest.mark.parametrize("content", [b"[", b"[]", b'{"theme": "dark"', b"\xff\xfe", b""])
def test_damaged_preferences_are_kept_aside_and_told_of(
    make, tmp_path: Path, content: bytes
) -> None:
    """The file that cannot be understood stays under another name; all is as at first."""
    path = tmp_path / "preferences.json"
    path.write_bytes(content)
    preferences = Preferences(path)
    assert preferences.values == Preferences().values
    window = make(preferences)
    assert window.notice.isVisible()
    assert "preferences.json.bad" in window.notice.text.text()
    preferences.set(wheel="pan")
    assert path.with_name("preferences.json.bad").read_bytes() == content
    again = Preferences(path)
    assert (again.values.wheel, again.damaged) == ("pan", None)


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
