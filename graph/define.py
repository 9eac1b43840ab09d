"""The edits of definitions: draw a part once, use it as one node, take it apart again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from graph.dots import shifted
from graph.drawing import Drawing, renumbered
from graph.edit import DrawingEdit, Edit, Touched
from graph.edits import AddNode, Batch, Connect, Remove, SetFrame, SetNote, SetOp
from graph.graph import Dots, Graph, Node, Wire
from graph.kinds import Optimizer
from graph.op import SettingError
from graph.ops.structure import Input, Output
from graph.rules import (
    EditError,
    check_defined,
    check_dots,
    check_exposed,
    check_frame,
    check_free,
    check_id,
    check_nesting,
    check_node,
    check_note,
    check_settings,
    check_wire,
    uses,
)
from graph.subgraph import Defined, Scan, Subgraph, port_nodes


@dataclass(frozen=True)
class Define(Edit):
    """Add a definition."""

    name: str
    body: Drawing

    def title(self, graph: Graph) -> str:
        return f"Define {self.name}"

    def apply(self, graph: Graph) -> Edit:
        check_id(self.name, "definitions")
        if self.name in graph.definitions:
            found = f"a second definition {self.name!r}"
            raise EditError("definitions", found, "a new name", "choose another name")
        graph.definitions[self.name] = Graph(definitions=graph.definitions)
        try:
            fill(graph, self.name, self.body, f"{self.name}.")
            check_nesting(graph, self.name)
        except EditError:
            del graph.definitions[self.name]
            raise
        return Undefine(self.name)

    def touched(self) -> Touched:
        return frozenset({(self.name, "")})


@dataclass(frozen=True)
class Undefine(Edit):
    """Remove a definition that has no instance."""

    name: str

    def title(self, graph: Graph) -> str:
        return f"Remove definition {self.name}"

    def apply(self, graph: Graph) -> Edit:
        check_defined(graph, self.name, "definitions")
        users = [where for where, drawing in drawings(graph) if self.name in uses(drawing)]
        if users:
            found = f"instances of {self.name!r} in {users[0] or 'the graph'}"
            raise EditError("definitions", found, "none", "remove or dissolve them first")
        return Define(self.name, Drawing.of(graph.definitions.pop(self.name), exact=True))

    def touched(self) -> Touched:
        return frozenset({(self.name, "")})


@dataclass(frozen=True)
class RenameDefinition(Edit):
    """Give a definition another name; its instances follow."""

    old: str
    new: str

    def title(self, graph: Graph) -> str:
        return f"Rename {self.old} to {self.new}"

    def apply(self, graph: Graph) -> Edit:
        check_defined(graph, self.old, "definitions")
        check_id(self.new, "definitions")
        if self.new in graph.definitions:
            found = f"a second definition {self.new!r}"
            raise EditError("definitions", found, "a new name", "choose another name")
        graph.definitions[self.new] = graph.definitions.pop(self.old)
        for _, drawing in drawings(graph):
            for node in list(drawing):
                if isinstance(node.op, Defined) and node.op.definition == self.old:
                    drawing.set_node(replace(node, op=replace(node.op, definition=self.new)))
        return RenameDefinition(self.new, self.old)

    def touched(self) -> Touched:
        return frozenset({(self.old, ""), (self.new, "")})


@dataclass(frozen=True)
class Instance(DrawingEdit):
    """Make a definition from chosen nodes and put an instance, called `id`, in their place."""

    ids: tuple[str, ...]
    definition: str
    id: str

    def title(self, graph: Graph) -> str:
        return f"Make {self.definition} from {len(self.ids)} nodes"

    def apply(self, graph: Graph) -> Edit:
        return Batch(tuple(self._parts(graph))).apply(graph)

    def _parts(self, graph: Graph) -> Iterator[Edit]:
        """The edits it consists of."""
        drawing, chosen = self.drawing(graph), set(self.ids)
        nodes = [self.find(graph, id) for id in sorted(chosen)]
        self._check(drawing, nodes)
        boundary = _Boundary(drawing, nodes)
        yield Define(self.definition, boundary.body())
        # Removing the nodes frees their frames and wires; the instance takes both over.
        yield Remove(tuple(node.id for node in nodes), into=self.into)
        x, y = _middle(nodes)
        op = Subgraph(definition=self.definition)
        yield AddNode(Node(self.id, op, x=x, y=y), into=self.into)
        yield from [Connect(wire, into=self.into) for wire in boundary.outside(self.id)]
        for frame in drawing.frames.values():
            if chosen <= set(frame.nodes):
                left = tuple(id for id in frame.nodes if id not in chosen)
                yield SetFrame(replace(frame, nodes=(*left, self.id)), into=self.into)
        for node in drawing:
            if isinstance(node.op, Optimizer) and chosen & set(node.op.trains):
                kept = tuple(id for id in node.op.trains if id not in chosen)
                op_now = replace(node.op, trains=(*kept, self.id))
                yield SetOp(node.id, op_now, into=self.into)

    def _check(self, drawing: Graph, nodes: list[Node]) -> None:
        if not nodes:
            raise EditError(self.id, "no node chosen", "one at least", "choose the nodes first")
        for node in nodes:
            if node.op.role in ("optimizer", "schedule", "input", "output"):
                found = f"the {node.op.role} {node.id}"
                raise EditError(node.id, found, "layers, losses and metrics", "leave it outside")
        chosen = {node.id for node in nodes}
        between = (drawing.upstream(chosen) & drawing.downstream(chosen)) - chosen
        if between:
            found = f"{min(between)} between them, not chosen"
            raise EditError(self.id, found, "nodes without a gap", f"choose {min(between)} too")

    def touched(self) -> Touched:
        return self.named(self.id)


class _Boundary:
    """What crosses the edge of chosen nodes; each source outside or inside becomes one port."""

    def __init__(self, drawing: Graph, nodes: list[Node]) -> None:
        self.nodes = nodes
        inside = {node.id for node in nodes}
        touching = [w for w in drawing.wires() if w.source in inside or w.target in inside]
        self.within = [w for w in touching if w.source in inside and w.target in inside]
        self.dots = drawing.dots
        self.entering = [w for w in touching if w.source not in inside]
        self.leaving = [w for w in touching if w.target not in inside]
        self.inputs: dict[tuple[str, str], str] = {}
        self.outputs: dict[tuple[str, str], str] = {}
        for wire in self.entering:
            self._name(self.inputs, (wire.source, wire.output), wire.input)
        for wire in self.leaving:
            self._name(self.outputs, (wire.source, wire.output), wire.output)

    def _name(self, ports: dict[tuple[str, str], str], source: tuple[str, str], stem: str) -> None:
        """The id of the port node for `source`: the stem itself when it is free."""
        if source in ports:
            return
        taken = {node.id for node in self.nodes} | {*self.inputs.values(), *self.outputs.values()}
        ports[source] = stem if stem not in taken else Graph().fresh_id(stem, taken)

    def body(self) -> Drawing:
        """The definition: the nodes between their port nodes."""
        left = min(node.x for node in self.nodes) - 220
        right = max(node.x for node in self.nodes) + 220
        top = min(node.y for node in self.nodes)
        ports = [
            Node(id, Input(), x=left, y=top + 90 * row)
            for row, id in enumerate(self.inputs.values())
        ] + [
            Node(id, Output(), x=right, y=top + 90 * row)
            for row, id in enumerate(self.outputs.values())
        ]
        first, last = Input.outputs[0].name, Output.inputs[0].name
        wires = list(self.within)
        wires += [
            replace(w, source=self.inputs[w.source, w.output], output=first) for w in self.entering
        ]
        wires += [Wire(*source, id, last) for source, id in self.outputs.items()]
        now = renumbered(wires)
        return Drawing(
            tuple(sorted([*self.nodes, *ports], key=lambda n: n.id)),
            tuple(now.values()),
            dots=tuple((now[w], self.dots[w]) for w in now if w in self.dots and w in self.within),
        )

    def outside(self, instance: str) -> Iterator[Wire]:
        """The wires of the instance."""
        for source, port in self.inputs.items():
            yield Wire(*source, instance, port)
        for wire in self.leaving:
            port = self.outputs[wire.source, wire.output]
            yield replace(wire, source=instance, output=port)


@dataclass(frozen=True)
class Dissolve(DrawingEdit):
    """Put the nodes of its definition in the place of an instance; the definition stays."""

    id: str

    def title(self, graph: Graph) -> str:
        return f"Take {self.label(graph, self.id)} apart"

    def apply(self, graph: Graph) -> Edit:
        return Batch(tuple(self._parts(graph))).apply(graph)

    def _parts(self, graph: Graph) -> Iterator[Edit]:
        drawing, node = self.drawing(graph), self.find(graph, self.id)
        if isinstance(node.op, Scan):
            found, remedy = "a cell that is scanned over time", "make it a Subgraph first"
            raise EditError(self.id, found, "an instance that runs once", remedy)
        if not isinstance(node.op, Subgraph):
            found = f"the node type {type(node.op).__name__}"
            raise EditError(self.id, found, "an instance of a definition", "choose an instance")
        if node.op.repeat != 1:
            found = f"{node.op.repeat} repetitions"
            raise EditError(self.id, found, "one", "set repeat to 1 first")
        body = self._inside(drawing, node.op)
        ids = _fresh_ids(drawing, self.id, [*body.net, *body.frames, *body.notes])
        ports = {*port_nodes(body, "input"), *port_nodes(body, "output")}
        x, y = _middle(list(body))
        dx, dy = node.x - x, node.y - y
        yield Remove((self.id,), into=self.into)
        for one in body:
            if one.id not in ports:
                op = one.op.untied(ids.get(one.op.tied_to(), ""))
                moved_node = replace(one, id=ids[one.id], op=op, x=one.x + dx, y=one.y + dy)
                yield AddNode(moved_node, into=self.into)
        led = dict(self._wires(drawing, body, ids))
        for wire, now in renumbered(led).items():
            yield Connect(now, shifted(led[wire], dx, dy), into=self.into)
        for frame in body.frames.values():
            kept = tuple(ids[id] for id in frame.nodes if id not in ports)
            moved = replace(frame, id=ids[frame.id], x=frame.x + dx, y=frame.y + dy)
            yield SetFrame(replace(moved, nodes=kept), into=self.into)
        for note in body.notes.values():
            moved_note = replace(note, id=ids[note.id], x=note.x + dx, y=note.y + dy)
            yield SetNote(moved_note, into=self.into)

    def _inside(self, drawing: Graph, op: Subgraph) -> Graph:
        """What stands in its place: the definition with the values of the instance."""
        try:
            return drawing.inside(op)
        except SettingError as error:
            found, remedy = f"{error.name}: {error.found}", "correct it first"
            raise EditError(self.id, found, error.expected, remedy) from None

    def _wires(
        self, drawing: Graph, body: Graph, ids: dict[str, str]
    ) -> Iterator[tuple[Wire, Dots]]:
        """Wires inside the body and through its ports, in the ids of the drawing; the dots of those
        that are inside.
        """
        outputs = port_nodes(body, "output")
        for wire in body.wires():
            for source, output in self._sources(drawing, body, ids, wire):
                if wire.target not in outputs:
                    inside = body.node(wire.source).op.role != "input"
                    dots = body.dots.get(wire, ()) if inside else ()
                    made = replace(wire, source=source, output=output, target=ids[wire.target])
                    yield made, dots
                    continue
                for outer in drawing.wires_out(self.id, wire.target):
                    yield replace(outer, source=source, output=output), ()

    def _sources(
        self, drawing: Graph, body: Graph, ids: dict[str, str], wire: Wire
    ) -> Iterator[tuple[str, str]]:
        """What a wire of the body carries: an inner output, or what is wired to the input port."""
        if body.node(wire.source).op.role != "input":
            yield ids[wire.source], wire.output
            return
        for outer in drawing.wires_in(self.id, wire.source):
            yield outer.source, outer.output

    def touched(self) -> Touched:
        return self.named(self.id)


def drawings(graph: Graph) -> list[tuple[str, Graph]]:
    """The root and every definition, by name."""
    return [("", graph), *sorted(graph.definitions.items())]


def fill(root: Graph, into: str, body: Drawing, place: str) -> None:
    """Put a drawing into an empty one, keeping the rules; the caller checks the nesting.

    `place` is what stands before `nodes.conv1` in errors.
    """
    fill_nodes(root, into, body, place)
    fill_wires(root, into, body, place)


def fill_nodes(root: Graph, into: str, body: Drawing, place: str) -> None:
    """The nodes, frames and notes of `body`, and what it exposes."""
    drawing = root.drawing(into)
    for node in body.nodes:
        check_free(drawing, node.id, f"{place}nodes.{node.id}")
        check_node(node, f"{place}nodes.{node.id}")
        check_settings(node.op, f"{place}nodes.{node.id}")
        if isinstance(node.op, Defined):
            check_defined(root, node.op.definition, f"{place}nodes.{node.id}")
        drawing.set_node(node)
    for frame in body.frames:
        check_free(drawing, frame.id, f"{place}frames.{frame.id}")
        check_frame(drawing, frame, f"{place}frames.{frame.id}")
        drawing.frames[frame.id] = frame
    for note in body.notes:
        check_free(drawing, note.id, f"{place}notes.{note.id}")
        check_note(note, f"{place}notes.{note.id}")
        drawing.notes[note.id] = note
    check_exposed(into, body.exposed, f"{place}exposed")
    drawing.expose(body.exposed)


def fill_wires(root: Graph, into: str, body: Drawing, place: str) -> None:
    """The wires of `body` and their dots; the ports of its instances are known by now."""
    drawing = root.drawing(into)
    for wire in body.wires:
        port = check_wire(drawing, wire, f"{place}wires")
        if not port.many and drawing.wires_in(wire.target, wire.input):
            found = f"a second wire at {wire.target}.{wire.input}"
            raise EditError(f"{place}wires", found, "one wire", "remove the others")
        drawing.add_wire(wire)
    for wire, dots in body.dots:
        check_dots(drawing, wire, dots, f"{place}dots")
        drawing.dots[wire] = dots


def _middle(nodes: Iterable[Node]) -> tuple[float, float]:
    places = [(node.x, node.y) for node in nodes] or [(0.0, 0.0)]
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def _fresh_ids(drawing: Graph, leaving: str, wanted: Iterable[str]) -> dict[str, str]:
    """For each wanted id itself when it is free in the drawing, else a new one."""
    used = ({*drawing.net} - {leaving}) | {*drawing.frames} | {*drawing.notes}
    result: dict[str, str] = {}
    for id in wanted:
        new = id if id not in used else drawing.fresh_id(f"{id}_", used)
        used.add(new)
        result[id] = new
    return result
