"""A drawing arranged for look-ups: wires by port, nodes by role, an order that wires point along.

Checks, shapes and the canvas ask these things after every edit. `refresh` brings them up to date by
the ids that an edit touched, so a small edit of a large drawing costs little.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from graph.graph import Graph, Node, Wire
from graph.op import Port, Role
from graph.placeholder import Placeholder
from graph.subgraph import Defined

READ_BY: tuple[Role, ...] = ("layer", "data", "input", "schedule")  # something reads their values


@dataclass(frozen=True, slots=True)
class _Known:
    """What the index holds of a node, to take it out again."""

    role: Role
    name: str
    wires: tuple[Wire, ...]  # those that end here


class Index:
    """Look-ups of one drawing; nothing here may be changed by others.

    `rank` rises along every wire; nodes on or behind a cycle have none.
    """

    def __init__(self, drawing: Graph) -> None:
        self.drawing = drawing
        self.incoming: dict[tuple[str, str], list[Wire]] = {}  # in the order the port reads them
        self.roles: dict[Role, set[str]] = {}
        self.named: dict[str, set[str]] = {}  # by the names people gave
        self.shared: set[str] = set()  # names that several nodes have
        self.instances: dict[str, str] = {}  # id -> definition
        self.placeholders: set[str] = set()
        self.tied: set[str] = set()  # nodes that use the weight of another
        self.bare: dict[str, tuple[Port, ...]] = {}  # ports that need a wire and have none
        self.unread: set[str] = set()  # nodes whose values nothing reads
        self.wires: list[Wire] = []  # sorted
        self.rank: dict[str, int] = {}
        self._known: dict[str, _Known] = {}
        for node in drawing:
            self._put(node)
        self.wires = sorted(wire for known in self._known.values() for wire in known.wires)
        self._order()

    def by_role(self, *roles: Role) -> list[Node]:
        """Nodes of these roles, by id."""
        found = set[str]().union(*(self.roles.get(role, ()) for role in roles))
        return [self.drawing.node(id) for id in sorted(found)]

    def refresh(self, ids: Collection[str]) -> set[str]:
        """Look at these nodes anew.

        Returns them, and those that a cycle now holds or no longer does.
        """
        rewired = False
        for id in ids:
            before, node = self._take(id), None
            if id in self.drawing:
                node = self.drawing.node(id)
                self._put(node)
            now = self._known[id].wires if node else ()
            rewired |= self._rewire(before.wires if before else (), now)
            rewired |= (before is None) != (node is None)
        unranked = self._known.keys() - self.rank.keys()
        if rewired and (unranked - set(ids) or not self._ranked(ids)):
            held = self._known.keys() - self.rank.keys()
            self._order()
            return set(ids) | (held ^ (self._known.keys() - self.rank.keys()))
        return set(ids)

    def _put(self, node: Node) -> None:
        id, drawing, role = node.id, self.drawing, node.op.role
        wires = tuple(wire for _, _, wire in drawing.net.in_edges(id, keys=True))
        self._known[id] = _Known(role, node.name, wires)
        self.roles.setdefault(role, set()).add(id)
        if node.name:
            self.named.setdefault(node.name, set()).add(id)
            self._share(node.name)
        if isinstance(node.op, Defined) and node.op.definition in drawing.definitions:
            self.instances[id] = node.op.definition
        elif isinstance(node.op, Placeholder):
            self.placeholders.add(id)
        if node.op.tied_to():
            self.tied.add(id)
        for wire in wires:
            self.incoming.setdefault((id, wire.input), []).append(wire)
        ports = drawing.ports_in(id)
        for port in ports:
            if port.many and (found := self.incoming.get((id, port.name))):
                found.sort(key=lambda wire: (wire.order, wire))
        bare = tuple(p for p in ports if not p.optional and (id, p.name) not in self.incoming)
        if bare:
            self.bare[id] = bare
        if role in READ_BY and not drawing.net.out_degree(id) and drawing.ports_out(id):
            self.unread.add(id)

    def _take(self, id: str) -> _Known | None:
        """Take a node out; returns what was known of it."""
        known = self._known.pop(id, None)
        if known is None:
            return None
        self.roles[known.role].discard(id)
        if known.name:
            self.named[known.name].discard(id)
            self._share(known.name)
            if not self.named[known.name]:
                del self.named[known.name]
        self.instances.pop(id, None)
        self.placeholders.discard(id)
        self.tied.discard(id)
        self.unread.discard(id)
        self.bare.pop(id, None)
        for wire in known.wires:
            self.incoming.pop((id, wire.input), None)
        return known

    def _share(self, name: str) -> None:
        if len(self.named[name]) > 1:
            self.shared.add(name)
        else:
            self.shared.discard(name)

    def _rewire(self, before: tuple[Wire, ...], now: tuple[Wire, ...]) -> bool:
        """Keep `wires` sorted; whether any came or went."""
        if before == now:
            return False
        old, new = set(before), set(now)
        for wire in old - new:
            del self.wires[bisect_left(self.wires, wire)]
        for wire in new - old:
            insort(self.wires, wire)
        return old != new

    def _ranked(self, ids: Iterable[str]) -> bool:
        """Give new nodes the last ranks; whether the wires at `ids` still point to higher ones."""
        last = max(self.rank.values(), default=-1)
        for id in ids:
            if id not in self._known:
                self.rank.pop(id, None)
            elif id not in self.rank:
                last += 1
                self.rank[id] = last
        return all(
            self.rank.get(wire.source, last + 1) < self.rank[id]
            for id in ids
            if id in self._known
            for wire in self._known[id].wires
        )

    def _order(self) -> None:
        self.rank = {id: place for place, id in enumerate(forward(self.drawing))}


def forward(drawing: Graph) -> list[str]:
    """Nodes such that every wire points forward; those on or behind a cycle are left out."""
    waiting = dict(drawing.net.in_degree())
    ready = [id for id, count in waiting.items() if not count]
    for id in ready:  # grows as it goes
        for target, edges in drawing.net.adj[id].items():
            waiting[target] -= len(edges)
            if not waiting[target]:
                ready.append(target)
    return ready
