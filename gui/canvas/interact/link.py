"""Drawing a wire: from any port; from a wired input the wire itself is taken."""

from __future__ import annotations

from graph import edits
from graph.graph import Graph, Wire
from graph.op import PortKind
from gui.canvas.draft import NO_DRAFT, Draft, DraftWire
from gui.canvas.geometry import Point
from gui.canvas.hits import PortHit
from gui.canvas.interact.candidates import Candidates, Port
from gui.canvas.interact.refused import Refused
from gui.canvas.interact.state import ESCAPE, SNAP, Host, Interaction, Pointer
from gui.canvas.view_model import WireState
from gui.library.fits import Loose

HIT = 14.0  # px on screen within which a port that does not fit says so


def loose_end(drawing: Graph, hit: PortHit, fresh: bool = False) -> tuple[Loose, Wire | None]:
    """The end that a drag from a port keeps, and the wire that it takes off an input.

    With `fresh` a wired input keeps its wire and a new one begins there.
    """
    if hit.is_output:
        return Loose(hit.node, drawing.ports_out(hit.node)[hit.index].name, "output"), None
    name = drawing.ports_in(hit.node)[hit.index].name
    wires = drawing.wires_in(hit.node, name)
    if wires and not fresh:
        return Loose(wires[-1].source, wires[-1].output, "output"), wires[-1]
    return Loose(hit.node, name, "input"), None


class DragLink(Interaction):
    """The wire follows the pointer; ports that fit light up and draw it to them within 20 px."""

    keys = ESCAPE

    def __init__(self, host: Host, pointer: Pointer, hit: PortHit) -> None:
        super().__init__(host)
        self._pressed, self._at = pointer, pointer
        self._hit = hit
        end, held = loose_end(host.document.drawing, hit, fresh=pointer.control)
        self._candidates = Candidates(host, end, held)
        self._start, self._kind = anchor(host, end)
        self._target: Port | None = None
        self._dragging = False

    def move(self, pointer: Pointer) -> None:
        if not self._dragging:
            if not pointer.far_from(self._pressed):
                return
            self._dragging = True
            self._hide_held()
            self.host.work_soon()
        self._at = pointer
        self._target = self._under(pointer)
        self._show()

    @property
    def reaches(self) -> bool:
        return self._dragging

    def _hide_held(self) -> None:
        held, scene = self._candidates.held, self.host.scene
        scene.hide_wires(() if held is None else [self.host.document.wires.index(held)])

    def _under(self, pointer: Pointer) -> Port | None:
        """The port that a release would wire."""
        found, host = self._candidates, self.host
        zoom = host.camera.zoom
        near = found.nearest(pointer.canvas, SNAP / zoom)
        if near is not None:
            return near
        hit = host.scene.port_at(pointer.canvas, HIT / zoom)
        if hit is not None and found.is_candidate(hit) and hit.node != found.end.node:
            return hit.node, hit.index
        node = host.scene.node_at(pointer.canvas)
        return found.of_node(node) if node not in (None, found.end.node) else None

    def _show(self) -> None:
        self._candidates.show([(self._start, self._kind)], self._target, self._at.canvas)

    def work(self, until: float) -> bool:
        if not self._dragging:
            return False
        more = self._candidates.work(self._at.canvas, until)
        self._show()
        return more

    def release(self, pointer: Pointer) -> None:
        if pointer.button != "left":
            return
        if not self._dragging:
            self._end()
            self.host.select([self._hit.node])
            return
        self._at = pointer
        self._target = self._under(pointer)
        found, port, host = self._candidates, self._target, self.host
        self._end()
        problem = found.problem(port) if port else None
        if port is not None and problem is None:
            take(host, found.wire_to(port), found.held)
        elif port is not None and problem is not None:
            host.enter(Refused(host, found.wire_to(port), problem, found.held))
        elif found.held is not None:
            host.push(edits.Disconnect(found.held, into=host.document.into))
        else:
            output = found.end.side == "output"
            ends = (self._start, pointer.canvas) if output else (pointer.canvas, self._start)
            host.enter(Asking(host, DraftWire(*ends, self._kind, WireState(proposed=True))))
            host.want_library(pointer.canvas, found.end)

    def key(self, key: str) -> None:
        self.cancel()

    def cancel(self) -> None:
        self._end()

    def _end(self) -> None:
        self.host.scene.hide_wires(())
        self.host.show_draft(NO_DRAFT)
        self.host.leave()


class Asking(Interaction):
    """The wire stays to be seen while a node is searched for it."""

    keys = ESCAPE

    def __init__(self, host: Host, wire: DraftWire) -> None:
        super().__init__(host)
        host.show_draft(Draft(wires=(wire,)))

    def press(self, pointer: Pointer) -> None:
        self.cancel()
        self.host.repeat_press(pointer)

    def focused(self) -> None:
        self.cancel()

    def key(self, key: str) -> None:
        self.cancel()

    def cancel(self) -> None:
        self.host.show_draft(NO_DRAFT)
        self.host.leave()


def take(host: Host, wire: Wire, held: Wire | None) -> None:
    """Draw a wire that fits; one that was taken off another port leaves it."""
    if wire == held:
        return
    into = host.document.into
    off = [edits.Disconnect(held, into=into)] if held is not None else []
    host.push(*off, edits.Connect(wire, into=into), name="Move the wire" if off else "")


def anchor(host: Host, end: Loose) -> tuple[Point, PortKind]:
    """Where the fixed end is, and the kind of data there."""
    view = host.scene.node(end.node)
    ports = view.outputs if end.side == "output" else view.inputs
    index = next(number for number, port in enumerate(ports) if port.name == end.port)
    return host.scene.port_point(end.node, index, end.side == "output"), ports[index].kind
