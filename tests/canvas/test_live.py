"""What training draws: nodes and wires change many times a second and nothing piles up."""

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtGui import QImage

from gui.canvas.view_model import Bars, Health, NodeView, WireState
from gui.theme import theme


def _told(node: NodeView, turn: int) -> NodeView:
    state = replace(node.state, health=Health(turn / 40))
    return replace(node, preview=Bars([1.0, float(turn), 3.0]), state=state)


def _pixels(driven: Any) -> np.ndarray:
    driven.canvas.minimap.hide()
    driven.settle()
    picture = driven.canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(picture.constBits(), np.uint8).copy()


def test_live_nodes_are_painted_anew_and_nothing_piles_up(driven: Any) -> None:
    scene, nodes = driven.canvas.scene, driven.canvas.nodes
    scene.set_live([_told(scene.node("conv1"), 0)])
    first, looks, size = _pixels(driven), len(scene.looks), nodes.pictures.bytes
    sizes = scene.sizes.copy()
    for turn in range(1, 30):
        scene.set_live([_told(scene.node("conv1"), turn)])
        driven.canvas.repaint()
    assert (_pixels(driven) != first).any()
    assert len(scene.looks) == looks
    assert nodes.pictures.bytes <= 1.2 * size  # other zooms may be made ready meanwhile
    assert (scene.sizes == sizes).all()
    scene.set_live([_told(scene.node("conv1"), 0)])
    assert (_pixels(driven) == first).all()


def test_a_live_node_keeps_its_last_picture_until_the_new_one_is_made(driven: Any) -> None:
    scene, pictures = driven.canvas.scene, driven.canvas.nodes.pictures
    scene.set_live([_told(scene.node("conv1"), 1)])
    driven.settle()
    look = int(scene.look[scene.index_of["conv1"]])
    before = pictures.latest(look)
    for turn in (2, 3):
        scene.set_live([_told(scene.node("conv1"), turn)])
        assert pictures.latest(look) is before is not None
    driven.settle()
    assert pictures.latest(look) is not before


def test_gradients_tint_the_wires_that_have_one(driven: Any) -> None:
    canvas, scene = driven.canvas, driven.canvas.scene
    canvas.links.overlay = "gradient"
    canvas.links.tiles.clear()
    plain = _pixels(driven)
    row = next(r for r, wire in enumerate(scene.wires) if wire.source == "conv1")
    scene.set_wire_states({row: WireState(gradient=10.0)})
    assert (_pixels(driven) != plain).any()
    assert scene.wire(row).state.gradient == 10.0
    loud = theme("dark").ramp("gradient", 1.0)
    seen = set(map(tuple, _pixels(driven).reshape(-1, 4)[:, 2::-1].tolist()))
    assert tuple(int(loud[i : i + 2], 16) for i in (1, 3, 5)) in seen
    scene.set_wire_states({row: WireState()})
    assert (_pixels(driven) == plain).all()
