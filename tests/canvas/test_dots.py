"""Dots that wires are led through, put there and moved by real events."""

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from graph.dots import SetDots
from graph.drawing import copy, same
from graph.edits import AddNode, Connect
from graph.files import dumps, loads
from graph.graph import Dots, Node, Wire
from graph.ops.activation import ReLU, Tanh
from gui import fonts
from gui.canvas.geometry import Point
from gui.canvas.interact.knife import crossed
from gui.canvas.menu import canvas_menu
from gui.document import Document, Dot
from gui.theme import theme

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE, ALT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
WIRE = Wire("one", "y", "two", "x")
Y = 1000.0


class Wired:
    """Two nodes far from all others and one wire between them, with all actions."""

    def __init__(self, driven: Any) -> None:
        self.driven, self.canvas, self.document = driven, driven.canvas, driven.document
        self.scene = driven.canvas.scene
        for edit in (
            AddNode(Node("one", ReLU(), x=100.0, y=Y)),
            AddNode(Node("two", ReLU(), x=700.0, y=Y)),
            Connect(WIRE),
        ):
            self.document.push(edit)
        self.canvas.look_from(self.canvas.camera.centred(440.0, Y))
        driven.settle()
        self.steps = len(self.document.steps)

    @property
    def dots(self) -> Dots:
        """The dots of the wire in the graph; the scene has the same."""
        found: Dots = self.document.graph.dots.get(WIRE, ())
        row = self.document.wires.index(WIRE)
        shown = self.scene.led.of[row].tolist() if row in self.scene.led.of else []
        assert tuple(map(tuple, shown)) == found
        return found

    @property
    def done(self) -> list[str]:
        """Names of the steps since the beginning."""
        return list(self.document.steps[self.steps :])

    @property
    def picked(self) -> set[int]:
        """Numbers of the selected dots; the scene marks the same."""
        row = self.document.wires.index(WIRE)
        found = {dot.number for dot in self.document.selected_dots}
        assert {(row, number) for number in found} == self.scene.selected_dots
        return found

    def lead(self, *dots: tuple[float, float]) -> None:
        """Lead the wire through dots."""
        self.document.push(SetDots(WIRE, dots))
        self.steps += 1
        self.driven.settle()

    def at(self, x: float, y: float) -> QPoint:
        """A point of the canvas in the window."""
        at = self.canvas.camera.window(Point(x, y))
        return QPoint(round(at.x), round(at.y))

    def drag(self, start: QPoint, by: QPoint, held: Any = NONE, drop: bool = True) -> None:
        """Press, move in steps, let go."""
        QTest.mousePress(self.canvas, LEFT, held, start)
        for step in (1, 2, 3):
            QTest.mouseMove(self.canvas, start + by * step / 3)
        if drop:
            QTest.mouseRelease(self.canvas, LEFT, held, start + by)

    def press(self, key: Any, held: Any = NONE) -> None:
        """A key on the canvas."""
        self.driven.app.actions.refresh()
        QTest.keyClick(self.canvas, key, held)
        QApplication.processEvents()


@pytest.fixture
def wired(acting: Any) -> Wired:
    """Two nodes and a wire."""
    return Wired(acting)


def levels(picture: QPixmap) -> np.ndarray:
    """Height × width × 4."""
    rgb = picture.toImage().convertToFormat(QImage.Format.Format_RGB32)
    data = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), -1, 4)
    return data[:, : rgb.width()].astype(int)


def test_alt_and_click_puts_one_on_a_wire_and_selects_it(wired: Wired) -> None:
    QTest.mouseClick(wired.canvas, LEFT, ALT, wired.at(420, Y + 14))
    assert wired.dots == ((420.0, Y + 14),)  # on the thread, though that is beside the grid
    assert (wired.done, wired.picked) == (["Add a dot"], {0})
    assert wired.canvas.is_idle
    wired.document.undo()
    assert wired.dots == ()
    wired.document.redo()
    assert wired.dots == ((420.0, Y + 14),)


def test_alt_and_drag_puts_it_where_it_is_dropped_in_one_step(wired: Wired) -> None:
    wired.drag(wired.at(420, Y + 14), QPoint(41, 99), ALT)
    assert wired.dots == ((460.0, Y + 112),)
    assert wired.done == ["Add a dot"]
    wired.document.undo()
    assert wired.dots == ()


def test_the_cursor_and_the_wire_say_what_a_press_does(wired: Wired) -> None:
    wired.lead((420.0, Y + 100))
    row = wired.document.wires.index(WIRE)
    at = QPointF(wired.at(420, Y + 100))
    dot, off = at, at + QPointF(40, 0)
    for place, held, cursor, hovered in (
        (off, NONE, Qt.CursorShape.ArrowCursor, None),
        (off, ALT, Qt.CursorShape.CrossCursor, None),
        (dot, NONE, Qt.CursorShape.ArrowCursor, (row, 0)),
    ):
        kind, none = QMouseEvent.Type.MouseMove, Qt.MouseButton.NoButton
        glob = QPointF(wired.canvas.mapToGlobal(place))
        event = QMouseEvent(kind, place, glob, none, none, held)
        QApplication.sendEvent(wired.canvas, event)
        assert wired.canvas.cursor().shape() == cursor
        assert wired.scene.hovered_dot == hovered
        assert (wired.scene.hovered_wire == row) is (hovered is None)


def test_escape_takes_a_dot_in_the_hand_off_again(wired: Wired) -> None:
    wired.drag(wired.at(420, Y + 14), QPoint(40, 100), ALT, drop=False)
    QTest.keyClick(wired.canvas, Qt.Key.Key_Escape)
    assert wired.dots == ()
    assert wired.canvas.is_idle


def test_dots_stand_in_the_order_of_the_wire(wired: Wired) -> None:
    wired.lead((300.0, Y + 80), (500.0, Y + 80))
    QTest.mouseClick(wired.canvas, LEFT, ALT, wired.at(400, Y + 80))
    assert wired.dots == ((300.0, Y + 80), (400.0, Y + 80), (500.0, Y + 80))
    assert wired.picked == {1}


def test_a_dot_is_dragged_and_snaps(wired: Wired) -> None:
    wired.lead((420.0, Y + 100))
    wired.drag(wired.at(420, Y + 100), QPoint(30, 50))
    assert wired.dots == ((448.0, Y + 152),)
    assert wired.done == ["Move a dot"]
    wired.drag(wired.at(448, Y + 152), QPoint(0, -134))  # 4 px below the thread
    assert wired.dots == ((448.0, Y + 14),)
    wired.drag(wired.at(448, Y + 14), QPoint(0, 90), drop=False)
    QTest.keyClick(wired.canvas, Qt.Key.Key_Escape)
    assert wired.dots == ((448.0, Y + 14),)
    wired.driven.settle()
    assert wired.done == ["Move a dot", "Move a dot"]


def test_an_undo_under_the_hand_ends_the_gesture(wired: Wired) -> None:
    wired.lead((420.0, Y + 100))
    wired.drag(wired.at(420, Y + 100), QPoint(30, 50), drop=False)
    wired.document.undo()
    assert wired.dots == ()
    QTest.mouseRelease(wired.canvas, LEFT, NONE, wired.at(450, Y + 150))
    assert wired.dots == ()
    assert wired.canvas.is_idle


def test_dots_above_each_other_come_upright(wired: Wired) -> None:
    wired.lead((400.0, Y + 50), (500.0, Y + 150))
    wired.drag(wired.at(500, Y + 150), QPoint(-96, 22))
    assert wired.dots[1] == (400.0, Y + 172)


def test_several_and_nodes_move_together(wired: Wired) -> None:
    wired.lead((300.0, Y + 100), (500.0, Y + 100))
    QTest.mouseClick(wired.canvas, LEFT, NONE, wired.at(300, Y + 100))
    QTest.mouseClick(wired.canvas, LEFT, SHIFT, wired.at(500, Y + 100))
    QTest.mouseClick(wired.canvas, LEFT, SHIFT, wired.driven.on("two"))
    assert (wired.picked, wired.document.selection) == ({0, 1}, {"two"})
    wired.drag(wired.driven.on("two"), QPoint(40, 60))
    assert wired.dots == ((340.0, Y + 160), (540.0, Y + 160))
    assert wired.driven.place("two") == (740.0, Y + 60)
    assert wired.done == ["Move 3 items"]
    wired.document.undo()
    assert wired.dots == ((300.0, Y + 100), (500.0, Y + 100))
    assert wired.driven.place("two") == (700.0, Y)


def test_nodes_take_the_dots_between_them_along(wired: Wired) -> None:
    wired.lead((420.0, Y + 100))
    wired.document.select(["one", "two"])
    wired.drag(wired.driven.on("one"), QPoint(20, 40))
    assert wired.dots == ((440.0, Y + 140),)
    assert wired.done == ["Move 2 items"]
    wired.document.select(["one"])
    wired.drag(wired.driven.on("one"), QPoint(20, 40))
    assert wired.dots == ((440.0, Y + 140),)  # one end alone leaves them
    wired.document.select(["one", "two"])
    wired.press(Qt.Key.Key_Down, CONTROL)
    assert wired.dots == ((440.0, Y + 144),)


def test_a_rectangle_selects_dots(wired: Wired) -> None:
    wired.lead((300.0, Y + 100), (500.0, Y + 100))
    wired.drag(wired.at(440, Y + 160), QPoint(120, -100))
    assert (wired.picked, wired.document.selection) == ({1}, set())


def test_delete_takes_the_dot_and_leaves_the_wire(wired: Wired) -> None:
    wired.lead((300.0, Y + 100), (500.0, Y + 100))
    QTest.mouseClick(wired.canvas, LEFT, NONE, wired.at(300, Y + 100))
    wired.press(Qt.Key.Key_Delete)
    assert wired.dots == ((500.0, Y + 100),)
    assert wired.done == ["Remove a dot"]
    assert WIRE in wired.document.graph.wires()
    wired.document.undo()
    assert wired.dots == ((300.0, Y + 100), (500.0, Y + 100))
    assert wired.picked == {0}


def test_a_dot_and_its_node_are_deleted_as_one_step(wired: Wired) -> None:
    wired.lead((300.0, Y + 100))
    before = copy(wired.document.graph)
    wired.document.select(["two"], (), [Dot(WIRE, 0)])
    wired.press(Qt.Key.Key_Delete)
    assert wired.document.graph.dots == {}
    assert len(wired.done) == 1
    wired.document.undo()
    assert same(wired.document.graph, before)


def test_keys_alone_put_move_and_remove_one(wired: Wired) -> None:
    wired.document.select(["one"])
    wired.canvas.at_node = "one"
    wired.press(Qt.Key.Key_E)
    assert wired.document.selected_wires == {WIRE}
    wired.press(Qt.Key.Key_Period)
    (first,) = wired.dots
    assert wired.picked == {0}
    wired.press(Qt.Key.Key_Down, CONTROL)
    wired.press(Qt.Key.Key_Down, CONTROL)
    assert wired.dots == ((first[0], first[1] + 8.0),)
    wired.press(Qt.Key.Key_E)
    assert wired.document.selected_wires == {WIRE}
    wired.press(Qt.Key.Key_E)
    assert wired.picked == {0}
    wired.press(Qt.Key.Key_Delete)
    assert wired.dots == ()
    assert wired.done == ["Add a dot", "Move a dot", "Remove a dot"]


def test_the_menu_of_a_wire_puts_one_where_it_was_opened(wired: Wired) -> None:
    QTest.mouseClick(wired.canvas, RIGHT, NONE, wired.at(300, Y + 14))
    app = wired.driven.app
    listed = [action.text() for action in canvas_menu(app, wired.canvas).actions()]
    assert "Add a dot to the wire" in listed
    app.actions["graph.add_dot"].trigger()
    assert wired.dots == ((300.0, Y + 14),)
    QTest.mouseClick(wired.canvas, LEFT, NONE, wired.at(420, Y + 300))
    QTest.mouseClick(wired.canvas, RIGHT, NONE, wired.at(300, Y + 14))
    assert wired.picked == {0}
    listed = [action.text() for action in canvas_menu(app, wired.canvas).actions()]
    assert listed == ["Delete"]
    for menu in QApplication.topLevelWidgets():
        if menu.metaObject().className() == "QMenu":
            menu.close()


def test_a_node_put_into_the_wire_parts_its_dots(wired: Wired) -> None:
    wired.lead((300.0, Y + 114), (560.0, Y + 114))
    wired.document.push(AddNode(Node("mid", Tanh(), x=420.0, y=Y + 240)))
    wired.driven.settle()
    wired.drag(wired.driven.on("mid"), QPoint(-20, -140))
    graph = wired.document.graph
    assert graph.dots == {
        Wire("one", "y", "mid", "x"): ((300.0, Y + 114),),
        Wire("mid", "y", "two", "x"): ((560.0, Y + 114),),
    }
    wired.document.select(["mid"])
    wired.press(Qt.Key.Key_Delete, CONTROL)
    assert graph.dots == {WIRE: ((300.0, Y + 114), (560.0, Y + 114))}


def test_a_wire_taken_off_its_port_leaves_its_dots_behind(wired: Wired) -> None:
    wired.lead((300.0, Y + 114))
    end = wired.scene.port_point("two", 0, False)
    wired.drag(wired.at(end.x, end.y), QPoint(-60, 200))
    assert WIRE not in wired.document.graph.wires()
    assert wired.document.graph.dots == {}
    wired.document.undo()
    assert wired.dots == ((300.0, Y + 114),)


def test_the_knife_meets_the_wire_where_dots_lead_it(wired: Wired) -> None:
    wired.lead((300.0, Y + 114), (560.0, Y + 114))
    row = wired.document.wires.index(WIRE)
    assert crossed(wired.canvas, Point(430, Y + 100), Point(430, Y + 130)) == [row]
    assert crossed(wired.canvas, Point(430, Y), Point(430, Y + 30)) == []


def test_arrange_takes_dots_off_and_says_so(wired: Wired) -> None:
    wired.lead((300.0, Y + 114), (560.0, Y + 114))
    said: list[str] = []
    wired.canvas.said.connect(said.append)
    wired.document.select(["one", "two"])
    wired.press(Qt.Key.Key_L, CONTROL)
    assert wired.dots == ()
    assert said == ["Arranged without 2 dots on wires. Undo brings them back."]
    assert wired.done == ["Arrange"]
    wired.document.undo()
    assert len(wired.dots) == 2


def test_duplicates_have_their_own(wired: Wired) -> None:
    wired.lead((420.0, Y + 100))
    wired.document.select(["one", "two"])
    wired.press(Qt.Key.Key_D, CONTROL)
    (new,) = set(wired.document.graph.dots) - {WIRE}
    assert wired.document.graph.dots[new] == ((460.0, Y + 140),)


def test_a_file_shows_them_again(wired: Wired) -> None:
    wired.lead((300.0, Y + 100), (500.0, Y + 60))
    again = Document(loads(dumps(wired.document.graph)), fonts.measure)
    shown = [[wire.dots for wire in one.view.wires] for one in (again, wired.document)]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("mood", ["dark", "light"])
@pytest.mark.parametrize("rungs", [-24, -8, 0, 8])
def test_parts_of_a_drag_equal_painting_all(wired: Wired, rungs: int, mood: Any) -> None:
    """Tiles, the hand, and what is left behind show what a fresh canvas shows."""
    canvas = wired.canvas
    canvas.minimap.hide()
    canvas.zoom_bar.hide()
    canvas.set_theme(theme(mood))
    wired.lead((300.0, Y + 100), (500.0, Y + 60))
    canvas.zoom_by(rungs)
    canvas.look_from(canvas.camera.centred(440.0, Y))
    wired.driven.settle()
    wired.drag(wired.at(300, Y + 100), QPoint(20, 60), drop=False)
    wired.driven.settle()
    kept = levels(canvas.grab())
    canvas.backdrop.forget()
    assert (kept == levels(canvas.grab())).all()
    QTest.mouseRelease(canvas, LEFT, NONE, wired.at(300, Y + 100) + QPoint(20, 60))
    QTest.mouseMove(canvas, QPoint(2, 2))
    wired.driven.settle()
    after = levels(canvas.grab())
    canvas.links.tiles.clear()
    wired.driven.settle()
    assert (after == levels(canvas.grab())).all()
