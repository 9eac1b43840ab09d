"""The style of Qt's own widgets: nothing of Qt's grey is left, and text can be read."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QColor, QContextMenuEvent, QImage, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QSlider,
    QSpinBox,
    QTableWidget,
    QTabWidget,
    QToolButton,
    QToolTip,
    QTreeWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui import style
from gui.look import Look
from gui.theme import Theme, channels, contrast, theme
from gui.widgets.menus import round_menu_of
from gui.widgets.tips import tip_lines

MOODS = [theme("dark"), theme("light")]
SURFACES = ("canvas", "panel", "node", "field")


@pytest.fixture(autouse=True)
def undressed(qapp: QApplication) -> Iterator[None]:
    """The tests share one application: give it back as it was."""
    sheet, palette, font = qapp.styleSheet(), qapp.palette(), qapp.font()
    yield
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
    qapp.setFont(font)


@pytest.mark.parametrize("mood", MOODS, ids=lambda mood: mood.name)
def test_text_has_the_contrast_that_the_look_promises(mood: Theme) -> None:
    for surface in SURFACES:
        under = getattr(mood, surface)
        assert contrast(mood.text, under) >= 12.0
        assert contrast(mood.text2, under) >= 6.5
        for colour in (mood.text3, mood.accent, mood.success, mood.warn, mood.error):
            assert contrast(colour, under) >= 4.5
    assert contrast(mood.on_accent, mood.accent) >= 4.5
    mixed = style.tints(mood)
    for under in ("raised_hover", "raised_pressed"):
        assert contrast(mood.text, mixed[under]) >= 7
    for under in ("accent_hover", "accent_pressed"):
        assert contrast(mood.on_accent, mixed[under]) >= 4.5
    assert contrast(mood.text, mood.selected_row) >= 7


@pytest.mark.parametrize("mood", MOODS, ids=lambda mood: mood.name)
def test_sheet_fills_every_name_and_never_puts_text_3_on_raised(mood: Theme) -> None:
    sheet = style.sheet(mood)
    assert "@" not in sheet
    for rule in re.findall(r"\{([^}]*)\}", sheet):
        on_raised = re.search(rf"background: {mood.raised}", rule)
        assert not (on_raised and re.search(rf"(?<!-)color: {mood.text3}", rule))


@pytest.mark.parametrize("mood", MOODS, ids=lambda mood: mood.name)
def test_palette_has_only_colours_of_the_look(mood: Theme) -> None:
    ours = {value for value in vars(mood).values() if isinstance(value, str)}
    ours |= set(style.tints(mood).values())
    allowed = {QColor(value).name() for value in ours if value.startswith("#")}
    made = style.palette(mood)
    for role in QPalette.ColorRole:
        if role in (QPalette.ColorRole.NoRole, QPalette.ColorRole.NColorRoles):
            continue
        for group in (
            QPalette.ColorGroup.Active,
            QPalette.ColorGroup.Inactive,
            QPalette.ColorGroup.Disabled,
        ):
            assert made.color(group, role).name() in allowed, (group, role)


def everything() -> QWidget:
    """One of each standard widget, on and off."""
    page = QWidget()
    grid = QGridLayout(page)
    combo, table, tree, rows = QComboBox(), QTableWidget(2, 2), QTreeWidget(), QListWidget()
    combo.addItems(["same", "valid"])
    rows.addItems(["Conv2d", "Dense"])
    tree.setHeaderLabels(["Step", "ms"])
    tabs = QTabWidget()
    tabs.addTab(QLabel("Curves"), "Curves")
    tabs.addTab(QLabel("Runs"), "Runs")
    ticked, radio, progress = QCheckBox("Bias"), QRadioButton("One"), QProgressBar()
    ticked.setChecked(True)
    radio.setChecked(True)
    progress.setValue(40)
    progress.setTextVisible(False)
    scroll = QScrollArea()
    inside = QWidget()
    inside.setMinimumSize(400, 400)
    scroll.setWidget(inside)
    buttons = [QPushButton("Run"), QPushButton("Stop"), QToolButton(), QLineEdit("32")]
    buttons[0].setProperty("kind", "accent")
    others = [combo, QDoubleSpinBox(), ticked, radio, QSlider(Qt.Orientation.Horizontal), progress]
    for index, widget in enumerate([*buttons, *others, table, tree, rows, tabs, scroll]):
        grid.addWidget(widget, index // 4, index % 4)
    off = QPushButton("Off")
    off.setEnabled(False)
    grid.addWidget(off)
    page.resize(900, 700)
    return page


def neutrals(image: QImage) -> set[tuple[int, int, int]]:
    """Colours that fill a good deal of a picture, edges of letters left out."""
    counts: dict[int, int] = {}
    for y in range(0, image.height(), 2):
        for x in range(0, image.width(), 2):
            pixel = image.pixel(x, y)
            counts[pixel] = counts.get(pixel, 0) + 1
    return {
        (QColor(p).red(), QColor(p).green(), QColor(p).blue()) for p, n in counts.items() if n > 60
    }


@pytest.mark.parametrize("mood", MOODS, ids=lambda mood: mood.name)
def test_no_grey_of_qt_is_left(qapp: QApplication, qtbot: QtBot, mood: Theme) -> None:
    style.apply(qapp, mood)
    page = everything()
    qtbot.addWidget(page)
    page.show()
    ours = [value for value in vars(mood).values() if isinstance(value, str) and value[0] == "#"]
    allowed = {channels(value) for value in [*ours, *style.tints(mood).values()]}
    found = neutrals(page.grab().toImage())
    assert found - allowed == set()
    assert channels(mood.accent) in found


def test_widgets_follow_the_look(qapp: QApplication, qtbot: QtBot) -> None:
    look = Look("dark")
    style.follow(qapp, look)
    page = everything()
    qtbot.addWidget(page)
    page.show()
    before = page.grab().toImage().pixelColor(2, 2).name()
    look.choose("light")
    after = page.grab().toImage().pixelColor(2, 2).name()
    assert (before, after) == (theme("dark").panel.lower(), theme("light").panel.lower())


def test_fields_and_tabs_have_the_sizes_of_the_look(qapp: QApplication, qtbot: QtBot) -> None:
    style.apply(qapp, theme("dark"))
    page = everything()
    qtbot.addWidget(page)
    page.show()
    assert page.findChild(QLineEdit).sizeHint().height() == 24
    assert page.findChild(QComboBox).sizeHint().height() == 24
    assert page.findChild(QTabWidget).tabBar().sizeHint().height() == 30
    assert page.findChild(QPushButton).sizeHint().height() == 28


def test_menu_shows_the_colours_of_the_look(qapp: QApplication, qtbot: QtBot) -> None:
    style.apply(qapp, theme("dark"))
    menu = QMenu()
    qtbot.addWidget(menu)
    menu.addAction("Undo")
    menu.popup(menu.pos())
    qtbot.waitUntil(menu.isVisible)
    image = menu.grab().toImage()
    assert QColor(theme("dark").node).rgb() in {
        image.pixel(x, y) for x in range(image.width()) for y in range(image.height())
    }
    menu.close()


def test_every_field_shows_its_menu_in_the_look(qtbot: QtBot) -> None:
    """Round, without the icons of the system; right click and menu key both ask for it."""
    spin, field, sheet = QSpinBox(), QLineEdit("words"), QPlainTextEdit("lines")
    round_menu_of(spin.lineEdit(), spin)
    round_menu_of(field)
    round_menu_of(sheet)
    for widget in (spin, field, sheet):
        qtbot.addWidget(widget)
        widget.show()
        seen: list[tuple[bool, bool]] = []

        def look(seen: list[tuple[bool, bool]] = seen) -> None:
            menu = QApplication.activePopupWidget()
            assert isinstance(menu, QMenu)
            icons = any(action.isIconVisibleInMenu() for action in menu.actions())
            seen.append((menu.property("rounded"), icons))
            menu.close()

        QTimer.singleShot(0, look)
        target = widget.viewport() if isinstance(widget, QPlainTextEdit) else widget
        at = target.rect().center()
        QApplication.sendEvent(
            target, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, target.mapToGlobal(at))
        )
        assert seen == [(True, False)]


def test_tips_are_at_most_280_px_wide_and_low(qapp: QApplication, qtbot: QtBot) -> None:
    """Qt breaks no lines of a plain text, and adds to the padding of the sheet."""
    style.apply(qapp, theme("dark"))
    said = tip_lines("Zeros around the image: `same` keeps its size, `valid` adds none, or so many")
    assert "`" not in said
    QToolTip.showText(QPoint(0, 0), said)
    shown = [one for one in QApplication.topLevelWidgets() if one.inherits("QTipLabel")]
    assert len(shown) == 1
    assert shown[0].width() <= 284
    assert shown[0].height() <= 14 * (said.count("\n") + 1) + 16
    QToolTip.hideText()


def test_focus_is_shown_by_the_ring_alone(qapp: QApplication, qtbot: QtBot) -> None:
    """Qt draws a rectangle of its own inside buttons with a border."""
    style.apply(qapp, theme("dark"))
    page = QWidget()
    qtbot.addWidget(page)
    column = QGridLayout(page)
    buttons = [QPushButton("Open"), QPushButton("Open"), QToolButton(), QCheckBox("Open")]
    for place, button in enumerate(buttons):
        column.addWidget(button, place, 0)
    with qtbot.waitActive(page):
        page.show()
        page.activateWindow()
    buttons[0].setFocus()
    for before, button in pairwise(buttons):
        rested = button.grab().toImage()
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        QTest.keyClick(before, Qt.Key.Key_Tab)
        assert button.hasFocus()
        assert button.grab().toImage() == rested
