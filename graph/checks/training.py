"""Checks of what trains what: optimizers, losses, the weights they share, data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from graph.checks.connect import can_connect
from graph.checks.problem import Problem, Spot, View
from graph.edit import Edit
from graph.edits import AddNode, Batch, Connect, Remove, SetOp, connect
from graph.graph import Node, Wire
from graph.kinds import DataSource, Optimizer
from graph.ops.optimizer import Adam
from graph.ops.structure import Input
from graph.starter import small_net


def losses(view: View) -> Iterator[Problem]:
    """Losses that no optimizer makes small."""
    spot = view.root
    found = spot.by_role("loss")
    optimizers = spot.by_role("optimizer")
    if spot.index.placeholders:
        return  # what is not installed may be the optimizer
    trained = {
        wire.source for node in optimizers for wire in spot.drawing.wires_in(node.id, "loss")
    }
    for node in found:
        if node.id in trained:
            continue
        port = spot.drawing.ports_out(node.id)[0].name
        if not optimizers:
            message, remedy = "found no optimizer, expected one to train with", "add an Adam to it"
            yield spot.error(node.id, port, message, remedy, [_add_adam(spot, found)])
            return
        ends = [connect(spot.drawing, node.id, port, o.id, "loss") for o in optimizers[:3]]
        mends = [Connect(wire) for wire in ends]
        message = "found no optimizer behind this loss, expected one"
        yield spot.warning(node.id, port, message, "wire it to one, or only read it", mends)


def _add_adam(spot: Spot, losses: list[Node]) -> Edit:
    """An Adam behind all losses."""
    id, last = spot.drawing.fresh_id("adam"), losses[-1]
    adam = Node(id, Adam(), x=last.x + 220, y=last.y)
    wires = [
        Wire(loss.id, spot.drawing.ports_out(loss.id)[0].name, id, "loss", order)
        for order, loss in enumerate(losses)
    ]
    return Batch((AddNode(adam), *(Connect(wire) for wire in wires)), "Add Adam")


def nothing_to_train(view: View) -> Iterator[Problem]:
    """Data and layers without a loss."""
    roles = {role for spot in view for role, ids in spot.index.roles.items() if ids}
    known = not any(spot.index.placeholders for spot in view)
    if known and "data" in roles and not roles & {"loss", "output"}:
        message = "found data and no loss, expected a loss to train with"
        data = view.root.by_role("data")
        net = small_net(view.graph, data[0].id) if len(data) == 1 else None
        if net is None:
            yield Problem("warning", "", "", message, "add a loss and an optimizer")
        else:
            remedy = "add a net with a loss and an optimizer"
            yield view.root.warning(data[0].id, "", message, remedy, [net])


def inside_definitions(view: View) -> Iterator[Problem]:
    """Optimizers train the whole graph, so they stand in it."""
    for spot in view:
        for node in spot.by_role("optimizer") if spot.name else ():
            message = "found an optimizer in a definition, expected it in the graph itself"
            mend = Remove((node.id,), into=spot.name)
            yield spot.error(node.id, "", message, "move it out of the definition", [mend])


def chosen(view: View) -> Iterator[Problem]:
    """`trains` names nodes and frames that exist."""
    drawing = view.graph
    for node in view.root.by_role("optimizer"):
        op = node.op
        if not isinstance(op, Optimizer):
            continue
        gone = [id for id in op.trains if id not in drawing and id not in drawing.frames]
        if gone:
            kept = tuple(id for id in op.trains if id not in gone)
            message = f"found {gone[0]!r} in trains, expected ids of nodes or frames"
            mend = SetOp(node.id, replace(op, trains=kept))
            yield view.root.error(node.id, "", message, "take it out", [mend])


def owners(view: View) -> Iterator[Problem]:
    """Weights that two optimizers of one phase would both change, or that none has."""
    spot = view.root
    if not spot.index.roles.get("optimizer") or "" not in view.shapes.visits:
        return
    seen = view.shapes.visits[""][""].seen
    weighted = {id for id, one in seen.items() if one.parameters and not one.node.frozen}
    phases: dict[tuple[object, ...], list[Node]] = {}
    owned: dict[str, set[str]] = {}
    for node in spot.by_role("optimizer"):
        op, wires = node.op, spot.incoming.get((node.id, "loss"), [])
        if not isinstance(op, Optimizer) or not wires:
            continue
        reached = spot.drawing.upstream(wire.source for wire in wires) & weighted
        owned[node.id] = reached & _members(spot, op) if op.trains else reached
        ends = tuple((wire.source, wire.output) for wire in wires)
        phases.setdefault((ends, op.order, op.every, op.fresh_batch), []).append(node)
        if not owned[node.id] and not view.shapes.refusals:
            message = "found no weights upstream of its losses, expected some to train"
            yield spot.warning(node.id, "", message, "add a layer with weights, or unfreeze one")
    for group in phases.values():
        for first, second in combinations(group, 2):
            yield from _shared(spot, first, second, owned[first.id], owned[second.id])


def _members(spot: Spot, op: Optimizer) -> set[str]:
    frames = spot.drawing.frames
    return {m for id in op.trains for m in (frames[id].nodes if id in frames else (id,))}


def _shared(
    spot: Spot, first: Node, second: Node, left: set[str], right: set[str]
) -> Iterator[Problem]:
    """One problem when both own a node; what mends it leaves the node to the first."""
    both = left & right
    if not both:
        return
    rest = tuple(sorted(right - left))
    mend: Edit = Remove((second.id,))
    if rest and isinstance(second.op, Optimizer):
        mend = SetOp(second.id, replace(second.op, trains=rest))
    message = f"found {min(both)} trained by {first.id} too, expected one optimizer for it"
    remedy = "say in `trains` which nodes each of them has"
    yield spot.error(second.id, "", message, remedy, [mend])


def unfed(view: View) -> Iterator[Problem]:
    """Inputs that get nothing while training."""
    spot = view.root
    trained = [w.source for o in spot.by_role("optimizer") for w in spot.drawing.wires_in(o.id)]
    upstream = spot.drawing.upstream(trained)
    for node in spot.by_role("input"):
        if node.id not in upstream or spot.drawing.net.in_degree(node.id):
            continue
        mends = _feeds(view, spot, node) if isinstance(node.op, Input) else []
        message = "found no data at this input, expected samples to train with"
        yield spot.error(node.id, "x", message, "wire a data node to it", mends)


def _feeds(view: View, spot: Spot, node: Node) -> list[Edit]:
    """Wires from data ports that it accepts."""
    wires = [
        Wire(data.id, port.name, node.id, "x")
        for data in spot.by_role("data")
        if isinstance(data.op, DataSource)
        for port in data.op.ports_out()
        if port.kind != "labels"
    ]
    return [Connect(w) for w in wires if can_connect(view.graph, w, "", view) is None]
