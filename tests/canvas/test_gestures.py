"""What pointer and keys do on the canvas: real events, the graph changed once, at release."""

from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from graph import edits
from graph.edits import AddNode, Connect
from graph.graph import Node, Wire
from graph.ops.activation import ReLU
from gui.canvas.geometry import GRID, Point
from gui.canvas.interact.link import DragLink
from gui.canvas.interact.move import Move

LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


def drag(canvas: Any, start: QPoint, by: QPoint, button: Any = LEFT, held: Any = NONE) -> None:
    """Press, move in three steps, and keep holding."""
    QTest.mousePress(canvas, button, held, start)
    for step in (1, 2, 3):
        QTest.mouseMove(canvas, start + by * step / 3)
    QApplication.processEvents()


def test_click_selects_and_esc_lets_go(driven: Any) -> None:
    first, second = driven.canvas.scene.ids[:2]
    QTest.mouseClick(driven.canvas, LEFT, pos=driven.on(first))
    assert driven.document.selection == {first}
    QTest.mouseClick(driven.canvas, LEFT, SHIFT, driven.on(second))
    assert driven.document.selection == {first, second}
    QTest.mouseClick(driven.canvas, LEFT, SHIFT, driven.on(second))
    assert driven.document.selection == {first}
    QTest.keyClick(driven.canvas, Qt.Key.Key_Escape)
    assert driven.document.selection == frozenset()


def test_move_commits_one_edit_at_release(driven: Any) -> None:
    node, scene = driven.canvas.scene.ids[0], driven.canvas.scene
    before = driven.place(node)
    drag(driven.canvas, driven.on(node), QPoint(57, 31))
    assert driven.place(node) == before
    assert len(scene.lifted)
    assert driven.document.history.position == 0
    QTest.mouseRelease(driven.canvas, LEFT, pos=driven.on(node))
    x, y = driven.place(node)
    assert driven.document.history.position == 1
    assert (x % GRID, y % GRID) == (0, 0)
    assert (x - before[0], y - before[1]) == pytest.approx((57, 31), abs=GRID)
    assert not len(scene.lifted)
    assert scene.places[0].tolist() == [x, y]
    driven.document.undo()
    assert driven.place(node) == before
    assert tuple(scene.places[0].tolist()) == before


def test_selected_nodes_move_together(driven: Any) -> None:
    chosen = driven.canvas.scene.ids[:3]
    before = {node: driven.place(node) for node in chosen}
    driven.document.select(chosen)
    drag(driven.canvas, driven.on(chosen[1]), QPoint(40, 24))
    QTest.mouseRelease(driven.canvas, LEFT, pos=driven.on(chosen[1]))
    moved = {tuple(a - b for a, b in zip(driven.place(n), before[n], strict=True)) for n in chosen}
    assert moved == {(40.0, 24.0)}
    assert driven.document.history.undo_title == "Move 3 items"
    assert driven.document.selection == set(chosen)


def test_esc_puts_moved_nodes_back(driven: Any) -> None:
    scene = driven.canvas.scene
    node = scene.ids[0]
    places, lanes = scene.places.copy(), scene.lanes.copy()
    drag(driven.canvas, driven.on(node), QPoint(57, 31))
    assert scene.places[0].tolist() != places[0].tolist()
    QTest.keyClick(driven.canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(driven.canvas, LEFT, pos=QPoint(5, 5))
    assert (scene.places == places).all()
    assert scene.lanes.tolist() == pytest.approx(lanes.tolist(), nan_ok=True)
    assert driven.document.history.position == 0
    assert not len(scene.lifted)


def test_marquee_selects_what_it_touches(driven: Any) -> None:
    canvas = driven.canvas
    whole = canvas.scene.boxes.bounds()
    start = canvas.camera.window(Point(whole.x - 16, whole.y - 16))
    end = canvas.camera.window(Point(whole.x + 40, whole.bottom + 16))
    at = QPoint(round(start.x), round(start.y))
    drag(canvas, at, QPoint(round(end.x), round(end.y)) - at)
    left = [i for i, (x, _) in zip(canvas.scene.ids, canvas.scene.places, strict=True) if x < 20]
    assert canvas.marquee is not None
    assert driven.document.selection == set(left)
    QTest.mouseRelease(canvas, LEFT, pos=QPoint(5, 5))
    assert canvas.marquee is None
    drag(canvas, QPoint(3, 3), QPoint(6, 6))
    assert driven.document.selection == frozenset()
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert driven.document.selection == set(left)


@pytest.mark.parametrize("with_space", [False, True])
def test_pan_moves_the_view_and_esc_brings_it_back(driven: Any, with_space: bool) -> None:
    canvas, button = driven.canvas, LEFT if with_space else MIDDLE
    before = canvas.camera
    for release in (False, True):
        if with_space:
            QTest.keyPress(canvas, Qt.Key.Key_Space)
        drag(canvas, QPoint(600, 300), QPoint(60, -30), button)
        assert canvas.camera == before.panned(60, -30)
        if release:
            QTest.mouseRelease(canvas, button, pos=QPoint(660, 270))
        else:
            QTest.keyClick(canvas, Qt.Key.Key_Escape)
            assert canvas.camera == before
            QTest.mouseRelease(canvas, button, pos=QPoint(660, 270))
        if with_space:
            QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert canvas.camera == before.panned(60, -30)
    assert driven.document.selection == frozenset()


def turn(canvas: Any, at: QPoint, angle: int) -> None:
    """A wheel's turn at a point of the window; 120 is one notch."""
    event = QWheelEvent(
        QPointF(at),
        QPointF(canvas.mapToGlobal(at)),
        QPoint(),
        QPoint(0, angle),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def test_wheel_zooms_at_the_pointer(driven: Any) -> None:
    canvas, at = driven.canvas, QPoint(300, 200)
    under, rung = canvas.camera.canvas(300, 200), canvas.camera.rung
    turn(canvas, at, 120)
    assert canvas.camera.rung == rung + 4
    now = canvas.camera.window(under)
    assert (now.x, now.y) == pytest.approx((300, 200), abs=1.0)
    for _ in range(4):  # a touchpad's small turns add up
        turn(canvas, at, -30)
    assert canvas.camera.rung == rung


def test_hover_lights_nodes_and_wires(driven: Any) -> None:
    canvas, scene = driven.canvas, driven.canvas.scene
    node = scene.ids[0]
    QTest.mouseMove(canvas, driven.on(node))
    QApplication.processEvents()
    assert scene.node(node).state.hovered
    row = int((~scene.portal).nonzero()[0][0])
    x, y = scene.lines.points[row, 0, 0] * 0.4 + scene.lines.points[row, 0, 3] * 0.6
    at = canvas.camera.window(Point(x, y))
    QTest.mouseMove(canvas, QPoint(round(at.x), round(at.y)))
    QApplication.processEvents()
    assert not scene.node(node).state.hovered
    assert scene.hovered_wire == row


def test_port_hit_area(driven: Any) -> None:
    scene = driven.canvas.scene
    index = next(i for i, view in enumerate(scene.views) if view.outputs)
    x, y = scene.places[index]
    port = scene.box(index).outputs[0]
    hit = scene.port_at(Point(x + port.x + 10, y + port.y - 10))
    assert hit is not None
    assert (hit.node, hit.index, hit.is_output) == (scene.ids[index], 0, True)
    assert scene.port_at(Point(x + port.x + 13, y + port.y - 300)) is None


@pytest.mark.parametrize("rungs", [-24, -12, 0, 12])
@pytest.mark.parametrize("is_output", [True, False])
@pytest.mark.parametrize(
    ("across", "down", "pulls"),
    [(0, 0, True), (11, 0, True), (10, 6, True), (-7, 0, True), (14, 0, False), (-18, 0, False)],
)
def test_a_drag_beside_a_port_pulls_a_wire(
    driven: Any, rungs: int, is_output: bool, across: int, down: int, pulls: bool
) -> None:
    """px on screen, outwards; at every zoom at which ports are drawn."""
    canvas = driven.canvas
    driven.document.push(AddNode(Node("spare", ReLU(), x=200.0, y=900.0)))
    canvas.zoom_by(rungs)
    canvas.look_from(canvas.camera.centred(240.0, 900.0))
    at = canvas.camera.window(canvas.scene.port_point("spare", 0, is_output))
    start = QPoint(round(at.x) + (across if is_output else -across), round(at.y) + down)
    QTest.mousePress(canvas, LEFT, pos=start)
    QTest.mouseMove(canvas, start + QPoint(0, 30))
    assert isinstance(canvas.state, DragLink) is pulls
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(canvas, LEFT, pos=start)
    assert driven.place("spare") == (200.0, 900.0)


def test_a_port_takes_no_more_than_a_third_of_a_short_wire(driven: Any) -> None:
    canvas, document = driven.canvas, driven.document
    document.push(AddNode(Node("one", ReLU(), x=200.0, y=900.0)))
    width = canvas.scene.box(canvas.scene.index_of["one"]).width
    document.push(AddNode(Node("two", ReLU(), x=200.0 + width + 24.0, y=900.0)))
    wire = Wire("one", "y", "two", "x")
    document.push(Connect(wire))
    canvas.look_from(canvas.camera.centred(240.0, 900.0))
    ends = canvas.scene.port_point("one", 0, True), canvas.scene.port_point("two", 0, False)
    start, end = (canvas.camera.window(point) for point in ends)
    QTest.mouseClick(canvas, LEFT, pos=QPoint(round((start.x + end.x) / 2), round(start.y)))
    assert document.selected_wires == {wire}


def test_a_port_near_another_node_leaves_that_node_alone(driven: Any) -> None:
    canvas, document, scene = driven.canvas, driven.document, driven.canvas.scene
    document.push(AddNode(Node("one", ReLU(), x=200.0, y=900.0)))
    width = scene.box(scene.index_of["one"]).width
    document.push(AddNode(Node("two", ReLU(), x=204.0 + width, y=900.0)))
    canvas.zoom_by(-16)
    canvas.look_from(canvas.camera.centred(240.0, 900.0))
    start = driven.on("two", 30.0, 14.0)
    QTest.mousePress(canvas, LEFT, pos=start)
    QTest.mouseMove(canvas, start + QPoint(0, 30))
    assert isinstance(canvas.state, Move)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(canvas, LEFT, pos=start)


def test_canvas_follows_the_document(driven: Any) -> None:
    document, scene = driven.document, driven.canvas.scene
    gone = scene.ids[2]
    document.select([gone])
    wires = len(scene.wires)
    document.push(edits.Remove((gone,)))
    assert gone not in scene.index_of
    assert len(scene.wires) < wires
    assert document.selection == frozenset()
    document.undo()
    assert gone in scene.index_of
    assert len(scene.wires) == wires
