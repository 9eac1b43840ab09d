"""What caches, tiles and arrays paint is what the painters would paint afresh."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QTest

from gui.canvas.cache import MIB, NodePictures
from gui.canvas.geometry import Rect
from gui.canvas.paint_canvas import Scene
from gui.canvas.routes import routed
from gui.canvas.wires import paths
from gui.render import image


def pixels(picture: QImage) -> np.ndarray:
    """Height × width × 3, whole numbers."""
    rgb = picture.convertToFormat(QImage.Format.Format_RGB32)
    data = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), -1, 4)
    return data[:, : rgb.width(), :3].astype(int)


def shown(driven: Any) -> np.ndarray:
    """What the window shows once it is sharp, without the overview."""
    driven.canvas.minimap.hide()
    driven.settle()
    return pixels(driven.canvas.grab().toImage())


def painted(driven: Any) -> np.ndarray:
    """The same part of the canvas by the painters of pictures."""
    canvas = driven.canvas
    view, area = driven.document.view, canvas.camera.area
    boxes = {id: canvas.scene.box(i) for id, i in canvas.scene.index_of.items()}
    view = routed(view, boxes)
    drawing = Scene(view, boxes, [path for _, path in paths(view, boxes)])
    exact = Rect(area.x, area.y, area.width, area.height)
    return pixels(image(drawing, exact, canvas.theme, canvas.camera.zoom))


def test_sharp_canvas_is_the_picture(driven: Any) -> None:
    assert driven.canvas.camera.zoom == 1.0
    apart = np.abs(shown(driven) - painted(driven)).max(axis=2)
    assert (apart > 40).mean() < 1e-3
    assert np.median(apart) == 0


def test_pan_in_tiles_equals_a_fresh_canvas(driven: Any) -> None:
    canvas = driven.canvas
    for across, down in ((130, 40), (-77, 13), (400, -200), (-301, 90)):
        canvas.look_from(canvas.camera.panned(across, down))
        canvas.repaint()
    by_steps = shown(driven)
    canvas.links.tiles.clear()
    canvas.nodes.pictures.clear()
    assert (by_steps == shown(driven)).all()


def test_moving_there_and_back_leaves_nothing_behind(driven: Any) -> None:
    before = shown(driven)
    node = driven.canvas.scene.ids[3]
    start = driven.on(node)
    QTest.mousePress(driven.canvas, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 9):
        QTest.mouseMove(driven.canvas, start + QPoint(11 * step, 23 * step))
        driven.canvas.repaint()
    assert (shown(driven) != before).any()
    QTest.mouseRelease(driven.canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(88, 184))
    driven.document.undo()
    driven.document.select(())
    QTest.mouseMove(driven.canvas, QPoint(2, 2))
    after = shown(driven)
    apart = np.abs(after - before).max(axis=2) > 0
    assert apart.mean() < 0.02  # a wire that moved keeps no lane of the layout


@pytest.mark.parametrize("rungs", [-16, -30, -50, -70, 8])
def test_every_zoom_paints_and_sharpens(driven: Any, rungs: int) -> None:
    canvas = driven.canvas
    canvas.zoom_by(rungs)
    canvas.repaint()
    ground = canvas.theme.canvas
    colours = {tuple(c) for c in shown(driven).reshape(-1, 3)[::7].tolist()}
    assert tuple(int(ground[i : i + 2], 16) for i in (5, 3, 1)) in colours
    assert len(colours) > 3


def test_coarse_frames_come_first_and_never_stay(driven: Any) -> None:
    canvas = driven.canvas
    canvas.zoom_by(5)
    canvas.repaint()
    assert canvas.sharpening
    driven.settle()
    frame = canvas.frame(0.0)
    assert canvas.nodes.refine(frame, 0.0)
    assert canvas.links.refine(frame, 0.0)


def test_cache_keeps_its_limit(driven: Any) -> None:
    canvas = driven.canvas
    canvas.nodes.pictures = NodePictures(2 * MIB)
    for rungs in (-6, 3, 5, -9, 4, 11):
        canvas.zoom_by(rungs)
        driven.settle()
        assert canvas.nodes.pictures.bytes <= 2.5 * MIB


def test_equal_nodes_share_a_picture(driven: Any) -> None:
    scene = driven.canvas.scene
    again, looks = scene.look.copy(), len(scene.looks)
    scene.put(driven.document.view)
    assert (scene.look == again).all()
    assert len(scene.looks) == looks
    twins = replace(scene.views[0], id="twin", x=500.0)
    scene.put(replace(driven.document.view, nodes=(*driven.document.view.nodes, twins)))
    assert scene.look[-1] == scene.look[0]


def test_minimap_shows_a_lone_node_small(driven: Any) -> None:
    minimap, view = driven.canvas.minimap, driven.document.view
    driven.canvas.scene.put(replace(view, nodes=view.nodes[:1], wires=()))
    minimap.repaint()
    minimap.refresh()
    family = QColor(driven.canvas.theme.of_family(view.nodes[0].family))

    def share() -> float:
        picture = minimap.grab().toImage()
        size = picture.width() * picture.height()
        lit = [picture.pixelColor(k % picture.width(), k // picture.width()) for k in range(size)]
        return lit.count(family) / size

    driven.qtbot.waitUntil(lambda: 0 < share() < 0.1)


def test_minimap_moves_the_window(driven: Any) -> None:
    canvas = driven.canvas
    canvas.zoom_by(16)
    before = canvas.camera
    QTest.mouseClick(canvas.minimap, Qt.MouseButton.LeftButton, pos=QPoint(30, 30))
    assert canvas.camera.rung == before.rung
    assert (canvas.camera.x, canvas.camera.y) != (before.x, before.y)


def test_a_node_that_looks_otherwise_keeps_its_picture_until_it_is_made(driven: Any) -> None:
    """Without time for pictures: not blocks, which would flash in each beat of a training."""
    canvas, scene = driven.canvas, driven.canvas.scene
    driven.settle()
    twins = [id for id, i in scene.index_of.items() if scene.views[i].title == "ReLU"]

    def drawn() -> np.ndarray:
        made = QImage(canvas.size(), QImage.Format.Format_RGB32)
        made.fill(QColor(canvas.theme.canvas))
        painter = QPainter(made)
        canvas.nodes.paint(painter, canvas.frame(0.0))
        painter.end()
        return pixels(made)

    before = drawn()
    scene.set_live(
        replace(scene.views[scene.index_of[id]], badge=f"{k} % zero") for k, id in enumerate(twins)
    )
    for _ in range(3):  # it goes on to stand in
        assert (drawn() == before).all()
    driven.settle()
    assert (drawn() != before).any()
