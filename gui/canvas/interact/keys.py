"""The canvas by keyboard: going from node to node, and drawing wires. No pointer needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gui.canvas.draft import NO_DRAFT, Draft, DraftWire
from gui.canvas.geometry import Point
from gui.canvas.hits import PortHit
from gui.canvas.interact.candidates import Candidates, Port
from gui.canvas.interact.link import anchor, loose_end, take
from gui.canvas.interact.state import Host, Interaction, Pointer
from gui.canvas.view_model import WireState

ARROWS: Mapping[str, tuple[int, int]] = {
    "left": (-1, 0),
    "right": (1, 0),
    "up": (0, -1),
    "down": (0, 1),
}


def towards(start: Point, places: Iterable[tuple[str, Point]], arrow: str) -> str | None:
    """The nearest place in a direction: what lies straight ahead comes before what lies aside."""
    across, down = ARROWS[arrow]
    best, least = None, float("inf")
    for name, place in places:
        x, y = place.x - start.x, place.y - start.y
        ahead, aside = x * across + y * down, abs(x * down) + abs(y * across)
        if ahead > 0.5 and ahead + 2.5 * aside < least:
            best, least = name, ahead + 2.5 * aside
    return best


def walk(host: Host, arrow: str, more: bool) -> None:
    """Select the nearest node in a direction; with `more`, beside those selected."""
    scene, chosen = host.scene, host.document.selection
    here = host.at_node if host.at_node in scene.index_of else None
    if here is None or here not in chosen:
        here = min(chosen, default=None) if chosen else None
    if here is None:
        first = min(range(len(scene.ids)), key=lambda i: tuple(scene.places[i]), default=None)
        goal = None if first is None else scene.ids[first]
    else:
        goal = towards(_middle(host, here), _middles(host, here), arrow)
    if goal is not None:
        host.select(chosen | {goal} if more else [goal])
        host.at_node = goal
        host.reveal(goal)


def _middle(host: Host, id: str) -> Point:
    rect = host.scene.rect(host.scene.index_of[id])
    return Point(rect.x + rect.width / 2, rect.middle)


def _middles(host: Host, apart: str) -> Iterable[tuple[str, Point]]:
    return ((id, _middle(host, id)) for id in host.scene.ids if id != apart)


class ChoosePort(Interaction):
    """Arrows go round the ports of one node; Enter takes the one to wire, Esc none."""

    keys = frozenset({"escape", "enter", "tab", *ARROWS})

    def __init__(self, host: Host, node: str) -> None:
        super().__init__(host)
        box = host.scene.box(host.scene.index_of[node])
        self._ports = [PortHit(node, i, True) for i in range(len(box.outputs))]
        self._ports += [PortHit(node, i, False) for i in range(len(box.inputs))]
        self._now = 0
        self._show()

    def key(self, key: str) -> None:
        if key == "escape" or not self._ports:
            self.cancel()
            return
        hit, host = self._ports[self._now], self.host
        if key == "enter":
            host.show_draft(NO_DRAFT)
            host.enter(KeyLink(host, hit))
        elif key == "tab":
            end, _ = loose_end(host.document.drawing, hit, fresh=True)
            self.cancel()
            host.want_library(host.scene.port_point(hit.node, hit.index, hit.is_output), end)
        else:
            self._now = self._beside(key)
            self._show()

    def _beside(self, arrow: str) -> int:
        at = self._point(self._ports[self._now])
        places = ((str(n), self._point(port)) for n, port in enumerate(self._ports))
        found = towards(at, places, arrow)
        return self._now if found is None else int(found)

    def _point(self, hit: PortHit) -> Point:
        return self.host.scene.port_point(hit.node, hit.index, hit.is_output)

    def _show(self) -> None:
        focus = self._point(self._ports[self._now]) if self._ports else None
        self.host.show_draft(Draft(focus=focus))

    def press(self, pointer: Pointer) -> None:
        self.cancel()
        self.host.repeat_press(pointer)

    def cancel(self) -> None:
        self.host.show_draft(NO_DRAFT)
        self.host.leave()


class KeyLink(Interaction):
    """Arrows go from port to port among those that fit; Enter draws the wire, Tab searches."""

    keys = ChoosePort.keys

    def __init__(self, host: Host, hit: PortHit) -> None:
        super().__init__(host)
        end, _ = loose_end(host.document.drawing, hit, fresh=True)
        self._candidates = Candidates(host, end)
        self._start, self._kind = anchor(host, end)
        self._ports = {f"{id}/{n}": (id, n) for id, n in self._candidates.fitting()}
        self._now = self._first()
        self._show()

    def _point(self, port: Port) -> Point:
        return self.host.scene.port_point(*port, self._candidates.end.side == "input")

    def _first(self) -> str | None:
        """The nearest port that is free, else the nearest."""
        drawing = self.host.document.drawing

        def far(name: str) -> tuple[bool, float]:
            port, wire = self._ports[name], self._candidates.wire_to(self._ports[name])
            wired = bool(drawing.wires_in(wire.target, wire.input))
            at = self._point(port)
            return wired, abs(at.x - self._start.x) + abs(at.y - self._start.y)

        return min(self._ports, key=far, default=None)

    def key(self, key: str) -> None:
        host = self.host
        if key == "escape":
            self.cancel()
        elif key == "tab":
            self.cancel()
            host.want_library(self._start, self._candidates.end)
        elif key == "enter":
            port = self._ports.get(self._now or "")
            self.cancel()
            if port is not None:
                take(host, self._candidates.wire_to(port), None)
        elif self._now is not None:
            at = self._point(self._ports[self._now])
            places = ((name, self._point(port)) for name, port in self._ports.items())
            self._now = towards(at, places, key) or self._now
            self._show()

    def _show(self) -> None:
        if self._now is None:
            self.host.say("No port takes this wire. Press Tab to add a node that does.")
            self.host.show_draft(Draft(focus=self._start))
            return
        port = self._ports[self._now]
        at = self._point(port)
        self.host.reveal(port[0])
        output = self._candidates.end.side == "output"
        ends = (self._start, at) if output else (at, self._start)
        wire = DraftWire(*ends, self._kind, WireState(proposed=True))
        self.host.show_draft(Draft(wires=(wire,), focus=self._start, target=at))

    def press(self, pointer: Pointer) -> None:
        self.cancel()
        self.host.repeat_press(pointer)

    def cancel(self) -> None:
        self.host.show_draft(NO_DRAFT)
        self.host.leave()
