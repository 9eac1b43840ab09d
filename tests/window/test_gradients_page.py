"""Heat strips of norms: what is watched, what they show, and the way back to the canvas."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from graph.files import load
from gui.app import App
from gui.docks.gradients import EMPTY, GradientsPage
from gui.docks.gradients_norms import (
    BEYOND,
    LOUDEST,
    NOTHING,
    RANGES,
    Layer,
    entries,
    layers,
    value_at,
    wanted,
)
from gui.run.board import Norms
from resources import example_path


def series(steps: list[float], values: list[float]) -> Norms:
    norms = Norms()
    norms.steps.extend(steps)
    norms.values.extend(values)
    return norms


def trained(qtbot: QtBot, app: App, name: str = "digits-cnn") -> GradientsPage:
    document = app.desk.open_example(name)
    page = GradientsPage(app)
    qtbot.addWidget(page)
    page.resize(376, 262)
    page.show()
    app.trainer.run(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=30_000)
    page.refresh()
    return page


def test_layers_stand_in_the_order_of_the_data() -> None:
    found = layers(load(example_path("digits-cnn")))
    assert [one.path for one in found] == ["conv1", "conv2", "hidden", "scores"]
    assert found[0].keys == ("conv1/weight", "conv1/bias")
    assert found[2].largest == "hidden/weight"
    assert found[0].size == 16 * 9 + 16


def test_norms_of_a_layer_add_up() -> None:
    layer = Layer("a", ("a/weight", "a/bias"), "a", "a/weight", 4)
    norms = {
        "gradient:a/weight": series([1, 5, 9], [1.0, 3.0, 6.0]),
        "gradient:a/bias": series([5, 9], [4.0, 8.0]),
        "value:a/weight": series([5, 9], [5.0, 10.0]),
        "value:a/bias": series([5, 9], [0.0, 0.0]),
    }
    layer.follow(norms, "gradient")
    assert (layer.steps.tolist(), layer.values.tolist()) == ([5.0, 9.0], [5.0, 10.0])
    layer.follow(norms, "ratio")
    assert layer.values.tolist() == [1.0, 1.0]
    layer.follow({}, "value")
    assert math.isnan(layer.now)


def test_a_norm_stands_for_the_steps_before_it() -> None:
    layer = Layer("a", (), "a", "", 0, np.array([10.0, 50.0, 90.0]), np.array([1e-4, 1e1, 1e2]))
    found = entries(layer, 100, 100.0, (1e-4, 1e1))
    assert (found[:10] == 1).all()
    assert (found[10:50] == LOUDEST).all()
    assert (found[50:] == BEYOND).all()
    assert value_at(layer, 40.0) == 10.0
    silent = Layer("a", (), "a", "", 0, np.array([1.0]), np.array([0.0]))
    assert (entries(silent, 9, 5.0, (1e-4, 1e1)) == 1).all()
    lost = Layer("a", (), "a", "", 0, np.array([1.0]), np.array([np.nan]))
    assert (entries(lost, 9, 5.0, (1e-4, 1e1)) == BEYOND).all()
    assert (entries(Layer("a", (), "a", "", 0), 9, 5.0, (1e-4, 1e1)) == NOTHING).all()


def test_large_layers_are_watched_whole_only_under_the_pointer() -> None:
    small = Layer("a", ("a/weight", "a/bias"), "a", "a/weight", 100)
    large = Layer("b", ("b/weight",), "b", "b/weight", 1_000_000)
    assert {"value:a/weight", "norm:value:a/bias"} <= wanted([small], "value", 0)
    names = wanted([small, large], "value", 1)
    assert {"value:b/weight", "norm:value:a/weight", "norm:gradient:b/weight"} <= names
    assert names.isdisjoint({"value:a/weight", "norm:value:b/weight", "gradient:b/weight"})
    assert "gradient:a/weight" in wanted([small], "ratio", 0)


def test_without_room_for_a_histogram_norms_are_enough() -> None:
    small = Layer("a", ("a/weight",), "a", "a/weight", 100)
    assert wanted([small], "value", None) == {"norm:value:a/weight", "norm:gradient:a/weight"}


def test_an_empty_page_is_one_sentence(qtbot: QtBot, app: App) -> None:
    app.desk.open_example("digits-mlp")
    page = GradientsPage(app)
    qtbot.addWidget(page)
    page.show()
    assert page._empty.isVisible()
    assert page._empty.text() == EMPTY
    assert not page.strips.isVisible()


def test_a_run_fills_a_strip_for_each_layer(qtbot: QtBot, app: App) -> None:
    page = trained(qtbot, app)
    assert [layer.name for layer in page.layers] == ["conv1", "conv2", "hidden", "scores"]
    for layer in page.layers:
        assert len(layer.steps) >= 1
        assert 1e-6 < layer.now < 1e3
    taps = app.trainer.board.taps
    squares = [taps[f"gradient:conv1/{name}"].norm ** 2 for name in ("weight", "bias")]
    assert page.layers[0].now == pytest.approx(math.sqrt(sum(squares)))
    strip = page.strips.strip(2)
    image = page.strips.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    seen = image.pixelColor(round(strip.right) - 3, round(strip.middle)).name().upper()
    low, high = (math.log10(end) for end in RANGES["gradient"])
    share = (math.log10(page.layers[2].now) - low) / (high - low)
    expected = app.look.theme.ramp("gradient", share)
    apart = [abs(int(seen[i : i + 2], 16) - int(expected[i : i + 2], 16)) for i in (1, 3, 5)]
    assert max(apart) <= 4


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_weights_and_ratio_are_there_after_the_run(qtbot: QtBot, app: App, kind: int) -> None:
    page = trained(qtbot, app, "digits-mlp")
    page.kinds.setCurrentIndex(kind)
    assert page.strips.limits == RANGES[page.kind]
    low, high = page.strips.limits
    assert all(low < layer.now < high for layer in page.layers)


def test_pointing_shows_the_histogram_and_a_click_selects(qtbot: QtBot, app: App) -> None:
    page = trained(qtbot, app)
    strip = page.strips.strip(1)
    at = QPoint(round(strip.x + 20), round(strip.middle))
    QTest.mouseMove(page.strips, at)
    assert page.strips.row == 1
    assert page.strips.step is not None
    assert sum(page.histogram.counts) == 32 * 16 * 9
    assert "conv2" in page.histogram.accessibleDescription()
    QTest.mouseClick(page.strips, Qt.MouseButton.LeftButton, pos=at)
    assert app.desk.current is not None
    assert app.desk.current.selection == {"conv2"}
    QTest.keyClick(page.strips, Qt.Key.Key_Down)
    QTest.keyClick(page.strips, Qt.Key.Key_Return)
    assert app.desk.current.selection == {"hidden"}


def test_hidden_it_watches_nothing(qtbot: QtBot, app: App) -> None:
    document = app.desk.open_example("digits-mlp")
    page = GradientsPage(app)
    qtbot.addWidget(page)
    app.trainer.run(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=30_000)
    assert not app.trainer.board.norms
    assert page.wants() == frozenset()
    page.show()
    assert page.wants()
