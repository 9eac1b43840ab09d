"""Curves: what is drawn of a run, at any length, and what can be read and exported."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QSlider
from pytestqt.qtbot import QtBot

from graph.edits import SetTraining
from gui.app import App
from gui.docks.curves import EMPTY, CurvesPage
from gui.docks.curves_run import RunLines, bad_steps
from gui.docks.plot_lines import Pyramid, Smoother, Sparse
from gui.docks.plot_scale import axis_range, linear_ticks, log_ticks, tick_text, value_text
from gui.run.board import Curves


def shown(qtbot: QtBot, app: App) -> CurvesPage:
    """The page on a screen, over digits-mlp."""
    app.desk.open_example("digits-mlp")
    page = CurvesPage(app)
    qtbot.addWidget(page)
    page.resize(420, 262)
    page.show()
    QTest.qWaitForWindowExposed(page)
    return page


def run(qtbot: QtBot, app: App) -> None:
    """Train the current document to its end."""
    assert app.desk.current is not None
    app.trainer.run(app.desk.current)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=30_000)


def reseed(app: App) -> None:
    """Another seed, so that the next run has other curves."""
    document = app.desk.current
    assert document is not None
    document.push(SetTraining(replace(document.graph.training, seed=5)))


def slide(page: CurvesPage, hundredths: int) -> None:
    """Move the slider in the menu of the dock."""
    menu = QMenu()
    page.fill_menu(menu)
    menu.popup(QPoint(0, 0))
    slider = menu.findChild(QSlider)
    assert slider is not None
    slider.setValue(hundredths)
    menu.close()


def pixels(page: CurvesPage) -> set[tuple[int, int, int]]:
    """The colours of the plot."""
    image = page.plot.picture(1.0).toImage().convertToFormat(QImage.Format.Format_RGB32)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(-1, 4)[:, 2::-1]
    return set(map(tuple, data.tolist()))


def rgb(name: str) -> tuple[int, int, int]:
    return int(name[1:3], 16), int(name[3:5], 16), int(name[5:7], 16)


# ---- lines at any length


@pytest.mark.parametrize("count", [1, 3, 64, 1999, 2001, 50_000])
@pytest.mark.parametrize("pieces", [1, 7])
def test_a_pyramid_draws_few_points_and_loses_no_extreme(count: int, pieces: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    values[count // 3] = 40.0
    pyramid = Pyramid(5)
    for part in np.array_split(values, pieces):
        pyramid.extend(part)
    x, y = pyramid.drawn(5, 4 + count, 2000)
    assert len(x) <= 2000
    assert y.min() == values.min()
    assert y.max() == 40.0
    assert x[0] >= 5
    assert x[-1] <= 4 + count
    assert (np.diff(x) >= 0).all()
    assert pyramid.at(5 + count // 3) == 40.0
    assert np.isnan(pyramid.at(5 + count))


def test_a_part_of_a_pyramid_is_drawn_in_its_own_detail() -> None:
    values = np.sin(np.arange(20_000) / 50)
    pyramid = Pyramid()
    pyramid.extend(values)
    x, y = pyramid.drawn(7000, 7400, 2000)
    assert (y == values[x.astype(int)]).all()
    assert x[0] <= 7000
    assert x[-1] >= 7400


def test_growing_moves_no_bucket() -> None:
    values = np.random.default_rng(1).normal(size=9000)
    pyramid = Pyramid()
    pyramid.extend(values[:8200])
    before = dict(zip(*pyramid.drawn(0, 8100, 900), strict=True))
    pyramid.extend(values[8200:])
    after = dict(zip(*pyramid.drawn(0, 8100, 900), strict=True))
    same = [x for x in before if x in after and x < 8000]
    assert len(same) > 100
    assert all(before[x] == after[x] for x in same)


def test_sparse_points_leave_out_what_is_not_finite() -> None:
    found = Sparse(np.array([1.0, 2.0, 3.0]), np.array([5.0, np.nan, 7.0]))
    assert found.drawn(0, 9, 100)[1].tolist() == [5.0, 7.0]
    assert found.at(2.5) == 5.0
    assert np.isnan(found.at(3.5))


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.85, 0.99])
def test_smoothing_is_the_same_however_the_values_come(weight: float) -> None:
    values = np.random.default_rng(3).normal(5, 1, 500)
    whole, parts = Smoother(weight)(values), Smoother(weight)
    pieces = np.concatenate([parts(piece) for piece in np.array_split(values, 23)])
    np.testing.assert_allclose(pieces, whole, rtol=1e-12)
    total = mass = 0.0
    for place, value in enumerate(values):
        total = weight * total + (1 - weight) * value
        mass = weight * mass + (1 - weight)
        assert whole[place] == pytest.approx(total / mass, rel=1e-9)


def test_smoothing_steps_over_what_is_not_finite() -> None:
    found = Smoother(0.5)(np.array([1.0, np.nan, 1.0, np.inf]))
    assert found.tolist() == [1.0, 1.0, 1.0, 1.0]


# ---- axes


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("reach", [(0.01, 3.0), (0.8, 1.1), (1e-6, 1e4), (97.0, 99.5), (2.0, 2.0)])
def test_an_axis_has_a_few_round_labels(reach: tuple[float, float], log: bool) -> None:
    ends = np.log10(reach) if log else np.array(reach)
    low, high = axis_range(*ends.tolist())
    assert low < ends[0]
    assert high > ends[1]
    ticks = np.log10(log_ticks(10**low, 10**high)) if log else np.array(linear_ticks(low, high))
    assert 2 <= len(ticks) <= 5
    room = 1e-9 * (high - low)
    assert ((ticks >= low - room) & (ticks <= high + room)).all()


def test_words_of_values() -> None:
    assert [tick_text(v) for v in (0.3, 1000.0, 2e-5, 100_000.0)] == ["0.3", "1,000", "2e-5", "1e5"]
    assert [value_text(v) for v in (0.26353, 12.482, 3.14e-5)] == ["0.2635", "12.48", "3.14e-5"]
    assert value_text(float("nan")) == "–"
    assert linear_ticks(0.0, 10.0) == [0.0, 2.5, 5.0, 7.5, 10.0]


# ---- the page


def test_an_empty_page_is_one_sentence(qtbot: QtBot, app: App) -> None:
    page = shown(qtbot, app)
    assert page.plot.empty == EMPTY
    assert not page.legend.isVisible()
    assert page.groups.count() == 0


def test_a_run_is_drawn_and_the_one_before_is_its_ghost(qtbot: QtBot, app: App) -> None:
    page = shown(qtbot, app)
    theme = app.look.theme
    run(qtbot, app)
    qtbot.waitUntil(lambda: bool(page.plot.lines))
    assert page.plot.log
    assert page.current.length == app.trainer.board.steps == page.plot.length
    assert rgb(theme.runs[0]) in pixels(page)
    assert not any(red > blue + 40 for red, _, blue in pixels(page))
    names = [entry.name for entry in page.legend.entries]
    assert len(names) == 2
    reseed(app)
    run(qtbot, app)
    page.rebuild()
    assert len(page.legend.entries) == 3
    assert page.others
    ghosts = {line.colour for line in page.plot.lines if line.name == names[0]}
    assert ghosts
    assert theme.runs[1] not in ghosts
    assert any(red > blue + 40 for red, _, blue in pixels(page))
    page.options.before.setChecked(False)
    assert len(page.legend.entries) == 2


def test_accuracy_has_a_tab_of_its_own(qtbot: QtBot, app: App) -> None:
    page = shown(qtbot, app)
    run(qtbot, app)
    qtbot.waitUntil(lambda: page.groups.count() == 2)
    QTest.mouseClick(page.groups, Qt.MouseButton.LeftButton, pos=page.groups.tabRect(1).center())
    assert page.group == "accuracy"
    assert not page.plot.log
    (line,) = page.plot.lines
    assert line.dashed
    last = app.trainer.board.metrics["val_accuracy"]
    assert line.shape.at(page.plot.length) == last
    assert page.plot.value_text(last).endswith(" %")


def test_metrics_of_a_kind_are_drawn_together(qtbot: QtBot, app: App) -> None:
    """A race: one tab for the accuracies of all nets, a colour and an entry for each."""
    page = shown(qtbot, app)
    app.desk.open_example("optimizers-race")
    run(qtbot, app)
    qtbot.waitUntil(lambda: page.groups.count() == 3)
    titles = [page.groups.tabText(place) for place in range(3)]
    assert titles == ["Loss", "Accuracy", "Losses"]
    names = ["adam", "momentum", "rmsprop", "sgd"]
    assert page.group == "losses"  # what tells the nets apart is seen first
    assert page.plot.log
    for place in (1, 2):
        page.groups.setCurrentIndex(place)
        assert list(dict.fromkeys(line.name for line in page.plot.lines)) == names
        assert len({line.colour for line in page.plot.lines}) == 4
        assert [entry.name for entry in page.legend.entries][:4] == names
    ends = {line.name: line.shape.at(page.plot.length) for line in page.plot.lines if line.dashed}
    metrics = app.trainer.board.metrics
    assert ends == {name: metrics[f"val_{name}_loss"] for name in names}
    QTest.mouseClick(page.groups, Qt.MouseButton.LeftButton, pos=page.groups.tabRect(0).center())
    app.desk.open_example("digits-mlp")
    app.desk.open_example("optimizers-race")
    qtbot.waitUntil(lambda: page.groups.count() in (0, 3))
    assert page.group == "loss"  # whoever has chosen keeps it


def test_the_crosshair_reads_the_losses(qtbot: QtBot, app: App) -> None:
    page = shown(qtbot, app)
    run(qtbot, app)
    qtbot.waitUntil(lambda: bool(page.plot.lines))
    area = page.plot.area()
    QTest.mouseMove(page.plot.viewport(), QPoint(round(area.x + area.width / 2), 60))
    reading = page.plot.reading or 0.0
    assert reading == pytest.approx(page.plot.length / 2, rel=0.02)
    values = {line.label: value for line, value in page.plot.readings(reading)}
    losses = app.trainer.board.curves.losses.values
    raw = next(value for label, value in values.items() if label.endswith("raw"))
    assert raw == losses[int(reading) - 1]
    QTest.keyClick(page.plot, Qt.Key.Key_Right)
    assert (page.plot.reading or 0.0) > reading
    QTest.keyClick(page.plot, Qt.Key.Key_Escape)
    assert page.plot.reading is None


def test_another_theme_recolours_the_plot(qtbot: QtBot, app: App) -> None:
    page = shown(qtbot, app)
    run(qtbot, app)
    qtbot.waitUntil(lambda: rgb(app.look.theme.runs[0]) in pixels(page))
    dark = app.look.theme
    app.look.choose("light")
    light = app.look.theme
    found = pixels(page)
    assert {rgb(light.panel), rgb(light.hair), rgb(light.runs[0])} <= found
    assert not {rgb(dark.panel), rgb(dark.hair), rgb(dark.runs[0])} & found


def test_a_drag_moves_what_is_in_sight_and_a_double_click_shows_all(qtbot: QtBot, app: App) -> None:
    page = shown(qtbot, app)
    run(qtbot, app)
    plot, left = page.plot, Qt.MouseButton.LeftButton
    plot.zoom(4.0, plot.length / 2)
    low, high = plot.span
    assert high - low == pytest.approx(plot.length / 4)
    begin, end = QPoint(200, 80), QPoint(150, 80)
    by = plot.step_at(200) - plot.step_at(150)
    QTest.mousePress(plot.viewport(), left, pos=begin)
    for step in range(1, 6):
        qtbot.wait(12)  # pyqtgraph takes a hundred moves a second
        QTest.mouseMove(plot.viewport(), begin + (end - begin) * step / 5)
    QTest.mouseRelease(plot.viewport(), left, pos=end)
    assert plot.span == (pytest.approx(low + by), pytest.approx(high + by))
    QTest.mouseDClick(plot.viewport(), left, pos=end)
    assert plot.span == (0.0, plot.length)


def test_a_longer_run_is_followed_unless_a_part_is_looked_at(qtbot: QtBot, app: App) -> None:
    page = shown(qtbot, app)
    run(qtbot, app)
    plot = page.plot
    qtbot.waitUntil(lambda: bool(plot.lines))
    plot.show_lines(plot.lines, 2 * plot.length)
    assert plot.span == (0.0, plot.length)
    plot.zoom(4.0, 10.0)
    seen = plot.span
    plot.show_lines(plot.lines, 2 * plot.length)
    assert plot.span == pytest.approx(seen)


def test_the_wheel_zooms_and_home_shows_all(qtbot: QtBot, app: App) -> None:
    page = shown(qtbot, app)
    run(qtbot, app)
    at = QPointF(200.0, 80.0)
    turn = QWheelEvent(
        at,
        page.plot.viewport().mapToGlobal(at),
        QPoint(),
        QPoint(0, 480),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    step = page.plot.step_at(200.0)
    QApplication.sendEvent(page.plot.viewport(), turn)
    low, high = page.plot.span
    assert high - low == pytest.approx(page.plot.length / 1.25**4)
    assert page.plot.step_at(200.0) == pytest.approx(step)
    QTest.keyClick(page.plot, Qt.Key.Key_Home)
    assert page.plot.span == (0.0, page.plot.length)


def test_pointing_at_the_legend_fades_the_others(qtbot: QtBot, app: App) -> None:
    page = shown(qtbot, app)
    run(qtbot, app)
    qtbot.waitUntil(lambda: len(page.legend.entries) == 2)
    held = page.legend.findChildren(QAbstractButton)[1]
    QTest.mouseClick(held, Qt.MouseButton.LeftButton)
    assert page.plot.isolated == "held-out"
    assert {line.dashed for line, _ in page.plot.readings(page.plot.length)} == {True}
    QTest.mouseClick(held, Qt.MouseButton.LeftButton)
    held.clearFocus()
    assert page.plot.isolated == ""


def test_smoothing_zero_is_the_raw_line(qtbot: QtBot, app: App) -> None:
    page = shown(qtbot, app)
    run(qtbot, app)
    slide(page, 0)
    lines = page.current
    assert (lines.smooth.values.values == lines.raw.values.values).all()
    slide(page, 90)
    assert lines.smoothing == 0.9
    rough = np.abs(np.diff(lines.raw.values.values)).mean()
    assert np.abs(np.diff(lines.smooth.values.values)).mean() < 0.3 * rough


def test_hidden_it_does_nothing_and_catches_up(qtbot: QtBot, app: App) -> None:
    page = shown(qtbot, app)
    page.hide()
    run(qtbot, app)
    assert not page.plot.lines
    page.show()
    assert len(page.current.raw) == app.trainer.board.steps
    assert page.plot.lines


def test_numbers_and_picture_can_be_exported(qtbot: QtBot, app: App, tmp_path: Path) -> None:
    page = shown(qtbot, app)
    run(qtbot, app)
    page.export_csv(tmp_path / "run.csv")
    page.export_picture(tmp_path / "run.png")
    with (tmp_path / "run.csv").open() as file:
        rows = list(csv.DictReader(file))
    losses = app.trainer.board.curves.losses.values
    assert [float(row["loss"]) for row in rows] == losses.tolist()
    ends = [float(row["epoch_val_accuracy"]) for row in rows if row["epoch_val_accuracy"]]
    assert ends == app.trainer.board.curves.metrics["val_accuracy"].values.tolist()
    image = QImage(str(tmp_path / "run.png"))
    assert image.width() == 2 * page.plot.width()
    with pytest.raises(FileNotFoundError):
        page.export_picture(tmp_path / "nowhere" / "run.png")


def test_what_is_not_finite_is_marked() -> None:
    curves = Curves(first=10)
    curves.losses.extend([1.0, np.nan, 2.0])
    curves.add_epoch(12, {"val_loss": 1.0})
    curves.add_epoch(13, {"val_loss": float("nan")})
    assert list(bad_steps(curves)) == [
        (12.0, "loss is not finite"),
        (13.0, "val_loss is not finite"),
    ]
    lines = RunLines(curves, 0.85)
    lines.follow()
    assert np.isfinite(lines.smooth.values.values).all()
