"""The shape of every dialog: 440 wide, a title, plain sentences, verbs on the buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from gui import fonts
from gui.look import Look
from gui.widgets.basics import Button, label

WIDTH, PADDING = 440, 24


@dataclass(frozen=True)
class Choice:
    """A button and what it does after the dialog is closed. One of them is `safe`: it has the
    focus. `apart` stands at the left, away from the others.
    """

    verb: str
    run: Callable[[], object] = lambda: None
    safe: bool = False
    apart: bool = False


class Dialog(QDialog):
    """A modal question. Esc and the window's close button do nothing but close it."""

    def __init__(self, look: Look, parent: QWidget, title: str, text: str = "") -> None:
        super().__init__(parent)
        self._look = look
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self.setFixedWidth(WIDTH)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(PADDING, PADDING, PADDING, PADDING)
        self.body.setSpacing(8)
        head = label(title)
        head.setFont(fonts.font("doctor title"))
        head.setWordWrap(True)
        self.body.addWidget(head)
        if text:
            said = label(text, "secondary")
            said.setWordWrap(True)
            self.body.addWidget(said)

    def offer(self, choices: Sequence[Choice]) -> None:
        """Put the buttons at the bottom, the safe one last and in the accent."""
        row = QHBoxLayout()
        row.setSpacing(8)
        ordered = sorted(choices, key=lambda choice: (not choice.apart, choice.safe))
        for index, choice in enumerate(ordered):
            if index == sum(other.apart for other in choices):
                row.addStretch()
            button = Button(self._look, choice.verb, kind="accent" if choice.safe else "raised")
            button.setAutoDefault(choice.safe)
            button.setDefault(choice.safe)
            button.clicked.connect(self.accept)
            button.clicked.connect(lambda _=False, run=choice.run: run())
            row.addWidget(button)
            if choice.safe:
                button.setFocus()
        self.body.addSpacing(16)
        self.body.addLayout(row)


def ask(look: Look, parent: QWidget, title: str, text: str, choices: Sequence[Choice]) -> Dialog:
    """Show a question; what is chosen runs later."""
    dialog = Dialog(look, parent, title, text)
    dialog.offer(choices)
    dialog.open()
    return dialog
