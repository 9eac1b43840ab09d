"""Small parts of every panel: labels by tone, hairlines, buttons whose icons recolour."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFrame,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QTabBar,
    QToolButton,
    QWidget,
)

from gui.look import Look

ICON = 16
LEAST_SEGMENT = 28  # px of a word that has no room
AIR = "\u2005"  # behind an icon
Colour = Literal["text", "text2", "text3", "accent", "on_accent", "success", "warn", "error"]


def label(text: str = "", tone: str = "", parent: QWidget | None = None) -> QLabel:
    """A line of plain text in a tone of gui/style.py."""
    made = QLabel(text, parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if tone:
        made.setProperty("tone", tone)
    return made


def plain(text: str) -> str:
    """A text as tabs, menus, buttons and labels of fields want it: a lone & makes a key of it."""
    return text.replace("&", "&&")


class Elided(QLabel):
    """A line of text that ends in an ellipsis where room ends, and then has it all as its tip.

    A tip of its own stays.
    """

    def __init__(self, tone: str = "") -> None:
        super().__init__()
        self._whole = self._tip = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("tone", tone)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_text(self, text: str, tip: str = "") -> None:
        """Show another text, and another tip."""
        self._whole, self._tip = text, tip
        self.setAccessibleName(text)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        mode = Qt.TextElideMode.ElideRight
        shown = self.fontMetrics().elidedText(self._whole, mode, self.contentsRect().width())
        self.setText(shown)
        self.setToolTip(self._tip or ("" if shown == self._whole else self._whole))


def line(parent: QWidget | None = None) -> QFrame:
    """A horizontal hairline."""
    made = QFrame(parent)
    made.setProperty("kind", "line")
    made.setFixedHeight(1)
    return made


def upright(height: int = 16, parent: QWidget | None = None) -> QFrame:
    """A vertical hairline of a fixed height."""
    made = QFrame(parent)
    made.setProperty("kind", "upright")
    made.setFixedSize(1, height)
    return made


class Segments(QTabBar):
    """A choice of a few words side by side; where they have no room, words end in an ellipsis."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setProperty("kind", "segments")
        self.setExpanding(False)
        self.setDrawBase(False)
        self.setUsesScrollButtons(False)
        self.setElideMode(Qt.TextElideMode.ElideRight)
        self.setAccessibleName(name)

    def minimumSizeHint(self) -> QSize:
        return QSize(LEAST_SEGMENT * self.count(), super().minimumSizeHint().height())

    def tabInserted(self, place: int) -> None:
        super().tabInserted(place)
        self.setTabToolTip(place, self.tabToolTip(place) or self.tabText(place))


class ElidedCombo(QComboBox):
    """A choice that takes what width it gets; a name without room keeps its two ends."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.currentTextChanged.connect(self.setToolTip)

    def paintEvent(self, event: QPaintEvent) -> None:
        option, painter = QStyleOptionComboBox(), QStylePainter(self)
        self.initStyleOption(option)
        style, part = self.style(), QStyle.SubControl.SC_ComboBoxEditField
        room = style.subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self)
        mode, air = Qt.TextElideMode.ElideMiddle, 4
        text = self.fontMetrics().elidedText(self.currentText(), mode, room.width() - air)
        option.currentText = text
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


class IconButton(QToolButton):
    """A button that is only an icon; `name` is what it does, for tips and screen readers."""

    def __init__(
        self, look: Look, icon: str, name: str, parent: QWidget | None = None, kind: str = ""
    ) -> None:
        super().__init__(parent)
        self.setProperty("kind", kind)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIconSize(QSize(ICON, ICON))
        _Icon(self, look, icon, "text" if kind == "raised" else "text2")


class Button(QPushButton):
    """A button with a word, and an icon before it when `icon` names one."""

    def __init__(
        self, look: Look, text: str, icon: str = "", kind: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._air = AIR if icon else ""
        self.setText(text)
        self.setAccessibleName(text)
        self.setProperty("kind", kind)
        if icon:
            colours: dict[str, Colour] = {"accent": "on_accent", "quiet": "text2", "chip": "text2"}
            self.setIconSize(QSize(ICON, ICON))
            _Icon(self, look, icon, colours.get(kind, "text"))

    def setText(self, text: str) -> None:
        super().setText(self._air + text)


class _Icon(QObject):
    """Colours the icon of a button anew whenever the look changes; lives and dies with it."""

    def __init__(
        self, button: QAbstractButton, look: Look, icon: str, colour: Colour = "text2"
    ) -> None:
        super().__init__(button)
        self._button, self._look, self._icon, self._colour = button, look, icon, colour
        look.changed.connect(self._paint)
        self._paint()

    def _paint(self) -> None:
        colour: str = getattr(self._look.theme, self._colour)
        self._button.setIcon(self._look.icon(self._icon, colour))
