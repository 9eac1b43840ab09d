"""The concept card of a node type: what it does, its formula and source, ports and settings.

Everything is read off the class (`graph.catalog`).
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from graph.catalog import entry
from graph.op import Op, Port
from gui import fonts
from gui.canvas.describe import icon_name
from gui.canvas.paint_port import outline
from gui.inspector.facts import KIND_NAMES
from gui.inspector.spec import specs_of, words
from gui.look import Look
from gui.theme import tokens
from gui.widgets.basics import label

WIDTH = 400
TALLEST = 600
PAD = 16


def paragraphs(doc: str) -> list[str]:
    """A docstring as paragraphs of running text."""
    parts = [" ".join(part.split()) for part in doc.split("\n\n")]
    return [part.replace("`", "") for part in parts if part]


class _Title(QWidget):
    """Icon, name and category of the type."""

    def __init__(self, look: Look, op: type[Op]) -> None:
        super().__init__()
        self._look, self._op = look, op
        found = entry(op)
        self._title = found["title"]
        type_name = "" if found["title"] == found["name"] else f"{found['name']} · "
        self._below = f"{type_name}{found['category']}"
        self.setFixedHeight(40)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        icon = self._look.icon(icon_name(self._op()), theme.of_family(self._op.family))
        icon.paint(painter, 0, 10, 20, 20)
        painter.setFont(fonts.font("doctor title"))
        painter.setPen(QColor(theme.text))
        painter.drawText(32, 16, self._title)
        painter.setFont(fonts.font("small"))
        painter.setPen(QColor(theme.text3))
        painter.drawText(32, 34, self._below)
        painter.end()


class _PortLine(QWidget):
    """One port: its shape, name, kind and what is special about it."""

    def __init__(self, look: Look, side: str, port: Port) -> None:
        super().__init__()
        self._look, self._side, self._port = look, side, port
        notes = [KIND_NAMES[port.kind]]
        notes += ["several wires"] if port.many else []
        notes += ["may stay free"] if port.optional else []
        self._text = ", ".join(notes)
        self.setFixedHeight(22)
        self.setAccessibleName(f"{side} {port.name}: {self._text}")

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(fonts.font("small"))
        painter.setPen(QColor(theme.text3))
        painter.drawText(QRectF(0, 0, 32, 22), middle, self._side)
        painter.save()
        painter.translate(40, 11)
        painter.fillPath(outline(self._port.kind), QColor(theme.port[self._port.kind]))
        painter.restore()
        painter.setFont(fonts.font("small mono"))
        painter.setPen(QColor(theme.text))
        painter.drawText(QRectF(56, 0, 120, 22), middle, self._port.name)
        painter.setFont(fonts.font("body"))
        painter.setPen(QColor(theme.text2))
        painter.drawText(QRectF(160, 0, self.width() - 160, 22), middle, self._text)
        painter.end()


class ConceptCard(QFrame):
    """A popover; a click elsewhere, Esc or F1 closes it."""

    def __init__(self, look: Look, op: type[Op], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self._look = look
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(f"Card of {entry(op)['title']}")
        self.setAccessibleDescription(" ".join(paragraphs(entry(op)["doc"])))
        self._body = QWidget()
        self._layout = QVBoxLayout(self._body)
        self._layout.setContentsMargins(PAD, PAD, PAD, PAD)
        self._layout.setSpacing(8)
        self._fill(op)
        self._area = QScrollArea()
        self._area.setWidget(self._body)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.viewport().setAutoFillBackground(False)
        self._body.setAutoFillBackground(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(1, 4, 1, 4)
        whole.addWidget(self._area)
        self.setFixedWidth(WIDTH)
        height = self._layout.heightForWidth(WIDTH - 2)
        self.setFixedHeight(min(height + 8, TALLEST))

    def _fill(self, op: type[Op]) -> None:
        look, node = self._look, op()
        self._layout.addWidget(_Title(look, op))
        for index, text in enumerate(paragraphs(entry(op)["doc"])):
            part = label(text, "" if index == 0 else "secondary")
            part.setWordWrap(True)
            self._layout.addWidget(part)
        ports = [("in", port) for port in node.ports_in()]
        ports += [("out", port) for port in node.ports_out()]
        if ports:
            self._head("Ports")
            lines = QVBoxLayout()
            lines.setSpacing(0)
            for side, port in ports:
                lines.addWidget(_PortLine(look, side, port))
            self._layout.addLayout(lines)
        specs = specs_of(op)
        if specs:
            self._head("Settings")
            grid = QGridLayout()
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setHorizontalSpacing(12)
            grid.setVerticalSpacing(6)
            grid.setColumnMinimumWidth(0, 100)
            grid.setColumnStretch(2, 1)
            top = Qt.AlignmentFlag.AlignTop
            for row, spec in enumerate(specs):
                default = "–" if spec.editor == "fixed" else words(spec, spec.default)
                help_ = label(f"{spec.rule.help.replace('`', '')}.", "secondary")
                help_.setWordWrap(True)
                grid.addWidget(label(spec.label), row, 0, top)
                grid.addWidget(label(default, "mono secondary"), row, 1, top)
                grid.addWidget(help_, row, 2, top)
            self._layout.addLayout(grid)
        self._layout.addStretch(1)

    def _head(self, text: str) -> None:
        self._layout.addSpacing(4)
        self._layout.addWidget(label(text, "section"))

    def open_beside(self, anchor: QWidget) -> None:
        """Show the card at the left of a widget, or where it has room."""
        corner = anchor.mapToGlobal(QPoint(0, 0))
        room = anchor.screen().availableGeometry()
        x = max(room.left() + 8, corner.x() - WIDTH - 8)
        y = max(room.top() + 8, min(corner.y() + 8, room.bottom() - self.height() - 8))
        self.move(x, y)
        self.show()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_F1):
            self.close()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = tokens()["size"]["radius"]["bubble"]
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.setBrush(QColor(theme.node))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        painter.end()
