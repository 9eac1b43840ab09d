"""The parts of the window together: what one changes the others show, and keys find their way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.document import Document
from gui.inspector.row import EntryRow
from gui.window import MainWindow
from tests.support.screen import ROOT

HEAVY = ("numba", "pyqtgraph", "sklearn", "scipy", "pyarrow", "matplotlib", "torch")


def example(window: MainWindow, qtbot: QtBot, name: str = "digits-mlp") -> Document:
    """Open an example and wait until its canvas has the keyboard."""
    document = window.app.desk.open_example(name)
    qtbot.waitUntil(lambda: window.canvas is not None and window.canvas.hasFocus())
    return document


def act(window: MainWindow, qtbot: QtBot, id: str) -> None:
    """Do what an action does, once it may be done."""
    action = window.app.actions[id]
    qtbot.waitUntil(action.isEnabled)
    action.trigger()


def test_nothing_heavy_is_imported_before_the_first_paint() -> None:
    """Kernels, plots and data sets are loaded once the window is seen."""
    code = (
        "import sys\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from gui import fonts\n"
        "from gui.look import Look\n"
        "from gui.preferences import Preferences\n"
        "from gui.window import MainWindow\n"
        "application = QApplication([])\n"
        "fonts.load()\n"
        "window = MainWindow(Look('dark'), Preferences())\n"
        "window.painted.connect(application.quit)\n"
        "window.show()\n"
        "window.grab()\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ""


def test_no_key_means_two_things(window: MainWindow) -> None:
    """Qt does neither of two actions that wait for the same key."""
    keys = Counter(
        key.toString() for entry in window.app.actions for key in entry.action.shortcuts()
    )
    assert [key for key, count in keys.items() if count > 1] == []


def test_inspector_and_bar_show_the_same_training(window: MainWindow, qtbot: QtBot) -> None:
    document = example(window, qtbot)
    row, field = window.parts.inspector.training.form.rows["epochs"], window.parts.training.epochs
    assert isinstance(row, EntryRow)
    entry = row.entry
    act(window, qtbot, "edit.settings")
    assert entry.hasFocus()
    entry.selectAll()
    qtbot.keyClicks(entry, "7")
    qtbot.keyClick(entry, Qt.Key.Key_Return)
    assert document.graph.training.epochs == 7
    assert field.edit.text() == "7"
    field.edit.setFocus()
    field.edit.selectAll()
    qtbot.keyClicks(field.edit, "9")
    qtbot.keyClick(field.edit, Qt.Key.Key_Return)
    assert entry.text() == "9"
    document.undo()
    assert (entry.text(), field.edit.text()) == ("7", "7")


def test_escape_leads_from_the_panels_to_the_canvas(window: MainWindow, qtbot: QtBot) -> None:
    document = example(window, qtbot)
    document.select(["hidden"])
    for id in ("edit.settings", "library.filter"):
        act(window, qtbot, id)
        focused = QApplication.focusWidget()
        assert focused is not None
        assert focused is not window.canvas
        QTest.keyClick(focused, Qt.Key.Key_Escape)
        assert window.canvas is not None
        assert window.canvas.hasFocus()
    assert document.selection == {"hidden"}


@pytest.mark.parametrize("mood", ["dark", "light"])
def test_a_run_with_all_docks_open(window: MainWindow, qtbot: QtBot, mood: str) -> None:
    """F5 trains to the end while every page is built, shown and painted."""
    window.app.look.choose(mood)
    document = example(window, qtbot)
    docks = window.workbench.docks
    qtbot.waitUntil(lambda: all(dock.page is not None or dock.isHidden() for dock in docks))
    QTest.keyClick(window.canvas, Qt.Key.Key_F5)
    board = window.app.trainer.board_of
    for id in docks.by_id:
        docks.open(id)
        qtbot.waitUntil(lambda id=id: docks.by_id[id].on_top)
    qtbot.waitUntil(lambda: board(document).state == "finished", timeout=60_000)
    assert board(document).metrics["val_accuracy"] > 0.94
    assert window.notice.isHidden()
