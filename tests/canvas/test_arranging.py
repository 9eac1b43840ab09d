"""Arrange: few nodes at once, many beside the window's thread, and never over another's hand."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from benchmarks.canvas import large_graph
from graph.edits import Remove
from gui import fonts
from gui.canvas.arranging import AT_ONCE
from gui.canvas.tidy import planned
from gui.canvas.view import Canvas
from gui.document import Document
from gui.theme import theme

Places = dict[str, tuple[float, float]]


def shown(qtbot: QtBot, count: int) -> Canvas:
    document = Document(large_graph(count), fonts.measure)
    canvas = Canvas(document, theme("dark"))
    qtbot.addWidget(canvas, before_close_func=lambda _: canvas.close_document())
    canvas.resize(900, 600)
    canvas.show()
    qtbot.waitExposed(canvas)
    return canvas


@pytest.fixture
def many(qtbot: QtBot) -> Canvas:
    """Three hundred nodes."""
    return shown(qtbot, 300)


def places(canvas: Canvas) -> Places:
    return {node.id: (node.x, node.y) for node in canvas.document.view.nodes}


def arranged(qtbot: QtBot, canvas: Canvas) -> None:
    qtbot.waitUntil(lambda: not canvas._arranging.busy, timeout=20_000)


def expected(canvas: Canvas) -> Places:
    """Where the layout puts the nodes, from the upper left corner of now."""
    plan = planned(canvas)
    assert plan is not None
    made = plan.made()
    left, top = min(n.x for n in made.nodes), min(n.y for n in made.nodes)
    x, y = canvas.scene.places.min(axis=0).tolist()
    grid = 4.0
    return {
        n.id: (round((n.x - left + x) / grid) * grid, round((n.y - top + y) / grid) * grid)
        for n in made.nodes
    }


def test_few_nodes_are_arranged_at_once(qtbot: QtBot) -> None:
    canvas = shown(qtbot, AT_ONCE)
    before = places(canvas)
    canvas.arrange()
    assert not canvas._arranging.busy
    assert places(canvas) != before


def test_many_come_in_one_step_and_the_window_lives_meanwhile(qtbot: QtBot, many: Canvas) -> None:
    before, steps = places(many), len(many.document.steps)
    wanted = expected(many)
    beats: list[float] = []
    timer = QTimer(interval=0)
    timer.timeout.connect(lambda: beats.append(time.monotonic()))
    timer.start()
    many.arrange()
    assert places(many) == before
    arranged(qtbot, many)
    timer.stop()
    assert len(beats) > 3  # it was painted and could be used
    assert places(many) == wanted
    assert len(many.document.steps) == steps + 1
    many.document.undo()
    assert places(many) == before


def test_what_is_changed_meanwhile_is_laid_out_as_it_is_then(qtbot: QtBot, many: Canvas) -> None:
    many.arrange()
    gone = many.document.view.nodes[5].id
    many.document.push(Remove((gone,)))
    arranged(qtbot, many)
    assert gone not in places(many)
    assert len(many.document.steps) == 2
    assert places(many) == expected(many)


def test_a_drag_under_way_is_not_disturbed(qtbot: QtBot, many: Canvas) -> None:
    many.fit()
    QTest.mousePress(many, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    QTest.mouseMove(many, QPoint(60, 60))
    assert not many.is_idle
    before = places(many)
    many.arrange()
    qtbot.waitUntil(lambda: many._arranging._later.isActive(), timeout=20_000)
    assert places(many) == before
    QTest.mouseRelease(many, Qt.MouseButton.LeftButton, pos=QPoint(60, 60))
    arranged(qtbot, many)
    assert places(many) != before


def test_closing_waits_and_moves_nothing(qtbot: QtBot) -> None:
    document = Document(large_graph(300), fonts.measure)
    canvas = Canvas(document, theme("dark"))
    qtbot.addWidget(canvas)
    before = places(canvas)
    canvas.arrange()
    canvas.close_document()
    qtbot.wait(50)
    assert places(canvas) == before
