"""Parts of the panel that are painted: headings, lines of facts, the legend of ports."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QVBoxLayout, QWidget

from gui import fonts
from gui.canvas.paint_port import outline
from gui.inspector.facts import KINDS, Fact
from gui.inspector.label import MARGIN
from gui.look import Look

WIDTH = 276
LINE = 20
HEADING = 34


class Section(QWidget):
    """A heading with what belongs to it, and a hairline below."""

    def __init__(self, look: Look, title: str, bottom: int = 12) -> None:
        super().__init__()
        self._look, self._title = look, title
        self.setAccessibleName(title)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, HEADING if title else 12, 0, bottom)
        self._layout.setSpacing(4)

    def add(self, part: QWidget) -> None:
        """Put a part at the end."""
        self._layout.addWidget(part)

    def remove(self, part: QWidget) -> None:
        """Take a part out; it lives on without a place."""
        self._layout.removeWidget(part)

    def retitle(self, title: str) -> None:
        """Show another heading."""
        if title != self._title:
            self._title = title
            self.setAccessibleName(title)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._look.theme
        painter = QPainter(self)
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(theme.hair))
        painter.setFont(fonts.font("section"))
        painter.setPen(QColor(theme.text3))
        painter.drawText(QRectF(MARGIN, 12, WIDTH, 14), Qt.AlignmentFlag.AlignVCenter, self._title)
        painter.end()


class Facts(QWidget):
    """Lines of a name at the left and a value in mono at the right."""

    def __init__(self, look: Look, name: str) -> None:
        super().__init__()
        self._look = look
        self._facts: tuple[Fact, ...] = ()
        self.setAccessibleName(name)
        self.setFixedHeight(0)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What is shown."""
        return self._facts

    def display(self, facts: Sequence[Fact]) -> None:
        """Show these facts."""
        fresh = tuple(facts)
        if fresh == self._facts:
            return
        if len(fresh) != len(self._facts):
            self.setFixedHeight(LINE * len(fresh))
        self._facts = fresh
        lines = (f"{fact.name}: {fact.value}" for fact in fresh)
        self.setAccessibleDescription("; ".join(lines))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._look.theme
        painter = QPainter(self)
        middle = Qt.AlignmentFlag.AlignVCenter
        for index, fact in enumerate(self._facts):
            painter.setFont(fonts.font("body"))
            painter.setPen(QColor(theme.text2))
            line = QRectF(MARGIN, index * LINE, self.width() - 2 * MARGIN, LINE)
            painter.drawText(line, middle, fact.name)
            painter.setFont(fonts.font("small mono"))
            painter.setPen(QColor(theme.error if fact.wrong else theme.text))
            painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, self._value(fact))
        painter.end()

    def _value(self, fact: Fact) -> str:
        room = self.width() - 2 * MARGIN - fonts.measure(fact.name, "body") - 12
        return fonts.metrics("small mono").elidedText(fact.value, Qt.TextElideMode.ElideLeft, room)

    def event(self, event: object) -> bool:
        if isinstance(event, QHelpEvent):
            index = event.pos().y() // LINE
            if 0 <= index < len(self._facts) and self._value(self._facts[index]).startswith("…"):
                QToolTip.showText(event.globalPos(), self._facts[index].value, self)
                return True
        return bool(super().event(event))  # type: ignore[arg-type]


class PortLegend(QWidget):
    """Shape, colour, name and data of each kind of port."""

    STEP = 24

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.setFixedHeight(self.STEP * len(KINDS))
        self.setAccessibleName("Kinds of ports")
        self.setAccessibleDescription("; ".join(f"{name}: {shape}" for _, name, shape in KINDS))

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._look.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = Qt.AlignmentFlag.AlignVCenter
        for index, (kind, name, shape) in enumerate(KINDS):
            y = index * self.STEP
            painter.save()
            painter.translate(MARGIN + 6, y + self.STEP / 2)
            painter.fillPath(outline(kind), QColor(theme.port[kind]))
            painter.restore()
            line = QRectF(MARGIN + 24, y, self.width() - 2 * MARGIN - 24, self.STEP)
            painter.setFont(fonts.font("body"))
            painter.setPen(QColor(theme.text2))
            painter.drawText(line, middle, name)
            painter.setFont(fonts.font("caption mono"))
            painter.setPen(QColor(theme.text3))
            painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, shape)
        painter.end()
