"""Selecting by a rectangle."""

from __future__ import annotations

from graph.graph import Wire
from gui.canvas.geometry import Point, Rect
from gui.canvas.interact.state import Host, Interaction, Pointer


class Marquee(Interaction):
    """Selects the nodes it touches; with shift or control added to those selected before."""

    def __init__(self, host: Host, pointer: Pointer, more: bool) -> None:
        super().__init__(host)
        self._pressed = pointer
        self._before = host.document.selection | host.scene.items
        self._kept = self._before if more else frozenset[str]()
        self._wires_before = host.document.selected_wires
        self._wires = self._wires_before if more else frozenset[Wire]()
        host.select(self._kept, self._wires)

    def move(self, pointer: Pointer) -> None:
        host = self.host
        if host.marquee is None and not pointer.far_from(self._pressed):
            return
        host.marquee = between(self._pressed.canvas, pointer.canvas)
        touched = set(host.scene.nodes_in(host.marquee))
        host.select(self._kept | touched, self._wires)
        host.redraw()

    @property
    def reaches(self) -> bool:
        return self.host.marquee is not None

    def release(self, pointer: Pointer) -> None:
        if pointer.button == "left":
            self._end()

    def cancel(self) -> None:
        self.host.document.select(self._before, self._wires_before)
        self._end()

    def _end(self) -> None:
        self.host.marquee = None
        self.host.redraw()
        self.host.leave()


def between(one: Point, other: Point) -> Rect:
    """The rectangle with two opposite corners."""
    x, y = min(one.x, other.x), min(one.y, other.y)
    return Rect(x, y, abs(one.x - other.x), abs(one.y - other.y))
