"""What is wrong with the chosen nodes, and a button for each edit that mends it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from graph.checks import Problem
from graph.edit import Edit
from graph.graph import Graph
from graph.rules import EditError
from gui import fonts
from gui.inspector.label import MARGIN
from gui.look import Look
from gui.widgets.basics import label

MOST = 4  # problems that are listed
ICON = 14
LEFT = MARGIN + ICON + 8


def sentence(text: str) -> str:
    """A message as a sentence."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


class ProblemNote(QWidget):
    """One problem with its remedies."""

    def __init__(
        self, look: Look, problem: Problem, graph: Graph, mend: Callable[[Edit], None]
    ) -> None:
        super().__init__()
        self._look, self._problem = look, problem
        layout = QVBoxLayout(self)
        layout.setContentsMargins(LEFT, 0, MARGIN, 4)
        layout.setSpacing(2)
        title = label(sentence(problem.message))
        title.setWordWrap(True)
        layout.addWidget(title)
        remedy = label(sentence(problem.remedy), "small") if problem.remedy else None
        if remedy is not None:
            remedy.setWordWrap(True)
            layout.addWidget(remedy)
        self.buttons: list[QPushButton] = []
        for edit in problem.mends:
            button = QPushButton(edit_title(edit, graph))
            self.buttons.append(button)
            button.setProperty("kind", "chip")
            button.clicked.connect(lambda _=False, edit=edit: mend(edit))
            layout.addSpacing(2)
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, wrong = self._look.theme, self._problem.severity == "error"
        colour = theme.error if wrong else theme.warn
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        icon = self._look.icon("error" if wrong else "warning", colour)
        icon.paint(painter, MARGIN, 1, ICON, ICON)
        painter.end()


class Problems(QWidget):
    """The problems of the chosen nodes; hidden without any."""

    def __init__(self, look: Look, mend: Callable[[Edit], None]) -> None:
        super().__init__()
        self._look, self._mend = look, mend
        self._shown: tuple[Problem, ...] = ()
        self.buttons: tuple[QPushButton, ...] = ()
        self._rest = 0
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 12, 0, 10)
        self._layout.setSpacing(6)
        self.setAccessibleName("Problems")
        self.hide()

    def display(self, problems: tuple[Problem, ...], graph: Graph) -> None:
        """Show these problems."""
        if problems == self._shown:
            return
        self._shown, self._rest = problems, max(0, len(problems) - MOST)
        while self._layout.count():
            item = self._layout.takeAt(0)
            widget = item.widget() if item else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        notes = [ProblemNote(self._look, one, graph, self._mend) for one in problems[:MOST]]
        for note in notes:
            self._layout.addWidget(note)
        self.buttons = tuple(button for note in notes for button in note.buttons)
        if self._rest:
            more = label(f"and {self._rest} more", "tertiary")
            more.setContentsMargins(LEFT, 0, 0, 0)
            self._layout.addWidget(more)
        self.setVisible(bool(problems))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(fonts.font("body"))
        line = QRectF(0, self.height() - 1, self.width(), 1)
        painter.fillRect(line, QColor(self._look.theme.hair))
        painter.end()


def edit_title(edit: Edit, graph: Graph) -> str:
    """What an edit does, as on a button."""
    try:
        return edit.title(graph)
    except EditError:
        return "Mend"
