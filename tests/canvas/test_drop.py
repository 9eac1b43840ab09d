"""Nodes dropped on the canvas and on wires: one step, wired, with room made."""

from typing import Any

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from graph import edits
from graph.graph import Node, Wire
from graph.ops.activation import ReLU
from graph.ops.conv import Conv2d
from graph.ops.dense import Dense
from gui.canvas.geometry import Point

LEFT, ALT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier


def on_wire(driven: Any, source: str) -> tuple[Wire, QPointF]:
    """The first wire of a node, and the point of the window in its middle."""
    document, scene = driven.document, driven.canvas.scene
    wire = document.drawing.wires_out(source)[0]
    row = document.wires.index(wire)
    a, b = scene.lines.points[row, 0, 0], scene.lines.points[row, 0, 3]
    at = driven.canvas.camera.window(Point(*((a + b) / 2).tolist()))
    return wire, QPointF(at.x, at.y)


def conv(driven: Any) -> str:
    return sorted(n.id for n in driven.document.graph if isinstance(n.op, Conv2d))[0]


def test_a_node_from_the_library_stands_under_the_pointer(driven: Any) -> None:
    canvas, document = driven.canvas, driven.document
    at = QPointF(40, 600)
    canvas.preview_drop(Dense(), at)
    assert [node.view.title for node in canvas.draft.nodes] == ["Dense"]
    assert document.history.position == 0
    canvas.preview_drop(None, at)
    assert not canvas.draft.nodes
    id = canvas.drop(Dense(), at)
    place = canvas.camera.window(Point(*driven.place(id)))
    assert abs(place.x - 24) <= 4
    assert abs(place.y - 586) <= 4
    assert document.selection == {id}
    assert document.history.undo_title == "Add Dense"
    assert document.history.position == 1


def test_dropped_on_a_wire_it_goes_into_it(driven: Any) -> None:
    canvas, document = driven.canvas, driven.document
    wire, at = on_wire(driven, conv(driven))
    canvas.preview_drop(ReLU(), at)
    assert canvas.draft.rows == (document.wires.index(wire),)
    behind = driven.place(wire.target)
    id = canvas.drop(ReLU(), at)
    drawn = set(document.graph.wires())
    assert {
        Wire(wire.source, wire.output, id, "x"),
        Wire(id, "y", wire.target, wire.input),
    } <= drawn
    assert wire not in drawn
    scene = canvas.scene
    rects = [scene.rect(scene.index_of[i]) for i in (wire.source, id, wire.target)]
    assert rects[0].right < rects[1].x
    assert rects[1].right < rects[2].x
    assert rects[0].y == rects[1].y
    document.undo()
    assert wire in document.graph.wires()
    assert driven.place(wire.target) == behind


def test_a_wire_that_does_not_fit_stays_dark(driven: Any) -> None:
    wire, at = on_wire(driven, conv(driven))
    driven.canvas.preview_drop(Dense(), at)
    assert driven.canvas.draft.rows == ()
    driven.canvas.drop(Dense(), at)
    assert wire in driven.document.graph.wires()


def carry(driven: Any, node: str, to: QPointF, held: Any) -> None:
    """Drag a node's header to a point and let go."""
    start = driven.on(node)
    QTest.mousePress(driven.canvas, LEFT, pos=start)
    for step in (1, 2, 3):
        QTest.mouseMove(driven.canvas, start + (to.toPoint() - start) * step / 3)
        QApplication.processEvents()
    QTest.mouseRelease(driven.canvas, LEFT, held, to.toPoint())


def test_a_loose_node_is_dropped_into_a_wire(driven: Any) -> None:
    document, canvas = driven.document, driven.canvas
    low = max(node.y for node in document.graph) + 120
    document.push(edits.AddNode(Node("loose", ReLU(), x=300, y=low)))
    canvas.fit()
    wire, at = on_wire(driven, conv(driven))
    carry(driven, "loose", at - QPointF(20, 0), Qt.KeyboardModifier.NoModifier)
    assert Wire(wire.source, wire.output, "loose", "x") in document.graph.wires()
    assert document.history.undo_title == "Insert loose"
    assert not canvas.draft.rows


def test_wires_stay_when_a_wired_node_is_moved_over_them(driven: Any) -> None:
    document = driven.document
    before = set(document.graph.wires())
    wire, at = on_wire(driven, conv(driven))
    dense = next(n.id for n in document.graph if isinstance(n.op, Dense))
    start = driven.on(dense)
    carry(driven, dense, at + QPointF(0, 4), Qt.KeyboardModifier.NoModifier)
    assert set(document.graph.wires()) == before
    assert driven.on(dense) != start
    assert isinstance(start, QPoint)
    assert wire in before
