"""A table that is missing or broken stands among the problems without Run, and goes when mended."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from compute.data import Folder
from compute.filecheck import Trouble, read_answer, request, troubles
from graph.edits import Remove, SetOp
from graph.files import load
from graph.ops.table import Table
from gui.docks.problems import ProblemsPage
from gui.document import Document
from gui.window import MainWindow
from tests.support.outside import houses, prices


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table beside the graph."""
    return houses(tmp_path)


@pytest.fixture
def document(window: MainWindow, tmp_path: Path, table: Path, qtbot: QtBot) -> Document:
    """The graph that learns from it, opened from the table's own folder."""
    graph = load(prices(tmp_path, table))
    op = graph.node("table").op
    assert isinstance(op, Table)
    (table.parent / "prices.loom").write_text((tmp_path / "graphs" / "prices.loom").read_text())
    found = window.app.desk.open(table.parent / "prices.loom")
    assert found is not None
    qtbot.waitUntil(lambda: not window.file_problems.busy, timeout=90_000)
    assert found.problems == ()
    return found


def told(qtbot: QtBot, document: Document, words: str) -> None:
    """Wait until the only problem says this."""

    def said() -> bool:
        return len(document.problems) == 1 and words in str(document.problems[0])

    qtbot.waitUntil(said, timeout=90_000)


def test_a_file_that_goes_and_comes_back_is_told_at_its_node(
    window: MainWindow, document: Document, table: Path, qtbot: QtBot
) -> None:
    page = window.workbench.docks.open("problems").page
    assert isinstance(page, ProblemsPage)
    text = table.read_text()
    table.unlink()
    told(qtbot, document, "found no file")
    problem = document.problems[0]
    assert (problem.severity, problem.path, problem.definition) == ("error", "table", "")
    assert page.list.count() == 1
    qtbot.waitUntil(lambda: window.status.problems.text() == "1 error")
    assert document.view["table"].state.problem == "error"
    page.list.itemClicked.emit(page.list.item(0))
    assert document.selection == {"table"}
    table.write_text(text)
    qtbot.waitUntil(lambda: document.problems == (), timeout=90_000)
    assert not page.list.isVisible()
    assert not document.view["table"].state.problem


def test_a_broken_file_says_what_run_would_say(
    document: Document, table: Path, qtbot: QtBot
) -> None:
    other = table.with_name("other.csv")
    other.write_text("size,price\n1,2\n3,4\n")
    os.replace(other, table)  # as editors save: the watched file is gone
    told(qtbot, document, "rooms")


def test_a_setting_is_looked_at_anew_and_undone(
    window: MainWindow, document: Document, qtbot: QtBot
) -> None:
    op = document.graph.node("table").op
    assert isinstance(op, Table)
    document.push(SetOp("table", replace(op, path="nowhere.csv")))
    told(qtbot, document, "nowhere.csv")
    document.undo()
    qtbot.waitUntil(lambda: document.problems == (), timeout=90_000)
    document.redo()
    told(qtbot, document, "nowhere.csv")
    document.push(Remove(("table",)))
    assert not document.file_problems
    qtbot.waitUntil(lambda: not window.file_problems.busy, timeout=90_000)
    assert not document.file_problems


def test_run_tells_it_itself_and_is_not_refused_for_what_may_be_mended(
    window: MainWindow, document: Document, table: Path, qtbot: QtBot
) -> None:
    table.unlink()
    told(qtbot, document, "found no file")
    window.app.actions["train.run"].trigger()
    board = window.app.trainer.board_of(document)
    qtbot.waitUntil(lambda: board.state == "failed", timeout=90_000)
    assert "no file" in board.message


def test_the_window_does_not_wait_while_a_file_is_read(
    window: MainWindow, document: Document, table: Path, qtbot: QtBot
) -> None:
    rows = "\n".join(f"{k},{k % 3},{2 * k}" for k in range(60_000))
    table.write_text(f"size,rooms,price\n{rows}\n{'x' * 10},1,2\n")
    beats: list[int] = []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: beats.append(len(beats)))
    timer.start()
    qtbot.waitUntil(lambda: window.file_problems._process is not None, timeout=90_000)
    before = len(beats)
    qtbot.waitUntil(lambda: not window.file_problems.busy, timeout=60_000)
    timer.stop()
    assert len(beats) - before > 20
    assert len(document.problems) == 1


def test_a_file_that_nobody_allowed_is_not_read(tmp_path: Path, table: Path) -> None:
    graph = load(prices(tmp_path, table))
    table.unlink()
    assert troubles(graph, Folder(tmp_path / "graphs")) == []
    allowed = Folder(tmp_path / "graphs", allowed=frozenset({table}))
    (found,) = troubles(graph, allowed)
    assert found.id == "table"
    assert "no file" in found.found


def test_requests_and_answers_are_text(tmp_path: Path, table: Path) -> None:
    graph = load(prices(tmp_path, table))
    text = request(graph, tmp_path, frozenset({table}))
    assert "\n" not in text.replace("\\n", "")
    assert read_answer('[{"id": "a", "found": "b", "expected": "c", "remedy": "d"}]') == [
        Trouble("a", "b", "c", "d")
    ]
