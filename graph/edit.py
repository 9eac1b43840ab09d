"""The base of edits: what every edit answers, and what edits of drawings share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from graph.graph import Dots, Graph, Node, Wire
from graph.op import Op, settings_of
from graph.placeholder import Placeholder
from graph.rules import EditError, check_dots
from graph.subgraph import Defined

Touched = frozenset[tuple[str, str]]

# what the menu calls taking a flag away, and setting it
FLAGS = {
    "frozen": ("Unfreeze", "Freeze"),
    "bypassed": ("Put back", "Bypass"),
    "collapsed": ("Expand", "Collapse"),
}


@dataclass(frozen=True)
class Edit:
    """Base of all edits."""

    def title(self, graph: Graph) -> str:
        """Its name in the undo menu, asked before it is applied: "Add Conv2d"."""
        raise NotImplementedError

    def apply(self, graph: Graph) -> Edit:
        """Change `graph` and return the inverse. Raises EditError and changes nothing."""
        raise NotImplementedError

    def touched(self) -> Touched:
        """(drawing, id) of what it names, to select and redraw; the id is "" for all of it."""
        return frozenset()

    def sets(self) -> frozenset[tuple[str, ...]] | None:
        """What it sets when it only replaces values; None when it adds, removes or rewires."""
        return None


@dataclass(frozen=True)
class DrawingEdit(Edit):
    """Base of edits inside one drawing."""

    into: str = field(default="", kw_only=True)

    def drawing(self, graph: Graph) -> Graph:
        """The drawing it works in."""
        if self.into and self.into not in graph.definitions:
            known = ", ".join(sorted(graph.definitions)) or "none yet"
            raise EditError(
                self.into, "no definition of that name", f"one of: {known}", "define it first"
            )
        return graph.drawing(self.into)

    def find(self, graph: Graph, id: str) -> Node:
        """The node `id` of its drawing."""
        drawing = self.drawing(graph)
        if id not in drawing:
            raise EditError(id, "no such node", "a node of the drawing", "choose one that exists")
        return drawing.node(id)

    def label(self, graph: Graph, id: str) -> str:
        """What people call the node, frame or note `id`."""
        drawing = self.drawing(graph)
        return drawing.node(id).label if id in drawing else id

    def labels(self, graph: Graph, ids: Sequence[str]) -> str:
        """What people call one of these, or how many they are."""
        return self.label(graph, ids[0]) if len(ids) == 1 else f"{len(ids)} items"

    def named(self, *ids: str) -> Touched:
        """`touched` for these ids."""
        return frozenset((self.into, id) for id in ids)


def op_name(op: Op) -> str:
    """What the menu calls a node of this type."""
    if isinstance(op, Placeholder):
        return op.type_name
    if isinstance(op, Defined):
        return op.definition
    return type(op).title or type(op).__name__


def changed(old: Op, new: Op) -> list[str]:
    """What people call the settings that differ, of nodes of one type; exposed ones by name."""
    if isinstance(old, Defined) and isinstance(new, Defined) and old.values != new.values:
        other = {name for name, _ in {*old.values} ^ {*new.values}}
        return sorted(other) + changed(replace(old, values=()), replace(new, values=()))
    rules = settings_of(type(new))
    return [rules[n].called(n) for n in rules if getattr(new, n) != getattr(old, n)]


def retitled(node: Node, op: Op) -> str:
    """What the menu calls giving a node another op."""
    if type(node.op) is not type(op):
        return f"Replace {node.label} by {op_name(op)}"
    names = changed(node.op, op)
    return f"Change {names[0] if len(names) == 1 else 'the settings'} of {node.label}"


def flagged(node: Node, given: Mapping[str, bool]) -> str:
    """What the menu calls giving a node these flags, by the first that changes."""
    flag = min(given, key=lambda flag: given[flag] == getattr(node, flag), default="")
    return f"{FLAGS[flag][given[flag]]} {node.label}" if flag else "Nothing"


def loose_wires(drawing: Graph, id: str) -> list[Wire]:
    """Wires of a node whose port is not there, or takes one wire and has one already."""
    ports = {port.name: port for port in drawing.ports_in(id)}
    loose, taken = [], set[str]()
    for wire in drawing.wires_in(id):
        port = ports.get(wire.input)
        if port is None or (not port.many and wire.input in taken):
            loose.append(wire)
        taken.add(wire.input)
    known = {port.name for port in drawing.ports_out(id)}
    # a wire from a node to itself is in both lists
    loose += [w for w in drawing.wires_out(id) if w.output not in known and w not in loose]
    return loose


def port_wires(graph: Graph, into: str, node: Node) -> Iterator[tuple[str, Wire]]:
    """(drawing, wire) of all wires at the port that `node` gives the instances of `into`."""
    if not into or node.op.role not in ("input", "output"):
        return
    for name, drawing in [("", graph), *graph.definitions.items()]:
        for one in drawing:
            if isinstance(one.op, Defined) and one.op.definition == into:
                wires = {*drawing.wires_in(one.id, node.id), *drawing.wires_out(one.id, node.id)}
                yield from ((name, wire) for wire in sorted(wires))


def lead(drawing: Graph, wire: Wire, dots: Dots) -> None:
    """Lead a wire through dots, or through none. Raises EditError."""
    if dots:
        check_dots(drawing, wire, dots, str(wire))
        drawing.dots[wire] = dots
    else:
        drawing.dots.pop(wire, None)
