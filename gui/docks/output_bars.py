"""What a net says of one sample, as bars or as numbers."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from compute.questions import Output
from gui import fonts
from gui.look import Look
from gui.theme import mix

MOST_BARS, FIRST = 12, 8  # classes up to which each has its bar; of more so many
NAME, NUMBER, STEP, CLOSE = 76, 52, 18, 14  # px: at most for a name, for a number, a row, at least
MOST_ROWS = 10  # that are seen whole in a low page


class OutputBars(QWidget):
    """The output for one sample: a bar for each class, or the numbers."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.rows: list[tuple[str, float]] = []
        self._shares, self._step = True, STEP
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def put(self, output: Output | None) -> None:
        """Show the first sample of an output; None shows nothing."""
        self.rows = rows_of(output) if output is not None else []
        self._shares = output is None or output.kind != "numbers"
        best = max(self.rows, key=lambda row: row[1], default=("nothing", 0.0))
        self.setAccessibleName(f"The net says {best[0]}")
        self.updateGeometry()
        self.update()

    def set_room(self, height: int) -> None:
        """Draw rows closer where so many px do not hold those of a few classes."""
        self._step = min(max(height // MOST_ROWS, CLOSE), STEP)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(220, max(1, len(self.rows)) * self._step)

    def minimumSizeHint(self) -> QSize:
        return QSize(124, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme, step = QPainter(self), self._look.theme, self._step
        painter.setFont(fonts.font("caption mono"))
        best = max((value for _, value in self.rows), default=0.0)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        names = (fonts.measure(name, "caption mono") for name, _ in self.rows)
        room = min(float(NAME), max(names, default=0.0))
        for place, (name, value) in enumerate(self.rows):
            top, leading = place * step, self._shares and value == best
            painter.setPen(QColor(theme.text if leading else theme.text2))
            text = fonts.metrics("caption mono").elidedText(name, Qt.TextElideMode.ElideRight, NAME)
            painter.drawText(QRectF(0, top, room + 1, step), right, text)
            number = QRectF(self.width() - NUMBER, top, NUMBER, step)
            if self._shares:
                bar = QRectF(room + 8, top + step / 2 - 3, number.x() - room - 8, 6)
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
