"""What docks show of nets over sequences: letters, places one can step through, units over time."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from compute.answers import answer
from compute.questions import Predict, Predicted
from graph.ops.sequences import Text
from gui.app import App
from gui.docks.confusion import Confusion
from gui.docks.features import FeaturesPage
from gui.docks.letters import letters, read, typed, written
from gui.docks.page import Page
from gui.docks.predictions import PredictionsPage
from gui.docks.try_it import TryPage

LEFT = Qt.MouseButton.LeftButton


def trained(qtbot: QtBot, app: App, name: str, *kinds: type[Page]) -> list[Page]:
    """Pages over a finished run of an example, asked once it has ended."""
    document = app.desk.open_example(name)
    app.trainer.run(document)
    qtbot.waitUntil(lambda: app.trainer.board.state == "finished", timeout=60_000)
    pages = [kind(app) for kind in kinds]
    for page in pages:
        qtbot.addWidget(page)
        page.resize(640, 400)
        page.show()
        QTest.qWaitForWindowExposed(page)
    return pages


def greedy(app: App, text: str, count: int) -> str:
    """What the run's net writes behind a text, letter by letter."""
    signs, worker = letters(Text().class_names()), app.trainer._worker
    assert worker is not None
    assert worker._session is not None
    session = worker._session
    for _ in range(count):
        known = read(text, signs)[-48:]
        question = Predict({"": np.pad(known, (0, 48 - len(known)))[None]})
        found = answer(question, session.job, session.loaded)
        assert isinstance(found, Predicted)
        shares = found.outputs[0].at(len(known) - 1).values
        text += typed([int(shares.argmax())], signs)
    return text


def test_a_text_is_shown_in_letters(qtbot: QtBot, app: App) -> None:
    page, features, tried = trained(qtbot, app, "char-lstm", PredictionsPage, FeaturesPage, TryPage)
    assert isinstance(page, PredictionsPage)
    assert isinstance(features, FeaturesPage)
    assert isinstance(tried, TryPage)
    matrix, board = page.matrix, app.trainer.board
    qtbot.waitUntil(lambda: matrix.counts.sum() > 0)
    assert matrix.counts.trace() > 0.7 * matrix.counts.sum()
    signs = letters(Text().class_names())
    shown = {signs[k] for k in matrix.classes.tolist()}
    assert {"t", "e", "·"} <= shown
    assert "~" not in shown  # no held-out sample has it
    # each place has its own matrix, and all of them together are the accuracy of the run
    assert page.answer is not None
    every = page.answer.outputs[0].places
    assert every is not None
    assert every.targets is not None
    assert (every.classes == every.targets).mean() == pytest.approx(board.metrics["val_accuracy"])
    last = matrix.counts.sum(), matrix.counts.trace()
    QTest.mouseClick(page.places.back, LEFT)
    assert page.places.words.text() == "place 47 of 48"
    assert matrix.counts.trace() == (every.classes == every.targets)[:, 46].sum()
    QTest.mouseClick(page.places.on, LEFT)
    assert (matrix.counts.sum(), matrix.counts.trace()) == last
    page.places.go(5)
    place = signs.index("·")
    matrix.picked.emit(place, place)
    qtbot.waitUntil(lambda: len(page.sheet.samples) > 3)
    assert all(len(sample.text) == 6 for sample in page.sheet.samples)
    # the maps of the layer, and the sample they are of
    qtbot.waitUntil(lambda: features.maps.found is not None)
    app.desk.current.select(["lstm"])  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: features.maps.words() == "96 units over 48 steps")
    assert features.answer is not None
    text = written(next(iter(features.answer.inputs.values())), signs)
    assert "".join(features.maps.steps) == text == "".join(features.sample.card._numbers)
    # what comes behind a text that is typed
    tried.text.field.setPlainText("the twelfth day of Christm")
    qtbot.waitUntil(lambda: bool(tried.bars.rows) and tried.bars.rows[0][0] == "a")
    assert sum(share for _, share in tried.bars.rows) > 0.9
    QTest.mouseClick(tried.text.more, LEFT)
    qtbot.waitUntil(lambda: not tried.text.more.isChecked(), timeout=20_000)
    qtbot.waitUntil(lambda: tried._asked[-1] == tried._heard)  # the run is asked no more
    assert tried.text.field.toPlainText() == greedy(app, "the twelfth day of Christm", 60)


def test_symbols_that_are_typed_are_answered_at_each_place(qtbot: QtBot, app: App) -> None:
    tried, features = trained(qtbot, app, "reverse-sequence", TryPage, FeaturesPage)
    assert isinstance(tried, TryPage)
    assert isinstance(features, FeaturesPage)
    qtbot.waitUntil(lambda: len(tried.text.field.toPlainText()) == 10)  # a sample to begin with
    tried.text.field.setPlainText("01234")
    assert tried.message.text() == "5 of 10 symbols"
    assert not tried.bars.rows
    tried.text.field.setPlainText("0123456789")
    qtbot.waitUntil(lambda: tried.answer.text() == "says 9876543210")
    tried.places.go(2)
    assert max(tried.bars.rows, key=lambda row: row[1])[0] == "7"
    qtbot.waitUntil(lambda: len(features.sample.card.lines) == 3)
    (_, target, _), (_, said, right) = features.sample.card.lines[1:]
    assert right == (target == said.strip())


def test_text_is_read_as_it_is_written() -> None:
    signs = letters(Text().class_names())
    symbols = np.arange(1, 97)
    assert read(typed(symbols, signs), signs).tolist() == symbols.tolist()
    assert read("é", signs).tolist() == [0]
    assert written(symbols[:2], signs) == "¶·"
    many = tuple(map(str, range(12)))
    assert read("11 x 2", many).tolist() == [11, 2]
    assert written([11, 2], many) == "11 2"
    assert read("1x2", many[:10]).tolist() == [1, 2]


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
    assert painted == [(k, k) for k in range(299)]
    assert matrix.classes.tolist() == list(range(1, 300))  # none has or is taken for class 0
    picked = []
    matrix.picked.connect(lambda *pair: picked.append(pair))
    QTest.keyClick(matrix, Qt.Key.Key_Return)
    assert picked == [(1, 1)]
