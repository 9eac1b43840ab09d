"""A net built from an empty canvas without a pointer: search, arrows, Enter."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from graph.checks import check
from gui.actions import Actions
from gui.app import App
from gui.canvas.view import Canvas
from gui.desk import Desk
from gui.edit_actions import add_actions
from gui.library.search import SearchPopup
from gui.look import Look
from gui.palette.memory import Memory
from gui.run.trainer import Trainer

K = Qt.Key


class Keyboard:
    """An empty canvas, the search popup, and nothing but keys."""

    def __init__(self, qtbot: QtBot) -> None:
        desk = Desk()
        self.canvas = Canvas(desk.new(), Look("dark").theme)
        qtbot.addWidget(self.canvas)
        self.app = App(Look("dark"), desk, Actions(self.canvas, self.canvas), Trainer())
        add_actions(self.app, lambda: self.canvas)
        self.popup = SearchPopup(self.app, Memory(None))
        qtbot.addWidget(self.popup)
        self.canvas.library_wanted.connect(
            lambda at, loose: self.popup.open_for(self.canvas, at, loose)
        )
        self.canvas.resize(1400, 800)
        self.canvas.show()
        self.canvas.activateWindow()
        qtbot.waitUntil(self.canvas.isActiveWindow)
        self.canvas.setFocus()

    def press(self, *keys: Qt.Key) -> None:
        """Keys, where the focus is."""
        for key in keys:
            self.app.actions.refresh()
            QTest.keyClick(QApplication.focusWidget(), key)
            QApplication.processEvents()

    def add(self, words: str) -> str:
        """Search for a node and take the first; its id."""
        before = set(self.canvas.document.graph.net)
        self.press(K.Key_Tab)
        QTest.keyClicks(QApplication.focusWidget(), words)
        self.press(K.Key_Return)
        (new,) = set(self.canvas.document.graph.net) - before
        assert QApplication.focusWidget() is self.canvas
        assert self.canvas.document.selection == {new}
        return new


@pytest.fixture
def keyboard(qtbot: QtBot) -> Iterator[Keyboard]:
    made = Keyboard(qtbot)
    yield made
    made.canvas.close_document()
    made.app.trainer.close()


def test_digits_mlp_is_built_by_keyboard_alone(keyboard: Keyboard) -> None:
    canvas, graph = keyboard.canvas, keyboard.canvas.document.graph
    digits = keyboard.add("digits")
    layers = [keyboard.add(words) for words in ("flatten", "dense", "relu", "dense")]
    loss = keyboard.add("cross-entropy")
    keyboard.add("adam")
    wires = {(wire.source, wire.target, wire.input) for wire in graph.wires()}
    chain = [digits, *layers]
    for source, target in zip(chain, layers, strict=False):
        assert (source, target, "x") in wires
    assert (layers[-1], loss, "prediction") in wires
    if (digits, loss, "target") not in wires:
        canvas.select([digits])
        keyboard.press(K.Key_Return, K.Key_Down, K.Key_Return, K.Key_Return)
    assert (digits, loss, "target") in {(w.source, w.target, w.input) for w in graph.wires()}
    said = [problem.message for problem in check(graph) if problem.severity == "error"]
    assert said == []


def test_a_wire_begun_by_keys_finds_its_node_by_search(keyboard: Keyboard) -> None:
    canvas, graph = keyboard.canvas, keyboard.canvas.document.graph
    digits = keyboard.add("digits")
    flat = keyboard.add("flatten")
    keyboard.press(K.Key_Delete)
    assert flat not in graph
    canvas.select([digits])
    keyboard.press(K.Key_W, K.Key_Return, K.Key_Tab)
    QTest.keyClicks(QApplication.focusWidget(), "conv2d")
    keyboard.press(K.Key_Return)
    (wire,) = graph.wires()
    assert (wire.source, wire.output) == (digits, "image")
    assert type(graph.node(wire.target).op).__name__ == "Conv2d"
