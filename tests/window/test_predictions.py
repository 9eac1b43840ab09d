"""What the net says: held-out samples and samples made by hand, on real short runs."""

from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from compute.questions import Output
from graph.edits import SetTraining
from gui.app import App
from gui.docks.page import Page
from gui.docks.plan import PlanPage
from gui.docks.plan_rows import COLUMNS, KERNEL
from gui.docks.predictions import PredictionsPage
from gui.docks.redrawn import picture_shape
from gui.docks.sample_sheet import MOST, SampleSheet, Shown
from gui.docks.try_it import TryPage
from gui.shell.docks import WIDTHS

P = TypeVar("P", bound=Page)


def trained(qtbot: QtBot, app: App, name: str, kind: type[P]) -> P:
    """A page over a finished run of an example."""
    document = app.desk.open_example(name)
    page = kind(app)
    qtbot.addWidget(page)
    page.resize(760, 320)
    page.show()
    app.trainer.run(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=30_000)
    return page


def test_before_a_run_it_says_what_to_do(qtbot: QtBot, app: App) -> None:
    app.desk.open_example("digits-mlp")
    page = PredictionsPage(app)
    qtbot.addWidget(page)
    page.show()
    assert "Press Run" in page.empty.text()
    assert page.stack.currentWidget() is page.empty


def test_the_matrix_counts_every_held_out_sample(qtbot: QtBot, app: App) -> None:
    page = trained(qtbot, app, "digits-mlp", PredictionsPage)
    qtbot.waitUntil(lambda: page.matrix.counts.sum() > 0)
    board = app.trainer.board
    qtbot.waitUntil(
        lambda: (
            abs(
                np.trace(page.matrix.counts) / page.matrix.counts.sum()
                - board.metrics["val_accuracy"]
            )
            < 1e-6
        )
    )
    assert page.matrix.counts.sum() == 359
    assert np.trace(page.matrix.counts) > 0.9 * 359


def test_a_cell_opens_its_samples(qtbot: QtBot, app: App) -> None:
    page = trained(qtbot, app, "digits-mlp", PredictionsPage)
    qtbot.waitUntil(lambda: np.trace(page.matrix.counts) > 300)  # not of its first epoch
    at = page.matrix._rect(3, 3).center().toPoint()
    QTest.mouseClick(page.matrix, Qt.MouseButton.LeftButton, pos=at)
    qtbot.waitUntil(lambda: len(page.sheet.samples) > 20)
    assert page.stack.currentWidget() is page.picked
    assert all(s.right and s.values.shape == (1, 8, 8) for s in page.sheet.samples)
    QTest.mouseClick(page.back, Qt.MouseButton.LeftButton)
    assert page.stack.currentWidget() is page.matrix
    QTest.keyClick(page.matrix, Qt.Key.Key_Down)
    QTest.keyClick(page.matrix, Qt.Key.Key_Right)
    assert page.matrix.cell == (4, 4)


def test_two_numbers_in_show_the_boundary(qtbot: QtBot, app: App) -> None:
    page = trained(qtbot, app, "moons-mlp", PredictionsPage)
    qtbot.waitUntil(lambda: page.plane.picture is not None, timeout=10_000)
    picture = page.plane.picture
    assert picture is not None
    assert picture.field is not None
    rows, columns, classes = picture.field.shape
    assert (rows, columns, classes) == (72, 72, 2)
    assert np.allclose(picture.field.sum(axis=2), 1, atol=1e-5)
    # where the points lie, the field says what the net says of them: mostly their own class
    low, high = np.array(picture.low), np.array(picture.high)
    places = ((picture.points - low) / (high - low) * 71).round().astype(int)
    said = picture.field[places[:, 1], places[:, 0]].argmax(axis=1)
    assert (said == picture.groups).mean() > 0.95


def test_a_regression_shows_predicted_against_target(qtbot: QtBot, app: App) -> None:
    page = trained(qtbot, app, "table-regression", PredictionsPage)

    def alike() -> float:
        picture = page.plane.picture
        return np.corrcoef(picture.points.T)[0, 1] if picture is not None else 0.0

    qtbot.waitUntil(lambda: alike() > 0.4, timeout=10_000)
    picture = page.plane.picture
    assert picture is not None
    assert picture.line
    assert len(picture.points) > 40


def test_a_net_that_redraws_shows_pictures_beside_their_targets(qtbot: QtBot, app: App) -> None:
    page = trained(qtbot, app, "digits-autoencoder", PredictionsPage)
    qtbot.waitUntil(lambda: page.stack.currentWidget() is page.redrawn, timeout=10_000)
    qtbot.waitUntil(lambda: page.answer is not None and page.answer.step == app.trainer.board.step)
    assert page.answer is not None
    (output,) = page.answer.outputs
    assert output.targets is not None
    shown = page.pictures.samples
    places = {number: place for place, number in enumerate(page.answer.samples.tolist())}
    assert len({sample.number for sample in shown}) == len(shown) == MOST
    for sample in shown:
        place = places[sample.number]
        assert sample.says is not None
        assert np.array_equal(sample.values.ravel(), output.targets[place])
        assert np.array_equal(sample.says.ravel(), output.values[place])
        error = float(np.abs(sample.says - sample.values).mean())
        assert float(sample.caption.removeprefix("error ")) == pytest.approx(error, rel=0.01)
    menu = QMenu()
    page.fill_menu(menu)
    (points,) = menu.actions()
    points.trigger()
    assert page.stack.currentWidget() is page.plane
    points.trigger()
    assert page.stack.currentWidget() is page.redrawn


def test_only_as_many_numbers_as_a_picture_has_are_one() -> None:
    """Another head of the same net, or a class, is shown as it was."""
    numbers = Output("picture", "numbers", np.zeros((5, 64)), targets=np.zeros((5, 64)))
    read = ((1, 8, 8), (3,))
    assert picture_shape(numbers, read) == (1, 8, 8)
    for other in (
        replace(numbers, values=np.zeros((5, 1)), targets=np.zeros((5, 1))),
        replace(numbers, kind="softmax"),
        replace(numbers, targets=None),
    ):
        assert picture_shape(other, read) == ()
    assert picture_shape(numbers, ((8, 8), (2, 4, 8))) == ()


def test_a_picture_and_what_the_net_says_have_one_range(qtbot: QtBot, app: App) -> None:
    """A faint copy looks faint beside what it is of."""
    sheet = SampleSheet(app.look)
    qtbot.addWidget(sheet)
    sheet.resize(130, 90)
    bright = np.ones((1, 2, 2))
    bright[0, 0, 0] = 0.0
    sheet.put([Shown(0, "", True, bright, says=np.full((1, 2, 2), 0.5))])
    image = sheet.grab().toImage()
    greys = [image.pixelColor(x, 50).red() for x in (8 + 40, 8 + 84)]
    assert greys == pytest.approx([255, 127], abs=2)


def test_a_drawn_digit_is_recognised(qtbot: QtBot, app: App) -> None:
    page = trained(qtbot, app, "digits-cnn", TryPage)
    assert page.message.text() == "Draw something on the pad."
    assert not page.text.more.isVisible()
    side = page.pad._area.width() / 8
    x, top, bottom = round(4 * side), round(0.8 * side), round(7.2 * side)
    pad = page.pad
    QTest.mousePress(pad, Qt.MouseButton.LeftButton, pos=QPoint(x, top))
    QTest.mouseMove(pad, QPoint(x, bottom))
    QTest.mouseRelease(pad, Qt.MouseButton.LeftButton, pos=QPoint(x, bottom))
    qtbot.waitUntil(lambda: len(page.bars.rows) == 10)
    assert max(page.bars.rows, key=lambda row: row[1])[0] == "1"
    assert abs(sum(share for _, share in page.bars.rows) - 1) < 1e-5
    QTest.mouseClick(page.clear, Qt.MouseButton.LeftButton)
    assert page.pad.empty
    assert not page.bars.rows


def test_a_held_out_sample_can_be_taken_and_changed(qtbot: QtBot, app: App) -> None:
    page = trained(qtbot, app, "table-regression", TryPage)
    qtbot.waitUntil(lambda: len(page.bars.rows) == 1, timeout=10_000)
    qtbot.waitUntil(lambda: bool(page.form.row.any()))
    page.resize(WIDTHS[2], 262)  # where it stands at first: no field is hidden by the answer
    qtbot.waitUntil(lambda: page.width() == WIDTHS[2])
    assert not page._scroll.horizontalScrollBar().isVisible()
    shown = page._scroll.viewport().width()
    assert all(one.geometry().right() < shown for one in page.form.findChildren(QLineEdit))
    assert page.bars.width() > 100
    before = page.bars.rows[0][1]
    field = page.form.findChildren(QLineEdit)[2]
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "45")
    qtbot.waitUntil(lambda: page.bars.rows[0][1] != before)


def test_the_plan_lists_the_steps_and_measures_them(qtbot: QtBot, app: App) -> None:
    page = trained(qtbot, app, "digits-mlp", PlanPage)
    page.rows.setCurrentIndex(1)
    qtbot.waitUntil(lambda: page.model.rowCount() > 5)
    kernels = {step.kernel for step in page.model.steps}
    assert any("gemm" in kernel for kernel in kernels)
    qtbot.waitUntil(lambda: any(step.seconds for step in page.model.steps))
    page.sorted.sort(COLUMNS.index("Measured"), Qt.SortOrder.DescendingOrder)
    times = [
        page.model.steps[page.sorted.mapToSource(page.sorted.index(k, 0)).row()].seconds or 0
        for k in range(page.sorted.rowCount())
    ]
    assert times == sorted(times, reverse=True)
    row = next(k for k, step in enumerate(page.model.steps) if step.path == "hidden")
    index = page.sorted.mapFromSource(page.model.index(row, 1))
    at = page.table.visualRect(index).center()
    QTest.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert page.document
    assert page.document.selection == {"hidden"}


def test_the_plan_names_what_it_recomputes(qtbot: QtBot, app: App) -> None:
    document = app.desk.open_example("digits-cnn")
    document.push(SetTraining(replace(document.graph.training, epochs=1, memory_budget=2.2)))
    page = PlanPage(app)
    qtbot.addWidget(page)
    page.show()
    page.rows.setCurrentIndex(1)
    app.trainer.run(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=30_000)
    qtbot.waitUntil(lambda: page.model.rowCount() > 5)
    again = [k for k, step in enumerate(page.model.steps) if step.again]
    shown = [page.model.index(k, KERNEL).data() for k in again]
    assert "↻ conv2d" in shown
    tip = page.model.index(again[-1], KERNEL).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "conv2d: recomputed, to keep within the memory budget"
    assert page.model.index(again[0], 1).data() == "conv1"
    assert f"{len(again)} recompute" in page.total.accessibleName()


@pytest.mark.parametrize("kind", [PredictionsPage, TryPage])
def test_single_steps_are_followed_while_the_run_waits(
    qtbot: QtBot, app: App, kind: type[PredictionsPage | TryPage]
) -> None:
    document = app.desk.open_example("moons-mlp")
    document.push(SetTraining(replace(document.graph.training, epochs=100_000)))
    page = kind(app)
    qtbot.addWidget(page)
    page.show()

    def shown() -> int:
        """The step that the page tells of."""
        if isinstance(page, TryPage):
            text = page.message.text()
            return int(text.split()[1].replace(",", "")) if text.startswith("after") else -1
        return page.answer.step if page.answer is not None else -1

    def passed(before: int) -> bool:
        return before < shown() == app.trainer.board.step

    for _ in range(3):
        before = shown()
        app.trainer.step(document)
        qtbot.waitUntil(partial(passed, before), timeout=20_000)
        assert app.trainer.board.state == "paused"
    app.trainer.run(document)
    qtbot.waitUntil(lambda: shown() > 3, timeout=20_000)
    app.trainer.stop()
    qtbot.waitUntil(lambda: app.trainer.board.state == "stopped", timeout=20_000)
    qtbot.waitUntil(lambda: shown() == app.trainer.board.step, timeout=1_000)
