"""The runs dock: what was recorded of a document, to be compared and to be gone on from."""

from __future__ import annotations

import math
from datetime import datetime
from functools import partial

from PySide6.QtCore import QItemSelectionModel, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QIcon,
    QPainter,
    QPixmap,
    QResizeEvent,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from compute.runs import RunError
from graph.files import loads
from graph.graph import Graph
from graph.validator import FileError
from gui import fonts
from gui.app import App
from gui.aside import Aside
from gui.docks.page import Page, in_the_middle
from gui.docks.plot_scale import value_text
from gui.docks.runs_changes import changes
from gui.document import DocumentChange
from gui.run.board import Curves, short_name
from gui.run.changes import snapshot
from gui.run.records import Run, curves_of, runs_of
from gui.training.text import caption
from gui.widgets.basics import label

EMPTY = "Press Run: every run of this graph is recorded, and listed here."
NO_DOCUMENT = "Open a graph to see its runs."
CHOOSE = "Choose runs to see their curves beside the present one, and what was set otherwise."
SAME = "Its graph and settings are those of now."
UNREADABLE = "Its graph is of another version of Netloom and cannot be read."
NO_WEIGHTS = "It ended before its weights were saved."
BESIDE = 560  # px of width from which what differs stands beside the list
MOST = 5  # runs that are shown at a time
DOT = 8  # px
RUN = Qt.ItemDataRole.UserRole
FIGURES = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
Found = tuple[tuple[Run, ...], str]  # runs, or why there are none


class RunsPage(Page):
    """One row a run, the newest first. Those selected are drawn in the curves dock.

    Enter or a double click shows that dock.
    """

    title = "Runs"
    id = "runs"

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.runs: tuple[Run, ...] = ()
        self._of: object = None  # the document they are of
        self._filling = False
        self._records, self._curves = Aside("runs", self), Aside("curves", self)
        self._differs = Aside("differences", self)
        for aside in (self._records, self._curves, self._differs):
            self.destroyed.connect(aside.close)
        self.model = QStandardItemModel(self)
        self.tree = QTreeView()
        self.tree.setModel(self.model)
        self.tree.setRootIsDecorated(False)
        self.tree.setIconSize(QSize(DOT, DOT))
        self.tree.setUniformRowHeights(True)
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.tree.setAccessibleName("Recorded runs")
        self.tree.header().setStretchLastSection(True)
        self.tree.header().setHighlightSections(False)
        self.tree.selectionModel().selectionChanged.connect(self._selected)
        self.tree.activated.connect(lambda _: self.open_asked.emit("curves"))
        self.told = label(CHOOSE, "secondary")
        self.told.setWordWrap(True)
        self.told.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.begin = QPushButton("Begin with its weights")
        self.begin.clicked.connect(self._begin)
        self._lay_out()

    def _lay_out(self) -> None:
        scroll = QScrollArea()
        scroll.setAccessibleName("What differs")
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.told)
        below = QVBoxLayout()
        below.setContentsMargins(12, 6, 12, 8)
        below.setSpacing(6)
        below.addWidget(scroll, 1)
        below.addWidget(self.begin, 0, Qt.AlignmentFlag.AlignLeft)
        full = QWidget()
        self._row = QBoxLayout(QBoxLayout.Direction.TopToBottom, full)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._row.addWidget(self.tree, 3)
        self._row.addLayout(below, 2)
        self._empty = in_the_middle(EMPTY)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(full)

    def resizeEvent(self, event: QResizeEvent) -> None:
        way = QBoxLayout.Direction
        wide = self.width() >= BESIDE
        self._row.setDirection(way.LeftToRight if wide else way.TopToBottom)

    # The list

    def rebuild(self) -> None:
        document = self.document
        if document is None:
            self._records.forget()
            self._show(((), NO_DOCUMENT))
            return
        options = self.app.trainer.run_options(document)

        def read() -> Found:
            try:
                return runs_of(options), ""
            except RunError as error:
                return (), str(error)

        self._records.ask(read, self._show)

    def edited(self, change: DocumentChange) -> None:
        if change.title:
            self._tell()

    def _show(self, found: Found) -> None:
        kept = {run.id for run in self.chosen} if self._of is self.document else set()
        kept |= {run.run for run in self.app.trainer.board_of(self.document).chosen}
        self.runs, why = found
        self._of = self.document
        self._empty.setText(why or self.nothing_yet(EMPTY))
        self._stack.setCurrentIndex(1 if self.runs else 0)
        self._filling = True
        self.model.clear()
        names = self._metrics()
        heads = ["Run", *(caption(name) for name in names), "Epochs", "State", "Begun"]
        self.model.setHorizontalHeaderLabels(heads)
        for column in range(1, len(names) + 2):
            self.model.horizontalHeaderItem(column).setTextAlignment(FIGURES)
        for run in self.runs:
            self.model.appendRow(self._items(run, names))
        flags = QItemSelectionModel.SelectionFlag
        for row, run in enumerate(self.runs):
            if run.id in kept:
                where = self.model.index(row, 0)
                self.tree.selectionModel().select(where, flags.Select | flags.Rows)
        self._filling = False
        self._mark()
        for column in range(self.model.columnCount()):  # the last has what is left besides
            self.tree.resizeColumnToContents(column)
        self._tell()

    def _metrics(self) -> list[str]:
        """The loss, and what else is measured: another loss only where there is nothing else."""
        names = {name.removeprefix("val_"): None for run in self.runs for name in run.metrics}
        others = [name for name in names if name != "loss" and not name.startswith("test_")]
        others.sort(key=lambda name: name.endswith("loss"))
        return ["loss", *others[:1]]

    def _items(self, run: Run, names: list[str]) -> list[QStandardItem]:
        values = [_figure(name, run.metric(name)) for name in names]
        texts = [short_name(run.id), *values, f"{run.epochs}", run.status]
        items = [QStandardItem(text) for text in [*texts, _when(run.created)]]
        for item in items[1 : len(values) + 2]:
            item.setFont(fonts.font("caption mono"))
            item.setTextAlignment(FIGURES)
        items[-1].setFont(fonts.font("caption mono"))
        items[0].setData(run.id, RUN)
        items[0].setToolTip(run.id)
        return items

    # What is chosen

    @property
    def chosen(self) -> list[Run]:
        """The runs that are selected, in the order of the list."""
        rows = {index.row() for index in self.tree.selectionModel().selectedIndexes()}
        return [run for row, run in enumerate(self.runs) if row in rows]

    def _selected(self) -> None:
        if self._filling or (document := self.document) is None:
            return
        board = self.app.trainer.board_of(document)
        known = {curves.run: curves for curves in board.chosen}
        wanted = [run.id for run in self.chosen if run.id != board.curves.run][:MOST]
        options = self.app.trainer.run_options(document)

        def read() -> list[Curves | None]:
            return [known.get(run) or curves_of(run, options) for run in wanted]

        def heard(found: list[Curves | None]) -> None:
            board.chosen = tuple(curves for curves in found if curves is not None)
            self.app.trainer.ticked.emit()
            self._mark()

        self._curves.ask(read, heard)
        self._tell()

    def _mark(self) -> None:
        """A dot before each run that is drawn, in the colour of its curves."""
        board, tints = self.app.trainer.board_of(self.document), self.app.look.theme.runs
        drawn = [run.run for run in board.chosen if run.run != board.curves.run]
        tint = {run: tints[place % len(tints)] for place, run in enumerate(drawn, 1)}
        if board.curves.run:
            tint[board.curves.run] = tints[0]
        for row, run in enumerate(self.runs):
            dot, icon = _dot(tint.get(run.id, ""), self.devicePixelRatioF()), QIcon()
            for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # Qt would tint what is selected
                icon.addPixmap(dot, mode)
            self.model.item(row, 0).setIcon(icon)

    def _tell(self) -> None:
        """What differs between the graph and the run that is chosen."""
        chosen, document = self.chosen, self.document
        one = chosen[0] if len(chosen) == 1 else None
        self.begin.setEnabled(one is not None and one.trained)
        self.begin.setToolTip(
            "A new run of the graph as it is now; layers of the same names begin with its weights"
            if one is None or one.trained
            else NO_WEIGHTS
        )
        if one is None or document is None:
            several = f"{len(chosen)} runs are drawn in Curves." if chosen else CHOOSE
            self._differs.forget()
            self.told.setText(several)
            return
        self._differs.ask(partial(_differences, one, snapshot(document.graph)), self.told.setText)

    def _begin(self) -> None:
        chosen, document = self.chosen, self.document
        if len(chosen) == 1 and document is not None:
            self.app.trainer.begin_with(document, chosen[0].id)


def _differences(run: Run, now: Graph) -> str:
    """What was set otherwise in a run; called on a thread."""
    try:
        found = changes(loads(run.graph), now)
    except FileError:
        return UNREADABLE
    lines = [f"{what}: {was} → {is_}" for what, was, is_ in found]
    return "\n".join([f"{short_name(run.id).capitalize()} → now", *lines]) if lines else SAME


def _when(seconds: float) -> str:
    """The time of a run of today, the day of an older one."""
    then = datetime.fromtimestamp(seconds)
    return f"{then:%H:%M}" if then.date() == datetime.now().date() else f"{then:%d %b}"


def _figure(name: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{100 * value:.1f} %" if "accuracy" in name else value_text(value)


def _dot(colour: str, ratio: float) -> QPixmap:
    """A round spot, or the room of one."""
    made = QPixmap(round(DOT * ratio), round(DOT * ratio))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    if colour:
        painter = QPainter(made)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawEllipse(0, 0, DOT, DOT)
        painter.end()
    return made
