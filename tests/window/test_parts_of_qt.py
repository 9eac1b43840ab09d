"""Python objects of what Qt made itself may end before those do: nothing may lean on them."""

import shiboken6
from PySide6.QtWidgets import QTabBar, QWidget
from pytestqt.qtbot import QtBot

from gui.shell.docks import BARS
from gui.widgets.basics import IconButton
from gui.widgets.scroll import OverlaidArea
from gui.window import MainWindow


def test_a_bar_follows_its_area(qtbot: QtBot) -> None:
    content = QWidget()
    area = OverlaidArea(content)
    qtbot.addWidget(area)
    area.resize(200, 100)
    area.show()
    shiboken6.invalidate(area.verticalScrollBar())
    content.setMinimumHeight(400)
    qtbot.waitUntil(area.bar.isVisible)
    area.bar.setValue(area.bar.maximum())
    assert area.verticalScrollBar().value() == area.bar.maximum() == 300


def test_the_button_of_a_group_stays_at_its_end(window: MainWindow, qtbot: QtBot) -> None:
    def bars() -> list[QTabBar]:
        found = window.workbench.findChildren(QTabBar)
        return [b for b in found if b.metaObject().className() == BARS and b.isVisible()]

    window.app.desk.open_example("digits-mlp")
    qtbot.waitUntil(lambda: bool(bars()))
    for bar in bars():
        shiboken6.invalidate(bar)
    window.resize(1900, 1000)

    def at_the_end() -> bool:
        ends = [(bar.width(), bar.findChild(IconButton).geometry().right()) for bar in bars()]
        return all(width - 12 <= right <= width for width, right in ends)

    qtbot.waitUntil(at_the_end)
