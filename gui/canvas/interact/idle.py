"""No gesture: hovering, and what a press begins."""

from __future__ import annotations

from dataclasses import replace

from gui.canvas.interact.marquee import Marquee
from gui.canvas.interact.move import Move
from gui.canvas.interact.pan import Pan
from gui.canvas.interact.state import Host, Interaction, Pointer


class Idle(Interaction):
    """Lights what is under the pointer; a press selects and begins a gesture."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._hovered: str | None = None

    def move(self, pointer: Pointer) -> None:
        scene = self.host.scene
        node = scene.node_at(pointer.canvas)
        self._hover(node)
        wire = scene.wire_at(pointer.canvas, self.host.camera.zoom) if node is None else None
        scene.mark_wires(-1 if wire is None else wire, scene.selected_wires)

    def press(self, pointer: Pointer) -> None:
        host = self.host
        if pointer.button == "middle" or (pointer.button == "left" and pointer.space):
            self._begin(Pan(host, pointer))
        elif pointer.button == "left":
            self._select(pointer)

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
        self.host.scene.mark_wires(-1, ())
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
