"""Names, titles and notes typed where they stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from graph import edits
from gui.canvas.describe import title
from gui.canvas.field import Field
from gui.canvas.geometry import HEADER, NAME_X, Point, Rect
from gui.canvas.items import frame_rect, note_rect
from gui.canvas.layout import FRAME_TITLE

if TYPE_CHECKING:
    from gui.canvas.view import Canvas

FRAME_X = 8.0  # where a frame's title may be typed
NOTE_LEAST = 64.0  # height of a note while it is typed


class Naming:
    """At most one editor of one canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._field: Field | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        canvas.camera_changed.connect(self.end)

    @property
    def field(self) -> Field | None:
        """The editor that is open."""
        return self._field

    def end(self) -> None:
        """Keep what is typed."""
        if self._field is not None:
            self._field.end(keep=True)

    def begin(self, id: str) -> None:
        """Open the editor of a node, frame or note."""
        self.end()
        drawing, scene = self._canvas.document.drawing, self._canvas.scene
        if id in drawing:
            node = drawing.node(id)
            rect = scene.rect(scene.index_of[id])
            line = Rect(rect.x + NAME_X - 6, rect.y + 3, rect.width - NAME_X + 2, HEADER - 5)
            self._open(
                id, "Name", title(node), "node name", line, lambda text: self._name(id, text)
            )
        elif id in drawing.frames:
            rect = frame_rect(next(frame for frame in scene.frames if frame.id == id))
            bar = Rect(rect.x + FRAME_X, rect.y + 2, rect.width - 2 * FRAME_X, FRAME_TITLE - 4)
            frame = drawing.frames[id]
            self._open(id, "Title", frame.title, "section", bar, lambda text: self._title(id, text))
        elif id in drawing.notes:
            rect = note_rect(next(note for note in scene.notes if note.id == id))
            sheet = Rect(rect.x, rect.y, rect.width, max(rect.height, NOTE_LEAST))
            note = drawing.notes[id]
            self._open(
                id, "Note", note.text, "body", sheet, lambda text: self._note(id, text), True
            )

    def _changed(self, id: str) -> None:
        """What is named may be gone: undone by a button that leaves the keyboard here."""
        if self._field is not None and not self._is_there(id):
            self._field.end(keep=False)

    def _is_there(self, id: str) -> bool:
        drawing = self._canvas.document.drawing
        return any(id in part for part in (drawing, drawing.frames, drawing.notes))

    def _open(
        self,
        id: str,
        name: str,
        text: str,
        style: str,
        rect: Rect,
        keep: Callable[[str], None],
        lines: bool = False,
    ) -> None:
        camera = self._canvas.camera
        at, zoom = camera.window(Point(rect.x, rect.y)), camera.zoom
        field = Field(self._canvas, name, text, style, lines)
        self._field = field
        self._unsubscribe = self._canvas.document.subscribe(lambda _: self._changed(id))
        field.ended.connect(lambda found: self._ended(id, found, keep))
        field.show_at(Rect(at.x, at.y, rect.width * zoom, max(rect.height * zoom, 18.0)), zoom)

    def _ended(self, id: str, text: str | None, keep: Callable[[str], None]) -> None:
        self._field = None
        self._unsubscribe()
        self._canvas.setFocus()
        if text is not None and self._is_there(id):  # else another drawing is shown by now
            keep(text)

    def _name(self, id: str, text: str) -> None:
        canvas, text = self._canvas, text.strip()
        node = canvas.document.drawing.node(id)
        unnamed = replace(node, name="")
        name = "" if text == title(unnamed) else text
        if name != node.name:
            canvas.push(edits.Rename(id, name, into=canvas.document.into))

    def _title(self, id: str, text: str) -> None:
        frame = self._canvas.document.drawing.frames[id]
        if text.strip() != frame.title:
            changed = replace(frame, title=text.strip())
            self._canvas.push(edits.SetFrame(changed, into=self._canvas.document.into))

    def _note(self, id: str, text: str) -> None:
        canvas, into = self._canvas, self._canvas.document.into
        note = canvas.document.drawing.notes[id]
        if not text.strip():
            canvas.push(edits.Remove((id,), into=into))
        elif text != note.text:
            canvas.push(edits.SetNote(replace(note, text=text), into=into))
