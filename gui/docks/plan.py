"""The plan of a graph: what each node and each step of the engine takes, foretold and measured."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtGui import QColor, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QComboBox,
    QHeaderView,
    QLabel,
    QMenu,
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
from gui.docks.page import NARROW, Page
from gui.docks.plan_rows import (
    AGAIN,
    KERNEL,
    SHAPES,
    SHARE,
    SORT,
    Index,
    PlanModel,
    by_node,
    duration,
    quantity,
    total,
)
from gui.theme import Theme, mix
from gui.widgets.basics import Elided, Segments

WIDTHS = (48, 104, 96, 64, 66, 48, 100, 54, 54)  # nodes have what the others leave
ROW = 24
STEP, NODE = 0, 1
NO_GRAPH = "Open a graph: what its steps cost is shown here."
WRONG = "What each node costs is shown here once the graph has no errors."
SOON = "What each node costs is being worked out."
ASKED = "What each node costs comes in a moment."
UNMEASURED = "What each node costs is shown here once this machine has been measured."


class PlanPage(Page):
    """A table that sorts by any column; a click selects the node on the canvas.

    Before a run the times are predicted, after it measured beside that.
    """

    title = "Profile"
    id = "plan"

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.lines: tuple[PlanStep, ...] = ()
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
        self.entry.activated.connect(lambda _: self._ask())
        self.rows = Segments("Rows")
        for name in ("Nodes", "Steps"):
            self.rows.addTab(name)
        self.rows.currentChanged.connect(lambda _: self._fill())
        self.total = Elided("small")
        self.empty = QLabel(NO_GRAPH)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setContentsMargins(24, 0, 24, 0)
        self.empty.setProperty("tone", "tertiary")
        self._lay_out()
        app.forecasts.changed.connect(self._renew)

    def _lay_out(self) -> None:
        self._head = head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        head.setContentsMargins(12, 6, 12, 6)
        head.setSpacing(6)
        head.addWidget(self.entry)
        head.addStretch(1)
        head.addWidget(self.rows, 0, Qt.AlignmentFlag.AlignLeft)
        self.total.setContentsMargins(12, 0, 12, 4)
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.total)
        column.addWidget(self.table)
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self.empty)
        self.stack.addWidget(full)

    def resizeEvent(self, event: QResizeEvent) -> None:
        way, narrow = QBoxLayout.Direction, self.width() < NARROW
        self._head.setDirection(way.TopToBottom if narrow else way.LeftToRight)
        self.total.setVisible(not narrow)

    def rebuild(self) -> None:
        self.bar.theme = self.app.look.theme
        self._ask()

    def fill_menu(self, menu: QMenu) -> None:
        again = menu.addAction("Measure again", lambda: self._ask(profile=True))
        again.setEnabled(self._has_run())

    def _has_run(self) -> bool:
        return self.document is not None and self.app.trainer.is_of(self.document)

    def _ask(self, profile: bool = False) -> None:
        """Show the plan of the run, measured while it does not train, else the forecast."""
        if not self._has_run():
            self._foretell()
            return
        idle = self.app.trainer.board.state in ("finished", "stopped", "paused")
        question = PlanTable(self.entry.currentText(), profile or idle)
        if not self.app.trainer.ask(self, question, self._answered):
            self._foretell()
        elif not self.lines:
            self._show_nothing(ASKED)

    def _foretell(self) -> None:
        found = self.app.forecasts.of(self.document)
        chosen = self.entry.currentText()
        tables = {table.entry: table for table in found.tables}
        if tables:
            self._show(tables.get(chosen) or found.tables[0])
        elif self.document is None:
            self._show_nothing(NO_GRAPH)
        elif self.document.refusal is not None:
            self._show_nothing(WRONG)
        else:
            self._show_nothing(found.why or (UNMEASURED if found.unmeasured else SOON))

    def _answered(self, answer: Answer) -> None:
        if isinstance(answer, Unanswered):
            self._show_nothing(answer.message)
        elif isinstance(answer, PlanLines):
            self._show(answer)

    def _show_nothing(self, message: str) -> None:
        self.empty.setText(message)
        self.lines = ()
        self.model.put(())
        self.stack.setCurrentIndex(0)

    def _show(self, answer: PlanLines) -> None:
        names = [self.entry.itemText(k) for k in range(self.entry.count())]
        if names != list(answer.entries):
            self.entry.clear()
            self.entry.addItems(answer.entries)
        self.entry.setCurrentText(answer.entry)
        self.lines = answer.lines
        self._fill()
        times = {
            "predicted": total(line.predicted for line in answer.lines),
            "measured": total(line.seconds for line in answer.lines),
        }
        told = [f"{duration(time)} {what}" for what, time in times.items() if time is not None]
        parts = [", ".join(told)] if told else []
        parts.append(f"{len(answer.lines)} steps")
        if anew := sum(bool(line.again) for line in answer.lines):
            parts.append(f"{AGAIN} {anew} recompute for the memory budget")
        parts.append(f"{quantity(sum(line.flops for line in answer.lines))}FLOPs")
        parts.append(f"batch {answer.batch}")
        self.total.show_text(" · ".join(parts))
        self.stack.setCurrentIndex(1)

    def _fill(self) -> None:
        nodes = self.rows.currentIndex() == 0
        for column in (STEP, KERNEL, SHAPES):
            self.table.setColumnHidden(column, nodes)
        self.table.horizontalHeader().setSectionResizeMode(
            NODE, QHeaderView.ResizeMode.Stretch if nodes else QHeaderView.ResizeMode.Interactive
        )
        self.model.put(by_node(self.lines) if nodes else self.lines)

    def _select(self, index: QModelIndex) -> None:
        step = self.model.steps[self.sorted.mapToSource(index).row()]
        path = step.path.partition(".")[0]
        if path and self.document is not None:
            first = path.split("/")[0]
            self.app.desk.jump(first if first in self.document.graph else path)


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
    table.setTextElideMode(Qt.TextElideMode.ElideLeft)  # paths differ at their ends
    table.setFont(fonts.font("caption mono"))
    table.setAccessibleName("Plan")
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setMinimumSectionSize(min(WIDTHS))
    for column, width in enumerate(WIDTHS):
        header.resizeSection(column, width)
    return table
