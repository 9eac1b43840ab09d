"""Selecting by a rectangle."""

from __future__ import annotations

from graph.graph import Wire
from gui.canvas.geometry import Point, Rect
from gui.canvas.interact.state import Host, Interaction, Pointer
from gui.document import Dot


class Marquee(Interaction):
    """Selects the nodes it touches and the dots it holds; with shift or control besides those
    selected before.
    """

    def __init__(self, host: Host, pointer: Pointer, more: bool) -> None:
        super().__init__(host)
        self._pressed = pointer
        self._before = host.document.selection | host.scene.items
        self._kept = self._before if more else frozenset[str]()
        self._wires_before = host.document.selected_wires
        self._wires = self._wires_before if more else frozenset[Wire]()
        self._dots_before = host.document.selected_dots
        self._dots = self._dots_before if more else frozenset[Dot]()
        host.select(self._kept, self._wires, self._dots)

    def move(self, pointer: Pointer) -> None:
        host = self.host
        if host.marquee is None and not pointer.far_from(self._pressed):
            return
        host.marquee = between(self._pressed.canvas, pointer.canvas)
        touched = set(host.scene.nodes_in(host.marquee))
        wires = host.document.wires
        held = {Dot(wires[row], number) for row, number in host.scene.dots_in(host.marquee)}
        host.select(self._kept | touched, self._wires, self._dots | held)
        host.redraw()

    @property
    def reaches(self) -> bool:
        return self.host.marquee is not None

    def release(self, pointer: Pointer) -> None:
        if pointer.button == "left":
            self._end()

    def cancel(self) -> None:
        self.host.document.select(self._before, self._wires_before, self._dots_before)
        self._end()

    def _end(self) -> None:
        self.host.marquee = None
        self.host.redraw()
        self.host.leave()


def between(one: Point, other: Point) -> Rect:
    """The rectangle with two opposite corners."""
    x, y = min(one.x, other.x), min(one.y, other.y)
    return Rect(x, y, abs(one.x - other.x), abs(one.y - other.y))
