"""No gesture: hovering, and what a press begins."""

from __future__ import annotations

from dataclasses import replace

from gui.canvas.interact.link import DragLink
from gui.canvas.interact.marquee import Marquee
from gui.canvas.interact.move import Move
from gui.canvas.interact.pan import Pan
from gui.canvas.interact.state import Host, Interaction, Pointer
from gui.canvas.scene import PortHit

NEAR = 8.0  # px from a port within which it comes before a wire
PORTS_FROM = 0.25  # zoom: below it a node is a block without ports


class Idle(Interaction):
    """Lights what is under the pointer; a press selects and begins a gesture."""

    keys = frozenset({"tab"})

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._hovered: str | None = None

    def move(self, pointer: Pointer) -> None:
        scene = self.host.scene
        port = self._port(pointer)
        node = port.node if port else scene.node_at(pointer.canvas)
        self._hover(node)
        wire = scene.wire_at(pointer.canvas, self.host.camera.zoom) if node is None else None
        scene.mark_wires(-1 if wire is None else wire, scene.selected_wires)
        if not pointer.space:
            self.host.show_cursor("cross" if port else "arrow")

    def _port(self, pointer: Pointer) -> PortHit | None:
        """The port under the pointer, while ports are drawn; short wires stay in reach."""
        scene, zoom = self.host.scene, self.host.camera.zoom
        found = scene.port_at(pointer.canvas) if zoom >= PORTS_FROM else None
        if found is None or scene.port_at(pointer.canvas, NEAR) is not None:
            return found
        at = pointer.canvas
        return found if scene.node_at(at) or scene.wire_at(at, zoom) is None else None

    def press(self, pointer: Pointer) -> None:
        host = self.host
        if pointer.button == "middle" or (pointer.button == "left" and pointer.space):
            self._begin(Pan(host, pointer))
        elif pointer.button == "left":
            port = self._port(pointer)
            if port is not None and not pointer.shift:
                self._begin(DragLink(host, pointer, port))
            else:
                self._select(pointer)

    def double(self, pointer: Pointer) -> bool:
        """On empty canvas: search for a node; on a name: type it; on an instance: go inside."""
        host = self.host
        if pointer.button != "left" or pointer.space or self._port(pointer):
            return False
        scene = host.scene
        node = scene.node_at(pointer.canvas)
        if node is None:
            if scene.wire_at(pointer.canvas, host.camera.zoom) is not None:
                return False
            host.want_library(pointer.canvas, None)
        elif not host.enter_node(node):
            host.edit_text(node)
        return True

    def key(self, key: str) -> None:
        self.host.want_library(self.host.pointed(), None)

    def _select(self, pointer: Pointer) -> None:
        host, more = self.host, pointer.shift or pointer.control
        node = host.scene.node_at(pointer.canvas)
        wire = host.scene.wire_at(pointer.canvas, host.camera.zoom) if node is None else None
        if node is not None:
            chosen = host.document.selection
            if more:
                host.document.select(chosen ^ {node}, host.document.selected_wires)
            elif node not in chosen:
                host.document.select({node})
            if node in host.document.selection:
                self._begin(Move(host, pointer, node))
        elif wire is not None:
            picked = frozenset({host.document.wires[wire]})
            if more:
                chosen = host.document.selection
                host.document.select(chosen, host.document.selected_wires ^ picked)
            else:
                host.document.select((), picked)
        else:
            self._begin(Marquee(host, pointer, more))

    def _begin(self, state: Interaction) -> None:
        self._hover(None)
        self.host.enter(state)

    def cancel(self) -> None:
        self._hover(None)
        self.host.document.select(())

    def _hover(self, node: str | None) -> None:
        if node == self._hovered:
            return
        scene, states = self.host.scene, []
        for id, hovered in ((self._hovered, False), (node, True)):
            if id is not None and id in scene.index_of:
                state = scene.views[scene.index_of[id]].state
                states.append((id, replace(state, hovered=hovered)))
        self._hovered = node
        scene.set_states(states)
