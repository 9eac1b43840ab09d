"""The settings section: one row for each setting, made once for each type of node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from gui import fonts
from gui.inspector.label import MARGIN
from gui.inspector.picks import PathRow, PickRow
from gui.inspector.row import ChoiceRow, EntryRow, FixedRow, Owner, Row, SwitchRow
from gui.inspector.spec import Spec
from gui.look import Look

FEW = 8  # so many settings are all shown; of more, the advanced ones are folded away


class Desk(Owner, Protocol):
    """Who keeps the values, and knows what can be picked."""

    def candidates(self, name: str) -> list[tuple[Any, str]]:
        """What the field of a setting offers."""

    def folder(self) -> Path:
        """Where relative paths start."""


class Fold(QAbstractButton):
    """A line that shows or hides the rows below it."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.setCheckable(True)
        self.setFixedHeight(24)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._look.theme
        colour = theme.text2 if self.underMouse() else theme.text3
        icon = "chevron_down" if self.isChecked() else "chevron_right"
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._look.icon(icon, colour).paint(painter, MARGIN - 2, 6, 12, 12)
        painter.setPen(QColor(colour))
        painter.setFont(fonts.font("small"))
        place = self.rect().adjusted(MARGIN + 14, 0, 0, 0)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.end()


class Form(QWidget):
    """Rows of some specs. `display` shows values; building it is the only slow part."""

    folded = Signal()

    def __init__(self, look: Look, specs: Sequence[Spec], desk: Desk) -> None:
        super().__init__()
        self.look, self._desk = look, desk
        self.rows: dict[str, Row] = {}
        self._hidden: list[Row] = []
        self._fold: Fold | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        few = len(specs) <= FEW
        folded = [s for s in specs if s.rule.advanced and s.editor != "fixed" and not few]
        for spec in specs:
            if spec not in folded:
                self._add(spec)
        if folded:
            self._fold = Fold(look)
            self._layout.addWidget(self._fold)
            for spec in folded:
                self._hidden.append(self._add(spec))
                self._hidden[-1].hide()
            self._fold.toggled.connect(self._unfold)

    @property
    def fields(self) -> tuple[QWidget, ...]:
        """What Tab goes through, from top to bottom."""
        hidden = {id(row) for row in self._hidden}
        first = [row.focusProxy() for row in self.rows.values() if id(row) not in hidden]
        last = [row.focusProxy() for row in self._hidden]
        fold = [self._fold] if self._fold else []
        return tuple(field for field in (*first, *fold, *last) if field is not None)

    def _add(self, spec: Spec) -> Row:
        row = make_row(self.look, spec, self._desk)
        self.rows[spec.name] = row
        self._layout.addWidget(row)
        return row

    def _unfold(self, shown: bool) -> None:
        for row in self._hidden:
            row.setVisible(shown)
        self.folded.emit()

    def display(self, values: Callable[[str], tuple[Any, ...]], live: frozenset[str]) -> None:
        """Show the values of each setting; `live` ones go to a running training as well."""
        for name, row in self.rows.items():
            row.display(values(name), name in live)
        if self._fold:
            changed = sum(any(v != r.spec.default for v in r.values) for r in self._hidden)
            more = f" · {changed} changed" if changed else ""
            self._fold.setText(f"Advanced{more}")
            self._fold.setAccessibleName(self._fold.text())


def make_row(look: Look, spec: Spec, desk: Desk) -> Row:
    """The row that edits a setting."""
    match spec.editor:
        case "toggle":
            return SwitchRow(look, spec, desk)
        case "choice":
            return ChoiceRow(look, spec, desk)
        case "path":
            return PathRow(look, spec, desk, desk.folder)
        case "fixed":
            return FixedRow(look, spec, desk, schema_text)
        case "numbers" if not spec.rule.choices:
            return EntryRow(look, spec, desk)
        case "text" if spec.name not in ("target", "definition", "tie"):
            return EntryRow(look, spec, desk)
    return PickRow(look, spec, desk, desk.candidates)


def schema_text(schema: Any) -> str:
    """What a look at a file found, in a few words."""
    if not schema:
        return "not looked at"
    return f"{len(schema.columns)} columns, {schema.rows:,} rows"
