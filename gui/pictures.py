"""Graphs inside pictures that Netloom saved."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from graph.files import loads
from graph.graph import Graph
from graph.validator import MAX_BYTES
from gui.render import KEYWORD, text_in

SUFFIXES = (".png", ".svg")
MOST = 4 * MAX_BYTES  # a picture with a graph of the largest size is well below


def graph_in(path: Path) -> Graph:
    """The graph inside a PNG or SVG. Raises ValueError when there is none, OSError, FileError."""
    if path.stat().st_size > MOST:
        raise ValueError(f"{path.name}: found a file too large for a picture saved by Netloom")
    data = path.read_bytes()
    text = text_in(data, limit=MAX_BYTES) if path.suffix.lower() == ".png" else _in_svg(data)
    if not text:
        raise ValueError(
            f"{path.name}: found no graph inside, expected a picture saved by Netloom; "
            "export the canvas again, or open the .loom file"
        )
    return loads(text)


def _in_svg(data: bytes) -> str:
    found = re.search(
        rf'<metadata id="{KEYWORD}">(.*?)</metadata>', data.decode("utf-8", "replace"), re.DOTALL
    )
    return unescape(found.group(1)) if found else ""
