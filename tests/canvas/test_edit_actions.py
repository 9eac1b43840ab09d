"""Every action of the drawing by its key, on a real canvas."""

from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from graph import edits
from graph.drawing import copy, same
from graph.graph import Node, Wire
from graph.ops.activation import ReLU
from graph.ops.dense import Dense
from graph.ops.loss import CrossEntropy
from graph.ops.optimizer import Adam
from graph.ops.shape import Flatten
from graph.subgraph import Subgraph
from gui.canvas.geometry import Point
from gui.canvas.menu import canvas_menu

K, M = Qt.Key, Qt.KeyboardModifier
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


def press(driven: Any, key: Any, held: Any = M.NoModifier) -> None:
    """A key, with every action asked anew whether it is enabled."""
    driven.app.actions.refresh()
    QTest.keyClick(driven.canvas, key, held)
    QApplication.processEvents()


def types(driven: Any) -> list[str]:
    """The node types of the drawing, by name."""
    return sorted(type(node.op).__name__ for node in driven.document.drawing)


def chain(driven: Any) -> list[str]:
    """The ids along the first path: data, conv, relu …"""
    return ["conv1", "relu1", "conv2"]


def test_every_action_has_its_own_keys(acting: Any) -> None:
    taken: dict[str, str] = {}
    for entry in acting.app.actions:
        assert entry.menu in ("Edit", "Graph", "View")
        for key in entry.action.shortcuts():
            text = key.toString()
            assert text, entry.id
            assert taken.setdefault(text, entry.id) == entry.id


def test_delete_and_undo(acting: Any) -> None:
    document, before = acting.document, copy(acting.document.graph)
    document.select(["relu1"])
    press(acting, K.Key_Delete)
    assert "relu1" not in document.graph
    press(acting, K.Key_Z, M.ControlModifier)
    assert same(document.graph, before)
    press(acting, K.Key_Z, M.ControlModifier | M.ShiftModifier)
    assert "relu1" not in document.graph


def test_delete_a_selected_wire(acting: Any) -> None:
    document = acting.document
    wire = document.drawing.wires_out("conv1")[0]
    document.select((), [wire])
    press(acting, K.Key_Delete)
    assert wire not in document.graph.wires()
    assert "conv1" in document.graph


def test_delete_and_reconnect_bridges_what_fits(acting: Any) -> None:
    document = acting.document
    document.select(["relu1"])
    press(acting, K.Key_Delete, M.ControlModifier)
    assert Wire("conv1", "y", "conv2", "x") in document.graph.wires()
    assert document.history.undo_title == "Take out relu1"
    flat = next(n.id for n in document.graph if isinstance(n.op, Flatten))
    dense = document.drawing.wires_out(flat)[0].target
    document.select([flat])
    press(acting, K.Key_Delete, M.ControlModifier)
    assert document.drawing.wires_in(dense) == []


def test_detach_keeps_wires_between_the_chosen(acting: Any) -> None:
    document = acting.document
    document.select(["conv2", "relu2"])
    press(acting, K.Key_D)
    assert document.drawing.wires_in("conv2") == []
    assert document.drawing.wires_out("relu2") == []
    assert [w.target for w in document.drawing.wires_out("conv2")] == ["relu2"]
    assert acting.canvas.accessibleDescription() == "Selected: conv2, relu2"


def test_duplicate_keeps_what_comes_in(acting: Any) -> None:
    document = acting.document
    document.select(["conv2", "relu2"])
    press(acting, K.Key_D, M.ControlModifier)
    new = document.selection
    assert len(new) == 2
    assert not new & {"conv2", "relu2"}
    twin = next(id for id in new if id.startswith("conv"))
    assert document.drawing.wires_in(twin)[0].source == "relu1"
    assert document.history.undo_title == "Duplicate"
    x, y = acting.place("conv2")
    assert acting.place(twin) == (x + 40, y + 40)


def test_copy_cut_and_paste_through_the_clipboard(acting: Any) -> None:
    document, canvas = acting.document, acting.canvas
    document.select(["conv2", "relu2"])
    press(acting, K.Key_C, M.ControlModifier)
    assert '"conv2"' in QGuiApplication.clipboard().text()
    count = len(document.graph)
    press(acting, K.Key_V, M.ControlModifier)
    assert len(document.graph) == count + 2
    pasted = document.selection
    assert document.drawing.wires_in(next(i for i in pasted if i.startswith("conv"))) == []
    document.undo()
    press(acting, K.Key_V, M.ControlModifier | M.ShiftModifier)
    twin = next(i for i in document.selection if i.startswith("conv"))
    assert document.drawing.wires_in(twin)[0].source == "relu1"
    document.undo()
    document.select(["conv2"])
    press(acting, K.Key_X, M.ControlModifier)
    assert "conv2" not in document.graph
    QGuiApplication.clipboard().setText("no nodes")
    words: list[str] = []
    canvas.said.connect(words.append)
    press(acting, K.Key_V, M.ControlModifier)
    assert words == ["The clipboard holds no nodes. Copy some first."]


def test_select_all_upstream_and_downstream(acting: Any) -> None:
    document = acting.document
    press(acting, K.Key_A, M.ControlModifier)
    assert document.selection == set(document.graph.net)
    document.select(["conv2"])
    press(acting, K.Key_U, M.AltModifier)
    assert document.selection == document.drawing.upstream(["conv2"])
    document.select(["conv2"])
    press(acting, K.Key_D, M.AltModifier)
    assert document.selection == document.drawing.downstream(["conv2"])


@pytest.mark.parametrize(
    ("key", "flag"), [(K.Key_B, "bypassed"), (K.Key_L, "frozen"), (K.Key_H, "collapsed")]
)
def test_flags(acting: Any, key: Any, flag: str) -> None:
    document = acting.document
    document.select(["conv1", "conv2"])
    press(acting, key)
    assert all(getattr(document.graph.node(i), flag) for i in ("conv1", "conv2"))
    assert document.history.position == 1
    press(acting, key)
    assert not any(getattr(document.graph.node(i), flag) for i in ("conv1", "conv2"))


def test_rename_in_place(acting: Any) -> None:
    document, canvas = acting.document, acting.canvas
    document.select(["conv1"])
    press(acting, K.Key_F2)
    editor = canvas.naming.field.widget
    assert isinstance(editor, QLineEdit)
    assert editor.text() == "Conv2d"
    QTest.keyClicks(editor, "edges")
    QTest.keyClick(editor, K.Key_Return)
    assert document.graph.node("conv1").name == "edges"
    assert canvas.naming.field is None
    QTest.mouseDClick(canvas, LEFT, pos=acting.on("conv1", 60, 14))
    QTest.keyClicks(canvas.naming.field.widget, "other")
    QTest.keyClick(canvas.naming.field.widget, K.Key_Escape)
    assert document.graph.node("conv1").name == "edges"


def test_align_distribute_and_straighten(acting: Any) -> None:
    document = acting.document
    places = (("conv1", 0.0, 400.0), ("relu1", 200.0, 460.0), ("conv2", 520.0, 420.0))
    document.push(edits.Move(places))
    document.select(chain(acting))
    acting.app.actions["graph.align_top"].trigger()
    assert {acting.place(id)[1] for id in chain(acting)} == {400.0}
    acting.app.actions["graph.distribute_across"].trigger()
    scene = acting.canvas.scene
    rects = [scene.rect(scene.index_of[id]) for id in chain(acting)]
    gaps = [b.x - a.right for a, b in pairwise(rects)]
    assert gaps[0] == pytest.approx(gaps[1], abs=4)
    document.push(edits.Move((("relu1", 200.0, 460.0),)))
    press(acting, K.Key_Q)
    assert acting.place("relu1")[1] == 400.0
    assert document.selection == set(chain(acting))


def test_arrange_puts_nodes_in_order(acting: Any) -> None:
    document = acting.document
    document.push(edits.Move((("conv1", 500.0, 500.0), ("relu1", 100.0, 500.0))))
    document.select(["conv1", "relu1"])
    press(acting, K.Key_L, M.ControlModifier)
    assert acting.place("conv1")[0] < acting.place("relu1")[0]


def test_connect_in_order_is_one_step(acting: Any) -> None:
    document = acting.document
    low = max(node.y for node in document.graph) + 120
    ops = (Flatten(), Dense(), ReLU(), Dense(units=10))
    ids = ["a1", "b1", "c1", "d1"]
    for n, (id, op) in enumerate(zip(ids, ops, strict=True)):
        document.push(edits.AddNode(Node(id, op, x=200.0 * n, y=low)))
    document.select(ids)
    before = document.history.position
    press(acting, K.Key_C)
    drawn = {str(wire) for wire in document.graph.wires()}
    assert {"a1.y → b1.x", "b1.y → c1.x", "c1.y → d1.x"} <= drawn
    assert document.history.position == before + 1


def test_knife_cuts_what_it_crosses(acting: Any) -> None:
    document, canvas = acting.document, acting.canvas
    wire = document.drawing.wires_out("conv1")[0]
    row = document.wires.index(wire)
    middle = canvas.scene.lines.points[row, 0].mean(axis=0)
    at = canvas.camera.window(Point(*middle.tolist()))
    start, end = QPoint(round(at.x), round(at.y) - 40), QPoint(round(at.x), round(at.y) + 40)
    QTest.mousePress(canvas, RIGHT, M.ControlModifier, start)
    for step in range(1, 9):
        QTest.mouseMove(canvas, start + (end - start) * step / 8)
    assert canvas.draft.rows == (row,)
    assert canvas.draft.cut
    QTest.mouseRelease(canvas, RIGHT, M.ControlModifier, end)
    assert wire not in document.graph.wires()
    assert document.history.undo_title == "Cut 1 wire"


def test_alt_drag_duplicates(acting: Any) -> None:
    document, canvas = acting.document, acting.canvas
    count, before = len(document.graph), acting.place("relu1")
    start = acting.on("relu1", 40, 8)
    QTest.mousePress(canvas, LEFT, M.AltModifier, start)
    for step in (1, 2, 3):
        QTest.mouseMove(canvas, start + QPoint(0, 30 * step))
        QApplication.processEvents()
    QTest.mouseRelease(canvas, LEFT, M.AltModifier, start + QPoint(0, 90))
    assert len(document.graph) == count + 1
    assert acting.place("relu1") == before
    (new,) = document.selection
    assert acting.place(new)[1] > before[1] + 60
    canvas.document.undo()
    assert len(document.graph) == count


def test_esc_takes_a_copy_in_the_hand_back(acting: Any) -> None:
    document, canvas = acting.document, acting.canvas
    count, start = len(document.graph), acting.on("relu1", 40, 8)
    QTest.mousePress(canvas, LEFT, M.AltModifier, start)
    for step in (1, 2, 3):
        QTest.mouseMove(canvas, start + QPoint(0, 30 * step))
        QApplication.processEvents()
    assert len(document.graph) == count + 1
    QTest.keyClick(canvas, K.Key_Escape)
    QTest.mouseRelease(canvas, LEFT, M.NoModifier, start)
    assert len(document.graph) == count


def test_subgraph_made_entered_left_and_taken_apart(acting: Any) -> None:
    document, canvas = acting.document, acting.canvas
    before = types(acting)
    document.select(["conv1", "relu1"])
    press(acting, K.Key_G, M.ControlModifier)
    (instance,) = document.selection
    assert isinstance(document.graph.node(instance).op, Subgraph)
    canvas.look_from(canvas.camera.panned(33, 21))
    camera = canvas.camera
    press(acting, K.Key_Return)
    assert document.into == document.graph.node(instance).op.definition
    assert {"conv1", "relu1"} <= set(document.drawing.net)
    press(acting, K.Key_Escape)
    assert document.into == ""
    assert canvas.camera == camera
    assert document.selection == {instance}
    QTest.mouseDClick(canvas, LEFT, pos=acting.on(instance, 30, 14))
    assert document.into
    press(acting, K.Key_Up, M.AltModifier)
    assert document.into == ""
    press(acting, K.Key_G, M.ControlModifier | M.ShiftModifier)
    assert types(acting) == before


def test_the_menu_lists_what_makes_sense(acting: Any) -> None:
    document, canvas = acting.document, acting.canvas

    def titles() -> set[str]:
        return {action.text() for action in canvas_menu(acting.app, canvas).actions()}

    assert "Paste" in titles()
    assert "Rename" not in titles()
    document.select(["conv1"])
    assert {"Rename", "Duplicate", "Delete", "Bypass"} <= titles()
    assert "Connect in order" not in titles()
    document.select((), document.drawing.wires_out("conv1"))
    assert titles() == {"Add a dot to the wire", "", "Delete"}
    document.select(())
    QTest.mouseClick(canvas, RIGHT, pos=acting.on("relu1", 40, 8))
    acting.qtbot.waitUntil(lambda: QApplication.activePopupWidget() is not None)
    assert document.selection == {"relu1"}
    QApplication.activePopupWidget().close()


def test_nodes_chained_by_keyboard_alone(acting: Any) -> None:
    document, canvas = acting.document, acting.canvas
    low = max(node.y for node in document.graph) + 160
    for n, (id, op) in enumerate((("one", Flatten()), ("two", Dense()), ("end", CrossEntropy()))):
        document.push(edits.AddNode(Node(id, op, x=220.0 * n, y=low)))
    document.push(edits.AddNode(Node("tune", Adam(), x=660.0, y=low)))
    canvas.fit()
    canvas.select(["one"])
    for goal in ("two", "end"):
        press(acting, K.Key_Return)
        press(acting, K.Key_Return)
        for _ in range(20):
            if canvas.draft.target == canvas.scene.port_point(goal, 0, False):
                break
            press(acting, K.Key_Right)
        press(acting, K.Key_Return)
        assert document.drawing.wires_in(goal), goal
        press(acting, K.Key_Right)
        assert document.selection == {goal}


def test_arrows_walk_extend_and_move(acting: Any) -> None:
    document, canvas = acting.document, acting.canvas
    canvas.select(["conv1"])
    press(acting, K.Key_Right)
    assert document.selection == {"relu1"}
    press(acting, K.Key_Right, M.ShiftModifier)
    assert document.selection == {"relu1", "conv2"}
    x, y = acting.place("relu1")
    press(acting, K.Key_Down, M.ControlModifier)
    press(acting, K.Key_Down, M.ControlModifier)
    assert acting.place("relu1") == (x, y + 8)
    assert document.history.position == 1
    press(acting, K.Key_Escape)
    assert not document.selection
