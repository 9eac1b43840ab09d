"""The curves dock: losses and metrics of the run, over those of the run before it."""

from __future__ import annotations

import io
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, Qt
from PySide6.QtGui import QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFileDialog,
    QMenu,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from graph.files import replace_files
from gui.app import App
from gui.canvas.drawing import colour
from gui.docks.curves_menu import CurvesOptions
from gui.docks.curves_run import HELD_OUT, LOSSES, RunLines, bad_steps, groups, write_csv
from gui.docks.page import Page
from gui.docks.plot import Plot
from gui.docks.plot_legend import Entry, Legend
from gui.docks.plot_lines import Line
from gui.docks.plot_scale import tick_text, value_text
from gui.run.board import Curves, short_name
from gui.training.text import caption
from gui.widgets.basics import Segments

EMPTY = "Press Run: losses and metrics are drawn here while the net learns."
NO_DOCUMENT = "Open a graph and train it to see its curves."
PREVIOUS = "run before"
AROUND = 28  # px of width that no words have
MOST_RUNS = 6  # that are kept ready to be drawn


class CurvesPage(Page):
    """Raw and smoothed losses, held-out metrics, and the previous run as a ghost."""

    title = "Curves"
    id = "curves"

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.plot = Plot(app.look, "Curves of the run")
        self.legend = Legend(app.look, self.plot)
        self.groups = Segments("Metric")
        self.options = CurvesOptions(self)
        self._runs: list[RunLines] = []
        self._wanted = ""  # the group that somebody chose
        self._build()
        self.options.changed.connect(self.rebuild)
        self.options.smoothing_changed.connect(self._smooth)
        self.groups.currentChanged.connect(self._group_changed)

    def _build(self) -> None:
        self._head = head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        head.setSpacing(8)
        head.addWidget(self.legend, 1)
        head.addWidget(self.groups, 0, Qt.AlignmentFlag.AlignLeft)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 6, 8, 6)
        box.setSpacing(2)
        box.addLayout(head)
        box.addWidget(self.plot, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._share()

    def _share(self) -> None:
        """The legend has a line of its own where it would lose words beside the metrics."""
        way, beside = QBoxLayout.Direction, self.groups.count() > 1
        wanted = self.legend.room() + self.groups.sizeHint().width() * beside
        narrow = wanted > self.width() - AROUND
        self._head.setDirection(way.TopToBottom if narrow else way.LeftToRight)
        self._head.setSpacing(2 if narrow else 8)

    # What is shown

    @property
    def group(self) -> str:
        """The metric that is shown: "loss", "accuracy" …"""
        return str(self.groups.tabData(self.groups.currentIndex()) or "loss")

    @property
    def current(self) -> RunLines:
        """The present run of the document."""
        return self._of(self.app.trainer.board_of(self.document).curves)

    @property
    def others(self) -> list[RunLines]:
        """The runs it is compared with: those chosen among the recorded, else the one before it."""
        board = self.app.trainer.board_of(self.document)
        if board.chosen:
            found = [run for run in board.chosen if run.run != board.curves.run]
            return [self._of(run) for run in found]
        wanted = board.previous is not None and self.options.before.isChecked()
        return [self._of(board.previous)] if wanted and board.previous is not None else []

    def _of(self, curves: Curves) -> RunLines:
        for known in self._runs:
            if known.curves is curves:
                return known
        made = RunLines(curves, self.options.smoothing)
        self._runs = [*self._runs[-MOST_RUNS:], made]
        return made

    def rebuild(self) -> None:
        unit, steps = self._unit()
        self.plot.lower.tell(unit, tick_text, 1 / steps)
        self._scale()
        self.refresh()

    def _scale(self) -> None:
        """The axis of values fits what is shown."""
        percent = "accuracy" in self.group
        self.plot.left.tell("", _percent if percent else tick_text)
        self.plot.value_text = _percent_value if percent else value_text
        self.plot.log = self.options.log.isChecked() and self.group in ("loss", LOSSES)

    def refresh(self) -> None:
        board = self.app.trainer.board_of(self.document)
        current, others = self.current, self.others
        known = len(current.curves.losses) or others
        self.plot.empty = "" if known else self.nothing_yet(EMPTY) if self.document else NO_DOCUMENT
        self.legend.setVisible(bool(known))
        current.follow()
        first = current if len(current.curves.losses) or not others else others[0]
        self._show_groups(groups(first.curves) if known else [])
        lines: list[Line] = []
        entries: list[Entry] = []
        theme, group, raw = self.app.look.theme, self.group, self.options.raw.isChecked()
        for place, other in enumerate(others, 1):
            other.follow()
            name, tint = _name(other.curves, current.curves), theme.runs[place % len(theme.runs)]
            ghost = [*other.lines(group, name, tint, theme, False, raw)]
            entries += [Entry(name, tint)] if ghost else []
            lines = ghost + lines  # the first chosen lies above the others
        if len(current.curves.losses):
            name = short_name(current.curves.run) or "this run"
            own = [*current.lines(group, name, theme.runs[0], theme, True, raw)]
            tints = {line.name: line.colour for line in own}  # the last of a name is the boldest
            entries = [*(Entry(name, tint) for name, tint in tints.items()), *entries]
            lines += own
        if any(line.dashed for line in lines):
            entries.append(Entry(HELD_OUT, theme.text3, True))
        if tuple(entries) != self.legend.entries:
            self.legend.show_entries(entries)
            self._share()
        self.plot.marks = self._marks(current.curves)
        length = max([board.steps, current.length, *(other.length for other in others)])
        self.plot.show_lines(lines, float(length))

    def _marks(self, curves: Curves) -> list[tuple[float, str]]:
        board = self.app.trainer.board_of(self.document)
        marks = list(bad_steps(curves))
        if board.state == "failed" and board.failed_at:
            marks.append((float(board.step + 1), f"not finite at {board.failed_at}"))
        return marks

    def _unit(self) -> tuple[str, float]:
        started = self.app.trainer.board_of(self.document).started
        if self.options.epochs.isChecked() and started is not None:
            return "epoch", float(started.steps_per_epoch)
        return "iteration", 1.0

    def _show_groups(self, names: list[str]) -> None:
        known = [str(self.groups.tabData(place)) for place in range(self.groups.count())]
        if known == names:
            return
        chosen = self._wanted or LOSSES  # the sum of several nets' losses says little of each
        self.groups.blockSignals(True)
        while self.groups.count():
            self.groups.removeTab(0)
        for place, name in enumerate(names):
            self.groups.addTab(caption(name))
            self.groups.setTabData(place, name)
        self.groups.setCurrentIndex(names.index(chosen) if chosen in names else 0)
        self.groups.blockSignals(False)
        self.groups.setVisible(len(names) > 1)
        self._scale()

    def _group_changed(self, place: int) -> None:
        self._wanted = self.group
        self.plot.show_all()
        self.rebuild()

    # Options

    def fill_menu(self, menu: QMenu) -> None:
        self.options.fill(menu)

    def _smooth(self, weight: float) -> None:
        for run in self._runs:
            run.smoothed(weight)
        self.rebuild()

    def export_csv(self, path: Path) -> None:
        """Write the run's numbers. Raises OSError."""
        text = io.StringIO(newline="")
        write_csv(self.current, text)
        replace_files({path: text.getvalue().encode()})

    def export_picture(self, path: Path) -> None:
        """Write legend and plot as a PNG at twice their size. Raises OSError."""
        plot, above = self.plot.picture(2.0), self.legend.height()
        made = QPixmap(plot.width(), plot.height() + 2 * above)
        made.setDevicePixelRatio(2.0)
        made.fill(colour(self.app.look.theme.panel))
        painter = QPainter(made)
        flags = QWidget.RenderFlag.DrawChildren
        self.legend.render(painter, QPoint(8, 0), renderFlags=flags)
        painter.drawPixmap(0, above, plot)
        painter.end()
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        made.save(buffer, "PNG")
        replace_files({path: bytes(data.data())})

    def ask_export(self, kind: str) -> None:
        """Ask for a place and write there: kind "png" or "csv"."""
        title = {"png": "Export picture", "csv": "Export numbers"}[kind]
        start = f"{self.current.curves.run or 'curves'}.{kind}"
        chosen, _ = QFileDialog.getSaveFileName(self, title, start, f"*.{kind}")
        if not chosen:
            return
        try:
            (self.export_csv if kind == "csv" else self.export_picture)(Path(chosen))
        except OSError as error:
            why = error.strerror or str(error)
            QMessageBox.warning(self, title, f"{Path(chosen).name} could not be written: {why}.")


def _name(before: Curves, now: Curves) -> str:
    name = short_name(before.run)
    return name if name and name != short_name(now.run) else PREVIOUS


def _percent(value: float) -> str:
    return f"{tick_text(100 * value)} %"


def _percent_value(value: float) -> str:
    return f"{100 * value:.1f} %"
