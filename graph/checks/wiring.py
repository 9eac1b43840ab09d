"""Checks of the wiring: cycles, missing wires, unknown nodes, names, what nothing reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import networkx as nx

from graph.checks.connect import accepts, not_a_loss, unfit
from graph.checks.problem import MAX_EXPANDED, Problem, Spot, View
from graph.edit import Edit
from graph.edits import Batch, Connect, Disconnect, Remove, Rename, SetOp, connect
from graph.graph import Graph, Node, Wire
from graph.kinds import Optimizer
from graph.op import Port, Role
from graph.placeholder import Placeholder
from graph.program import TensorType
from graph.subgraph import Scan

SINKS: tuple[Role, ...] = ("loss", "metric", "optimizer", "output")
MAX_OFFERS = 3000  # wires tried to offer some for missing ones: about 3 ms


def too_many(view: View) -> Iterator[Problem]:
    """Definitions in definitions multiply; the limit is before anything is written out."""
    if view.expanded > MAX_EXPANDED:
        message = f"found {view.expanded:,} nodes written out, expected at most {MAX_EXPANDED:,}"
        yield Problem("error", "", "", message, "repeat less")


def cycles(view: View) -> Iterator[Problem]:
    """Every cycle, by the names of its nodes."""
    for spot in view:
        drawing = spot.drawing
        if len(spot.index.rank) == len(drawing):
            continue
        for part in sorted(nx.strongly_connected_components(drawing.net), key=min):
            ring = _ring(drawing, part)
            if not ring:
                continue
            names = " → ".join([*ring, ring[0]])
            message = f"found the cycle {names}, expected wires that only go forward"
            between = sorted(drawing.net.get_edge_data(ring[-1], ring[0]))
            cuts = [Disconnect(wire, into=spot.name) for wire in between]
            mend = cuts[0] if len(cuts) == 1 else Batch(tuple(cuts))
            yield spot.error(ring[0], "", message, "remove one of its wires", [mend])


def _ring(drawing: Graph, part: set[str]) -> list[str]:
    """The shortest cycle through the first of nodes that all reach each other; [] for no cycle."""
    first = min(part)
    ways = [[first]]
    seen = set[str]()
    for way in ways:  # grows as it goes
        for target in sorted(drawing.net.succ[way[-1]]):
            if target == first:
                return way
            if target in part and target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []


def missing_wires(view: View) -> Iterator[Problem]:
    """Ports that need a wire and have none; a warning where nothing depends on the node."""
    for spot in view:
        bare = [(id, port) for id, ports in sorted(spot.index.bare.items()) for port in ports]
        if not bare:
            continue
        needed = spot.drawing.upstream(node.id for node in spot.by_role(*SINKS))
        ends = _outputs(view, spot, MAX_OFFERS // len(bare))
        for id, port in bare:
            node = spot.drawing.node(id)
            mends = _offer(view, spot, node, port, ends)
            remedy = f"wire {_source(mends)} to it" if mends else "wire something to it"
            if isinstance(node.op, Scan) and (fed := _fed_back(spot, node, node.op, port.name)):
                remedy, mends = f"{remedy}, or let an output of the cell feed it", (*mends, *fed)
            say = spot.error if node.id in needed else spot.warning
            yield say(node.id, port.name, "found no wire, expected one", remedy, mends)


def _fed_back(spot: Spot, node: Node, op: Scan, port: str) -> tuple[Edit, ...]:
    """Edits that make an input of a scanned cell a state, fed by one of its outputs."""
    cell = spot.drawing.definitions[op.definition]
    if port in op.context or len(cell.port_ids("input")) < 2:
        return ()
    known = op.states(cell)
    free = [id for id in cell.port_ids("output") if id not in known.values()]
    return tuple(
        Batch(
            (SetOp(node.id, replace(op, carry=(*known.items(), (port, id))), into=spot.name),),
            f"Feed {id} back into {port}",
        )
        for id in free
    )


def _source(mends: tuple[Edit, ...]) -> str:
    wire = mends[0].wire if isinstance(mends[0], Connect) else None
    return f"{wire.source}.{wire.output}" if wire else "something"


@dataclass(frozen=True, slots=True)
class _End:
    """An output that a wire may be drawn from; `read` says that one is."""

    node: Node
    port: str
    kind: TensorType | None
    read: bool


def _outputs(view: View, spot: Spot, most: int) -> list[_End]:
    """Every output of a drawing, or none where there are more than can be tried."""
    ends: list[_End] = []
    if len(spot.drawing) - len(spot.by_role("optimizer")) > most:
        return ends
    read = {(wire.source, wire.output) for wire in spot.index.wires}
    for node in spot.drawing:
        for port in spot.drawing.ports_out(node.id):
            kind = view.shapes.types.get((spot.prefix + node.id, port.name))
            ends.append(_End(node, port.name, kind, (node.id, port.name) in read))
    return ends if len(ends) <= most else []


def _offer(
    view: View, spot: Spot, node: Node, port: Port, ends: Sequence[_End]
) -> tuple[Edit, ...]:
    """The wire that is meant most likely: from the only output that fits, better an unread one."""
    if not ends:
        return ()
    behind, known = spot.drawing.downstream([node.id]), dict[TensorType, bool]()
    fitting = [
        end
        for end in ends
        if end.node.id not in behind and _fits(view, spot, node, port, end, known)
    ]
    unread = [end for end in fitting if not end.read]
    chosen = unread if len(unread) == 1 else fitting
    if len(chosen) != 1:
        return ()
    wire = connect(spot.drawing, chosen[0].node.id, chosen[0].port, node.id, port.name)
    return (Connect(wire, into=spot.name),)


def _fits(
    view: View, spot: Spot, node: Node, port: Port, end: _End, known: dict[TensorType, bool]
) -> bool:
    """Whether a bare port takes what an output gives; `known` remembers that by type."""
    if isinstance(node.op, Optimizer):
        return end.node.op.role == "loss" and not_a_loss(end.kind) is None
    if end.kind is None:
        return False
    if end.kind not in known:
        wire = Wire(end.node.id, end.port, node.id, port.name)
        known[end.kind] = accepts(view, spot, wire, end.kind)
    return known[end.kind]


def placeholders(view: View) -> Iterator[Problem]:
    """Nodes whose type is not installed."""
    for spot in view:
        for id in sorted(spot.index.placeholders):
            op = spot.drawing.node(id).op
            assert isinstance(op, Placeholder)
            message = f"found the unknown node type {op.type_name!r}, expected a known one"
            remedy = "install the package that has it, or remove the node"
            yield spot.error(id, "", message, remedy, [Remove((id,), into=spot.name)])


def crosswise(view: View) -> Iterator[Problem]:
    """Schedules, optimizers and losses wired to ports that are not for them."""
    for spot in view:
        wires = {w for node in spot.by_role("schedule") for w in spot.drawing.wires_out(node.id)}
        wires |= {w for node in spot.by_role("optimizer") for w in spot.drawing.wires_in(node.id)}
        for wire in sorted(wires):
            misfit = unfit(spot, wire)
            target = spot.drawing.node(wire.target).op
            if misfit is None and isinstance(target, Optimizer) and wire.input == "loss":
                place = (spot.prefix + wire.source, wire.output)
                misfit = not_a_loss(view.shapes.types.get(place))
            if misfit:
                mend = Disconnect(wire, into=spot.name)
                yield spot.error(wire.target, wire.input, *misfit, [mend])


def unread(view: View) -> Iterator[Problem]:
    """Nodes whose values nothing reads, once there is something to read for."""
    for spot in view:
        if not any(spot.index.roles.get(role) for role in SINKS):
            continue
        for id in sorted(spot.index.unread):
            message = "found nothing that reads it, expected a wire from it"
            mend = Remove((id,), into=spot.name)
            yield spot.warning(id, "", message, "wire it to something, or remove it", [mend])


def names(view: View) -> Iterator[Problem]:
    """Nodes of one drawing that people call the same, or by the id of another."""
    for spot in view:
        named, drawing = spot.index.named, spot.drawing
        for name in sorted(spot.index.shared | (named.keys() & drawing.net.nodes)):
            first, *others = sorted(named[name])
            if name in drawing and first != name:
                others = [first, *others]
            number = 1
            for id in others:
                number += 1
                while f"{name} {number}" in named or f"{name} {number}" in drawing:
                    number += 1
                mend = Rename(id, f"{name} {number}", into=spot.name)
                message = f"found two nodes called {name!r}, expected names that differ"
                yield spot.warning(id, "", message, "rename one of them", [mend])
