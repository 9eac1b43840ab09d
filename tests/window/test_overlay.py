"""Training on the canvas: wires, thumbnails, rings and texts, on real runs."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from compute.questions import Maps, SampleMaps
from graph.edits import Remove, SetOp, SetTraining
from graph.files import load
from graph.graph import Node
from graph.ops.data import Digits, ToyData
from graph.ops.optimizer import SGD
from graph.ops.structure import Output
from graph.shapes import Shapes
from graph.subgraph import Subgraph
from gui.app import App
from gui.canvas.view import Canvas
from gui.canvas.view_model import Bars, Mosaic, Scatter, Sparkline
from gui.document import Document
from gui.fonts import measure
from gui.overlay import CanvasOverlay, Overlays, WiresShow
from gui.overlay_nodes import LOOKS, pictures, quantised, sparkline, watched
from gui.probes import Probes
from resources import example_path
from tests.export.drawn_cells import both_ways, nested
from tests.support.drawn import blocks, defined

Open = Callable[[str], CanvasOverlay]


@pytest.fixture
def drawn(qtbot: QtBot, app: App) -> Open:
    """Opens an example on a canvas that is seen, with its overlay."""

    def opened(name: str) -> CanvasOverlay:
        return attached(qtbot, app, app.desk.open_example(name))

    return opened


def run(qtbot: QtBot, overlay: CanvasOverlay) -> None:
    """Train to the end and wait until the canvas shows it."""
    trainer = overlay.app.trainer
    trainer.run(overlay.document)
    qtbot.waitUntil(lambda: trainer.board.state in ("finished", "failed"), timeout=30_000)
    qtbot.waitUntil(lambda: not overlay._pause.isActive() and not overlay._waiting)


def test_what_there_is_to_watch() -> None:
    graph = load(example_path("digits-cnn"))
    types = Shapes(graph).types
    found = watched(graph, types)
    kinds = {id: one.kind for id, one in found.pictures.items()}
    assert kinds == {
        "loss": "losses",
        "conv1": "maps",
        "conv2": "maps",
        "pool": "maps",
        "hidden": "cells",
        "scores": "bars",
    }
    assert set(found.keys) == {"conv1", "conv2", "hidden", "scores"}
    assert set(found.zeros) == {"relu1", "relu2", "relu3"}
    assert ("conv1", "y") in found.wires
    assert ("digits", "image") not in found.wires
    assert "norm:gradient:scores.y" in found.names(True)
    assert "norm:gradient:scores.y" not in found.names(False)
    assert set(found.phases.values()) <= {(0, False), (0, True)}
    assert found.phases["relu1", "y"] == (0, False)
    assert found.phases["relu2", "y"] == (0, True)
    assert pictures(graph, {}).keys() == {"loss"}


def test_small_numbers() -> None:
    assert quantised(0.0) == 0.0
    assert math.isnan(quantised(math.nan))
    assert quantised(0.101) == quantised(0.099) == pytest.approx(0.1)
    assert sparkline(np.full(1000, 10.0)).values == [1.0] * 63
    assert len(sparkline(np.array([2.0, 0.0, np.nan])).values) == 2


def test_a_run_changes_no_size(qtbot: QtBot, drawn: Open) -> None:
    overlay = drawn("digits-cnn")
    scene = overlay.canvas.scene
    sizes, places = scene.sizes.copy(), scene.places.copy()
    assert isinstance(scene.node("conv1").preview, Mosaic)
    run(qtbot, overlay)
    assert (scene.sizes == sizes).all()
    assert (scene.places == places).all()


def test_nodes_tell_of_the_run(qtbot: QtBot, drawn: Open) -> None:
    overlay = drawn("digits-cnn")
    run(qtbot, overlay)
    scene, board = overlay.canvas.scene, overlay.app.trainer.board
    conv, scores, loss = (scene.node(id) for id in ("conv1", "scores", "loss"))
    assert isinstance(conv.preview, Mosaic)
    assert conv.preview.tiles.shape == (16, 8, 8)
    assert conv.preview.tiles.max() == 255
    assert conv.state.health is not None
    assert 0.2 < conv.state.health.share < 1.0
    assert isinstance(scores.preview, Bars)
    assert sum(scores.preview.values) == pytest.approx(1.0, abs=1e-4)
    assert scores.preview.marked == int(np.argmax(scores.preview.values))
    assert isinstance(loss.preview, Sparkline)
    assert loss.preview.values[-1] < loss.preview.values[0]
    assert scene.node("accuracy").note == f"{100 * board.metrics['val_accuracy']:.1f} %"
    assert scene.node("relu1").badge.endswith("% zero")
    assert scene.node("adam").note == f"#{board.steps}"


def test_wires_are_tinted_by_their_gradient(qtbot: QtBot, drawn: Open) -> None:
    overlay = drawn("digits-cnn")
    links, scene = overlay.canvas.links, overlay.canvas.scene
    assert links.overlay == "kind"
    assert not overlay.legend.isVisible()
    run(qtbot, overlay)
    assert links.overlay == "gradient"
    assert overlay.legend.isVisible()
    taps = overlay.app.trainer.board.taps
    for row, wire in enumerate(overlay.document.wires):
        norm = scene.wires[row].state.gradient
        name = f"gradient:{wire.source}.{wire.output}"
        if wire.target == "accuracy" or name not in taps:
            assert norm is None
        else:
            last = overlay.app.trainer.board.norms[name].values.values[-LOOKS:]
            assert norm == pytest.approx(float(np.exp(np.log(last).mean())), rel=0.2)
    assert sum(wire.state.gradient is not None for wire in scene.wires) == 10
    overlay.overlays.choose("kind")
    assert links.overlay == "kind"
    assert not overlay.legend.isVisible()
    overlay.overlays.choose("phase")
    assert links.overlay == "phase"
    assert {wire.state.phase for wire in scene.wires} == {-1, 0}


def test_an_edit_keeps_what_is_drawn(qtbot: QtBot, drawn: Open) -> None:
    overlay = drawn("digits-cnn")
    run(qtbot, overlay)
    scene, document = overlay.canvas.scene, overlay.document
    before = scene.node("conv2").preview
    document.push(Remove(("dropout",)))
    assert scene.node("conv2").preview is before
    assert scene.node("conv2").state.health is not None
    document.undo()
    assert scene.node("conv2").preview is before


def test_a_layer_of_another_size_is_empty_again(qtbot: QtBot, drawn: Open) -> None:
    overlay = drawn("digits-mlp")
    run(qtbot, overlay)
    document, op = overlay.document, overlay.document.graph.node("hidden").op
    document.push(SetOp("hidden", type(op)(units=48)))
    qtbot.waitUntil(lambda: len(_tiles(overlay, "hidden")) == 48)
    assert not _tiles(overlay, "hidden").any()


@pytest.mark.parametrize("paused", [False, True])
def test_a_swapped_layer_shows_its_pictures(qtbot: QtBot, drawn: Open, paused: bool) -> None:
    """While the run goes on, and while it waits; layers that stayed keep theirs meanwhile."""
    overlay = drawn("digits-mlp")
    document, trainer = overlay.document, overlay.app.trainer
    document.push(SetTraining(replace(document.graph.training, epochs=100_000)))
    trainer.run(document)
    qtbot.waitUntil(lambda: bool(_tiles(overlay, "hidden").any()), timeout=20_000)
    if paused:
        trainer.pause()
        qtbot.waitUntil(lambda: trainer.board.state == "paused")
    op = document.graph.node("hidden").op
    document.push(SetOp("hidden", type(op)(units=48)))
    qtbot.waitUntil(lambda: len(_tiles(overlay, "hidden")) == 48)
    scores = overlay.canvas.scene.node("scores").preview
    assert isinstance(scores, Bars)
    assert any(scores.values)
    graph = trainer.graph
    assert trainer.swap(document)
    qtbot.waitUntil(lambda: trainer.graph is not graph)
    kept = overlay.canvas.scene.node("scores").preview
    assert isinstance(kept, Bars)
    assert any(kept.values)
    qtbot.waitUntil(lambda: bool(_tiles(overlay, "hidden").any()))
    assert trainer.board.state == ("paused" if paused else "running")


def _tiles(overlay: CanvasOverlay, id: str) -> np.ndarray:
    found = overlay.canvas.scene.node(id).preview
    assert isinstance(found, Mosaic)
    return found.tiles


def test_the_node_that_lost_its_numbers_is_marked(qtbot: QtBot, drawn: Open) -> None:
    overlay = drawn("table-regression")
    overlay.document.push(SetOp("adam", SGD(learning_rate=1e6)))
    run(qtbot, overlay)
    board, scene = overlay.app.trainer.board, overlay.canvas.scene
    assert board.state == "failed"
    node = scene.node(board.failed_at)
    assert node.state.problem == "error"
    assert node.state.health is not None
    assert node.state.health.not_finite
    assert scene.index_of[board.failed_at] in scene.problems.tolist()


def test_unseen_it_watches_and_asks_nothing(qtbot: QtBot, drawn: Open) -> None:
    overlay = drawn("digits-mlp")
    overlay.canvas.hide()
    overlay.app.trainer.run(overlay.document)
    qtbot.waitUntil(lambda: overlay.app.trainer.board.state == "finished", timeout=30_000)
    assert not overlay.app.trainer.board.taps
    overlay.canvas.show()
    qtbot.waitUntil(lambda: bool(_tiles(overlay, "hidden").any()))


def test_a_tick_is_short(qtbot: QtBot, drawn: Open) -> None:
    overlay = drawn("digits-cnn")
    run(qtbot, overlay)
    seconds = []
    for _ in range(30):
        overlay._made = {}
        start = time.perf_counter()
        overlay._apply()
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.003


def test_the_choice_stands_in_the_strip(qtbot: QtBot, app: App) -> None:
    overlays = Overlays(app)
    choice = WiresShow(overlays)
    qtbot.addWidget(choice)
    assert choice.box.currentText() == "Gradient"
    choice.box.setCurrentIndex(0)
    choice.box.activated.emit(0)
    assert overlays.choice == "kind"
    overlays.choose("phase")
    assert choice.box.currentText() == "Phase"


@pytest.mark.parametrize("repeat", [1, 3])
def test_inside_a_subgraph_it_shows_the_instance_that_was_entered(
    qtbot: QtBot, app: App, repeat: int
) -> None:
    """Under ids that are used outside as well; of a repeated one the first turn."""
    overlay = attached(qtbot, app, app.desk.add(Document(blocks(repeat), measure)))
    document, canvas, board = overlay.document, overlay.canvas, app.trainer.board_of
    run(qtbot, overlay)
    turn = "0/" if repeat > 1 else ""
    for name in ("a", "b"):
        assert canvas.enter_node(name)
        prefix = f"{name}/{turn}"
        assert document.prefix == prefix
        names = {f"gradient:{prefix}dense/weight", f"gradient:{prefix}dense/bias"}
        assert names <= {name.removeprefix("norm:") for name in overlay.seen.names(True)}
        dense = canvas.scene.node("dense")
        assert isinstance(dense.preview, Mosaic)
        assert dense.preview.tiles.shape == (20, 1, 1)
        qtbot.waitUntil(lambda: canvas.scene.node("dense").preview.tiles.max() == 255)
        answers: list[SampleMaps] = []
        app.trainer.ask("test", Maps(0, (f"value:{prefix}dense.y",)), answers.append)
        qtbot.waitUntil(lambda answers=answers: len(answers) == 1)
        values = answers[0].maps[f"value:{prefix}dense.y"].values
        shown = canvas.scene.node("dense").preview.tiles.ravel()
        span = values.max() - values.min()
        assert shown.tolist() == np.rint((values - values.min()) * (255 / span)).tolist()
        document.leave()
        assert document.prefix == ""
    assert isinstance(canvas.scene.node("dense").preview, Bars)
    assert board(document).state == "finished"


def test_gradients_inside_a_subgraph_tint_its_wires(qtbot: QtBot, app: App) -> None:
    overlay = attached(qtbot, app, app.desk.add(Document(blocks(1), measure)))
    document, canvas = overlay.document, overlay.canvas
    canvas.enter_node("b")
    training = replace(document.graph.training, epochs=1_000_000)
    document.push(SetTraining(training))
    app.trainer.run(document)
    taps = app.trainer.board_of(document).taps
    qtbot.waitUntil(lambda: "gradient:b/dense.y" in taps, timeout=30_000)
    assert "gradient:a/dense.y" not in taps
    row = next(k for k, wire in enumerate(document.wires) if wire.source == "dense")
    qtbot.waitUntil(lambda: canvas.scene.wires[row].state.gradient is not None)
    qtbot.waitUntil(lambda: canvas.scene.node("dense").state.health is not None)
    assert canvas.scene.node("relu").id in overlay.seen.zeros
    document.leave()
    canvas.enter_node("a")
    qtbot.waitUntil(lambda: "gradient:a/dense.y" in taps)


def test_gradients_inside_a_scanned_cell_tint_its_wires(qtbot: QtBot, app: App) -> None:
    """By the norm over all steps; the tip says so."""
    overlay = attached(qtbot, app, app.desk.add(Document(both_ways(), measure)))
    document, canvas = overlay.document, overlay.canvas
    probes = Probes(app, canvas)
    assert canvas.enter_node("back")
    document.push(SetTraining(replace(document.graph.training, epochs=1_000_000)))
    app.trainer.run(document)
    norms = app.trainer.board_of(document).norms
    name = "gradient:back/sum.y"
    qtbot.waitUntil(lambda: name in norms and len(norms[name].values) > 0, timeout=60_000)
    row = next(k for k, wire in enumerate(document.wires) if wire.source == "sum")
    qtbot.waitUntil(lambda: canvas.scene.wires[row].state.gradient is not None)
    assert not [name for name in norms if name.startswith("gradient:forth/sum")]
    state = next(k for k, wire in enumerate(document.wires) if wire.source == "h")
    assert canvas.scene.wires[state].state.gradient is not None
    told = list(probes.statistics("back/sum", "y"))
    assert told[-1] == "over all steps of the scan"
    assert any(line.startswith("gradient ‖∂L/∂x‖ ") for line in told)
    assert "over all steps of the scan" not in probes.statistics("end", "y")
    app.trainer.stop()


def test_wires_of_a_cell_in_a_cell_are_tinted(qtbot: QtBot, app: App) -> None:
    """In the drawing that both walks lead to."""
    overlay = attached(qtbot, app, app.desk.add(Document(nested(), measure)))
    document, canvas = overlay.document, overlay.canvas
    assert canvas.enter_node("outer")
    assert canvas.enter_node("row")
    document.push(SetTraining(replace(document.graph.training, epochs=1_000_000)))
    app.trainer.run(document)
    norms = app.trainer.board_of(document).norms
    names = [f"gradient:outer/row/{id}.y" for id in ("sum", "wx", "h")]
    qtbot.waitUntil(lambda: all(name in norms for name in names), timeout=60_000)

    def tinted() -> set[str]:
        wires = zip(document.wires, canvas.scene.wires, strict=True)
        return {wire.source for wire, shown in wires if shown.state.gradient is not None}

    qtbot.waitUntil(lambda: {"sum", "wx", "wh", "h"} <= tinted())
    app.trainer.stop()


def test_data_inside_a_subgraph_is_shown(qtbot: QtBot, app: App) -> None:
    graph = blocks()
    nodes = {"digits": ToyData(), "flat": Digits(), "y": Output()}
    defined(graph, "data", nodes, "flat.image -> y.x").set_node(Node("d", Subgraph("data")))
    overlay = attached(qtbot, app, app.desk.add(Document(graph, measure)))
    node = overlay.canvas.scene.node
    overlay.canvas.enter_node("d")
    assert isinstance(node("digits").preview, Scatter)
    assert isinstance(node("flat").preview, Mosaic)
    assert node("flat").preview.tiles.max() > 0
    overlay.document.leave()
    assert node("flat").preview is None


def attached(qtbot: QtBot, app: App, document: Document) -> CanvasOverlay:
    """A document on a canvas that is seen, with its overlay."""
    canvas = Canvas(document, app.look.theme)
    qtbot.addWidget(canvas, before_close_func=lambda _: canvas.close_document())
    overlay = Overlays(app, canvas).attach(canvas)
    canvas.resize(1300, 560)
    canvas.show()
    qtbot.waitUntil(lambda: len(document.previews) > 0)
    return overlay


def test_each_loss_shows_its_own_number_and_curve(qtbot: QtBot, drawn: Open) -> None:
    overlay = drawn("adding-problem")
    run(qtbot, overlay)
    scene, board = overlay.canvas.scene, overlay.app.trainer.board
    one, other = (scene.node(id) for id in ("gru_loss", "plain_loss"))
    assert float(one.note) < 0.5 * float(other.note)
    assert isinstance(one.preview, Sparkline)
    assert isinstance(other.preview, Sparkline)
    assert list(one.preview.values) != list(other.preview.values)
    last = [board.curves.of(id).values[-1] for id in ("gru_loss", "plain_loss")]
    assert sum(last) == pytest.approx(board.curves.losses.values[-1], rel=1e-5)
    assert not len(board.curves.of("elsewhere"))
