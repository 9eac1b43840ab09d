"""The panels, popups and actions that others make, put into the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication

from gui.canvas.menu import attach_menu
from gui.canvas.view import Canvas
from gui.edit_actions import add_actions as add_edit_actions
from gui.inspector.panel import InspectorPanel
from gui.library.actions import add_actions as add_library_actions
from gui.library.panel import LibraryPanel
from gui.library.search import SearchPopup
from gui.overlay import Overlays, WiresShow
from gui.overlay import add_actions as add_overlay_actions
from gui.palette.actions import add_actions as add_palette_actions
from gui.palette.palette import CommandPalette

if TYPE_CHECKING:
    from gui.window import MainWindow


class Parts:
    """What stands at the sides of the canvas and over it."""

    def __init__(self, window: MainWindow) -> None:
        self._window, app = window, window.app
        self.library = LibraryPanel(app)
        self.library.canvas = lambda: window.canvas
        self.library.drop_target = self._canvas_at
        window.workbench.set_library(self.library)
        self.inspector = InspectorPanel(app)
        window.workbench.set_inspector(self.inspector)
        self.search, self.palette = SearchPopup(app), CommandPalette(app)
        self.palette.places.add = self.library.add
        self.palette.places.open_file = window.files.open
        add_edit_actions(app, lambda: window.canvas)
        add_library_actions(app, self.library, self.search, lambda: window.canvas)
        add_palette_actions(app, self.palette, window)
        window.top.searched.connect(app.actions["view.palette"].trigger)
        self.overlays = Overlays(app, window)
        add_overlay_actions(self.overlays)
        window.workbench.strip.tools.addWidget(WiresShow(self.overlays))

    def canvas_made(self, canvas: Canvas) -> None:
        """Wire a new canvas."""
        self.overlays.attach(canvas)
        attach_menu(self._window.app, canvas)
        canvas.library_wanted.connect(lambda at, loose: self.search.open_for(canvas, at, loose))

    def _canvas_at(self, place: QPoint) -> Canvas | None:
        """The canvas under a point of the screen."""
        found = QApplication.widgetAt(place)
        canvas = self._window.canvas
        if (
            canvas is not None
            and found is not None
            and (found is canvas or canvas.isAncestorOf(found))
        ):
            return canvas
        return None
