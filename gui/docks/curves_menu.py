"""What can be chosen about the curves: what the menu of their dock begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSlider, QWidget, QWidgetAction

from gui.widgets.basics import label

if TYPE_CHECKING:
    from gui.docks.curves import CurvesPage

SMOOTHING = 0.85


class CurvesOptions(QObject):
    """`changed`: a choice is another. `smoothing_changed`: another share, 0 to 0.99."""

    changed = Signal()
    smoothing_changed = Signal(float)

    def __init__(self, page: CurvesPage) -> None:
        super().__init__(page)
        self.smoothing = SMOOTHING
        self.log = self._choice("Logarithmic losses", True)
        self.raw = self._choice("Raw losses", True)
        self.before = self._choice("Run before", True)
        self.epochs = self._choice("Count epochs", False)
        self._all = QAction("Show all", self)
        self._all.triggered.connect(page.plot.show_all)
        self._picture = QAction("Export picture…", self)
        self._picture.triggered.connect(lambda: page.ask_export("png"))
        self._numbers = QAction("Export numbers…", self)
        self._numbers.triggered.connect(lambda: page.ask_export("csv"))

    def smooth(self, share: float) -> None:
        """Smooth by another share of what came before."""
        if share != self.smoothing:
            self.smoothing = share
            self.smoothing_changed.emit(share)

    def fill(self, menu: QMenu) -> None:
        """Add everything to a menu, the slider first."""
        held = QWidgetAction(menu)
        held.setDefaultWidget(_Smoothing(self))
        menu.addAction(held)
        menu.addSeparator()
        menu.addActions([self.log, self.raw, self.before, self.epochs])
        menu.addSeparator()
        menu.addActions([self._all, self._picture, self._numbers])

    def _choice(self, title: str, on: bool) -> QAction:
        action = QAction(title, self)
        action.setCheckable(True)
        action.setChecked(on)
        action.toggled.connect(self.changed)
        return action


class _Smoothing(QWidget):
    """The slider with its share."""

    def __init__(self, options: CurvesOptions) -> None:
        super().__init__()
        self._options = options
        self._share = label(tone="mono")
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 99)
        slider.setPageStep(5)
        slider.setAccessibleName("Smoothing")
        slider.setFixedWidth(96)
        slider.valueChanged.connect(self._moved)
        slider.setValue(round(100 * options.smoothing))
        self._share.setFixedWidth(32)
        box = QHBoxLayout(self)
        box.setContentsMargins(12, 6, 12, 6)
        box.setSpacing(12)
        box.addWidget(QLabel("Smoothing"), 1)
        box.addWidget(slider)
        box.addWidget(self._share)

    def _moved(self, hundredths: int) -> None:
        self._share.setText(f"{hundredths / 100:.2f}")
        self._options.smooth(hundredths / 100)
