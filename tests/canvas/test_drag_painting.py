"""A drag repaints only where the hand is, over a kept backdrop, and nobody can tell."""

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QPixmap, QRegion
from PySide6.QtTest import QTest

from gui.canvas.backdrop import seen_part
from gui.canvas.scene import Touched
from gui.canvas.view_model import FrameView, WireState
from gui.theme import theme


def pixels(picture: QPixmap) -> np.ndarray:
    rgb = picture.toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(rgb.constBits(), np.uint32).reshape(rgb.height(), -1).copy()


@pytest.fixture
def dragging(driven: Any) -> Any:
    """Two nodes in the hand, moved a little; everything sharp."""
    driven.canvas.minimap.hide()
    driven.canvas.zoom_bar.hide()
    driven.document.select(["conv2", "relu1"])
    driven.settle()
    driven.start = driven.on("conv2")
    QTest.mousePress(driven.canvas, Qt.MouseButton.LeftButton, pos=driven.start)
    QTest.mouseMove(driven.canvas, driven.start + QPoint(20, 40))
    driven.settle()
    return driven


def fresh(driven: Any) -> np.ndarray:
    """The window painted without anything kept."""
    driven.canvas.backdrop.forget()
    return pixels(driven.canvas.grab())


def test_the_backdrop_is_kept_and_equals_painting_all(dragging: Any) -> None:
    canvas = dragging.canvas
    assert canvas.backdrop.stands(canvas.frame(0.0))
    for step in range(1, 6):
        QTest.mouseMove(canvas, dragging.start + QPoint(20 - 31 * step, 40 + 17 * step))
        assert canvas.backdrop.stands(canvas.frame(0.0))
        kept = pixels(canvas.grab())
        assert (kept == fresh(dragging)).all()


def test_repainting_where_the_hand_is_equals_painting_all(dragging: Any) -> None:
    canvas, parts = dragging.canvas, list[Touched]()
    canvas.scene.subscribe(parts.append)
    shown = canvas.grab()
    before = pixels(shown)
    for step in range(1, 6):
        QTest.mouseMove(canvas, dragging.start + QPoint(20 + 24 * step, 40 - 28 * step))
        (touched,) = parts
        parts.clear()
        assert touched.hand is not None
        part = seen_part(canvas.camera, touched.hand) & canvas.rect()
        assert part.width() * part.height() < 0.8 * canvas.width() * canvas.height()
        canvas.render(shown, part.topLeft(), QRegion(part))
        now = pixels(shown)
        assert (now != before).any()
        assert (now == pixels(canvas.grab())).all()


@pytest.mark.parametrize("what", ["pan", "zoom", "theme", "overlay", "frame", "wire"])
def test_whatever_else_changes_is_seen_during_a_drag(dragging: Any, what: str) -> None:
    canvas, scene = dragging.canvas, dragging.canvas.scene
    before = pixels(canvas.grab())
    if what == "pan":
        canvas.look_from(canvas.camera.panned(30, 20))
    elif what == "zoom":
        canvas.zoom_by(-4)
    elif what == "theme":
        canvas.set_theme(theme("light"))
    elif what == "overlay":
        canvas.links.overlay = "gradient"
        canvas.links.tiles.clear()
    elif what == "frame":
        scene.put_items([FrameView("f", "Frame", 0.0, 0.0, 300.0, 200.0)], [])
    else:
        free = np.flatnonzero(~scene.portal)
        row = int(np.setdiff1d(free, scene.lifted_wires)[0])
        scene.set_wire_states({row: WireState(muted=True)})
    dragging.settle()
    after = pixels(canvas.grab())
    assert (after != before).any()
    assert (after == fresh(dragging)).all()


def test_the_backdrop_goes_with_the_gesture(dragging: Any) -> None:
    canvas = dragging.canvas
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=dragging.start + QPoint(20, 40))
    assert not canvas.backdrop.stands(canvas.frame(0.0))
