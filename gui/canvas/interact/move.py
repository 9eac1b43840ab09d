"""Moving the selected nodes."""

from __future__ import annotations

from graph import edits
from gui.canvas.draft import NO_DRAFT, Draft
from gui.canvas.geometry import GRID
from gui.canvas.insert import Spot, insertion, wire_under
from gui.canvas.interact.state import Host, Interaction, Pointer


class Move(Interaction):
    """The node under the pointer snaps to the grid, the others keep their distance to it.

    The scene shows them at once; the document gets one edit at release. A press that does not move
    selects that node alone. A node without wires that is dropped on one goes into it; Alt does not.
    """

    def __init__(self, host: Host, pointer: Pointer, node: str) -> None:
        super().__init__(host)
        self._pressed, self._node = pointer, node
        self._which = host.scene.indices(host.document.selection)
        self._first = host.scene.index_of[node]
        self._start = host.scene.places[self._first].tolist()
        self._before = host.scene.snapshot(self._which)
        self._dragging = False
        drawing = host.document.drawing
        free = not drawing.wires_in(node) and not drawing.wires_out(node)
        self._single = len(self._which) == 1 and free
        self._spot: Spot | None = None

    def move(self, pointer: Pointer) -> None:
        scene = self.host.scene
        if not self._dragging:
            if not pointer.far_from(self._pressed):
                return
            self._dragging = True
            scene.lift(self._which)
        x, y = scene.places[self._first].tolist()
        across = _snapped(self._start[0] + pointer.canvas.x - self._pressed.canvas.x) - x
        down = _snapped(self._start[1] + pointer.canvas.y - self._pressed.canvas.y) - y
        if across or down:
            scene.shift(self._which, across, down)
        self._over(pointer)

    def _over(self, pointer: Pointer) -> None:
        """Light the wire that a single node without wires of its own would go into."""
        host, scene = self.host, self.host.scene
        self._spot = None
        if self._single and not pointer.alt:
            rect, op = scene.rect(self._first), host.document.drawing.node(self._node).op
            self._spot = wire_under(host.document, scene, op, rect, self._node)
        rows = () if self._spot is None else (self._spot.row,)
        if rows != host.draft.rows:
            host.show_draft(Draft(rows=rows) if rows else NO_DRAFT)

    def release(self, pointer: Pointer) -> None:
        if pointer.button != "left":
            return
        host, scene = self.host, self.host.scene
        if not self._dragging:
            if not (pointer.shift or pointer.control):
                host.document.select({self._node})
            host.leave()
            return
        if scene.places[self._first].tolist() == self._start:
            self.cancel()
            return
        places = [
            (scene.ids[index], *scene.places[index].tolist()) for index in self._which.tolist()
        ]
        scene.lift(scene.indices(()))
        host.show_draft(NO_DRAFT)
        host.leave()
        into, spot = host.document.into, self._spot
        if spot is None:
            host.push(edits.Move(tuple(places), into=into))
            return
        put = edits.Move(((self._node, spot.corner.x, spot.corner.y),), into=into)
        parts = insertion(host.document, scene, spot, self._node, scene.box(self._first))
        label = host.document.drawing.node(self._node).label
        host.push(put, *parts, name=f"Insert {label}")

    def cancel(self) -> None:
        scene = self.host.scene
        if self._dragging:
            scene.restore(self._before)
            scene.lift(scene.indices(()))
            self.host.show_draft(NO_DRAFT)
        self.host.leave()


def _snapped(length: float) -> float:
    return float(round(length / GRID) * GRID)
