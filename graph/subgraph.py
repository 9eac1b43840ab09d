"""Instances of definitions: a box that stands for a drawing of its own.

Inside a definition `Input` and `Output` nodes name its ports. An instance may repeat its body, with
one set of weights for all repetitions or one each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from graph.op import Op, Port, Role, setting

if TYPE_CHECKING:
    from graph.graph import Graph


class Subgraph(Op):
    """Stands for a definition: a part you drew once and use as one node."""

    category, icon, family = "Structure", "subgraph", "custom"
    role: ClassVar[Role] = "layer"
    keywords = ("block", "group", "repeat", "module")
    inputs = ()
    outputs = ()
    summary = ("definition", "repeat")
    definition: str = setting("", "Name of the definition it stands for")
    repeat: int = setting(1, "How often the body runs, output into input", min=1, max=10_000)
    weights: str = setting(
        "own", "Each repetition has its own weights, or all share", choices=("own", "shared")
    )


def port_nodes(definition: Graph, role: Literal["input", "output"]) -> list[str]:
    """Ids of the nodes that are the definition's ports, in port order."""
    return definition.port_ids(role)


def instance_ports(
    graph: Graph, op: Op, role: Literal["input", "output"]
) -> tuple[Port, ...] | None:
    """Ports of an instance, from its definition; None for any other node."""
    if not isinstance(op, Subgraph):
        return None
    definition = graph.definitions.get(op.definition)
    if definition is None:
        return None
    return tuple(Port(id) for id in port_nodes(definition, role))
