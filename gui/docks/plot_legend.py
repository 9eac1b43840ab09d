"""The legend above a plot: pointing at an entry, or focusing it, isolates its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QFocusEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from gui import fonts
from gui.canvas.drawing import brush, elided, text
from gui.docks.plot import Plot
from gui.look import Look

HEIGHT, SWATCH, GAP = 20, 12, 7
WIDEST = 132


@dataclass(frozen=True)
class Entry:
    """One entry: the name that lines know it by, and its colour; `dashed` as its lines are."""

    name: str
    colour: str
    dashed: bool = False


class Legend(QWidget):
    """The entries of one plot in a row."""

    def __init__(self, look: Look, plot: Plot) -> None:
        super().__init__()
        self._look, self._plot = look, plot
        self.entries: tuple[Entry, ...] = ()
        self._items: list[_Item] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(12)
        self._row.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def room(self) -> int:
        """Width that all entries with their whole names take."""
        return sum(item.sizeHint().width() + self._row.spacing() for item in self._items)

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show these entries; nothing happens when they are those that are shown."""
        if tuple(entries) == self.entries:
            return
        self.entries = tuple(entries)
        for item in self._items:
            self._row.removeWidget(item)
            item.hide()
            item.deleteLater()
        self._items = [_Item(self._look, self._plot, entry) for entry in entries]
        for place, item in enumerate(self._items):
            self._row.insertWidget(place, item)
        self._plot.isolate("")


class _Item(QAbstractButton):
    """One entry; a click holds it isolated until the next."""

    def __init__(self, look: Look, plot: Plot, entry: Entry) -> None:
        super().__init__()
        self._look, self._plot, self._entry = look, plot, entry
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setCheckable(True)
        self.setAutoExclusive(False)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"Show only {entry.name}")
        self.setToolTip(f"{entry.name}: point at it to see it alone, click to keep it so")
        self.toggled.connect(self._isolate)

    def sizeHint(self) -> QSize:
        words = min(round(fonts.measure(self._entry.name, "small")), WIDEST)
        return QSize(SWATCH + GAP + words + 2, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(SWATCH, HEIGHT)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._plot.isolate(self._entry.name)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._isolate(self.isChecked())

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._plot.isolate(self._entry.name)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._isolate(self.isChecked())

    def _isolate(self, on: bool) -> None:
        self._plot.isolate(self._entry.name if on else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, middle = self._look.theme, self.height() / 2
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        parts = ((0.0, 5.0), (7.0, 5.0)) if self._entry.dashed else ((0.0, float(SWATCH)),)
        for x, width in parts:
            painter.fillRect(QRectF(x, middle - 1, width, 2), brush(self._entry.colour))
        loud = self.isChecked() or self.underMouse() or self.hasFocus()
        tint = theme.text if loud else theme.text2
        words = elided(self._entry.name, "small", self.width() - SWATCH - GAP)
        text(painter, SWATCH + GAP, middle, words, "small", tint)
        painter.end()
