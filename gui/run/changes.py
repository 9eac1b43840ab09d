"""How a document differs from the graph that its run trains. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from graph.graph import Graph, Node
from graph.kinds import DataSource
from graph.subgraph import Subgraph
from graph.training import Training


@dataclass(frozen=True)
class Meaning:
    """What a run depends on: not places, names and notes, and not settings changed live."""

    nodes: Mapping[str, object]
    data: Mapping[str, object]  # those nodes that samples come from
    wires: frozenset[object]
    groups: Mapping[str, frozenset[str]]
    definitions: Mapping[str, Meaning]
    training: Training | None


def meaning(graph: Graph, inner: bool = False) -> Meaning:
    """What a run of this graph depends on."""
    nodes = {node.id: _node(node) for node in graph}
    return Meaning(
        nodes,
        {node.id: nodes[node.id] for node in graph if isinstance(node.op, DataSource)},
        frozenset(graph.wires()),
        {frame.id: frozenset(frame.nodes) for frame in graph.frames.values()},
        {name: meaning(drawn, True) for name, drawn in graph.definitions.items()},
        None if inner else graph.training,
    )


def _node(node: Node) -> tuple[object, ...]:
    live = node.op.live_settings()
    settings = [
        (f.name, getattr(node.op, f.name))
        for f in fields(node.op)
        if f.name not in live and f.name != "schema"
    ]
    return type(node.op), node.frozen, node.bypassed, settings


def live_settings(graph: Graph) -> dict[str, float]:
    """Live settings by `NodePath/name`, also those inside definitions, once a repetition."""
    return _live(graph, graph, "")


def _live(root: Graph, drawing: Graph, prefix: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for node in drawing:
        path = prefix + node.id
        found |= {f"{path}/{name}": value for name, value in node.op.live_settings().items()}
        if isinstance(node.op, Subgraph) and node.op.definition in root.definitions:
            inner = root.definitions[node.op.definition]
            for turn in range(node.op.repeat):
                own = f"/{turn}" if node.op.repeat > 1 else ""
                found |= _live(root, inner, f"{path}{own}/")
    return found


def definition_of(graph: Graph, path: str) -> str:
    """The definition that the node at a NodePath is drawn in; "" for the graph itself."""
    name, drawing = "", graph
    for id in path.split("/")[:-1]:
        op = drawing.node(id).op if id in drawing else None  # else the number of a repetition
        if isinstance(op, Subgraph) and op.definition in graph.definitions:
            name, drawing = op.definition, graph.definitions[op.definition]
    return name


def swap_refusal(before: Meaning, now: Meaning) -> str:
    """Why a run cannot go on with the changed graph, or "" when it can."""
    if now.data != before.data:
        return "The data is another: restart the run to train on it."
    old, new = before.training, now.training
    assert old is not None
    assert new is not None
    for name, what in (
        ("batch_size", "The batch size"),
        ("seed", "The seed"),
        ("precision", "The precision"),
        ("split", "The split of the data"),
    ):
        if getattr(old, name) != getattr(new, name):
            return f"{what} is another: restart the run with it."
    return ""
