"""A drawing as one immutable value, and whether two graphs are the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from graph.exposed import Exposure
from graph.graph import Dots, Frame, Graph, Node, Note, Wire


@dataclass(frozen=True)
class Drawing:
    """What stands on one canvas, sorted by id, wires by where they end and their order there."""

    nodes: tuple[Node, ...] = ()
    wires: tuple[Wire, ...] = ()
    frames: tuple[Frame, ...] = ()
    notes: tuple[Note, ...] = ()
    dots: tuple[tuple[Wire, Dots], ...] = ()
    exposed: tuple[Exposure, ...] = ()

    @classmethod
    def of(cls, graph: Graph, exact: bool = False) -> Drawing:
        """The drawing of `graph`, without its definitions and training section.

        The wires of one port are numbered from 0; `exact` keeps the numbers they have, by which
        earlier edits know them.
        """
        wires = renumbered(graph.wires())
        if exact:
            wires = {wire: wire for wire in wires}
        return cls(
            tuple(sorted(graph, key=lambda node: node.id)),
            tuple(wires.values()),
            tuple(graph.frames[id] for id in sorted(graph.frames)),
            tuple(graph.notes[id] for id in sorted(graph.notes)),
            tuple((now, graph.dots[wire]) for wire, now in wires.items() if wire in graph.dots),
            graph.exposed,
        )

    def graph(self, root: Graph | None = None) -> Graph:
        """A graph that shows this drawing and shares the definitions of `root`."""
        made = Graph() if root is None else Graph(definitions=root.definitions)
        for node in self.nodes:
            made.set_node(node)
        for wire in self.wires:
            made.add_wire(wire)
        made.frames.update((frame.id, frame) for frame in self.frames)
        made.notes.update((note.id, note) for note in self.notes)
        made.dots.update(self.dots)
        made.exposed = self.exposed
        return made


def _by_end(wire: Wire) -> tuple[str, str, int, Wire]:
    return wire.target, wire.input, wire.order, wire


def numbered(wires: Iterable[Wire]) -> tuple[Wire, ...]:
    """Wires sorted by where they end, those of one port numbered 0, 1, 2 … in their order."""
    return tuple(renumbered(wires).values())


def renumbered(wires: Iterable[Wire]) -> dict[Wire, Wire]:
    """Each wire with the one it becomes, sorted and numbered as `numbered` says."""
    result: dict[Wire, Wire] = {}
    last: Wire | None = None
    for wire in sorted(wires, key=_by_end):
        same = last is not None and (last.target, last.input) == (wire.target, wire.input)
        last = result[wire] = replace(wire, order=last.order + 1 if last and same else 0)
    return result


def same(left: Graph, right: Graph) -> bool:
    """Whether two graphs have equal drawings, definitions and training sections."""
    if left.training != right.training or left.definitions.keys() != right.definitions.keys():
        return False
    pairs = [(left, right)]
    pairs += [(left.definitions[name], right.definitions[name]) for name in left.definitions]
    return all(Drawing.of(one) == Drawing.of(other) for one, other in pairs)


def copy(graph: Graph) -> Graph:
    """An independent graph that is the same."""
    made = Drawing.of(graph).graph()
    made.training = graph.training
    for name, definition in graph.definitions.items():
        made.definitions[name] = Drawing.of(definition).graph(made)
    return made
