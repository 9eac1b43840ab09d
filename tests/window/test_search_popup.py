"""The search popup: what it finds, what it wires, and how fast it is."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from graph.checks.connect import can_connect
from graph.edits import AddNode, Disconnect
from graph.graph import Node
from graph.op import REGISTRY
from gui.app import App
from gui.canvas.geometry import Point
from gui.canvas.view import Canvas
from gui.library.actions import add_actions
from gui.library.add import add_at
from gui.library.fits import Fits, Loose
from gui.library.panel import LibraryPanel
from gui.library.search import SearchPopup
from gui.library.shelf import shelf
from gui.palette.memory import Memory

ENTRIES = 150
LIMIT = 0.050  # s from a key to what it changes on the screen


@pytest.fixture
def canvas(app: App, qtbot: QtBot) -> Iterator[Canvas]:
    """An empty document on a shown canvas."""
    made = Canvas(app.desk.new(), app.look.theme)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close_document()


@pytest.fixture
def popup(app: App, qtbot: QtBot) -> SearchPopup:
    """A popup with a memory of its own."""
    made = SearchPopup(app, Memory(None))
    qtbot.addWidget(made)
    return made


def _titles(popup: SearchPopup) -> list[str]:
    return [row.text for row in popup.model.rows if row.kind == "item"]


def _type(
    popup: SearchPopup, text: str, key: Qt.Key = Qt.Key.Key_Return, held: object = None
) -> None:
    QTest.keyClicks(popup.field, text)
    QTest.keyClick(popup.field, key, held or Qt.KeyboardModifier.NoModifier)  # type: ignore[call-overload]


def _wires(canvas: Canvas) -> set[str]:
    return {str(wire) for wire in canvas.document.graph.wires()}


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("fully connected", "Dense"),
        ("softmax loss", "Cross-entropy"),
        ("mse", "Mean squared error"),
        ("dig", "Digits"),
        ("relu", "ReLU"),
        ("maxpool", "MaxPool2d"),
        ("mp2", "MaxPool2d"),
        ("bn", "BatchNorm"),
        ("linear", "Dense"),
        ("shortcut", "Add"),
        ("gradient descent", "Gradient descent"),
        ("csv", "Table"),
    ],
)
def test_words_of_the_field_find_their_node(
    popup: SearchPopup, canvas: Canvas, query: str, first: str
) -> None:
    """Names, titles, synonyms and docs."""
    popup.open_at(canvas, QPoint(100, 100))
    QTest.keyClicks(popup.field, query)
    assert _titles(popup)[0] == first


def test_a_net_can_be_typed(popup: SearchPopup, canvas: Canvas) -> None:
    """Each node goes behind the one before, through a Flatten where the shape asks for it."""
    popup.open_at(canvas, QPoint(60, 100))
    for text in ("dig", "dense", "relu", "dense", "cross", "adam"):
        _type(popup, text, held=Qt.KeyboardModifier.ControlModifier)
        assert popup.isVisible()
        assert popup.field.text() == ""
        canvas.arrive()
        (added,) = canvas.document.selection
        box, zoom = canvas.scene.rect(canvas.scene.index_of[added]), canvas.camera.zoom
        corner = canvas.camera.window(Point(box.x, box.y))
        node = QRectF(corner.x, corner.y, box.width * zoom, box.height * zoom)
        assert not node.intersects(QRectF(popup.geometry()))
    QTest.keyClick(popup.field, Qt.Key.Key_Escape)
    assert not popup.isVisible()
    assert _wires(canvas) == {
        "digits1.image → flatten1.x",
        "flatten1.y → dense1.x",
        "dense1.y → relu1.x",
        "relu1.y → dense2.x",
        "dense2.y → crossentropy1.prediction",
        "digits1.label → crossentropy1.target",
        "crossentropy1.loss → adam1.loss",
    }
    assert [p.severity for p in canvas.document.problems] == ["warning"]  # 64 outputs, 10 classes
    boxes = [canvas.scene.rect(index).grown(8) for index in range(len(canvas.scene.ids))]
    assert not any(a.meets(b) for n, a in enumerate(boxes) for b in boxes[:n])


def test_its_keys_come_before_those_of_the_window(
    app: App, popup: SearchPopup, canvas: Canvas, qtbot: QtBot
) -> None:
    """Ctrl+Enter runs the graph elsewhere; in the popup it adds."""
    window, ran = app.actions.parent(), list[str]()
    assert isinstance(window, QWidget)
    app.actions.add("train.run", "Run", lambda: ran.append("run"), keys=("Ctrl+Return",))
    canvas.setParent(window)
    popup.setParent(window)
    window.resize(1000, 700)
    canvas.show()
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    popup.open_at(canvas, QPoint(60, 100))
    _type(popup, "dig", held=Qt.KeyboardModifier.ControlModifier)
    assert (ran, len(canvas.document.graph)) == ([], 1)
    QTest.keyClick(popup.field, Qt.Key.Key_Escape)
    QTest.keyClick(canvas, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert ran == ["run"]


def test_each_node_is_one_step_of_undo(popup: SearchPopup, canvas: Canvas) -> None:
    """Node, adapter and wires go together."""
    document = canvas.document
    for text in ("dig", "dense"):
        popup.open_at(canvas, QPoint(60, 100))
        _type(popup, text)
        assert not popup.isVisible()
    assert len(document.graph) == 3
    document.undo()
    assert [node.id for node in document.graph] == ["digits1"]


def test_a_metric_goes_beside_the_loss(popup: SearchPopup, canvas: Canvas) -> None:
    """It cannot take a loss, so it is wired to what the loss is wired to."""
    popup.open_at(canvas, QPoint(60, 100))
    for text in ("dig", "dense", "cross", "accuracy"):
        _type(popup, text, held=Qt.KeyboardModifier.ControlModifier)
    ours = {wire for wire in _wires(canvas) if "accuracy" in wire}
    assert ours == {"dense1.y → accuracy1.prediction", "digits1.label → accuracy1.target"}
    loss, metric = (canvas.document.graph.node(id) for id in ("crossentropy1", "accuracy1"))
    assert metric.x == loss.x
    assert metric.y > loss.y
    assert popup.field.accessibleDescription().startswith("Accuracy, Metric")
    _type(popup, "adam")
    assert "crossentropy1.loss → adam1.loss" in _wires(canvas)
    assert canvas.document.graph.node("adam1").y == loss.y


def test_shift_leaves_it_unwired(popup: SearchPopup, canvas: Canvas) -> None:
    """Beside the selected node all the same."""
    popup.open_at(canvas, QPoint(60, 100))
    _type(popup, "dig", held=Qt.KeyboardModifier.ControlModifier)
    _type(popup, "conv", held=Qt.KeyboardModifier.ShiftModifier)
    assert len(canvas.document.graph) == 2
    assert _wires(canvas) == set()


def test_a_schedule_goes_before_its_optimizer(popup: SearchPopup, canvas: Canvas) -> None:
    """It has no inputs: it feeds the selected node."""
    popup.open_at(canvas, QPoint(500, 100))
    _type(popup, "adam", held=Qt.KeyboardModifier.ControlModifier)
    _type(popup, "cosine")
    assert _wires(canvas) == {"cosineschedule1.rate → adam1.schedule"}
    places = {node.id: node.x for node in canvas.document.graph}
    assert places["cosineschedule1"] < places["adam1"]


@pytest.fixture
def digits(canvas: Canvas) -> Canvas:
    """The canvas with digits and a loss on it."""
    for id, name in (("digits", "Digits"), ("loss", "CrossEntropy"), ("adam", "Adam")):
        canvas.document.push(AddNode(Node(id, REGISTRY[name]())))
    return canvas


@pytest.mark.parametrize(
    ("loose", "inside", "outside"),
    [
        (Loose("digits", "image"), {"Conv2d", "Flatten", "ReLU"}, {"Dense", "Adam", "Digits"}),
        (Loose("digits", "label"), {"CrossEntropy", "Accuracy"}, {"Conv2d", "ReLU", "Dense"}),
        (Loose("loss", "loss"), {"Adam", "SGD"}, {"Dense", "Conv2d"}),
        (Loose("adam", "schedule", "input"), {"StepSchedule"}, {"Digits", "ReLU", "CrossEntropy"}),
        (Loose("adam", "loss", "input"), {"CrossEntropy"}, {"Accuracy", "Dense", "Digits"}),
        (Loose("loss", "target", "input"), {"Digits", "Table"}, {"ReLU", "Dense", "Conv2d"}),
    ],
    ids=str,
)
def test_a_wire_in_the_hand_filters(
    popup: SearchPopup, digits: Canvas, loose: Loose, inside: set[str], outside: set[str]
) -> None:
    """Only nodes that take it, or give what it wants."""
    popup.open_at(digits, QPoint(300, 200), loose)
    names = {row.id for row in popup.model.rows if row.kind == "item"}
    assert inside <= names
    assert not outside & names


def test_whatever_is_offered_for_a_wire_fits(digits: Canvas) -> None:
    """Every link that is promised can be drawn: taken off again, nothing is said against it."""
    document = digits.document
    for loose in (Loose("digits", "image"), Loose("digits", "label"), Loose("loss", "loss")):
        offered = 0
        for item in shelf(document.graph):
            link = Fits(document.checked).link(item.op(), loose)
            if link is None:
                continue
            id = add_at(document, item.op(), [link], Point(600.0, 300.0))
            (wire,) = document.graph.wires_in(id)
            document.push(Disconnect(wire))
            assert can_connect(document.graph, wire, view=document.checked) is None
            document.undo()
            document.undo()
            offered += 1
        assert offered


def test_the_wire_ends_at_the_best_port(popup: SearchPopup, digits: Canvas) -> None:
    """Labels go to the target although the prediction comes first."""
    popup.open_at(digits, QPoint(300, 200), Loose("digits", "label"))
    _type(popup, "accuracy")
    assert "digits.label → accuracy1.target" in _wires(digits)
    node = digits.document.graph.node("accuracy1")
    point = digits.camera.canvas(300, 200)
    assert (node.x, node.y + 14) == (point.x, point.y)


def test_recents_come_first(popup: SearchPopup, canvas: Canvas) -> None:
    """The newest on top, once."""
    for text in ("tanh", "dense", "tanh"):
        popup.open_at(canvas, QPoint(60, 100))
        _type(popup, text)
    popup.open_at(canvas, QPoint(60, 100))
    assert _titles(popup)[:2] == ["Tanh", "Dense"]
    assert _titles(popup).count("Tanh") == 1


def test_arrows_skip_headings_and_go_around(popup: SearchPopup, canvas: Canvas) -> None:
    """Up on the first row is the last one."""
    popup._memory.used_node("Dense")
    popup.open_at(canvas, QPoint(60, 100))
    assert popup.current is not None
    assert popup.current.text == "Dense"
    QTest.keyClick(popup.field, Qt.Key.Key_Down)
    assert popup.current.text == "Digits"
    for _ in range(2):
        QTest.keyClick(popup.field, Qt.Key.Key_Up)
    assert popup.current.text == _titles(popup)[-1]


def test_it_tells_what_enter_does(popup: SearchPopup, canvas: Canvas) -> None:
    """Where the node goes, and through what."""
    popup.open_at(canvas, QPoint(60, 100))
    _type(popup, "dig", held=Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(popup.field, "dense")
    assert popup._does.text() == "Enter adds it behind digits1 through Flatten"
    assert popup._about.text().startswith("Every output is a weighted sum")


def test_nothing_found_says_so(popup: SearchPopup, canvas: Canvas) -> None:
    """And Enter does nothing."""
    popup.open_at(canvas, QPoint(60, 100))
    _type(popup, "qqqq")
    assert popup.isVisible()
    assert popup.model.rows[0].text == "No node like “qqqq”. Esc closes."
    assert len(canvas.document.graph) == 0


def test_a_press_elsewhere_closes_and_focus_goes_back(
    popup: SearchPopup, canvas: Canvas, qtbot: QtBot
) -> None:
    """Focus returns to the canvas on Esc."""
    canvas.activateWindow()
    canvas.setFocus()
    popup.open_at(canvas, QPoint(60, 100))
    assert popup.field.hasFocus()
    QTest.keyClick(popup.field, Qt.Key.Key_Escape)
    assert canvas.hasFocus()
    popup.open_at(canvas, QPoint(60, 100))
    handle = canvas.window().windowHandle()
    press = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QTest.mouseClick(handle, *press, popup.mapTo(canvas.window(), QPoint(60, 60)))
    QTest.mouseClick(handle, *press, canvas.mapTo(canvas.window(), QPoint(900, 600)))
    assert not popup.isVisible()


def test_another_document_closes_it(app: App, popup: SearchPopup, canvas: Canvas) -> None:
    """It would add to one that is no longer seen."""
    popup.open_at(canvas, QPoint(60, 100))
    app.desk.new()
    assert not popup.isVisible()


def test_tab_on_the_canvas_opens_it(app: App, canvas: Canvas, qtbot: QtBot) -> None:
    """And "/" goes to the library's field, where it is a letter like others."""
    window = app.actions.parent()
    assert isinstance(window, QWidget)
    panel, popup = LibraryPanel(app, Memory(None)), SearchPopup(app, Memory(None))
    for widget in (canvas, panel, popup):
        widget.setParent(window)
    panel.resize(216, 600)
    add_actions(app, panel, popup, lambda: canvas)
    canvas.library_wanted.connect(lambda at, loose: popup.open_for(canvas, at, loose))
    window.resize(1200, 700)
    panel.show()
    canvas.show()
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    canvas.setFocus()
    app.actions.refresh()
    QTest.keyClick(canvas, Qt.Key.Key_Tab)
    assert popup.isVisible()
    QTest.keyClick(popup.field, Qt.Key.Key_Escape)
    assert canvas.hasFocus()
    app.actions["graph.add"].trigger()  # as from the menu
    assert popup.isVisible()
    QTest.keyClick(popup.field, Qt.Key.Key_Escape)
    QTest.keyClick(canvas, Qt.Key.Key_Slash)
    assert panel.field.hasFocus()
    QTest.keyClicks(panel.field, "a/b")
    assert panel.field.text() == "a/b"


def test_a_key_is_on_the_screen_in_time(popup: SearchPopup, canvas: Canvas) -> None:
    """With many more node types than there are."""
    items = shelf()
    many = [
        dataclasses.replace(items[n % len(items)], name=f"{items[n % len(items)].name}{n}")
        for n in range(ENTRIES)
    ]
    popup.shelf = lambda document: many
    took = []
    for text in ("dense", "conv2d pool", "softmax loss"):
        popup.open_at(canvas, QPoint(60, 100))
        for letter in text:
            begin = time.perf_counter()
            QTest.keyClicks(popup.field, letter)
            popup.repaint()
            popup.list.viewport().repaint()
            took.append(time.perf_counter() - begin)
    assert statistics.median(took) < LIMIT


def test_what_had_the_keyboard_before_may_be_gone(
    popup: SearchPopup, canvas: Canvas, qtbot: QtBot
) -> None:
    """A field or a menu that went while the popup was open; an error there ended the program."""
    field = QLineEdit(canvas)
    field.show()
    canvas.activateWindow()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    popup.open_at(canvas, QPoint(60, 100))
    shiboken6.delete(field)
    popup.hide()
    assert not popup.isVisible()
