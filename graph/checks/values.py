"""Checks of what flows: shapes that are refused, classes, samples, memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from graph.checks.connect import adapters
from graph.checks.problem import Problem, Spot, View
from graph.edit import Edit
from graph.edits import Batch, SetOp, SetTraining
from graph.graph import Node, Wire
from graph.infer import infer
from graph.kinds import DataSource, Optimizer
from graph.op import REGISTRY, Op, SettingError, settings_of
from graph.ops.loss import BinaryCrossEntropy, CrossEntropy
from graph.ops.table import Table
from graph.placeholder import Placeholder
from graph.stepping import batch_size
from graph.training import AT_ONCE

MAX_BYTES = 64 * 2**30  # a plan above this is a slip, not a plan; below it the engine decides


def refusals(view: View) -> Iterator[Problem]:
    """What nodes say against their operands, once for each node of a definition."""
    seen = set[tuple[str, str, str]]()
    for refusal in view.shapes.refusals:
        name, node = view.shapes.nodes[refusal.path]
        spot = view.spots[name]
        key = (name, node.id, refusal.message)
        if key in seen or isinstance(node.op, Placeholder):
            continue
        seen.add(key)
        mends = list(_adapted(view, spot, node, refusal.port, refusal.adapter))
        mends += _other_loss(view, spot, node)
        remedy = refusal.remedy or "change its settings or what is wired to it"
        yield replace(
            spot.error(node.id, refusal.port, refusal.message, remedy, mends), path=refusal.path
        )


def _adapted(view: View, spot: Spot, node: Node, port: str, adapter: str) -> Iterator[Edit]:
    """Edits that put the adapter into a wire of the port so that the node accepts it."""
    if adapter:
        for wire in spot.incoming.get((node.id, port), ()):
            yield from adapters(view, spot, wire, adapter)


def _other_loss(view: View, spot: Spot, node: Node) -> Iterator[Edit]:
    """Other losses, or metrics, that accept what this one refuses."""
    if node.op.role not in ("loss", "metric"):
        return
    operands = tuple(
        view.shapes.types.get((spot.prefix + wire.source, wire.output))
        for port in spot.drawing.ports_in(node.id)
        for wire in spot.incoming.get((node.id, port.name), ())
    )
    if None in operands or len(operands) < len(node.op.ports_in()):
        return
    for name in sorted(REGISTRY):
        op = REGISTRY[name]
        same = op.role == node.op.role and op.inputs and op is not type(node.op)
        if same and [p.name for p in op.inputs] == [p.name for p in node.op.ports_in()]:
            other = _with_settings_of(node.op, op)
            if other is not None and infer(other, operands).refusal is None:
                yield SetOp(node.id, other, into=spot.name)


def _with_settings_of(old: Op, new: type[Op]) -> Op | None:
    """The new type with the settings it shares with the old."""
    shared = settings_of(type(old)).keys() & settings_of(new).keys()
    try:
        return new(**{name: getattr(old, name) for name in shared})
    except SettingError:
        return None


def classes(view: View) -> Iterator[Problem]:
    """As many outputs as the data has classes."""
    for spot in view:
        for node in spot.by_role("loss"):
            ends = [_wire(spot, node.id, port) for port in ("prediction", "target")]
            prediction, target = ends
            if prediction is None or target is None:
                continue
            source = spot.drawing.node(target.source).op
            kinds = view.shapes.types
            given = kinds.get((spot.prefix + prediction.source, prediction.output))
            truth = kinds.get((spot.prefix + target.source, target.output))
            if not isinstance(source, DataSource) or given is None or truth is None:
                continue
            if truth.dtype == "int" and len(given.shape) == 2 and source.class_names():
                found, count = given.shape[1], len(source.class_names())
                yield from _compare(spot, node, prediction, found, count)


def _compare(spot: Spot, loss: Node, wire: Wire, found: int, count: int) -> Iterator[Problem]:
    """Outputs against classes: one output says yes or no, else each class needs its own."""
    if found == count or (found == 1 and count == 2):
        return
    expected = "2 for one output" if found == 1 else f"{count} outputs"
    message = f"found {found} outputs for {count} classes, expected {expected}"
    if found == 1:
        message = f"found {count} classes, expected {expected}"
    remedy = f"give the last layer {count} outputs"
    last = spot.drawing.node(wire.source)
    mends: list[Edit] = []
    if "units" in settings_of(type(last.op)):
        widened = replace(last.op, units=count)  # type: ignore[call-arg]
        parts: list[Edit] = [SetOp(last.id, widened, into=spot.name)]
        if isinstance(loss.op, BinaryCrossEntropy) and count > 2:
            parts.append(SetOp(loss.id, CrossEntropy(weight=loss.op.weight), into=spot.name))
        mends = [parts[0] if len(parts) == 1 else Batch(tuple(parts), f"Give it {count} outputs")]
    say = spot.warning if found > count else spot.error
    yield say(loss.id, "prediction", message, remedy, mends)


def _wire(spot: Spot, id: str, port: str) -> Wire | None:
    return next(iter(spot.incoming.get((id, port), ())), None)


def samples(view: View) -> Iterator[Problem]:
    """Enough samples for every part of the split."""
    split = view.graph.training.split
    parts = 1 + (split.validation > 0) + (split.test > 0)
    for spot in view:
        for node in spot.by_role("data"):
            count = sample_count(node.op)
            if count is None or count >= parts:
                continue
            message = f"found {count} samples, expected one at least for each of {parts} parts"
            remedy = "use more data, or hold less out"
            mends = []
            if count >= 1:
                whole = replace(split, validation=0.0, test=0.0)
                mends = [SetTraining(replace(view.graph.training, split=whole))]
            yield spot.error(node.id, "", message, remedy, mends)


def sample_count(op: Op) -> int | None:
    """How many samples a data node has, where the graph knows."""
    if isinstance(op, Table) and op.schema:
        return op.schema.rows
    return getattr(op, "samples_count", None)


def memory(view: View) -> Iterator[Problem]:
    """The bytes that training needs, predicted without allocating any."""
    graph, found = view.graph, view.shapes
    size = 8 if graph.training.precision == "float64" else 4
    slots = max((len(op.slot_names()) for op in _optimizers(view)), default=0)
    # a weight, its gradient and its slots; a value and its gradient for each sample of a batch
    weight, value = size * (2 + slots), size * 2 * _together(view)
    total = weight * found.weight_count + value * found.value_count
    if total <= MAX_BYTES:
        return

    def cost(path: str) -> int:
        one = found.found[path]
        weights = one.parameters * found.weights[path]
        return weight * weights + value * one.values * found.copies[path]

    path = max(sorted(found.found), key=cost)
    name, node = found.nodes[path]
    message = (
        f"found about {amount(total)} for training ({found.weight_count:,} weights), most of it "
        f"here, expected at most {amount(MAX_BYTES)}"
    )
    spot = view.spots[name]
    remedy = "make the layer smaller, or lower the batch size"
    yield replace(spot.error(node.id, "", message, remedy), path=path)


def _together(view: View) -> int:
    """Samples of a step, as far as the graph knows."""
    known = [sample_count(node.op) or 0 for node in view.root.by_role("data")]
    return batch_size(view.graph) or max(known, default=0) or AT_ONCE


def _optimizers(view: View) -> Sequence[Optimizer]:
    return [n.op for n in view.root.by_role("optimizer") if isinstance(n.op, Optimizer)]


def amount(size: float) -> str:
    """Bytes as people read them: 64 GB."""
    for unit in ("bytes", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:,.0f} PB"
