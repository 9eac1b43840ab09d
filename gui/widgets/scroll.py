"""A place to scroll in, whose bar lies over its margin instead of narrowing it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QScrollBar, QWidget

BAR = 10  # px, as in window.qss


class OverlaidArea(QScrollArea):
    """Scrolls up and down only; its content keeps its width whether there is a bar or not."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        own = self.verticalScrollBar()  # hidden, but it knows how far to scroll
        self.bar = QScrollBar(Qt.Orientation.Vertical, self)
        self.bar.setAccessibleName("Scroll")
        self.bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        own.rangeChanged.connect(self._ranged)
        own.valueChanged.connect(self.bar.setValue)
        self.bar.valueChanged.connect(lambda value: self.verticalScrollBar().setValue(value))
        self._ranged(0, 0)

    def _ranged(self, least: int, most: int) -> None:
        own = self.verticalScrollBar()  # asked anew: Python objects of Qt's own parts may end early
        self.bar.setPageStep(own.pageStep())
        self.bar.setSingleStep(own.singleStep())
        self.bar.setRange(least, most)
        self.bar.setVisible(most > least)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.bar.setGeometry(self.width() - BAR, 0, BAR, self.height())
        self.bar.raise_()
