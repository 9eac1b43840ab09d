"""The runs dock: what is recorded is listed, compared, and gone on from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from compute import checkpoint
from compute.prepare import TrainOptions
from graph.edits import Remove, SetOp, SetTraining
from graph.ops.dense import Dense
from graph.ops.optimizer import Adam
from gui.app import App
from gui.docks.curves import CurvesPage
from gui.docks.runs import CHOOSE, EMPTY, SAME, RunsPage
from gui.docks.runs_changes import changes
from gui.document import Document
from gui.run.changes import snapshot
from gui.run.records import curves_of, runs_of
from gui.window import MainWindow

NONE, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def here(app: App, tmp_path: Path) -> App:
    """Models that record in a workspace of their own."""
    given = app.trainer.options
    app.trainer.options = lambda document: replace(given(document), workspace=tmp_path / "runs")
    return app


def train(qtbot: QtBot, app: App, document: Document, epochs: int, seed: int = 0) -> str:
    document.push(SetTraining(replace(document.graph.training, epochs=epochs, seed=seed)))
    assert app.trainer.run(document)
    ended(qtbot, app)
    return app.trainer.board.curves.run


def ended(qtbot: QtBot, app: App) -> None:
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=60_000)


def shown(qtbot: QtBot, app: App) -> RunsPage:
    page = RunsPage(app)
    qtbot.addWidget(page)
    page.resize(404, 262)
    page.show()
    qtbot.waitExposed(page)
    return page


def click(page: RunsPage, row: int, held: Qt.KeyboardModifier = NONE) -> None:
    where = page.tree.visualRect(page.model.index(row, 0)).center()
    QTest.mouseClick(page.tree.viewport(), Qt.MouseButton.LeftButton, held, where)


def test_without_runs_there_is_a_sentence_and_no_workspace(
    qtbot: QtBot, here: App, tmp_path: Path
) -> None:
    here.desk.open_example("moons-mlp")
    page = shown(qtbot, here)
    qtbot.waitUntil(lambda: not page._records.busy)
    assert page._empty.isVisible()
    assert page._empty.text() == EMPTY
    assert not (tmp_path / "runs").exists()


def test_runs_are_listed_compared_and_told_apart(qtbot: QtBot, here: App) -> None:
    document = here.desk.open_example("moons-mlp")
    first = train(qtbot, here, document, 3)
    second = train(qtbot, here, document, 5, seed=7)
    page, curves = shown(qtbot, here), CurvesPage(here)
    qtbot.addWidget(curves)
    curves.resize(404, 262)
    curves.show()
    qtbot.waitUntil(lambda: len(page.runs) == 2)
    assert [run.id for run in page.runs] == [second, first]
    assert page.told.text() == CHOOSE
    click(page, 1)
    board = here.trainer.board
    qtbot.waitUntil(lambda: [run.run for run in board.chosen] == [first])
    qtbot.waitUntil(lambda: page.told.text() == "Run 1 → now\nEpochs: 3 → 5\nSeed: 0 → 7")
    names = [entry.name for entry in curves.legend.entries]
    assert names[:2] == ["run 2", "run 1"]
    # a node of now that is otherwise, by undoable edits
    hidden = next(node for node in document.graph if isinstance(node.op, Dense))
    assert isinstance(hidden.op, Dense)
    assert hidden.op.units is not None
    units = hidden.op.units
    document.push(SetOp(hidden.id, replace(hidden.op, units=units + 1)))
    qtbot.waitUntil(lambda: hidden.label in page.told.text())
    assert f"{units} → {units + 1}" in page.told.text()
    document.undo()
    qtbot.waitUntil(lambda: hidden.label not in page.told.text())
    click(page, 1, CONTROL)
    qtbot.waitUntil(lambda: board.chosen == ())
    assert page.told.text() == CHOOSE


def test_what_is_measured_is_listed_before_another_loss(qtbot: QtBot, here: App) -> None:
    document = here.desk.open_example("optimizers-race")
    train(qtbot, here, document, 1)
    page = shown(qtbot, here)
    qtbot.waitUntil(lambda: len(page.runs) == 1)
    assert page.model.horizontalHeaderItem(2).text() == "Accuracy adam"


def test_the_present_run_is_the_one_of_now(qtbot: QtBot, here: App) -> None:
    document = here.desk.open_example("moons-mlp")
    train(qtbot, here, document, 2)
    page = shown(qtbot, here)
    qtbot.waitUntil(lambda: len(page.runs) == 1)
    click(page, 0)
    qtbot.waitUntil(lambda: page.told.text() == SAME)
    assert here.trainer.board.chosen == ()  # it is drawn already


def test_curves_come_back_as_they_were_measured(qtbot: QtBot, here: App) -> None:
    document = here.desk.open_example("moons-mlp")
    run = train(qtbot, here, document, 4)
    known = here.trainer.board.curves
    options = here.trainer.run_options(document)
    found = curves_of(run, options)
    assert found is not None
    assert found.run == run
    np.testing.assert_array_equal(found.losses.values, known.losses.values)
    np.testing.assert_array_equal(found.epoch_steps.values, known.epoch_steps.values)
    assert found.metrics.keys() == known.metrics.keys()
    for name, series in known.metrics.items():
        np.testing.assert_array_equal(found.metrics[name].values, series.values)
    assert curves_of("nobody-9", options) is None


def test_a_run_begins_with_the_weights_of_another(qtbot: QtBot, here: App, tmp_path: Path) -> None:
    document = here.desk.open_example("moons-mlp")
    run = train(qtbot, here, document, 6)
    page = shown(qtbot, here)
    qtbot.waitUntil(lambda: len(page.runs) == 1)
    assert not page.begin.isEnabled()
    click(page, 0)
    assert page.begin.isEnabled()
    first = here.trainer.board.curves.losses.values[0]
    last = here.trainer.board.metrics["loss"]
    QTest.mouseClick(page.begin, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: here.trainer.board.curves.run not in ("", run))
    ended(qtbot, here)
    begun = here.trainer.board.curves.losses.values[0]
    assert abs(begun - last) < abs(begun - first)
    options = here.trainer.run_options(document)
    assert len(runs_of(options)) == 2


def test_weights_of_changed_layers_are_taken_as_far_as_they_fit(
    qtbot: QtBot, here: App, tmp_path: Path
) -> None:
    from gui.run.past import open_with

    document = here.desk.open_example("moons-mlp")
    run = train(qtbot, here, document, 2)
    options: TrainOptions = here.trainer.run_options(document)
    saved = checkpoint.newest(tmp_path / "runs" / "runs" / run).arrays
    dense = next(node for node in document.graph if isinstance(node.op, Dense))
    assert isinstance(dense.op, Dense)
    assert dense.op.units is not None
    document.push(SetOp(dense.id, replace(dense.op, units=dense.op.units + 2)))
    session = open_with(snapshot(document.graph), options, run, lambda *_: None)
    try:
        now = session.job.plan.read()
        kept = checkpoint.newest(tmp_path / "runs" / "runs" / session.run)
        assert kept.position.step == 0  # a crash before the first checkpoint loses nothing of it
    finally:
        session.close()
    name = f"param:{dense.id}/weight"
    assert now[name].shape[0] == saved[name].shape[0] + 2
    np.testing.assert_array_equal(now[name][: len(saved[name])], saved[name])
    others = [key for key in saved if key.startswith("param:") and dense.id not in key]
    same = [key for key in others if now[key].shape == saved[key].shape]
    assert same
    for key in same:
        np.testing.assert_array_equal(now[key], saved[key])


def test_what_is_otherwise_is_told_in_words(here: App) -> None:
    document = here.desk.open_example("moons-mlp")
    before = snapshot(document.graph)
    assert changes(before, document.graph) == []
    adam = next(node for node in document.graph if isinstance(node.op, Adam))
    assert isinstance(adam.op, Adam)
    document.push(SetOp(adam.id, replace(adam.op, learning_rate=0.5)))
    relu = next(node for node in document.graph if node.op.role == "metric")
    document.push(Remove((relu.id,)))
    found = changes(before, document.graph)
    assert any(what == f"{adam.label} · learning rate" and now == "0.5" for what, _, now in found)
    assert any(what == relu.id and now == "–" for what, _, now in found)
    assert any(what == "Wires" for what, _, _ in found)


def test_enter_shows_the_curves(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.preferences.set(workspace=str(tmp_path / "runs"))
    app = window.app
    document = app.desk.open_example("moons-mlp")
    train(qtbot, app, document, 2)
    docks = window.workbench.docks
    page = docks.open("runs").page
    assert isinstance(page, RunsPage)
    qtbot.waitUntil(lambda: len(page.runs) == 1)
    assert not docks.by_id["curves"].on_top
    click(page, 0)
    QTest.keyClick(page.tree, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: docks.by_id["curves"].on_top)


def test_a_layout_kept_before_there_were_runs_shows_them(window: MainWindow) -> None:
    docks, frame = window.workbench.docks, window.workbench
    window.app.desk.open_example("moons-mlp")
    runs = docks.by_id["runs"]
    frame.removeDockWidget(runs)
    runs.setObjectName("")
    state = docks.save()
    runs.setObjectName("dock.runs")
    docks.reset()
    assert docks.restore(state)
    assert not runs.isHidden()
