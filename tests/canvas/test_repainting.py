"""What stands in the window after parts of it were painted is what one whole repaint shows."""

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QImage, QPixmap, QRegion

from gui.canvas import surface
from gui.canvas.view_model import WireState
from gui.theme import theme

ZOOMS = [-20, -9, 0, 7]
ROUNDING = 2  # levels by which a tile differs: its colours are multiplied by alpha


def pixels(picture: QPixmap) -> np.ndarray:
    """Height × width, one number a pixel."""
    rgb = picture.toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(rgb.constBits(), np.uint32).reshape(rgb.height(), -1).copy()


def levels(picture: QPixmap) -> np.ndarray:
    """The same, one number 0 to 255 for each colour."""
    return pixels(picture).view(np.uint8).astype(int)


class Window:
    """The canvas in a window that is painted in parts, as a screen shows it."""

    def __init__(self, driven: Any) -> None:
        self.driven, self.canvas = driven, driven.canvas
        self.canvas.minimap.hide()
        self.canvas.zoom_bar.hide()
        self.canvas.set_theme(theme("light"))
        self.canvas.links.overlay = "gradient"
        self.canvas.links.tiles.clear()

    @property
    def seen(self) -> np.ndarray:
        """What stands in the window now; nothing is painted for it."""
        screen = self.canvas.screen()
        return pixels(screen.grabWindow(self.canvas.winId()))

    def tint(self, norm: float) -> None:
        """Another gradient on every wire that is a line."""
        scene = self.canvas.scene
        rows = [row for row in range(len(scene.wires)) if not scene.portal[row]]
        scene.set_wire_states({r: WireState(gradient=norm * (1 + r)) for r in rows})


@pytest.fixture
def window(driven: Any) -> Window:
    """digits-cnn in light, its wires tinted by gradients."""
    return Window(driven)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("rungs", ZOOMS)
def test_a_part_painted_in_between_leaves_nothing_old(
    window: Window, rungs: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = window.canvas
    canvas.zoom_by(rungs)
    window.tint(1e-4)
    window.driven.settle()
    before = window.seen
    monkeypatch.setattr(surface, "MAKE_IN_FRAME", 0.0)  # as on a machine that is busy
    window.tint(0.1)
    canvas.repaint()
    monkeypatch.setattr(surface, "MAKE_IN_FRAME", 10.0)
    part = QRect(QPoint(0, 0), canvas.size() / 8)  # a tip goes, an overview is renewed
    far = part.translated(canvas.rect().bottomRight() - part.bottomRight())
    canvas.repaint(QRegion(part) + far if count == 2 else QRegion(part))
    window.driven.settle_rest()
    after = window.seen
    assert (after != before).any()
    assert (after == pixels(canvas.grab())).all()


@pytest.mark.parametrize("mood", ["dark", "light"])
def test_few_wires_look_as_they_will_before_their_tiles_are_made(
    window: Window, mood: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = window.canvas
    canvas.set_theme(theme(mood))
    window.tint(0.1)
    window.driven.settle()
    sharp = levels(canvas.grab())
    canvas.links.tiles.clear()
    monkeypatch.setattr(surface, "MAKE_IN_FRAME", 0.0)
    assert np.abs(levels(canvas.grab()) - sharp).max() <= ROUNDING
