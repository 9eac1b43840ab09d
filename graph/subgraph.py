"""Instances of definitions: a box that stands for a drawing of its own.

Inside a definition `Input` and `Output` nodes name its ports. An instance may repeat its body one
behind the other, with one set of weights for all repetitions or one each, or scan it over the steps
of a sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, ClassVar, Literal

from graph.op import Op, Port, Role, Setting, SettingError, setting

if TYPE_CHECKING:
    from graph.graph import Graph


Values = tuple[tuple[str, int | float | bool | str | tuple[int | float, ...] | None], ...]
LENGTH = "length"  # the port of a scan that says where sequences end, unless its cell has one
VALUES = Setting("Exposed settings that are other than drawn, by name", shown=False)
MAX_TRIES = 8  # shapes of states that are tried before one is refused


class Defined(Op, register=False):
    """Base of the nodes that stand for a definition."""

    role: ClassVar[Role] = "layer"
    inputs = ()
    outputs = ()
    definition: str = setting("", "Name of the definition it stands for")
    # spelled out: the kind of a setting is read off its annotation
    values: tuple[tuple[str, int | float | bool | str | tuple[int | float, ...] | None], ...] = (
        field(default=(), kw_only=True, metadata={"setting": VALUES})
    )

    @property
    def turns(self) -> int:
        """How often its definition is walked, at most, to work out all shapes."""
        return 1

    def walks(self) -> Iterator[tuple[str, str]]:
        """What stands behind the id of the node in the NodePath and in the ParamKey of what is
        inside, once for each repetition that has weights or values of its own.
        """
        yield "", ""


class Subgraph(Defined):
    """Stands for a definition: a part you drew once and use as one node."""

    category, icon, family = "Structure", "subgraph", "custom"
    keywords = ("block", "group", "repeat", "module")
    summary = ("definition", "repeat")
    repeat: int = setting(1, "How often the body runs, output into input", min=1, max=10_000)
    weights: str = setting(
        "own", "Each repetition has its own weights, or all share", choices=("own", "shared")
    )

    @property
    def turns(self) -> int:
        return self.repeat

    def walks(self) -> Iterator[tuple[str, str]]:
        for turn in range(self.repeat):
            own = f"/{turn}" if self.repeat > 1 else ""
            yield own, own if self.weights == "own" else ""


class Scan(Defined):
    """Runs a drawn cell at every step of a sequence, with the same weights, carrying its state.

    An input x of the definition gets one step N×F at a time of what is wired to it, N×T×F; outputs
    come as sequences N×T×… or as the last step only. An input that is a state is what its output
    was a step before: h of h_next, unless `carry` pairs them otherwise. It starts at 0, or at what
    is wired to it (Elman 1990; Goodfellow et al. 2016, §10.1). Its shape is worked out, or is that
    of the Input node inside. `length`, from 1 to T, says where each sequence ends: later steps give
    0, the last step is that one, and the way back begins there.
    """

    category, icon, family = "Recurrent", "recurrent", "recurrent"
    keywords = ("cell", "custom", "loop", "time distributed", "recurrent", "sequence", "unroll")
    summary = ("definition", "returns")
    returns: str = setting(
        "sequence",
        "The outputs of all steps, or those of the last step of the walk only",
        choices=("sequence", "last"),
    )
    reverse: bool = setting(False, "Walk from the last step to the first")
    carry: tuple[tuple[str, str], ...] = setting(
        (),
        "Inputs that are states, carried from step to step, each with the output that feeds it, "
        "such as h: y; empty: by name, h from h_next",
    )
    context: tuple[str, ...] = setting(
        (), "Inputs that every step gets whole, such as what an encoder gives", advanced=True
    )

    @property
    def turns(self) -> int:
        return 1 + MAX_TRIES

    def check(self) -> None:
        carried = [name for name, _ in self.carry]
        for where, names in (("carry", carried), ("context", list(self.context))):
            if len(set(names)) != len(names):
                raise SettingError(where, "an input twice", "each input once")
        both = sorted(set(carried) & set(self.context))
        if both:
            raise SettingError("context", f"{both[0]!r}, which is a state", "other inputs")

    def states(self, definition: Graph) -> Mapping[str, str]:
        """The inputs of the definition that are states, each with the output that feeds it.

        An output that `carry` names may be missing.
        """
        inputs, outputs = (definition.port_ids(role) for role in ("input", "output"))
        if self.carry:
            fed = dict(self.carry)
            return {id: fed[id] for id in inputs if id in fed}
        named = {id: f"{id}_next" for id in inputs if id not in self.context}
        return {id: feeds for id, feeds in named.items() if feeds in outputs}


def port_nodes(definition: Graph, role: Literal["input", "output"]) -> list[str]:
    """Ids of the nodes that are the definition's ports, in port order."""
    return definition.port_ids(role)


def instance_ports(
    graph: Graph, op: Op, role: Literal["input", "output"]
) -> tuple[Port, ...] | None:
    """Ports of an instance, from its definition; None for any other node."""
    if not isinstance(op, Defined):
        return None
    definition = graph.definitions.get(op.definition)
    if definition is None:
        return None
    free = op.states(definition) if isinstance(op, Scan) and role == "input" else ()
    ports = [Port(id, optional=id in free) for id in port_nodes(definition, role)]
    if isinstance(op, Scan) and role == "input" and LENGTH not in definition:
        ports.append(Port(LENGTH, "labels", optional=True))
    return tuple(sorted(ports, key=lambda port: port.optional))  # what must be wired comes first
