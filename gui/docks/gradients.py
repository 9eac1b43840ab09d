"""The gradients dock: how large gradients and weights of each layer are, and have been."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from gui import fonts
from gui.app import App
from gui.canvas.drawing import brush, pen, text
from gui.docks.gradients_norms import RANGES, Kind, Layer, histogram_of, layers, wanted
from gui.docks.gradients_strips import RangeBar, Strips, moments
from gui.docks.page import Page
from gui.docks.plot_scale import value_text
from gui.look import Look
from gui.theme import mix
from gui.widgets.basics import Segments

EMPTY = "Press Run: the size of each layer's gradients is drawn here over time."
NO_LAYERS = "No layer of this graph has weights that are trained."
KINDS: tuple[tuple[Kind, str, str, str], ...] = (
    ("gradient", "Gradients", "‖∂L/∂w‖", "Norm of the gradient of each layer's weights"),
    ("value", "Weights", "‖w‖", "Norm of each layer's weights"),
    ("ratio", "Ratio", "÷ ‖w‖", "Norm of the gradient over the norm of the weights"),
)
HISTOGRAM_FROM = 210  # px of height from which there is room for one


class GradientsPage(Page):
    """A heat strip for each layer, and the histogram of the one that is pointed at."""

    title = "Gradients"
    id = "gradients"

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.kinds = Segments("What is shown of each layer")
        self.strips = Strips(app.look)
        self.range = RangeBar(app.look, self.strips)
        self.histogram = Histogram(app.look)
        self._layers: list[Layer] = []
        self._build()
        self.kinds.currentChanged.connect(lambda _: self.rebuild())
        self.strips.pointed.connect(self._pointed)
        self.strips.chosen.connect(self._choose)

    def _build(self) -> None:
        for place, (_, title, _, tip) in enumerate(KINDS):
            self.kinds.addTab(title)
            self.kinds.setTabToolTip(place, tip)
        self._scroll = QScrollArea()
        self._scroll.setAccessibleName("Layers")
        self._scroll.setWidget(self.strips)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._body = QWidget()
        inner = QVBoxLayout(self._body)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(2)
        inner.addWidget(self._scroll, 1)
        inner.addWidget(self.range)
        inner.addWidget(self.histogram)
        self._empty = QLabel(EMPTY)
        self._empty.setProperty("tone", "tertiary")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 6, 12, 6)
        box.setSpacing(4)
        box.addWidget(self.kinds, 0, Qt.AlignmentFlag.AlignLeft)
        box.addWidget(self._body, 1)
        box.addWidget(self._empty, 1)

    @property
    def kind(self) -> Kind:
        """What is shown."""
        return KINDS[max(self.kinds.currentIndex(), 0)][0]

    @property
    def layers(self) -> list[Layer]:
        """The layers that are shown, from the first to the last."""
        return self._layers

    def wants(self) -> frozenset[str]:
        if self.app.trainer.document is not self.document:
            return frozenset()
        room = self.height() >= HISTOGRAM_FROM
        return wanted(self._layers, self.kind, max(self.strips.row, 0) if room else None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self.isVisible():
            self.watch()

    def rebuild(self) -> None:
        trainer = self.app.trainer
        graph = trainer.graph if trainer.document is self.document else None
        self._layers = layers(graph) if graph is not None else []
        self.refresh()
        self._show_histogram()

    def refresh(self) -> None:
        board = self.app.trainer.board_of(self.document)
        for layer in self._layers:
            layer.follow(board.norms, self.kind)
        training = board.active and board.state != "preparing"
        known = training or any(len(layer.steps) for layer in self._layers)
        self._body.setVisible(known and bool(self._layers))
        self.kinds.setVisible(self._body.isVisibleTo(self))
        self._empty.setVisible(not self._body.isVisibleTo(self))
        self._empty.setText(NO_LAYERS if known else self.nothing_yet(EMPTY))
        self.strips.show_layers(self._layers, float(board.tap_step), RANGES[self.kind])
        self.histogram.setVisible(self.height() >= HISTOGRAM_FROM)
        self.range.show_range(RANGES[self.kind], KINDS[self.kinds.currentIndex()][2])
        self._show_histogram()

    def _pointed(self) -> None:
        self.watch()
        self._show_histogram()

    def _show_histogram(self) -> None:
        """The weights, or their gradient, of the layer under the pointer; else of the first."""
        row = max(self.strips.row, 0)
        if row >= len(self._layers) or not self.histogram.isVisibleTo(self):
            return
        layer = self._layers[row]
        taps = self.app.trainer.board_of(self.document).taps
        tap, key = taps.get(histogram_of(layer, self.kind)), layer.largest.rpartition("/")[2]
        if tap is None or not tap.histogram:
            self.histogram.show_counts(layer.name, "", (), 0.0, 1.0)
            return
        title = f"{layer.name} {key}" if self.kind == "value" else f"{layer.name} {key} gradient"
        self.histogram.show_counts(
            title, moments(tap.mean, tap.deviation), tap.histogram, tap.low, tap.high
        )

    def _choose(self, row: int) -> None:
        document = self.document
        if document is None or not 0 <= row < len(self._layers):
            return
        parts = self._layers[row].path.split("/")
        inner = [part for part in parts if part in document.drawing]
        if inner:
            document.select({inner[0]})


class Histogram(QWidget):
    """A histogram with its title, its moments and its two ends."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._title, self._side = "", ""
        self._counts: tuple[int, ...] = ()
        self._ends = 0.0, 1.0
        self.setFixedHeight(62)
        self.setAccessibleName("Histogram of the layer")
        self.setToolTip("Heights are square roots of the counts, so that tails can be seen")

    @property
    def counts(self) -> tuple[int, ...]:
        """What is shown."""
        return self._counts

    def show_counts(
        self, title: str, side: str, counts: tuple[int, ...], low: float, high: float
    ) -> None:
        """Counts in equal bins from `low` to `high`; none says that they are on their way."""
        before = self._title, self._side, self._counts, self._ends
        if before == (title, side, counts, (low, high)):
            return
        self._title, self._side, self._counts, self._ends = title, side, counts, (low, high)
        self.setAccessibleDescription(f"{title} {side}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text(painter, 4, 7, self._title, "caption", theme.text2)
        taken = fonts.measure(self._title, "caption") + fonts.measure(self._side, "caption mono")
        if taken + 12 <= self.width():
            text(painter, self.width(), 7, self._side, "caption mono", theme.text3, "right")
        if not self._counts:
            painter.end()
            return
        area = QRectF(4, 16, self.width() - 4, self.height() - 30)
        heights = np.sqrt(np.array(self._counts) / max(self._counts))
        step = area.width() / len(heights)
        tint = brush(mix(theme.panel, theme.text3, 0.75))
        for place, share in enumerate(heights.tolist()):
            if share:
                height = max(1.0, share * area.height())
                left = area.left() + place * step
                painter.fillRect(QRectF(left, area.bottom() - height, step - 0.5, height), tint)
        painter.setPen(pen(theme.border))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        low, high = (value_text(end) for end in self._ends)
        middle = area.bottom() + 8
        text(painter, area.left(), middle, low, "caption mono", theme.text3)
        text(painter, area.right(), middle, high, "caption mono", theme.text3, "right")
        if self._ends[0] < 0 < self._ends[1]:
            zero = area.left() - self._ends[0] / (self._ends[1] - self._ends[0]) * area.width()
            painter.drawLine(int(zero), int(area.top()), int(zero), int(area.bottom()))
            ends = [fonts.measure(one, "caption mono") + 8 for one in (low, high)]
            if area.left() + ends[0] < zero < area.right() - ends[1]:
                text(painter, zero, middle, "0", "caption mono", theme.text3, "centre")
        painter.end()
