"""Feature maps: which layer, which sample, what is drawn, while training and after it."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from compute.questions import FeatureMap
from graph.edits import SetTraining
from graph.files import load
from gui.app import App
from gui.docks.features import EMPTY, FeaturesPage
from gui.docks.features_layers import seen
from gui.docks.features_maps import MapsView, on_one_range
from gui.document import Document
from resources import example_path


def opened(qtbot: QtBot, app: App, name: str = "digits-cnn") -> tuple[FeaturesPage, Document]:
    document = app.desk.open_example(name)
    page = FeaturesPage(app)
    qtbot.addWidget(page)
    page.resize(443, 262)
    page.show()
    QTest.qWaitForWindowExposed(page)
    return page, document


def trained(qtbot: QtBot, app: App, name: str = "digits-cnn") -> tuple[FeaturesPage, Document]:
    page, document = opened(qtbot, app, name)
    app.trainer.run(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=30_000)
    steps = app.trainer.board.steps
    qtbot.waitUntil(lambda: page.answer is not None and page.answer.step == steps)
    return page, document


def show(qtbot: QtBot, page: FeaturesPage, document: Document, node: str) -> FeatureMap:
    """Select a node and wait for its maps."""
    document.select({node})
    name = f"value:{node}.y"
    qtbot.waitUntil(lambda: page.maps.found is not None and page.maps.found.name == name)
    assert page.maps.found is not None
    return page.maps.found


def test_layers_know_their_filters() -> None:
    found = {one.path: one for one in seen(load(example_path("digits-cnn")))}
    assert list(found)[:3] == ["conv1", "relu1", "conv2"]
    assert found["relu1"].filters == found["conv1"].filters == "conv1/weight"
    assert found["pool"].filters == "conv2/weight"
    assert found["hidden"].filters == found["flatten"].filters == ""
    assert "loss" not in found


def test_one_range_keeps_the_order_of_values() -> None:
    tiles = np.array([[[0, 255]], [[0, 255]]], np.uint8)
    ranges = np.array([[0.0, 1.0], [1.0, 3.0]])
    found = FeatureMap("a", (2, 1, 2), 0.0, 3.0, tiles, ranges, np.zeros(0))
    assert on_one_range(found).ravel().tolist() == [0, 85, 85, 255]


def test_an_empty_page_is_one_sentence(qtbot: QtBot, app: App) -> None:
    page, _ = opened(qtbot, app)
    assert page._empty.isVisible()
    assert page._empty.text() == EMPTY
    assert not page.maps.isVisible()


def test_it_follows_the_selection(qtbot: QtBot, app: App) -> None:
    page, document = trained(qtbot, app)
    found = show(qtbot, page, document, "conv2")
    assert found.shape == (32, 8, 8)
    assert page.layer.currentText() == "conv2"
    assert page.shape.text() == "32×8×8"
    assert page.maps.shown() == 32
    qtbot.waitUntil(lambda: page.filters.found is not None)
    document.select({"adam"})
    assert page.layer.currentText() == "conv2"


def test_the_sample_is_told_with_its_target_and_prediction(qtbot: QtBot, app: App) -> None:
    page, document = trained(qtbot, app)
    assert page.answer is not None
    output = page.answer.outputs[0]
    assert output.classes is not None
    lines = {words: value for words, value, _ in page.sample.card.lines}
    assert lines["predicted"] == str(int(output.classes[0]))
    assert lines["sample"] == str(page.answer.sample)
    first = page.answer.sample
    buttons = page.sample.findChildren(type(page.sample.wrong))
    QTest.mouseClick(buttons[1], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.answer is not None and page.answer.sample != first)
    QTest.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.answer is not None and page.answer.sample == first)


def test_only_wrong_ones_can_be_gone_through(qtbot: QtBot, app: App) -> None:
    page, document = trained(qtbot, app, "digits-mlp")
    page.sample.wrong.setChecked(True)
    qtbot.waitUntil(lambda: page.sample.places is not None)
    assert page.sample.places is not None
    wrong = set(page.sample.places.tolist())
    accuracy = app.trainer.board.metrics["val_accuracy"]
    assert len(wrong) == round((1 - accuracy) * page.sample.count)
    visited = set()
    for _ in range(len(wrong)):
        visited.add(page.sample.place)
        page.sample.step(1)
    assert visited == wrong
    place = page.sample.place
    qtbot.waitUntil(lambda: any(not right for _, _, right in page.sample.card.lines))
    page.sample.step(1)
    page.sample.step(-1)
    assert page.sample.place == place
    page.sample.wrong.setChecked(False)
    assert page.sample.places is None


def test_vectors_are_bars(qtbot: QtBot, app: App) -> None:
    page, document = trained(qtbot, app)
    found = show(qtbot, page, document, "hidden")
    assert found.values.size == 64
    assert page.maps.words() == "64 numbers"
    assert not page.range.isVisible()
    assert not page.filters.isVisible()


def test_a_click_enlarges_a_map_and_keys_go_on(qtbot: QtBot, app: App) -> None:
    page, document = trained(qtbot, app)
    show(qtbot, page, document, "relu1")
    at = page.maps.place(2).center().toPoint()
    small = page.maps.grab().toImage()
    QTest.mouseClick(page.maps, Qt.MouseButton.LeftButton, pos=at)
    assert page.maps.large == 2
    assert page.words.text().startswith("map 2")
    assert page.maps.grab().toImage() != small
    QTest.keyClick(page.maps, Qt.Key.Key_Right)
    assert page.maps.large == 3
    QTest.keyClick(page.maps, Qt.Key.Key_Escape)
    assert page.maps.large == -1
    QTest.keyClick(page.maps, Qt.Key.Key_Return)
    assert page.maps.large == 3


def test_the_range_is_a_choice(qtbot: QtBot, app: App) -> None:
    page, document = trained(qtbot, app)
    show(qtbot, page, document, "conv2")
    own = page.maps.grab().toImage()
    QTest.mouseClick(page.range, Qt.MouseButton.LeftButton)
    assert not page.maps.own_range
    assert page.maps.grab().toImage() != own


def test_it_follows_the_training(qtbot: QtBot, app: App) -> None:
    page, document = opened(qtbot, app)
    steps = set[int]()
    app.trainer.run(document)

    def looked() -> bool:
        if page.answer is not None:
            steps.add(page.answer.step)
        return app.trainer.board.state == "finished"

    qtbot.waitUntil(looked, timeout=30_000)
    assert len(steps) >= 2


def test_paused_it_still_answers(qtbot: QtBot, app: App) -> None:
    page, document = opened(qtbot, app)
    app.trainer.step(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "paused", timeout=30_000)
    qtbot.waitUntil(lambda: page.answer is not None)
    found = show(qtbot, page, document, "pool")
    assert found.shape == (32, 4, 4)


@pytest.mark.parametrize("count", [1, 7, 32, 256])
def test_maps_fit_into_any_room(qtbot: QtBot, app: App, count: int) -> None:
    view = MapsView(app.look)
    qtbot.addWidget(view)
    tiles = np.zeros((count, 8, 8), np.uint8)
    found = FeatureMap("a", (count, 8, 8), 0, 0, tiles, np.zeros((count, 2)), np.zeros(0))
    for width, height in ((120, 72), (300, 150), (800, 60)):
        view.resize(width, height)
        view.show_map(found)
        last = view.place(view.shown() - 1)
        assert 1 <= view.shown() <= count
        assert last.right() <= width + 1e-6
        assert last.bottom() <= max(height, 60) + 18
        assert view.words() == (
            f"{view.shown()} of {count} maps" if view.shown() < count else f"{count} maps"
        )


def test_hidden_it_asks_nothing(qtbot: QtBot, app: App) -> None:
    page, document = opened(qtbot, app)
    page.hide()
    app.trainer.run(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=30_000)
    assert page.answer is None
    page.show()
    qtbot.waitUntil(lambda: page.answer is not None)
    assert page.sample.childAt(QPoint(5, 5)) is page.sample.card


def test_attention_shows_what_each_head_looks_at(qtbot: QtBot, app: App) -> None:
    document = app.desk.open_example("reverse-sequence")
    document.push(SetTraining(replace(document.graph.training, epochs=1)))
    app.trainer.run(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=60_000)
    page = FeaturesPage(app)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: page.maps.found is not None)
    place = page.layer.findText("attention1 weights · blocks/0")
    page.layer.setCurrentIndex(place)
    page.layer.activated.emit(place)
    qtbot.waitUntil(lambda: page.maps.found is not None and page.maps.found.shape == (4, 10, 10))
    assert not page.maps.over_time
    assert page.shape.text() == "4×10×10"
