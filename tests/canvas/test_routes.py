"""Wires of drawings that somebody made by hand go around nodes, and an edit finds the same routes
as a fresh look at all of them.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

import graph.ops  # noqa: F401
from graph import edits
from graph.graph import Graph, Node, Wire
from graph.op import REGISTRY
from gui import fonts
from gui.canvas.around import Task, crossed
from gui.canvas.routes import routed
from gui.canvas.scene import CanvasScene
from gui.canvas.view_model import CanvasView, NodeView, PortView, WireView
from gui.document import Document

PORTS = (PortView("a"), PortView("b"))
pytestmark = pytest.mark.usefixtures("qapp")


def thread(*kinds: str) -> Graph:
    """Nodes side by side, each wired to the next by first ports."""
    made, before = Graph(), ""
    for place, kind in enumerate(kinds):
        id = f"{kind.lower()}{place}"
        made.set_node(Node(id, REGISTRY[kind](), x=220.0 * place, y=8.0))
        if before:
            ports = made.ports_out(before)[0].name, made.ports_in(id)[0].name
            made.add_wire(Wire(before, ports[0], id, ports[1]))
        before = id
    return made


def shown(graph: Graph) -> CanvasScene:
    scene = CanvasScene(fonts.measure)
    scene.put(Document(graph, fonts.measure).view)
    return scene


def hits(scene: CanvasScene) -> np.ndarray:
    """How many nodes each line of a scene crosses."""
    everyone = np.arange(len(scene.wires))
    task = Task(scene.wire_ends(everyone), scene.ends, everyone >= 0)
    return crossed(task, scene.lanes, scene.boxes.edges)


def row_of(scene: CanvasScene, source: str, target: str, input: int = 0) -> int:
    return next(
        row
        for row, w in enumerate(scene.wires)
        if (w.source, w.target, w.input) == (source, target, input)
    )


def scattered(count: int, seed: int) -> CanvasView:
    """Nodes on a ragged grid with a wire to the right, and as many between any two."""
    chance = np.random.default_rng(seed)
    columns = max(2, round(count**0.5))
    nodes = tuple(
        NodeView(
            f"n{i:04}",
            "Dense" if i % 3 else "A longer name",
            summary="64 units" if i % 2 else "",
            badge="64",
            collapsed=i % 5 == 0,
            inputs=PORTS[: 1 + i % 2],
            outputs=PORTS[:1],
            x=240.0 * (i % columns) + 4.0 * chance.integers(-4, 4),
            y=170.0 * (i // columns) + 4.0 * chance.integers(-4, 4),
        )
        for i in range(count)
    )
    pairs = [(i, i + 1) for i in range(count - 1)]
    pairs += [tuple(chance.choice(count, 2, replace=False).tolist()) for _ in range(count // 2)]
    wires = tuple(WireView(f"n{a:04}", 0, f"n{b:04}", b % 2) for a, b in sorted(set(pairs)))
    return CanvasView(nodes, wires)


def test_labels_past_several_nodes_get_tags_and_past_one_a_lane() -> None:
    graph = thread("Digits", "Flatten", "Dense", "ReLU", "Dense", "CrossEntropy")
    graph.add_wire(Wire("digits0", "label", "crossentropy5", "target"))
    scene = shown(graph)
    row = row_of(scene, "digits0", "crossentropy5", 1)
    assert scene.portal[row]
    assert scene.letter(row) == "L"
    assert scene.portal.sum() == 1
    short = thread("Digits", "Dense", "CrossEntropy")
    short.add_wire(Wire("digits0", "label", "crossentropy2", "target"))
    scene = shown(short)
    row = row_of(scene, "digits0", "crossentropy2", 1)
    assert not scene.portal.any()
    assert np.isfinite(scene.lanes[row])
    assert not hits(scene).any()


def test_skips_go_around_side_by_side_and_free_wires_stay_straight() -> None:
    graph = thread("Digits", "Conv2d", "ReLU", "Conv2d", "ReLU", "Add", "ReLU", "Add")
    graph.add_wire(Wire("conv2d1", "y", "add5", "x", 1))
    graph.add_wire(Wire("digits0", "image", "add7", "x", 1))
    scene = shown(graph)
    inner, outer = row_of(scene, "conv2d1", "add5"), row_of(scene, "digits0", "add7")
    assert scene.lanes[outer] < scene.lanes[inner] < 8.0
    assert np.isnan(np.delete(scene.lanes, [inner, outer])).all()
    assert not hits(scene).any()


def test_a_wire_back_runs_clear_of_its_own_nodes() -> None:
    nodes = tuple(
        NodeView(id, id, inputs=PORTS, outputs=PORTS, x=x, y=0.0)
        for id, x in (("left", 0.0), ("right", 300.0))
    )
    scene = CanvasScene(fonts.measure)
    scene.put(CanvasView(nodes, (WireView("right", 0, "left", 0),)))
    lane = float(scene.lanes[0])
    assert lane < -10.0 or lane > float(scene.boxes.edges[3].max()) + 10.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_few_lines_of_a_crowded_drawing_run_behind_nodes(seed: int) -> None:
    view = scattered(80, seed)
    scene = CanvasScene(fonts.measure)
    scene.put(view)
    everyone = np.arange(len(scene.wires))
    task = Task(scene.wire_ends(everyone), scene.ends, everyone >= 0)
    before = crossed(task, np.full(len(everyone), np.nan), scene.boxes.edges)
    after, rows = hits(scene), np.abs(task.ends[:, 3] - task.ends[:, 1]) // 170.0
    assert (before > 0).sum() >= 20
    assert (after > 0).sum() <= 0.5 * (before > 0).sum()
    assert (after[rows < 2] > 0).sum() <= 1  # turns over many rows may meet nodes of their column
    boxes = {id: scene.box(row) for id, row in scene.index_of.items()}
    for row, wire in enumerate(routed(view, boxes).wires):
        lane = np.nan if wire.lane is None else wire.lane
        assert lane == pytest.approx(scene.lanes[row], nan_ok=True)


@pytest.mark.parametrize("seed", range(4))
def test_an_edit_finds_the_routes_of_a_fresh_look(seed: int) -> None:
    chance = np.random.default_rng(seed)
    view = scattered(60, seed)
    scene = CanvasScene(fonts.measure)
    scene.put(view)
    nodes, wires = list(view.nodes), list(view.wires)
    for turn in range(40):
        place = int(chance.integers(len(nodes)))
        kind = chance.integers(4)
        if kind == 0:
            wires.pop(int(chance.integers(len(wires))))
        elif kind == 1 and len(nodes) > 20:
            gone = nodes.pop(place).id
            wires = [w for w in wires if gone not in (w.source, w.target)]
        else:
            x, y = (4.0 * chance.integers(-60, 60, 2)).tolist()
            old = nodes[place]
            summary = f"{turn} units" if kind == 2 else old.summary
            nodes[place] = replace(old, x=old.x + x, y=old.y + y, summary=summary)
        view = CanvasView(tuple(nodes), tuple(wires))
        if kind == 3:
            scene.put_places(view, [nodes[place].id])
        else:
            scene.put(view)
        fresh = CanvasScene(fonts.measure)
        fresh.put(view)
        assert scene.lanes == pytest.approx(fresh.lanes, nan_ok=True)
        assert (scene.portal == fresh.portal).all()
        assert (scene.lines.points == fresh.lines.points).all()


def test_a_wire_in_the_hand_keeps_its_lane_until_it_is_dropped(driven: Any) -> None:
    canvas, scene, document = driven.canvas, driven.canvas.scene, driven.document
    document.push(edits.Move((("conv2", 600.0, 400.0),), into=""))
    start = driven.on("conv2")
    wires = scene._wires_at(scene.indices(["conv2"]))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(canvas, start + QPoint(8, 8))
    held = scene.lanes[wires].copy()
    for step in range(1, 12):
        QTest.mouseMove(canvas, start + QPoint(-30 * step, -25 * step))
        assert scene.lanes[wires] == pytest.approx(held, nan_ok=True)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(-330, -275))
    fresh = CanvasScene(fonts.measure)
    fresh.put(document.view)
    assert scene.lanes == pytest.approx(fresh.lanes, nan_ok=True)
    assert (scene.lines.points == fresh.lines.points).all()


def test_a_cancelled_drag_leaves_every_route(driven: Any) -> None:
    canvas, scene = driven.canvas, driven.canvas.scene
    before = scene.lines.points.copy()
    start = driven.on("conv2")
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        QTest.mouseMove(canvas, start + QPoint(20 * step, 30 * step))
    assert (scene.lines.points != before).any()
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert (scene.lines.points == before).all()


def test_tints_stay_when_a_node_moves(driven: Any) -> None:
    scene = driven.canvas.scene
    state = type(scene.wires[0].state)(gradient=1.0)
    scene.set_wire_states({0: state})
    driven.document.push(edits.Move((("conv2", 8.0, 400.0),), into=""))
    assert scene.wires[0].state.gradient == 1.0
