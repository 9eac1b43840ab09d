"""Checks of the wiring: cycles, missing wires, unknown nodes, names, what nothing reads."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx

from graph.checks.connect import can_connect, not_a_loss, unfit
from graph.checks.problem import MAX_EXPANDED, Problem, Spot, View
from graph.edit import Edit
from graph.edits import Connect, Disconnect, Remove, Rename, connect
from graph.graph import Node
from graph.kinds import Optimizer
from graph.op import Port, Role
from graph.placeholder import Placeholder
from graph.shapes import forward

SINKS: tuple[Role, ...] = ("loss", "metric", "optimizer", "output")
MAX_OFFERS = 200  # outputs looked at to offer one for a missing wire


def too_many(view: View) -> Iterator[Problem]:
    """Definitions in definitions multiply; the limit is before anything is written out."""
    if view.expanded > MAX_EXPANDED:
        message = f"found {view.expanded:,} nodes written out, expected at most {MAX_EXPANDED:,}"
        yield Problem("error", "", "", message, "repeat less")


def cycles(view: View) -> Iterator[Problem]:
    """Every cycle, by the names of its nodes."""
    for spot in view:
        drawing = spot.drawing
        if len(forward(drawing)) == len(drawing):
            continue
        for part in nx.strongly_connected_components(drawing.net):
            within = drawing.net.subgraph(sorted(part))
            if not within.number_of_edges():
                continue
            ring = nx.find_cycle(within)
            names = " → ".join([ring[0][0], *(target for _, target, _ in ring)])
            message = f"found the cycle {names}, expected wires that only go forward"
            mend = Disconnect(ring[-1][2], into=spot.name)
            yield spot.error(ring[0][0], "", message, "remove one of its wires", [mend])


def missing_wires(view: View) -> Iterator[Problem]:
    """Ports that need a wire and have none; a warning where nothing depends on the node."""
    for spot in view:
        bare = [
            (node, port)
            for node in spot.drawing
            for port in spot.drawing.ports_in(node.id)
            if not port.optional and (node.id, port.name) not in spot.incoming
        ]
        if not bare:
            continue
        needed = spot.drawing.upstream(node.id for node in spot.by_role(*SINKS))
        for node, port in bare:
            mends = _offer(view, spot, node, port)
            remedy = f"wire {_source(mends)} to it" if mends else "wire something to it"
            say = spot.error if node.id in needed else spot.warning
            yield say(node.id, port.name, "found no wire, expected one", remedy, mends)


def _source(mends: tuple[Edit, ...]) -> str:
    wire = mends[0].wire if isinstance(mends[0], Connect) else None
    return f"{wire.source}.{wire.output}" if wire else "something"


def _offer(view: View, spot: Spot, node: Node, port: Port) -> tuple[Edit, ...]:
    """The wire that is meant most likely: from the only output that fits, better an unread one."""
    drawing = spot.drawing
    ends = [
        (one.id, out.name)
        for one in drawing
        for out in drawing.ports_out(one.id)
        if one.id != node.id
    ]
    if len(ends) > MAX_OFFERS:
        return ()
    wires = [connect(drawing, *end, node.id, port.name) for end in ends]
    known = view.shapes.types
    spot.expect_target(node.id)
    fitting = [
        wire
        for wire in wires
        if (spot.prefix + wire.source, wire.output) in known or isinstance(node.op, Optimizer)
        if can_connect(view.graph, wire, spot.name, view) is None
    ]
    if isinstance(node.op, Optimizer):
        fitting = [w for w in fitting if drawing.node(w.source).op.role == "loss"]
    unread = [wire for wire in fitting if not drawing.wires_out(wire.source, wire.output)]
    chosen = unread if len(unread) == 1 else fitting
    return (Connect(chosen[0], into=spot.name),) if len(chosen) == 1 else ()


def placeholders(view: View) -> Iterator[Problem]:
    """Nodes whose type is not installed."""
    for spot in view:
        for node in spot.drawing:
            if isinstance(node.op, Placeholder):
                message = f"found the unknown node type {node.op.type_name!r}, expected a known one"
                remedy = "install the package that has it, or remove the node"
                mend = Remove((node.id,), into=spot.name)
                yield spot.error(node.id, "", message, remedy, [mend])


def crosswise(view: View) -> Iterator[Problem]:
    """Schedules, optimizers and losses wired to ports that are not for them."""
    for spot in view:
        for (id, port), wires in spot.incoming.items():
            op = spot.drawing.node(id).op
            for wire in wires:
                misfit = unfit(spot, wire)
                if misfit is None and isinstance(op, Optimizer) and port == "loss":
                    place = (spot.prefix + wire.source, wire.output)
                    misfit = not_a_loss(view.shapes.types.get(place))
                if misfit:
                    yield spot.error(id, port, *misfit, [Disconnect(wire, into=spot.name)])


def unread(view: View) -> Iterator[Problem]:
    """Nodes whose values nothing reads, once there is something to read for."""
    for spot in view:
        if not spot.by_role(*SINKS):
            continue
        for node in spot.by_role("layer", "data", "input", "schedule"):
            if not spot.drawing.net.out_degree(node.id) and spot.drawing.ports_out(node.id):
                mend = Remove((node.id,), into=spot.name)
                message = "found nothing that reads it, expected a wire from it"
                yield spot.warning(
                    node.id, "", message, "wire it to something, or remove it", [mend]
                )


def names(view: View) -> Iterator[Problem]:
    """Nodes of one drawing that people call the same."""
    for spot in view:
        seen: dict[str, str] = {}
        named = [node for node in spot.drawing if node.name]
        taken = {node.id for node in spot.drawing} | {node.name for node in named}
        for node in named:
            other = seen.setdefault(node.name, node.id)
            if other == node.id and (node.name == node.id or node.name not in spot.drawing):
                continue
            number = 2
            while f"{node.name} {number}" in taken:
                number += 1
            taken.add(f"{node.name} {number}")
            mend = Rename(node.id, f"{node.name} {number}", into=spot.name)
            message = f"found two nodes called {node.name!r}, expected names that differ"
            yield spot.warning(node.id, "", message, "rename one of them", [mend])
