"""The ports that a dragged wire may go to: judged when they are near or seen, never all at once."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from graph.checks.connect import can_connect
from graph.checks.problem import Problem
from graph.edits import connect
from graph.graph import Wire
from graph.op import PortKind
from gui.canvas.draft import NO_POINTS, Draft, DraftWire
from gui.canvas.geometry import Point, Rect
from gui.canvas.hits import PortHit
from gui.canvas.index import Floats
from gui.canvas.interact.state import Host
from gui.canvas.view_model import WireState
from gui.library.fits import Loose

Port = tuple[str, int]  # node, index


class Candidates:
    """All ports on the other side of `end` within sight, with what is said against each.

    `held` is the wire in the hand when it was taken off its port: dropping it there again is fine.
    """

    def __init__(self, host: Host, end: Loose, held: Wire | None = None) -> None:
        self.end, self.held = end, held
        self._host, self._document = host, host.document
        self._view = host.document.checked
        self._said: dict[Port, Problem | None] = {}
        self._area: Rect | None = None
        self._ports: list[Port] = []
        self._places: Floats = NO_POINTS
        self._waiting: list[int] = []
        spot = self._view.spots[host.document.into]
        if end.side == "input":
            spot.expect_target(end.node)

    def wire_to(self, hit: Port) -> Wire:
        """The wire between the end and a port."""
        drawing, (node, index) = self._document.drawing, hit
        if self.end.side == "output":
            port = drawing.ports_in(node)[index].name
            made = connect(drawing, self.end.node, self.end.port, node, port)
        else:
            port = drawing.ports_out(node)[index].name
            made = connect(drawing, node, port, self.end.node, self.end.port)
        held = self.held
        if held and (held.target, held.input) == (made.target, made.input):
            return replace(made, order=held.order)
        return made

    def problem(self, hit: Port) -> Problem | None:
        """What is said against a port; None when it fits."""
        if hit not in self._said:
            wire, document = self.wire_to(hit), self._document
            self._said[hit] = (
                None
                if wire == self.held
                else can_connect(document.graph, wire, document.into, self._view)
            )
        return self._said[hit]

    def nearest(self, at: Point, reach: float) -> Port | None:
        """The nearest port that fits within `reach` canvas px."""
        self._gather()
        if not len(self._places):
            return None
        gaps = np.hypot(*(self._places - np.array([at.x, at.y])).T)
        order: list[int] = np.argsort(gaps, kind="stable").tolist()
        for row in order:
            if gaps[row] > reach:
                return None
            if self.problem(self._ports[row]) is None:
                return self._ports[row]
        return None

    def of_node(self, id: str) -> Port | None:
        """The port of a node that a wire dropped on its body goes to: the first free one that fits,
        else the first that fits, else the first.
        """
        drawing, output = self._document.drawing, self.end.side == "output"
        ports = drawing.ports_in(id) if output else drawing.ports_out(id)
        fitting = [(id, n) for n in range(len(ports)) if self.problem((id, n)) is None]
        free = [
            hit
            for hit in fitting
            if not output or ports[hit[1]].many or not drawing.wires_in(id, ports[hit[1]].name)
        ]
        return next(iter([*free, *fitting, *([(id, 0)] if ports else [])]), None)

    def fitting(self) -> list[Port]:
        """Every port of the drawing that fits, seen or not."""
        scene, output = self._host.scene, self.end.side == "output"
        found = []
        for index, id in enumerate(scene.ids):
            box = scene.box(index)
            ports = range(len(box.inputs if output else box.outputs))
            found += [(id, n) for n in ports if self.problem((id, n)) is None]
        return found

    def is_candidate(self, hit: PortHit) -> bool:
        """Whether a port is on the other side."""
        return hit.is_output is not (self.end.side == "output")

    def work(self, at: Point, until: float) -> bool:
        """Judge ports in sight, the nearest first; whether some are left."""
        self._gather()
        if self._waiting:
            gaps = np.hypot(*(self._places[self._waiting] - np.array([at.x, at.y])).T)
            order = np.argsort(-gaps).tolist()
            self._waiting = [self._waiting[place] for place in order]
        while self._waiting:
            self.problem(self._ports[self._waiting.pop()])
            if time.perf_counter() >= until:
                break
        return bool(self._waiting)

    def places(self) -> tuple[Floats, Floats]:
        """Centres of the ports known to fit, and of those known not to."""
        fits = [self._said.get(port, math.nan) for port in self._ports]
        yes = np.array([said is None for said in fits], np.bool_)
        no = np.array([isinstance(said, Problem) for said in fits], np.bool_)
        return self._places[yes.nonzero()], self._places[no.nonzero()]

    def show(self, starts: Iterable[tuple[Point, PortKind]], port: Port | None, at: Point) -> None:
        """Draft wires from their fixed ends to a port, or to `at` while there is none under it."""
        host, output = self._host, self.end.side == "output"
        refused = port is not None and self.problem(port) is not None
        goal = host.scene.port_point(*port, not output) if port else at
        state = WireState(invalid=refused, hovered=not refused)
        lit, dimmed = self.places()
        host.show_draft(
            Draft(
                wires=tuple(
                    DraftWire(*((start, goal) if output else (goal, start)), kind, state)
                    for start, kind in starts
                ),
                lit=lit,
                dimmed=dimmed,
                target=goal if port else None,
                refused=refused,
            )
        )
        host.show_cursor("forbidden" if refused else "cross")

    def _gather(self) -> None:
        area = self._host.camera.area
        if area == self._area:
            return
        self._area = area
        scene, output = self._host.scene, self.end.side == "output"
        places: list[tuple[float, float]] = []
        self._ports.clear()
        for index in scene.boxes.meeting(area).tolist():
            box, (x, y), id = scene.box(index), scene.places[index].tolist(), scene.ids[index]
            for number, port in enumerate(box.inputs if output else box.outputs):
                self._ports.append((id, number))
                places.append((x + port.x, y + port.y))
        self._places = np.array(places, np.float64).reshape(-1, 2)
        self._waiting = [n for n, port in enumerate(self._ports) if port not in self._said]
