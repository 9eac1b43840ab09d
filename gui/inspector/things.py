"""What can be set of a frame or a note: its colour, its text, its width."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QVBoxLayout, QWidget

from graph.edit import Edit
from graph.edits import Batch, SetFrame, SetNote
from graph.graph import Frame, Note
from graph.op import Setting
from gui.inspector.form import Form
from gui.inspector.note_text import NoteText
from gui.inspector.row import ChoiceRow
from gui.inspector.spec import Spec
from gui.inspector.subject import Subject, push
from gui.look import Look
from gui.theme import Theme

PLAIN = "plain"
NARROW, WIDE = 80, 2000  # px of a note
SWATCH = 10


def specs(theme: Theme) -> dict[type[Frame | Note], tuple[Spec, ...]]:
    """The settings of frames and of notes."""
    families = (PLAIN, *theme.family)
    colour = Setting("The colour of a family of nodes, or the plain one", choices=families)
    width = Setting("Width of the note", min=NARROW, max=WIDE, unit="px")
    return {
        Frame: (Spec("colour", colour, "str", PLAIN),),
        Note: (Spec("width", width, "int", 200),),
    }


class ThingForm(QWidget):
    """The form of the frames or of the notes that are selected."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._subject = Subject()
        self.forms = {kind: Form(look, found, self) for kind, found in specs(look.theme).items()}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.text = NoteText(look)
        self.text.kept.connect(self._write)
        column.addWidget(self.text)
        for form in self.forms.values():
            column.addWidget(form)
        look.changed.connect(self._recolour)
        self._recolour()

    @property
    def fields(self) -> tuple[QWidget, ...]:
        """What Tab goes through."""
        rows = (field for form in self.forms.values() for field in form.fields)
        return (self.text.field, *rows)

    def display(self, subject: Subject) -> None:
        """Show the frames or the notes of a subject; hidden for any other."""
        self._subject = subject
        things = self._things
        kinds = {type(thing) for thing in things}
        alone = len(things) == subject.count and len(kinds) == 1
        self.setVisible(alone)
        only = subject.only
        self.text.setVisible(isinstance(only, Note))
        if isinstance(only, Note):
            self.text.display(only.id, only.text)
        for kind, form in self.forms.items():
            form.setVisible(alone and kind in kinds)
            if alone and kind in kinds:
                form.display(self._values, frozenset())

    @property
    def _things(self) -> tuple[Frame | Note, ...]:
        return (*self._subject.frames, *self._subject.notes)

    def _values(self, name: str) -> tuple[Any, ...]:
        found = (getattr(thing, name) for thing in self._things)
        if name == "colour":
            return tuple(dict.fromkeys(colour or PLAIN for colour in found))
        return tuple(dict.fromkeys(round(width) for width in found))

    def _recolour(self) -> None:
        row = self.forms[Frame].rows["colour"]
        assert isinstance(row, ChoiceRow)
        row.choice.setIconSize(QSize(SWATCH, SWATCH))
        for place, name in enumerate((PLAIN, *self._look.theme.family)):
            theme = self._look.theme
            colour = theme.text3 if name == PLAIN else theme.of_family(name)
            row.choice.setItemIcon(place, swatch(colour, self.devicePixelRatioF()))

    # What rows ask for

    def apply(self, name: str, value: Any, key: str) -> str:
        """Give all chosen things a value; see `Owner`."""
        document = self._subject.document
        if document is None:
            return ""
        if name == "width" and not NARROW <= value <= WIDE:
            return f"Found {value}, expected {NARROW} to {WIDE}"
        if (value,) == self._values(name):
            return ""
        edits = tuple(_change(thing, value, document.into) for thing in self._things)
        what = f"Change {name} of {len(edits)} {'frames' if self._subject.frames else 'notes'}"
        edit = edits[0] if len(edits) == 1 else Batch(edits, what)
        ids = " ".join(thing.id for thing in self._things)
        return push(document, edit, key and f"{key} {document.into}/{ids}.{name}")

    def _write(self, text: str) -> None:
        document, only = self._subject.document, self._subject.only
        if document is not None and isinstance(only, Note):
            push(document, SetNote(replace(only, text=text), into=document.into))

    def settle(self) -> None:
        """A gesture is over."""
        if self._subject.document:
            self._subject.document.history.end_merge()

    def take_back(self) -> None:
        """A gesture that changed something was cancelled."""
        if self._subject.document:
            self._subject.document.undo()

    def candidates(self, name: str) -> list[tuple[Any, str]]:
        """Nothing is picked here."""
        return []

    def folder(self) -> Path:
        """Where relative paths start."""
        return Path()


def _change(thing: Frame | Note, value: Any, into: str) -> Edit:
    if isinstance(thing, Frame):
        return SetFrame(replace(thing, colour="" if value == PLAIN else str(value)), into=into)
    return SetNote(replace(thing, width=float(value)), into=into)


def swatch(colour: str, ratio: float) -> QIcon:
    """A small square of a colour."""
    picture = QPixmap(round(SWATCH * ratio), round(SWATCH * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(QRectF(0, 0, SWATCH, SWATCH), 2, 2)
    painter.end()
    return QIcon(picture)
