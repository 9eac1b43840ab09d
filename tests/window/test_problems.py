"""The problems dock and the outline: rows that jump, mend, and follow the canvas."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from graph.edits import Disconnect, Remove
from graph.graph import Wire
from gui.app import App
from gui.docks.outline import OutlinePage
from gui.docks.problems import ProblemsPage
from gui.document import Document


@pytest.fixture
def document(app: App) -> Document:
    return app.desk.open_example("digits-cnn")


@pytest.fixture
def problems(qtbot: QtBot, app: App, document: Document) -> ProblemsPage:
    page = ProblemsPage(app)
    qtbot.addWidget(page)
    page.resize(900, 240)
    page.show()
    return page


@pytest.fixture
def outline(qtbot: QtBot, app: App, document: Document) -> Iterator[OutlinePage]:
    page = OutlinePage(app)
    qtbot.addWidget(page)
    page.resize(300, 500)
    page.show()
    return page


def buttons(page: ProblemsPage) -> list[QPushButton]:
    return [b for b in page.findChildren(QPushButton) if b.isVisible()]


def test_a_sound_graph_has_none(problems: ProblemsPage) -> None:
    assert problems.empty.isVisible()
    assert not problems.list.isVisible()


def test_each_problem_is_a_row_and_a_click_jumps_to_its_node(
    app: App, document: Document, problems: ProblemsPage
) -> None:
    seen: list[str] = []
    app.desk.jumped.connect(seen.append)
    document.push(Remove(("flatten",)))
    assert problems.list.count() == len(document.problems) >= 2
    at = problems.list.visualItemRect(problems.list.item(0)).center()
    QTest.mouseClick(problems.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    first = document.problems[0].path
    assert document.selection == {first}
    assert seen == [first]
    document.undo()
    assert problems.empty.isVisible()


def test_a_remedy_is_one_click_and_one_step(document: Document, problems: ProblemsPage) -> None:
    document.push(Disconnect(Wire("dropout", "y", "flatten", "x")))
    before = document.history.position
    titles = [button.text() for button in buttons(problems)]
    assert "Remove dropout" in titles
    button = buttons(problems)[titles.index("Remove dropout")]
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert "dropout" not in document.graph
    assert document.history.position == before + 1


@pytest.mark.parametrize("width", [300, 330, 376, 900])
def test_words_are_seen_whole(document: Document, problems: ProblemsPage, width: int) -> None:
    problems.resize(width, 400)
    document.push(Remove(("flatten",)))
    QApplication.processEvents()
    labels = [one for one in problems.list.findChildren(QLabel) if one.wordWrap()]
    assert len(labels) == problems.list.count()
    for one in labels:
        assert one.height() >= one.heightForWidth(one.width())


def test_the_outline_says_each_node_in_the_order_of_the_flow(outline: OutlinePage) -> None:
    model = outline.model
    rows = [model.item(k).text() for k in range(model.rowCount())]
    assert outline.document
    assert len(rows) == len(outline.document.graph)
    names = [row.partition(" · ")[0].rpartition(" ")[2].lower() for row in rows]
    for wire in outline.document.graph.wires():
        assert names.index(wire.source) < names.index(wire.target)
    conv = model.item(names.index("conv1"))
    assert conv.text() == "Conv2d conv1 · 3×3, 16, same · 16×8×8"
    assert {conv.child(k).text() for k in range(conv.rowCount())} == {
        "x ← Digits.image",
        "y → ReLU.x",
    }


def test_selecting_in_either_selects_in_both(document: Document, outline: OutlinePage) -> None:
    document.select({"conv2"})
    [row] = outline.tree.selectionModel().selectedRows()
    assert row.data(Qt.ItemDataRole.DisplayRole).startswith("Conv2d conv2")
    outline.tree.setFocus()
    QTest.keyClick(outline.tree, Qt.Key.Key_Down)
    assert len(document.selection) == 1
    assert document.selection != {"conv2"}
