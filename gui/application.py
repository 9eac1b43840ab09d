"""The way into the window."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from importlib import import_module

# With PySide6 there, each import reads the source of its module as well: a tenth of a second.
BEFORE_QT = ("numpy", "graph.checks", "graph.files", "graph.journal")


def main(files: Sequence[str] = (), *, quit_after_paint: bool = False) -> int:
    """Open the window with these files, without any with those of the last time; the exit code.

    With `quit_after_paint` it prints the seconds since the process began once the window is
    painted, and ends.
    """
    gc.disable()  # until it is painted: walking all that is imported takes a tenth of a second
    for name in BEFORE_QT:
        import_module(name)
    from gui.opening import open_window

    return open_window(files, quit_after_paint=quit_after_paint)
