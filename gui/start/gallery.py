"""The start screen: examples as cards, ways to begin, and what was open last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

import resources
from gui import fonts
from gui.app import App
from gui.canvas.paint_canvas import Scene
from gui.file_actions import SUFFIXES
from gui.look import Look
from gui.start.begin import DropArea, Hints
from gui.start.cards import LARGE, PICTURE, Card, examples
from gui.start.recent import Recent, RecentList
from gui.start.sidebar import Sidebar
from gui.training.text import caption, metric
from gui.widgets.basics import Button, label
from gui.widgets.tips import tip_lines

if TYPE_CHECKING:
    from gui.run.last_runs import LastRun
    from gui.session import RecentFile

GAP, SIDE, COLUMN = 16, 40, 284
MOST = 1568  # px; a wider page has wider margins
KINDS = {
    "images": ("Images", "image"),
    "sequences": ("Sequences", "recurrent"),
    "tables": ("Tables", "table"),
    "points": ("Points", "scatter"),
}


class Gallery(QWidget):
    """Signals tell what was asked for; the window does it."""

    new_asked = Signal()
    open_asked = Signal()
    data_asked = Signal()

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app
        self._recent: Sequence[RecentFile] = ()
        self._runs: dict[Path, LastRun] = {}
        self._workspace: Path | None = None
        self._drawn: dict[str, tuple[Scene, int]] = {}
        self.setAccessibleName("Start")
        self.cards = [Card(app.look, example, self) for example in examples()]
        for card in self.cards:
            card.clicked.connect(partial(app.desk.open_example, card.example.name))
        self.files = RecentList(app.look)
        self.drop = DropArea(app.look, SUFFIXES)
        self.drop.clicked.connect(self.open_asked)
        self.hints = Hints(app)
        self.sidebar = Sidebar(app.look)
        self.sidebar.chosen.connect(self._filter)
        self._idle = QTimer(self, singleShot=True, interval=0)
        self._idle.timeout.connect(self._draw_next)
        self._look_up = QTimer(self, singleShot=True, interval=0)
        self._look_up.timeout.connect(self._find_runs)
        self._columns, self._kind, self._begun = 0, "", False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addWidget(self._main(), 1)
        app.look.changed.connect(self._redraw_soon)
        self.show_recent(())

    def show_recent(self, files: Sequence[RecentFile]) -> None:
        """Show what was open last; what their last runs reached follows when nothing is to do."""
        self._recent = files
        self._fill()
        self._go_on()

    def _fill(self) -> None:
        found = [_row(file, self._runs.get(Path(file.path))) for file in self._recent]
        self.files.show_files(found)
        kinds = Counter(card.example.kind for card in self.cards)
        rows = [("", "Start", "home", 0)]
        if found:
            rows.append(("recent", "Recent", "clock", len(found)))
        rows += [(kind, *KINDS[kind], kinds[kind]) for kind in KINDS if kinds[kind]]
        self.sidebar.show_rows(rows)

    def begin(self, workspace: Path | None) -> None:
        """The window has been painted: while it is seen draw the pictures, one in each idle moment,
        and look up the last runs of recent files.
        """
        self._begun, self._workspace = True, workspace
        self._go_on()

    def _go_on(self) -> None:
        self._redraw_soon()
        if self._begun and self.isVisible():
            self._look_up.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._go_on()

    def _find_runs(self) -> None:
        if not self._recent:
            return
        from gui.run.last_runs import last_runs

        self._runs = last_runs([Path(file.path) for file in self._recent], self._workspace)
        self._fill()

    # Building

    def _main(self) -> QWidget:
        page = _Ground(self._app.look)
        self._page = QVBoxLayout(page)
        column = self._page
        column.setSpacing(0)
        column.addLayout(self._head())
        column.addSpacing(28)
        count = f"{len(self.cards)}, every one trained and measured on this version"
        column.addLayout(_heading("Examples", count))
        column.addSpacing(16)
        self._grid = QGridLayout()
        self._grid.setSpacing(GAP)
        column.addLayout(self._grid)
        column.addSpacing(32)
        below = QHBoxLayout()
        below.setSpacing(GAP)
        below.addLayout(_titled("Recent", self.files), 1)
        self._own = QWidget()
        self._own.setLayout(_titled("Your own", self.drop))
        below.addWidget(self._own)
        column.addLayout(below)
        column.addSpacing(32)
        column.addLayout(_titled("Keys worth knowing", self.hints))
        column.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(page)
        self._scroll = scroll
        return scroll

    def _head(self) -> QHBoxLayout:
        words = QVBoxLayout()
        words.setSpacing(6)
        title = label("What do you want to build?")
        title.setFont(fonts.font("display"))
        words.addWidget(title)
        words.addWidget(
            label("Open an example and press Run, or begin with an empty canvas.", "secondary")
        )
        look = self._app.look
        self.open_button = Button(look, "Open file", "folder")
        tip = "Open a graph, a table or a picture with a graph inside  Ctrl+O"
        self.open_button.setToolTip(tip_lines(tip))
        self.data_button = Button(look, "Begin with data", "data")
        self.new_button = Button(look, "Empty canvas", "plus", "accent")
        pairs = (
            (self.open_button, self.open_asked),
            (self.data_button, self.data_asked),
            (self.new_button, self.new_asked),
        )
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addLayout(words, 1)
        for button, signal in pairs:
            button.setProperty("large", True)
            button.clicked.connect(signal)
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        return row

    # Pictures

    def _draw_next(self) -> None:
        card = next((card for card in self.cards if not card.drawn), None)
        if card is None or not self.isVisible():
            return
        from graph.files import load
        from graph.shapes import Shapes
        from gui.render import placed
        from gui.sheet import canvas_view
        from gui.start.thumbnail import previews, thumbnail

        name = card.example.name
        if name not in self._drawn:
            graph = load(resources.example_path(name))
            shapes = Shapes(graph)
            drawing, _ = placed(canvas_view(graph, previews(graph, shapes, card.example.losses)))
            self._drawn[name] = drawing, shapes.weight_count
        drawing, parameters = self._drawn[name]
        ratio = self.devicePixelRatioF()
        theme = self._app.look.theme
        card.show_picture(thumbnail(drawing, theme, card.width(), card.high, ratio), parameters)
        self._idle.start()

    # Arranging

    def _filter(self, kind: str) -> None:
        """Show the examples of one kind, all with ""."""
        if kind == "recent":
            self._scroll.ensureWidgetVisible(self.files)
            self.files.setFocus()
            return
        self._kind = kind
        self._arrange(force=True)
        self._redraw_soon()

    def _shown(self) -> list[Card]:
        return [card for card in self.cards if self._kind in ("", card.example.kind)]

    def _arrange(self, force: bool = False) -> None:
        shown, whole = self._shown(), self.width() - self.sidebar.width()
        side = max(SIDE, (whole - MOST) // 2)
        self._page.setContentsMargins(side, 32, side, 32)
        width = whole - 2 * side
        columns = max(1, min(4, (width + GAP) // (COLUMN + GAP)))
        if columns == 3 and len(shown) % 3 == 1:
            columns = 2  # none stands alone
        self._own.setFixedWidth((width - GAP * (columns - 1)) // columns)
        self._own.setVisible(columns > 1)
        self.hints.arrange(columns)
        if columns == self._columns and not force:
            return
        self._columns = columns
        for card in self.cards:
            card.grow(LARGE if len(shown) <= columns else PICTURE)
        for card in self.cards:
            self._grid.removeWidget(card)
            card.setVisible(card in shown)
        for index, card in enumerate(shown):
            self._grid.addWidget(card, index // columns, index % columns)
        for column in range(4):
            self._grid.setColumnStretch(column, int(column < columns))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
        self._redraw_soon()

    def _redraw_soon(self) -> None:
        if self._begun and self.isVisible():
            self._idle.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk over the cards."""
        shown = self._shown()
        here = next((i for i, card in enumerate(shown) if card.hasFocus()), -1)
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self._columns,
            Qt.Key.Key_Down: self._columns,
        }
        step = steps.get(Qt.Key(event.key()))
        if here < 0 or step is None:
            super().keyPressEvent(event)
        elif 0 <= here + step < len(shown):
            shown[here + step].setFocus(Qt.FocusReason.TabFocusReason)
            self._scroll.ensureWidgetVisible(shown[here + step])


def _row(file: RecentFile, run: LastRun | None) -> Recent:
    """A recent file with its last run in words: "digits-cnn-27 · 97.5 % val accuracy"."""
    path = Path(file.path)
    if run is None:
        return Recent(path, file.time)
    metrics = dict(run.metrics)
    best = next((n for n in ("val_accuracy", "accuracy", "val_loss", "loss") if n in metrics), "")
    words = run.name
    if best:
        words += f" · {metric(best, metrics[best])} {caption(best).lower()}"
    return Recent(path, file.time, words, run.losses)


def _heading(title: str, note: str = "") -> QHBoxLayout:
    """A title, and a few words behind it."""
    line = QHBoxLayout()
    line.setSpacing(8)
    head = label(title)
    head.setFont(fonts.font("panel title"))
    line.addWidget(head)
    line.addWidget(label(note, "tertiary"))
    line.addStretch()
    return line


def _titled(title: str, part: QWidget) -> QVBoxLayout:
    """A part below its title."""
    column = QVBoxLayout()
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(12)
    column.addLayout(_heading(title))
    column.addWidget(part)
    return column


class _Ground(QWidget):
    """The page under the cards, in the colour of the canvas."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        look.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._look.theme.canvas))
        painter.end()
