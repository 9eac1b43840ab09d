"""A generated file under construction: imports, constants, functions, and their order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from graph.export.names import comment, docstring
from graph.export.outline import Outline
from graph.stepping import batch_size

SECTION = "# ---- {title}"


@dataclass
class Source:
    """Collects the parts of one file; `text` puts them together.

    Functions come in the order they are added; `sections` follow with a title each.
    """

    title: str
    about: list[str]
    constants: list[str] = field(default_factory=list)
    functions: list[list[str]] = field(default_factory=list)
    sections: list[tuple[str, list[str]]] = field(default_factory=list)
    ending: list[str] = field(default_factory=list)

    def add(self, lines: list[str]) -> None:
        """Add a function or class."""
        self.functions.append(lines)

    def body(self) -> str:
        """Everything but imports and the module's docstring."""
        return "\n".join(self._body()) + "\n"

    def lines(self, imports: str) -> list[str]:
        """The lines of the whole file; `imports` are those it needs."""
        head = [f'"""{docstring(self.title)}, exported from Netloom.', "", *self.about, '"""']
        return [*head, "", *imports.split("\n"), "", *self._body()]

    def _body(self) -> list[str]:
        parts = [*self.functions]
        for title, sources in self.sections:
            if sources:
                parts += [[SECTION.format(title=title)], *(text.split("\n") for text in sources)]
        if self.ending:
            parts.append(self.ending)
        lines = [*self.constants]
        for part in parts:
            lines += ["", "", *part]
        return lines


STANDARD = ("csv", "hashlib", "json", "math")


def imports(text: str, third_party: dict[str, str]) -> str:
    """The imports `text` needs: `third_party` maps the word that tells to the import line."""
    words = set(re.findall(r"\w+", text))
    standard = [f"import {name}" for name in STANDARD if re.search(rf"\b{name}\.", text)]
    if "Path" in words:
        standard.append("from pathlib import Path")
    others = [line for word, line in third_party.items() if word in words]
    groups = [standard, sorted(dict.fromkeys(others), key=_order)]
    return "\n\n".join("\n".join(group) for group in groups if group)


def _order(line: str) -> tuple[bool, str]:
    """`import x` before `from x import y`, then by name."""
    return line.startswith("from "), line.lower()


def script_constants(outline: Outline, trains: bool) -> list[str]:
    """The settings at the head of a file."""
    training = outline.graph.training
    lines = ['WEIGHTS = Path(__file__).with_suffix(".safetensors")']
    if not trains:
        return lines
    return [
        *lines,
        f"DTYPE = np.{training.precision}",
        f"SEED = {training.seed}",
        f"EPOCHS = {training.epochs}",
        f"BATCH_SIZE = {batch_size(outline.graph) or None}",
    ]


def canvas_notes(outline: Outline) -> list[list[str]]:
    """The notes on the canvas, from top to bottom, as comments."""
    notes = sorted(outline.graph.notes.values(), key=lambda note: (note.y, note.x, note.id))
    return [comment(note.text) for note in notes if note.text.strip()]
