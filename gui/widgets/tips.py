"""Texts of tips."""

from __future__ import annotations

from gui import fonts
from gui.canvas.geometry import wrapped

WIDEST = 264  # px of a line; the tip has 8 more on each side


def tip_lines(text: str) -> str:
    """A text in lines that are not too long for a tip: Qt breaks none, unless it is HTML."""
    return "\n".join(wrapped(text.replace("`", ""), WIDEST, fonts.measure, "small"))
