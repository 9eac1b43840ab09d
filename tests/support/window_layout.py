"""Where the parts of the window are on a screen of the size that it opens with."""

from __future__ import annotations

from gui.theme import Theme, theme, tokens
from tests.support.screen import SIZE, Box

_SIZE = tokens()["size"]["window"]
LOOK: Theme = theme("dark")
_TOP, _BELOW = _SIZE["topBar"], SIZE[1] - _SIZE["status"] - _SIZE["docks"]
_MIDDLE = _BELOW - _SIZE["trainBar"]  # the lower edge of panels and canvas

LIBRARY = Box(0, _TOP, _SIZE["library"], _MIDDLE - _TOP)
INSPECTOR = Box(SIZE[0] - _SIZE["inspector"], _TOP, _SIZE["inspector"], _MIDDLE - _TOP)
CANVAS = Box(
    LIBRARY.right,
    _TOP + _SIZE["canvasStrip"],
    INSPECTOR.x - LIBRARY.right,
    _MIDDLE - _TOP - _SIZE["canvasStrip"],
)
BAR = Box(0, _MIDDLE, SIZE[0], _SIZE["trainBar"])
NOTICE = Box(SIZE[0] // 2, _TOP, SIZE[0] // 2, 48)  # its buttons; seen while it has a message
