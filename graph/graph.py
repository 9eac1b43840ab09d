"""The graph: nodes, wires, definitions and the training section.

Topology, ordering and cycles are networkx's. A `Graph` is changed only by applying edits
(`graph.edits`); the methods that change it here are their building blocks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from typing import Literal

import networkx as nx

from graph.exposed import Exposure, ops_inside
from graph.op import Op, Port
from graph.subgraph import Defined, Values, instance_ports
from graph.training import Training


@dataclass(frozen=True)
class Node:
    """One node: a stable id, an immutable op, the name people gave it and its place.

    `frozen` parameters are not trained; a `bypassed` node passes its first input through; a
    `collapsed` one is drawn small.
    """

    id: str
    op: Op
    name: str = ""
    x: float = 0.0
    y: float = 0.0
    frozen: bool = False
    bypassed: bool = False
    collapsed: bool = False

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or self.id


@dataclass(frozen=True, order=True)
class Wire:
    """From an output port to an input port; `order` sorts the wires of a `many` port."""

    source: str
    output: str
    target: str
    input: str
    order: int = 0

    def __str__(self) -> str:
        return f"{self.source}.{self.output} → {self.target}.{self.input}"


Dots = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Frame:
    """A titled rectangle around nodes; also a group that an optimizer may own.

    `colour` is the name of a node family whose colour it has; "" is the plain one.
    """

    id: str
    title: str
    nodes: tuple[str, ...] = ()
    x: float = 0.0
    y: float = 0.0
    width: float = 200.0
    height: float = 120.0
    colour: str = ""


@dataclass(frozen=True)
class Note:
    """Text on the canvas."""

    id: str
    text: str
    x: float = 0.0
    y: float = 0.0
    width: float = 200.0


@dataclass
class Graph:
    """Nodes and wires of one canvas, with its subgraph definitions and training section.

    `dots` are the places that a wire is led through, in order, of those wires that have any; they
    say nothing about what is computed, and go when the wire goes. `exposed` are settings of its
    nodes that its instances may give other values, when it is a definition.
    """

    net: nx.MultiDiGraph[str] = field(default_factory=nx.MultiDiGraph)
    definitions: dict[str, Graph] = field(default_factory=dict)
    frames: dict[str, Frame] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    training: Training = field(default_factory=Training)
    dots: dict[Wire, Dots] = field(default_factory=dict)
    exposed: tuple[Exposure, ...] = ()
    # ids of the Input and Output nodes in port order, once asked for
    _ports: dict[str, list[str]] = field(default_factory=dict, repr=False, compare=False)
    # this drawing with the values of instances, once asked for
    _given: dict[Values, Graph] = field(default_factory=dict, repr=False, compare=False)
    _watchers: list[set[str]] = field(default_factory=list, repr=False, compare=False)

    def __iter__(self) -> Iterator[Node]:
        for _, data in self.net.nodes(data=True):
            yield data["node"]

    def __len__(self) -> int:
        return len(self.net)

    def __contains__(self, id: str) -> bool:
        return id in self.net

    def node(self, id: str) -> Node:
        """The node `id`; raises KeyError when there is none."""
        node: Node = self.net.nodes[id]["node"]
        return node

    def wires(self) -> list[Wire]:
        """Every wire, in a stable order."""
        return sorted(wire for _, _, wire in self.net.edges(keys=True))

    def wires_in(self, id: str, port: str | None = None) -> list[Wire]:
        """Wires that end at a node (at one of its ports), in the order their port reads them."""
        found = [
            wire
            for between in self.net.pred.get(id, {}).values()
            for wire in between
            if port is None or wire.input == port
        ]
        if len(found) > 1:
            found.sort(key=lambda wire: (wire.input, wire.order, wire))
        return found

    def wires_out(self, id: str, port: str | None = None) -> list[Wire]:
        """Wires that leave a node (one of its ports), in a stable order."""
        found = [wire for _, _, wire in self.net.out_edges(id, keys=True)]
        return sorted(wire for wire in found if port is None or wire.output == port)

    def ordered(self) -> list[Node]:
        """Nodes such that every wire points forward; ties by id. Raises on a cycle.

        Raises networkx.NetworkXUnfeasible when there is a cycle; `graph.checks` names it.
        """
        behind = dict(self.net.adjacency())
        waiting = dict.fromkeys(behind, 0)
        for after in behind.values():
            for id in after:
                waiting[id] += 1
        ready = [id for id, count in waiting.items() if not count]
        heapify(ready)
        found: list[Node] = []
        while ready:
            id = heappop(ready)
            found.append(self.node(id))
            for other in behind[id]:
                waiting[other] -= 1
                if not waiting[other]:
                    heappush(ready, other)
        if len(found) < len(behind):
            raise nx.NetworkXUnfeasible("found wires in a circle, expected them to point forward")
        return found

    def set_node(self, node: Node) -> None:
        """Add or replace a node, keeping its wires."""
        self._ports.clear()
        self.net.add_node(node.id, node=node)
        self._touch(node.id)

    def drop_node(self, id: str) -> None:
        """Remove a node that has no wires left."""
        self._ports.clear()
        self.net.remove_node(id)
        self._touch(id)

    def add_wire(self, wire: Wire) -> None:
        """Add a wire between existing nodes."""
        self.net.add_edge(wire.source, wire.target, key=wire)
        self._touch(wire.source, wire.target)

    def drop_wire(self, wire: Wire) -> None:
        """Remove a wire, and its dots."""
        self.dots.pop(wire, None)
        self.net.remove_edge(wire.source, wire.target, key=wire)
        self._touch(wire.source, wire.target)

    def expose(self, exposed: tuple[Exposure, ...]) -> None:
        """Let instances set these settings and no others."""
        places = [place for one in (*self.exposed, *exposed) for place in one.places]
        self.exposed = exposed
        self._touch(*(id for id, _ in places))

    def watch(self) -> set[str]:
        """A set that gathers, from now on, ids of nodes that come, go or change, or whose wires do.

        Whoever keeps something up to date by it empties it. It is gathered into until `unwatch`.
        """
        gathered = set[str]()
        self._watchers.append(gathered)
        return gathered

    def unwatch(self, gathered: set[str]) -> None:
        """Gather no more into a set of `watch`."""
        self._watchers = [one for one in self._watchers if one is not gathered]

    def _touch(self, *ids: str) -> None:
        self._given.clear()
        for gathered in self._watchers:
            gathered.update(ids)

    def ports_in(self, id: str) -> tuple[Port, ...]:
        """Input ports of a node; an instance has those of its definition."""
        op = self.node(id).op
        return instance_ports(self, op, "input") or op.ports_in()

    def ports_out(self, id: str) -> tuple[Port, ...]:
        """Output ports of a node; an instance has those of its definition."""
        op = self.node(id).op
        return instance_ports(self, op, "output") or op.ports_out()

    def port_ids(self, role: Literal["input", "output"]) -> list[str]:
        """Ids of the nodes that are this drawing's ports when it is a definition, in port order.

        By their `order` setting, then as people count. Where they stand on the canvas says nothing,
        so moving one changes no operand.
        """
        if role not in self._ports:
            found = [node for node in self if node.op.role == role]
            found.sort(key=lambda node: (getattr(node.op, "order", 0), counted(node.id)))
            self._ports[role] = [node.id for node in found]
        return self._ports[role]

    def drawing(self, name: str) -> Graph:
        """The drawing of a definition; the graph itself for `""`. Raises KeyError."""
        return self.definitions[name] if name else self

    def inside(self, op: Defined) -> Graph:
        """The drawing of an instance: its definition with the values that it gives.

        The same one as long as nothing is edited. Raises KeyError where there is no definition, and
        SettingError for a value that a node inside refuses.
        """
        drawn = self.definitions[op.definition]
        if not op.values:
            return drawn
        if op.values not in drawn._given:
            made = Graph(drawn.net.copy(), self.definitions, drawn.frames, drawn.notes)
            made.dots, made.exposed = drawn.dots, drawn.exposed
            for id, inner in ops_inside(drawn, op).items():
                made.set_node(replace(drawn.node(id), op=inner))
            drawn._given[op.values] = made
        return drawn._given[op.values]

    def upstream(self, ids: Iterable[str]) -> set[str]:
        """The nodes `ids` and every node whose values reach them."""
        return self._cone(ids, self.net.pred)

    def downstream(self, ids: Iterable[str]) -> set[str]:
        """The nodes `ids` and every node that their values reach."""
        return self._cone(ids, self.net.succ)

    def _cone(self, ids: Iterable[str], beside: Mapping[str, Iterable[str]]) -> set[str]:
        found, pending = set[str](), list(ids)
        while pending:
            id = pending.pop()
            if id not in found:
                found.add(id)
                pending.extend(beside[id])
        return found

    def fresh_id(self, stem: str, taken: Collection[str] = ()) -> str:
        """An unused id: `conv1`, `conv2` …; none of `taken` either."""
        number = 1
        while True:
            id = f"{stem}{number}"
            if not any(id in used for used in (self.net, self.frames, self.notes, taken)):
                return id
            number += 1


def counted(id: str) -> tuple[tuple[bool, int, str], ...]:
    """A sort key that puts `input2` before `input10`."""
    parts = re.split(r"(\d+)", id)
    return tuple((part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)
