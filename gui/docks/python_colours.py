"""Colours for Python text: keywords, strings, numbers, comments, names that are defined."""

from __future__ import annotations

import keyword
import re

from PySide6.QtGui import QColor, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from gui.theme import Theme

_PARTS = re.compile(
    rf"""(?P<comment>\#.*)
    |(?P<string>[rbf]?"[^"\\]*(?:\\.[^"\\]*)*"|[rbf]?'[^'\\]*(?:\\.[^'\\]*)*')
    |\b(?:def|class)\s+(?P<name>\w+)
    |(?P<keyword>\b(?:{"|".join(keyword.kwlist)})\b)
    |(?P<number>\b\d[\d_]*\.?\d*(?:e[+-]?\d+)?\b)""",
    re.VERBOSE,
)
_QUOTES = '"""'
INSIDE = 1  # block state: within a string of three quotes


class PythonColours(QSyntaxHighlighter):
    """Colours the text of one document in a theme."""

    def __init__(self, document: QTextDocument, theme: Theme) -> None:
        super().__init__(document)
        self._formats: dict[str, QTextCharFormat] = {}
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of another theme."""
        colours = {
            "comment": theme.text3,
            "string": theme.success,
            "name": theme.accent,
            "keyword": theme.runs[4],
            "number": theme.runs[1],
        }
        self._formats = {kind: _format(colour) for kind, colour in colours.items()}
        self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        inside = self.previousBlockState() == INSIDE
        if inside or text.lstrip().startswith(_QUOTES):
            body = text if inside else text.replace(_QUOTES, "   ", 1)
            self.setFormat(0, len(text), self._formats["string"])
            self.setCurrentBlockState(0 if _QUOTES in body else INSIDE)
            return
        self.setCurrentBlockState(0)
        for match in _PARTS.finditer(text):
            kind = match.lastgroup
            if kind:
                start, end = match.span(kind)
                self.setFormat(start, end - start, self._formats[kind])
                if kind == "name":
                    word = match.start()
                    self.setFormat(word, start - word, self._formats["keyword"])


def _format(colour: str) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(QColor(colour))
    return made
