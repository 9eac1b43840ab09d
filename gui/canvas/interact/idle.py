"""No gesture: hovering, and what a press begins."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gui.canvas import dots
from gui.canvas.geometry import Point
from gui.canvas.hits import PortHit
from gui.canvas.interact.keys import ARROWS, ChoosePort, walk
from gui.canvas.interact.knife import Knife
from gui.canvas.interact.link import DragLink
from gui.canvas.interact.marquee import Marquee
from gui.canvas.interact.move import Move
from gui.canvas.interact.pan import Pan
from gui.canvas.interact.resize import Resize
from gui.canvas.interact.rewire import MoveWires, wires_of
from gui.canvas.interact.state import Cursor, Host, Interaction, Pointer
from gui.canvas.items import item_at
from gui.canvas.led import Spot
from gui.canvas.tidy import nudge
from gui.document import Dot

# px on screen beside a node and into it within which a press takes a port
OUTSIDE, INSIDE = 12.0, 8.0
NAME = 22.0  # px into a node that no port takes: the name begins behind them
PAINTED = 6.0  # px around a port's centre that are its own at every zoom
PUT = "put a dot"  # one step: a dot on a wire and the way it is moved
PORTS_FROM = 0.25  # zoom: below it a node is a block without ports


class Idle(Interaction):
    """Lights what is under the pointer; a press selects and begins a gesture."""

    keys = frozenset(
        {"tab", "enter", "escape", "menu"}
        | {*(held + a for a in ARROWS for held in ("", "shift+", "ctrl+"))}
    )

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._hovered: str | None = None

    def move(self, pointer: Pointer) -> None:
        scene = self.host.scene
        port = self._port(pointer)
        node = port.node if port else scene.node_at(pointer.canvas)
        self._hover(node)
        dot = self._dot(pointer) if port is None else None
        over = node is None and dot is None
        wire = scene.wire_at(pointer.canvas, self.host.camera.zoom) if over else None
        scene.mark_dots(dot, scene.selected_dots)
        scene.mark_wires(-1 if wire is None else wire, scene.selected_wires)
        self.host.hint(port or wire, pointer.window)
        if not pointer.space:
            puts = wire is not None and pointer.alt  # a press would put a dot there
            self.host.show_cursor("cross" if puts else self._cursor(pointer, node, port))

    def _cursor(self, pointer: Pointer, node: str | None, port: PortHit | None) -> Cursor:
        if port is not None:
            return "cross"
        scene, zoom = self.host.scene, self.host.camera.zoom
        item = item_at(scene, pointer.canvas, zoom) if node is None else None
        parts: dict[str, Cursor] = {"corner": "size", "edge": "width"}
        return parts.get(item.part, "arrow") if item is not None else "arrow"

    def _port(self, pointer: Pointer) -> PortHit | None:
        """The port under the pointer, while ports are drawn; short wires stay in reach."""
        scene, at, zoom = self.host.scene, pointer.canvas, self.host.camera.zoom
        if zoom < PORTS_FROM:
            return None
        outside, inside = max(OUTSIDE / zoom, PAINTED), max(min(INSIDE / zoom, NAME), PAINTED)
        found = scene.port_at(at, outside, inside)
        wire = scene.wire_at(at, zoom) if found and scene.node_at(at) is None else None
        if wire is None:
            return found
        sx, sy, tx, ty = scene.wire_ends(np.array([wire]))[0].tolist()
        third = math.hypot(tx - sx, ty - sy) / 3
        return scene.port_at(at, max(min(outside, third), PAINTED))

    def _dot(self, pointer: Pointer) -> Spot | None:
        """The dot under the pointer, while dots are drawn; nodes lie over them."""
        scene, zoom = self.host.scene, self.host.camera.zoom
        if zoom < PORTS_FROM or scene.node_at(pointer.canvas) is not None:
            return None
        return scene.dot_at(pointer.canvas, zoom)

    def press(self, pointer: Pointer) -> None:
        host = self.host
        host.menu_at = pointer.canvas if pointer.button == "right" else None
        if pointer.button == "middle" or (pointer.button == "left" and pointer.space):
            self._begin(Pan(host, pointer))
        elif pointer.button == "right" and pointer.control:
            self._begin(Knife(host, pointer))
        elif pointer.button == "right":
            self._point_at(pointer)
        elif pointer.button == "left":
            port = self._port(pointer)
            if port is not None and not pointer.shift and self._dot(pointer) is None:
                several = pointer.control and len(wires_of(host, port)) > (not port.is_output)
                kind = MoveWires if several else DragLink
                self._begin(kind(host, pointer, port))
            else:
                self._select(pointer)

    def release(self, pointer: Pointer) -> None:
        if pointer.button == "right":
            self.host.want_menu(pointer.window)

    def _point_at(self, pointer: Pointer) -> None:
        """Select what a menu will be about, unless it is selected already."""
        host, scene = self.host, self.host.scene
        port, node = self._port(pointer), scene.node_at(pointer.canvas)
        node, spot = port.node if port else node, self._dot(pointer)
        if spot is not None:
            dot = Dot(host.document.wires[spot[0]], spot[1])
            if dot not in host.document.selected_dots:
                host.select((), (), [dot])
            return
        if node is not None:
            if node not in host.document.selection:
                host.select([node])
            return
        wire = scene.wire_at(pointer.canvas, host.camera.zoom)
        item = item_at(scene, pointer.canvas, host.camera.zoom)
        if wire is not None:
            host.select((), [host.document.wires[wire]])
        elif item is not None and item.id not in scene.items:
            host.select([item.id])
        elif item is None:
            host.select(())

    def double(self, pointer: Pointer) -> bool:
        """On empty canvas: search for a node; on a name: type it; on an instance: go inside."""
        host, scene = self.host, self.host.scene
        if pointer.button != "left" or pointer.space or self._port(pointer):
            return False
        item = item_at(scene, pointer.canvas, host.camera.zoom)
        node = scene.node_at(pointer.canvas)
        if node is not None:
            if not host.enter_node(node):
                host.edit_text(node)
        elif scene.wire_at(pointer.canvas, host.camera.zoom) is not None:
            return False
        elif item is not None:
            host.edit_text(item.id)
        else:
            host.want_library(pointer.canvas, None)
        return True

    def key(self, key: str) -> None:
        host = self.host
        held, _, arrow = key.rpartition("+")
        if key == "tab":
            host.want_library(host.pointed(), None)
        elif key == "escape":
            self._escape()
        elif key == "menu":
            host.want_menu(host.camera.window(host.pointed()))
        elif key == "enter":
            self._open()
        elif held == "ctrl":
            nudge(host, *ARROWS[arrow])
        else:
            walk(host, arrow, more=held == "shift")

    def _escape(self) -> None:
        """Let go of what is selected; with nothing selected, leave the subgraph."""
        document = self.host.document
        wires = document.selected_wires or document.selected_dots
        if document.selection or wires or self.host.scene.items:
            self.cancel()
        else:
            self.host.leave_drawing()

    def _open(self) -> None:
        """Go into the selected subgraph, wire the selected node, type the selected note."""
        host, chosen = self.host, self.host.document.selection | self.host.scene.items
        if len(chosen) != 1:
            return
        id = min(chosen)
        if id in host.scene.items:
            host.edit_text(id)
        elif not host.enter_node(id):
            self._begin(ChoosePort(host, id))

    def _select(self, pointer: Pointer) -> None:
        host, more = self.host, pointer.shift or pointer.control
        scene, zoom = host.scene, host.camera.zoom
        node = scene.node_at(pointer.canvas)
        item = item_at(scene, pointer.canvas, zoom) if node is None else None
        sizes = item is not None and item.part in ("corner", "edge")
        dot = self._dot(pointer)
        wire = scene.wire_at(pointer.canvas, zoom) if node is None and not sizes else None
        if node is not None:
            host.at_node = node
            self._take(pointer, node, more)
        elif dot is not None:
            self._take_dot(pointer, Dot(host.document.wires[dot[0]], dot[1]), more)
        elif wire is not None and pointer.alt:
            made = dots.add(host, wire, pointer.canvas, key=PUT)
            if made is not None:
                self._begin(Move(host, pointer, made, key=PUT))
        elif wire is not None:
            picked = frozenset({host.document.wires[wire]})
            if more:
                chosen = host.document.selection | scene.items
                wires, spotted = host.document.selected_wires, host.document.selected_dots
                host.select(chosen, wires ^ picked, spotted)
            else:
                host.select((), picked)
                host.tell_click(wire)
        elif item is None:
            self._begin(Marquee(host, pointer, more))
        elif sizes:
            self._begin(Resize(host, pointer, item.id))
        else:
            self._take(pointer, item.id, more)

    def _take(self, pointer: Pointer, id: str, more: bool) -> None:
        """Select a node, frame or note, and be ready to move the selection."""
        host = self.host
        chosen = host.document.selection | host.scene.items
        if more:
            host.select(chosen ^ {id}, host.document.selected_wires, host.document.selected_dots)
        elif id not in chosen:
            host.select([id])
        if id in host.document.selection | host.scene.items:
            self._begin(Move(host, pointer, id))

    def _take_dot(self, pointer: Pointer, dot: Dot, more: bool) -> None:
        """Select a dot, and be ready to move the selection."""
        host, document = self.host, self.host.document
        picked = frozenset({dot})
        if more:
            chosen = document.selection | host.scene.items
            host.select(chosen, document.selected_wires, document.selected_dots ^ picked)
        elif not picked <= document.selected_dots:
            host.select((), (), picked)
        if picked <= document.selected_dots:
            self._begin(Move(host, pointer, dot))

    def _begin(self, state: Interaction) -> None:
        self._hover(None)
        self.host.hint(None, Point(0.0, 0.0))
        self.host.enter(state)

    def cancel(self) -> None:
        self._hover(None)
        self.host.select(())

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
