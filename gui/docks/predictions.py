"""What the net says about held-out samples: confusion matrix, scatter, pictures or boundary."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from compute.questions import (
    Answer,
    Boundary,
    Inputs,
    Output,
    Predictions,
    SampleInputs,
    SamplePredictions,
    Surface,
    Unanswered,
)
from gui.app import App
from gui.docks.confusion import Confusion
from gui.docks.letters import alphabet, written
from gui.docks.page import Page
from gui.docks.place_bar import PlaceBar
from gui.docks.plane import Picture, Plane, around
from gui.docks.redrawn import as_points, in_words, pairs, picture_shape
from gui.docks.sample_sheet import MOST, SampleSheet, Shown
from gui.run.board import Board
from gui.widgets.basics import label

EMPTY = "Press Run: what the net says about held-out samples is shown here."
NOT_FINITE = "No prediction is a finite number."
POINTS = 500
GAP = 1.0  # s between two looks while the run goes on
SIDE = 72  # points along each axis of a decision boundary
WHOLE = 20  # symbols up to which a sequence is shown behind the place too


class PredictionsPage(Page):
    """Asks the run at most once an epoch, and after each step while it does not run by itself.

    A cell of the matrix opens its samples.
    """

    title = "Predictions"
    id = "predictions"

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.answer: SamplePredictions | None = None
        self._asked: tuple[object, ...] | None = None
        self._asked_at = 0.0
        self._looked = False  # whether the samples have been asked for
        self._points: tuple[NDArray[np.float64], NDArray[np.int64]] | None = None
        self._read: tuple[tuple[int, ...], ...] = ()  # shapes of what the net reads of a sample
        self._cell: tuple[int, int] | None = None
        self.matrix = Confusion(app.look)
        self.matrix.picked.connect(self._open)
        self.plane = Plane(app.look)
        self.sheet = SampleSheet(app.look)
        self.pictures = SampleSheet(app.look)
        self.fit = label(tone="caption")
        self.dotted = QAction("Points instead of pictures", self, checkable=True)
        self.dotted.toggled.connect(lambda _: self._show())
        self.choice = QComboBox()
        self.choice.setAccessibleName("Output")
        self.choice.activated.connect(lambda _: self._close())
        self.places = PlaceBar(app.look)
        self.places.moved.connect(lambda _: self._moved())
        self.empty = QLabel(EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setContentsMargins(24, 0, 24, 0)
        self.empty.setProperty("tone", "tertiary")
        self.back = QPushButton("Back to the matrix")
        self.back.setProperty("kind", "quiet")
        self.back.clicked.connect(self._close)
        self.words = label(tone="secondary")
        self._lay_out()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(12, 6, 12, 0)
        head.addWidget(self.words)
        head.addStretch(1)
        head.addWidget(self.back)
        self.picked = QWidget()
        column = QVBoxLayout(self.picked)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addWidget(_scrolled(self.sheet, "Samples of the cell"))
        self.redrawn = QWidget()
        column = QVBoxLayout(self.redrawn)
        column.setContentsMargins(8, 0, 0, 0)
        column.addWidget(self.fit)
        column.addWidget(_scrolled(self.pictures, "Samples, and what the net makes of them"))
        above = QHBoxLayout()
        above.setContentsMargins(8, 0, 8, 0)
        above.addWidget(self.choice)
        above.addWidget(self.places)
        above.addStretch(1)
        self.choice.hide()
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 8, 4, 4)
        box.setSpacing(4)
        box.addLayout(above)
        self.stack = QStackedLayout()
        box.addLayout(self.stack, 1)
        for page in (self.empty, self.matrix, self.plane, self.picked, self.redrawn):
            self.stack.addWidget(page)

    def fill_menu(self, menu: QMenu) -> None:
        if self.answer is not None and picture_shape(self.output, self._read):
            menu.addAction(self.dotted)

    # When to ask

    def rebuild(self) -> None:
        if self.app.trainer.document is not self.document or not self._board.started:
            self.answer, self._points, self._asked, self._read = None, None, None, ()
            self._say(self.nothing_yet(EMPTY))
            return
        if self.answer is None:
            self._say(self.nothing_yet(EMPTY))
        self.refresh()
        self._show()

    def refresh(self) -> None:
        board = self._board
        since = board.epoch if board.state == "running" else board.step
        asked = (self.document, board.started, board.state, since)
        if asked == self._asked or self.app.trainer.document is not self.document:
            return
        soon = time.monotonic() - self._asked_at < GAP
        if soon and board.state == "running" and self._asked is not None:
            return
        if self._asked is None or self._asked[:2] != asked[:2]:
            self._points, self._looked, self._read = None, False, ()
        if self.app.trainer.ask((self, "predictions"), Predictions(), self._answered):
            self._asked, self._asked_at = asked, time.monotonic()

    @property
    def _board(self) -> Board:
        return self.app.trainer.board_of(self.document)

    # What comes back

    def _answered(self, answer: Answer) -> None:
        if isinstance(answer, Unanswered):
            self._say(answer.message)
        elif isinstance(answer, SamplePredictions) and answer.outputs:
            self.answer = answer
            self._list(answer)
            self._show()
            if not self._looked:
                self._looked = True
                samples = tuple(answer.samples[:POINTS].tolist())
                self.app.trainer.ask((self, "inputs"), Inputs(samples), self._inputs)
            else:
                self._ask_boundary()

    @property
    def _chosen(self) -> int:
        return max(0, self.choice.currentIndex())

    @property
    def output(self) -> Output:
        """The output that is shown, at the place that is shown."""
        assert self.answer is not None
        return self.answer.outputs[self._chosen].at(self.places.place)

    def _list(self, answer: SamplePredictions) -> None:
        names = [output.name.removesuffix("_loss") for output in answer.outputs]
        if [self.choice.itemText(k) for k in range(self.choice.count())] != names:
            self.choice.clear()
            self.choice.addItems(names)

    def _moved(self) -> None:
        if self.stack.currentWidget() is self.picked and self._cell is not None:
            self._open(*self._cell)  # the samples that fill it at the other place
        self._show()

    def _show(self) -> None:
        if self.answer is None:
            return
        self.choice.setVisible(self.choice.count() > 1)
        every = self.answer.outputs[self._chosen].places
        self.places.show_count(0 if every is None else every.classes.shape[1])
        output = self.output
        counts = output.confusion
        if counts is None:
            shape = picture_shape(output, self._read)
            if shape and not self.dotted.isChecked():
                self._redraw(output, shape)
            elif output.targets is not None:
                self._scatter(output)
            return
        self.matrix.put(counts, output.class_names)
        if self.stack.currentWidget() is self.picked:
            return
        boundary = self._points is not None and not self._chosen
        self.stack.setCurrentWidget(self.plane if boundary else self.matrix)

    def _scatter(self, output: Output) -> None:
        """Predicted against target, of all numbers of a regression; of many an even choice."""
        every = as_points(output)
        if not len(every):
            self._say(NOT_FINITE)
            return
        shown = np.linspace(0, len(every) - 1, min(POINTS, len(every))).astype(np.int64)
        points = every[shown]
        low, high = around(points)
        both = (min(low), min(low)), (max(high), max(high))
        groups = np.full(len(points), -1)
        words = f"predicted · {in_words(every)}"
        self.plane.put(Picture(points, groups, *both, line=True, x="target", y=words), words)
        self.stack.setCurrentWidget(self.plane)

    def _redraw(self, output: Output, shape: tuple[int, ...]) -> None:
        """Pictures that the net makes, each beside its target."""
        assert self.answer is not None
        points = as_points(output)
        if not len(points):
            self._say(NOT_FINITE)
            return
        self.pictures.put(pairs(output, self.answer.samples, shape))
        self.fit.setText(f"target, prediction · {in_words(points)}")
        self.stack.setCurrentWidget(self.redrawn)

    # What the samples are tells how to show them; two numbers in, a class out: the boundary

    def _inputs(self, answer: Answer) -> None:
        if not isinstance(answer, SampleInputs) or self.answer is None:
            return
        output = self.output
        self._read = tuple(array.shape[1:] for array in answer.arrays.values())
        if picture_shape(output, self._read):
            self._show()
            return
        planes = [a for a in answer.arrays.values() if a.ndim == 2 and a.shape[1] == 2]
        if output.classes is None or output.targets is None or len(planes) != 1:
            return
        count = len(planes[0])
        groups = np.asarray(output.targets).reshape(-1)[:count].astype(np.int64)
        self._points = planes[0].astype(np.float64), groups
        self._ask_boundary()

    def _ask_boundary(self) -> None:
        if self._points is not None:
            low, high = around(self._points[0])
            question = Boundary(low, high, SIDE)
            self.app.trainer.ask((self, "boundary"), question, self._boundary)

    def _boundary(self, answer: Answer) -> None:
        if not isinstance(answer, Surface) or self._points is None:
            return
        shares = answer.output.values.reshape(answer.rows, -1, answer.output.values.shape[-1])
        if shares.shape[2] == 1:  # a sigmoid gives the share of class 1
            shares = np.concatenate([1 - shares, shares], axis=2)
        points, groups = self._points
        low, high = (answer.low[0], answer.low[1]), (answer.high[0], answer.high[1])
        field = shares.astype(np.float64)
        picture = Picture(points, groups, low, high, field=field, x="input 0", y="input 1")
        self.plane.put(picture, "Decision boundary over the two inputs")
        if self.stack.currentWidget() is not self.picked and not self._chosen:
            self.stack.setCurrentWidget(self.plane)

    # The samples of a cell

    def _open(self, target: int, predicted: int) -> None:
        self._cell = target, predicted
        if self.answer is None:
            return
        output = self.output
        assert output.classes is not None
        assert output.confusion is not None
        own = np.flatnonzero((output.targets == target) & (output.classes == predicted))
        self.matrix.put(output.confusion, output.class_names)
        self.words.setText(self.matrix.sentence(target, predicted))
        self.sheet.put([])
        self.stack.setCurrentWidget(self.picked)
        self.back.setFocus()
        numbers = tuple(self.answer.samples[own][:MOST].tolist())
        if numbers:
            self.app.trainer.ask((self, "cell"), Inputs(numbers), self._cell_inputs)

    def _cell_inputs(self, answer: Answer) -> None:
        if not isinstance(answer, SampleInputs) or self.answer is None or self._cell is None:
            return
        key, values = next(((k, a) for k, a in answer.arrays.items() if a.ndim > 1), ("", None))
        if values is None:
            return
        output, place = self.output, {n: k for k, n in enumerate(self.answer.samples)}
        signs = alphabet(self.app.trainer.graph, key)
        right = self._cell[0] == self._cell[1]
        shown = []
        for number, own in zip(answer.samples.tolist(), values, strict=True):
            sure = output.confidence
            k = place.get(number)
            share = "" if sure is None or k is None else f" {float(sure[k]):.2f}"
            caption = f"{self.matrix.name(self._cell[1])}{share}"
            read = own if len(own) <= WHOLE else own[: self.places.place + 1]
            text = written(read, signs) if signs else ""
            shown.append(Shown(number, caption, right, own.astype(np.float64), text))
        self.sheet.put(shown)

    def _close(self) -> None:
        self.stack.setCurrentWidget(self.matrix)
        self.matrix.setFocus()
        self._show()

    def _say(self, message: str) -> None:
        self.empty.setText(message)
        self.choice.hide()
        self.places.hide()
        self.stack.setCurrentWidget(self.empty)


def _scrolled(sheet: SampleSheet, name: str) -> QScrollArea:
    made = QScrollArea()
    made.setAccessibleName(name)
    made.setWidgetResizable(True)
    made.setFrameShape(QScrollArea.Shape.NoFrame)
    made.setWidget(sheet)
    return made
