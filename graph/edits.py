"""The edits of nodes, wires, frames, notes and the training section.

The window changes a graph only by pushing an edit; undo, the crash journal, paste and remedies are
edits too. Definitions have theirs in `graph.define`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from graph.edit import (
    FLAGS,
    DrawingEdit,
    Edit,
    Touched,
    flagged,
    lead,
    loose_wires,
    op_name,
    port_wires,
    retitled,
)
from graph.graph import Dots, Frame, Graph, Node, Note, Wire
from graph.op import Op
from graph.rules import (
    EditError,
    check_frame,
    check_free,
    check_name,
    check_node,
    check_note,
    check_numbers,
    check_op,
    check_wire,
)
from graph.training import Training


@dataclass(frozen=True)
class AddNode(DrawingEdit):
    """Put a node on the canvas."""

    node: Node

    def title(self, graph: Graph) -> str:
        return f"Add {op_name(self.node.op)}"

    def apply(self, graph: Graph) -> Edit:
        drawing = self.drawing(graph)
        check_free(drawing, self.node.id, self.node.id)
        check_node(self.node, self.node.id)
        check_op(graph, self.into, self.node.op, self.node.id)
        drawing.set_node(self.node)
        return Remove((self.node.id,), into=self.into)

    def touched(self) -> Touched:
        return self.named(self.node.id)


@dataclass(frozen=True)
class Remove(DrawingEdit):
    """Take nodes (with their wires), frames and notes off the canvas.

    A definition that loses a port loses the wires at that port of its instances too.
    """

    ids: tuple[str, ...]

    def title(self, graph: Graph) -> str:
        return f"Remove {self.labels(graph, self.ids)}"

    def apply(self, graph: Graph) -> Edit:
        drawing = self.drawing(graph)
        for id in self.ids:
            if not (id in drawing or id in drawing.frames or id in drawing.notes):
                raise EditError(id, "nothing of that id", "a node, frame or note", "choose one")
        nodes = [drawing.node(id) for id in dict.fromkeys(self.ids) if id in drawing]
        undo = [*self._back(drawing, nodes), *self._cut(graph, drawing, nodes)]
        for node in nodes:
            drawing.drop_node(node.id)
        for id in self.ids:
            drawing.frames.pop(id, None)
            drawing.notes.pop(id, None)
        return Batch(tuple(undo))

    def _back(self, drawing: Graph, nodes: list[Node]) -> Iterator[Edit]:
        """Edits that bring nodes, notes and frames back; frees the frames that stay of members."""
        yield from [AddNode(node, into=self.into) for node in nodes]
        gone = {node.id for node in nodes}
        for frame in list(drawing.frames.values()):
            if frame.id in self.ids or gone & set(frame.nodes):
                left = tuple(id for id in frame.nodes if id not in gone)
                drawing.frames[frame.id] = replace(frame, nodes=left)
                yield SetFrame(frame, into=self.into)
        for id in self.ids:
            if id in drawing.notes:
                yield SetNote(drawing.notes[id], into=self.into)

    def _cut(self, graph: Graph, drawing: Graph, nodes: list[Node]) -> Iterator[Edit]:
        """Drop the wires of the nodes; edits that bring them back."""
        for node in nodes:
            yield from cut_ports(graph, self.into, node)
            for wire in {*drawing.wires_in(node.id), *drawing.wires_out(node.id)}:
                yield cut(drawing, wire, self.into)

    def touched(self) -> Touched:
        return self.named(*self.ids)


@dataclass(frozen=True)
class Connect(DrawingEdit):
    """Draw a wire, led through dots; it replaces the wire of a port that takes only one."""

    wire: Wire
    dots: Dots = ()

    def title(self, graph: Graph) -> str:
        source, target = (self.label(graph, id) for id in (self.wire.source, self.wire.target))
        return f"Connect {source} to {target}"

    def apply(self, graph: Graph) -> Edit:
        drawing = self.drawing(graph)
        port = check_wire(drawing, self.wire, str(self.wire))
        there = [] if port.many else drawing.wires_in(self.wire.target, self.wire.input)
        replaced = [cut(drawing, wire, self.into) for wire in there]
        drawing.add_wire(self.wire)
        undo = Disconnect(self.wire, into=self.into)
        try:
            lead(drawing, self.wire, self.dots)
        except EditError:
            Batch((undo, *replaced)).apply(graph)
            raise
        return Batch((undo, *replaced)) if replaced else undo

    def touched(self) -> Touched:
        return self.named(self.wire.source, self.wire.target)


@dataclass(frozen=True)
class Disconnect(DrawingEdit):
    """Remove a wire."""

    wire: Wire

    def title(self, graph: Graph) -> str:
        source, target = (self.label(graph, id) for id in (self.wire.source, self.wire.target))
        return f"Disconnect {source} from {target}"

    def apply(self, graph: Graph) -> Edit:
        drawing, wire = self.drawing(graph), self.wire
        if not drawing.net.has_edge(wire.source, wire.target, key=wire):
            raise EditError(str(wire), "no such wire", "one that exists", "choose another")
        return cut(drawing, wire, self.into)

    def touched(self) -> Touched:
        return self.named(self.wire.source, self.wire.target)


@dataclass(frozen=True)
class SetOp(DrawingEdit):
    """Give a node other settings, or another type; wires at ports it then lacks are removed."""

    id: str
    op: Op

    def title(self, graph: Graph) -> str:
        return retitled(self.find(graph, self.id), self.op)

    def apply(self, graph: Graph) -> Edit:
        drawing, node = self.drawing(graph), self.find(graph, self.id)
        check_op(graph, self.into, self.op, self.id)
        moved = [] if self.op.role == node.op.role else list(cut_ports(graph, self.into, node))
        drawing.set_node(replace(node, op=self.op))
        lost = [cut(drawing, wire, self.into) for wire in loose_wires(drawing, self.id)]
        undo = SetOp(self.id, node.op, into=self.into)
        return Batch((undo, *lost, *moved)) if lost or moved else undo

    def touched(self) -> Touched:
        return self.named(self.id)

    def sets(self) -> frozenset[tuple[str, ...]]:
        return frozenset({("op", self.into, self.id)})


@dataclass(frozen=True)
class Move(DrawingEdit):
    """Put nodes, frames and notes elsewhere: (id, x, y) of each."""

    places: tuple[tuple[str, float, float], ...]

    def title(self, graph: Graph) -> str:
        return f"Move {self.labels(graph, [id for id, _, _ in self.places])}"

    def apply(self, graph: Graph) -> Edit:
        drawing = self.drawing(graph)
        before = tuple(self._place(drawing, id) for id, _, _ in self.places)
        for id, x, y in self.places:
            check_numbers((x, y), id)
        for id, x, y in self.places:
            if id in drawing:
                drawing.set_node(replace(drawing.node(id), x=x, y=y))
            elif id in drawing.frames:
                drawing.frames[id] = replace(drawing.frames[id], x=x, y=y)
            else:
                drawing.notes[id] = replace(drawing.notes[id], x=x, y=y)
        return Move(tuple(reversed(before)), into=self.into)

    def _place(self, drawing: Graph, id: str) -> tuple[str, float, float]:
        item: Node | Frame | Note | None = drawing.frames.get(id) or drawing.notes.get(id)
        if id in drawing:
            item = drawing.node(id)
        if item is None:
            raise EditError(id, "nothing of that id", "a node, frame or note", "choose one")
        return id, item.x, item.y

    def touched(self) -> Touched:
        return self.named(*(id for id, _, _ in self.places))

    def sets(self) -> frozenset[tuple[str, ...]]:
        return frozenset(("place", self.into, id) for id, _, _ in self.places)


@dataclass(frozen=True)
class Rename(DrawingEdit):
    """Give a node the name people see; its id, and so its weights, stay."""

    id: str
    name: str

    def title(self, graph: Graph) -> str:
        return f"Rename {self.label(graph, self.id)}"

    def apply(self, graph: Graph) -> Edit:
        node = self.find(graph, self.id)
        check_name(self.name, self.id)
        self.drawing(graph).set_node(replace(node, name=self.name))
        return Rename(self.id, node.name, into=self.into)

    def touched(self) -> Touched:
        return self.named(self.id)

    def sets(self) -> frozenset[tuple[str, ...]]:
        return frozenset({("name", self.into, self.id)})


@dataclass(frozen=True)
class SetFlags(DrawingEdit):
    """Freeze a node's weights, let its first input pass by it, draw it small; None: as it is."""

    id: str
    frozen: bool | None = None
    bypassed: bool | None = None
    collapsed: bool | None = None

    def title(self, graph: Graph) -> str:
        return flagged(self.find(graph, self.id), self._given())

    def apply(self, graph: Graph) -> Edit:
        node, given = self.find(graph, self.id), self._given()
        self.drawing(graph).set_node(replace(node, **given))
        before = {flag: getattr(node, flag) for flag in given}
        return SetFlags(self.id, into=self.into, **before)

    def _given(self) -> dict[str, Any]:
        return {flag: on for flag in FLAGS if (on := getattr(self, flag)) is not None}

    def touched(self) -> Touched:
        return self.named(self.id)

    def sets(self) -> frozenset[tuple[str, ...]]:
        return frozenset((flag, self.into, self.id) for flag in self._given())


@dataclass(frozen=True)
class SetFrame(DrawingEdit):
    """Add a frame, or change the one of that id."""

    frame: Frame

    def title(self, graph: Graph) -> str:
        known = self.frame.id in self.drawing(graph).frames
        return f"{'Change' if known else 'Add'} frame {self.frame.title}".rstrip()

    def apply(self, graph: Graph) -> Edit:
        drawing, frame = self.drawing(graph), self.frame
        before = drawing.frames.get(frame.id)
        if before is None:
            check_free(drawing, frame.id, frame.id)
        check_frame(drawing, frame, frame.id)
        drawing.frames[frame.id] = frame
        if before is None:
            return Remove((frame.id,), into=self.into)
        return SetFrame(before, into=self.into)

    def touched(self) -> Touched:
        return self.named(self.frame.id)

    def sets(self) -> frozenset[tuple[str, ...]]:
        return frozenset({("frame", self.into, self.frame.id)})


@dataclass(frozen=True)
class SetNote(DrawingEdit):
    """Add a note, or change the one of that id."""

    note: Note

    def title(self, graph: Graph) -> str:
        return "Change note" if self.note.id in self.drawing(graph).notes else "Add note"

    def apply(self, graph: Graph) -> Edit:
        drawing, note = self.drawing(graph), self.note
        before = drawing.notes.get(note.id)
        if before is None:
            check_free(drawing, note.id, note.id)
        check_note(note, note.id)
        drawing.notes[note.id] = note
        if before is None:
            return Remove((note.id,), into=self.into)
        return SetNote(before, into=self.into)

    def touched(self) -> Touched:
        return self.named(self.note.id)

    def sets(self) -> frozenset[tuple[str, ...]]:
        return frozenset({("note", self.into, self.note.id)})


@dataclass(frozen=True)
class SetTraining(Edit):
    """Change the training section."""

    training: Training

    def title(self, graph: Graph) -> str:
        return "Change training"

    def apply(self, graph: Graph) -> Edit:
        before, graph.training = graph.training, self.training
        return SetTraining(before)

    def sets(self) -> frozenset[tuple[str, ...]]:
        return frozenset({("training",)})


@dataclass(frozen=True)
class Batch(Edit):
    """Several edits as one; when one of them fails, none of them is done."""

    edits: tuple[Edit, ...]
    name: str = ""

    def title(self, graph: Graph) -> str:
        if self.name or not self.edits:
            return self.name or "Nothing"
        first = self.edits[0].title(graph)
        return first if len(self.edits) == 1 else f"{first} and {len(self.edits) - 1} more"

    def apply(self, graph: Graph) -> Edit:
        done: list[Edit] = []
        try:
            for edit in self.edits:
                done.append(edit.apply(graph))
        except EditError:
            for inverse in reversed(done):
                inverse.apply(graph)
            raise
        return Batch(tuple(reversed(done)), self.name)

    def touched(self) -> Touched:
        return frozenset[tuple[str, str]]().union(*(edit.touched() for edit in self.edits))

    def sets(self) -> frozenset[tuple[str, ...]] | None:
        parts = [edit.sets() for edit in self.edits]
        known = [part for part in parts if part is not None]
        return frozenset[tuple[str, ...]]().union(*known) if len(known) == len(parts) else None


def cut_ports(graph: Graph, into: str, node: Node) -> list[Edit]:
    """Drop the wires at the port that `node` gives instances; the edits that bring them back."""
    found = list(port_wires(graph, into, node))
    return [cut(graph.drawing(name), wire, name) for name, wire in found]


def cut(drawing: Graph, wire: Wire, into: str) -> Connect:
    """Drop a wire of the drawing `into`; the edit that brings it back with its dots."""
    back = Connect(wire, drawing.dots.get(wire, ()), into=into)
    drawing.drop_wire(wire)
    return back


def connect(graph: Graph, source: str, output: str, target: str, input: str) -> Wire:
    """The wire between two ports of a drawing, numbered behind those that end there already."""
    order = max((wire.order for wire in graph.wires_in(target, input)), default=-1) + 1
    many = any(port.name == input and port.many for port in graph.ports_in(target))
    return Wire(source, output, target, input, order if many else 0)
