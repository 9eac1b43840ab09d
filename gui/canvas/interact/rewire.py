"""Moving all wires of a port to another one: control and a drag from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graph import edits
from graph.checks.problem import Problem
from graph.graph import Wire
from gui.canvas.draft import NO_DRAFT
from gui.canvas.hits import PortHit
from gui.canvas.interact.candidates import Candidates, Port
from gui.canvas.interact.link import HIT, anchor
from gui.canvas.interact.state import ESCAPE, SNAP, Host, Interaction, Pointer
from gui.library.fits import Loose


def wires_of(host: Host, hit: PortHit) -> list[Wire]:
    """The wires of a port."""
    drawing = host.document.drawing
    if hit.is_output:
        return drawing.wires_out(hit.node, drawing.ports_out(hit.node)[hit.index].name)
    return drawing.wires_in(hit.node, drawing.ports_in(hit.node)[hit.index].name)


class _All(Candidates):
    """Ports that fit every one of several wires whose other ends stay."""

    def __init__(self, host: Host, wires: Sequence[Wire], output: bool) -> None:
        ends = [_other(wire, output) for wire in wires]
        super().__init__(host, ends[0], wires[0])
        self.each = [
            self,
            *(Candidates(host, e, w) for e, w in zip(ends[1:], wires[1:], strict=True)),
        ]

    def problem(self, hit: Port) -> Problem | None:
        found = super().problem(hit)
        if found is not None:
            return found
        others = (one.problem(hit) for one in self.each[1:])
        return next((problem for problem in others if problem is not None), None)


def _other(wire: Wire, output: bool) -> Loose:
    """The end that stays when the wire leaves its output, or else its input."""
    if output:
        return Loose(wire.target, wire.input, "input")
    return Loose(wire.source, wire.output, "output")


class MoveWires(Interaction):
    """The wires follow the pointer together; dropped on nothing they are removed."""

    keys = ESCAPE

    def __init__(self, host: Host, pointer: Pointer, hit: PortHit) -> None:
        super().__init__(host)
        self._pressed, self._at, self._hit = pointer, pointer, hit
        self._wires = wires_of(host, hit)
        self._found = _All(host, self._wires, hit.is_output)
        self._starts = [anchor(host, one.end) for one in self._found.each]
        self._target: Port | None = None
        self._dragging = False

    @property
    def reaches(self) -> bool:
        return self._dragging

    def move(self, pointer: Pointer) -> None:
        if not self._dragging:
            if not pointer.far_from(self._pressed):
                return
            self._dragging = True
            rows = self.host.document.wires
            self.host.scene.hide_wires(rows.index(wire) for wire in self._wires)
            self.host.work_soon()
        self._at = pointer
        self._target = self._under(pointer)
        self._show()

    def _under(self, pointer: Pointer) -> Port | None:
        """The port that a release would move the wires to."""
        zoom = self.host.camera.zoom
        near = self._found.nearest(pointer.canvas, SNAP / zoom)
        hit = self.host.scene.port_at(pointer.canvas, HIT / zoom) if near is None else None
        return (hit.node, hit.index) if hit and self._found.is_candidate(hit) else near

    def _show(self) -> None:
        self._found.show(self._starts, self._target, self._at.canvas)

    def work(self, until: float) -> bool:
        if not self._dragging:
            return False
        more = self._found.work(self._at.canvas, until)
        self._show()
        return more

    def release(self, pointer: Pointer) -> None:
        if pointer.button != "left":
            return
        host, dragged = self.host, self._dragging
        port = self._under(pointer)
        self.cancel()
        if not dragged:
            host.select([self._hit.node])
            return
        problem = self._found.problem(port) if port else None
        if problem is not None:
            host.say(f"{problem.message}; {problem.remedy}.")
        elif port is None or port != (self._hit.node, self._hit.index):
            self._commit(port)

    def _commit(self, port: Port | None) -> None:
        """Wire them to a port, or to nothing."""
        host, into, count = self.host, self.host.document.into, len(self._wires)
        words = f"{count} wire{'s' if count != 1 else ''}"
        off = [edits.Disconnect(wire, into=into) for wire in self._wires]
        if port is None:
            host.push(*off, name=f"Remove {words}")
            return
        made = [one.wire_to(port) for one in self._found.each]
        if not self._hit.is_output:  # side by side in a port that takes any number
            made = [replace(wire, order=wire.order + place) for place, wire in enumerate(made)]
        on = [edits.Connect(wire, into=into) for wire in made]
        host.push(*off, *on, name=f"Move {words}")

    def key(self, key: str) -> None:
        self.cancel()

    def cancel(self) -> None:
        self.host.scene.hide_wires(())
        self.host.show_draft(NO_DRAFT)
        self.host.leave()
