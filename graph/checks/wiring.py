"""Checks of the wiring: cycles, missing wires, unknown nodes, names, what nothing reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import networkx as nx

from graph.checks.connect import accepts, not_a_loss, unfit
from graph.checks.problem import MAX_EXPANDED, Problem, Spot, View
from graph.edit import Edit
from graph.edits import Batch, Connect, Disconnect, Remove, Rename, connect
from graph.graph import Graph, Node, Wire
from graph.kinds import Optimizer
from graph.op import Port, Role
from graph.placeholder import Placeholder

SINKS: tuple[Role, ...] = ("loss", "metric", "optimizer", "output")
MAX_OFFERS = 300  # wires tried to offer some for missing ones: about 5 ms


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
        ends = list(_outputs(spot.drawing))
        for id, port in bare:
            node = spot.drawing.node(id)
            few = len(bare) * len(ends) <= MAX_OFFERS
            mends = _offer(view, spot, node, port, ends) if few else ()
            remedy = f"wire {_source(mends)} to it" if mends else "wire something to it"
            say = spot.error if node.id in needed else spot.warning
            yield say(node.id, port.name, "found no wire, expected one", remedy, mends)


def _source(mends: tuple[Edit, ...]) -> str:
    wire = mends[0].wire if isinstance(mends[0], Connect) else None
    return f"{wire.source}.{wire.output}" if wire else "something"


def _outputs(drawing: Graph) -> Iterator[tuple[str, str]]:
    """Every output, by node; looking stops where there are too many to offer."""
    count = 0
    for node in drawing:
        for port in drawing.ports_out(node.id):
            yield node.id, port.name
            count += 1
        if count > MAX_OFFERS:
            return


def _offer(
    view: View, spot: Spot, node: Node, port: Port, ends: Sequence[tuple[str, str]]
) -> tuple[Edit, ...]:
    """The wire that is meant most likely: from the only output that fits, better an unread one."""
    drawing = spot.drawing
    wires = [connect(drawing, *end, node.id, port.name) for end in ends if end[0] != node.id]
    spot.expect_target(node.id)
    fitting = [wire for wire in wires if _fits(view, spot, node, wire)]
    unread = [wire for wire in fitting if not drawing.wires_out(wire.source, wire.output)]
    chosen = unread if len(unread) == 1 else fitting
    return (Connect(chosen[0], into=spot.name),) if len(chosen) == 1 else ()


def _fits(view: View, spot: Spot, node: Node, wire: Wire) -> bool:
    """Whether a wire to a bare port may be drawn and what it carries is known."""
    if spot.closes_cycle(wire) or unfit(spot, wire) is not None:
        return False
    kind = view.shapes.types.get((spot.prefix + wire.source, wire.output))
    if isinstance(node.op, Optimizer):
        return spot.drawing.node(wire.source).op.role == "loss" and not_a_loss(kind) is None
    return kind is not None and accepts(view, spot, wire, kind)


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
        for name in sorted(named):
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
