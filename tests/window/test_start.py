"""The start screen and the empty canvas: ways to begin."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import resources
from graph.edits import AddNode
from graph.files import load
from graph.graph import Node
from graph.ops.table import Table
from graph.shapes import Shapes
from gui import fonts
from gui.app import App
from gui.canvas.geometry import wrapped
from gui.canvas.view import Canvas
from gui.preferences import Preferences
from gui.session import RecentFile
from gui.start.begin import HINTS
from gui.start.cards import INSET, LARGE, LINES, examples, result_text, time_text
from gui.start.gallery import Gallery
from gui.start.guide import Guide
from gui.start.recent import RecentRow, when_text
from gui.start.sidebar import Row
from gui.window import MainWindow


@pytest.fixture
def gallery(app: App, qtbot: QtBot) -> Gallery:
    made = Gallery(app)
    qtbot.addWidget(made)
    made.resize(1600, 900)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_every_example_has_a_card_and_no_other(gallery: Gallery) -> None:
    assert {card.example.name for card in gallery.cards} == set(resources.examples())
    for card in gallery.cards:
        assert card.example.title in card.accessibleName()


def test_cards_stand_four_across_and_fewer_in_a_narrow_window(
    gallery: Gallery, qtbot: QtBot
) -> None:
    tops = {card.y() for card in gallery.cards[:4]}
    assert len(tops) == 1
    gaps = {b.x() - a.geometry().right() - 1 for a, b in pairwise(gallery.cards[:4])}
    assert gaps <= {16, 17}
    gallery.resize(960, 900)
    qtbot.waitUntil(lambda: len({card.y() for card in gallery.cards[:4]}) > 1)


def test_pictures_are_drawn_from_the_files(gallery: Gallery, qtbot: QtBot) -> None:
    assert not any(card.drawn for card in gallery.cards)
    gallery.begin(None)
    qtbot.waitUntil(lambda: all(card.drawn for card in gallery.cards))
    for card in gallery.cards:
        graph = load(resources.example_path(card.example.name))
        assert card.parameters == Shapes(graph).weight_count
        image = card.picture.toImage()
        colours = {
            image.pixelColor(x, y).name()
            for x in range(0, image.width(), 3)
            for y in range(0, image.height(), 3)
        }
        assert gallery._app.look.theme.family["data"].lower() in colours


def test_pictures_wait_until_the_screen_is_seen(gallery: Gallery, qtbot: QtBot) -> None:
    """A start with a document has better to do."""
    gallery.hide()
    gallery.begin(None)
    for _ in range(5):
        QApplication.processEvents()
    assert not any(card.drawn for card in gallery.cards)
    gallery.show()
    qtbot.waitUntil(lambda: all(card.drawn for card in gallery.cards))


def test_keys_walk_over_the_cards_and_open_one(gallery: Gallery, qtbot: QtBot, app: App) -> None:
    gallery.cards[0].setFocus()
    qtbot.keyClick(gallery.cards[0], Qt.Key.Key_Right)
    assert gallery.cards[1].hasFocus()
    qtbot.keyClick(gallery.cards[1], Qt.Key.Key_Left)
    assert gallery.cards[0].hasFocus()
    qtbot.keyClick(gallery.cards[0], Qt.Key.Key_Space)
    assert app.desk.current is not None
    assert app.desk.current.title == gallery.cards[0].example.name


def test_the_sidebar_leaves_examples_of_one_kind(gallery: Gallery, qtbot: QtBot) -> None:
    rows = {row.accessibleName(): row for row in gallery.sidebar.findChildren(Row)}
    qtbot.mouseClick(rows["Tables"], Qt.MouseButton.LeftButton)
    shown = [card.example.name for card in gallery.cards if card.isVisible()]
    assert shown == ["table-regression"]
    qtbot.mouseClick(rows["Start"], Qt.MouseButton.LeftButton)
    assert all(card.isVisible() for card in gallery.cards)


def test_recent_files_are_listed_and_asked_for(gallery: Gallery, qtbot: QtBot) -> None:
    path = Path("/somewhere/else/net.loom")
    gallery.show_recent((RecentFile(str(path), 1.0),))
    row = gallery.files.findChildren(RecentRow)[-1]
    assert row.isVisible()
    with qtbot.waitSignal(gallery.files.chosen) as asked:
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton, pos=QPoint(30, 10))
    assert asked.args == [path]


def test_a_file_is_dropped_on_its_place_or_chosen(gallery: Gallery, qtbot: QtBot) -> None:
    def dropped(event: type[QDropEvent], *names: str) -> bool:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(f"/somewhere/{name}") for name in names])
        where = QPointF(9, 9) if event is QDropEvent else QPoint(9, 9)
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        made = event(where, Qt.DropAction.CopyAction, data, left, none)
        made.ignore()
        QApplication.sendEvent(gallery.drop, made)
        return made.isAccepted()

    assert not dropped(QDragEnterEvent, "film.mp4")
    assert dropped(QDragEnterEvent, "net.loom")
    found: list[Path] = []
    gallery.drop.dropped.connect(found.append)
    assert dropped(QDropEvent, "net.loom", "film.mp4", "table.csv")
    assert found == [Path("/somewhere/net.loom"), Path("/somewhere/table.csv")]
    with qtbot.waitSignal(gallery.open_asked):
        qtbot.mouseClick(gallery.drop, Qt.MouseButton.LeftButton)


def test_below_the_examples_all_stands_in_their_columns(gallery: Gallery, qtbot: QtBot) -> None:
    first, last = gallery.cards[0], gallery.cards[3]
    qtbot.waitUntil(lambda: gallery.drop.width() in (last.width(), last.width() - 1))
    assert gallery.files.mapTo(gallery, QPoint()).x() == first.mapTo(gallery, QPoint()).x()
    gap = gallery.drop.mapTo(gallery, QPoint()).x() - last.mapTo(gallery, QPoint()).x()
    assert abs(gap) <= 1
    assert first.high < LARGE  # there are several rows
    rows = {row.accessibleName(): row for row in gallery.sidebar.findChildren(Row)}
    qtbot.mouseClick(rows["Points"], Qt.MouseButton.LeftButton)
    assert [card.high for card in gallery.cards if card.isVisible()] == [LARGE]
    qtbot.mouseClick(rows["Start"], Qt.MouseButton.LeftButton)
    gallery.resize(1280, 760)
    qtbot.waitUntil(lambda: gallery.cards[3].y() > first.y())
    assert {card.y() for card in gallery.cards[:2]} == {first.y()}
    gallery.resize(3000, 900)
    qtbot.waitUntil(lambda: first.width() < 400)


def test_hinted_keys_are_those_of_the_actions(app: App, qtbot: QtBot) -> None:
    window = MainWindow(app.look, Preferences())
    qtbot.addWidget(window)
    keys = {entry.id: entry.action.shortcut().toString() for entry in window.app.actions}
    assert [keys[id] for id, _ in HINTS] == ["Tab", "Ctrl+K", "F5", "F1"]


CARD = 314  # px of width in a window of 1600


def test_words_for_results_and_times() -> None:
    assert result_text("val_accuracy", 0.98) == "98.0 % held out"
    assert result_text("val_mae", 0.6167) == "0.617 MAE held out"
    assert [time_text(s) for s in (0.45, 40, 200)] == ["0.5 s", "40 s", "3 min"]
    now = datetime(2026, 3, 14, 12, 0)
    times = [datetime(2026, 3, 14, 9, 5), datetime(2026, 3, 13, 23, 0), datetime(2026, 3, 9, 8, 0)]
    words = [when_text(at.timestamp(), now) for at in (*times, datetime(2025, 1, 2))]
    assert words == ["today 09:05", "yesterday", "Monday", "2 January 2025"]


def test_examples_say_what_was_measured() -> None:
    for example in examples():
        assert example.title
        assert example.concept
        assert example.learn.endswith(".")
        lines = wrapped(example.learn, CARD - 2 * INSET, fonts.measure, "body")
        assert len(lines) <= LINES, example.name  # seen whole on its card
        fall = example.losses[-1] / example.losses[0]
        fails = example.name in ("vanishing", "exploding")  # what these show
        assert fails == (fall > 0.8)
        assert example.seconds > 0
        assert any(figure.isdigit() for figure in example.result)


def test_an_empty_canvas_says_how_to_begin(app: App, qtbot: QtBot) -> None:
    document = app.desk.new()
    canvas = Canvas(document, app.look.theme)
    qtbot.addWidget(canvas)
    canvas.resize(1000, 600)
    guide = Guide(app, canvas)
    canvas.show()
    qtbot.waitExposed(canvas)
    assert guide.isVisible()
    assert guide.width() == 420
    assert abs(guide.geometry().center().x() - 500) <= 1
    with qtbot.waitSignal(guide.example_asked):
        qtbot.mouseClick(guide.example, Qt.MouseButton.LeftButton)
    document.push(AddNode(Node("table", Table())))
    assert not guide.isVisible()
    document.undo()
    assert guide.isVisible()
    canvas.close_document()
