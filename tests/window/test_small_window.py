"""A window of 1100 × 720: the canvas keeps room, and what is added is seen."""

from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from graph.edits import Disconnect, SetTraining
from gui.canvas.bubble import ARROW
from gui.canvas.camera import READABLE
from gui.canvas.geometry import Point, Rect
from gui.canvas.sight import in_sight
from gui.canvas.view import Canvas
from gui.dialogs.file_dialog import FileDialog
from gui.docks.features import FeaturesPage
from gui.docks.try_it import TryPage
from gui.start.first_net import FirstNet
from gui.window import MainWindow


@pytest.fixture
def small(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """The window with an empty drawing."""
    window.app.desk.new()
    window.resize(1100, 720)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    QCursor.setPos(window.mapToGlobal(QPoint(550, 20)))  # nodes are added where the pointer is
    return window


def canvas_of(window: MainWindow) -> Canvas:
    assert window.canvas is not None
    return window.canvas


def type_node(window: MainWindow, text: str) -> None:
    """Tab, a few letters, Enter, as fast as the keys come."""
    canvas = canvas_of(window)
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Tab)
    field = QApplication.focusWidget()
    assert isinstance(field, QWidget)
    assert field is not canvas
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_a_chain_typed_into_a_new_drawing_is_seen_whole(small: MainWindow) -> None:
    canvas = canvas_of(small)
    for text in ("dig", "dense", "relu", "dense"):
        type_node(small, text)
        cards = [canvas.zoom_bar.geometry(), canvas.minimap.geometry()]
        over = [Rect(c.x(), c.y(), c.width(), c.height()) for c in cards]
        (added,) = canvas.document.selection
        rects = {id: canvas.scene.rect(row) for row, id in enumerate(canvas.scene.ids)}
        assert in_sight(canvas.heading, rects[added], over)
        assert all(in_sight(canvas.heading, rect, ()) for rect in rects.values())
    assert canvas.heading.zoom >= READABLE
    canvas.arrive()


def test_what_is_in_sight_is_not_moved(small: MainWindow) -> None:
    canvas = canvas_of(small)
    type_node(small, "relu")
    before = canvas.heading
    type_node(small, "dense")
    assert canvas.heading == before


def test_a_long_net_stays_as_large_as_it_is(small: MainWindow) -> None:
    """Behind nodes that do not all fit the new one is seen with the one it is wired to."""
    canvas = canvas_of(small)
    type_node(small, "dig")
    for _ in range(8):
        type_node(small, "dense")
    before = canvas.heading.zoom
    type_node(small, "relu")
    (added,) = canvas.document.selection
    (fed,) = canvas.document.drawing.net.pred[added]
    assert canvas.heading.zoom == before >= READABLE
    for id in (added, fed):
        assert in_sight(canvas.heading, canvas.scene.rect(canvas.scene.index_of[id]), ())
    canvas.arrive()


def test_docks_leave_the_canvas_room_until_somebody_sizes_them(small: MainWindow) -> None:
    canvas, bench = canvas_of(small), small.workbench
    curves = bench.docks.by_id["curves"]
    low = curves.height()
    assert canvas.height() > 1.7 * low
    small.resize(1600, 1000)
    assert curves.height() > low
    bench.resizeDocks([curves], [220], Qt.Orientation.Vertical)
    QApplication.processEvents()
    chosen = curves.height()
    small.resize(1100, 720)
    assert curves.height() == chosen
    bench.docks.reset()
    small.resize(1101, 720)
    assert curves.height() == low


def test_the_offer_of_a_small_net_covers_neither_node_nor_zoom(small: MainWindow) -> None:
    canvas = canvas_of(small)
    type_node(small, "dig")
    offer = canvas.findChild(FirstNet)
    assert isinstance(offer, FirstNet)
    assert offer.isVisible()

    def node() -> QRect:
        rect = canvas.scene.rect(0)
        at = canvas.camera.window(Point(rect.x, rect.y))
        return QRect(round(at.x), round(at.y), round(rect.width), round(rect.height))

    for by in ((0.0, 0.0), (0.0, -90.0), (0.0, 150.0), (-200.0, 90.0)):
        canvas.look_from(canvas.camera.panned(*by))
        assert not offer.geometry().intersects(node())
        assert not offer.geometry().intersects(canvas.zoom_bar.geometry())
        assert offer.isHidden() or canvas.rect().contains(offer.geometry())
    canvas.look_from(canvas.camera.panned(3000.0, 0.0))
    assert offer.isHidden()


def test_a_refusal_covers_neither_end_of_its_wire(small: MainWindow, qtbot: QtBot) -> None:
    """Nor the layer that it offers, in a canvas of 606 × 370 that shows fifteen nodes."""
    document = small.app.desk.open_example("digits-cnn")
    canvas = canvas_of(small)
    canvas.fit()
    (dense,) = (wire.target for wire in document.drawing.wires_out("flatten"))
    document.push(Disconnect(document.drawing.wires_in(dense)[0]))
    ends = canvas.scene.port_point("conv1", 0, True), canvas.scene.port_point(dense, 0, False)
    start, end = (QPoint(round(p.x), round(p.y)) for p in map(canvas.camera.window, ends))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    for step in (1, 2, 3, 4):
        QTest.mouseMove(canvas, start + (end - start) * step / 4)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)
    qtbot.waitUntil(canvas.bubble.isVisible)
    assert canvas.rect().contains(canvas.bubble.geometry())
    rim = round(ARROW)
    place = canvas.bubble.geometry().adjusted(rim, rim, -rim, -rim)
    rects = [canvas.scene.rect(canvas.scene.index_of[id]) for id in ("conv1", dense)]
    rects += [one.box.rect(one.view.x, one.view.y) for one in canvas.draft.nodes]
    assert len(rects) == 3
    for rect in rects:
        at, zoom = canvas.camera.window(Point(rect.x, rect.y)), canvas.camera.zoom
        size = round(rect.width * zoom), round(rect.height * zoom)
        assert not place.intersects(QRect(QPoint(round(at.x), round(at.y)), QSize(*size)))
    QTest.keyClick(canvas, Qt.Key.Key_Escape)


def test_the_pad_is_seen_whole_beside_the_answer(small: MainWindow, qtbot: QtBot) -> None:
    """One draws and sees what the net says without scrolling."""
    document = small.app.desk.open_example("digits-mlp")
    document.push(SetTraining(replace(document.graph.training, epochs=1)))
    page = small.workbench.docks.open("try").page
    assert isinstance(page, TryPage)
    trainer = small.app.trainer
    trainer.run(document)
    qtbot.waitUntil(lambda: trainer.board.state == "finished", timeout=60_000)
    qtbot.waitUntil(page.pad.isVisible)
    middle = page.pad.rect().center()
    QTest.mouseClick(page.pad, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: len(page.bars.rows) == 10)
    QApplication.processEvents()
    for part in (page.pad, page.clear, page.sample, page.bars):
        place = QRect(part.mapTo(page, QPoint(0, 0)), part.size())
        assert page.rect().contains(place)
    assert page.bars.mapTo(page, QPoint(0, 0)).x() > page.pad.mapTo(page, middle).x()


def test_a_low_dock_shows_the_sample_its_buttons_and_the_layer(
    small: MainWindow, qtbot: QtBot
) -> None:
    """Beside the feature maps; nothing lies over anything else."""
    document = small.app.desk.open_example("digits-mlp")
    document.push(SetTraining(replace(document.graph.training, epochs=1)))
    page = small.workbench.docks.open("features").page
    assert isinstance(page, FeaturesPage)
    trainer = small.app.trainer
    trainer.run(document)
    qtbot.waitUntil(lambda: trainer.board.state == "finished", timeout=60_000)

    def in_order() -> bool:
        parts = [page.sample.card, page.sample.wrong, page.layer, page.shape, page.words]
        places = [QRect(p.mapTo(page, QPoint()), p.size()) for p in parts if p.isVisible()]
        apart = all(one.bottom() < two.y() for one, two in pairwise(places))
        return len(places) >= 3 and apart and places[-1].bottom() < page.height()

    for height in (720, 800, 900, 1000):
        small.resize(1100, height)
        qtbot.waitUntil(in_order)


def test_answers_of_dialogs_have_no_icons_of_the_system(small: MainWindow) -> None:
    dialog = FileDialog(small.app.look, small, "Export", "", "*.py")
    dialog.setAcceptMode(FileDialog.AcceptMode.AcceptSave)
    dialog.show()
    answers = dialog.findChildren(QPushButton)
    assert answers
    assert all(answer.icon().isNull() for answer in answers)
    dialog.close()
