"""The maps of a theme, and greys, as tables of 32-bit pixels. No Qt."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from gui.theme import Mood, channels
from gui.theme import theme as theme_of

COUNT = 256  # colours of a table for bytes
Pixels = NDArray[np.uint32]


def pixel(name: str) -> int:
    """A "#RRGGBB" as Qt's 32-bit pixels have it, opaque."""
    red, green, blue = channels(name)
    return 0xFF000000 | red << 16 | green << 8 | blue


@cache
def map_pixels(mood: Mood, ramp: str, count: int = COUNT) -> Pixels:
    """A map in so many colours from end to end; do not change it."""
    theme = theme_of(mood)
    return np.array([pixel(theme.ramp(ramp, k / (count - 1))) for k in range(count)], np.uint32)


@cache
def map_table(mood: Mood, ramp: str) -> list[int]:
    """The same for images of bytes; do not change it."""
    table: list[int] = map_pixels(mood, ramp).tolist()
    return table


@cache
def greys() -> Pixels:
    """From black to white; do not change it."""
    return np.arange(COUNT, dtype=np.uint32) * np.uint32(0x010101) | np.uint32(0xFF000000)
