"""The edits of what a definition exposes; see `graph.exposed`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from graph.define import drawings
from graph.edit import DrawingEdit, Edit, Touched
from graph.edits import Batch, SetOp
from graph.exposed import Exposure, Place
from graph.graph import Graph
from graph.rules import check_exposed
from graph.subgraph import Defined


@dataclass(frozen=True)
class Expose(DrawingEdit):
    """Let the instances of a definition set exactly these; those that go lose their values."""

    exposed: tuple[Exposure, ...]

    def title(self, graph: Graph) -> str:
        before = {one.name for one in self.drawing(graph).exposed}
        now = {one.name for one in self.exposed}
        for verb, names in (("Expose", now - before), ("Stop exposing", before - now)):
            if names:
                return f"{verb} {', '.join(sorted(names))} in {self.into}"
        return f"Change what {self.into} exposes"

    def apply(self, graph: Graph) -> Edit:
        drawing = self.drawing(graph)
        check_exposed(self.into, self.exposed, f"{self.into}.exposed")
        before, now = drawing.exposed, {one.name for one in self.exposed}
        gone = {one.name: "" for one in before if one.name not in now}
        back = [edit.apply(graph) for edit in _followed(graph, self.into, gone)]
        drawing.expose(self.exposed)
        return Batch((replace(self, exposed=before), *reversed(back)))

    def touched(self) -> Touched:
        return self.named("")


@dataclass(frozen=True)
class RenameExposed(DrawingEdit):
    """Call an exposed setting something else; instances, and what exposes it further, follow."""

    old: str
    new: str

    def title(self, graph: Graph) -> str:
        return f"Rename {self.old} of {self.into} to {self.new}"

    def apply(self, graph: Graph) -> Edit:
        drawing = self.drawing(graph)
        exposed = tuple(
            replace(one, name=self.new) if one.name == self.old else one for one in drawing.exposed
        )
        check_exposed(self.into, exposed, f"{self.into}.exposed")
        instances = [*_instances(graph, self.into)]
        for edit in [*_followed(graph, self.into, {self.old: self.new})]:
            edit.apply(graph)
        drawing.expose(exposed)
        for name, id in instances:
            self._follow(graph.drawing(name), id)
        return replace(self, old=self.new, new=self.old)

    def _follow(self, outer: Graph, id: str) -> None:
        """Where the drawing of an instance exposes the setting further, under its new name."""
        place: Place = (id, self.old)
        if any(place in one.places for one in outer.exposed):
            outer.expose(
                tuple(
                    replace(
                        one,
                        places=tuple((id, self.new) if p == place else p for p in one.places),
                    )
                    for one in outer.exposed
                )
            )

    def touched(self) -> Touched:
        return self.named("")


def _instances(graph: Graph, definition: str) -> Iterator[tuple[str, str]]:
    """Drawing and id of every instance."""
    for name, drawing in drawings(graph):
        for node in drawing:
            if isinstance(node.op, Defined) and node.op.definition == definition:
                yield name, node.id


def _followed(graph: Graph, definition: str, names: Mapping[str, str]) -> Iterator[Edit]:
    """Edits that give the values of instances other names; "" takes a value away."""
    for name, id in [*_instances(graph, definition)]:
        op = graph.drawing(name).node(id).op
        assert isinstance(op, Defined)
        values = {names.get(n, n): v for n, v in op.values if names.get(n, n)}
        kept = tuple(sorted(values.items()))
        if kept != op.values:
            yield SetOp(id, replace(op, values=kept), into=name)


Exposed = tuple[Exposure, ...]


def name_of(exposed: Exposed, place: Place) -> str:
    """The name that a setting is exposed under; "" for one that is not."""
    return next((one.name for one in exposed if place in one.places), "")


def with_place(exposed: Exposed, name: str, place: Place) -> Exposed:
    """What is exposed once `name` sets this place too; a new name comes last."""
    known = {one.name: one.places for one in without_place(exposed, place)}
    known[name] = (*known.get(name, ()), place)
    return tuple(Exposure(one, places) for one, places in known.items())


def without_place(exposed: Exposed, place: Place) -> Exposed:
    """What is exposed once nothing sets this place."""
    kept = (replace(one, places=tuple(p for p in one.places if p != place)) for one in exposed)
    return tuple(one for one in kept if one.places)
