"""What there is to look at inside a net: outputs of layers, filters, attention weights. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from compute.attention import NAME, operands
from graph.graph import Graph
from graph.lower import LowerError, Model
from graph.op import Op


@dataclass(frozen=True)
class Seen:
    """One output of a layer: the tensor's name for questions, and what people call it.

    `filters` is the ParamKey of the convolution whose maps these are, "" when there is none.
    `telling`: of what the net does with a sample this tells more than others.
    """

    path: str
    tensor: str
    title: str
    filters: str = ""
    telling: bool = False


def seen(graph: Graph) -> list[Seen]:
    """Every output of every layer that a sample passes, first to last."""
    try:
        model = Model(graph)
        rank = {key: len(param.shape) for key, param in model.params.items()}
        nodes = model.nodes
    except LowerError:
        return []
    found = []
    for path, node in nodes.items():
        if operands(model, f"{NAME}{path}"):
            found.append(Seen(path, f"{NAME}{path}", _title(path, node.name, " weights"), "", True))
        ports = node.op.ports_out() if node.op.role == "layer" else ()
        for port in ports:
            title = _title(path, node.name, "" if len(ports) == 1 else f" {port.name}")
            if model.can_watch(f"value:{path}.{port.name}"):
                filters = _filters(graph, path, rank)
                telling = bool(filters) or node.op.family == "recurrent"
                found.append(Seen(path, f"value:{path}.{port.name}", title, filters, telling))
    return found


def _title(path: str, name: str, what: str) -> str:
    """A node with what is meant of it, and behind that the subgraph it is in."""
    above, _, id = path.rpartition("/")
    return f"{name or id}{what}" + (f" · {above}" if above else "")


def _filters(graph: Graph, path: str, rank: dict[str, int]) -> str:
    """The weights of the convolution that made the maps of a node: its own, or those of the first
    before it in a row of nodes that keep maps apart.
    """
    while path in graph:
        own = rank.get(f"{path}/weight")
        if own is not None:
            return f"{path}/weight" if own >= 4 else ""
        wires = graph.wires_in(path)
        if len(wires) != 1 or _mixes(graph.node(path).op):
            return ""
        path = wires[0].source
    return ""


def _mixes(op: Op) -> bool:
    """Whether a node's output has no maps that belong to those before it."""
    return op.family in ("shape", "merge", "data", "loss")
