"""The legend of tinted wires keeps out of the way of nodes."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import resources
from graph.edits import AddNode
from graph.files import load
from graph.graph import Node
from graph.ops.activation import ReLU
from gui import fonts
from gui.canvas.fitting import covers
from gui.canvas.geometry import Rect
from gui.canvas.view import Canvas
from gui.document import Document
from gui.look import Look
from gui.overlay_legend import WireLegend

SIZES = [(1108, 520), (1108, 400), (700, 900), (560, 520), (1600, 300)]


@pytest.fixture
def legend(qtbot: QtBot) -> Iterator[WireLegend]:
    """The legend on a canvas with digits-cnn."""
    look = Look("dark")
    document = Document(load(resources.example_path("digits-cnn")), fonts.measure)
    canvas = Canvas(document, look.theme)
    qtbot.addWidget(canvas)
    made = WireLegend(look, canvas)
    canvas.resize(*SIZES[0])
    canvas.show()
    QTest.qWaitForWindowExposed(canvas)
    made.show_overlay("gradient", 0)
    yield made
    canvas.close_document()


def cards(legend: WireLegend) -> list[Rect]:
    """All that lies over the canvas, px."""
    canvas = legend._canvas
    found = [canvas.minimap.geometry(), canvas.zoom_bar.geometry(), legend.geometry()]
    return [Rect(one.x(), one.y(), one.width(), one.height()) for one in found]


def covered(legend: WireLegend) -> list[bool]:
    """Which of these have a node under them."""
    canvas = legend._canvas
    return [covers(canvas.camera, canvas.scene.boxes, card) for card in cards(legend)]


@pytest.mark.parametrize("size", SIZES)
def test_cards_stand_side_by_side_in_the_window(legend: WireLegend, size: tuple[int, int]) -> None:
    canvas = legend._canvas
    canvas.resize(*size)
    QApplication.processEvents()
    found = cards(legend)
    for number, card in enumerate(found):
        assert canvas.rect().contains(QPoint(round(card.right) - 1, round(card.bottom) - 1))
        assert not any(card.meets(other) for other in found[number + 1 :])


@pytest.mark.parametrize("size", SIZES[:4])
def test_fit_leaves_room_for_all_cards(legend: WireLegend, size: tuple[int, int]) -> None:
    canvas = legend._canvas
    canvas.document.push(AddNode(Node("low", ReLU(), x=200.0, y=400.0)))
    canvas.resize(*size)
    canvas.fit()
    assert covered(legend) == [False] * 3
    assert not legend.faint
    area, bounds = canvas.camera.area, canvas.scene.bounds()
    assert bounds is not None
    assert area.x <= bounds.x
    assert area.y <= bounds.y
    assert area.right >= bounds.right
    assert area.bottom >= bounds.bottom


def test_room_is_not_made_at_any_price(legend: WireLegend) -> None:
    """In a low window the drawing is as large as it can be."""
    canvas = legend._canvas
    canvas.resize(1600, 260)
    canvas.fit()
    bounds = canvas.scene.bounds()
    assert bounds is not None
    assert canvas.camera.zoom == canvas.camera.fitted(bounds).zoom


def test_it_is_faint_over_a_node_and_under_the_pointer(legend: WireLegend) -> None:
    canvas = legend._canvas
    middle = legend.geometry().center()
    QTest.mouseMove(canvas, QPoint(5, 5))
    assert not legend.faint
    QTest.mouseMove(canvas, middle)
    assert legend.faint
    plain = legend.grab().toImage()
    QTest.mouseMove(canvas, QPoint(5, 5))
    assert not legend.faint
    assert legend.grab().toImage() != plain
    node = canvas.camera.window(canvas.scene.port_point("accuracy", 0, False))
    canvas.look_from(canvas.camera.panned(middle.x() - node.x - 20, middle.y() - node.y))
    assert legend.faint
    canvas.fit()
    assert not legend.faint
    at = canvas.camera.canvas(middle.x(), middle.y())
    canvas.document.push(AddNode(Node("new", ReLU(), x=at.x, y=at.y)))
    assert legend.faint
    canvas.document.undo()
    assert not legend.faint
