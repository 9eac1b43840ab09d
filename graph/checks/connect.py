"""Whether a wire may be drawn, and the node that would make it fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graph.checks.problem import Problem, Spot, View
from graph.edit import Edit
from graph.edits import AddNode, Batch, Connect, Disconnect
from graph.graph import Graph, Node, Wire
from graph.kinds import Optimizer, Schedule
from graph.op import REGISTRY, Op, SettingError
from graph.program import TensorType
from graph.rules import EditError, check_wire
from graph.shapes import Given, infer, refused
from graph.subgraph import Subgraph


def can_connect(
    graph: Graph, wire: Wire, into: str = "", view: View | None = None
) -> Problem | None:
    """Why a wire must not be drawn in the drawing `into`; None when it may.

    The problem's `mends` draw it with an adapter between, where one fits. While a wire is dragged,
    give the same `view` again and again: it holds the shapes (and `expect_target` helps when the
    drag began at an input).
    """
    view = view or View.of(graph)
    spot = view.spots[into]
    try:
        check_wire(spot.drawing, wire, str(wire))
    except EditError as error:
        message = f"found {error.found}, expected {error.expected}"
        return spot.error(wire.target, wire.input, message, error.remedy)
    if spot.closes_cycle(wire):
        message = f"found a cycle through {wire.source}, expected wires that only go forward"
        return spot.error(wire.target, wire.input, message, "wire it from a node before this one")
    misfit = unfit(spot, wire)
    if misfit:
        return spot.error(wire.target, wire.input, *misfit)
    return _refusal(view, spot, wire)


def unfit(spot: Spot, wire: Wire) -> tuple[str, str] | None:
    """(message, remedy) when a schedule, an optimizer and a value are wired crosswise."""
    source, target = spot.drawing.node(wire.source).op, spot.drawing.node(wire.target).op
    to_schedule = isinstance(target, Optimizer) and wire.input == "schedule"
    if isinstance(source, Schedule) and not to_schedule:
        message = f"found the schedule {wire.source}, expected a value"
        return message, "wire a schedule to the schedule port of an optimizer"
    if to_schedule and not isinstance(source, Schedule):
        return f"found {wire.source}, expected a schedule", "wire a schedule node to it"
    if isinstance(target, Optimizer) and source.role == "metric":
        return f"found the metric {wire.source}, expected a loss", "wire a loss node to it"
    return None


def not_a_loss(kind: TensorType | None) -> tuple[str, str] | None:
    """(message, remedy) when a value of this type cannot be trained on."""
    if kind is None or kind.shape == ():
        return None
    shape = "×".join(map(str, kind.shape[1:])) or "one number"
    return f"found {shape} a sample, expected one number for the batch", "wire a loss node to it"


def _refusal(view: View, spot: Spot, wire: Wire) -> Problem | None:
    """What the target says of the types it would get."""
    node = spot.drawing.node(wire.target)
    kind = view.shapes.types.get((spot.prefix + wire.source, wire.output))
    if isinstance(node.op, Optimizer):
        misfit = not_a_loss(kind) if wire.input == "loss" else None
        return spot.error(wire.target, wire.input, *misfit) if misfit else None
    operands = operands_with(view, spot, node, wire, kind)
    if operands is None or isinstance(node.op, Subgraph):
        return None
    error = infer(node.op, operands).refusal
    if error is None:
        return None
    ports = spot.drawing.ports_in(node.id)
    refusal = refused(spot.prefix + node.id, ports, operands, error)
    if isinstance(error, SettingError):
        return spot.error(node.id, "", refusal.message, refusal.remedy or "change the setting")
    mends = adapters(view, spot, wire, error.adapter)
    return spot.error(node.id, refusal.port, refusal.message, error.remedy, mends)


def operands_with(
    view: View, spot: Spot, node: Node, wire: Wire, kind: TensorType | None
) -> tuple[Given, ...] | None:
    """The types at the node's ports if `wire` carried `kind`; None when one is unknown."""
    if kind is None:
        return None
    result: list[Given] = []
    for port in spot.drawing.ports_in(node.id):
        wires = list(spot.incoming.get((node.id, port.name), ()))
        if port.name == wire.input:
            wires = [w for w in wires if port.many and w != wire] + [wire]
            wires.sort(key=lambda one: (one.order, one))
        types = [
            kind if one == wire else view.shapes.types.get((spot.prefix + one.source, one.output))
            for one in wires
        ]
        known = tuple(one for one in types if one is not None)
        if len(known) < len(types) or (not wires and not port.optional):
            return None
        result.append(known if port.many else known[0] if known else None)
    return tuple(result)


def adapters(view: View, spot: Spot, wire: Wire, name: str) -> tuple[Edit, ...]:
    """The edit that draws `wire` through a new node of the type `name`, if that fits."""
    kind = view.shapes.types.get((spot.prefix + wire.source, wire.output))
    op = _default(name)
    if kind is None or op is None or len(op.ports_in()) != 1 or len(op.ports_out()) != 1:
        return ()
    made = infer(op, (kind,))
    node = spot.drawing.node(wire.target)
    operands = operands_with(view, spot, node, wire, made.outputs[0]) if made.outputs else None
    if operands is None or infer(node.op, operands).refusal is not None:
        return ()
    return (insertion(spot, wire, op),)


def insertion(spot: Spot, wire: Wire, op: Op) -> Edit:
    """The edit that puts a new node into a wire, drawn already or not."""
    drawing, name = spot.drawing, type(op).__name__
    source, target = drawing.node(wire.source), drawing.node(wire.target)
    id = drawing.fresh_id(name.lower())
    x, y = (source.x + target.x) / 2, (source.y + target.y) / 2
    there = drawing.net.has_edge(wire.source, wire.target, key=wire)
    first, last = op.ports_in()[0].name, op.ports_out()[0].name
    parts: Sequence[Edit] = (
        *([Disconnect(wire, into=spot.name)] if there else []),
        AddNode(Node(id, op, x=x, y=y), into=spot.name),
        Connect(Wire(wire.source, wire.output, id, first), into=spot.name),
        Connect(replace(wire, source=id, output=last), into=spot.name),
    )
    return Batch(tuple(parts), f"Insert {type(op).title or name}")


def _default(name: str) -> Op | None:
    op = REGISTRY.get(name)
    return op() if op is not None else None
