"""What can be chosen about the curves, in the menu behind their "…"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSlider, QWidget, QWidgetAction

if TYPE_CHECKING:
    from gui.docks.curves import CurvesPage

SMOOTHING = 0.85


class CurvesMenu(QMenu):
    """`changed`: a choice is another. `smoothing_changed`: the slider's share, 0 to 0.99."""

    changed = Signal()
    smoothing_changed = Signal(float)

    def __init__(self, page: CurvesPage) -> None:
        super().__init__(page)
        self.slider, self._share = QSlider(Qt.Orientation.Horizontal), QLabel()
        self._add_slider()
        self.addSeparator()
        self.log = self._choice("Logarithmic losses", True)
        self.raw = self._choice("Raw losses", True)
        self.before = self._choice("Run before", True)
        self.epochs = self._choice("Count epochs", False)
        self.addSeparator()
        self.addAction("Show all").triggered.connect(page.plot.show_all)
        self.addAction("Export picture…").triggered.connect(lambda: page.ask_export("png"))
        self.addAction("Export numbers…").triggered.connect(lambda: page.ask_export("csv"))

    def _choice(self, title: str, on: bool) -> QAction:
        action = self.addAction(title)
        action.setCheckable(True)
        action.setChecked(on)
        action.toggled.connect(self.changed)
        return action

    def _add_slider(self) -> None:
        self.slider.setRange(0, 99)
        self.slider.setPageStep(5)
        self.slider.setValue(round(100 * SMOOTHING))
        self.slider.setAccessibleName("Smoothing")
        self.slider.setFixedWidth(96)
        self._share.setProperty("tone", "mono")
        self._share.setFixedWidth(32)
        self._tell(self.slider.value())
        self.slider.valueChanged.connect(self._tell)
        row = QWidget()
        box = QHBoxLayout(row)
        box.setContentsMargins(12, 6, 12, 6)
        box.addWidget(QLabel("Smoothing"))
        box.addStretch(1)
        box.addWidget(self.slider)
        box.addWidget(self._share)
        held = QWidgetAction(self)
        held.setDefaultWidget(row)
        self.addAction(held)

    def _tell(self, hundredths: int) -> None:
        self._share.setText(f"{hundredths / 100:.2f}")
        self.smoothing_changed.emit(hundredths / 100)
