"""Frames and notes: where they lie, and what part of one is under the pointer. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from graph import edits
from graph.edit import Edit
from graph.graph import Graph
from gui import fonts
from gui.canvas.camera import READABLE
from gui.canvas.geometry import Point, Rect, wrapped
from gui.canvas.layout import FRAME_TITLE
from gui.canvas.scene import CanvasScene
from gui.canvas.view_model import FrameView, NoteView

Part = Literal["title", "body", "corner", "edge"]
NOTE_PAD = 10.0
EDGE = 8.0  # px on screen around a frame's lower right corner, or a note's right edge
LEAST = 80.0  # a frame's or note's least width


@dataclass(frozen=True, slots=True)
class ItemHit:
    """A frame or note under the pointer: `corner` and `edge` resize it."""

    id: str
    part: Part


def note_lines(note: NoteView) -> list[str]:
    """The lines of a note as they are wrapped."""
    return wrapped(note.text, note.width - 2 * NOTE_PAD, fonts.measure, "body")


def note_rect(note: NoteView) -> Rect:
    """A note's rectangle: as high as its text needs."""
    height = len(note_lines(note)) * fonts.line_height("body")
    return Rect(note.x, note.y, note.width, height + 2 * NOTE_PAD)


def frame_rect(frame: FrameView) -> Rect:
    """A frame's rectangle."""
    return Rect(frame.x, frame.y, frame.width, frame.height)


def holds(rect: Rect, point: Point) -> bool:
    """Whether a point lies in a rectangle."""
    return rect.x <= point.x < rect.right and rect.y <= point.y < rect.bottom


def item_at(scene: CanvasScene, point: Point, zoom: float) -> ItemHit | None:
    """The part of a frame or note that can be taken hold of; the ground of a frame cannot."""
    reach = EDGE / zoom
    for note in reversed(scene.notes):
        rect = note_rect(note)
        if holds(rect.grown(reach / 2), point):
            return ItemHit(note.id, "edge" if point.x > rect.right - reach else "body")
    for frame in reversed(scene.frames):
        rect = frame_rect(frame)
        if holds(rect.grown(reach / 2), point):
            if point.x > rect.right - reach and point.y > rect.bottom - reach:
                return ItemHit(frame.id, "corner")
            bar = FRAME_TITLE if zoom >= READABLE else 2 * FRAME_TITLE
            if point.y < rect.y + bar:
                return ItemHit(frame.id, "title")
    return None


def item_corner(scene: CanvasScene, id: str) -> Point:
    """Where a frame or note stands."""
    return next(Point(item.x, item.y) for item in items(scene) if item.id == id)


def items(scene: CanvasScene) -> tuple[FrameView | NoteView, ...]:
    """Frames, then notes."""
    return (*scene.frames, *scene.notes)


def carried(scene: CanvasScene, ids: Iterable[str]) -> tuple[set[str], set[str]]:
    """What goes along with frames: the nodes they hold, and frames and notes within them."""
    pending, nodes, found = list(ids), set[str](), set[str](ids)
    frames = {frame.id: frame for frame in scene.frames}
    for id in pending:  # grows as it goes
        if id not in frames:
            continue
        nodes |= set(frames[id].nodes)
        around = frame_rect(frames[id])
        inner = [one.id for one in items(scene) if one.id not in found and _within(around, one)]
        found |= set(inner)
        pending += inner
    return nodes & scene.index_of.keys(), found


def _within(around: Rect, item: FrameView | NoteView) -> bool:
    rect = frame_rect(item) if isinstance(item, FrameView) else note_rect(item)
    corners = Point(rect.x, rect.y), Point(rect.right - 1, rect.bottom - 1)
    return all(holds(around, corner) for corner in corners)


def shifted(scene: CanvasScene, ids: Iterable[str], across: float, down: float) -> None:
    """Show frames and notes elsewhere."""
    chosen = frozenset(ids)
    scene.put_items(
        [
            replace(one, x=one.x + across, y=one.y + down) if one.id in chosen else one
            for one in scene.frames
        ],
        [
            replace(one, x=one.x + across, y=one.y + down) if one.id in chosen else one
            for one in scene.notes
        ],
    )


def frame_for(scene: CanvasScene, point: Point, moving: Iterable[str] = ()) -> FrameView | None:
    """The smallest frame around a point, none of those that move."""
    apart = frozenset(moving)
    found = [f for f in scene.frames if f.id not in apart and holds(frame_rect(f), point)]
    return min(found, key=lambda frame: frame.width * frame.height, default=None)


def memberships(
    scene: CanvasScene, drawing: Graph, ids: Iterable[str], into: str, moving: Iterable[str] = ()
) -> list[Edit]:
    """The edits after which each of these nodes belongs to the frame that its middle lies in."""
    frames = dict(drawing.frames)
    for id in ids:
        rect = scene.rect(scene.index_of[id])
        home = frame_for(scene, Point(rect.x + rect.width / 2, rect.middle), moving)
        for frame in list(frames.values()):
            inside = id in frame.nodes
            if frame.id in moving or inside == (home is not None and home.id == frame.id):
                continue
            left = tuple(node for node in frame.nodes if node != id)
            frames[frame.id] = replace(frame, nodes=left if inside else (*left, id))
    return [
        edits.SetFrame(frame, into=into)
        for id, frame in sorted(frames.items())
        if frame != drawing.frames[id]
    ]
