"""Tips come after 400 ms of rest, in the window and in its dialogs."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolTip, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.tips import REST
from gui.window import MainWindow

QTS_OWN = 700  # ms


def rest_over(widget: QWidget) -> None:
    """Bring the pointer over a widget as a system does: through its window."""
    handle = widget.window().windowHandle()
    assert handle is not None
    middle = widget.mapTo(widget.window(), widget.rect().center())
    QTest.mouseMove(handle, middle - QPoint(2, 0))
    QTest.mouseMove(handle, middle)


class Asked(QObject):
    """When a widget was asked for its tip."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.times: list[float] = []
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            self.times.append(time.monotonic())
        return False


def test_a_tip_comes_after_400_ms_before_qt_would_tell_it(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    button = window.top.device
    asked = Asked(button)
    assert button.toolTip()
    begun = time.monotonic()
    rest_over(button)
    qtbot.waitUntil(QToolTip.isVisible)
    assert QToolTip.text() == button.toolTip()
    assert asked.times[0] - begun >= REST / 1000 - 0.02
    qtbot.waitUntil(lambda: len(asked.times) == 2)  # Qt's own asks later, and changes nothing
    assert asked.times[1] - begun >= QTS_OWN / 1000 - 0.05
    assert QToolTip.isVisible()
    QToolTip.hideText()


def test_a_press_before_the_rest_is_over_brings_no_tip(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    rest_over(window.top.device)
    handle = window.windowHandle()
    assert handle is not None
    far = window.top.mapTo(window, QPoint(2, 2))
    QTest.mouseClick(handle, Qt.MouseButton.LeftButton, pos=far)
    qtbot.wait(REST + 100)
    assert not QToolTip.isVisible()


def test_dialogs_have_tips_as_soon(window: MainWindow, qtbot: QtBot) -> None:
    dialog = QWidget(window, Qt.WindowType.Dialog)
    dialog.setToolTip("Of a dialog")
    dialog.resize(200, 100)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    asked = Asked(dialog)
    rest_over(dialog)
    qtbot.waitUntil(lambda: len(asked.times) == 2)
    assert asked.times[1] - asked.times[0] > 0.1
    assert QToolTip.text() == "Of a dialog"
    QToolTip.hideText()
