"""Try the net by hand: draw a digit, fill in a row or type, and see what it says at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
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
from gui import fonts
from gui.app import App
from gui.docks.drawing_pad import DrawingPad
from gui.docks.page import Page
from gui.docks.place_bar import PlaceBar
from gui.docks.row_form import RowForm
from gui.docks.text_form import TextForm
from gui.look import Look
from gui.theme import mix
from gui.widgets.basics import label

EMPTY = "Press Run: then draw, fill in a row or type here, and the net says what it makes of it."
Given = tuple[int, bytes]  # how many symbols were typed, and the sample
UNKNOWN = "This net reads something that cannot be drawn or typed here yet."
MOST_BARS, FIRST = 12, 8  # classes up to which each has its bar; of more so many
BESIDE = 360  # px of width from which the answer stands beside what is asked
LEAST_ROW, MOST_SHARE = 136, 0.62  # px of a row to fill in; of the width of the page
NAME, NUMBER, STEP = 76, 52, 18  # px: at most for a name, for a number, a row


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
        self.sample = QPushButton("Take a sample")
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
        left.setSpacing(8)
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
        self._row.setContentsMargins(12, 8, 12, 8)
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
        way, narrow = QBoxLayout.Direction, self.width() < BESIDE
        self._row.setDirection(way.TopToBottom if narrow else way.LeftToRight)
        self._row.setSpacing(8 if narrow else 24)
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


class OutputBars(QWidget):
    """The output for one sample: a bar for each class, or the numbers."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.rows: list[tuple[str, float]] = []
        self._shares = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def put(self, output: Output | None) -> None:
        """Show the first sample of an output; None shows nothing."""
        self.rows = rows_of(output) if output is not None else []
        self._shares = output is None or output.kind != "numbers"
        best = max(self.rows, key=lambda row: row[1], default=("nothing", 0.0))
        self.setAccessibleName(f"The net says {best[0]}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, max(1, len(self.rows)) * STEP)

    def minimumSizeHint(self) -> QSize:
        return QSize(140, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self._look.theme
        painter.setFont(fonts.font("caption mono"))
        best = max((value for _, value in self.rows), default=0.0)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        names = (fonts.measure(name, "caption mono") for name, _ in self.rows)
        room = min(float(NAME), max(names, default=0.0))
        for place, (name, value) in enumerate(self.rows):
            top, leading = place * STEP, self._shares and value == best
            painter.setPen(QColor(theme.text if leading else theme.text2))
            text = fonts.metrics("caption mono").elidedText(name, Qt.TextElideMode.ElideRight, NAME)
            painter.drawText(QRectF(0, top, room + 1, STEP), right, text)
            number = QRectF(self.width() - NUMBER, top, NUMBER, STEP)
            if self._shares:
                bar = QRectF(room + 8, top + 6, number.x() - room - 8, STEP - 12)
                painter.fillRect(bar, QColor(mix(theme.panel, theme.text3, 0.2)))
                bar.setWidth(bar.width() * min(max(value, 0.0), 1.0))
                painter.fillRect(bar, QColor(theme.accent if leading else theme.text3))
            label = f"{value * 100:.1f} %" if self._shares else f"{value:.5g}"
            painter.drawText(number, right, label)


def rows_of(output: Output) -> list[tuple[str, float]]:
    """(name, value) of each number of the first sample, of many classes the likeliest first; a
    sigmoid gives both classes.
    """
    values = np.asarray(output.values[0], np.float64).reshape(-1)
    if output.kind == "sigmoid" and len(values) == 1:
        values = np.array([1 - values[0], values[0]])
    names = output.class_names
    if output.kind == "numbers":
        return [(output.name.rpartition("/")[2], float(v)) for v in values]
    shown = np.arange(len(values))
    if len(values) > MOST_BARS:
        shown = np.argsort(-values, kind="stable")[:FIRST]
    return [(names[k] if k < len(names) else str(k), float(values[k])) for k in shown.tolist()]
