"""A canvas that shows a shipped example at 100 %, driven by real events without a screen."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

import resources
from graph.files import load
from gui import fonts
from gui.actions import Actions
from gui.app import App
from gui.canvas.geometry import Point
from gui.canvas.menu import attach_menu
from gui.canvas.view import Canvas
from gui.desk import Desk
from gui.document import Document
from gui.edit_actions import add_actions
from gui.look import Look
from gui.run.trainer import Trainer
from gui.theme import theme


class Driven:
    """A canvas and where things are in its window."""

    def __init__(self, qtbot: QtBot, canvas: Canvas) -> None:
        self.qtbot, self.canvas, self.document = qtbot, canvas, canvas.document
        self.app: App | None = None  # with all actions, where a test wants them

    def on(self, node: str, x: float = 20.0, y: float = 8.0) -> QPoint:
        """A point of the window on a node."""
        view = self.canvas.scene.node(node)
        at = self.canvas.camera.window(Point(view.x + x, view.y + y))
        return QPoint(round(at.x), round(at.y))

    def place(self, node: str) -> tuple[float, float]:
        """Where the graph has a node."""
        found = self.document.graph.node(node)
        return found.x, found.y

    def settle(self) -> None:
        """Wait until everything seen is sharp."""
        self.canvas.repaint()
        self.settle_rest()

    def settle_rest(self) -> None:
        """Wait until what is coarse now is sharp, without painting all first."""
        self.qtbot.waitUntil(lambda: not self.canvas.sharpening)


@pytest.fixture
def driven(qtbot: QtBot) -> Iterator[Driven]:
    """digits-cnn, whole in a window of 1280 × 720."""
    graph = load(resources.example_path("digits-cnn"))
    canvas = Canvas(Document(graph, fonts.measure), theme("dark"))
    qtbot.addWidget(canvas)
    canvas.resize(1280, 720)
    canvas.show()
    QTest.qWaitForWindowExposed(canvas)
    made = Driven(qtbot, canvas)
    made.settle()
    yield made
    canvas.close_document()


@pytest.fixture
def acting(driven: Driven) -> Iterator[Driven]:
    """The canvas as the active window, with all its actions."""
    canvas = driven.canvas
    app = App(Look("dark"), Desk(), Actions(canvas, canvas), Trainer())
    add_actions(app, lambda: canvas)
    attach_menu(app, canvas)
    driven.app = app
    canvas.activateWindow()
    driven.qtbot.waitUntil(canvas.isActiveWindow)
    canvas.setFocus()
    yield driven
    app.trainer.close()
