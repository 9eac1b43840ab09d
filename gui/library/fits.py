"""Which node fits a wire in the hand, and how a new node is wired to one that is there. No Qt.

The same `build` that the program uses decides (`graph.infer`); where too little is known for
that, the kinds of the ports do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from graph.checks.connect import not_a_loss, operands_with
from graph.checks.problem import View
from graph.graph import Wire
from graph.infer import BATCH, Given, infer
from graph.kinds import DataSource, Optimizer, Schedule
from graph.op import REGISTRY, Op, Port
from graph.program import ShapeError, TensorType
from graph.subgraph import Defined, instance_ports
from gui.blocks import Shipped
from gui.canvas.describe import kind_of

Side = Literal["output", "input"]
_LABELS = TensorType((BATCH,), "int")


@dataclass(frozen=True)
class Loose:
    """A wire in the hand: it hangs from a port of a node, its other end is free."""

    node: str
    port: str
    side: Side = "output"


@dataclass(frozen=True)
class Link:
    """A wire to a node that is not there yet: from or to a port of a known node.

    `adapter` is the node type put between, so that it fits.
    """

    node: str
    port: str
    own_port: str
    side: Side  # which side of the known node it hangs from
    adapter: str = ""


class Fits:
    """Answers for the drawing `into` of a graph that the checks look at."""

    def __init__(self, view: View, into: str = "") -> None:
        self._view, self._graph = view, view.graph
        self._spot = self._view.spots[into]
        self._drawing = self._spot.drawing

    def type_at(self, loose: Loose) -> TensorType | None:
        """What an output gives, batch included; None when it is not known."""
        return self._view.shapes.types.get((self._spot.prefix + loose.node, loose.port))

    def link(self, op: Op, loose: Loose) -> Link | None:
        """The port of a new `op` that takes the loose end; None when none does."""
        port = self._taking(op, loose) if loose.side == "output" else self._giving(op, loose)
        return Link(loose.node, loose.port, port.name, loose.side) if port else None

    def links(self, op: Op, id: str) -> tuple[Link, ...]:
        """How a new `op` is wired to the node `id`: behind it, before it, or beside it.

        Behind: to its first output that fits, through one adapter where that helps. Before: to its
        first free input that fits. Beside: to what its own ports of the same name are wired to.
        An optimizer that fits in none of these ways goes behind the one loss that none trains yet.
        Empty when nothing fits.
        """
        found = self._behind(op, id) or self._before(op, id) or self._training(op)
        links = [found] if found else self._beside(op, id)
        if links and links[0].side == "output":
            links += self._targets(op, id, links)
        return tuple(links)

    def _ports(self, op: Op, side: Side) -> tuple[Port, ...]:
        known = None if isinstance(op, Shipped) else instance_ports(self._graph, op, side)
        return known or (op.ports_in() if side == "input" else op.ports_out())

    def _behind(self, op: Op, id: str) -> Link | None:
        outputs = [Loose(id, port.name) for port in self._drawing.ports_out(id)]
        for loose in outputs:
            if link := self.link(op, loose):
                return link
        for loose in outputs:
            if link := self._adapted(op, loose):
                return link
        return None

    def _before(self, op: Op, id: str) -> Link | None:
        if self._ports(op, "input"):
            return None
        for port in self._drawing.ports_in(id):
            free = port.many or not self._drawing.wires_in(id, port.name)
            if free and (link := self.link(op, Loose(id, port.name, "input"))):
                return link
        return None

    def _training(self, op: Op) -> Link | None:
        if not isinstance(op, Optimizer):
            return None
        losses = [n.id for n in self._spot.by_role("loss") if not self._drawing.wires_out(n.id)]
        return self._behind(op, losses[0]) if len(losses) == 1 else None

    def _beside(self, op: Op, id: str) -> list[Link]:
        found: list[Link] = []
        ports = self._ports(op, "input")
        for port in ports if len(ports) > 1 else ():
            for wire in self._drawing.wires_in(id, port.name)[:1]:
                loose = Loose(wire.source, wire.output)
                if self._takes(op, port, loose):
                    found.append(Link(wire.source, wire.output, port.name, "output"))
        return found

    def _targets(self, op: Op, id: str, links: list[Link]) -> list[Link]:
        """The target port of a loss or metric, from the one data source upstream that fits."""
        taken = {link.own_port for link in links}
        free = [p for p in self._ports(op, "input") if p.name == "target" and p.name not in taken]
        sources = [
            one
            for one in sorted(self._drawing.upstream([id]))
            if isinstance(self._drawing.node(one).op, DataSource)
        ]
        if not free or len(sources) != 1:
            return []
        given = self.type_at(Loose(links[0].node, links[0].port))
        used = {(link.node, link.port) for link in links}
        for port in self._drawing.ports_out(sources[0]):
            if (sources[0], port.name) in used:
                continue
            kind = self.type_at(Loose(sources[0], port.name))
            if given and kind and infer(op, (given, kind)).refusal is None:
                return [Link(sources[0], port.name, "target", "output")]
        return []

    # From an output that is there to an input of the new node

    def _taking(self, op: Op, loose: Loose) -> Port | None:
        """The first input port that takes the value; one of just its kind comes before others."""
        kind = self.type_at(loose)
        like = kind_of(kind) if kind else None
        ports = sorted(self._ports(op, "input"), key=lambda port: port.kind != like)
        return next((port for port in ports if self._takes(op, port, loose)), None)

    def _takes(self, op: Op, port: Port, loose: Loose) -> bool:
        source, kind = self._drawing.node(loose.node).op, self.type_at(loose)
        to_schedule = isinstance(op, Optimizer) and port.name == "schedule"
        if isinstance(source, Schedule) or to_schedule:
            return isinstance(source, Schedule) and to_schedule
        if isinstance(op, Optimizer):
            return source.role == "loss" and not_a_loss(kind) is None
        if op.role == "input":
            return False
        if isinstance(op, Defined):
            return source.role not in ("metric", "optimizer")
        if kind is None:
            given = next(
                p.kind for p in self._drawing.ports_out(loose.node) if p.name == loose.port
            )
            return "any" in (given, port.kind) or given == port.kind
        return any(infer(op, given).refusal is None for given in _trials(op, port, kind))

    def _adapted(self, op: Op, loose: Loose) -> Link | None:
        """The link through the node that the refusal names, where the two then fit."""
        kind = self.type_at(loose)
        ports = self._ports(op, "input")
        if kind is None or not ports or isinstance(op, (Defined, Optimizer)):
            return None
        for given in _trials(op, ports[0], kind):
            refusal = infer(op, given).refusal
            adapter = REGISTRY.get(refusal.adapter) if isinstance(refusal, ShapeError) else None
            made = infer(adapter(), (kind,)).outputs if adapter else ()
            if adapter and made and self._accepts(op, ports[0], made[0]):
                return Link(loose.node, loose.port, ports[0].name, "output", adapter.__name__)
        return None

    def _accepts(self, op: Op, port: Port, kind: TensorType) -> bool:
        return any(infer(op, given).refusal is None for given in _trials(op, port, kind))

    # From an output of the new node to an input that is there

    def _giving(self, op: Op, loose: Loose) -> Port | None:
        target = self._drawing.node(loose.node).op
        port = next(p for p in self._drawing.ports_in(loose.node) if p.name == loose.port)
        outputs = self._ports(op, "output")
        return next((out for out in outputs if self._gives(op, out, target, port, loose)), None)

    def _gives(self, op: Op, out: Port, target: Op, port: Port, loose: Loose) -> bool:
        to_schedule = isinstance(target, Optimizer) and port.name == "schedule"
        if isinstance(op, Schedule) or to_schedule:
            return isinstance(op, Schedule) and to_schedule
        if port.kind == "loss" or op.role in ("loss", "metric"):
            return port.kind == "loss" and op.role == "loss"
        if isinstance(op, DataSource):
            return self._data_fits(op, out, loose)
        layer = op.ports_in() and op.role != "input" and not isinstance(op, Defined)
        if port.kind == "labels" and out.kind == "any" and layer:
            return self._accepts(op, op.ports_in()[0], _LABELS)  # most layers take no labels
        return "any" in (out.kind, port.kind) or out.kind == port.kind

    def _data_fits(self, op: DataSource, out: Port, loose: Loose) -> bool:
        """Whether the node takes these columns; yes while its other inputs are not known."""
        try:
            sample = op.sample_types()[out.name]
        except ShapeError:
            port = next(p for p in self._drawing.ports_in(loose.node) if p.name == loose.port)
            return "any" in (out.kind, port.kind) or out.kind == port.kind
        kind = TensorType((BATCH, *sample.shape), sample.dtype)
        node = self._drawing.node(loose.node)
        wire = Wire("", out.name, loose.node, loose.port)
        operands = operands_with(self._view, self._spot, node, wire, kind)
        if operands is None:
            port = next(p for p in self._drawing.ports_in(loose.node) if p.name == loose.port)
            return self._accepts(node.op, port, kind)
        return isinstance(node.op, Defined) or infer(node.op, operands).refusal is None


def _trials(op: Op, port: Port, kind: TensorType) -> Iterator[tuple[Given, ...]]:
    """Operands with `kind` at `port` and, at the ports still free, what might come there."""
    ports = op.ports_in()
    partners = [kind]
    if sum(not one.optional for one in ports) > 1:
        partners += [
            _LABELS,
            TensorType((BATCH, 2)),
            TensorType((BATCH, 1)),
        ]
    for partner in partners:
        given: list[Given] = []
        for one in ports:
            known = kind if one is port or one.name == port.name else partner
            given.append(
                (known,) if one.many else None if one.optional and one.name != port.name else known
            )
        yield tuple(given)
