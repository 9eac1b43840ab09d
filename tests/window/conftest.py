"""What the tests of the window share: the models without a window, as every part is given them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gui.actions import Actions
from gui.app import App
from gui.desk import Desk
from gui.look import Look
from gui.run.trainer import Trainer


@pytest.fixture
def app(qtbot: QtBot) -> Iterator[App]:
    """A desk without documents, a look, actions on an empty window, an idle trainer."""
    window = QWidget()
    qtbot.addWidget(window)
    made = App(Look("dark"), Desk(), Actions(window, window), Trainer())
    yield made
    made.trainer.close()
