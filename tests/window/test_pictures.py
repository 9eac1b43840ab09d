"""The canvas looks as in the pictures kept beside this file; see canvas_states.py to renew them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from gui import fonts
from gui.theme import Mood, theme
from tests.window.canvas_states import MOODS, STATES, nodes, path

TILE = 10  # px; within a tile an edge may move by a fraction of a pixel
LIMIT = 10.0  # of 255: how far the mean colour of a tile may be off
Pixels = NDArray[np.float64]


def pixels(image: QImage) -> Pixels:
    """Rows × columns × RGB."""
    same = image.convertToFormat(QImage.Format.Format_RGB888)
    raw = np.frombuffer(same.constBits(), np.uint8).reshape(same.height(), same.bytesPerLine())
    return raw[:, : same.width() * 3].reshape(same.height(), same.width(), 3).astype(np.float64)


def apart(one: Pixels, other: Pixels) -> NDArray[np.bool_]:
    """The tiles whose mean colours differ."""
    rows, columns = (-(-side // TILE) * TILE for side in one.shape[:2])
    padded = np.zeros((rows, columns, 3))
    padded[: one.shape[0], : one.shape[1]] = one - other
    tiles = padded.reshape(rows // TILE, TILE, columns // TILE, TILE, 3).mean(axis=(1, 3))
    return np.asarray(np.abs(tiles).max(axis=2) > LIMIT)


def keep_difference(now: Pixels, kept: Pixels, tiles: NDArray[np.bool_], file: Path) -> None:
    """Write what there is, what was, and where they differ, one below the other."""
    marked = now * 0.4
    where = tiles.repeat(TILE, 0).repeat(TILE, 1)[: now.shape[0], : now.shape[1]]
    marked[where] = now[where] * 0.4 + np.array([150.0, 0.0, 0.0])
    Image.fromarray(np.concatenate([now, kept, marked]).astype(np.uint8)).save(file)


@pytest.mark.parametrize("mood", MOODS)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_looks_as_kept(
    state: Callable[[Mood], QImage], mood: Mood, qtbot: QtBot, tmp_path: Path
) -> None:
    fonts.load()
    now = pixels(state(mood))
    kept = pixels(QImage(str(path(state.__name__, mood))))
    assert now.shape == kept.shape, "another size; if that is wanted, renew the pictures"
    tiles = apart(now, kept)
    if tiles.any():
        file = tmp_path / "difference.png"
        keep_difference(now, kept, tiles, file)
        pytest.fail(f"{tiles.sum()} places look different: {file}")


def test_small_changes_are_seen(qtbot: QtBot) -> None:
    """A hair line, a port or a letter more is no tolerance; a shifted edge is."""
    fonts.load()
    image = nodes("dark")
    kept = pixels(image)
    accent = QColor(theme("dark").accent)
    for x, y, width, height in ((200, 40, 30, 1), (5, 5, 4, 4)):
        changed = image.copy()
        painter = QPainter(changed)
        painter.fillRect(x, y, width, height, accent)
        painter.end()
        assert apart(pixels(changed), kept).any()
    assert not apart(kept + np.random.default_rng(0).normal(0, 12, kept.shape), kept).any()
