"""Which place of a sequence is looked at: two arrows, and a slider between them."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from gui.look import Look
from gui.widgets.basics import IconButton, label

SLIDER = 120  # px at most


class PlaceBar(QWidget):
    """`moved` gives the place that people choose, counted from 0; at first it is the last one."""

    moved = Signal(int)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.count = 0
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Place in the sequence")
        self.slider.setMaximumWidth(SLIDER)
        self.words = label(tone="tertiary")
        self.back = IconButton(look, "chevron_left", "Place before")
        self.on = IconButton(look, "chevron_right", "Next place")
        for button, by in ((self.back, -1), (self.on, 1)):
            button.setFixedSize(QSize(24, 24))
            button.clicked.connect(lambda _, by=by: self.go(self.place + by))
        self.slider.valueChanged.connect(self._moved)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.words)
        row.addWidget(self.back)
        row.addWidget(self.slider, 1)
        row.addWidget(self.on)
        self.hide()

    @property
    def place(self) -> int:
        """The place that is chosen."""
        return self.slider.value()

    def go(self, place: int) -> None:
        """Choose a place; what lies outside is the nearest there is."""
        self.slider.setValue(place)

    def show_count(self, count: int) -> None:
        """How many places there are; the last one is chosen anew when that is another number."""
        self.setVisible(count > 1)
        if count == self.count:
            return
        self.count = count
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, count - 1))
        self.slider.setValue(count - 1)
        self.slider.blockSignals(False)
        self._say()

    def _moved(self, place: int) -> None:
        self._say()
        self.moved.emit(place)

    def _say(self) -> None:
        self.words.setText(f"place {self.place + 1} of {self.count}")
        self.back.setEnabled(self.place > 0)
        self.on.setEnabled(self.place + 1 < self.count)
