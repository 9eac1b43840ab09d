"""Random edits of any kind, right or refused, from a `random.Random`: for long seeded sequences.

Hypothesis draws the seed and the length, so it shrinks a failing sequence to a short one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from graph.define import Define, Dissolve, Instance, RenameDefinition, Undefine, drawings
from graph.dots import SetDots
from graph.drawing import Drawing, copy
from graph.edit import Edit
from graph.edits import (
    AddNode,
    Batch,
    Connect,
    Disconnect,
    Move,
    Remove,
    Rename,
    SetFlags,
    SetFrame,
    SetNote,
    SetOp,
    SetTraining,
    connect,
)
from graph.graph import Dots, Frame, Graph, Node, Note
from graph.op import REGISTRY, Op, Setting, SettingError, annotation, settings_of
from graph.placeholder import Placeholder
from graph.rules import EditError
from graph.schema import Column, Schema
from graph.subgraph import Scan, Subgraph
from graph.training import Split, Training

NAMES = ("", "a", "Größe ×2", '"quoted" \\ {x}', "名\u3000前", "x" * 150)
TEXTS = (*NAMES, "line\nline\u2028line")


def _number(rng: Random, rule: Setting, whole: bool) -> float:
    low = rule.min if rule.min is not None else rule.above
    high = rule.max if rule.max is not None else rule.below
    low = -3 if low is None else low
    high = low + 9 if high is None else min(high, low + 9)
    if whole:
        return rng.randint(math.ceil(low), math.floor(high))
    return low + (high - low) * rng.uniform(0.05, 0.95)


def random_setting(rng: Random, op: type[Op], name: str) -> Any:
    """A value of a setting; KeyError for kinds that keep their default."""
    rule, kind = settings_of(op)[name], annotation(op, name)
    if rule.choices:
        return rng.choice(rule.choices)
    if kind == "bool":
        return rng.random() < 0.5
    if kind.startswith("int"):
        return int(_number(rng, rule, whole=True))
    if kind.startswith("float"):
        return _number(rng, rule, whole=rng.random() < 0.3)
    if kind == "tuple[str, ...]":
        return tuple(rng.sample(["conv1", "dense1", "frame1", "gone"], rng.randrange(3)))
    if kind == "tuple[tuple[str, str], ...]":
        return (("age", "number"),) if rng.random() < 0.5 else ()
    if kind == "tuple[int, ...]":
        return tuple(rng.randint(1, 9) for _ in range(rng.randrange(4)))
    if kind == "Schema":
        return random_schema(rng)
    if kind == "str" and name in ("path", "target", "encoding"):
        return rng.choice(TEXTS)
    raise KeyError(name)


def random_schema(rng: Random) -> Schema:
    """What a table might hold."""
    kinds = [Column("age"), Column("town", "category", ("Łódź", "Oslo")), Column("id", "skipped")]
    columns = tuple(rng.sample(kinds, rng.randrange(len(kinds) + 1)))
    return Schema(columns, rng.randrange(1000), columns[0].name if columns else "")


def random_op(rng: Random, graph: Graph) -> Op:
    """A node of any type with any settings; at times one that is not installed."""
    if rng.random() < 0.1:
        ports = (tuple(rng.sample(["a", "b", "y"], rng.randrange(3))) for _ in range(2))
        return Placeholder("Warp", '{"rate": [1, {"deep": null}]}', *map(tuple, map(sorted, ports)))
    name = rng.choice(sorted(REGISTRY))
    if REGISTRY[name] is Subgraph:
        return Subgraph(rng.choice(sorted(graph.definitions) or ["none"]), rng.choice([1, 1, 3]))
    drawn: dict[str, Any] = {}
    if REGISTRY[name] is Scan:
        drawn["definition"] = rng.choice(sorted(graph.definitions) or ["none"])
    for key in settings_of(REGISTRY[name]):
        if rng.random() < 0.4:
            try:
                drawn[key] = random_setting(rng, REGISTRY[name], key)
                REGISTRY[name](**drawn)
            except (KeyError, SettingError):
                drawn.pop(key, None)
    return REGISTRY[name](**drawn)


def _some(rng: Random, ids: list[str]) -> tuple[str, ...]:
    return tuple(rng.sample(ids, min(len(ids), 1 + int(rng.expovariate(0.7)))))


def _add(rng: Random, graph: Graph, into: str) -> Edit:
    op = random_op(rng, graph)
    id = graph.drawing(into).fresh_id(type(op).__name__.lower())
    x, y = rng.uniform(-500, 500), float(rng.randrange(-500, 500))
    return AddNode(Node(id, op, rng.choice(NAMES), x, y), into=into)


def _remove(rng: Random, graph: Graph, into: str) -> Edit:
    drawing = graph.drawing(into)
    return Remove(_some(rng, [*drawing.net, *drawing.frames, *drawing.notes]), into=into)


def _connect(rng: Random, graph: Graph, into: str) -> Edit:
    drawing = graph.drawing(into)
    ids = sorted(drawing.net)
    outputs = [(id, port.name) for id in ids for port in drawing.ports_out(id)]
    inputs = [(id, port.name) for id in ids for port in drawing.ports_in(id)]
    wire = connect(drawing, *rng.choice(outputs), *rng.choice(inputs))
    return Connect(wire, random_dots(rng) if rng.random() < 0.2 else (), into=into)


def random_dots(rng: Random) -> Dots:
    """A few dots; at times none, at times one that is nowhere."""
    places = [rng.uniform(-500, 500), float(rng.randrange(-500, 500))] * 9 + [math.inf]
    return tuple((rng.choice(places), rng.choice(places)) for _ in range(rng.randrange(5)))


def _lead(rng: Random, graph: Graph, into: str) -> Edit:
    wire = rng.choice(graph.drawing(into).wires())
    if rng.random() < 0.1:
        wire = replace(wire, order=wire.order + 1)
    return SetDots(wire, random_dots(rng), into=into)


def _disconnect(rng: Random, graph: Graph, into: str) -> Edit:
    return Disconnect(rng.choice(graph.drawing(into).wires()), into=into)


def _set_op(rng: Random, graph: Graph, into: str) -> Edit:
    id = rng.choice(sorted(graph.drawing(into).net))
    return SetOp(id, random_op(rng, graph), into=into)


def _set_one(rng: Random, graph: Graph, into: str) -> Edit:
    node = rng.choice(list(graph.drawing(into)))
    name = rng.choice(sorted(settings_of(type(node.op))))
    changed = {name: random_setting(rng, type(node.op), name)}
    return SetOp(node.id, replace(node.op, **changed), into=into)


def _move(rng: Random, graph: Graph, into: str) -> Edit:
    drawing = graph.drawing(into)
    ids = _some(rng, [*drawing.net, *drawing.frames, *drawing.notes])
    return Move(tuple((id, rng.uniform(-9, 9), 0.5) for id in ids), into=into)


def _rename(rng: Random, graph: Graph, into: str) -> Edit:
    return Rename(rng.choice(sorted(graph.drawing(into).net)), rng.choice(NAMES), into=into)


def _flags(rng: Random, graph: Graph, into: str) -> Edit:
    id = rng.choice(sorted(graph.drawing(into).net))
    return SetFlags(id, *(rng.choice([None, False, True]) for _ in range(3)), into=into)


def _frame(rng: Random, graph: Graph, into: str) -> Edit:
    id = rng.choice(["frame1", "frame2", "gone"])
    members = _some(rng, sorted(graph.drawing(into).net))
    width, colour = rng.uniform(1, 9), rng.choice(["", "conv", "gone"])
    frame = Frame(id, rng.choice(NAMES), members, 1.5, width=width, colour=colour)
    return SetFrame(frame, into=into)


def _note(rng: Random, graph: Graph, into: str) -> Edit:
    return SetNote(Note(rng.choice(["note1", "note2"]), rng.choice(TEXTS), y=0.25), into=into)


def _training(rng: Random, graph: Graph, into: str) -> Edit:
    split = Split(validation=rng.choice([0.0, 0.25]), seed=rng.randrange(99))
    return SetTraining(Training(epochs=rng.randint(1, 99), seed=rng.randrange(99), split=split))


def _define(rng: Random, graph: Graph, into: str) -> Edit:
    body = Drawing.of(graph.drawing(into)) if len(graph.drawing(into)) < 20 else Drawing()
    return Define(rng.choice(["cell", "block", "tower"]), body)


def _undefine(rng: Random, graph: Graph, into: str) -> Edit:
    return Undefine(rng.choice(sorted(graph.definitions)))


def _rename_definition(rng: Random, graph: Graph, into: str) -> Edit:
    new = rng.choice(["cell", "block", "tower", "stem"])
    return RenameDefinition(rng.choice(sorted(graph.definitions)), new)


def _instance(rng: Random, graph: Graph, into: str) -> Edit:
    drawing = graph.drawing(into)
    name = rng.choice(["cell", "block", "tower", "stem"])
    ids = _some(rng, sorted(drawing.net))
    return Instance(ids, name, drawing.fresh_id(name), into=into)


def _dissolve(rng: Random, graph: Graph, into: str) -> Edit:
    drawing = graph.drawing(into)
    return Dissolve(rng.choice([n.id for n in drawing if isinstance(n.op, Subgraph)]), into=into)


def _batch(rng: Random, graph: Graph, into: str) -> Edit:
    draft = copy(graph)
    edits: list[Edit] = []
    for _ in range(rng.randint(2, 4)):
        edit = random_edit(rng, draft)
        edits.append(edit)
        try:
            edit.apply(draft)
        except EditError:
            break
    return Batch(tuple(edits), rng.choice(["", "Paste"]))


Maker = Callable[[Random, Graph, str], Edit]
MAKERS: tuple[Maker, ...] = (
    *(_add, _add, _add, _connect, _connect, _connect, _connect, _remove, _disconnect),
    *(_lead, _lead),
    *(_set_op, _set_one, _set_one, _move, _rename, _flags, _frame, _note, _training),
    *(_define, _undefine, _rename_definition, _instance, _instance, _dissolve, _batch),
)


def random_edit(rng: Random, graph: Graph) -> Edit:
    """An edit that names what is there; the rules may still refuse it."""
    while True:
        into = rng.choice([name for name, _ in drawings(graph)] + [""] * 3)
        try:
            return rng.choice(MAKERS)(rng, graph, into)
        except (IndexError, KeyError, SettingError):  # nothing there to choose from
            continue


def random_graph(rng: Random, edits: int = 40) -> Graph:
    """What so many random edits make of an empty graph."""
    graph = Graph()
    for _ in range(edits):
        try:
            random_edit(rng, graph).apply(graph)
        except EditError:
            continue
    return graph
