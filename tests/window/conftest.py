"""What the tests of the window share: the models without a window, and whole windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui import style
from gui.actions import Actions
from gui.app import App
from gui.desk import Desk
from gui.look import Look
from gui.preferences import Preferences
from gui.run.trainer import Trainer
from gui.shell.keeper import NOWHERE, Places
from gui.window import MainWindow

MakeWindow = Callable[..., MainWindow]


@pytest.fixture
def app(qtbot: QtBot) -> Iterator[App]:
    """A desk without documents, a look, actions on an empty window, an idle trainer."""
    window = QWidget()
    qtbot.addWidget(window)
    made = App(Look("dark"), Desk(), Actions(window, window), Trainer())
    yield made
    made.trainer.close()


@pytest.fixture
def make(qtbot: QtBot, qapp: QApplication) -> Iterator[MakeWindow]:
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
        for document in window.app.desk.documents:
            document.history.mark_clean()
        window.close()
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
    qapp.setFont(font)


@pytest.fixture
def window(make: MakeWindow) -> MainWindow:
    """A window on the start screen that keeps nothing."""
    return make()
