"""Wires drawn by the pointer: what lights up, what snaps, what is refused and how it is mended."""

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication

from graph import edits
from graph.graph import Node, Wire
from graph.ops.activation import ReLU
from graph.ops.dense import Dense
from gui.canvas.interact.idle import Idle
from gui.canvas.interact.refused import Refused

LEFT = Qt.MouseButton.LeftButton


def port(driven: Any, node: str, index: int = 0, is_output: bool = True) -> QPoint:
    """Where a port is in the window."""
    at = driven.canvas.camera.window(driven.canvas.scene.port_point(node, index, is_output))
    return QPoint(round(at.x), round(at.y))


def pull(driven: Any, start: QPoint, end: QPoint) -> None:
    """Press, move there in steps, and keep holding."""
    QTest.mousePress(driven.canvas, LEFT, pos=start)
    for step in (1, 2, 3, 4):
        QTest.mouseMove(driven.canvas, start + (end - start) * step / 4)
    QApplication.processEvents()


def let_go(driven: Any, at: QPoint) -> None:
    """Release the button."""
    QTest.mouseRelease(driven.canvas, LEFT, pos=at)
    QApplication.processEvents()


def named(driven: Any, kind: str, place: int = 0) -> str:
    """The id of a node by its type."""
    return sorted(n.id for n in driven.document.graph if type(n.op).__name__ == kind)[place]


@pytest.fixture
def spare(driven: Any) -> Any:
    """The canvas with a Dense and a ReLU more that nothing is wired to, below the others."""
    low = max(node.y for node in driven.document.graph) + 140
    driven.document.push(edits.AddNode(Node("spare", Dense(units=7), x=300, y=low)))
    driven.document.push(edits.AddNode(Node("bent", ReLU(), x=600, y=low)))
    driven.canvas.fit()
    driven.settle()
    return driven


def wires(driven: Any) -> set[str]:
    """All wires as text."""
    return {str(wire) for wire in driven.document.graph.wires()}


def test_a_wire_is_drawn_and_snaps_within_20_px(spare: Any) -> None:
    canvas, before = spare.canvas, spare.document.history.position
    end = port(spare, "bent", is_output=False) + QPoint(-14, -12)
    pull(spare, port(spare, "spare"), end)
    drawn = canvas.draft.wires[0]
    assert drawn.target == canvas.scene.port_point("bent", 0, False)
    assert not canvas.draft.refused
    let_go(spare, end)
    assert "spare.y → bent.x" in wires(spare)
    assert spare.document.history.position == before + 1
    assert not canvas.draft.wires
    assert type(canvas.state) is Idle


def test_a_wire_begins_at_an_input_too(spare: Any) -> None:
    pull(spare, port(spare, "bent", is_output=False), port(spare, "spare"))
    let_go(spare, port(spare, "spare"))
    assert "spare.y → bent.x" in wires(spare)


def test_a_wire_dropped_on_a_node_takes_its_port(spare: Any) -> None:
    body = spare.on("bent", 40, 20)
    pull(spare, port(spare, "spare"), body)
    let_go(spare, body)
    assert "spare.y → bent.x" in wires(spare)


def test_ports_that_fit_light_up_and_others_dim(spare: Any) -> None:
    canvas, scene, dense = spare.canvas, spare.canvas.scene, named(spare, "Dense")
    start = port(spare, dense)
    pull(spare, start, start + QPoint(30, 30))
    seen = sum(len(scene.box(i).inputs) for i in scene.boxes.meeting(canvas.camera.area).tolist())
    spare.qtbot.waitUntil(lambda: len(canvas.draft.lit) + len(canvas.draft.dimmed) == seen)
    lit = {tuple(at) for at in canvas.draft.lit.tolist()}
    dim = {tuple(at) for at in canvas.draft.dimmed.tolist()}
    conv, bent, own = (
        scene.port_point(id, 0, False) for id in (named(spare, "Conv2d"), "bent", dense)
    )
    assert (bent.x, bent.y) in lit
    assert (conv.x, conv.y) in dim
    assert (own.x, own.y) in dim
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert not len(canvas.draft.lit)
    let_go(spare, start)
    assert spare.document.history.position == 2


def test_a_wired_input_gives_its_wire_into_the_hand(spare: Any) -> None:
    document, canvas = spare.document, spare.canvas
    document.push(edits.Connect(Wire("spare", "y", "bent", "x")))
    document.push(edits.AddNode(Node("other", ReLU(), x=600, y=spare.place("bent")[1] + 80)))
    canvas.fit()
    pull(spare, port(spare, "bent", is_output=False), port(spare, "other", is_output=False))
    assert canvas.scene.hidden_wires.tolist() == [
        document.wires.index(Wire("spare", "y", "bent", "x"))
    ]
    let_go(spare, port(spare, "other", is_output=False))
    assert "spare.y → other.x" in wires(spare)
    assert "spare.y → bent.x" not in wires(spare)
    assert document.history.undo_title == "Move the wire"
    pull(spare, port(spare, "other", is_output=False), QPoint(8, 8))
    let_go(spare, QPoint(8, 8))
    assert "spare.y → other.x" not in wires(spare)
    document.undo()
    assert "spare.y → other.x" in wires(spare)


def test_a_wire_dropped_on_nothing_asks_for_a_node(spare: Any) -> None:
    asked = QSignalSpy(spare.canvas.library_wanted)
    free = QPoint(12, 12)
    pull(spare, port(spare, "spare"), free)
    let_go(spare, free)
    assert asked.count() == 1
    at, source = asked.at(0)
    assert (source.node, source.port, source.side) == ("spare", "y", "output")
    assert at == spare.canvas.camera.canvas(12, 12)
    assert spare.canvas.draft.wires[0].state.proposed
    QTest.keyClick(spare.canvas, Qt.Key.Key_Escape)
    assert not spare.canvas.draft.wires


def test_a_wire_that_does_not_fit_is_refused_with_a_way_out(spare: Any) -> None:
    canvas, document = spare.canvas, spare.document
    pool, before = named(spare, "MaxPool2d", -1), document.history.position
    end = port(spare, "spare", is_output=False)
    pull(spare, port(spare, pool), end)
    assert canvas.draft.refused
    assert canvas.draft.wires[0].state.invalid
    let_go(spare, end)
    assert isinstance(canvas.state, Refused)
    assert canvas.bubble.isVisible()
    refusal = canvas.state.refusal
    assert refusal.title.startswith("Dense wants N×F, got N×")
    assert "gives an image, " in refusal.sentence
    assert "Dense reads a vector" in refusal.sentence
    assert [p.title for p in refusal.proposals][:2] == [
        "Insert Flatten",
        "Insert AvgPool2d and Flatten",
    ]
    assert [n.view.title for n in canvas.draft.nodes] == ["Flatten"]
    assert document.history.position == before
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert not canvas.bubble.isVisible()
    flat = named(spare, "Flatten", -1)
    assert {f"{pool}.y → {flat}.x", f"{flat}.y → spare.x"} <= wires(spare)
    assert document.selection == {"spare"}  # what is added next comes behind it
    assert document.history.position == before + 1
    document.undo()
    assert flat not in document.graph


def test_other_ways_have_keys_and_esc_drops(spare: Any) -> None:
    canvas, pool = spare.canvas, named(spare, "MaxPool2d", -1)
    before, end = wires(spare), port(spare, "spare", is_output=False)
    pull(spare, port(spare, pool), end)
    let_go(spare, end)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert wires(spare) == before
    assert not canvas.bubble.isVisible()
    pull(spare, port(spare, pool), end)
    let_go(spare, end)
    QTest.keyClick(canvas, Qt.Key.Key_3)
    assert type(spare.document.graph.node("spare").op).__name__ == "Conv2d"
    assert f"{pool}.y → spare.x" in wires(spare)


def test_a_click_in_the_bubble_takes_a_way(spare: Any) -> None:
    canvas, pool = spare.canvas, named(spare, "MaxPool2d", -1)
    end = port(spare, "spare", is_output=False)
    pull(spare, port(spare, pool), end)
    let_go(spare, end)
    row = canvas.bubble.row_rect(1)
    middle = QPoint(round(row.x + 80), round(row.middle))
    QTest.mouseMove(canvas.bubble, middle)
    QApplication.processEvents()
    assert [n.view.title for n in canvas.draft.nodes] == ["AvgPool2d", "Flatten"]
    QTest.mouseClick(canvas.bubble, LEFT, pos=middle)
    assert any("AvgPool2d" in type(node.op).__name__ for node in spare.document.graph)


def test_a_cycle_is_refused_without_a_way_out(spare: Any) -> None:
    canvas, document = spare.canvas, spare.document
    document.push(edits.Connect(Wire("spare", "y", "bent", "x")))
    end = port(spare, "spare", is_output=False)
    pull(spare, port(spare, "bent"), end)
    let_go(spare, end)
    assert isinstance(canvas.state, Refused)
    assert "cycle" in canvas.state.refusal.title
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert type(canvas.state) is Idle


def test_room_is_made_for_an_adapter_between_close_nodes(driven: Any) -> None:
    document = driven.document
    flat = named(driven, "Flatten")
    dense = document.drawing.wires_out(flat)[0].target
    pool = document.drawing.wires_in(flat)[0].source
    document.push(edits.Remove((flat,)))
    x, y = driven.place(pool)
    box = driven.canvas.scene.rect(driven.canvas.scene.index_of[pool])
    document.push(edits.Move(((dense, box.right + 40, y),)))
    end = port(driven, dense, is_output=False)
    pull(driven, port(driven, pool), end)
    let_go(driven, end)
    assert driven.canvas.state.refusal.proposals[0].shift
    QTest.keyClick(driven.canvas, Qt.Key.Key_Return)
    new = named(driven, "Flatten")
    rects = [driven.canvas.scene.rect(driven.canvas.scene.index_of[i]) for i in (pool, new, dense)]
    assert rects[0].right < rects[1].x
    assert rects[1].right < rects[2].x


def test_tab_and_double_click_search(driven: Any) -> None:
    asked = QSignalSpy(driven.canvas.library_wanted)
    QTest.mouseDClick(driven.canvas, LEFT, pos=QPoint(6, 6))
    assert asked.count() == 1
    assert asked.at(0) == [driven.canvas.camera.canvas(6, 6), None]
    QTest.keyClick(driven.canvas, Qt.Key.Key_Tab)
    assert asked.count() == 2
