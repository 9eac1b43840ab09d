"""Docks as narrow as they can be: nothing stands beyond the edge, tabs leave the menu free."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea, QStyle, QStyleOptionComboBox, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from graph.edits import SetTraining
from gui.app import App
from gui.docks import PAGES
from gui.docks.curves import CurvesPage
from gui.docks.page import LEAST, NARROW, Page
from gui.docks.runs import RunsPage
from gui.shell.docks import WIDTHS
from gui.widgets.basics import ElidedCombo, IconButton, Segments
from gui.window import MainWindow

SHOWN = ("curves", "runs", "gradients", "features", "predictions", "plan", "problems", "try")


@pytest.fixture
def trained(qtbot: QtBot, app: App) -> App:
    """A short run that has ended."""
    document = app.desk.open_example("digits-cnn")
    document.push(SetTraining(replace(document.graph.training, epochs=1)))
    app.trainer.run(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=60_000)
    return app


def beyond(page: Page) -> list[str]:
    """What a page shows beyond its edge, but for what is scrolled to."""
    found = []
    for child in page.findChildren(QWidget):
        scrolled = _around(child)
        if not child.isVisible() or scrolled is not None:
            continue
        place = QRect(child.mapTo(page, QPoint(0, 0)), child.size())
        if place.right() >= page.width() or place.left() < 0:
            found.append(f"{type(child).__name__} {child.accessibleName()} {place}")
    return found


def _around(child: QWidget) -> QScrollArea | None:
    parent = child.parentWidget()
    while parent is not None and not isinstance(parent, QScrollArea):
        parent = parent.parentWidget()
    return parent


@pytest.mark.parametrize("id", SHOWN)
def test_nothing_stands_beyond_the_edge(qtbot: QtBot, trained: App, id: str) -> None:
    page = next(entry for entry in PAGES if entry.id == id).load(trained)
    qtbot.addWidget(page)
    page.resize(443, 262)
    page.show()
    qtbot.waitExposed(page)
    answered = getattr(page, "answer", 0)
    if answered is None:
        qtbot.waitUntil(lambda: getattr(page, "answer", None) is not None)
    for width in (443, NARROW, NARROW - 1, LEAST[0], 320, 443):
        page.resize(width, 262)
        qtbot.wait(1)
        assert beyond(page) == [], width


def test_the_legend_keeps_its_words_in_a_narrow_dock(qtbot: QtBot, trained: App) -> None:
    page = CurvesPage(trained)
    qtbot.addWidget(page)
    page.resize(LEAST[0] + 20, 262)
    page.show()
    qtbot.waitExposed(page)
    assert page.groups.isVisible()
    assert page.legend.geometry().bottom() < page.groups.geometry().top()
    page.resize(443, 262)
    qtbot.waitUntil(lambda: page.legend.geometry().top() < page.groups.geometry().bottom())


def test_runs_need_no_scrolling_at_the_width_they_have_at_first(
    window: MainWindow, qtbot: QtBot, trained: App
) -> None:
    page = RunsPage(trained)
    qtbot.addWidget(page)
    page.resize(WIDTHS[0], 262)
    page.show()
    qtbot.waitUntil(lambda: len(page.runs) > 0)
    assert page.tree.header().length() <= page.tree.viewport().width()
    qtbot.waitUntil(lambda: not page.tree.horizontalScrollBar().isVisible())


def test_segments_without_room_keep_their_tips(window: MainWindow, qtbot: QtBot) -> None:
    made = Segments("Kind")  # dressed as in the window
    qtbot.addWidget(made)
    for word in ("Gradients", "Weights", "Ratio"):
        made.addTab(word)
    made.resize(160, 26)
    made.show()
    qtbot.waitExposed(made)
    assert made.tabRect(2).right() <= 160
    QTest.mouseClick(made, Qt.MouseButton.LeftButton, pos=made.tabRect(2).center())
    assert made.currentIndex() == 2
    assert [made.tabToolTip(place) for place in range(3)] == ["Gradients", "Weights", "Ratio"]


def test_tabs_leave_room_for_the_menu(window: MainWindow, qtbot: QtBot) -> None:
    window.app.desk.open_example("digits-mlp")
    docks = window.workbench.docks
    docks.open("code")
    ids = ("curves", "gradients", "features", "code")
    window.workbench.resizeDocks(
        [docks.by_id[id] for id in ids], [900, 300, 300, 160], Qt.Orientation.Horizontal
    )
    qtbot.waitUntil(lambda: docks.by_id["code"].width() < NARROW)
    bars = window.workbench.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    seen = [bar for bar in bars if bar.isVisible()]
    assert len(seen) >= 3
    for bar in seen:
        button = bar.findChild(IconButton)
        assert button is not None
        tabs = [bar.tabRect(place) for place in range(bar.count())]
        assert tabs[-1].right() - 36 <= button.geometry().left()
        assert tabs[-1].right() <= bar.width()


def test_a_long_choice_keeps_its_ends_and_has_it_all_as_its_tip(
    window: MainWindow, qtbot: QtBot
) -> None:
    long, cut = ElidedCombo(), ElidedCombo()
    whole = "plain_layers/17/normalisation"
    for made in (long, cut):
        qtbot.addWidget(made)
        made.resize(108, 28)
    long.addItem(whole)
    for made in (long, cut):
        made.show()
        qtbot.waitExposed(made)
    option = QStyleOptionComboBox()
    long.initStyleOption(option)
    field = long.style().subControlRect(
        QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, long
    )
    mode = Qt.TextElideMode.ElideMiddle
    cut.addItem(cut.fontMetrics().elidedText(whole, mode, field.width() - 4))
    assert "…" in cut.currentText()
    assert cut.currentText()[-1] == whole[-1]
    assert long.grab().toImage() == cut.grab().toImage()
    assert long.toolTip() == whole
