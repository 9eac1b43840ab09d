"""What docks show of nets over sequences: the class of the last place, in a matrix of any size."""

import numpy as np
import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.app import App
from gui.docks.confusion import Confusion
from gui.docks.predictions import PredictionsPage


def test_the_predictions_of_a_text_are_its_last_characters(qtbot: QtBot, app: App) -> None:
    document = app.desk.open_example("char-lstm")
    page = PredictionsPage(app)
    qtbot.addWidget(page)
    page.resize(640, 400)
    page.show()
    QTest.qWaitForWindowExposed(page)
    app.trainer.run(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=60_000)
    matrix = page.findChild(Confusion)
    assert matrix is not None
    qtbot.waitUntil(lambda: matrix.counts.shape == (97, 97) and matrix.counts.trace() > 0)
    assert matrix.counts.trace() > 0.7 * matrix.counts.sum()


def test_a_matrix_of_many_classes_paints_what_is_not_empty(
    qtbot: QtBot, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells without a sample are one surface: of 300 classes there are 90,000."""
    painted = []
    cell = Confusion._paint_cell
    monkeypatch.setattr(Confusion, "_paint_cell", lambda *a: painted.append(a[2:4]) or cell(*a))
    matrix = Confusion(app.look)
    qtbot.addWidget(matrix)
    matrix.resize(800, 900)
    matrix.put(np.diag(np.arange(300)), ())
    matrix.grab()
    assert painted == [(k, k) for k in range(1, 300)]
