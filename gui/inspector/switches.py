"""A switch for yes and no, a choice of words, and a small toggle of an icon and a word."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QWidget

from gui import fonts
from gui.inspector.spec import MIXED
from gui.look import Look
from gui.theme import mix

TRACK = QSize(28, 16)
ICON = 14


class Switch(QCheckBox):
    """On, off, or neither where the chosen nodes differ. `flipped`: the user wants it so."""

    flipped = Signal(bool)

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.setFixedSize(TRACK.width() + 6, TRACK.height() + 8)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def display(self, on: bool | None) -> None:
        """Show a state; None: neither."""
        self.setTristate(on is None)
        states = {True: Qt.CheckState.Checked, False: Qt.CheckState.Unchecked}
        state = Qt.CheckState.PartiallyChecked if on is None else states[on]
        if state != self.checkState():
            self.setCheckState(state)

    def nextCheckState(self) -> None:
        self.flipped.emit(self.checkState() != Qt.CheckState.Checked)

    def hitButton(self, pos: object) -> bool:
        return True

    def sizeHint(self) -> QSize:
        return self.size()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, state = self._look.theme, self.checkState()
        on, mixed = state == Qt.CheckState.Checked, state == Qt.CheckState.PartiallyChecked
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(0, 4, TRACK.width(), TRACK.height())
        shade = theme.accent if on else mix(theme.panel, theme.text3, 0.45)
        if not self.isEnabled():
            shade = mix(theme.panel, shade, 0.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(shade))
        painter.drawRoundedRect(track, 8, 8)
        knob = theme.on_accent if on else theme.field if theme.name == "light" else theme.text
        painter.setBrush(QColor(knob))
        if mixed:
            painter.drawRoundedRect(QRectF(track.center().x() - 5, 11, 10, 2), 1, 1)
        else:
            x = track.right() - 8 if on else track.left() + 8
            painter.drawEllipse(QPointF(x, track.center().y()), 5.5, 5.5)
        painter.end()


class Choice(QComboBox):
    """One of some words. `picked`: the user chose a word."""

    picked = Signal(str)

    def __init__(self, choices: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.addItems(list(choices))
        self.setPlaceholderText(MIXED)
        self.setProperty("tone", "mono")
        self.setFixedHeight(24)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(4)
        self.textActivated.connect(self.picked)

    def display(self, word: str | None) -> None:
        """Show a word; None: neither."""
        self.setCurrentIndex(-1 if word is None else self.findText(word))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the panel scrolls

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            event.ignore()
        else:
            super().keyPressEvent(event)


class Flag(QAbstractButton):
    """An icon and a word, quiet while off. `flipped`: the user wants it so."""

    flipped = Signal(bool)

    def __init__(self, look: Look, icon: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self._icon_name = look, icon
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        width = 2 + ICON + 6 + round(fonts.measure(text, "body")) + 4
        self.setFixedSize(width, 24)

    def display(self, on: bool | None) -> None:
        """Show a state; None: the chosen nodes differ."""
        self.setChecked(on is True)

    def nextCheckState(self) -> None:
        self.flipped.emit(not self.isChecked())

    def sizeHint(self) -> QSize:
        return self.size()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._look.theme
        strong = self.isChecked() or self.underMouse()
        colour = theme.accent if self.isChecked() else theme.text if strong else theme.text3
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._look.icon(self._icon_name, colour).paint(painter, 2, 5, ICON, ICON)
        painter.setFont(fonts.font("body"))
        painter.setPen(QColor(theme.text if self.isChecked() else colour))
        place = QRectF(2 + ICON + 6, 0, self.width(), self.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.end()
