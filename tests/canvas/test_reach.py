"""A drag at the window's edge moves the view; control and a drag moves all wires of a port."""

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from graph import edits
from graph.graph import Node
from graph.ops.activation import ReLU
from graph.ops.merge import Add

LEFT, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier


def port(driven: Any, node: str, index: int = 0, is_output: bool = True) -> QPoint:
    at = driven.canvas.camera.window(driven.canvas.scene.port_point(node, index, is_output))
    return QPoint(round(at.x), round(at.y))


def outgoing(driven: Any, node: str) -> set[str]:
    return {f"{w.target}.{w.input}" for w in driven.document.graph.wires_out(node)}


@pytest.mark.parametrize(
    ("edge", "way"),
    [((1270, 300), (1, 0)), ((5, 300), (-1, 0)), ((600, 712), (0, 1)), ((600, -40), (0, -1))],
)
def test_a_node_at_the_edge_takes_the_view_along(
    driven: Any, edge: tuple[int, int], way: tuple[int, int]
) -> None:
    canvas = driven.canvas
    start, before, at = driven.on("conv2"), canvas.camera, driven.place("conv2")
    QTest.mousePress(canvas, LEFT, pos=start)
    QTest.mouseMove(canvas, start + QPoint(9, 9))
    QTest.mouseMove(canvas, QPoint(*edge))

    def moved() -> float:
        return (canvas.camera.x - before.x) * way[0] + (canvas.camera.y - before.y) * way[1]

    driven.qtbot.waitUntil(lambda: moved() > 100.0)
    QTest.mouseMove(canvas, QPoint(640, 360))
    rests = canvas.camera
    driven.qtbot.waitUntil(lambda: not canvas._reaching.isActive())
    assert canvas.camera == rests
    QTest.mouseRelease(canvas, LEFT, pos=QPoint(640, 360))
    shift = rests.x - before.x, rests.y - before.y
    for now, then, by, pan in zip(
        driven.place("conv2"), at, (640 - start.x(), 360 - start.y()), shift, strict=True
    ):
        assert abs(now - then - by - pan) <= 4.0  # the node is where the pointer left it


def test_the_view_rests_when_the_gesture_ends_and_without_one(driven: Any) -> None:
    canvas = driven.canvas
    before = canvas.camera
    QTest.mouseMove(canvas, QPoint(1275, 300))
    assert not canvas._reaching.isActive()
    QTest.mousePress(canvas, LEFT, pos=QPoint(1200, 650))
    QTest.mouseMove(canvas, QPoint(1275, 640))
    driven.qtbot.waitUntil(lambda: canvas.camera != before)
    assert canvas.marquee is not None
    wide = canvas.marquee.width
    driven.qtbot.waitUntil(lambda: canvas.marquee.width > wide + 20)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    driven.qtbot.waitUntil(lambda: not canvas._reaching.isActive())


def test_a_wire_reaches_a_node_out_of_sight(driven: Any) -> None:
    canvas, document = driven.canvas, driven.document
    document.push(edits.AddNode(Node("far", ReLU(), x=2400.0, y=driven.place("conv1")[1])))
    driven.settle()
    start = port(driven, "conv1")
    QTest.mousePress(canvas, LEFT, pos=start)
    QTest.mouseMove(canvas, start + QPoint(30, 30))
    QTest.mouseMove(canvas, QPoint(1278, start.y()))
    driven.qtbot.waitUntil(lambda: port(driven, "far", 0, False).x() < 1200)
    end = port(driven, "far", 0, False)
    QTest.mouseMove(canvas, QPoint(700, end.y()))
    end = port(driven, "far", 0, False)
    QTest.mouseMove(canvas, end)
    QTest.mouseRelease(canvas, LEFT, pos=end)
    assert "far.x" in outgoing(driven, "conv1")


def pulled(driven: Any, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(driven.canvas, LEFT, CONTROL, start)
    for step in (1, 2, 3, 4):
        QTest.mouseMove(driven.canvas, start + (end - start) * step / 4)
    QApplication.processEvents()


def let_go(driven: Any, at: QPoint) -> None:
    QTest.mouseRelease(driven.canvas, LEFT, CONTROL, at)
    QApplication.processEvents()


@pytest.fixture
def branched(driven: Any) -> Any:
    """relu1 feeds two nodes; a spare ReLU of the same shape stands below."""
    document = driven.document
    document.push(edits.AddNode(Node("sum", Add(), x=300.0, y=420.0)))
    document.push(edits.AddNode(Node("spare", ReLU(), x=40.0, y=420.0)))
    made = [
        edits.connect(document.graph, "relu1", "y", "sum", "x"),
        edits.connect(document.graph, "conv1", "y", "spare", "x"),
    ]
    document.push(edits.Batch(tuple(edits.Connect(wire) for wire in made)))
    driven.canvas.fit()
    driven.settle()
    return driven


def test_control_moves_all_wires_of_an_output_as_one_step(branched: Any) -> None:
    document, steps = branched.document, branched.document.history.position
    both = outgoing(branched, "relu1")
    assert len(both) == 2
    end = port(branched, "spare")
    pulled(branched, port(branched, "relu1"), end)
    assert len(branched.canvas.draft.wires) == 2
    assert len(branched.canvas.scene.hidden_wires) == 2
    let_go(branched, end)
    assert outgoing(branched, "spare") == both
    assert outgoing(branched, "relu1") == set()
    assert document.history.position == steps + 1
    assert document.steps[-1] == "Move 2 wires"
    document.undo()
    assert outgoing(branched, "relu1") == both


def test_a_port_that_one_of_them_does_not_fit_takes_none(branched: Any) -> None:
    words = list[str]()
    branched.canvas.said.connect(words.append)
    both, end = outgoing(branched, "relu1"), port(branched, "digits", 1)
    pulled(branched, port(branched, "relu1"), end)
    assert branched.canvas.draft.refused
    let_go(branched, end)
    assert outgoing(branched, "relu1") == both
    assert words
    assert branched.canvas.is_idle


def test_dropped_on_nothing_all_are_removed_and_escape_puts_them_back(branched: Any) -> None:
    both, start = outgoing(branched, "relu1"), port(branched, "relu1")
    free = start + QPoint(30, -60)
    pulled(branched, start, free)
    QTest.keyClick(branched.canvas, Qt.Key.Key_Escape)
    let_go(branched, free)
    assert outgoing(branched, "relu1") == both
    pulled(branched, start, free)
    let_go(branched, free)
    assert outgoing(branched, "relu1") == set()


def test_control_moves_all_wires_of_an_input_that_takes_many(branched: Any) -> None:
    document = branched.document
    document.push(edits.Connect(edits.connect(document.graph, "conv1", "y", "sum", "x")))
    document.push(edits.AddNode(Node("other", Add(), x=560.0, y=420.0)))
    branched.settle()
    end = port(branched, "other", 0, False)
    pulled(branched, port(branched, "sum", 0, False), end)
    let_go(branched, end)
    found = document.graph.wires_in("other", "x")
    assert [w.source for w in found] == ["relu1", "conv1"]
    assert sorted(w.order for w in found) == [0, 1]
    assert not document.graph.wires_in("sum")


def test_a_single_wire_of_an_input_stays_while_a_second_begins(branched: Any) -> None:
    document = branched.document
    start = port(branched, "spare", 0, False)
    end = port(branched, "relu1")
    pulled(branched, start, end)
    let_go(branched, end)
    assert [w.source for w in document.graph.wires_in("spare")] == ["relu1"]
