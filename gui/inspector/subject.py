"""What the panel is about, and the edits it makes of it. No Qt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from graph.edit import Edit
from graph.edits import Batch, Rename, SetFlags, SetFrame, SetOp
from graph.exposed import given, held, offered
from graph.graph import Frame, Graph, Node, Note, Wire
from graph.kinds import Optimizer
from graph.op import Op, SettingError, settings_of
from graph.rules import EditError
from graph.subgraph import Defined, Scan
from gui.document import Document
from gui.inspector.spec import Spec, message, specs_of

Item = Node | Wire | Frame | Note

MAX_PLACES = 1000  # repetitions of a node that live settings are sent to


@dataclass(frozen=True)
class Subject:
    """What is chosen in one drawing: nodes in the order of their ids, and the rest."""

    document: Document | None = None
    nodes: tuple[Node, ...] = ()
    wires: tuple[Wire, ...] = ()
    frames: tuple[Frame, ...] = ()
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(cls, document: Document | None) -> Subject:
        """What is chosen in a document."""
        if document is None:
            return cls()
        drawing = document.drawing
        chosen, things = sorted(document.selection), sorted(document.selected_things)
        return cls(
            document,
            tuple(drawing.node(id) for id in chosen if id in drawing),
            tuple(sorted(document.selected_wires)),
            tuple(drawing.frames[id] for id in things if id in drawing.frames),
            tuple(drawing.notes[id] for id in things if id in drawing.notes),
        )

    @property
    def count(self) -> int:
        """How many things are chosen."""
        return len(self.nodes) + len(self.wires) + len(self.frames) + len(self.notes)

    @property
    def only(self) -> Item | None:
        """What is chosen, when it is one thing."""
        parts: tuple[Node | Wire | Frame | Note, ...] = (
            *self.nodes,
            *self.wires,
            *self.frames,
            *self.notes,
        )
        return parts[0] if len(parts) == 1 else None

    @property
    def node(self) -> Node | None:
        """The node, when one node is all that is chosen."""
        return self.only if isinstance(self.only, Node) else None

    @property
    def types(self) -> tuple[type[Op], ...]:
        """The different types of the nodes, by name."""
        return tuple(sorted({type(n.op) for n in self.nodes}, key=lambda op: op.__name__))


def shared_specs(types: Sequence[type[Op]]) -> tuple[Spec, ...]:
    """The settings that all types have, of one kind and under one rule of choices."""
    return _shared([specs_of(op) for op in types])


def exposed_specs(subject: Subject) -> tuple[Spec, ...]:
    """The settings of inner nodes that all chosen instances expose, likewise."""
    nodes, document = subject.nodes, subject.document
    if document is None or not all(isinstance(node.op, Defined) for node in nodes):
        return ()
    found: dict[str, tuple[Spec, ...]] = {}
    for node in nodes:
        name = node.op.definition if isinstance(node.op, Defined) else ""
        if name in document.graph.definitions and name not in found:
            known = offered(document.graph.definitions[name])
            found[name] = tuple(
                Spec(name, one.rule, one.kind, one.drawn[0]) for name, one in known.items()
            )
    return _shared([*found.values()])


def _shared(lists: Sequence[tuple[Spec, ...]]) -> tuple[Spec, ...]:
    first, *others = lists or [()]
    tables = [{spec.name: spec for spec in specs} for specs in others]
    return tuple(spec for spec in first if all(_alike(spec, t.get(spec.name)) for t in tables))


def _alike(one: Spec, other: Spec | None) -> bool:
    return other is not None and one.kind == other.kind and one.rule.choices == other.rule.choices


def values_of(subject: Subject, name: str) -> tuple[Any, ...]:
    """What the chosen nodes have of a setting, their own or an exposed one; each value once."""
    assert subject.document is not None
    drawing, found = subject.document.drawing, dict[Any, None]()
    for node in subject.nodes:
        if name in settings_of(type(node.op)):
            found[getattr(node.op, name)] = None
        elif known := held(drawing, node.op, name):
            found |= dict.fromkeys(known.drawn)
    return tuple(found)


def change(subject: Subject, spec: Spec, value: Any) -> Edit | None:
    """The edit that gives all chosen nodes a value; None when they have it. Raises SettingError."""
    assert subject.document is not None
    into, drawing = subject.document.into, subject.document.drawing
    made = [(node, given(drawing, node.op, {spec.name: value})) for node in subject.nodes]
    edits: list[Edit] = [SetOp(node.id, op, into=into) for node, op in made if op != node.op]
    return _one(edits, f"Change {spec.label.lower()} of {len(edits)} nodes")


def set_flags(
    subject: Subject, frozen: bool | None = None, bypassed: bool | None = None
) -> Edit | None:
    """The edit that freezes or bypasses all chosen nodes; None leaves a flag as it is."""
    assert subject.document is not None
    edits: list[Edit] = []
    for node in subject.nodes:
        flags = (
            node.frozen if frozen is None else frozen,
            node.bypassed if bypassed is None else bypassed,
        )
        if flags != (node.frozen, node.bypassed):
            edits.append(SetFlags(node.id, *flags, into=subject.document.into))
    if frozen is not None:
        verb = "Freeze" if frozen else "Unfreeze"
    else:
        verb = "Bypass" if bypassed else "Put back"
    return _one(edits, f"{verb} {len(edits)} nodes")


def _one(edits: list[Edit], title: str) -> Edit | None:
    if len(edits) > 1:
        return Batch(tuple(edits), title)
    return edits[0] if edits else None


def rename(subject: Subject, text: str) -> Edit | None:
    """The edit that names what is chosen; a node that is named like its id has no name."""
    document, text = subject.document, text.strip()
    assert document is not None
    match subject.only:
        case Node(id=id) as node:
            name = "" if text == id else text
            return None if name == node.name else Rename(id, name, into=document.into)
        case Frame() as frame if text != frame.title:
            return SetFrame(replace(frame, title=text), into=document.into)
    return None


def push(document: Document, edit: Edit | None, key: str = "") -> str:
    """Push an edit; what is wrong with it, or ""."""
    if edit is None:
        return ""
    try:
        document.push(edit, key)
    except EditError as error:
        return f"Found {error.found}, expected {error.expected}"
    return ""


def tried(subject: Subject, spec: Spec, value: Any, key: str) -> str:
    """Give the chosen nodes a value as one step; what is wrong with it, or ""."""
    if subject.document is None:
        return ""
    try:
        edit = change(subject, spec, value)
    except SettingError as error:
        return message(error, spec.name)
    return push(subject.document, edit, key)


def places(graph: Graph, into: str, id: str) -> list[tuple[str, str]]:
    """NodePath and key of the weights of every repetition of a node, as `graph.trace` names them.

    At most MAX_PLACES; just (id, id) in the graph itself.
    """
    found = ((prefix + id, keys + id) for prefix, keys in _prefixes(graph, into))
    return list(islice(found, MAX_PLACES))


def _prefixes(graph: Graph, into: str) -> Iterator[tuple[str, str]]:
    if not into:
        yield "", ""
        return
    for name in ("", *graph.definitions):
        for node in graph.drawing(name):
            if isinstance(node.op, Defined) and node.op.definition == into:
                for prefix, keys in _prefixes(graph, name):
                    for own, shared in node.op.walks():
                        yield f"{prefix}{node.id}{own}/", f"{keys}{node.id}{shared}/"


def live_keys(subject: Subject, name: str) -> list[str]:
    """Keys of a live setting of the chosen nodes, as the run knows them; empty when it is none."""
    document = subject.document
    if document is None:
        return []
    drawing = document.drawing
    return [
        f"{path}{inner}/{own}"
        for node in subject.nodes
        for inner, own in _live_inside(drawing, node.op, name)
        for path, _ in places(document.graph, document.into, node.id)
    ]


def _live_inside(drawing: Graph, op: Op, name: str) -> Iterator[tuple[str, str]]:
    """The live settings that one of a node sets: what stands behind its path, and their names."""
    if name in op.live_settings():
        yield "", name
    if not isinstance(op, Defined) or op.definition not in drawing.definitions:
        return
    inside = drawing.inside(op)
    for exposure in inside.exposed:
        for id, setting in exposure.places if exposure.name == name else ():
            if id in inside:
                for behind, own in _live_inside(inside, inside.node(id).op, setting):
                    for turn, _ in op.walks():
                        yield f"{turn}/{id}{behind}", own


def candidates(subject: Subject, name: str) -> list[tuple[Any, str]]:
    """What the field of a setting offers: (value, words) of each."""
    node, document = (subject.nodes or (None,))[0], subject.document
    if node is None or document is None:
        return []
    op, drawing = node.op, document.drawing
    if isinstance(op, Optimizer) and name == "trains":
        framed = [(f.id, f"{f.title or f.id} (frame)") for _, f in sorted(drawing.frames.items())]
        trained = (n for n in drawing if has_weights(n.op))
        return framed + [(n.id, n.label) for n in sorted(trained, key=lambda n: n.id)]
    if name == "tie":
        others = (n for n in drawing if n.id != node.id and has_weights(n.op))
        return [(n.id, n.label) for n in sorted(others, key=lambda n: n.id)]
    if isinstance(op, Defined) and name == "definition":
        return [(known, known) for known in sorted(document.graph.definitions)]
    if isinstance(op, Scan) and name in ("carry", "context"):
        return _of_cell(document.graph, op, name)
    schema = getattr(op, "schema", None)
    if schema and name in ("target", "skip"):
        return [(column.name, column.name) for column in schema.columns]
    return [(choice, choice) for choice in _choices(drawing, op, name)]


def _of_cell(graph: Graph, op: Scan, name: str) -> list[tuple[Any, str]]:
    """Inputs of a scanned cell, or each with every output that could feed it."""
    cell = graph.definitions.get(op.definition, Graph())
    inputs, outputs = (cell.port_ids(role) for role in ("input", "output"))
    if name == "context":
        return [(id, id) for id in inputs]
    return [((id, end), f"{id}: {end}") for id in inputs for end in outputs]


def _choices(drawing: Graph, op: Op, name: str) -> tuple[str, ...]:
    known = settings_of(type(op)).get(name)
    behind = None if known else held(drawing, op, name)
    return known.choices if known else behind.rule.choices if behind else ()


def has_weights(op: Op) -> bool:
    """Whether nodes of this type have weights of their own, or stand for some that may."""
    return type(op).params is not Op.params or isinstance(op, Defined)
