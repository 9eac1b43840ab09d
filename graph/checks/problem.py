"""A problem of a graph, and what all checks look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from graph.edit import Edit
from graph.graph import Graph, Node, Wire
from graph.index import Index
from graph.op import Role
from graph.shapes import Shapes
from graph.subgraph import Defined

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
    """One drawing of the graph, its look-ups, and the path its nodes are reported under."""

    name: str
    drawing: Graph
    prefix: str
    index: Index = field(repr=False)
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

    @property
    def incoming(self) -> Mapping[tuple[str, str], list[Wire]]:
        """The wires of every input port."""
        return self.index.incoming

    def by_role(self, *roles: Role) -> list[Node]:
        """Nodes of these roles, by id."""
        return self.index.by_role(*roles)

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


class View:
    """A graph with its shapes, as the checks see it; `update` follows edits when it is `live`."""

    def __init__(self, graph: Graph, live: bool = False) -> None:
        self.graph = graph
        self._live = live
        self._watched: dict[str, set[str]] = {}  # by drawing: ids of what edits touched
        self.indexes: dict[str, Index] = {}
        for name in ["", *sorted(graph.definitions)]:
            self._add(name)
        self.expanded = 0
        self.shapes = Shapes()
        self._work_out({})

    @classmethod
    def of(cls, graph: Graph) -> View:
        """A view of a graph as it is now."""
        return cls(graph)

    def update(self) -> dict[str, set[str]]:
        """Catch up with the edits since the last time.

        Returns, by drawing, the ids of nodes that are new, gone or changed, or that may have got
        other types; those of all drawings when definitions came or went.
        """
        graph, dirty = self.graph, dict[str, set[str]]()
        for name in sorted(self.indexes.keys() - graph.definitions.keys() - {""}):
            self._remove(name)
        for name, index in list(self.indexes.items()):
            if index.drawing is not graph.drawing(name):
                self._remove(name)
        for name in sorted(graph.definitions.keys() - self.indexes.keys()):
            self._add(name)
            dirty[name] = set(graph.definitions[name].net)
        for name, touched in self._watched.items():
            if touched:
                dirty.setdefault(name, set()).update(touched)
                touched.clear()
        for name in list(dirty):
            self._spread(name, dirty)
        for name, ids in dirty.items():
            ids |= self.indexes[name].refresh(ids)
        self.__dict__.pop("spots", None)
        for name, ids in self._work_out(dirty).items():
            dirty.setdefault(name, set()).update(ids)
        return dirty

    def _work_out(self, dirty: Mapping[str, set[str]]) -> dict[str, set[str]]:
        """Work out the shapes, unless the definitions stand for too many nodes."""
        before, self.expanded = self.expanded, expanded(self.indexes)
        if self.expanded > MAX_EXPANDED:
            self.shapes = Shapes()
        elif not before or before > MAX_EXPANDED:
            self.shapes = Shapes(self.graph, self.indexes)
        else:
            return self.shapes.update(dirty)
        return {name: set(index.drawing.net) for name, index in self.indexes.items()}

    def _add(self, name: str) -> None:
        drawing = self.graph.drawing(name)
        self.indexes[name] = Index(drawing)
        if self._live:
            self._watched[name] = drawing.watch()

    def _remove(self, name: str) -> None:
        index = self.indexes.pop(name)
        if self._live:
            index.drawing.unwatch(self._watched.pop(name))

    def _spread(self, name: str, dirty: dict[str, set[str]]) -> None:
        """What is inside an instance may change what it gives, and its ports."""
        if not name:
            return
        for outer, index in self.indexes.items():
            # instances that this edit added are dirty themselves
            ids = {id for id, of in index.instances.items() if of == name}
            known = dirty.setdefault(outer, set()) if ids else set[str]()
            if ids - known:
                known |= ids
                self._spread(outer, dirty)

    @cached_property
    def spots(self) -> dict[str, Spot]:
        """Every drawing by name, "" first."""
        names = ["", *sorted(self.graph.definitions)]
        return {
            name: Spot(name, self.graph.drawing(name), self.shapes.prefix(name), self.indexes[name])
            for name in names
        }

    def __iter__(self) -> Iterator[Spot]:
        return iter(self.spots.values())

    @property
    def root(self) -> Spot:
        """The drawing of the graph itself."""
        return self.spots[""]


def expanded(indexes: Mapping[str, Index]) -> int:
    """How many nodes the graph has once definitions and repetitions are written out."""
    known: dict[str, int] = {}

    def count(name: str) -> int:
        if name not in known:
            index = indexes[name]
            known[name] = len(index.drawing)
            for id, definition in index.instances.items():
                op = index.drawing.node(id).op
                assert isinstance(op, Defined)
                known[name] += op.turns * count(definition)
        return known[name]

    return max(map(count, indexes))
