"""The whole window by keys: names for screen readers, areas by F6, menus by Alt, Esc, the ring."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui.shell.areas import areas, first_in
from gui.window import MainWindow

CONTROLS = (
    *(QAbstractButton, QLineEdit, QAbstractSpinBox, QComboBox, QAbstractItemView, QTabBar),
    QPlainTextEdit,
)
# parts of Qt's own controls: what they belong to has the name
INNER = (QScrollBar, QHeaderView)
F6, SHIFT = Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier
FIELDS = (QLineEdit, QComboBox, QAbstractSpinBox)  # their border shows the focus


def nameless(root: QWidget) -> Iterator[str]:
    """Controls that a screen reader could only call by their kind."""
    for one in (root, *root.findChildren(QWidget)):
        inner = isinstance(one, INNER) or one.objectName().startswith("qt_")
        inner = inner or one.metaObject().className() in ("QTableCornerButton", "QComboBoxListView")
        control = isinstance(one, CONTROLS) or one.focusPolicy() & Qt.FocusPolicy.TabFocus
        text = one.text() if isinstance(one, (QAbstractButton, QLabel)) else ""
        if control and not inner and not (one.accessibleName() or text).strip():
            yield f"{type(one).__name__} in {type(one.parentWidget()).__name__}"


@pytest.fixture
def busy(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """A window with an example and every dock built."""
    window.app.desk.open_example("digits-cnn")
    for dock in window.workbench.docks:
        window.workbench.docks.open(dock.entry.id)
    qtbot.waitUntil(lambda: all(dock.page is not None for dock in window.workbench.docks))
    assert window.canvas is not None
    window.activateWindow()
    window.canvas.setFocus()
    return window


def focus() -> QWidget:
    found = QApplication.focusWidget()
    assert found is not None
    return found


def test_every_control_has_a_name(busy: MainWindow) -> None:
    document = busy.app.desk.current
    assert document is not None
    assert list(nameless(busy)) == []
    for node in document.drawing:
        document.select({node.id})
        assert list(nameless(busy.parts.inspector)) == [], node.id
    busy.ask_preferences()
    dialog = QApplication.activeModalWidget()
    assert dialog is not None
    assert list(nameless(dialog)) == []
    QTest.keyClick(dialog, Qt.Key.Key_Escape)


def press(window: MainWindow, key: Qt.Key, held: Qt.KeyboardModifier = NONE) -> None:
    """A key as the window system sends it."""
    QTest.keyClick(window.windowHandle(), key, held)


def test_f6_goes_round_the_areas(busy: MainWindow) -> None:
    found, seen = areas(busy), list[QWidget]()
    assert busy.canvas in found
    assert len(found) > 6
    for _ in found:
        press(busy, F6)
        seen.append(next(a for a in found if a is focus() or a.isAncestorOf(focus())))
        assert busy.ring.isVisible() or isinstance(focus(), FIELDS)
        if seen[-1] is busy.canvas:
            break
    start = found.index(busy.canvas)
    round_once = [*found[start + 1 :], *found[: start + 1]]
    assert seen == [area for area in round_once if area in seen]
    assert {busy.parts.library, busy.parts.inspector, busy.parts.training} < set(seen)
    press(busy, F6, SHIFT)
    assert busy.parts.library.isAncestorOf(focus())


def test_esc_comes_back_to_the_canvas_from_every_area(busy: MainWindow) -> None:
    for area in areas(busy):
        first = first_in(area)
        if first is not None:
            first.setFocus()
            press(busy, Qt.Key.Key_Escape)
            assert focus() is busy.canvas, f"{type(area).__name__}: {type(first).__name__}"


def test_tab_goes_through_everything_and_comes_back(busy: MainWindow) -> None:
    """Every control of the side panels and the training bar is on the way."""
    wanted = {
        one
        for area in (busy.top, busy.parts.inspector, busy.parts.training, busy.status)
        for one in area.findChildren(QWidget)
        if one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.isVisible() and one.isEnabled()
    }
    wanted = {one for one in wanted if not isinstance(one, INNER)}
    busy.parts.training.run_button.setFocus()
    seen = list[QWidget]()
    while focus() not in seen:
        seen.append(focus())
        at = focus()
        busy.focusNextChild()
        assert focus() is not at
    missed = [f"{type(o).__name__} {o.accessibleName()}" for o in wanted - set(seen)]
    assert missed == []


@pytest.mark.parametrize("letter", "FEVGTH")
def test_alt_opens_the_menus(busy: MainWindow, qtbot: QtBot, letter: str) -> None:
    key = getattr(Qt.Key, f"Key_{letter}")
    QTest.keyClick(focus(), key, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert menu.title()[:1] == letter
    assert all(action.isSeparator() or action.text() for action in menu.actions())
    QTest.keyClick(menu, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is None)
