"""How a document differs from the graph that its run trains. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

from graph.exposed import offered
from graph.files import named_file
from graph.graph import Graph, Node
from graph.kinds import DataSource
from graph.op import SettingError
from graph.stepping import batch_size
from graph.subgraph import Defined


def snapshot(graph: Graph) -> Graph:
    """The graph as it is now; nodes and wires are shared, as they never change."""
    definitions: dict[str, Graph] = {}
    for name, drawing in graph.definitions.items():
        definitions[name] = _copy(drawing, definitions)  # they know each other
    return _copy(graph, definitions)


def _copy(graph: Graph, definitions: dict[str, Graph]) -> Graph:
    return Graph(
        graph.net.copy(),
        definitions,
        dict(graph.frames),
        dict(graph.notes),
        graph.training,
        dict(graph.dots),
        graph.exposed,
    )


@dataclass(frozen=True)
class Drawn:
    """A graph, and the folder from which the paths in it start."""

    graph: Graph
    folder: Path


def differs(old: Drawn, new: Drawn) -> bool:
    """Whether a run of one would be another: not by places, names, notes and live settings."""
    if old.graph.training != new.graph.training:
        return True
    definitions, others = old.graph.definitions, new.graph.definitions
    if definitions.keys() != others.keys() or _drawn_otherwise(old, new):
        return True
    return any(
        _drawn_otherwise(Drawn(drawing, old.folder), Drawn(others[name], new.folder))
        for name, drawing in definitions.items()
    )


def _drawn_otherwise(old: Drawn, new: Drawn) -> bool:
    one, two = old.graph, new.graph
    if one.net.nodes.keys() != two.net.nodes.keys() or _groups(one) != _groups(two):
        return True
    return _wired_otherwise(one, two) or any(_unlike(node.id, old, new) for node in one)


def _groups(graph: Graph) -> dict[str, frozenset[str]]:
    return {frame.id: frozenset(frame.nodes) for frame in graph.frames.values()}


def _wired_otherwise(old: Graph, new: Graph) -> bool:
    one, two = ([wire for _, _, wire in g.net.edges(keys=True)] for g in (old, new))
    # wires that nobody touched are the same objects: a thousand need no comparison
    return set(map(id, one)) != set(map(id, two)) and set(one) != set(two)


def _unlike(id: str, old: Drawn, new: Drawn) -> bool:
    one, two = old.graph.node(id), new.graph.node(id)
    if (one.frozen, one.bypassed) != (two.frozen, two.bypassed):
        return True
    return one.op is not two.op and _fixed(one, old) != _fixed(two, new)


def _fixed(node: Node, drawn: Drawn) -> tuple[object, ...]:
    """Type and settings without those that may change while training runs; paths as files."""
    own = node.op.live_settings()
    names = [f.name for f in fields(node.op) if f.name not in own and f.name != "schema"]
    values = {name: getattr(node.op, name) for name in names}
    if isinstance(node.op, DataSource) and values.get("path"):
        values["path"] = named_file(drawn.folder, values["path"])
    if isinstance(node.op, Defined) and node.op.values:
        definition = drawn.graph.definitions.get(node.op.definition, drawn.graph)
        live = {name for name, one in offered(definition).items() if one.rule.live}
        values["values"] = tuple(pair for pair in node.op.values if pair[0] not in live)
    return type(node.op), values


def live_settings(graph: Graph) -> dict[str, float]:
    """Live settings by `NodePath/name`, also those inside definitions, once a repetition."""
    return _live(graph, graph, "")


def _live(root: Graph, drawing: Graph, prefix: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for node in drawing:
        path = prefix + node.id
        found |= {f"{path}/{name}": value for name, value in node.op.live_settings().items()}
        if isinstance(node.op, Defined) and node.op.definition in root.definitions:
            inner = _inside(root, node.op)
            for own, _ in node.op.walks():
                found |= _live(root, inner, f"{path}{own}/")
    return found


def _inside(root: Graph, op: Defined) -> Graph:
    """What an instance stands for; as drawn where a value is refused, which a check tells."""
    try:
        return root.inside(op)
    except SettingError:
        return root.definitions[op.definition]


def definition_of(graph: Graph, path: str) -> str:
    """The definition that the node at a NodePath is drawn in; "" for the graph itself."""
    name, drawing = "", graph
    for id in path.split("/")[:-1]:
        op = drawing.node(id).op if id in drawing else None  # else the number of a repetition
        if isinstance(op, Defined) and op.definition in graph.definitions:
            name, drawing = op.definition, graph.definitions[op.definition]
    return name


def swap_refusal(old: Drawn, new: Drawn) -> str:
    """Why a run cannot go on with the changed graph, or "" when it can."""
    ids = [{node.id for node in one.graph if isinstance(node.op, DataSource)} for one in (old, new)]
    if ids[0] != ids[1] or any(_unlike(id, old, new) for id in ids[0]):
        return "The data is another: restart the run to train on it."
    if batch_size(old.graph) != batch_size(new.graph):
        return "The batch size is another: restart the run with it."
    for name, what in (
        ("seed", "The seed"),
        ("precision", "The precision"),
        ("fast_convolution", "The choice of fast convolution"),
        ("split", "The split of the data"),
    ):
        if getattr(old.graph.training, name) != getattr(new.graph.training, name):
            return f"{what} is another: restart the run with it."
    return ""


def swapped(old: Graph, new: Graph) -> Graph:
    """The graph to go on with, as it is now; its data is named as the run names it."""
    graph = snapshot(new)
    for node in list(graph):
        if isinstance(node.op, DataSource) and node.op is not old.node(node.id).op:
            graph.set_node(replace(node, op=old.node(node.id).op))
    return graph
