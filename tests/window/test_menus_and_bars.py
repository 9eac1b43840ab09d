"""Small parts of the frame: round menus, bars to scroll and to drag by."""

from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from gui.canvas.geometry import node_width
from gui.fonts import measure
from gui.shell.dock import Dock
from gui.widgets.scroll import BAR, OverlaidArea
from gui.window import MainWindow


def test_the_menus_of_the_window_have_round_corners(window: MainWindow, qtbot: QtBot) -> None:
    window.app.desk.open_example("moons-mlp")
    menus = [action.menu() for action in window.top.menus.actions()]
    assert len(menus) > 4
    for menu in (*menus, window.top.export_menu):
        assert isinstance(menu, QMenu)
        menu.popup(window.mapToGlobal(QPoint(300, 300)))
        image = menu.grab().toImage()
        assert image.pixelColor(0, 0).alpha() < image.pixelColor(image.width() // 2, 8).alpha()
        menu.close()


def test_a_narrow_window_keeps_all_menus_and_shrinks_the_search(
    window: MainWindow, qtbot: QtBot
) -> None:
    bar, search = window.top.menus, window.top.search

    def whole() -> bool:
        edges = [bar.actionGeometry(action).right() for action in bar.actions()]
        return max(edges) < bar.width() and bar.actions()[-1].text() == "Help"

    for width in (1600, 960):
        window.resize(width, 700)
        qtbot.waitUntil(lambda width=width: window.width() == width and whole())  # type: ignore[misc]
        assert bar.x() + bar.width() < window.top.undo.x()
        assert window.top.redo.geometry().right() < search.x()
        assert search.geometry().right() < window.top.device.x()
    assert search.width() < 360


def test_a_tab_with_a_long_name_is_cut_not_widened(window: MainWindow, qtbot: QtBot) -> None:
    document = window.app.desk.open_example("moons-mlp")
    tabs = window.workbench.strip.tabs
    short = tabs.tabRect(0).width()
    document.name = "a-name-" * 20
    window.app.desk.renamed.emit(document)
    qtbot.waitUntil(lambda: tabs.tabRect(0).width() > short)
    assert tabs.tabRect(0).width() == 240


def test_docks_can_be_taken_two_pixels_beside_the_line(window: MainWindow, qtbot: QtBot) -> None:
    window.app.desk.open_example("moons-mlp")
    area, left = window.workbench, Qt.MouseButton.LeftButton
    seen = [dock for dock in area.docks if dock.on_top]
    qtbot.waitUntil(lambda: len({dock.x() for dock in seen}) == len(seen))
    first, second = sorted(seen, key=lambda dock: dock.x())[:2]
    assert second.x() - first.geometry().right() - 1 == 5
    handle = window.windowHandle()
    for gap in (0, 4):
        line = QPoint(first.geometry().right() + 1 + gap, first.geometry().center().y())
        at, width = area.mapTo(window, line), first.width()
        QTest.mousePress(handle, left, pos=at)
        for step in range(1, 9):
            QTest.mouseMove(handle, at + QPoint(2 * step, 0))
        qtbot.waitUntil(partial(wider, first, width))
        QTest.mouseRelease(handle, left, pos=at + QPoint(16, 0))


def wider(dock: Dock, width: int) -> bool:
    return dock.width() > width


def test_the_inspector_keeps_its_width_when_it_scrolls(window: MainWindow, qtbot: QtBot) -> None:
    document = window.app.desk.open_example("digits-cnn")
    panel = window.parts.inspector
    area = panel.findChild(OverlaidArea)
    assert isinstance(area, OverlaidArea)
    content = area.widget()
    assert content is not None
    document.select({next(n.id for n in document.drawing if type(n.op).__name__ == "Conv2d")})
    window.resize(1600, 1700)
    qtbot.waitUntil(lambda: not area.bar.isVisible())
    width = content.width()
    window.resize(1600, 640)
    qtbot.waitUntil(area.bar.isVisible)
    assert content.width() == width
    QTest.keyClick(area.bar, Qt.Key.Key_End)
    assert area.verticalScrollBar().value() == area.verticalScrollBar().maximum() > 0
    assert area.bar.geometry().right() == area.width() - 1
    assert area.bar.width() == BAR


def test_a_metric_leaves_room_for_its_value(window: MainWindow) -> None:
    document = window.app.desk.open_example("digits-cnn")
    view = next(n for n in document.view.nodes if n.badge == "held out")
    texts = measure("held out", "caption mono") + measure("0.9750", "caption mono")
    assert node_width(view, measure) >= texts + 36
