"""Probes and tips of wires, on a real run."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolTip
from pytestqt.qtbot import QtBot

from compute.watch import reduce_tap
from graph import edits
from graph.graph import Wire
from gui.app import App
from gui.canvas.geometry import Point
from gui.canvas.view import Canvas
from gui.document import Document
from gui.fonts import measure
from gui.probe_card import short
from gui.probes import Probes, add_actions, lines
from tests.support.drawn import blocks

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def probes(qtbot: QtBot, app: App) -> Probes:
    """digits-mlp on a canvas that is seen, run without end."""
    canvas = Canvas(app.desk.open_example("digits-mlp"), app.look.theme)
    qtbot.addWidget(canvas, before_close_func=lambda _: canvas.close_document())
    made = Probes(app, canvas)
    add_actions(app, lambda: canvas)
    canvas.resize(1300, 560)
    canvas.show()
    qtbot.waitExposed(canvas)
    return made


def begin(qtbot: QtBot, probes: Probes) -> None:
    document, trainer = probes.document, probes.app.trainer
    training = document.graph.training
    document.push(edits.SetTraining(type(training)(**{**vars(training), "epochs": 10_000})))
    trainer.run(document)
    qtbot.waitUntil(lambda: trainer.board.state == "running", timeout=30_000)


def wire_to(probes: Probes, kind: str) -> Wire:
    graph = probes.document.graph
    return next(w for w in graph.wires() if type(graph.node(w.target).op).__name__ == kind)


def on(probes: Probes, wire: Wire) -> QPoint:
    at = probes._middle(probes.document.wires.index(wire))
    window = probes.canvas.camera.window(at)
    return QPoint(round(window.x), round(window.y))


def test_short_figures() -> None:
    values = (-0.594, 21.68, 0.0, 1304.2, 2.3e-5, -16.02, math.nan, 2e9)
    wanted = ["-0.59", "21.7", "0.00", "1,304", "2e-5", "-16.0", "–", "2e9"]
    assert [short(value) for value in values] == wanted


def test_lines_of_a_tip() -> None:
    values = np.array([1.0, 3.0, np.inf], np.float32)
    assert lines(reduce_tap("value:a.y", values)) == (
        "mean 2.00 · std 1.00",
        "min 1.00 · max 3.00",
        "1 not finite",
    )
    assert lines(reduce_tap("value:a.y", values[2:])) == ("1 not finite",)
    assert lines(None) == ()


def test_a_click_on_a_wire_pins_what_passes_it(qtbot: QtBot, probes: Probes) -> None:
    wire = wire_to(probes, "ReLU")
    QTest.mouseClick(probes.canvas, LEFT, pos=on(probes, wire))
    assert not probes.cards  # nothing runs
    begin(qtbot, probes)
    QTest.mouseClick(probes.canvas, LEFT, pos=on(probes, wire))
    (card,) = probes.cards.values()
    assert card.isVisible()
    qtbot.waitUntil(lambda: card.tap is not None, timeout=10_000)
    first = card.tap
    assert first is not None
    assert first.name == f"value:{wire.source}.{wire.output}"
    assert card.figures()[2] == ("min", short(first.low))
    assert sum(first.histogram) > 0
    qtbot.waitUntil(lambda: card.tap is not first, timeout=10_000)
    names, _ = probes.app.trainer._wanted[probes]
    assert names == {first.name}
    QTest.mouseClick(card.pin, LEFT)
    assert not probes.cards
    assert probes not in probes.app.trainer._wanted


def test_a_card_goes_with_its_wire(qtbot: QtBot, probes: Probes) -> None:
    canvas, document, wire = probes.canvas, probes.document, wire_to(probes, "ReLU")
    document.select((), [wire])
    probes.app.actions.refresh()
    probes.app.actions["graph.probe"].trigger()
    (card,) = probes.cards.values()
    at = on(probes, wire)
    stands = canvas.mapFromGlobal(card.mapToGlobal(card.card().topLeft())).y()
    below = stands - at.y()
    assert below >= 44
    shown = card.card().translated(card.pos())
    for index in canvas.scene.boxes.meeting(canvas.camera.area).tolist():
        rect = canvas.scene.rect(index)
        corner = canvas.camera.window(Point(rect.x, rect.y))
        size = rect.width * canvas.camera.zoom, rect.height * canvas.camera.zoom
        assert not shown.intersects(QRect(*map(round, (corner.x, corner.y, *size))))
    canvas.look_from(canvas.camera.panned(60.0, -30.0))
    assert card.mapToParent(card.card().topLeft()).y() == at.y() + below - 30
    node = document.graph.node(wire.target)
    document.push(edits.Move(((wire.target, node.x, node.y + 200.0),), into=""))
    assert card.mapToParent(card.card().topLeft()).y() == on(probes, wire).y() + below
    QTest.mousePress(card, LEFT, pos=card.card().center())
    QTest.mouseMove(card, card.card().center() + QPoint(50, 20))
    QTest.mouseRelease(card, LEFT, pos=card.card().center())
    assert card.mapToParent(card.card().topLeft()).y() > on(probes, wire).y() + below
    document.push(edits.Disconnect(wire, into=""))
    assert not probes.cards
    document.undo()
    assert not probes.cards


def test_a_tip_tells_what_passes_while_it_is_shown(qtbot: QtBot, probes: Probes) -> None:
    canvas, wire = probes.canvas, wire_to(probes, "ReLU")
    begin(qtbot, probes)
    at = on(probes, wire)
    QTest.mouseMove(canvas, at + QPoint(0, 60))
    QTest.mouseMove(canvas, at)
    qtbot.waitUntil(lambda: "mean" in QToolTip.text(), timeout=10_000)
    assert "max" in QToolTip.text()
    assert probes in probes.app.trainer._wanted
    QTest.mouseMove(canvas, at + QPoint(0, 120))
    canvas.hint(None, Point(0.0, 0.0))
    qtbot.waitUntil(lambda: probes not in probes.app.trainer._wanted, timeout=10_000)


def test_nothing_is_asked_for_that_the_run_does_not_know(qtbot: QtBot, probes: Probes) -> None:
    begin(qtbot, probes)
    assert list(probes.statistics("nowhere", "y")) == []
    assert probes not in probes.app.trainer._wanted


def test_a_probe_in_a_subgraph_shows_the_instance_that_was_entered(qtbot: QtBot, app: App) -> None:
    """Also of those that use the same drawing; tips of wires tell of it too."""
    document = app.desk.add(Document(blocks(), measure))
    canvas = Canvas(document, app.look.theme)
    qtbot.addWidget(canvas, before_close_func=lambda _: canvas.close_document())
    probes = Probes(app, canvas)
    canvas.resize(1300, 560)
    canvas.show()
    begin(qtbot, probes)
    canvas.enter_node("b")
    wire = next(w for w in document.wires if w.source == "dense")
    probes.toggle(wire)
    taps = app.trainer.board.taps
    qtbot.waitUntil(lambda: "value:b/dense.y" in taps, timeout=20_000)
    assert "value:a/dense.y" not in taps
    assert list(probes.statistics(f"{document.prefix}dense", "y"))
    document.leave()
    canvas.enter_node("a")
    qtbot.waitUntil(lambda: "value:a/dense.y" in taps)
    assert len(probes.cards) == 1
