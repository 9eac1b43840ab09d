"""The profile dock at the width that it has at first."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.app import App
from gui.docks.plan import ASKED, PlanPage
from gui.docks.plan_rows import COLUMNS, duration
from gui.shell.docks import WIDTHS


@pytest.fixture
def page(qtbot: QtBot, app: App) -> PlanPage:
    """The page beside a run that waits."""
    document = app.desk.open_example("digits-cnn")
    made = PlanPage(app)
    qtbot.addWidget(made)
    made.resize(WIDTHS[1], 262)
    app.trainer.step(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "paused", timeout=30_000)
    made.show()
    return made


def test_what_a_node_costs_needs_no_scrolling(qtbot: QtBot, page: PlanPage) -> None:
    assert page.empty.text() == ASKED  # not that a graph were to be opened
    qtbot.waitUntil(lambda: page.model.rowCount() > 5)
    table = page.table
    assert not table.horizontalScrollBar().isVisible()
    metrics = table.fontMetrics()
    for column, name in enumerate(COLUMNS):
        if table.isColumnHidden(column):
            continue
        texts = [page.model.index(row, column).data() for row in range(page.model.rowCount())]
        needed = max(metrics.horizontalAdvance(text) for text in texts)
        assert table.columnWidth(column) > needed + 8, name
    QTest.mouseClick(page.rows, Qt.MouseButton.LeftButton, pos=page.rows.tabRect(1).center())
    qtbot.waitUntil(lambda: table.horizontalScrollBar().isVisible())  # steps tell more


def test_the_head_says_all_as_its_tip(qtbot: QtBot, page: PlanPage) -> None:
    qtbot.waitUntil(lambda: page.model.rowCount() > 5)
    shown, whole = page.total.text(), page.total.accessibleName()
    assert whole.endswith("batch 64")
    assert shown == whole or (shown.endswith("…") and page.total.toolTip() == whole)
    assert page.total.fontMetrics().horizontalAdvance(shown) <= page.total.contentsRect().width()


def test_times_are_written_with_the_unit_that_keeps_them_short() -> None:
    written = [duration(s) for s in (1.5, 2.5e-3, 3.39e-6, 1.71e-9)]
    assert written == ["1.5 s", "2.5 ms", "3.39 µs", "1.71 ns"]
