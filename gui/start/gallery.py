"""The start screen: examples as cards, ways to begin, and what was open last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
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
from gui.look import Look
from gui.start.cards import PICTURE, Card, examples
from gui.start.recent import Recent, RecentList
from gui.start.sidebar import Sidebar
from gui.training.text import caption, metric
from gui.widgets.basics import Button, label

if TYPE_CHECKING:
    from gui.run.last_runs import LastRun
    from gui.session import RecentFile

GAP, SIDE, COLUMN = 16, 40, 260
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
        app.look.changed.connect(self._redraw)
        self.show_recent(())

    def show_recent(self, files: Sequence[RecentFile]) -> None:
        """Show what was open last; what their last runs reached follows when nothing is to do."""
        self._recent = files
        self._fill()
        if self._begun:
            self._look_up.start()

    def _fill(self) -> None:
        found = [_row(file, self._runs.get(Path(file.path))) for file in self._recent]
        self.files.show_files(found)
        for widget in (self.files, self._recent_title):
            widget.setVisible(bool(found))
        kinds = Counter(card.example.kind for card in self.cards)
        rows = [("", "Start", "home", 0)]
        if found:
            rows.append(("recent", "Recent", "clock", len(found)))
        rows += [(kind, *KINDS[kind], kinds[kind]) for kind in KINDS if kinds[kind]]
        self.sidebar.show_rows(rows)

    def begin(self, workspace: Path | None) -> None:
        """The window has been painted: draw the pictures, one in each idle moment, and look up
        the last runs of recent files.
        """
        self._begun, self._workspace = True, workspace
        self._idle.start()
        self._look_up.start()

    def _find_runs(self) -> None:
        if not self._recent:
            return
        from gui.run.last_runs import last_runs

        self._runs = last_runs([Path(file.path) for file in self._recent], self._workspace)
        self._fill()

    # Building

    def _main(self) -> QWidget:
        page = _Ground(self._app.look)
        column = QVBoxLayout(page)
        column.setContentsMargins(SIDE, 32, SIDE, 32)
        column.setSpacing(0)
        column.addLayout(self._head())
        column.addSpacing(28)
        self._examples_title = label("Examples")
        self._examples_title.setFont(fonts.font("panel title"))
        count = label(f"{len(self.cards)}, every one trained and measured on this version")
        count.setProperty("tone", "tertiary")
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._examples_title)
        line.addWidget(count)
        line.addStretch()
        column.addLayout(line)
        column.addSpacing(16)
        self._grid = QGridLayout()
        self._grid.setSpacing(GAP)
        column.addLayout(self._grid)
        column.addSpacing(32)
        self._recent_title = label("Recent")
        self._recent_title.setFont(fonts.font("panel title"))
        column.addWidget(self._recent_title)
        column.addSpacing(10)
        column.addWidget(self.files)
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
        words.setSpacing(2)
        title = label("What do you want to build?")
        title.setFont(fonts.font("display"))
        words.addWidget(title)
        words.addWidget(
            label("Open an example and press Run, or begin with an empty canvas.", "secondary")
        )
        look = self._app.look
        self.open_button = Button(look, "Open file", "folder")
        self.open_button.setToolTip(
            "Open a graph, a table or a picture with a graph inside  Ctrl+O"
        )
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
        if card is None:
            return
        from graph.files import load
        from gui.render import placed
        from gui.sheet import canvas_view
        from gui.start.thumbnail import thumbnail

        name = card.example.name
        if name not in self._drawn:
            graph = load(resources.example_path(name))
            from graph.shapes import Shapes

            self._drawn[name] = placed(canvas_view(graph))[0], Shapes(graph).weight_count
        drawing, parameters = self._drawn[name]
        ratio = self.devicePixelRatioF()
        theme = self._app.look.theme
        card.show_picture(thumbnail(drawing, theme, card.width(), PICTURE, ratio), parameters)
        self._idle.start()

    def _redraw(self) -> None:
        if self.isVisible():
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

    def _shown(self) -> list[Card]:
        return [card for card in self.cards if self._kind in ("", card.example.kind)]

    def _arrange(self, force: bool = False) -> None:
        width = self.width() - self.sidebar.width() - 2 * SIDE
        columns = max(1, min(4, (width + GAP) // (COLUMN + GAP)))
        if columns == self._columns and not force:
            return
        self._columns = columns
        shown = self._shown()
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
        if self._begun:
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
