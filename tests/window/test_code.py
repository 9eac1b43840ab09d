"""The code dock: the document's Python, its lines and its nodes."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from graph.edits import Remove, SetOp
from graph.export import export
from graph.ops.dense import Dense
from gui.app import App
from gui.docks.code import CodePage


@pytest.fixture
def page(qtbot: QtBot, app: App) -> Iterator[CodePage]:
    app.desk.open_example("digits-mlp")
    page = CodePage(app)
    qtbot.addWidget(page)
    page.resize(700, 300)
    page.show()
    qtbot.waitUntil(lambda: bool(page.lines))
    yield page
    page.writer.close()


def shown(page: CodePage) -> str:
    return page.text.toPlainText() + "\n"


def click_line(page: CodePage, line: int) -> None:
    block = page.text.document().findBlockByNumber(line)
    page.text.verticalScrollBar().setValue(line)
    top = page.text.blockBoundingGeometry(block).translated(page.text.contentOffset())
    at = QPoint(40, round(top.center().y()))
    QTest.mouseClick(page.text.viewport(), Qt.MouseButton.LeftButton, pos=at)


def test_it_shows_what_the_export_writes(qtbot: QtBot, page: CodePage) -> None:
    assert page.document
    text = shown(page)
    ast.parse(text)
    assert text.split("\n", 1)[1] == export(page.document.graph, "pytorch").split("\n", 1)[1]
    page.target.setCurrentIndex(1)
    qtbot.waitUntil(lambda: "def train_step" in shown(page))
    ast.parse(shown(page))


def test_an_edit_lights_the_lines_it_changed(qtbot: QtBot, page: CodePage) -> None:
    assert page.document
    hidden = cast("Dense", page.document.graph.node("hidden").op)
    page.document.push(SetOp("hidden", replace(hidden, units=37)))
    qtbot.waitUntil(lambda: "nn.Linear(64, 37)" in shown(page))
    lit = {s.cursor.block().text().strip() for s in page.text.extraSelections()}
    assert lit == {"self.hidden = nn.Linear(64, 37)", "self.scores = nn.Linear(37, 10)"}


def test_a_click_on_a_line_selects_its_nodes_and_a_selection_lights_its_lines(
    page: CodePage,
) -> None:
    assert page.document
    line = next(k for k, text in enumerate(page.lines) if "F.relu(self.hidden" in text)
    click_line(page, line)
    assert page.document.selection == {"hidden", "relu"}
    page.document.select({"adam"})
    lit = {s.cursor.block().text().strip() for s in page.text.extraSelections()}
    assert lit == {line.strip() for line in page.lines if "adam" in line.paths}
    assert len(lit) == 2


def test_what_cannot_be_exported_says_why_and_keeps_the_text(qtbot: QtBot, page: CodePage) -> None:
    assert page.document
    before = shown(page)
    page.document.push(Remove(("hidden",)))
    qtbot.waitUntil(lambda: "no output" in page.count.text())
    assert shown(page) == before
    page.document.undo()
    qtbot.waitUntil(lambda: "lines" in page.count.text())


def test_another_document_never_shows_this_one_s_text(qtbot: QtBot, page: CodePage) -> None:
    page.app.desk.new()
    qtbot.waitUntil(lambda: not page.text.toPlainText())
    assert not page.lines
    assert "add a loss" in page.count.text()


def test_copy_takes_the_whole_file(qtbot: QtBot, page: CodePage) -> None:
    [button] = [b for b in page.findChildren(QPushButton) if b.text() == "Copy"]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == shown(page)


def test_a_hidden_page_writes_nothing(qtbot: QtBot, page: CodePage) -> None:
    assert page.document
    page.hide()
    before = shown(page)
    hidden = cast("Dense", page.document.graph.node("hidden").op)
    page.document.push(SetOp("hidden", replace(hidden, units=37)))
    assert not page.writer.busy
    assert shown(page) == before
    page.show()
    qtbot.waitUntil(lambda: "nn.Linear(64, 37)" in shown(page))
