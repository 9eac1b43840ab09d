"""Try the net by hand: draw a digit, fill in a row or type, and see what it says at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from compute.questions import (
    Answer,
    Inputs,
    Next,
    Output,
    Predict,
    Predicted,
    Predictions,
    Question,
    SampleInputs,
    SamplePredictions,
    Unanswered,
)
from graph.kinds import DataSource
from graph.schema import Column, Schema
from gui.app import App
from gui.docks.drawing_pad import DrawingPad
from gui.docks.output_bars import OutputBars
from gui.docks.page import Page
from gui.docks.place_bar import PlaceBar
from gui.docks.row_form import RowForm
from gui.docks.text_form import TextForm
from gui.widgets.basics import label

EMPTY = "Press Run: then draw, fill in a row or type here, and the net says what it makes of it."
Given = tuple[int, bytes]  # how many symbols were typed, and the sample
UNKNOWN = "This net reads something that cannot be drawn or typed here yet."
BESIDE = 360  # px of width from which the answer stands beside what is asked
CLOSE, LOW = 300, 440  # px of width from which it does so in a page too low for pad and answer
LEAST_ROW, MOST_SHARE = 136, 0.62  # px of a row to fill in; of the width of the page
MARGIN, GAP = 8, 8  # px above and below, and between pad and buttons
SAID = 18  # px of the line below the answer
SAMPLE = "Take a sample"


class TryPage(Page):
    """One input at a time: a picture H×W of one channel, a row of numbers, or symbols."""

    title = "Try it"
    id = "try"

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self._source: Source | None = None
        self._examples: tuple[int, ...] = ()
        self._next = 0
        self._offered = False
        self._asked: tuple[object, ...] = ()
        self.pad = DrawingPad(app.look)
        self.pad.drawn.connect(self._ask)
        self.form = RowForm()
        self.form.changed.connect(self._ask)
        self.text = TextForm()
        self.text.changed.connect(self._ask)
        self.text.more.toggled.connect(self._go_on)
        self.places = PlaceBar(app.look)
        self.places.moved.connect(lambda _: self._show())
        self.answer = label(tone="mono")
        self.answer.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._said: Output | None = None
        self._heard: Given = (0, b"")  # what that was said to
        self.bars = OutputBars(app.look)
        self.message = label(tone="tertiary")
        self.message.setWordWrap(True)
        self.empty = QLabel(EMPTY)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setContentsMargins(24, 0, 24, 0)
        self.empty.setProperty("tone", "tertiary")
        self.clear = QPushButton("Clear")
        self.clear.clicked.connect(self.pad.clear)
        self.sample = QPushButton(SAMPLE)
        self.sample.setToolTip("Put in a held-out sample, another one each time")
        self.sample.setProperty("kind", "quiet")
        self.sample.clicked.connect(lambda _: self._take())
        self._lay_out()

    def _lay_out(self) -> None:
        self._scroll = QScrollArea()
        self._scroll.setAccessibleName("Values of the row")
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setWidget(self.form)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.clear)
        buttons.addWidget(self.text.more)
        buttons.addWidget(self.sample)
        buttons.addStretch(1)
        left = QVBoxLayout()
        left.setSpacing(GAP)
        left.addWidget(self.pad)
        left.addWidget(self._scroll, 1)
        left.addWidget(self.text)
        left.addWidget(self.answer)
        left.addWidget(self.places)
        left.addLayout(buttons)
        left.addStretch(0)
        right = QVBoxLayout()
        right.addWidget(self.bars)
        right.addWidget(self.message)
        right.addStretch(1)
        full = QWidget()
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, full)
        self._row.setContentsMargins(12, MARGIN, 12, MARGIN)
        self._row.setSpacing(24)
        self._row.addLayout(left)
        self._row.addLayout(right, 1)
        around = QScrollArea()
        around.setAccessibleName("Input and answer")
        around.setFrameShape(QScrollArea.Shape.NoFrame)
        around.setWidgetResizable(True)
        around.setWidget(full)
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self.empty)
        self.stack.addWidget(around)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """What is asked above the answer where that is narrow; a pad is seen whole beside it."""
        way, narrow = QBoxLayout.Direction, self.width() < BESIDE
        drawn = self._source is not None and not (self._source.columns or self._source.names)
        close = narrow and drawn and self.width() >= CLOSE and self.height() < LOW
        stacked = narrow and not close
        self._row.setDirection(way.TopToBottom if stacked else way.LeftToRight)
        self._row.setSpacing(8 if stacked else 12 if close else 24)
        self.sample.setText("Sample" if close else SAMPLE)
        room = self.height() - 2 * MARGIN
        self.pad.set_side(room - GAP - self.clear.sizeHint().height())
        self.bars.set_room(room - SAID)
        self._give_room()

    def _give_room(self) -> None:
        """The fields of a row are seen whole where the answer keeps room beside them."""
        wanted = self.form.sizeHint().width() + self._scroll.verticalScrollBar().sizeHint().width()
        most = round(MOST_SHARE * self.width())
        self._scroll.setMinimumWidth(max(LEAST_ROW, min(wanted, most)))

    # What the net reads

    def rebuild(self) -> None:
        trainer = self.app.trainer
        graph = trainer.graph if trainer.document is self.document else None
        if graph is None or self.document is None:
            self._source = None
            self.empty.setText(self.nothing_yet(EMPTY))
            self.stack.setCurrentIndex(0)
            return
        ops = {node.id: node.op for node in graph if isinstance(node.op, DataSource)}
        source = next(filter(None, (source_of(id, op) for id, op in ops.items())), None)
        if source is None:
            self.empty.setText(UNKNOWN)
            self.stack.setCurrentIndex(0)
            return
        if source != self._source:
            self._source, self._examples = source, ()
            self._said = None
            self.bars.put(None)
            if source.columns:
                self.form.put(source.columns)
                self._give_room()
            elif source.names:
                self.text.put(source.names, source.steps)
            else:
                self.pad.resize_picture(*source.picture)
            self._arrange()
        drawn = not (source.columns or source.names)
        for widget, shown in (
            *((one, drawn) for one in (self.pad, self.clear)),
            (self._scroll, bool(source.columns)),
            (self.text, bool(source.names)),
            (self.text.more, bool(source.names) and self.text.follows),
            (self.answer, bool(source.names) and not self.text.follows),
        ):
            widget.setVisible(shown)
        self.stack.setCurrentIndex(1)
        if not drawn and not self._examples:
            self._take(offered=True)
        self._ask()

    def refresh(self) -> None:
        self._ask()

    # Asking

    def _ask(self) -> None:
        source = self._source
        if source is None or self.app.trainer.document is not self.document:
            return
        given, read = self._given(source)
        if given is None:
            self._asked, self._said = (), None
            self.message.setText(self._missing(source, read))
            self._show()
            return
        board = self.app.trainer.board
        text = read, given.tobytes()
        asked = (id(board.curves), board.state, board.step, text)
        if asked == self._asked:  # an answer is a tick too: it must not bring the next question
            return
        self._asked = asked
        follows = bool(source.names) and self.text.follows
        question: Question = Predict({source.key: given})
        if follows:
            question = Next(source.key, given[0])
        self.app.trainer.ask((self, "predict"), question, partial(self._answered, text))

    def _given(self, source: Source) -> tuple[NDArray[Any] | None, int]:
        """What is drawn, filled in or typed, as one sample, None while something is missing; and
        how many symbols are typed.
        """
        if source.columns:
            return self.form.row[None], 0
        if source.names:
            return self.text.sample, self.text.count
        return None if self.pad.empty else self.pad.pixels[None, None], 0

    def _missing(self, source: Source, read: int) -> str:
        if not source.names:
            return "Draw something on the pad."
        return "Type something." if self.text.follows else f"{read} of {source.steps} symbols"

    def _answered(self, text: Given, answer: Answer) -> None:
        if isinstance(answer, Unanswered):
            self.message.setText(answer.message)
        elif isinstance(answer, Predicted) and answer.outputs:
            output = answer.outputs[0]
            follows = bool(self._source and self._source.names) and self.text.follows
            self._said, self._heard = output, text
            self._show()
            where = "; it reads a short text at the end of its window" if answer.at_end else ""
            self.message.setText(f"after {answer.step:,} training steps{where}")
            self._go_on(follows)

    def _show(self) -> None:
        """What the net said last, at the place that is chosen."""
        said, source = self._said, self._source
        several = said is not None and source is not None and source.names
        if said is None or not several or self.text.follows or said.places is None:
            self.places.show_count(0)
            self.answer.setText("")
            self.bars.put(said)
            return
        self.places.show_count(said.places.classes.shape[1])
        self.answer.setText(self.text.answer(said))
        self.bars.put(said.at(self.places.place))

    def _go_on(self, on: bool) -> None:
        """Let the net write on, if what it said last is of the text as it is."""
        if on and self._said is not None and self._asked[-1:] == (self._heard,):
            self.text.said(self._said)

    def _take(self, offered: bool = False) -> None:
        """Put a held-out sample in, another one each time; what is `offered` replaces no text."""
        self._offered = offered
        if self._examples:
            number = self._examples[self._next % len(self._examples)]
            self._next += 1
            self.app.trainer.ask((self, "sample"), Inputs((number,)), self._sample)
        else:
            question = Predictions(limit=200)
            self.app.trainer.ask((self, "examples"), question, self._known)

    def _known(self, answer: Answer) -> None:
        if isinstance(answer, SamplePredictions) and len(answer.samples):
            self._examples = tuple(answer.samples.tolist())
            self._take(self._offered)

    def _sample(self, answer: Answer) -> None:
        source = self._source
        if not isinstance(answer, SampleInputs) or source is None:
            return
        values = np.asarray(answer.arrays[source.key][0], np.float64)
        if source.columns:
            self.form.fill(values)
        elif source.names and not (self._offered and self.text.count):
            self.text.fill(values.astype(np.int64))
        elif not source.names:
            self.pad.put(values[0])


@dataclass(frozen=True)
class Source:
    """The input `key` (`node.port`): a picture of one channel, height × width, or columns, or so
    many `steps` of symbols of these names.
    """

    key: str
    picture: tuple[int, int] = (0, 0)
    columns: tuple[Column, ...] = ()
    names: tuple[str, ...] = ()
    steps: int = 0


def source_of(id: str, op: DataSource) -> Source | None:
    """What a data node gives the net to read; None for what has no form here."""
    for port, kind in op.sample_types().items():
        if port in ("target", "label"):
            continue
        if len(kind.shape) == 3 and kind.shape[0] == 1:
            return Source(f"{id}.{port}", picture=kind.shape[1:])
        if len(kind.shape) == 1 and kind.dtype == "int":
            names = op.class_names()
            return Source(f"{id}.{port}", names=names, steps=kind.shape[0]) if names else None
        if len(kind.shape) == 1:
            schema = getattr(op, "schema", None)
            plain = tuple(Column(f"x{k + 1}") for k in range(kind.shape[0]))
            columns = schema.features if isinstance(schema, Schema) else plain
            return Source(f"{id}.{port}", columns=columns)
    return None
