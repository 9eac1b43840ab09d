"""How a document differs from the graph that its run trains. No Qt."""

from __future__ import annotations

from dataclasses import fields

from graph.graph import Graph, Node
from graph.kinds import DataSource
from graph.subgraph import Subgraph


def snapshot(graph: Graph) -> Graph:
    """The graph as it is now; nodes and wires are shared, as they never change."""
    definitions = {name: snapshot(drawn) for name, drawn in graph.definitions.items()}
    return Graph(
        graph.net.copy(), definitions, dict(graph.frames), dict(graph.notes), graph.training
    )


def differs(old: Graph, new: Graph) -> bool:
    """Whether a run of one would be another: not by places, names, notes and live settings."""
    return old.training != new.training or _drawn_otherwise(old, new)


def _drawn_otherwise(old: Graph, new: Graph) -> bool:
    if old.net.nodes.keys() != new.net.nodes.keys() or _groups(old) != _groups(new):
        return True
    if any(_unlike(node, new.node(node.id)) for node in old) or _wired_otherwise(old, new):
        return True
    if old.definitions.keys() != new.definitions.keys():
        return True
    return any(_drawn_otherwise(d, new.definitions[n]) for n, d in old.definitions.items())


def _groups(graph: Graph) -> dict[str, frozenset[str]]:
    return {frame.id: frozenset(frame.nodes) for frame in graph.frames.values()}


def _wired_otherwise(old: Graph, new: Graph) -> bool:
    one, two = ([wire for _, _, wire in g.net.edges(keys=True)] for g in (old, new))
    # wires that nobody touched are the same objects: a thousand need no comparison
    return set(map(id, one)) != set(map(id, two)) and set(one) != set(two)


def _unlike(one: Node, two: Node) -> bool:
    if (one.frozen, one.bypassed) != (two.frozen, two.bypassed):
        return True
    return one.op is not two.op and _fixed(one) != _fixed(two)


def _fixed(node: Node) -> tuple[object, ...]:
    """Type and settings without those that may change while training runs."""
    live = node.op.live_settings()
    names = (f.name for f in fields(node.op) if f.name not in live and f.name != "schema")
    return type(node.op), [(name, getattr(node.op, name)) for name in names]


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


def swap_refusal(old: Graph, new: Graph) -> str:
    """Why a run cannot go on with the changed graph, or "" when it can."""
    sources = {node.id: node for node in old if isinstance(node.op, DataSource)}
    others = {node.id: node for node in new if isinstance(node.op, DataSource)}
    if sources.keys() != others.keys() or any(_unlike(sources[id], others[id]) for id in sources):
        return "The data is another: restart the run to train on it."
    for name, what in (
        ("batch_size", "The batch size"),
        ("seed", "The seed"),
        ("precision", "The precision"),
        ("split", "The split of the data"),
    ):
        if getattr(old.training, name) != getattr(new.training, name):
            return f"{what} is another: restart the run with it."
    return ""
