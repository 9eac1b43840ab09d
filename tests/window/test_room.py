"""Nodes keep the room of their previews from the start, and the search leaves it free."""

from collections.abc import Callable

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from graph import edits
from graph.graph import Node
from graph.op import REGISTRY
from graph.ops.data import Digits, ToyData
from graph.ops.dense import Dense
from gui.app import App
from gui.canvas.geometry import Point
from gui.canvas.view import Canvas
from gui.canvas.view_model import Mosaic, Scatter
from gui.library.add import add_free, add_linked
from gui.library.fits import Fits
from gui.overlay import CanvasOverlay, Overlays

Open = Callable[[], CanvasOverlay]


@pytest.fixture
def empty(qtbot: QtBot, app: App) -> CanvasOverlay:
    """A new document on a canvas that is seen, with what training draws."""
    canvas = Canvas(app.desk.new(), app.look.theme)
    qtbot.addWidget(canvas, before_close_func=lambda _: canvas.close_document())
    overlay = Overlays(app, canvas).attach(canvas)
    canvas.resize(1300, 560)
    canvas.show()
    return overlay


def typed(overlay: CanvasOverlay, names: list[str]) -> list[str]:
    """Nodes added behind one another before anything else happens, as fast keys do."""
    document, found = overlay.document, list[str]()
    for name in names:
        op = REGISTRY[name]()
        if not found:
            found.append(add_free(document, op, Point(0.0, 0.0)))
            continue
        links = Fits(document.checked, document.into).links(op, found[-1])
        found.append(add_linked(document, op, links, found[-1]))
    return found


def boxes(overlay: CanvasOverlay) -> dict[str, tuple[float, ...]]:
    """Left, top, right and bottom of every node."""
    scene = overlay.canvas.scene
    return {id: tuple(scene.boxes.edges[:, row].tolist()) for id, row in scene.index_of.items()}


def rested(qtbot: QtBot, overlay: CanvasOverlay) -> None:
    qtbot.waitUntil(lambda: not overlay._fitting.isActive())


def test_nothing_moves_or_grows_by_training_a_typed_net(qtbot: QtBot, empty: CanvasOverlay) -> None:
    document = empty.document
    ids = typed(empty, ["Digits", "Conv2d", "MaxPool2d", "Flatten", "Dense", "CrossEntropy"])
    typed_behind = Fits(document.checked, "").links(REGISTRY["Adam"](), ids[-1])
    add_linked(document, REGISTRY["Adam"](), typed_behind, ids[-1])
    dense = document.graph.node(ids[4])
    document.push(edits.SetOp(dense.id, Dense(units=10)))
    rested(qtbot, empty)
    empty.canvas.fit()
    before = boxes(empty)
    trainer = empty.app.trainer
    trainer.run(document)
    qtbot.waitUntil(lambda: trainer.board.step > 20, timeout=30_000)
    qtbot.waitUntil(lambda: ids[1] in empty._made, timeout=10_000)
    assert boxes(empty) == before
    trainer.stop()
    qtbot.waitUntil(lambda: not trainer.board.active, timeout=10_000)


def test_typed_nodes_never_overlap_once_previews_are_there(
    qtbot: QtBot, empty: CanvasOverlay
) -> None:
    document = empty.document
    ids = typed(empty, ["Digits", "Conv2d", "ReLU", "Dense", "CrossEntropy"])
    links = Fits(document.checked, "").links(REGISTRY["Accuracy"](), ids[-2])
    add_linked(document, REGISTRY["Accuracy"](), links, ids[-1])
    add_free(document, Dense(), Point(40.0, 60.0))
    rested(qtbot, empty)
    edges = np.array(list(boxes(empty).values()))
    for row, (left, top, right, bottom) in enumerate(edges.tolist()):
        others = np.delete(edges, row, axis=0)
        across = (others[:, 0] < right) & (others[:, 2] > left)
        assert not (across & (others[:, 1] < bottom) & (others[:, 3] > top)).any()


def test_an_unwired_node_has_the_room_of_its_preview(qtbot: QtBot, empty: CanvasOverlay) -> None:
    document = empty.document
    document.push(edits.AddNode(Node("free", Dense(units=64), x=600.0)))
    rested(qtbot, empty)
    before = boxes(empty)["free"]
    assert isinstance(document.previews["free"], Mosaic)
    data, flat = typed(empty, ["Digits", "Flatten"])
    document.push(edits.Connect(edits.connect(document.graph, flat, "y", "free", "x")))
    rested(qtbot, empty)
    assert ("free", "y") in document.shapes.types
    assert boxes(empty)["free"] == before
    assert data in document.previews


def test_a_new_data_node_shows_its_data(qtbot: QtBot, empty: CanvasOverlay) -> None:
    document = empty.document
    document.push(edits.AddNode(Node("data", Digits())))
    qtbot.waitUntil(lambda: "data" in document.previews)
    first = document.previews["data"]
    assert isinstance(first, Mosaic)
    assert first.tiles.any()
    document.push(edits.SetOp("data", ToyData()))
    qtbot.waitUntil(lambda: isinstance(document.previews["data"], Scatter))
