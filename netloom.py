"""The command line: `netloom` opens the window, `netloom train digits-cnn` runs a command.

The commands are in `compute.cli`; what draws pictures is handed to them from here, because
`compute` knows no window. For plug-ins and scripts this module gives the public API:
`netloom.load`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compute.cli.opening import Opened

API = {
    "Op": "graph.op",
    "Port": "graph.op",
    "Param": "graph.op",
    "State": "graph.op",
    "Result": "graph.op",
    "Context": "graph.op",
    "setting": "graph.op",
    "sample": "graph.op",
    "bad": "graph.op",
    "Graph": "graph.graph",
    "Node": "graph.graph",
    "Wire": "graph.graph",
    "load": "graph.files",
    "save": "graph.files",
}


def __getattr__(name: str) -> Any:
    if name not in API:
        raise AttributeError(f"module 'netloom' has no attribute {name!r}")
    return getattr(import_module(API[name]), name)


# Files that the window opens when they are all it is told.
OPENED = (".loom", ".csv", ".tsv", ".png", ".svg")
PAINT = "--quit-after-paint"  # print the seconds until the window is painted, and end


def main() -> None:
    """Open the window or run a command; whatever goes wrong ends in one line and an exit code."""
    from compute.cli.errors import guarded

    words = sys.argv[1:]
    if wants_window(words):
        sys.exit(guarded(lambda: window(words)))
    from compute.cli.app import app

    sys.exit(guarded(lambda: app(standalone_mode=False, prog_name="netloom", obj=draw)))


def draw(opened: Opened, out: Path, theme: str, scale: float) -> None:
    """Draw a graph with a glimpse of its data; its file text goes into the picture."""
    from gui.render import render
    from gui.run.previews import data_previews

    graph = opened.graph
    previews = data_previews(graph)
    render(graph, out, theme_name=theme, scale=scale, text=opened.text, previews=previews)


def wants_window(words: Sequence[str]) -> bool:
    """Whether these arguments open the window: none, or files and what measures the start."""
    return all(word == PAINT or Path(word).suffix.lower() in OPENED for word in words)


def window(words: Sequence[str]) -> int:
    """Open the window with these files; its exit code. RuntimeError where there is no display."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in screens):
        raise RuntimeError(
            "found no display, expected one to open the window on; set DISPLAY, or see "
            "`netloom --help` for what runs in the terminal"
        )
    from gui.application import main

    files = [word for word in words if word != PAINT]
    return main(files, quit_after_paint=PAINT in words)


if __name__ == "__main__":
    main()
