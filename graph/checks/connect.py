"""Whether a wire may be drawn, and the nodes that would make it fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from graph.checks.problem import Problem, Spot, View
from graph.edit import Edit
from graph.edits import AddNode, Batch, Connect, Disconnect, SetOp
from graph.graph import Graph, Node, Wire
from graph.infer import Given, infer, refused
from graph.kinds import Optimizer, Schedule
from graph.op import REGISTRY, Op, SettingError
from graph.ops.conv import AvgPool2d, Conv2d
from graph.ops.dense import Dense
from graph.ops.shape import Flatten
from graph.program import TensorType
from graph.rules import EditError, check_wire
from graph.subgraph import Defined


def can_connect(
    graph: Graph, wire: Wire, into: str = "", view: View | None = None
) -> Problem | None:
    """Why a wire must not be drawn in the drawing `into`; None when it may.

    The problem's `mends` draw it with adapters between or to another target, where that fits. While
    a wire is dragged, give the same `view` again and again: it holds the shapes (and
    `expect_target` helps when the drag began at an input).
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
    if operands is None or isinstance(node.op, Defined):
        return None
    error = infer(node.op, operands).refusal
    if error is None:
        return None
    ports = spot.drawing.ports_in(node.id)
    refusal = refused(spot.prefix + node.id, ports, operands, error)
    if isinstance(error, SettingError):
        return spot.error(node.id, "", refusal.message, refusal.remedy or "change the setting")
    mends = (
        *adapters(view, spot, wire, error.adapter),
        *_swaps(view, spot, wire, error.adapter),
    )
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


def accepts(view: View, spot: Spot, wire: Wire, kind: TensorType) -> bool:
    """Whether the target takes a value of this type at the end of a wire, or nobody knows yet."""
    op = spot.drawing.node(wire.target).op
    if isinstance(op, Optimizer):
        return wire.input != "loss" or not_a_loss(kind) is None
    operands = operands_with(view, spot, spot.drawing.node(wire.target), wire, kind)
    if operands is None or isinstance(op, Defined):
        return True
    return infer(op, operands).refusal is None


def adapters(view: View, spot: Spot, wire: Wire, name: str) -> tuple[Edit, ...]:
    """The edits that draw `wire` through new nodes, as far as the target then accepts it.

    The first puts in a node of the type `name`; others stand for what people do in its place.
    """
    kind = view.shapes.types.get((spot.prefix + wire.source, wire.output))
    if kind is None:
        return ()
    chains = [chain for chain in _chains(name, kind) if _fits(view, spot, wire, kind, chain)]
    return tuple(insertion(spot, wire, *chain) for chain in chains)


def _chains(name: str, kind: TensorType) -> Iterator[tuple[Op, ...]]:
    """Nodes that may stand between, in the order in which they are offered."""
    op = REGISTRY.get(name)
    if op is None:
        return
    yield (op(),)
    if op is Flatten and len(kind.shape) == 4 and max(kind.shape[2:]) > 1:
        height, width = kind.shape[2:]
        yield AvgPool2d(kernel=height if height == width else (height, width)), Flatten()


def _fits(view: View, spot: Spot, wire: Wire, kind: TensorType, chain: Sequence[Op]) -> bool:
    for op in chain:
        single = len(op.ports_in()) == 1 and len(op.ports_out()) == 1
        made = infer(op, (kind,)).outputs if single else ()
        if not made:
            return False
        kind = made[0]
    node = spot.drawing.node(wire.target)
    operands = operands_with(view, spot, node, wire, kind)
    return operands is not None and accepts(view, spot, wire, kind)


def _swaps(view: View, spot: Spot, wire: Wire, name: str) -> Iterator[Edit]:
    """A target of another type that takes the value as it is, where all behind it goes on."""
    node = spot.drawing.node(wire.target)
    kind = view.shapes.types.get((spot.prefix + wire.source, wire.output))
    if name != "Flatten" or not isinstance(node.op, Dense) or kind is None:
        return
    filters = node.op.units or max(1, round(node.op.factor * kind.shape[1]))
    op = Conv2d(filters=filters, kernel=1, bias=node.op.bias, init=node.op.init)
    made = infer(op, (kind,)).outputs
    output = op.ports_out()[0].name
    if made and output == node.op.ports_out()[0].name and _goes_on(view, spot, node.id, made[0]):
        parts = SetOp(node.id, op, into=spot.name), Connect(wire, into=spot.name)
        yield Batch(parts, f"Swap {node.label} for a 1×1 Conv2d")


def _goes_on(view: View, spot: Spot, id: str, kind: TensorType) -> bool:
    """Whether all nodes behind `id` take it when its output is of another type."""
    given = {id: kind}
    pending = [id]
    for id in pending:  # grows as it goes
        for wire in spot.drawing.wires_out(id):
            if not accepts(view, spot, wire, given[id]):
                return False
            node = spot.drawing.node(wire.target)
            operands = operands_with(view, spot, node, wire, given[id])
            if operands is None or isinstance(node.op, Defined | Optimizer):
                continue
            made = infer(node.op, operands).outputs
            if made and made[0] != given.get(node.id):
                if node.id in given:
                    return False  # two changed operands: nobody can tell yet
                given[node.id] = made[0]
                pending.append(node.id)
    return True


def insertion(spot: Spot, wire: Wire, *ops: Op) -> Edit:
    """The edit that puts new nodes into a wire, drawn already or not."""
    drawing, named = spot.drawing, [type(op).title or type(op).__name__ for op in ops]
    source, target = drawing.node(wire.source), drawing.node(wire.target)
    there = drawing.net.has_edge(wire.source, wire.target, key=wire)
    parts: list[Edit] = [Disconnect(wire, into=spot.name)] if there else []
    id, output = wire.source, wire.output
    for number, op in enumerate(ops, 1):
        share = number / (len(ops) + 1)
        x, y = source.x + (target.x - source.x) * share, source.y + (target.y - source.y) * share
        new = drawing.fresh_id(type(op).__name__.lower(), [id])
        parts.append(AddNode(Node(new, op, x=x, y=y), into=spot.name))
        parts.append(Connect(Wire(id, output, new, op.ports_in()[0].name), into=spot.name))
        id, output = new, op.ports_out()[0].name
    parts.append(Connect(replace(wire, source=id, output=output), into=spot.name))
    return Batch(tuple(parts), f"Insert {' and '.join(named)}")
