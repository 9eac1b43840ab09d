"""The panels, popups and actions around the canvas, put into the window."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication

from gui import edit_actions, overlay, probes
from gui.canvas.menu import attach_menu
from gui.canvas.view import Canvas
from gui.inspector.actions import add_actions as add_inspector_actions
from gui.inspector.panel import InspectorPanel
from gui.library.actions import add_actions as add_library_actions
from gui.library.panel import LibraryPanel
from gui.library.search import SearchPopup
from gui.palette.actions import add_actions as add_palette_actions
from gui.palette.commands import Places
from gui.palette.palette import CommandPalette
from gui.probes import Probes
from gui.training.actions import add_actions as add_training_actions
from gui.training.bar import TrainingBar

if TYPE_CHECKING:
    from gui.window import MainWindow


class Parts:
    """What stands at the sides of the canvas and over it."""

    def __init__(self, window: MainWindow) -> None:
        self._window, app = window, window.app
        bench = window.workbench
        edit_actions.add_actions(app, lambda: window.canvas)
        add_training_actions(app)
        self.library = LibraryPanel(app)
        self.library.canvas = lambda: window.canvas
        self.library.drop_target = self._canvas_at
        bench.set_library(self.library)
        self.inspector = InspectorPanel(app)
        bench.set_inspector(self.inspector)
        self.training = TrainingBar(app)
        bench.set_training_bar(self.training)
        self.overlays = overlay.Overlays(app, window)
        bench.strip.tools.addWidget(overlay.WiresShow(self.overlays))
        self.search, self.palette = SearchPopup(app), CommandPalette(app)
        for popup in (self.search, self.palette):
            popup.setParent(window)  # never shown, it would outlive the window
        self.palette.places = Places(
            self.library.add,
            window.files.open,
            lambda: [Path(file.path) for file in window.keeper.recent],
        )
        add_library_actions(app, self.library, self.search, lambda: window.canvas)
        add_inspector_actions(app, self.inspector)
        overlay.add_actions(self.overlays)
        probes.add_actions(app, lambda: window.canvas)
        add_palette_actions(app, self.palette, window)
        window.top.searched.connect(app.actions["view.palette"].trigger)
        window.top.connect_history()

    def canvas_made(self, canvas: Canvas) -> None:
        """Wire a new canvas."""
        canvas.library_wanted.connect(partial(self.search.open_for, canvas))
        attach_menu(self._window.app, canvas)
        self.overlays.attach(canvas)
        Probes(self._window.app, canvas)

    def _canvas_at(self, place: QPoint) -> Canvas | None:
        """The canvas under a point of the screen."""
        found, canvas = QApplication.widgetAt(place), self._window.canvas
        if canvas is None or found is None:
            return None
        return canvas if found is canvas or canvas.isAncestorOf(found) else None
