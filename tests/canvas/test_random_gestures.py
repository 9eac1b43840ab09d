"""Random presses, drags, keys and commands: the scene always shows what the graph holds."""

from random import Random
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from graph.drawing import same
from graph.files import dumps, loads
from gui.canvas import commands, tidy
from gui.canvas.curves import bernstein
from gui.canvas.dots import add_to_selected, next_wire, spots
from gui.canvas.geometry import Point

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
KEYS = Qt.KeyboardModifier
HELD = [
    KEYS.NoModifier,
    KEYS.NoModifier,
    KEYS.AltModifier,
    KEYS.ShiftModifier,
    KEYS.ControlModifier,
]
LARGEST = 60  # nodes above which all steps are undone


class Hand:
    """Does something at random."""

    def __init__(self, driven: Any, seed: int) -> None:
        self.rng, self.canvas, self.document = Random(seed), driven.canvas, driven.document
        canvas, chance = self.canvas, self.rng
        self._acts = [
            *([self.drag] * 12),
            *([self.document.undo] * 2),
            self.document.redo,
            lambda: commands.delete(canvas),
            lambda: commands.delete_and_reconnect(canvas),
            lambda: next_wire(canvas),
            lambda: add_to_selected(canvas),
            lambda: commands.duplicate(canvas),
            lambda: tidy.nudge(canvas, chance.randrange(-2, 3), chance.randrange(-2, 3)),
            canvas.arrange,
            lambda: commands.define_selection(canvas),
            lambda: commands.select_all(canvas),
            lambda: canvas.zoom_by(chance.choice([-8, 8])),
            canvas.fit,
        ]

    def act(self) -> None:
        """One of all that can be done; whatever it began is over."""
        self.rng.choice(self._acts)()
        if not self.canvas.is_idle:
            QTest.keyClick(self.canvas, Qt.Key.Key_Escape)
        if len(self.document.graph) > LARGEST:
            self.document.go_to(0)

    def drag(self) -> None:
        """A press on something, and what may happen until it ends elsewhere."""
        start, button = self._somewhere(), LEFT if self.rng.random() < 0.9 else RIGHT
        held = self.rng.choice(HELD)
        QTest.mousePress(self.canvas, button, held, start)
        for _ in range(self.rng.randrange(4)):
            away = QPoint(self.rng.randrange(-150, 150), self.rng.randrange(-150, 150))
            self._move(start + away, button, held)
            if self.rng.random() < 0.1:
                QTest.keyClick(self.canvas, Qt.Key.Key_Escape)
            if self.rng.random() < 0.1:
                self.document.undo()
            if self.rng.random() < 0.3:
                self.canvas.repaint()
        QTest.mouseRelease(self.canvas, button, held, self._somewhere())

    def _move(self, at: QPoint, button: Qt.MouseButton, held: Qt.KeyboardModifier) -> None:
        place, kind, none = QPointF(at), QMouseEvent.Type.MouseMove, Qt.MouseButton.NoButton
        glob = QPointF(self.canvas.mapToGlobal(place))
        QApplication.sendEvent(self.canvas, QMouseEvent(kind, place, glob, none, button, held))

    def _somewhere(self) -> QPoint:
        """On a wire, on a dot, on a node, or anywhere."""
        scene, chance = self.canvas.scene, self.rng.random()
        if chance < 0.35 and scene.wires:
            legs = scene.lines.legs(self.rng.randrange(len(scene.wires)))
            x, y = (bernstein(10)[self.rng.randrange(11)] @ self.rng.choice(list(legs))).tolist()
        elif chance < 0.6 and scene.led.of:
            x, y = self.rng.choice(list(scene.led.of[self.rng.choice(list(scene.led.of))])).tolist()
        elif chance < 0.85 and scene.ids:
            x, y = scene.places[self.rng.randrange(len(scene.ids))].tolist()
            x, y = x + self.rng.choice([0, 5, 20, 60]), y + self.rng.choice([5, 14, 30])
        else:
            size = self.canvas.size()
            return QPoint(self.rng.randrange(size.width()), self.rng.randrange(size.height()))
        at = self.canvas.camera.window(Point(x, y))
        return QPoint(round(at.x), round(at.y))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_scene_shows_what_the_graph_holds(driven: Any, seed: int) -> None:
    hand, document, scene = Hand(driven, seed), driven.document, driven.canvas.scene
    dots = 0
    for _ in range(300):
        hand.act()
        assert driven.canvas.is_idle
        drawing = document.drawing
        places = {id: tuple(scene.places[row].tolist()) for id, row in scene.index_of.items()}
        assert places == {node.id: (node.x, node.y) for node in drawing}
        led = {document.wires[row]: at.tolist() for row, at in scene.led.of.items()}
        assert led == {wire: [list(dot) for dot in at] for wire, at in drawing.dots.items()}
        assert scene.selected_dots == set(spots(document, document.selected_dots))
        dots += len(led)
    assert dots > 5  # the hand puts some on wires
    assert same(loads(dumps(document.graph)), document.graph)
    document.go_to(0)
    assert not document.graph.dots
