"""The JSON form of nodes, wires, drawings and edits: of files, clipboard and journal.

Everything goes by name. Every setting is written, also those at their default: a default that a
later version or a package changes then never changes what an old file means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import graph.ops  # noqa: F401  (fills the registry that files name their node types from)
from graph.drawing import Drawing, numbered
from graph.exposed import Exposure
from graph.graph import Dots, Frame, Node, Note, Wire
from graph.op import REGISTRY, Op, settings_of
from graph.placeholder import Placeholder
from graph.rules import BREAK, ID, MAX_NAME
from graph.validator import (
    Json,
    decode,
    decode_fields,
    encode,
    fail,
    hints_of,
    inside,
    need_object,
)

_END = rf"({ID.pattern})\.({ID.pattern})"
WIRE = re.compile(rf"{_END} -> {_END}(?: #(\d{{1,6}}))?", re.ASCII)


def op_record(op: Op) -> dict[str, Json]:
    """Type and settings of a node; a placeholder's as they came."""
    if isinstance(op, Placeholder):
        ports = {"in": list(op.wired_in), "out": list(op.wired_out)}
        return {"type": op.type_name, "settings": json.loads(op.settings), "ports": ports}
    hints = hints_of(type(op))
    settings = {name: encode(getattr(op, name), hints[name]) for name in settings_of(type(op))}
    return {"type": type(op).__name__, "settings": settings}


def read_op(record: dict[str, Json], place: str) -> Op:
    """The op of a record with `type`, `settings` and, for a placeholder, `ports`."""
    kind = record["type"]
    if not isinstance(kind, str) or not 0 < len(kind) <= MAX_NAME or BREAK.search(kind):
        fail(inside(place, "type"), kind, "the name of a node type")
    settings = record.get("settings", {})
    where = inside(place, "settings")
    op = REGISTRY.get(kind)
    if op is not None:
        made = decode_fields(settings, op, where)
        assert isinstance(made, Op)
        return made
    if not isinstance(settings, dict):
        fail(where, settings, "an object")
    names = tuple[str, ...]
    ports = need_object(record.get("ports", {}), inside(place, "ports"), keys={"in", "out"})
    wired_in, wired_out = (
        tuple(sorted(set(decode(ports.get(side, []), names, inside(place, "ports")))))
        for side in ("in", "out")
    )
    return Placeholder(kind, json.dumps(settings, sort_keys=True), wired_in, wired_out)


def node_record(node: Node) -> dict[str, Json]:
    """A node without its id; flags and name only where they say something."""
    record = {**op_record(node.op), "at": [float(node.x), float(node.y)]}
    if node.name:
        record["name"] = node.name
    for flag in _FLAGS:
        if getattr(node, flag):
            record[flag] = True
    return record


_FLAGS = ("frozen", "bypassed", "collapsed")
_NODE = {"type", "settings", "ports", "at", "name", *_FLAGS}


def read_node(id: str, record: Json, place: str) -> Node:
    """The node `id` of a record."""
    need_object(record, place, keys=_NODE, required={"type"})
    x, y = decode(record.get("at", [0, 0]), tuple[float, float], inside(place, "at"))
    name = decode(record.get("name", ""), str, inside(place, "name"))
    flags = {flag: decode(record.get(flag, False), bool, inside(place, flag)) for flag in _FLAGS}
    return Node(id, read_op(record, place), name, x, y, **flags)


def wire_text(wire: Wire, number: str | None = None) -> str:
    """`conv1.y -> relu1.x`, and ` #2` for the wire numbered 2 of its port."""
    if number is None:
        number = f" #{wire.order}" if wire.order else ""
    return f"{wire.source}.{wire.output} -> {wire.target}.{wire.input}{number}"


def read_wire(text: Json, place: str) -> Wire:
    """The wire of such a text."""
    match = WIRE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        fail(place, text, "a wire such as 'conv1.y -> relu1.x'")
    source, output, target, input, order = match.groups()
    return Wire(source, output, target, input, int(order or 0))


def frame_record(frame: Frame) -> dict[str, Json]:
    """A frame without its id."""
    at, size = [float(frame.x), float(frame.y)], [float(frame.width), float(frame.height)]
    record: dict[str, Json] = {"title": frame.title, "nodes": list(frame.nodes)}
    record |= {"at": at, "size": size}
    return record | {"colour": frame.colour} if frame.colour else record


def read_frame(id: str, record: Json, place: str) -> Frame:
    """The frame `id` of a record."""
    keys = {"title", "nodes", "at", "size"}
    need_object(record, place, keys={*keys, "colour"}, required=keys)
    title = decode(record["title"], str, inside(place, "title"))
    nodes = decode(record["nodes"], tuple[str, ...], inside(place, "nodes"))
    at = decode(record["at"], tuple[float, float], inside(place, "at"))
    size = decode(record["size"], tuple[float, float], inside(place, "size"))
    colour = decode(record.get("colour", ""), str, inside(place, "colour"))
    return replace(Frame(id, title, nodes, *at, *size), colour=colour)


def note_record(note: Note) -> dict[str, Json]:
    """A note without its id."""
    return {"text": note.text, "at": [float(note.x), float(note.y)], "width": float(note.width)}


def read_note(id: str, record: Json, place: str) -> Note:
    """The note `id` of a record."""
    keys = {"text", "at", "width"}
    need_object(record, place, keys=keys, required=keys)
    x, y = decode(record["at"], tuple[float, float], inside(place, "at"))
    text = decode(record["text"], str, inside(place, "text"))
    return Note(id, text, x, y, decode(record["width"], float, inside(place, "width")))


DRAWING = {"nodes", "wires", "dots", "frames", "notes", "exposed"}


def drawing_record(drawing: Drawing) -> dict[str, Json]:
    """A drawing; the wires of one port follow each other, numbered where that is not from 0."""
    nodes = {node.id: node_record(node) for node in drawing.nodes}
    _hide_ports(nodes, drawing.wires)
    record: dict[str, Json] = {
        "nodes": nodes,
        "wires": [
            wire_text(wire, "" if wire.order == place.order else f" #{wire.order}")
            for wire, place in zip(drawing.wires, numbered(list(drawing.wires)), strict=True)
        ],
    }
    if drawing.dots:
        record["dots"] = {
            wire_text(wire): [[float(x), float(y)] for x, y in dots] for wire, dots in drawing.dots
        }
    if drawing.frames:
        record["frames"] = {frame.id: frame_record(frame) for frame in drawing.frames}
    if drawing.notes:
        record["notes"] = {note.id: note_record(note) for note in drawing.notes}
    if drawing.exposed:
        record["exposed"] = encode(drawing.exposed)
    return record


def _hide_ports(nodes: Mapping[str, dict[str, Json]], wires: Iterable[Wire]) -> None:
    """Leave out the ports of placeholders that a wire shows anyway."""
    wired = _wired(wires)
    for id, record in nodes.items():
        if "ports" not in record:
            continue
        spare = {
            side: [name for name in names if name not in wired.get((id, side), ())]
            for side, names in record["ports"].items()
        }
        record["ports"] = {side: names for side, names in spare.items() if names}
        if not record["ports"]:
            del record["ports"]


def _wired(wires: Iterable[Wire]) -> dict[tuple[str, str], set[str]]:
    """Ports that wires touch, by (node id, side)."""
    found: dict[tuple[str, str], set[str]] = {}
    for wire in wires:
        found.setdefault((wire.source, "out"), set()).add(wire.output)
        found.setdefault((wire.target, "in"), set()).add(wire.input)
    return found


def read_drawing(record: dict[str, Json], place: str) -> Drawing:
    """The drawing of an object that was checked for its keys; `place` is "" or ends with a dot."""
    texts = record.get("wires", [])
    if not isinstance(texts, list):
        fail(f"{place}wires", texts, "a list of wires")
    wires = _in_sequence(
        [read_wire(text, f"{place}wires[{k}]") for k, text in enumerate(texts)], texts
    )
    nodes = _read_all(record, "nodes", place, read_node)
    wired = _wired(wires)
    return Drawing(
        tuple(_show_ports(node, wired) for node in nodes),
        wires,
        tuple(_read_all(record, "frames", place, read_frame)),
        tuple(_read_all(record, "notes", place, read_note)),
        tuple(_read_all(record, "dots", place, _read_dots)),
        decode(record.get("exposed", []), tuple[Exposure, ...], f"{place}exposed"),
    )


def _read_dots(text: str, record: Json, place: str) -> tuple[Wire, Dots]:
    """The dots of the wire of a text, which says the number of the wire in its port."""
    return read_wire(text, place), decode(record, Dots, place)


def _read_all(record: dict[str, Json], part: str, place: str, read: Any) -> list[Any]:
    found = record.get(part, {})
    if not isinstance(found, dict):
        fail(f"{place}{part}", found, "an object")
    return [read(id, found[id], inside(f"{place}{part}", id)) for id in sorted(found)]


def _in_sequence(wires: list[Wire], texts: list[str]) -> tuple[Wire, ...]:
    """The wires numbered in their port by where they stand in the list, or as their texts say."""
    count: dict[tuple[str, str], int] = {}
    result = []
    for wire, text in zip(wires, texts, strict=True):
        port = (wire.target, wire.input)
        result.append(wire if "#" in text else replace(wire, order=count.get(port, 0)))
        count[port] = count.get(port, 0) + 1
    return tuple(result)


def _show_ports(node: Node, wired: Mapping[tuple[str, str], set[str]]) -> Node:
    """The node; a placeholder with the ports that wires show."""
    if not isinstance(node.op, Placeholder):
        return node
    into, out = wired.get((node.id, "in"), set()), wired.get((node.id, "out"), set())
    ports_in = tuple(sorted(into | set(node.op.wired_in)))
    ports_out = tuple(sorted(out | set(node.op.wired_out)))
    return replace(node, op=replace(node.op, wired_in=ports_in, wired_out=ports_out))
