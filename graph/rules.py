"""What every drawing must keep: ids, names, wires to ports that exist, definitions without cycles.

Edits and files go through the same rules, so whatever an edit can make, a file can hold, and a
file that loads can be edited. What is merely wrong (a cycle, a missing wire, a shape) passes
here: `graph.checks` reports it.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable

import networkx as nx

from graph.exposed import Exposure
from graph.graph import Dots, Frame, Graph, Node, Note, Wire
from graph.op import Op, Port, settings_of
from graph.subgraph import Defined, Scan, Subgraph

ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
# control characters, and what ends a line elsewhere
BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
MAX_NAME = 200  # characters of a node's or frame's name
MAX_EXPOSED = 64  # characters of the name of an exposed setting
MAX_TEXT = 100_000  # characters of a note
MAX_SETTING = 1_000_000  # characters of a text that is a setting
MAX_NODES = 50_000  # nodes of one drawing
MAX_DOTS = 64  # that one wire is led through
MAX_PLACE = 1e9  # the canvas ends here
MAX_DEPTH = 16  # definitions inside definitions


class EditError(ValueError):
    """An edit (or a file) breaks a rule of drawings: where, found, expected, what to do."""

    def __init__(self, place: str, found: str, expected: str, remedy: str) -> None:
        place = place if len(place) <= MAX_NAME else f"{place[: MAX_NAME - 1]}…"
        self.place, self.found, self.expected, self.remedy = place, found, expected, remedy
        super().__init__(f"{place}: found {found}, expected {expected}; {remedy}")


def shown(value: object, limit: int = 60) -> str:
    """A value as one short line of an error."""
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**20 else "a huge number"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def check_id(id: str, place: str) -> None:
    """Ids are words: paths join them with `/`, wires with `.`."""
    if not ID.fullmatch(id):
        expected = "1 to 64 letters, digits, _ or -, not starting with a digit"
        raise EditError(place, f"the id {shown(id)}", expected, "choose another id")


def check_text(text: str, place: str, limit: int = MAX_NAME) -> None:
    """Text is bounded, and can be written as UTF-8."""
    if len(text) > limit:
        found = f"a text of {len(text)} characters"
        raise EditError(place, found, f"at most {limit}", "shorten it")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise EditError(place, "half a character (a lone surrogate)", "text", "type it again")


def check_name(name: str, place: str) -> None:
    """A name is one short line."""
    check_text(name, place)
    if BREAK.search(name):
        raise EditError(place, f"the name {shown(name)}", "one line of text", "take out the breaks")


def check_numbers(numbers: Iterable[float], place: str) -> None:
    """Places and sizes are on the canvas."""
    for number in numbers:
        if not (math.isfinite(number) and abs(number) <= MAX_PLACE):
            expected = f"a number from {-MAX_PLACE:g} to {MAX_PLACE:g}"
            raise EditError(place, f"{number:g}", expected, "move it back onto the canvas")


def check_free(graph: Graph, id: str, place: str) -> None:
    """An id names one node, frame or note of a drawing."""
    check_id(id, place)
    if id in graph or id in graph.frames or id in graph.notes:
        raise EditError(place, f"two things with the id {id!r}", "one", "choose another id")
    if len(graph) >= MAX_NODES:
        raise EditError(place, f"more than {MAX_NODES} nodes", "fewer", "use definitions")


def check_node(node: Node, place: str) -> None:
    """A node has a bounded name and stands on the canvas."""
    check_name(node.name, place)
    check_numbers((node.x, node.y), place)


def check_op(root: Graph, into: str, op: Op, place: str) -> None:
    """Settings can be saved; an instance stands for a definition that does not contain it."""
    check_settings(op, place)
    if isinstance(op, Defined):
        check_defined(root, op.definition, place)
        check_nesting(root, place, (into, op.definition))


def check_settings(op: Op, place: str) -> None:
    """A file can hold every setting: numbers are finite, texts bounded."""
    for name in settings_of(type(op)):
        _check_value(getattr(op, name), f"{place}.settings.{name}")


def _check_value(value: object, place: str) -> None:
    if isinstance(value, str):
        check_text(value, place, MAX_SETTING)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise EditError(place, f"{value}", "a finite number", "correct it")
    elif isinstance(value, int):
        if abs(value) >= 2**63:
            raise EditError(place, "a huge number", "numbers below 2⁶³", "correct it")
    elif isinstance(value, tuple):
        for one in value:
            _check_value(one, place)
    elif dataclasses.is_dataclass(value):
        for part in dataclasses.fields(value):
            _check_value(getattr(value, part.name), place)


def check_defined(root: Graph, name: str, place: str) -> None:
    """There is a definition called `name`."""
    if name not in root.definitions:
        known = ", ".join(sorted(root.definitions)[:5]) or "none yet"
        found = f"an instance of {shown(name)}"
        raise EditError(place, found, f"a definition ({known})", "define it first")


def check_nesting(root: Graph, place: str, *more: tuple[str, str]) -> None:
    """No definition contains itself, and they are not nested too deep.

    `more` are pairs (drawing, definition it is about to use).
    """
    nested = nx.DiGraph(more)
    for name, definition in root.definitions.items():
        nested.add_edges_from((name, used) for used in uses(definition))
    if not nx.is_directed_acyclic_graph(nested):
        ring = " → ".join([*(a for a, _ in nx.find_cycle(nested)), nx.find_cycle(nested)[0][0]])
        raise EditError(
            place,
            f"definitions in a cycle ({ring})",
            "none inside itself",
            "use another definition",
        )
    if nx.dag_longest_path_length(nested) > MAX_DEPTH:
        expected = f"at most {MAX_DEPTH} levels"
        raise EditError(place, "definitions nested deeper", expected, "draw it flatter")


def uses(drawing: Graph) -> set[str]:
    """Definitions that stand in a drawing as instances."""
    return {node.op.definition for node in drawing if isinstance(node.op, Defined)}


def check_wire(graph: Graph, wire: Wire, place: str) -> Port:
    """A wire runs between ports that exist and is no copy of another; returns its input port."""
    _port(graph, wire.source, wire.output, "output", place)
    target = _port(graph, wire.target, wire.input, "input", place)
    if graph.net.has_edge(wire.source, wire.target, key=wire):
        raise EditError(place, f"the wire {wire} twice", "it once", "leave one out")
    return target


def _port(graph: Graph, id: str, name: str, side: str, place: str) -> Port:
    if id not in graph:
        expected = "one that exists"
        raise EditError(place, f"a wire at the node {shown(id)}", expected, "remove the wire")
    ports = graph.ports_out(id) if side == "output" else graph.ports_in(id)
    for port in ports:
        if port.name == name:
            return port
    known = ", ".join(port.name for port in ports[:8]) or "no port"
    found = f"a wire at the {side} {shown(name)} of {id}"
    raise EditError(place, found, known, "remove the wire or choose one of these")


def check_frame(graph: Graph, frame: Frame, place: str) -> None:
    """A frame holds nodes that exist, each once."""
    check_name(frame.title, place)
    if frame.colour:
        check_id(frame.colour, f"{place}.colour")
    check_numbers((frame.x, frame.y, frame.width, frame.height), place)
    missing = [id for id in frame.nodes if id not in graph]
    if missing:
        raise EditError(place, f"the member {shown(missing[0])}", "a node", "leave it out")
    if len(set(frame.nodes)) < len(frame.nodes):
        raise EditError(place, "a member twice", "each node once", "leave one out")


def check_exposed(into: str, exposed: tuple[Exposure, ...], place: str) -> None:
    """Only definitions expose settings; each has a short name that no other has."""
    if exposed and not into:
        found = "exposed settings of the graph itself"
        raise EditError(place, found, "them in a definition", "take them off")
    names = set(settings_of(Subgraph)) | set(settings_of(Scan))
    for one in exposed:
        check_text(one.name, place, MAX_EXPOSED)
        check_name(one.name, place)
        if not one.name.strip() or one.name in names:
            found = f"an exposed setting called {shown(one.name)}"
            raise EditError(place, found, "a name that no other has", "choose another name")
        names.add(one.name)
        if not one.places:
            found = f"{shown(one.name)}, which sets nothing"
            raise EditError(place, found, "a setting of a node inside", "take it off")
        for id, name in one.places:
            check_id(id, place)
            check_text(name, place, MAX_EXPOSED)


def check_note(note: Note, place: str) -> None:
    """A note is a bounded text on the canvas."""
    check_text(note.text, place, MAX_TEXT)
    check_numbers((note.x, note.y, note.width), place)


def check_dots(graph: Graph, wire: Wire, dots: Dots, place: str) -> None:
    """Dots lie on the canvas, on a wire that exists."""
    if not graph.net.has_edge(wire.source, wire.target, key=wire):
        raise EditError(place, f"dots of no wire ({wire})", "a wire that exists", "leave them out")
    if not 0 < len(dots) <= MAX_DOTS:
        raise EditError(place, f"{len(dots)} dots", f"1 to {MAX_DOTS} on a wire", "take some off")
    for dot in dots:
        check_numbers(dot, place)
