"""The plan of the run: every step the engine takes, for which node, and how long it takes."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedLayout,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from compute.backend import PlanStep
from compute.questions import Answer, PlanLines, PlanTable, Unanswered
from gui import fonts
from gui.app import App
from gui.docks.page import Page
from gui.theme import Theme, mix
from gui.widgets.basics import Elided

COLUMNS = (
    *("Step", "Node", "Kernel", "Predicted", "Measured", "Share"),
    *("Shapes", "Bytes", "FLOPs"),
)
WIDTHS = (40, 82, 96, 76, 74, 64, 100, 60, 60)
NUMBERS = frozenset({0, 3, 4, 5, 7, 8})
KERNEL, SHARE, SHAPES = 2, 5, 6
AGAIN = "↻"  # before the kernel of a step that recomputes what was not kept
SORT = Qt.ItemDataRole.UserRole
ROW = 24
Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()


class PlanPage(Page):
    """A table that sorts by any column; a click selects the node on the canvas."""

    title = "Profile"
    id = "plan"

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.model = PlanModel()
        self.sorted = QSortFilterProxyModel(self)
        self.sorted.setSourceModel(self.model)
        self.sorted.setSortRole(SORT)
        self.table = _table(self.sorted)
        self.table.clicked.connect(self._select)
        self.table.activated.connect(self._select)
        self.bar = _ShareBar(self.table)
        self.table.setItemDelegateForColumn(SHARE, self.bar)
        self.entry = QComboBox()
        self.entry.setAccessibleName("Part of the plan")
        self.entry.activated.connect(lambda _: self._ask(profile=False))
        self.total = Elided("tertiary")
        self.measure = QPushButton("Measure")
        self.measure.setProperty("kind", "quiet")
        self.measure.setToolTip("Run one step on one thread and time each row")
        self.measure.clicked.connect(lambda: self._ask(profile=True))
        self.empty = QLabel("The plan is shown once the graph has run.")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setContentsMargins(24, 0, 24, 0)
        self.empty.setProperty("tone", "tertiary")
        self._lay_out()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(12, 6, 12, 6)
        head.setSpacing(8)
        head.addWidget(self.entry)
        head.addWidget(self.total, 1)
        head.addWidget(self.measure)
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.table)
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self.empty)
        self.stack.addWidget(full)

    def rebuild(self) -> None:
        theme = self.app.look.theme
        self.bar.theme = theme
        self._ask(profile=False)

    def _ask(self, profile: bool) -> None:
        if self.document is None or self.app.trainer.document is not self.document:
            self._show_nothing("The plan is shown once the graph has run.")
            return
        question = PlanTable(self.entry.currentText(), profile)
        self.app.trainer.ask(self, question, self._answered)

    def _answered(self, answer: Answer) -> None:
        if isinstance(answer, Unanswered):
            self._show_nothing(answer.message)
        elif isinstance(answer, PlanLines):
            self._show(answer)

    def _show_nothing(self, message: str) -> None:
        self.empty.setText(message)
        self.model.put(())
        self.stack.setCurrentIndex(0)

    def _show(self, answer: PlanLines) -> None:
        names = [self.entry.itemText(k) for k in range(self.entry.count())]
        if names != list(answer.entries):
            self.entry.clear()
            self.entry.addItems(answer.entries)
        self.entry.setCurrentText(answer.entry)
        self.model.put(answer.lines)
        predicted = [line.predicted for line in answer.lines if line.predicted is not None]
        seconds = [line.seconds for line in answer.lines if line.seconds is not None]
        told = [f"predicted {duration(sum(predicted))}"] if predicted else []
        told += [f"measured {duration(sum(seconds))}"] if seconds else []
        parts = [f"{', '.join(told)} on one thread"] if told else []
        parts += [f"{len(answer.lines)} steps", f"batch {answer.batch}"]
        if anew := sum(bool(line.again) for line in answer.lines):
            parts.append(f"{AGAIN} {anew} recompute for the memory budget")
        parts.append(f"{quantity(sum(line.flops for line in answer.lines))}FLOPs")
        self.total.show_text(" · ".join(parts))
        self.stack.setCurrentIndex(1)

    def _select(self, index: QModelIndex) -> None:
        step = self.model.steps[self.sorted.mapToSource(index).row()]
        if step.path and self.document is not None:
            known = self.document.graph
            first = step.path.split("/")[0]
            self.app.desk.jump(first if first in known else step.path)


class PlanModel(QAbstractTableModel):
    """The rows of a plan."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: tuple[PlanStep, ...] = ()
        self._total = math.nan

    def put(self, steps: tuple[PlanStep, ...]) -> None:
        """Show these steps."""
        self.beginResetModel()
        self.steps = steps
        times = [_time(step) for step in steps]
        known = [seconds for seconds in times if seconds is not None]
        self._total = sum(known) if known else math.nan
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.steps)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, way: Qt.Orientation, role: int = 0) -> Any:
        if way == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        step, column = self.steps[index.row()], index.column()
        if role == SORT:
            return self._values(step)[column]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._texts(step)[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole and column == SHAPES:
            return ", ".join(step.shapes)
        if role == Qt.ItemDataRole.ToolTipRole and column == KERNEL and step.again:
            return f"{step.kernel}: {step.recomputed}, to keep within the memory budget"
        return None

    def _values(self, step: PlanStep) -> tuple[Any, ...]:
        predicted, seconds = (-1.0 if t is None else t for t in (step.predicted, step.seconds))
        shapes, time = ", ".join(step.shapes), _time(step) or 0.0
        share = time / self._total if self._total > 0 else 0.0
        return (step.index, step.path, step.kernel, predicted, seconds, share, shapes, step.bytes,
                step.flops)  # fmt: skip

    def _texts(self, step: PlanStep) -> tuple[str, ...]:
        times = ("–" if t is None else duration(t) for t in (step.predicted, step.seconds))
        kernel = f"{AGAIN} {step.kernel}" if step.again else step.kernel
        return (str(step.index), step.path or "–", kernel, *times, "", ", ".join(step.shapes),
                quantity(step.bytes), quantity(step.flops) if step.flops else "–")  # fmt: skip


def _time(step: PlanStep) -> float | None:
    """What the share is of: the measured time, before that the predicted one."""
    return step.predicted if step.seconds is None else step.seconds


class _ShareBar(QStyledItemDelegate):
    """A bar for the share of the whole time."""

    theme: Theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        share = float(index.data(SORT))
        if share > 0:
            room = option.rect.adjusted(8, 9, -8, -9)
            painter.fillRect(room, QColor(mix(self.theme.panel, self.theme.text3, 0.25)))
            room.setWidth(max(1, round(room.width() * share)))
            painter.fillRect(room, QColor(self.theme.accent))


def _table(model: QSortFilterProxyModel) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setSortingEnabled(True)
    table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    table.setFont(fonts.font("caption mono"))
    table.setAccessibleName("Plan")
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    for column, width in enumerate(WIDTHS):
        header.resizeSection(column, width)
    header.setSectionResizeMode(SHAPES, QHeaderView.ResizeMode.Stretch)
    return table


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def quantity(number: float) -> str:
    """A count with a prefix: 3.1 M, 512 k, 12."""
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {prefix}"
    return f"{number:.0f} "


def duration(seconds: float) -> str:
    """A time as people read it: 1.2 ms, 34 µs."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"
