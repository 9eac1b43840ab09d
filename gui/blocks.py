"""Blocks that ship with Netloom: subgraphs that a graph gets when one is added to it. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import cast

import resources
from graph.clipboard import defined
from graph.edit import Edit
from graph.files import loads
from graph.graph import Graph
from graph.op import Op, Port, PortKind
from graph.subgraph import Defined, Scan, Subgraph


class Shipped(Defined, register=False):
    """A node that stands for a shipped block whose definition is in no graph yet."""

    def ports_in(self) -> tuple[Port, ...]:
        return self._block.ports_in("block")

    def ports_out(self) -> tuple[Port, ...]:
        return self._block.ports_out("block")

    @property
    def _block(self) -> Graph:
        return next(one.graph for one in blocks() if one.name == self.definition)


class ShippedPart(Shipped, Subgraph, register=False):
    """An instance of a shipped block."""


class ShippedScan(Shipped, Scan, register=False):
    """A scan of a shipped block."""


@dataclass(frozen=True, eq=False)
class Block:
    """A shipped block: the name of its definition, what people call it, and what it does."""

    name: str
    title: str
    about: str
    graph: Graph

    @property
    def takes(self) -> PortKind:
        """What its first port wants: the first node behind it that does not take anything."""
        if isinstance(self.node, Scan):
            return "sequence"
        inside = self.graph.definitions[self.name]
        behind = inside.downstream([inside.port_ids("input")[0]])
        ports = (p for n in inside.ordered() if n.id in behind for p in inside.ports_in(n.id))
        return next((port.kind for port in ports if port.kind != "any"), "any")

    @property
    def node(self) -> Defined:
        """What stands for it."""
        return cast("Defined", self.graph.node("block").op)

    def op(self) -> Defined:
        """The same, for a graph that may not have its definition."""
        kind = ShippedScan if isinstance(self.node, Scan) else ShippedPart
        return kind(definition=self.name)


@cache
def blocks() -> Sequence[Block]:
    """Every shipped block."""
    found = []
    for file in resources.blocks():
        graph = loads(resources.block(file))
        node = graph.node("block")
        name = cast("Defined", node.op).definition
        found.append(Block(name, node.name, graph.notes["about"].text, graph))
    return tuple(found)


def brought(graph: Graph, op: Op) -> tuple[Op, list[Edit]]:
    """The op as it can stand in `graph`, and the edits that bring the definitions it needs.

    Only a shipped block needs any; one that is there already, unchanged, is used again.
    """
    if not isinstance(op, Shipped):
        return op, []
    block = next(one for one in blocks() if one.name == op.definition)
    names, edits = defined(graph, block.graph)
    return replace(block.node, definition=names[op.definition]), edits
