"""A problem of a graph, and what all checks look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from graph.edit import Edit
from graph.graph import Graph, Node, Wire
from graph.op import Role
from graph.shapes import Shapes, incoming, shapes
from graph.subgraph import Subgraph

MAX_EXPANDED = 200_000  # nodes once all definitions and repetitions are written out


@dataclass(frozen=True)
class Problem:
    """What is wrong at a node: found and expected, what to do, and edits that do it.

    `path` is the NodePath (of the first instance, for a node of a definition; `name:id` when
    nothing uses the definition; "" for the whole graph), `port` the port or "". Each of `mends`
    alone removes the problem. `definition` is the drawing the node stands in.
    """

    severity: Literal["error", "warning"]
    path: str
    port: str
    message: str
    remedy: str
    mends: tuple[Edit, ...] = ()
    definition: str = ""

    def __str__(self) -> str:
        where = f"{self.path}.{self.port}" if self.port else self.path
        return ": ".join(part for part in (where, f"{self.message}; {self.remedy}") if part)


@dataclass(frozen=True)
class Spot:
    """One drawing of the graph and the path its nodes are reported under."""

    name: str
    drawing: Graph
    prefix: str
    _before: dict[str, set[str]] = field(default_factory=dict, compare=False, repr=False)
    _behind: dict[str, set[str]] = field(default_factory=dict, compare=False, repr=False)

    def closes_cycle(self, wire: Wire) -> bool:
        """Whether the target already reaches the source.

        One walk serves all wires from one source, or all to one target: as many as a drag tries.
        """
        if wire.target in self._behind:
            return wire.source in self._behind[wire.target]
        if wire.source not in self._before:
            self._before[wire.source] = self.drawing.upstream([wire.source])
        return wire.target in self._before[wire.source]

    def expect_target(self, id: str) -> None:
        """Many wires to this node are about to be tried."""
        self._behind[id] = self.drawing.downstream([id])

    @cached_property
    def incoming(self) -> Mapping[tuple[str, str], list[Wire]]:
        """The wires of every input port."""
        return incoming(self.drawing)

    def by_role(self, *roles: Role) -> list[Node]:
        """Nodes of these roles."""
        return [node for node in self.drawing if node.op.role in roles]

    def error(
        self, id: str, port: str, message: str, remedy: str, mends: Iterable[Edit] = ()
    ) -> Problem:
        """A problem of a node that must be mended before training."""
        return Problem("error", self.prefix + id, port, message, remedy, tuple(mends), self.name)

    def warning(
        self, id: str, port: str, message: str, remedy: str, mends: Iterable[Edit] = ()
    ) -> Problem:
        """A problem of a node that training can live with."""
        return Problem("warning", self.prefix + id, port, message, remedy, tuple(mends), self.name)


@dataclass
class View:
    """A graph with its shapes, as the checks see it."""

    graph: Graph
    expanded: int = 0
    shapes: Shapes = field(default_factory=Shapes)

    @classmethod
    def of(cls, graph: Graph) -> View:
        """Work out the shapes, unless the definitions stand for too many nodes."""
        view = cls(graph, expanded(graph))
        if view.expanded <= MAX_EXPANDED:
            view.shapes = shapes(graph)
        return view

    @cached_property
    def spots(self) -> dict[str, Spot]:
        """Every drawing by name, "" first."""
        prefix = {"": ""}
        for path, (name, node) in self.shapes.nodes.items():
            prefix.setdefault(name, path[: len(path) - len(node.id)])
        root = self.graph
        names = ["", *sorted(root.definitions)]
        return {n: Spot(n, root.drawing(n), prefix.get(n, f"{n}:")) for n in names}

    def __iter__(self) -> Iterator[Spot]:
        return iter(self.spots.values())

    @property
    def root(self) -> Spot:
        """The drawing of the graph itself."""
        return self.spots[""]


def expanded(graph: Graph) -> int:
    """How many nodes the graph has once definitions and repetitions are written out."""
    known: dict[str, int] = {}

    def count(name: str) -> int:
        if name not in known:
            known[name] = sum(
                1
                + (
                    node.op.repeat * count(node.op.definition)
                    if isinstance(node.op, Subgraph)
                    else 0
                )
                for node in graph.drawing(name)
            )
        return known[name]

    return max(map(count, ["", *graph.definitions]))
