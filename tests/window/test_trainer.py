"""The trainer: runs, pauses, swaps and answers in the background while the window stays free."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from compute.prepare import TrainOptions
from compute.questions import Answer, Maps, PlanTable, Predictions, SampleMaps, SamplePredictions
from compute.runs import Workspace
from graph import edits
from graph.define import Define, Drawing
from graph.graph import Node, Wire
from graph.op import REGISTRY
from gui.app import App
from gui.docks import PAGES
from gui.docks.curves import CurvesPage
from gui.docks.problems import ProblemsPage
from gui.document import Document
from gui.run.trainer import BEAT, SLOW_BEAT, Trainer


@pytest.fixture
def trainer(app: App, tmp_path: Path) -> Iterator[Trainer]:
    """The app's trainer with a workspace of its own, on the reference back end."""

    def options(document: Document) -> TrainOptions:
        return TrainOptions(
            "reference", workspace=tmp_path / "w", folder=tmp_path, name=document.title
        )

    app.trainer.options = options
    app.desk.changed.connect(app.trainer.follow)
    app.desk.closed.connect(app.trainer.forget)
    yield app.trainer
    app.trainer.close()


def moons(app: App, epochs: int = 3, **settings: object) -> Document:
    """The example moons-mlp on the desk, shorter."""
    document = app.desk.open_example("moons-mlp")
    training = replace(document.graph.training, epochs=epochs, **settings)  # type: ignore[arg-type]
    document.push(edits.SetTraining(training))
    return document


def long(app: App) -> Document:
    """A run that does not end by itself while a test looks on."""
    return moons(app, epochs=100_000)


def change(document: Document, id: str, **settings: object) -> None:
    """Give a node other settings."""
    op = replace(document.graph.node(id).op, **settings)  # type: ignore[type-var]
    document.push(edits.SetOp(id, op))


def in_state(trainer: Trainer, state: str) -> Callable[[], bool]:
    return lambda: trainer.board.state == state


def progressed(trainer: Trainer) -> Callable[[], bool]:
    """More steps from now on."""
    before = trainer.board.step
    return lambda: trainer.board.state == "running" and trainer.board.step > before


def hidden(document: Document) -> str:
    """The id of the first dense layer."""
    return next(n.id for n in document.graph.ordered() if type(n.op).__name__ == "Dense")


def optimizer(document: Document) -> str:
    return next(n.id for n in document.graph if n.op.role == "optimizer")


def test_a_run_from_start_to_end(app: App, trainer: Trainer, qtbot: QtBot) -> None:
    """Losses of every step, metrics of every epoch; the signal comes for states only."""
    document, states = moons(app), []
    trainer.changed.connect(lambda: states.append(trainer.board.state))
    assert trainer.run(document)
    qtbot.waitUntil(in_state(trainer, "finished"), timeout=20_000)
    board = trainer.board
    assert states == ["preparing", "running", "finished"] or states == ["preparing", "finished"]
    assert len(board.curves.losses) == board.steps == board.step
    assert board.epoch == 3
    assert set(board.metrics) >= {"loss", "val_loss", "val_accuracy"}
    assert len(board.curves.epoch_steps) == 3
    assert trainer.run(document)
    assert board.previous is not None
    assert len(board.previous.losses) == board.previous.epoch_steps.values[-1]


def test_pause_step_and_stop(app: App, trainer: Trainer, qtbot: QtBot) -> None:
    """Each takes effect; one batch is one step; what was trained can be gone on with."""
    document = long(app)
    trainer.run(document)
    qtbot.waitUntil(progressed(trainer), timeout=20_000)
    trainer.pause()
    qtbot.waitUntil(in_state(trainer, "paused"))
    step = trainer.board.step
    trainer.step(document)
    qtbot.waitUntil(lambda: trainer.board.step == step + 1)
    trainer.run(document)
    qtbot.waitUntil(progressed(trainer))
    trainer.stop()
    qtbot.waitUntil(in_state(trainer, "stopped"))
    step, before = trainer.board.step, trainer.board.curves
    assert trainer.go_on(document)
    board = trainer.board
    qtbot.waitUntil(lambda: board.step > step, timeout=20_000)
    assert board.started is not None
    assert board.started.step == step
    assert not trainer.changed_since_start(document)
    trainer.pause()
    qtbot.waitUntil(in_state(trainer, "paused"))
    assert board.curves is not before
    assert (board.curves.run, board.curves.first, board.previous) == (before.run, 0, None)
    assert board.curves.losses.taken == board.step > step
    if board.curves.losses.stride == 1:
        ours, theirs = board.curves.losses.values, before.losses.values
        np.testing.assert_array_equal(ours[:step], theirs)


def test_one_batch_begins_a_run(app: App, trainer: Trainer, qtbot: QtBot) -> None:
    """Without a run, one batch begins one and pauses after it."""
    trainer.step(moons(app))
    qtbot.waitUntil(in_state(trainer, "paused"), timeout=20_000)
    assert trainer.board.step == 1


def test_definitions_are_trained_swapped_and_compared(
    app: App, trainer: Trainer, qtbot: QtBot
) -> None:
    """Also where one stands inside another."""
    document = long(app)
    dense, relu = Node("d", REGISTRY["Dense"](units=2)), Node("r", REGISTRY["ReLU"]())
    inner = (Node("x", REGISTRY["Input"]()), dense, relu, Node("y", REGISTRY["Output"]()))
    wires = (Wire("x", "y", "d", "x"), Wire("d", "y", "r", "x"), Wire("r", "y", "y", "x"))
    document.push(Define("inner", Drawing(inner, wires)))
    outer = (inner[0], Node("n", REGISTRY["Subgraph"]("inner", 2)), inner[3])
    wires = (Wire("x", "y", "n", "x"), Wire("n", "y", "y", "x"))
    document.push(Define("outer", Drawing(outer, wires)))
    feeds = next(iter(document.graph.wires_in(hidden(document))))
    block = Node("block", REGISTRY["Subgraph"]("outer"))
    joins = (Wire(feeds.source, feeds.output, "block", "x"), Wire("block", "y", feeds.target, "x"))
    document.push(edits.Batch((edits.Disconnect(feeds), edits.AddNode(block))))
    for wire in joins:
        document.push(edits.Connect(wire))
    assert not [p for p in document.problems if p.severity == "error"]
    trainer.run(document)
    qtbot.waitUntil(progressed(trainer), timeout=20_000)
    assert not trainer.changed_since_start(document)
    document.push(edits.SetOp("d", replace(dense.op, bias=False), into="inner"))  # type: ignore[call-arg]
    assert trainer.changed_since_start(document)
    assert trainer.swap(document)
    qtbot.waitUntil(lambda: not trainer.changed_since_start(document), timeout=20_000)


def test_errors_refuse_the_run(app: App, trainer: Trainer, qtbot: QtBot) -> None:
    """The first problem is wanted and said; nothing is begun."""
    document = moons(app)
    document.push(edits.Remove((hidden(document),)))
    wanted: list[tuple[object, object]] = []
    trainer.problem_wanted.connect(lambda *found: wanted.append(found))
    with qtbot.waitSignal(trainer.said) as said:
        assert not trainer.run(document)
    assert wanted == [(document, document.problems[0])]
    assert said.args is not None
    assert document.problems[0].message in said.args[0]
    assert trainer.board_of(document).state == "idle"


def test_what_fails_is_said_with_its_node(app: App, trainer: Trainer, qtbot: QtBot) -> None:
    """A loss that is no number names the node; the run can still be asked."""
    document = long(app)
    activation = next(n.id for n in document.graph if n.op.category == "Activation")
    document.push(edits.SetOp(activation, REGISTRY["Formula"](formula="exp(1e6 * x)")))
    trainer.run(document)
    qtbot.waitUntil(in_state(trainer, "failed"), timeout=20_000)
    assert trainer.board.failed_at in document.graph
    assert trainer.board.message
    answers: list[Answer] = []
    assert trainer.ask("plan", PlanTable(), answers.append)
    qtbot.waitUntil(lambda: len(answers) == 1)


def test_questions_while_running_paused_and_ended(app: App, trainer: Trainer, qtbot: QtBot) -> None:
    """The newest of a key is answered, in this thread, in every state of the run."""
    document, answers = long(app), list[Answer]()
    assert not trainer.ask("maps", Maps(0, ()), answers.append)

    def heard(found: Answer) -> None:
        assert threading.current_thread() is threading.main_thread()
        answers.append(found)

    trainer.run(document)
    qtbot.waitUntil(progressed(trainer), timeout=20_000)
    for order in (lambda: None, trainer.pause, trainer.stop):
        order()
        answers.clear()
        for sample in range(5):
            assert trainer.ask("maps", Maps(sample, (f"value:{hidden(document)}.y",)), heard)
        trainer.ask("predictions", Predictions(limit=7), heard)
        qtbot.waitUntil(lambda: any(isinstance(a, SamplePredictions) for a in answers))
        (predictions,) = [a for a in answers if isinstance(a, SamplePredictions)]
        newest = predictions.samples[4]
        assert len(predictions.samples) == 7
        qtbot.waitUntil(lambda n=newest: any(getattr(a, "sample", None) == n for a in answers))
        maps = [a for a in answers if isinstance(a, SampleMaps)]
        assert maps[-1].sample == newest
        assert len(maps) <= 2  # the first may have been taken before the next was asked
        assert len(answers) == 1 + len(maps)
    app.desk.close(document)
    assert not trainer.can_answer(document)
    assert not trainer.ask("maps", Maps(0, ()), answers.append)


def test_wanted_tensors_are_watched(app: App, trainer: Trainer, qtbot: QtBot) -> None:
    """In full, or the norm only; nobody's wants are nobody's taps."""
    document, owner, other = long(app), object(), object()
    layer = hidden(document)
    full, norm = f"value:{layer}.y", f"gradient:{layer}/weight"
    label = f"gradient:{next(iter(document.graph)).id}.target"
    trainer.want(owner, frozenset({full, f"norm:{norm}", f"norm:{full}", f"norm:{label}"}))
    trainer.run(document)
    qtbot.waitUntil(lambda: {full, norm} <= trainer.board.taps.keys(), timeout=20_000)
    taps = trainer.board.taps
    assert sum(taps[full].histogram) == np.prod(taps[full].shape)
    assert taps[norm].histogram == ()
    assert taps[norm].norm > 0
    assert label not in taps
    trainer.want(other, frozenset({norm}))
    qtbot.waitUntil(lambda: trainer.board.taps[norm].histogram != ())
    trainer.want(owner, frozenset())
    trainer.want(other, frozenset())
    qtbot.waitUntil(progressed(trainer))
    last = trainer.board.tap_step
    qtbot.waitUntil(lambda: trainer.board.step > last + 500)
    assert trainer.board.tap_step == last


def test_numbers_come_half_as_often_while_no_dock_shows_them(
    app: App, trainer: Trainer, qtbot: QtBot
) -> None:
    """A page in sight that shows them has the full beat, until it is hidden."""
    curves, problems, beat = CurvesPage(app), ProblemsPage(app), trainer._timer.interval
    qtbot.addWidget(curves)
    qtbot.addWidget(problems)
    problems.show()
    trainer.run(long(app))
    qtbot.waitUntil(lambda: trainer.board.state == "running" and beat() == SLOW_BEAT)
    curves.show()
    qtbot.waitUntil(lambda: beat() == BEAT)
    curves.hide()
    qtbot.waitUntil(lambda: beat() == SLOW_BEAT)


def test_pages_without_numbers_of_the_run_are_no_spectators(app: App, qtbot: QtBot) -> None:
    """Problems, code, outline, profile and runs look for themselves or not at all."""
    for entry in PAGES:
        page = entry.load(app)
        qtbot.addWidget(page)
        page.show()
    shown = {getattr(page, "id", "") for page in app.trainer.spectators}
    assert shown == {"curves", "gradients", "features", "try", "predictions"}


def test_live_settings_follow_the_document(app: App, trainer: Trainer, qtbot: QtBot) -> None:
    """A changed learning rate acts at once and is no change of the graph; undo acts too."""
    document = long(app)
    key = f"{optimizer(document)}/learning_rate"
    trainer.run(document)
    qtbot.waitUntil(progressed(trainer), timeout=20_000)
    change(document, optimizer(document), learning_rate=0.002)
    qtbot.waitUntil(lambda: trainer.board.live.get(key) == 0.002)
    assert not trainer.changed_since_start(document)
    document.undo()
    qtbot.waitUntil(lambda: trainer.board.live.get(key) not in (None, 0.002))


def test_swap_goes_on_with_the_changed_graph(app: App, trainer: Trainer, qtbot: QtBot) -> None:
    """Equal layers keep their weights, the step counts on; data and batches need a restart."""
    document = long(app)
    trainer.run(document)
    qtbot.waitUntil(progressed(trainer), timeout=20_000)
    assert not trainer.changed_since_start(document)
    document.push(edits.Move(((hidden(document), 500.0, 500.0),)))
    assert not trainer.changed_since_start(document)
    change(document, hidden(document), units=33)
    document.push(edits.SetTraining(replace(document.graph.training, epochs=200_000)))
    assert trainer.changed_since_start(document)
    before = trainer.board.step
    assert trainer.swap(document)
    qtbot.waitUntil(lambda: not trainer.changed_since_start(document))
    qtbot.waitUntil(lambda: trainer.board.epochs == 200_000)
    qtbot.waitUntil(progressed(trainer))
    assert trainer.board.step > before
    assert trainer.graph is not None
    assert trainer.graph.node(hidden(document)).op.units == 33  # type: ignore[attr-defined]
    document.push(edits.SetTraining(replace(document.graph.training, batch_size=7)))
    with qtbot.waitSignal(trainer.said) as said:
        assert not trainer.swap(document)
    assert said.args == ["The batch size is another: restart the run with it."]
    assert trainer.restart(document)
    assert not trainer.changed_since_start(document)
    qtbot.waitUntil(progressed(trainer), timeout=20_000)
    assert trainer.board.step < before + 10**9


def test_news_of_a_swap_do_not_reach_the_next_run(app: App, trainer: Trainer, qtbot: QtBot) -> None:
    """The window is busy while the swap is done; then another document is run."""
    first, second = long(app), long(app)
    trainer.run(first)
    qtbot.waitUntil(in_state(trainer, "running"))
    change(first, hidden(first), units=9)
    assert trainer.swap(first)
    trainer._timer.stop()
    worker = trainer._worker
    assert worker is not None
    session = worker._session
    assert session is not None
    op = first.graph.node(hidden(first)).op
    qtbot.waitUntil(lambda: session.job.model.graph.node(hidden(first)).op == op, timeout=20_000)
    trainer.run(second)
    qtbot.waitUntil(in_state(trainer, "running"), timeout=20_000)
    assert trainer.graph is not None
    assert not trainer.changed_since_start(second)
    assert trainer.graph.node(hidden(second)) == second.graph.node(hidden(second))


def test_stopping_while_kernels_are_compiled(
    app: App, trainer: Trainer, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compilers are told off at once; the progress was on the board."""
    monkeypatch.setenv("NETLOOM_CACHE", str(tmp_path / "cache"))
    trainer.options = lambda document: TrainOptions(
        "cpu", workspace=tmp_path / "w", folder=tmp_path, name=document.title
    )
    trainer.run(moons(app))
    qtbot.waitUntil(lambda: "Compiling kernels 0/" in trainer.board.preparing, timeout=20_000)
    assert trainer.board.state == "preparing"
    assert trainer.board.share == 0
    trainer.stop()
    qtbot.waitUntil(in_state(trainer, "stopped"))
    assert trainer.board.preparing == ""
    assert trainer.board.step == 0
    compilers = [t for t in threading.enumerate() if t.name == "netloom-compiler"]
    assert compilers == []


def test_boards_are_kept_by_document(
    app: App, trainer: Trainer, qtbot: QtBot, tmp_path: Path
) -> None:
    """Another document's run ends the first one; closing a document ends its run."""
    first, second = long(app), long(app)
    trainer.run(first)
    qtbot.waitUntil(progressed(trainer), timeout=20_000)
    trainer.run(second)
    qtbot.waitUntil(progressed(trainer), timeout=20_000)
    assert trainer.board_of(first).state == "stopped"
    assert trainer.board_of(second).state == "running"
    assert trainer.document is second
    app.desk.close(second)
    assert trainer.document is None
    assert not trainer.board.active
    workspace = Workspace(tmp_path / "w")
    qtbot.waitUntil(lambda: [r.status for r in workspace.records()] == ["stopped", "stopped"])
    qtbot.waitUntil(lambda: not [t for t in threading.enumerate() if t.name == "netloom-run"])


def test_a_finished_run_is_trained_further(app: App, trainer: Trainer, qtbot: QtBot) -> None:
    """With more epochs than before it goes on; without, it says what to do."""
    document = moons(app, epochs=2)
    trainer.run(document)
    qtbot.waitUntil(in_state(trainer, "finished"), timeout=20_000)
    trainer.go_on(document)
    qtbot.waitUntil(in_state(trainer, "failed"), timeout=20_000)
    assert "raise the epochs" in trainer.board.message
    document.push(edits.SetTraining(replace(document.graph.training, epochs=3)))
    trainer.go_on(document)
    qtbot.waitUntil(in_state(trainer, "finished"), timeout=20_000)
    assert trainer.board.epoch == 3
    assert len(trainer.board.curves.epoch_steps) == 3
