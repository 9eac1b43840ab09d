"""What can be put on the canvas: the catalog's node types and the document's own parts. No Qt."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache

from graph.catalog import Entry, catalog
from graph.graph import Graph
from graph.kinds import DataSource
from graph.op import REGISTRY, Op
from graph.program import ShapeError
from graph.rules import EditError, check_op
from graph.subgraph import Defined, Scan, Subgraph
from gui.blocks import Block, blocks
from gui.canvas.describe import icon_name
from gui.palette.fuzzy import Field

SUBGRAPHS, BLOCKS = "Subgraphs", "Blocks"
SHAPES = {
    "image": "N×C×H×W",
    "vector": "N×F",
    "sequence": "N×T×F",
    "labels": "N",
    "loss": "loss",
    "parameters": "weights",
    "transition": "step",
    "any": "any",
}


@dataclass(frozen=True)
class Item:
    """One thing to add. `takes` is the shape at its first port, `name` its key everywhere.

    `definition` names a subgraph of the document, `scanned` at every step; `block` is one
    that ships with Netloom; other items are of the node type `name`.
    """

    name: str
    title: str
    category: str
    family: str
    icon: str
    takes: str
    tip: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    definition: str = ""
    scanned: bool = False
    block: Block | None = None
    fields: tuple[Field, ...] = field(default=(), repr=False)

    def op(self) -> Op:
        """A new op with the settings it starts with."""
        if self.definition:
            kind = Scan if self.scanned else Subgraph
            return kind(definition=self.definition)
        if self.block:
            return self.block.op()
        return REGISTRY[self.name]()

    @property
    def spoken(self) -> str:
        """What a screen reader says."""
        return ", ".join(part for part in (self.title, self.category, self.takes) if part)

    @property
    def explained(self) -> str:
        """The tooltip: what it does, takes and gives, as rich text."""
        ports = [
            f"{word} {html.escape(', '.join(names))}"
            for word, names in (("Takes", self.inputs), ("Gives", self.outputs))
            if names
        ]
        parts = [f"<b>{html.escape(self.title)}</b>", html.escape(self.tip), "<br>".join(ports)]
        return "".join(f"<p style='margin:2px 0'>{part}</p>" for part in parts if part)


def shelf(graph: Graph | None = None, into: str = "") -> list[Item]:
    """Everything that may stand in the drawing `into`, in palette order, its own parts last."""
    own = definitions(graph, into) if graph is not None else []
    shipped = [_of_block(one) for one in blocks() if graph is None or _may_stand(graph, into, one)]
    return [*_types(tuple(REGISTRY)), *shipped, *own]


def definitions(graph: Graph, into: str) -> list[Item]:
    """The subgraphs of a graph that may stand in `into`: none that would contain itself."""
    found = []
    for name in sorted(graph.definitions):
        op = Subgraph(definition=name)
        try:
            check_op(graph, into, op, name)
        except EditError:
            continue
        found.append(_of_definition(graph.definitions[name], op))
        if found[-1].inputs and found[-1].outputs:
            found.append(_of_definition(graph.definitions[name], Scan(definition=name)))
    return found


def _of_definition(inside: Graph, op: Defined) -> Item:
    """An instance of a definition, or a scan of it."""
    ports = tuple(inside.port_ids("input")), tuple(inside.port_ids("output"))
    name, scanned = op.definition, isinstance(op, Scan)
    tip = f"A part of this graph: {len(inside)} node{'s' if len(inside) != 1 else ''}."
    words = "subgraph block module"
    if scanned:
        tip, words = f"{name}, run at every step of a sequence.", "scan recurrent cell loop"
    title = f"{name} at every step" if scanned else name
    return Item(
        name=f"{SUBGRAPHS}/{title}",
        title=title,
        category=SUBGRAPHS,
        family=op.family,
        icon=icon_name(op),
        takes=SHAPES["sequence"] if scanned else f"{len(ports[0])} in",
        tip=tip,
        inputs=ports[0],
        outputs=ports[1],
        definition=name,
        scanned=scanned,
        fields=(Field(title), Field(SUBGRAPHS, 0.5), Field(words, 0.5)),
    )


def _may_stand(graph: Graph, into: str, block: Block) -> bool:
    """Whether a block does not contain the drawing `into`, where the graph has it already."""
    if block.name not in graph.definitions:
        return True
    try:
        check_op(graph, into, Subgraph(definition=block.name), block.name)
    except EditError:
        return False
    return True


@cache
def _of_block(block: Block) -> Item:
    op = block.op()
    return Item(
        name=f"{BLOCKS}/{block.name}",
        title=block.title,
        category=BLOCKS,
        family=op.family,
        icon=icon_name(op),
        takes=SHAPES[block.takes],
        tip=block.about,
        inputs=tuple(port.name for port in op.ports_in()),
        outputs=tuple(port.name for port in op.ports_out()),
        block=block,
        fields=(Field(block.title), Field(BLOCKS, 0.5), Field(block.about, 0.3, loose=False)),
    )


def by_category(items: Iterable[Item]) -> dict[str, list[Item]]:
    """Items by category, in the order in which categories first come."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.category, []).append(item)
    return found


@lru_cache(maxsize=4)
def _types(names: tuple[str, ...]) -> tuple[Item, ...]:
    """The node types `names`; one that stands for a definition is none of them."""
    return tuple(made for entry in catalog() if entry["name"] in names and (made := of_type(entry)))


def of_type(entry: Entry) -> Item | None:
    """A node type of the catalog; None for one that needs more than its settings."""
    if issubclass(REGISTRY[entry["name"]], Defined):
        return None
    words = tuple(Field(word, 0.85, loose=False) for word in entry["keywords"])
    op = REGISTRY[entry["name"]]()
    return Item(
        name=entry["name"],
        title=entry["title"],
        category=entry["category"],
        family=entry["family"],
        icon=icon_name(op),
        takes=expected(op),
        tip=entry["tip"].replace("`", ""),
        inputs=tuple(_port_text(p["name"], p["kind"]) for p in entry["inputs"]),
        outputs=tuple(_port_text(p["name"], p["kind"]) for p in entry["outputs"]),
        fields=(
            Field(entry["title"]),
            Field(entry["name"], 0.98),
            *words,
            Field(entry["category"], 0.6),
            Field(entry["tip"], 0.4, loose=False),
            Field(entry["doc"], 0.3, loose=False),
        ),
    )


def expected(op: Op) -> str:
    """The shape a node takes at its first port; of data, what one sample gives."""
    ports = op.ports_in()
    if ports:
        return SHAPES[ports[0].kind]
    if isinstance(op, DataSource):
        try:
            shape = next(iter(op.sample_types().values())).shape
        except ShapeError:
            return SHAPES[op.ports_out()[0].kind]
        if len(shape) > 1:
            return "×".join(map(str, shape))
        return SHAPES[op.ports_out()[0].kind]
    outputs = op.ports_out()
    return outputs[0].name if outputs else ""


def _port_text(name: str, kind: str) -> str:
    return f"{name} {SHAPES[kind]}" if SHAPES[kind] != name else name
