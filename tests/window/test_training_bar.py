"""The training bar by mouse and keyboard: it shows what runs and edits the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from compute.prepare import TrainOptions
from graph import edits
from graph.op import REGISTRY
from graph.training import Stopping
from gui.app import App
from gui.document import Document
from gui.training import text
from gui.training.actions import add_actions
from gui.training.bar import TrainingBar
from gui.training.parts import Field


@pytest.fixture
def bar(app: App, qtbot: QtBot, tmp_path: Path) -> Iterator[TrainingBar]:
    """The bar in the app's window, its runs kept in a workspace of their own."""

    def options(document: Document) -> TrainOptions:
        return TrainOptions(
            "reference", workspace=tmp_path / "w", folder=tmp_path, name=document.title
        )

    app.trainer.options = options
    add_actions(app)
    window = app.actions["train.run"].parent()
    assert isinstance(window, QWidget)
    made = TrainingBar(app, window)
    made.resize(1600, 44)
    window.resize(1600, 44)
    with qtbot.waitExposed(window):
        window.show()
    yield made
    app.trainer.close()


def moons(app: App, epochs: int = 100_000) -> Document:
    """The example moons-mlp on the desk."""
    document = app.desk.open_example("moons-mlp")
    training = replace(document.graph.training, epochs=epochs)
    document.push(edits.SetTraining(training))
    return document


def test_the_bar_says_that_a_run_stopped_early(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """After which epoch; why, in the tip."""
    document = moons(app)
    rule = Stopping(2, min_delta=100.0)
    document.push(edits.SetTraining(replace(document.graph.training, stopping=rule)))
    click(qtbot, bar.run_button)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=20_000)
    qtbot.waitUntil(lambda: "Stopped early after 3 of" in bar.progress.accessibleName())
    assert bar.progress.toolTip().startswith("stopped early at epoch 3: val_loss no better than")


def running(app: App) -> Callable[[], bool]:
    """More steps from now on."""
    before = app.trainer.board.step
    return lambda: app.trainer.board.state == "running" and app.trainer.board.step > before


def retype(qtbot: QtBot, field: Field, typed: str) -> None:
    """Type over a field and press Enter."""
    qtbot.mouseClick(field.edit, Qt.MouseButton.LeftButton)
    field.edit.selectAll()
    qtbot.keyClicks(field.edit, typed)
    qtbot.keyClick(field.edit, Qt.Key.Key_Return)


def click(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_run_pause_step_and_stop_by_mouse(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """The accent button says what it does next; the numbers are those of the board."""
    assert not bar.run_button.isEnabled()
    moons(app)
    assert (bar.run_button.text(), bar.stop_button.isEnabled()) == ("Run", False)
    click(qtbot, bar.run_button)
    qtbot.waitUntil(running(app), timeout=20_000)
    qtbot.waitUntil(lambda: bar.metrics[2].text.endswith("%"))
    assert [figure.caption for figure in bar.metrics] == ["Loss", "Val loss", "Val accuracy"]
    assert bar.run_button.text() == "Pause"
    click(qtbot, bar.run_button)
    qtbot.waitUntil(lambda: bar.run_button.text() == "Resume")
    step = app.trainer.board.step
    click(qtbot, bar.step_button)
    qtbot.waitUntil(lambda: app.trainer.board.step == step + 1)
    qtbot.waitUntil(lambda: f"paused at {step + 1:,} /" in bar.progress.accessibleName())
    click(qtbot, bar.stop_button)
    qtbot.waitUntil(lambda: bar.progress.accessibleName().startswith("Stopped"))
    assert bar.run_button.text() == "Run"
    assert not bar.stop_button.isEnabled()


def test_figures_of_another_document_do_not_stay(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """A document without metrics shows none."""
    moons(app)
    assert bar.metrics[2].caption == "Val accuracy"
    app.desk.new()
    assert [figure.caption for figure in bar.metrics] == ["Loss", "Val loss", ""]
    assert bar.metrics[2].text == ""


def test_keys(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """F5 runs and pauses, F10 trains one batch, Shift+F5 stops."""
    moons(app)
    app.actions.refresh()
    qtbot.keyClick(bar, Qt.Key.Key_F10)
    qtbot.waitUntil(lambda: app.trainer.board.state == "paused", timeout=20_000)
    assert app.trainer.board.step == 1
    qtbot.keyClick(bar, Qt.Key.Key_F5)
    qtbot.waitUntil(running(app))
    qtbot.keyClick(bar, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: app.trainer.board.state == "paused")
    app.actions.refresh()
    qtbot.keyClick(bar, Qt.Key.Key_F5, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: app.trainer.board.state == "stopped")


def test_fields_edit_the_graph(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """Numbers and small sums; what is wrong is marked and goes with Escape; undo shows."""
    document = moons(app)
    retype(qtbot, bar.batch, "2*64")
    assert document.graph.training.batch_size == 128
    assert bar.batch.edit.text() == "128"
    retype(qtbot, bar.epochs, "7")
    retype(qtbot, bar.seed, "3")
    training = document.graph.training
    assert (training.epochs, training.seed) == (7, 3)
    assert "7 epochs" in bar.progress.accessibleName()
    retype(qtbot, bar.batch, "-1")
    assert bar.batch.invalid
    assert "found -1" in bar.batch.edit.toolTip()
    assert document.graph.training.batch_size == 128
    qtbot.keyClick(bar.batch.edit, Qt.Key.Key_Escape)
    assert (bar.batch.invalid, bar.batch.edit.text()) == (False, "128")
    document.undo()
    assert bar.seed.edit.text() == "0"
    retype(qtbot, bar.batch, "all")
    assert document.graph.training.batch_size == 0
    assert bar.batch.edit.text() == "all"


def test_the_learning_rate_acts_while_training(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """It is an edit of the optimizer, and the run takes it at once."""
    document = moons(app)
    (optimizer,) = (node.id for node in document.graph if node.op.role == "optimizer")
    click(qtbot, bar.run_button)
    qtbot.waitUntil(running(app), timeout=20_000)
    retype(qtbot, bar.rate, "6e-4")
    assert document.graph.node(optimizer).op.live_settings()["learning_rate"] == 6e-4
    qtbot.waitUntil(lambda: app.trainer.board.live == {f"{optimizer}/learning_rate": 6e-4})
    assert bar.rate.edit.text() == "6e-4"
    retype(qtbot, bar.rate, "fast")
    assert bar.rate.invalid


def test_the_device_of_the_next_run(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """Chosen from a menu, by keyboard too."""
    moons(app)
    qtbot.keyClick(bar.device, Qt.Key.Key_Space)
    menu = bar.device.findChild(QMenu)
    assert menu is not None
    qtbot.keyClick(menu, Qt.Key.Key_Down)
    qtbot.keyClick(menu, Qt.Key.Key_Down)
    qtbot.keyClick(menu, Qt.Key.Key_Return)
    assert app.trainer.device == "reference"
    assert "Reference" in bar.device.accessibleName()


def test_changed_since_start(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """Swap goes on with the changed graph; the chip goes when there is nothing to swap."""
    document = moons(app)
    click(qtbot, bar.run_button)
    qtbot.waitUntil(running(app), timeout=20_000)
    assert not bar.swap_button.isVisible()
    dense = next(n for n in document.graph.ordered() if type(n.op).__name__ == "Dense")
    document.push(edits.SetOp(dense.id, replace(dense.op, units=33)))  # type: ignore[call-arg]
    qtbot.waitUntil(bar.swap_button.isVisible)
    click(qtbot, bar.swap_button)
    qtbot.waitUntil(lambda: not bar.swap_button.isVisible())
    qtbot.waitUntil(running(app))
    document.undo()
    qtbot.waitUntil(bar.restart_button.isVisible)
    click(qtbot, bar.restart_button)
    qtbot.waitUntil(lambda: not bar.restart_button.isVisible())


def test_a_failure_shows_its_node(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """The message stands in the bar; its link selects the node."""
    document = moons(app)
    activation = next(n.id for n in document.graph if n.op.category == "Activation")
    document.push(edits.SetOp(activation, REGISTRY["Formula"](formula="exp(1e6 * x)")))
    click(qtbot, bar.run_button)
    qtbot.waitUntil(bar.message.isVisible, timeout=20_000)
    assert "infinite" in bar.message.text
    assert not bar.progress.isVisible()
    click(qtbot, bar.node_button)
    assert document.selection == {app.trainer.board.failed_at}


def test_errors_are_jumped_to(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """Run is refused and the node of the first problem selected."""
    document = moons(app)
    dense = next(n.id for n in document.graph.ordered() if type(n.op).__name__ == "Dense")
    document.push(edits.Remove((dense,)))
    with qtbot.waitSignal(app.trainer.said):
        click(qtbot, bar.run_button)
    problem = document.problems[0]
    assert document.selection == {problem.path.rpartition("/")[2]}
    assert bar.run_button.text() == "Run"


def test_another_document_has_a_board_of_its_own(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """The bar shows the current document; the other one's run goes on."""
    first = moons(app)
    click(qtbot, bar.run_button)
    qtbot.waitUntil(running(app), timeout=20_000)
    moons(app, epochs=4)
    assert bar.run_button.text() == "Run"
    assert "for 4 epochs" in bar.progress.accessibleName()
    qtbot.waitUntil(running(app))
    app.desk.show(first)
    assert bar.run_button.text() == "Pause"


def test_narrow_windows_keep_what_matters(app: App, bar: TrainingBar, qtbot: QtBot) -> None:
    """Figures go by rank; the buttons and the progress stay; nothing overlaps."""
    moons(app)

    def apart() -> bool:
        shown = [holder for holder in bar.children() if isinstance(holder, QWidget)]
        places = sorted((w.x(), w.x() + w.width()) for w in shown if w.isVisible())
        return places[-1][1] <= bar.width() and all(a[1] <= b[0] for a, b in pairwise(places))

    for width in (1600, 1280, 1024, 760, 480):
        bar.resize(width, 44)
        qtbot.waitUntil(apart)
        assert bar.run_button.isVisible()
        assert bar.progress.isVisible()
    assert not bar.device.isVisible()
    bar.resize(1600, 44)
    assert bar.device.isVisible()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.2635, "0.2635"), (3.14159, "3.142"), (97.5, "97.50"), (1860.4, "1,860"),
        (3.14e-6, "3.14e-6"), (float("nan"), "–"), (0.0, "0.0000"),
    ],
)  # fmt: skip
def test_figures(value: float, expected: str) -> None:
    assert text.figures(value) == expected


def test_words_for_numbers() -> None:
    """As short as they go, unknown is a dash."""
    assert [text.compact(v) for v in (0.0006, 0.001, 0.05, 1.0, 1e6)] == [
        "6e-4", "0.001", "0.05", "1", "1e6",
    ]  # fmt: skip
    assert [text.duration(s) for s in (3.46, 130, 3900, float("nan"))] == [
        "3.5 s", "2 min 10 s", "1 h 5 min", "–",
    ]  # fmt: skip
    assert [text.rate(v) for v in (1860, 0.0, 2_500_000, 3.2)] == ["1,860", "–", "2,500k", "3.2"]
    assert text.metric("val_accuracy", 0.975) == "97.5 %"
    assert text.metric("val_accuracy_plain", 0.1) == "10.0 %"
    assert text.shown_metrics(["mae"], {}) == ["loss", "val_loss", "val_mae"]
    assert text.shown_metrics([], {"loss": 1, "adam_loss": 2}) == ["loss", "val_loss", "adam_loss"]


def test_figures_stay_where_room_is_short() -> None:
    assert list(text.shorter("iteration 1,234 / 9,000")) == [
        "iteration 1,234 / 9,000",
        "1,234 / 9,000",
        "1,234",
    ]
    assert list(text.shorter("paused at 12 / 90"))[1:] == ["12 / 90", "12"]
    assert list(text.shorter("3,000 iterations"))[-1] == "3,000"
    assert set(text.shorter("")) == {""}
