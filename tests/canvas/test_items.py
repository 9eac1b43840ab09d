"""Frames and notes: made, typed, moved with what they hold, resized; tips, jumps and zoom."""

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QToolTip

from graph import edits
from graph.graph import Frame, Note
from gui.canvas import commands
from gui.canvas.geometry import Point, Rect
from gui.canvas.hits import PortHit
from gui.canvas.items import carried, frame_rect, item_at, note_rect
from gui.canvas.view_model import mosaic

LEFT = Qt.MouseButton.LeftButton


def at(driven: Any, x: float, y: float) -> QPoint:
    """A point of the window over a point of the canvas."""
    found = driven.canvas.camera.window(Point(x, y))
    return QPoint(round(found.x), round(found.y))


def pull(driven: Any, start: QPoint, by: QPoint) -> None:
    """Drag and let go."""
    QTest.mousePress(driven.canvas, LEFT, pos=start)
    for step in (1, 2, 3):
        QTest.mouseMove(driven.canvas, start + by * step / 3)
        QApplication.processEvents()
    QTest.mouseRelease(driven.canvas, LEFT, pos=start + by)


@pytest.fixture
def framed(driven: Any) -> Any:
    """conv1 and relu1 in a frame called "Eyes"."""
    driven.document.select(["conv1", "relu1"])
    id = commands.frame_selection(driven.canvas)
    editor = driven.canvas.naming.field.widget
    QTest.keyClicks(editor, "Eyes")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    driven.frame = id
    return driven


def the_frame(driven: Any) -> Frame:
    """The frame as the graph has it."""
    found: Frame = driven.document.graph.frames[driven.frame]
    return found


def test_a_frame_is_put_around_the_selection_and_named(framed: Any) -> None:
    frame = the_frame(framed)
    assert frame.title == "Eyes"
    assert frame.nodes == ("conv1", "relu1")
    scene = framed.canvas.scene
    assert scene.items == {framed.frame}
    around = frame_rect(scene.frames[0])
    for id in frame.nodes:
        rect = scene.rect(scene.index_of[id])
        assert around.x < rect.x
        assert around.y + 26 < rect.y
        assert around.right > rect.right
        assert around.bottom > rect.bottom


def test_a_frame_carries_its_nodes(framed: Any) -> None:
    frame, before = the_frame(framed), framed.place("conv1")
    steps = framed.document.history.position
    framed.document.push(edits.SetNote(Note("word", "in it", frame.x + 20, frame.y + 60, 80.0)))
    assert carried(framed.canvas.scene, [framed.frame]) == (
        {"conv1", "relu1"},
        {framed.frame, "word"},
    )
    pull(framed, at(framed, frame.x + 60, frame.y + 10), QPoint(0, 120))
    assert framed.place("conv1")[1] > before[1] + 100
    moved = the_frame(framed)
    assert moved.y - frame.y == framed.place("conv1")[1] - before[1]
    assert framed.document.graph.notes["word"].y == frame.y + 60 + moved.y - frame.y
    assert moved.nodes == ("conv1", "relu1")
    assert framed.document.history.position == steps + 2
    framed.document.undo()
    assert the_frame(framed) == frame
    assert framed.place("conv1") == before


def test_esc_puts_a_frame_back(framed: Any) -> None:
    frame, canvas = the_frame(framed), framed.canvas
    start = at(framed, frame.x + 60, frame.y + 10)
    QTest.mousePress(canvas, LEFT, pos=start)
    for step in (1, 2, 3):
        QTest.mouseMove(canvas, start + QPoint(0, 30 * step))
        QApplication.processEvents()
    assert canvas.scene.frames[0].y != frame.y
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(canvas, LEFT, pos=start)
    assert canvas.scene.frames[0].y == frame.y
    assert framed.place("conv1") == tuple(
        canvas.scene.places[canvas.scene.index_of["conv1"]].tolist()
    )


def test_a_node_dragged_out_belongs_to_it_no_more_and_back_in_it_does(framed: Any) -> None:
    pull(framed, framed.on("relu1", 40, 8), QPoint(0, 320))
    assert the_frame(framed).nodes == ("conv1",)
    assert framed.document.history.undo_title == "Move relu1"
    start = framed.on("relu1", 40, 8)
    goal = at(framed, *framed.place("conv1")) + QPoint(60, 40)
    QTest.mousePress(framed.canvas, LEFT, pos=start)
    for step in (1, 2, 3):
        QTest.mouseMove(framed.canvas, start + (goal - start) * step / 3)
        QApplication.processEvents()
    assert framed.canvas.draft.outline == frame_rect(framed.canvas.scene.frames[0])
    QTest.mouseRelease(framed.canvas, LEFT, pos=goal)
    assert set(the_frame(framed).nodes) == {"conv1", "relu1"}


def test_a_frame_is_resized_by_its_corner(framed: Any) -> None:
    frame = the_frame(framed)
    pull(framed, at(framed, frame.x + frame.width - 3, frame.y + frame.height - 3), QPoint(200, 40))
    sized = the_frame(framed)
    assert sized.width > frame.width + 150
    assert sized.height > frame.height + 30
    assert "conv2" in sized.nodes
    assert framed.document.history.undo_title == "Resize frame"


def test_a_note_is_typed_moved_and_widened(driven: Any) -> None:
    document, canvas = driven.document, driven.canvas
    id = commands.add_note(canvas, Point(40.0, 480.0))
    editor = canvas.naming.field.widget
    assert isinstance(editor, QPlainTextEdit)
    QTest.keyClicks(editor, "Sees edges")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.keyClicks(editor, "then corners")
    QTest.keyClick(editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert document.graph.notes[id].text == "Sees edges\nthen corners"
    rect = note_rect(canvas.scene.notes[0])
    assert item_at(canvas.scene, Point(rect.x + 20, rect.y + 10), 1.0).part == "body"
    pull(driven, at(driven, rect.x + 30, rect.y + 10), QPoint(40, 20))
    assert document.graph.notes[id].x == 80.0
    rect = note_rect(canvas.scene.notes[0])
    pull(driven, at(driven, rect.right - 3, rect.y + 12), QPoint(60, 0))
    assert document.graph.notes[id].width > 240
    QTest.mouseDClick(canvas, LEFT, pos=at(driven, rect.x + 30, rect.y + 10))
    assert canvas.naming.field is not None
    canvas.naming.field.widget.setPlainText("")
    canvas.naming.end()
    assert id not in document.graph.notes


def test_a_click_on_the_canvas_ends_typing(driven: Any) -> None:
    driven.canvas.edit_text("conv1")
    QTest.keyClicks(driven.canvas.naming.field.widget, "first")
    driven.canvas.look_from(driven.canvas.camera.panned(10, 0))
    assert driven.canvas.naming.field is None
    assert driven.document.graph.node("conv1").name == "first"


def test_new_previews_do_not_end_a_gesture(driven: Any) -> None:
    canvas, start = driven.canvas, driven.on("conv1", 40, 8)
    QTest.mousePress(canvas, LEFT, pos=start)
    QTest.mouseMove(canvas, start + QPoint(10, 30))
    QTest.mouseMove(canvas, start + QPoint(20, 60))

    picture = mosaic([[[0.0, 1.0], [1.0, 0.0]]] * 12)
    driven.document.select(["conv1"])
    history = driven.document.history.position
    driven.document.push(edits.Move((("conv2", *driven.place("conv2")),)))
    assert driven.document.history.position == history + 1
    driven.document.show_previews({"conv1": picture})
    assert len(canvas.scene.lifted)
    QTest.mouseRelease(canvas, LEFT, pos=start + QPoint(20, 60))
    assert canvas.scene.node("conv1").preview is picture


def test_tips_tell_shapes_and_statistics(driven: Any) -> None:
    canvas, tips = driven.canvas, driven.canvas.tips
    row = next(r for r, w in enumerate(driven.document.wires) if w.source == "conv1")
    assert tips.words(row) == "conv1 → relu1\nN×16×8×8"
    tips.statistics = lambda node, port: [f"mean of {node}.{port}: 0.5"]
    assert tips.words(PortHit("conv1", 0, True)).splitlines() == [
        "conv1.y",
        "N×16×8×8",
        "mean of conv1.y: 0.5",
    ]
    tips.statistics = None
    driven.document.push(edits.Disconnect(driven.document.wires[row]))
    assert "not wired yet" in tips.words(PortHit("relu1", 0, False))
    port = canvas.scene.port_point("conv2", 0, True)
    QTest.mouseMove(canvas, at(driven, port.x, port.y))
    driven.qtbot.waitUntil(lambda: "conv2.y" in QToolTip.text())
    QTest.mouseMove(canvas, QPoint(3, 3))
    driven.qtbot.waitUntil(lambda: not QToolTip.isVisible())


def test_jumping_to_a_node_lights_it_where_it_is_in_sight(driven: Any) -> None:
    canvas = driven.canvas
    before = canvas.camera
    unlit = canvas.grab().toImage()
    canvas.show_node("conv2")
    assert canvas.camera == before
    assert canvas.grab().toImage() != unlit
    driven.qtbot.waitUntil(lambda: canvas.grab().toImage() == unlit, timeout=3000)


@pytest.mark.parametrize("corner", [(-60, 200), (5, 200), (600, 5), (600, 700), (20, 630)])
def test_jumping_centres_a_node_at_the_edge_under_a_card_or_out_of_sight(
    driven: Any, corner: tuple[int, int]
) -> None:
    canvas = driven.canvas
    rect = canvas.scene.rect(canvas.scene.index_of["conv2"])
    at = canvas.camera.window(Point(rect.x, rect.y))
    canvas.look_from(canvas.camera.panned(corner[0] - at.x, corner[1] - at.y))
    before = canvas.camera
    canvas.show_node("conv2")
    canvas.arrive()
    assert canvas.camera != before
    assert_in_the_middle(canvas, rect)
    assert canvas.camera.zoom == before.zoom


def test_jumping_among_blocks_shows_the_node_whole(driven: Any) -> None:
    canvas = driven.canvas
    canvas.zoom_by(-40)
    canvas.show_node("conv2")
    canvas.arrive()
    assert_in_the_middle(canvas, canvas.scene.rect(canvas.scene.index_of["conv2"]))
    assert canvas.camera.zoom == 1.0


def assert_in_the_middle(canvas: Any, rect: Rect) -> None:
    middle = canvas.camera.window(Point(rect.x + rect.width / 2, rect.middle))
    assert abs(middle.x - canvas.width() / 2) <= 1
    assert abs(middle.y - canvas.height() / 2) <= 1


def test_zoom_buttons(driven: Any) -> None:
    canvas = driven.canvas
    out, whole, into, fit = canvas.zoom_bar.children()[1:5]
    rung = canvas.camera.rung
    QTest.mouseClick(out, LEFT)
    assert canvas.camera.rung == rung - 4
    QTest.mouseClick(into, LEFT)
    QTest.mouseClick(into, LEFT)
    assert canvas.camera.rung == rung + 4
    QTest.mouseClick(whole, LEFT)
    assert canvas.camera.zoom == 1.0
    canvas.look_from(canvas.camera.panned(500, 300))
    QTest.mouseClick(fit, LEFT)
    bounds, area = canvas.scene.bounds(), canvas.camera.area
    assert area.x < bounds.x
    assert area.right > bounds.right
    assert canvas.zoom_bar.x() > canvas.minimap.geometry().right()
