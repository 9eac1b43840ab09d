"""Tips come after 400 ms of rest, in the window and in its dialogs."""

from __future__ import annotations

import time

from PySide6.QtCore import QPoint, Qt
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


def test_a_tip_comes_after_400_ms_and_not_after_700(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    button = window.top.device
    assert button.toolTip()
    rest_over(button)
    begun = time.monotonic()
    qtbot.wait(REST // 2)
    assert not QToolTip.isVisible()
    qtbot.waitUntil(QToolTip.isVisible, timeout=QTS_OWN)
    waited = time.monotonic() - begun
    assert REST / 1000 - 0.02 <= waited < QTS_OWN / 1000 - 0.05
    assert QToolTip.text() == button.toolTip()
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
    rest_over(dialog)
    begun = time.monotonic()
    qtbot.waitUntil(QToolTip.isVisible, timeout=QTS_OWN)
    assert time.monotonic() - begun < QTS_OWN / 1000 - 0.05
    assert QToolTip.text() == "Of a dialog"
    QToolTip.hideText()
