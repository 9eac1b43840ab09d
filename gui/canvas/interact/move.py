"""Moving the selected nodes."""

from __future__ import annotations

from graph import edits
from gui.canvas.geometry import GRID
from gui.canvas.interact.state import Host, Interaction, Pointer


class Move(Interaction):
    """The node under the pointer snaps to the grid, the others keep their distance to it.

    The scene shows them at once; the document gets one edit at release. A press that does not move
    selects that node alone.
    """

    def __init__(self, host: Host, pointer: Pointer, node: str) -> None:
        super().__init__(host)
        self._pressed, self._node = pointer, node
        self._which = host.scene.indices(host.document.selection)
        self._first = host.scene.index_of[node]
        self._start = host.scene.places[self._first].tolist()
        self._before = host.scene.snapshot(self._which)
        self._dragging = False

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
        host.leave()
        host.document.push(edits.Move(tuple(places), into=host.document.into))

    def cancel(self) -> None:
        scene = self.host.scene
        if self._dragging:
            scene.restore(self._before)
            scene.lift(scene.indices(()))
        self.host.leave()


def _snapped(length: float) -> float:
    return float(round(length / GRID) * GRID)
