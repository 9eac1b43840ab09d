"""A wire that does not fit: why, and what would make it fit, shown before it exists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from graph import edits
from graph.checks.problem import Problem
from graph.graph import Wire
from gui.canvas.draft import NO_DRAFT, Draft, DraftWire
from gui.canvas.interact.state import Host, Interaction, Pointer
from gui.canvas.refusal import Refusal, proposals, worded
from gui.canvas.snapshot import Snapshot
from gui.canvas.view_model import WireState

SAG = 56.0  # how far the refused wire hangs below its ends, px


class Refused(Interaction):
    """Enter takes the preselected way, 1 … 9 another, Esc or a press elsewhere drops the wire."""

    keys = frozenset({"escape", "enter", "up", "down", *map(str, range(1, 10))})

    def __init__(self, host: Host, wire: Wire, problem: Problem, held: Wire | None) -> None:
        super().__init__(host)
        document, scene = host.document, host.scene
        drawing, view = document.drawing, document.checked
        source, target = drawing.node(wire.source), drawing.node(wire.target)
        spot = view.spots[document.into]
        kind = view.shapes.types.get((spot.prefix + wire.source, wire.output))
        out = [port.name for port in drawing.ports_out(source.id)].index(wire.output)
        into = [port.name for port in drawing.ports_in(target.id)].index(wire.input)
        words = worded(problem, source, target, kind)
        self._held = held
        self._refusal = Refusal(
            *words,
            node=target.id,
            giver=source.id,
            source=scene.port_point(source.id, out, True),
            port=scene.port_point(target.id, into, False),
            proposals=tuple(proposals(drawing, problem, wire, kind, scene, host.box_of)),
        )
        self._current = 0
        self._before: list[Snapshot] = []
        host.show_cursor("arrow")
        self._show()

    @property
    def refusal(self) -> Refusal:
        """What the bubble says."""
        return self._refusal

    def key(self, key: str) -> None:
        count = len(self._refusal.proposals)
        if key == "escape":
            self.cancel()
        elif key == "enter":
            self.take(self._current)
        elif key in ("up", "down"):
            self.choose((self._current + (1 if key == "down" else -1)) % max(count, 1))
        elif int(key) <= count:
            self.take(int(key) - 1)

    def choose(self, number: int) -> None:
        """Show another way on the canvas."""
        if number != self._current:
            self._current = number
            self._put_back()
            self._show()

    def take(self, number: int) -> None:
        """Do it, as one step."""
        if number >= len(self._refusal.proposals):
            self.cancel()
            return
        chosen, host, into = self._refusal.proposals[number], self.host, self.host.document.into
        self._end()
        parts = [chosen.edit]
        if chosen.shift:
            places = [
                (id, float(host.scene.places[host.scene.index_of[id], 0]) + by, y)
                for id, by in chosen.shift
                for y in (float(host.scene.places[host.scene.index_of[id], 1]),)
            ]
            parts.append(edits.Move(tuple(places), into=into))
        if self._held is not None:
            parts.insert(0, edits.Disconnect(self._held, into=into))
        if host.push(*parts, name=chosen.title):
            goal = self._refusal.node  # what is added next comes behind it, not behind the adapter
            kept = goal in host.document.drawing
            host.select([goal] if kept else [node.view.id for node in chosen.nodes])

    def press(self, pointer: Pointer) -> None:
        self.cancel()

    def cancel(self) -> None:
        self._end()

    def _end(self) -> None:
        self._put_back()
        self.host.show_refusal(None)
        self.host.show_draft(NO_DRAFT)
        self.host.leave()

    def _put_back(self) -> None:
        for snapshot in reversed(self._before):
            self.host.scene.restore(snapshot)
        self._before.clear()

    def _show(self) -> None:
        refusal, scene = self._refusal, self.host.scene
        chosen = refusal.proposals[self._current] if refusal.proposals else None
        for id, by in chosen.shift if chosen else ():
            which = np.array([scene.index_of[id]])
            self._before.append(scene.snapshot(which))
            scene.shift(which, by, 0.0)
        moved = dict(chosen.shift).get(refusal.node, 0.0) if chosen else 0.0
        port = refusal.port.moved(moved, 0.0)
        bad = DraftWire(refusal.source, port, state=WireState(invalid=True), sag=SAG)
        proposed = chosen.wires if chosen else ()
        self.host.show_draft(
            Draft(
                wires=(bad, *proposed),
                nodes=chosen.nodes if chosen else (),
                target=port,
                refused=True,
            )
        )
        self.host.show_refusal(replace(refusal, port=port), self._current)
