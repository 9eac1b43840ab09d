"""The head of the panel: icon, name, type, and the button of the concept card."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from gui import fonts
from gui.inspector.entry import Entry
from gui.inspector.label import MARGIN
from gui.look import Look, icon_pixmap

HEIGHT = 52
ICON = 20
LEFT = 39  # of name and type
CARD = QSize(76, 24)


class CardButton(QAbstractButton):
    """A book, the word and its key."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.setText("Card")
        self.setAccessibleName("Card of this node type")
        self.setToolTip("What this node type does  F1")
        self.setFixedSize(CARD)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._look.theme
        colour = theme.text if self.underMouse() else theme.text2
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._look.icon("book", colour).paint(painter, 0, 4, 16, 16)
        painter.setFont(fonts.font("body"))
        painter.setPen(QColor(colour))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(20, 0, 34, 24), middle, self.text())
        key = QRectF(self.width() - 22.5, 4.5, 22, 15)
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.drawRoundedRect(key, 4, 4)
        painter.setPen(QColor(theme.text3))
        painter.setFont(fonts.font("caption mono"))
        painter.drawText(key, Qt.AlignmentFlag.AlignCenter, "F1")
        painter.end()


class Head(QWidget):
    """`renamed`: another name was typed. `card_asked`: the card's button was pressed."""

    renamed = Signal(str)
    card_asked = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._icon = self._family = self._below = ""
        self._name = ""
        self.setFixedHeight(HEIGHT)
        self.name = Entry(look, self)
        self.name.setProperty("kind", "plain")
        self.name.setProperty("tone", "")
        self.name.setFont(fonts.font("panel title"))
        self.name.setFixedHeight(22)
        self.name.setAccessibleName("Name")
        self.name.committed.connect(self._commit)
        self.name.reverted.connect(self._revert)
        self.card = CardButton(look, self)
        self.card.clicked.connect(self.card_asked)

    def display(self, name: str, below: str, icon: str, family: str, *, editable: bool) -> None:
        """Show a name, the line below it, and an icon in a family's colour ("": secondary)."""
        if name != self._name or not self.name.isModified():
            self._name = name
            self._revert()
        self._below, self._icon, self._family = below, icon, family
        self.name.setReadOnly(not editable)
        self.name.setCursor(Qt.CursorShape.IBeamCursor if editable else Qt.CursorShape.ArrowCursor)
        focus = Qt.FocusPolicy.StrongFocus if editable else Qt.FocusPolicy.NoFocus
        self.name.setFocusPolicy(focus)
        whole = "" if fonts.measure(name, "panel title") < self.name.width() else f"{name}\n"
        self.name.setToolTip(f"{whole}Rename: type, then Enter" if editable else whole.strip())
        self.setAccessibleName(f"{name}, {below}")
        self._place()
        self.update()

    @property
    def _left(self) -> int:
        return LEFT if self._icon else MARGIN

    def show_card(self, shown: bool) -> None:
        """Whether there is a card."""
        self.card.setVisible(shown)
        self._place()

    def _commit(self) -> None:
        if self.name.isModified():
            text = self.name.text()
            self.name.setModified(False)
            self.renamed.emit(text)
            self._revert()

    def _revert(self) -> None:
        self.name.show_text(self._name)

    def resizeEvent(self, event: object) -> None:
        self._place()

    def _place(self) -> None:
        right = self.width() - MARGIN
        self.card.move(right - CARD.width(), 15)
        room = (CARD.width() + 8) if self.card.isVisibleTo(self) else 0
        self.name.setGeometry(self._left, 6, right - self._left - room, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._look.theme
        colour = theme.of_family(self._family) if self._family else theme.text2
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(0, HEIGHT - 1, self.width(), 1, QColor(theme.hair))
        if self._icon:
            icon = icon_pixmap(self._icon, colour, ICON, self.devicePixelRatioF())
            painter.drawPixmap(MARGIN - 1, 16, icon)
        painter.setPen(QColor(theme.text3))
        painter.setFont(fonts.font("small"))
        room = self.name.width()
        text = fonts.metrics("small").elidedText(self._below, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(self._left, 27, room, 16), Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()
