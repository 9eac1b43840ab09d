"""The library's actions and their keys."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtGui import QCursor

from gui.app import App
from gui.canvas.view import Canvas
from gui.library.panel import LibraryPanel
from gui.library.search import SearchPopup


def add_actions(
    app: App, panel: LibraryPanel, popup: SearchPopup, canvas: Callable[[], Canvas | None]
) -> None:
    """Add "Add node…" (Tab on the canvas) and "Filter the library" (/)."""

    def search() -> None:
        shown = canvas()
        if shown is not None:
            popup.open_at(shown, pointer_in(shown))

    app.actions.add(
        "graph.add",
        "Add node…",
        search,
        menu="Graph",
        keys=("Tab",),
        scope="canvas",
        icon="plus",
        words="search insert layer",
        enabled=lambda: canvas() is not None,
    )
    app.actions.add(
        "library.filter",
        "Filter the library",
        panel.focus_filter,
        menu="View",
        keys=("/",),
        icon="search",
        words="find node types",
    )


def pointer_in(canvas: Canvas) -> QPoint:
    """Where the pointer is in a canvas; its middle when the pointer is elsewhere."""
    camera, at = canvas.camera, canvas.mapFromGlobal(QCursor.pos())
    if 0 <= at.x() < camera.width and 0 <= at.y() < camera.height:
        return at
    return QPoint(camera.width // 2, camera.height // 2)
