"""Text to type for a net that reads symbols, and what such a net says to it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from compute.questions import Output
from graph.ops.sequences import Text
from gui import fonts
from gui.docks.letters import Symbols, letters, read, typed, written
from gui.widgets.basics import label

LINES, LEAST = 72, 136  # px of the field
MORE = 60  # letters the net writes at once


class TextForm(QWidget):
    """`changed` after each change of the text.

    The letters of a text are read up to the last one, and the net says the next; of other symbols
    it wants as many as its sequences have. `more`, which stands elsewhere, lets the net write.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.signs: tuple[str, ...] = ()
        self.steps = 0
        self._left = 0  # letters to be written yet
        self.field = QPlainTextEdit()
        self.field.setFont(fonts.font("small mono"))
        self.field.setFixedHeight(LINES)
        self.field.setMinimumWidth(LEAST)
        self.field.setTabChangesFocus(True)
        self.field.setAccessibleName("Text for the net")
        self.field.textChanged.connect(self.changed)
        self.more = QPushButton("Let it write")
        self.more.setCheckable(True)
        self.more.setToolTip("Add the likeliest letter, again and again")
        self.more.toggled.connect(self._write)
        self.words = label(tone="tertiary")
        self.words.setWordWrap(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        box.addWidget(self.field)
        box.addWidget(self.words)

    def put(self, names: tuple[str, ...], steps: int) -> None:
        """Read sequences of so many symbols of these names."""
        self.signs, self.steps = letters(names), steps
        self.more.setVisible(self.follows)
        self.more.setChecked(False)
        symbols = f"{self.signs[0]} to {self.signs[-1]}"
        self.words.setText(
            "The net says which letter comes next."
            if self.follows
            else f"Type {steps} symbols, {symbols}; it wants all of them."
        )

    @property
    def follows(self) -> bool:
        """Whether the net goes on with a text."""
        return self.signs == letters(Text().class_names())

    def fill(self, symbols: Symbols) -> None:
        """Show the symbols of a sample; of a text the first half, for the net to go on with."""
        kept = symbols[: max(1, len(symbols) // 2)] if self.follows else symbols
        self.field.setPlainText(typed(kept, self.signs))

    @property
    def count(self) -> int:
        """How many symbols are read of what is typed."""
        return len(self._read())

    def _read(self) -> Symbols:
        """Those that fit, the last of a text and the first of others."""
        found = read(self.field.toPlainText(), self.signs)
        return found[-self.steps :] if self.follows else found[: self.steps]

    @property
    def sample(self) -> Symbols | None:
        """One sample, 1×T, of a text as much as there is; None while symbols are missing."""
        found = self._read()
        if not len(found) or (len(found) < self.steps and not self.follows):
            return None
        return found[None]

    def answer(self, output: Output) -> str:
        """What the net says, in words."""
        if output.places is None or self.follows:
            return ""
        return f"says {written(output.places.classes[0], self.signs)}"

    # Writing

    def _write(self, on: bool) -> None:
        self._left = MORE if on else 0
        self.more.setText("Stop" if on else "Let it write")

    def said(self, output: Output) -> None:
        """Take the likeliest letter behind the text, while the net writes."""
        if not self._left or not self.follows:
            return
        self._left -= 1
        cursor = self.field.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(typed([int(np.argmax(output.values[0]))], self.signs))
        self.field.setTextCursor(cursor)
        if not self._left:
            self.more.setChecked(False)
