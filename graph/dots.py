"""The edit of the dots that a wire is led through."""

from __future__ import annotations

from dataclasses import dataclass

from graph.edit import DrawingEdit, Edit, Touched, lead
from graph.graph import Dots, Graph, Wire
from graph.rules import EditError


@dataclass(frozen=True)
class SetDots(DrawingEdit):
    """Lead a wire through these dots, from its source to its target; none: straight on."""

    wire: Wire
    dots: Dots

    def title(self, graph: Graph) -> str:
        more = len(self.dots) - len(self.drawing(graph).dots.get(self.wire, ()))
        word = "Add" if more > 0 else "Remove" if more else "Move"
        return f"{word} {dots_text(abs(more) or 1)}"

    def apply(self, graph: Graph) -> Edit:
        drawing, wire = self.drawing(graph), self.wire
        if not drawing.net.has_edge(wire.source, wire.target, key=wire):
            raise EditError(str(wire), "no such wire", "one that exists", "choose another")
        before = drawing.dots.get(wire, ())
        lead(drawing, wire, self.dots)
        return SetDots(wire, before, into=self.into)

    def touched(self) -> Touched:
        return self.named(self.wire.source, self.wire.target)

    def sets(self) -> frozenset[tuple[str, ...]]:
        wire = self.wire
        ends = wire.source, wire.output, wire.target, wire.input, str(wire.order)
        return frozenset({("dots", self.into, *ends)})


def dots_text(count: int) -> str:
    """What the menu calls so many dots."""
    return f"{count} dots" if count != 1 else "a dot"


def shifted(dots: Dots, across: float, down: float) -> Dots:
    """The same dots elsewhere."""
    return tuple((x + across, y + down) for x, y in dots)
