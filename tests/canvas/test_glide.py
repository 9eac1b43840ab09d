"""The camera glides to a node out of sight, and gives way to the user at once."""

from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QVariantAnimation
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.canvas.camera import Camera
from gui.canvas.glide import Glide

AWAY = Camera(x=-300.0, y=40.0, rung=0, width=800, height=600)


@pytest.fixture
def leaving(driven: Any) -> Any:
    """A canvas that glides from far off to conv2."""
    canvas = driven.canvas
    canvas.look_from(canvas.camera.centred(4000.0, 3000.0))
    canvas.show_node("conv2")
    return driven


def glides(canvas: Any) -> bool:
    found = canvas.findChild(Glide)
    return bool(found.state() == QVariantAnimation.State.Running)


def test_it_goes_there_frame_by_frame_and_then_stands(leaving: Any) -> None:
    canvas = leaving.canvas
    start, goal, seen = canvas.camera, canvas.heading, []
    assert start != goal
    canvas.camera_changed.connect(lambda: seen.append(canvas.camera))
    leaving.qtbot.waitUntil(lambda: not glides(canvas))
    assert canvas.camera == canvas.heading == goal == seen[-1]
    assert len(seen) > 2
    ways = [camera.x for camera in (start, *seen)]
    assert ways == sorted(ways, reverse=True)


def test_what_will_be_in_the_middle_goes_straight() -> None:
    goal = Camera(x=900.0, y=-200.0, rung=-16, width=800, height=600)
    middle = goal.canvas(400, 300)
    half = AWAY.towards(goal, 0.5)
    start, here = AWAY.window(middle), half.window(middle)
    assert half.rung == -8
    assert (here.x, here.y) == pytest.approx(((start.x + 400) / 2, (start.y + 300) / 2), abs=1.0)
    assert AWAY.towards(goal, 0.0) == AWAY
    assert AWAY.towards(goal, 1.0) == goal


def test_a_press_stops_it_where_it_is(leaving: Any) -> None:
    canvas, goal = leaving.canvas, leaving.canvas.heading
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert not glides(canvas)
    assert canvas.camera == canvas.heading != goal


def test_the_wheel_turns_where_it_is(leaving: Any) -> None:
    canvas, before = leaving.canvas, leaving.canvas.camera
    at = QPointF(300.0, 200.0)
    turn = QWheelEvent(
        *(at, canvas.mapToGlobal(at), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton),
        *(Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False),
    )
    QApplication.sendEvent(canvas, turn)
    assert not glides(canvas)
    fixed = before.canvas(300, 200)
    now = canvas.camera.window(fixed)
    assert (now.x, now.y) == pytest.approx((300, 200), abs=1.0)


def test_a_key_finds_it_at_its_end(leaving: Any) -> None:
    canvas, goal = leaving.canvas, leaving.canvas.heading
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert not glides(canvas)
    assert canvas.camera == goal


def test_any_other_view_ends_it(leaving: Any) -> None:
    canvas, goal = leaving.canvas, leaving.canvas.heading
    canvas.fit()
    assert not glides(canvas)
    assert canvas.camera != goal


def test_it_is_there_when_the_canvas_is_resized_or_hidden(leaving: Any) -> None:
    canvas, goal = leaving.canvas, leaving.canvas.heading
    canvas.resize(1000, 600)
    assert (canvas.camera.x, canvas.camera.y) == (goal.x, goal.y)
    canvas.look_from(goal.panned(5000, 0))
    canvas.show_node("conv2")
    goal = canvas.heading
    canvas.hide()
    assert not glides(canvas)
    assert canvas.camera == goal


def test_another_node_on_the_way_is_measured_from_its_end(leaving: Any) -> None:
    canvas, goal = leaving.canvas, leaving.canvas.heading
    canvas.show_node("relu2")  # beside conv2: in sight once the camera stands
    assert canvas.heading == goal


def test_with_reduced_motion_it_jumps(driven: Any) -> None:
    canvas = driven.canvas
    canvas.still = True
    canvas.look_from(canvas.camera.centred(4000.0, 3000.0))
    before = canvas.camera
    canvas.show_node("conv2")
    assert canvas.camera == canvas.heading != before
