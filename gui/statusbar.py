"""The bar at the bottom: problems, the size of the graph, what training it will cost, the run."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from PySide6.QtCore import QTimer, Signal, SignalInstance
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStatusBar, QWidget

from graph.checks import Problem
from gui import cost_text
from gui.app import App
from gui.document import Document, DocumentChange
from gui.look import icon_pixmap
from gui.theme import tokens
from gui.widgets.basics import Elided, label

SETTLE = 120  # ms without an edit before the graph is counted again
UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


class StatusBar(QStatusBar):
    """`problems_asked`: the problems were clicked; `zoom_asked`: the zoom was."""

    problems_asked = Signal()
    zoom_asked = Signal()

    def __init__(self, app: App, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self.idle = self.version = ""  # what the bar says while no document is shown
        self._saved: dict[Document, datetime] = {}
        self.setSizeGripEnabled(False)
        self.setFixedHeight(tokens()["size"]["window"]["status"])
        self._badge = QLabel()
        self.problems = _flat("Show the problems", self.problems_asked)
        self.counts = [label("", "secondary"), label("", "secondary")]
        self.figures = [label("", "mono secondary") for _ in range(3)]
        self.forecast = Elided("mono secondary")
        self.aside = label("", "tertiary")
        self.run, self.saved = label("", "tertiary"), label("", "tertiary")
        self.zoom = _flat("Zoom to 100 %", self.zoom_asked)
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(11, 0, 11, 0)
        layout.setSpacing(20)
        first = QHBoxLayout()
        first.setSpacing(6)
        first.addWidget(self._badge)
        first.addWidget(self.problems)
        layout.addLayout(first)
        for widget in (*self.counts, *self.figures):
            layout.addWidget(widget)
        layout.addWidget(self.forecast, 1)
        layout.addWidget(self.aside)
        layout.addWidget(self.run)
        layout.addWidget(self.saved)
        layout.addWidget(self.zoom)
        self.addWidget(row, 1)
        self._soon = QTimer(self, singleShot=True, interval=SETTLE)
        self._soon.timeout.connect(self.refresh)
        app.desk.current_changed.connect(self.refresh)
        app.desk.changed.connect(self._changed)
        app.desk.renamed.connect(self._renamed)
        app.desk.closed.connect(lambda document: self._saved.pop(document, None))
        app.trainer.changed.connect(self.refresh)
        app.forecasts.changed.connect(self.refresh)
        app.look.changed.connect(self.refresh)
        self.refresh()

    def show_zoom(self, zoom: float | None) -> None:
        """Show the zoom of the canvas; None: there is no canvas."""
        self.zoom.setText("" if zoom is None else f"{zoom:.0%}".replace("%", " %"))
        self.zoom.setVisible(zoom is not None)

    def whisper(self, words: str) -> None:
        """Say what goes on beside the work; "" says nothing."""
        self.aside.setText(words)
        self.aside.setVisible(bool(words))

    def refresh(self) -> None:
        """Show the current document as it is now."""
        document = self._app.desk.current
        theme = self._app.look.theme
        lines = [*self.counts, *self.figures, self.run, self.saved]
        for widget in lines:
            widget.setText("")
        if document is None:
            self._badge.setPixmap(self._icon("cpu", theme.text2))
            self.problems.setText(self.idle)
            self.run.setText(self.version)
        else:
            name, colour, text = problem_summary(document.problems)
            self._badge.setPixmap(self._icon(name, getattr(theme, colour)))
            self.problems.setText(text)
            self._count(document)
        for widget in lines:
            widget.setVisible(bool(widget.text()))
        self._foretell(document)

    def _foretell(self, document: Document | None) -> None:
        costs = self._app.forecasts.costs(document)
        if document is None or costs is None:
            self.forecast.show_text("")
            return
        speed = self._app.trainer.board_of(document).samples_per_second
        measured = costs.batch / speed if speed > 0 else None
        self.forecast.show_text(
            cost_text.line(costs), cost_text.tip(costs, document.graph, measured)
        )

    def _count(self, document: Document) -> None:
        graph, shapes = document.graph, document.shapes
        self.counts[0].setText(_plural(len(graph), "node"))
        self.counts[1].setText(_plural(len(graph.wires()), "wire"))
        if shapes.weight_count:
            self.figures[0].setText(_plural(shapes.weight_count, "parameter"))
        if flops := shapes.flops():
            self.figures[1].setText(f"{scaled(flops)}FLOPs / sample")
        if memory := self._app.trainer.memory(document):
            self.figures[2].setText(f"arena {scaled(memory)}B")
        board = self._app.trainer.board_of(document)
        if board.curves.run:
            self.run.setText(f"Recorded as {board.curves.run}")
        else:
            self.run.setText("Not run yet")
        at = self._saved.get(document)
        if at is not None and document.history.clean:
            self.saved.setText(f"Saved {at:%H:%M}")
        elif not document.history.clean:
            self.saved.setText("Unsaved changes")

    def _icon(self, name: str, colour: str) -> QPixmap:
        return icon_pixmap(name, colour, 14, self.devicePixelRatioF())

    def _changed(self, document: Document, change: DocumentChange) -> None:
        told = change.view or change.moved or change.problems
        if document is self._app.desk.current and told:
            self._soon.start()

    def _renamed(self, document: Document) -> None:
        self._saved[document] = datetime.now()
        self.refresh()


def problem_summary(problems: tuple[Problem, ...]) -> tuple[str, str, str]:
    """Icon, colour and words for a document's problems: "1 error, 2 warnings"."""
    counts = Counter(problem.severity for problem in problems)
    if not problems:
        return "check", "success", "No problems"
    words = [_plural(n, kind) for kind in ("error", "warning") if (n := counts[kind])]
    return "warning", "error" if counts["error"] else "warn", ", ".join(words)


def scaled(value: float) -> str:
    """A large number with its unit's letter: 4.3 M."""
    for size, letter in UNITS:
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.0f} "


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def _flat(name: str, signal: SignalInstance) -> QPushButton:
    made = QPushButton()
    made.setProperty("kind", "text")
    made.setAccessibleName(name)
    made.setToolTip(name)
    made.clicked.connect(lambda: signal.emit())
    return made
