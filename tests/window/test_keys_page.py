"""The guide's table of keys is that of the window."""

from pytestqt.qtbot import QtBot

from gui.look import Look
from gui.preferences import Preferences
from gui.window import MainWindow
from tools import keys


def test_the_guide_lists_every_action_and_its_keys(qtbot: QtBot) -> None:
    window = MainWindow(Look("dark"), Preferences())
    qtbot.addWidget(window)
    page = keys.PAGE.read_text("utf-8")
    assert "Ctrl+Z" in page
    assert page == keys.written(page, window), "run: python tools/keys.py"
    window.close()
