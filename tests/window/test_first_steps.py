"""What newcomers do first, in the real window: open an example, begin with a table, save."""

import runpy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

import resources
from graph.edits import SetOp
from gui.canvas.geometry import Rect
from gui.look import Look
from gui.preferences import Preferences
from gui.start.first_net import FirstNet
from gui.window import MainWindow


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    made = MainWindow(Look("dark"), Preferences())
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    for document in list(made.app.desk.documents):
        document.history.mark_clean()
    made.close()


def sees_all(window: MainWindow) -> bool:
    """Whether every node of the canvas is inside it."""
    canvas = window.canvas
    assert canvas is not None
    area, bounds = canvas.camera.area, canvas.scene.bounds()
    assert bounds is not None
    return _inside(bounds, area)


def _inside(inner: Rect, outer: Rect) -> bool:
    across = outer.x <= inner.x and inner.right <= outer.right
    return across and outer.y <= inner.y and inner.bottom <= outer.bottom


def test_an_example_is_seen_whole_until_somebody_moves(window: MainWindow, qtbot: QtBot) -> None:
    window.app.desk.open_example("digits-cnn")
    qtbot.waitUntil(lambda: sees_all(window))
    window.resize(1200, 800)
    qtbot.waitUntil(lambda: sees_all(window))
    canvas = window.canvas
    assert canvas is not None
    canvas.zoom_by(8)
    before = canvas.camera
    window.resize(1300, 820)
    qtbot.waitUntil(lambda: canvas.camera.width != before.width)
    assert (canvas.camera.x, canvas.camera.y) == (before.x, before.y)


def test_a_table_is_put_in_the_middle(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    file = tmp_path / "houses.csv"
    file.write_text("size,price\n" + "\n".join(f"{k},{2 * k}" for k in range(20)))
    window.files.begin_with(file)
    canvas, document = window.canvas, window.app.desk.current
    assert canvas is not None
    assert document is not None
    assert len(document.selection) == 1

    def middle() -> bool:
        area, bounds = canvas.camera.area, canvas.scene.bounds()
        assert bounds is not None
        off = area.x + area.width / 2 - bounds.x - bounds.width / 2, area.middle - bounds.middle
        return max(map(abs, off)) < 2

    qtbot.waitUntil(middle)


def test_saving_an_example_offers_no_place_among_the_examples(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.app.desk.open_example("digits-cnn")
    window.files.save()
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), QFileDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QFileDialog)
    shipped = resources.example_path("digits-cnn").parent
    assert Path(dialog.directory().absolutePath()) != shipped
    dialog.reject()


def test_a_table_is_trained_after_two_clicks(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    file = tmp_path / "iris.csv"
    rows = [f"{k},{-k},{'big' if k > 60 else 'small'}" for k in range(120)]
    file.write_text("a,b,kind\n" + "\n".join(rows))
    window.preferences.set(workspace=str(tmp_path / "runs"))
    window.files.begin_with(file)
    canvas, document = window.canvas, window.app.desk.current
    assert canvas is not None
    assert document is not None
    guide = canvas.findChild(FirstNet)
    assert isinstance(guide, FirstNet)
    qtbot.waitUntil(guide.isVisible)
    steps = document.history.position
    QTest.mouseClick(guide.add, Qt.MouseButton.LeftButton)
    assert not guide.isVisible()
    assert document.history.position == steps + 1
    assert document.problems == ()
    qtbot.waitUntil(lambda: sees_all(window))
    QTest.mouseClick(window.parts.training.run_button, Qt.MouseButton.LeftButton)
    board = window.app.trainer.board_of(document)
    qtbot.waitUntil(lambda: not board.active, timeout=60_000)
    assert board.state == "finished", board.message
    assert board.metrics["val_accuracy"] > 0.9
    code = _exported(window, tmp_path / "code.py")
    assert "code.py and code.safetensors" in window.notice.text.text()
    assert f"weights of run {board.curves.run}." in window.notice.text.text()
    runpy.run_path(str(code))["load_model"]()
    hidden = document.graph.node("hidden1")
    document.push(SetOp("hidden1", replace(hidden.op, units=5)))  # type: ignore[call-arg]
    code = _exported(window, tmp_path / "changed.py")
    assert "left out: found hidden1/bias (32,) in run" in window.notice.text.text()
    assert not code.with_suffix(".safetensors").exists()
    document.undo()
    document.undo()
    assert guide.isVisible()


def _exported(window: MainWindow, file: Path) -> Path:
    """The NumPy code of the document, exported by its action and dialog."""
    window.app.actions["file.export_numpy"].trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QFileDialog)
    dialog.selectFile(str(file))
    dialog.accept()
    assert file.is_file()
    return file
