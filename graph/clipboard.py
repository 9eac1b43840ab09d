"""Copy and paste as text: a piece of a drawing, in the form of a `.loom` file.

The text goes through the same validator, so a whole file can be pasted and a piece can be saved.
`outside` lists the wires that came from nodes not copied, for a paste that keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import networkx as nx

from graph.define import Define
from graph.dots import shifted
from graph.drawing import Drawing
from graph.edit import Edit
from graph.edits import AddNode, Batch, Connect, SetFrame, SetNote
from graph.files import graph_record, pretty, read_graph
from graph.graph import Graph, Wire
from graph.kinds import Optimizer
from graph.op import Op
from graph.records import read_wire, wire_text
from graph.rules import uses
from graph.subgraph import Defined
from graph.validator import fail, parse

STEP = 40.0  # a paste without a place stands so far from what was copied


def copied(graph: Graph, ids: Iterable[str], into: str = "") -> str:
    """The text of nodes, frames and notes of the drawing `into`, with the definitions they use."""
    drawing, chosen = graph.drawing(into), set(ids)
    part = Graph()
    for node in drawing:
        if node.id in chosen:
            part.set_node(node)
    outside = []
    for wire in drawing.wires():
        if wire.target in chosen and wire.target in drawing:
            if wire.source in chosen:
                part.add_wire(wire)
                if wire in drawing.dots:
                    part.dots[wire] = drawing.dots[wire]
            else:
                outside.append(wire)
    for frame in drawing.frames.values():
        if frame.id in chosen:
            part.frames[frame.id] = replace(
                frame, nodes=tuple(id for id in frame.nodes if id in chosen)
            )
    part.notes.update((id, note) for id, note in drawing.notes.items() if id in chosen)
    pending = list(uses(part))
    for name in pending:  # grows as it goes
        if name not in part.definitions:
            part.definitions[name] = graph.definitions[name]
            pending += uses(graph.definitions[name])
    record = graph_record(part)
    del record["training"]
    return pretty({**record, "outside": [wire_text(wire) for wire in outside]}) + "\n"


def paste(
    graph: Graph,
    text: str,
    into: str = "",
    at: tuple[float, float] | None = None,
    keep_wires: bool = False,
) -> Edit:
    """The edit that puts copied text into the drawing `into`, its middle at `at`.

    Ids and definitions that are taken get new names; a definition that is already there in the same
    form is used. `keep_wires` wires it to the nodes it was wired to, as far as they are there.
    Raises FileError for text that is no graph.
    """
    record = parse(text)
    outside = record.pop("outside", []) if isinstance(record, dict) else []
    if not isinstance(outside, list):
        fail("outside", outside, "a list of wires")
    wires = [read_wire(one, f"outside[{k}]") for k, one in enumerate(outside)]
    part = read_graph(record)
    drawing = graph.drawing(into)
    ids = _new_ids(drawing, [*part.net, *part.frames, *part.notes])
    names, definitions = defined(graph, part)
    dx, dy = _shift(part, at)
    edits: list[Edit] = list(definitions)
    for node in part:
        op = _renamed(node.op, names, ids)
        new_node = replace(node, id=ids[node.id], op=op, x=node.x + dx, y=node.y + dy)
        edits.append(AddNode(new_node, into=into))
    for wire in part.wires():
        there = replace(wire, source=ids[wire.source], target=ids[wire.target])
        dots = shifted(part.dots.get(wire, ()), dx, dy)
        edits.append(Connect(there, dots, into=into))
    for frame in part.frames.values():
        nodes = tuple(ids[id] for id in frame.nodes)
        new = replace(frame, id=ids[frame.id], nodes=nodes, x=frame.x + dx, y=frame.y + dy)
        edits.append(SetFrame(new, into=into))
    for note in part.notes.values():
        moved_note = replace(note, id=ids[note.id], x=note.x + dx, y=note.y + dy)
        edits.append(SetNote(moved_note, into=into))
    if keep_wires:
        edits += _kept(drawing, part, wires, ids, into)
    count = len(ids)
    return Batch(tuple(edits), f"Paste {count} item{'s' if count != 1 else ''}")


def _new_ids(drawing: Graph, wanted: Iterable[str]) -> dict[str, str]:
    """The id itself where it is free, else the next number of its stem."""
    used = {*drawing.net, *drawing.frames, *drawing.notes}
    result: dict[str, str] = {}
    for id in wanted:
        stem = re.sub(r"\d+$", "", id)[:56] or "node"
        new = id if id not in used else drawing.fresh_id(stem, used)
        used.add(new)
        result[id] = new
    return result


def defined(graph: Graph, part: Graph) -> tuple[dict[str, str], list[Edit]]:
    """The name that each definition of `part` gets in `graph`, and the edits that define those that
    are not there in the same form.
    """
    nested = nx.DiGraph()
    for name, body in part.definitions.items():
        nested.add_edges_from((used, name) for used in uses(body))
    nested.add_nodes_from(part.definitions)
    names: dict[str, str] = {}
    edits: list[Edit] = []
    for name in nx.lexicographical_topological_sort(nested):
        old = Drawing.of(part.definitions[name])
        nodes = tuple(replace(node, op=_renamed(node.op, names, {})) for node in old.nodes)
        new, there = replace(old, nodes=nodes), graph.definitions.get(name)
        if there is not None and Drawing.of(there) == new:
            names[name] = name
            continue
        taken = {*graph.definitions, *names.values()}
        stem = re.sub(r"\d+$", "", name)[:56]
        names[name] = name if name not in taken else Graph().fresh_id(stem, taken)
        edits.append(Define(names[name], new))
    return names, edits


def _renamed(op: Op, names: Mapping[str, str], ids: Mapping[str, str]) -> Op:
    """The op with the new names of the definition or the nodes it names."""
    if isinstance(op, Defined):
        return replace(op, definition=names.get(op.definition, op.definition))
    if isinstance(op, Optimizer) and op.trains:
        return replace(op, trains=tuple(ids.get(id, id) for id in op.trains))
    return op.untied(ids.get(op.tied_to(), op.tied_to()))


def _shift(part: Graph, at: tuple[float, float] | None) -> tuple[float, float]:
    """How far everything moves."""
    places = [(node.x, node.y) for node in part]
    if not places:
        places = [(frame.x, frame.y) for frame in part.frames.values()]
        places += [(note.x, note.y) for note in part.notes.values()]
    if at is None or not places:
        return STEP, STEP
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return at[0] - (min(xs) + max(xs)) / 2, at[1] - (min(ys) + max(ys)) / 2


def _kept(
    drawing: Graph, part: Graph, wires: list[Wire], ids: Mapping[str, str], into: str
) -> Iterator[Edit]:
    """Wires from nodes of the drawing, where the node and both ports are there."""
    for wire in wires:
        if wire.source not in drawing or wire.target not in part:
            continue
        left = {port.name for port in drawing.ports_out(wire.source)}
        right = {port.name for port in part.ports_in(wire.target)}
        if wire.output in left and wire.input in right:
            yield Connect(replace(wire, target=ids[wire.target]), into=into)
