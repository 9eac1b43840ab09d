"""Moving the selection: nodes, frames with what they hold, notes, dots of wires."""

from __future__ import annotations

from graph import edits
from graph.dots import dots_text
from graph.edit import Edit
from gui.canvas import dots
from gui.canvas.commands import copy_text, middle_of, paste_text
from gui.canvas.draft import NO_DRAFT, Draft
from gui.canvas.geometry import GRID, Point
from gui.canvas.insert import Spot, insertion, wire_under
from gui.canvas.interact.state import ESCAPE, Host, Interaction, Pointer
from gui.canvas.items import carried, frame_for, frame_rect, item_corner, memberships, shifted
from gui.canvas.scene import CanvasScene
from gui.canvas.view_model import FrameView
from gui.document import Dot

COPY = "copy"  # one step: a copy and the way it is moved


class Move(Interaction):
    """What is under the pointer, `grip`, snaps to the grid, the rest keeps its distance to it.

    Dots of wires between nodes go along with them. A dot snaps to the height of what is beside it.
    The scene shows it at once; the document gets one edit at release. A press that does not move
    selects that thing alone. A node without wires that is dropped on one goes into it; a node that
    leaves a frame or comes into one belongs to it no more, or from then on.
    """

    keys = ESCAPE

    def __init__(self, host: Host, pointer: Pointer, grip: str | Dot, key: str = "") -> None:
        """With a `key` it goes on with the step that has it, and takes it back when cancelled."""
        super().__init__(host)
        self._pressed, self._key = pointer, key
        self._id = "" if isinstance(grip, Dot) else grip
        self._dot = grip if isinstance(grip, Dot) else None
        self._copy = pointer.alt and self._dot is None
        self._dragging = self._copied = False
        self._spot: Spot | None = None
        self._home: FrameView | None = None
        self._take()

    def _take(self) -> None:
        """What moves, and where it starts."""
        host, scene = self.host, self.host.scene
        drawing, selection = host.document.drawing, host.document.selection
        held, items = carried(scene, scene.items)
        self._free = sorted(selection - held)  # nodes that may change their frame
        self._which = scene.indices(selection | held)
        self._items = items
        self._dots = dots.carried(scene, self._which)
        self._dots.update(dots.spots(host.document, host.document.selected_dots))
        self._anchor = scene.index_of.get(self._id)
        self._start = self._corner()
        self._at = self._start
        self._before = scene.snapshot(self._which)
        self._frames, self._notes = scene.frames, scene.notes
        alone = len(self._which) == 1 and not (items or self._dots) and self._anchor is not None
        wires = alone and (drawing.wires_in(self._id) or drawing.wires_out(self._id))
        self._single = alone and not wires

    @property
    def reaches(self) -> bool:
        return self._dragging

    def _corner(self) -> Point:
        if self._dot is None:
            return place_of(self.host.scene, self._id)
        ((row, number),) = dots.spots(self.host.document, [self._dot])
        return Point(*self.host.scene.led.of[row][number].tolist())

    def _goal(self, at: Point) -> Point:
        """Where the grip comes to lie when the pointer is there."""
        pressed, host = self._pressed.canvas, self.host
        x, y = self._start.x + at.x - pressed.x, self._start.y + at.y - pressed.y
        if self._dot is None:
            return Point(_snapped(x), _snapped(y))
        ((row, number),) = dots.spots(host.document, [self._dot])
        return Point(*dots.settled(host.scene, row, number, (x, y), host.camera.zoom))

    def move(self, pointer: Pointer) -> None:
        if not self._dragging and not self._begin(pointer):
            return
        scene, goal = self.host.scene, self._goal(pointer.canvas)
        across, down = goal.x - self._at.x, goal.y - self._at.y
        if across or down:
            self._at = goal
            if len(self._which) or self._dots:
                scene.shift(self._which, across, down, self._dots)
            if self._items:
                shifted(scene, self._items, across, down)
        self._light(pointer)

    def _begin(self, pointer: Pointer) -> bool:
        if not pointer.far_from(self._pressed):
            return False
        self._dragging = True
        if self._copy:
            self._duplicate()
        self.host.scene.lift(self._which, self._dots)
        return True

    def _duplicate(self) -> None:
        """Go on with a copy that lies where the selection lies."""
        host, scene = self.host, self.host.scene
        corner, at = self._corner(), middle_of(host)
        host.leave()  # else the change of the document would end the gesture
        new = paste_text(host, copy_text(host), at, keep_wires=True, name="Duplicate", key=COPY)
        host.enter(self)
        same = [id for id in new if place_of(scene, id) == corner]
        if new:
            self._copied, self._id = True, (same or list(new))[0]
            self._take()

    def _light(self, pointer: Pointer) -> None:
        """Show the wire a single node would go into, or the frame that nodes come into."""
        host, scene = self.host, self.host.scene
        self._spot = self._home = None
        if self._single and self._anchor is not None and not pointer.alt:
            rect, op = scene.rect(self._anchor), host.document.drawing.node(self._id).op
            self._spot = wire_under(host.document, scene, op, rect, self._id)
        if self._free and self._anchor is not None and self._spot is None:
            rect = scene.rect(self._anchor)
            middle = Point(rect.x + rect.width / 2, rect.middle)
            home = frame_for(scene, middle, self._items)
            self._home = home if home and self._id not in home.nodes else None
        rows = () if self._spot is None else (self._spot.row,)
        outline = None if self._home is None else frame_rect(self._home)
        if rows != host.draft.rows or outline != host.draft.outline:
            host.show_draft(Draft(rows=rows, outline=outline) if rows or outline else NO_DRAFT)

    def release(self, pointer: Pointer) -> None:
        if pointer.button != "left":
            return
        host = self.host
        if not self._dragging:
            if not (pointer.shift or pointer.control) and not self._key:
                host.select([self._id], (), [self._dot] if self._dot else ())
            host.leave()
            host.document.history.end_merge()
        elif self._at == self._start:
            self._end(put_back=not self._copied)
            host.document.history.end_merge()
        else:
            self._commit()

    def _commit(self) -> None:
        host, scene = self.host, self.host.scene
        into, drawing = host.document.into, host.document.drawing
        rows = self._which.tolist()
        places = [(scene.ids[row], *scene.places[row].tolist()) for row in rows]
        places += [(i, c.x, c.y) for i in sorted(self._items) for c in (item_corner(scene, i),)]
        if self._spot is not None:
            places = [(self._id, self._spot.corner.x, self._spot.corner.y)]
        parts: list[Edit] = [edits.Move(tuple(places), into=into)] if places else []
        parts += dots.shown(host, self._dots)
        name = self._name(places, parts)
        if self._spot is not None and self._anchor is not None:
            box = scene.box(self._anchor)
            parts += insertion(host.document, scene, self._spot, self._id, box)
            name = f"Insert {drawing.node(self._id).label}"
        elif drawing.frames:
            changes = memberships(scene, drawing, self._free, into, self._items)
            name = name or (parts[0].title(host.document.graph) if changes else "")
            parts += changes
        key = COPY if self._copied else self._key
        self._end(put_back=False)
        host.push(*parts, name=name, key=key)
        host.document.history.end_merge()

    def _name(self, places: list[tuple[str, float, float]], parts: list[Edit]) -> str:
        """What the menu calls it; "" where its only edit says so."""
        document = self.host.document
        dots_too = len(document.selected_dots)
        if len(parts) < 2:
            return ""
        if not places:
            return f"Move {dots_text(dots_too)}"
        return (
            f"Move {len(places) + dots_too} items" if dots_too else parts[0].title(document.graph)
        )

    def key(self, key: str) -> None:
        self.cancel()

    def cancel(self) -> None:
        copied = self._copied or bool(self._key)
        self._copied = False
        self._end(put_back=self._dragging)
        if copied:
            self.host.document.undo()

    def interrupted(self) -> None:
        self._end(put_back=self._dragging)

    def _end(self, put_back: bool) -> None:
        host, scene = self.host, self.host.scene
        if put_back:
            scene.restore(self._before)
            scene.put_items(self._frames, self._notes)
        if self._dragging:
            scene.lift(scene.indices(()))
            host.show_draft(NO_DRAFT)
        self._dragging = False
        host.leave()


def place_of(scene: CanvasScene, id: str) -> Point:
    """Where a node, frame or note stands."""
    row = scene.index_of.get(id)
    return item_corner(scene, id) if row is None else Point(*scene.places[row].tolist())


def _snapped(length: float) -> float:
    return float(round(length / GRID) * GRID)
