"""First passes: expand what has no kernel, drop moves that move nothing, take out host numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

from compute.cpu.kernels.elementwise import MAX_OPERANDS
from compute.cpu.kernels.opcodes import OPCODES
from compute.cpu.planner.host import HostProgram, Number
from graph.hoist import hoisted
from graph.primitives.shape import concat
from graph.primitives.table import PRIMITIVES
from graph.program import Program, Row, Shape, TensorType
from graph.rebuild import rebuilt
from graph.simplify import expand_composites
from graph.tensor import Builder, Tensor

KEPT = frozenset(
    {
        "softmax",
        "softmax_grad",
        "log_softmax",
        "softmax_cross_entropy",
        "softmax_cross_entropy_grad",
    }
)
SCANS = frozenset(f"{cell}_scan{end}" for cell in ("rnn", "lstm", "gru") for end in ("", "_grad"))
NORMS = frozenset({"batch_norm", "batch_norm_grad"})
ROW_NORMS = frozenset({"layer_norm", "layer_norm_grad"})
ATTENTION = frozenset({"attention", "attention_grad"})
HOST = 4  # operands left for what a rule computes of numbers alone
MOVES = frozenset({"reshape", "permute", "broadcast_to", "slice", "to_real", "stop_gradient"})
_TIDIED = MOVES | {"add"}


def optimise(program: Program) -> Program:
    """The program in rows the back end has kernels for."""

    def keep(row: Row, types: Sequence[TensorType]) -> bool:
        if row.op == "update":
            return _one_pass(row)
        rank = len(types[row.inputs[0]].shape) if row.inputs else 0
        if row.op in ATTENTION:
            return rank in (3, 4) and cast("float", row.attr("scale")) > 0
        if row.op in ROW_NORMS:
            return bool(row.attr("axes") == 1)
        # the kernels take no gradient of a gradient, which has operands of its own
        walked = row.op in SCANS and not dict(row.attrs).get("also")
        return row.op in KEPT or row.op in OPCODES or walked or (row.op in NORMS and rank in (2, 4))

    return rebuilt("tidy", expand_composites(hoisted(program), keep, "cpu"), _TIDIED, _tidy)


def _one_pass(row: Row) -> bool:
    """Whether an optimizer's rule is elementwise, so that flat storage is one array to it, and
    needs no more operands than a pass may have; numbers are such, also those made on the host.
    """
    rule = cast("Program", row.attr("rule"))
    numbers = sum(own.op == "const" for own in rule.rows)
    few = len(rule.inputs) + len(rule.outputs) + numbers <= MAX_OPERANDS - HOST
    return few and all(PRIMITIVES[own.op].kind != "composite" for own in rule.rows)


def _tidy(builder: Builder, row: Row, operands: list[Tensor]) -> Sequence[Tensor] | None:
    """Chains of the same move become one move; moves to the same shape become nothing; parts that
    are padded to be added up are joined.
    """
    if row.op == "add":
        return _joined(builder, operands)
    if row.op not in MOVES:
        return None
    x = operands[0]
    kind = PRIMITIVES[row.op].infer((x.type,), dict(row.attrs))[0]
    if row.op == "stop_gradient" or (row.op == "to_real" and x.dtype == "real"):
        return [x]
    if row.op in ("reshape", "broadcast_to") and kind == x.type:
        return [x]
    before = builder.row_of.get(x.id)
    if row.op == "reshape" and before is not None and before.op == "reshape":
        source = Tensor(builder, before.inputs[0])
        if source.type == kind:
            return [source]
        return builder.emit("reshape", (source,), **dict(row.attrs))
    if row.op == "permute" and before is not None and before.op == "permute":
        first, then = cast("Shape", before.attr("order")), cast("Shape", row.attr("order"))
        order = tuple(first[axis] for axis in then)
        source = Tensor(builder, before.inputs[0])
        if order == tuple(range(len(order))):
            return [source]
        return builder.emit("permute", (source,), order=order)
    return None


def _joined(builder: Builder, operands: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """A sum of parts, each padded by zeros where the others lie, as what they are joined: that is
    how the gradients to slices of one value come together.
    """
    pads: list[Row] = []
    pending = list(operands)
    while pending:
        row = builder.row_of.get(pending.pop().id)
        if row is not None and row.op == "add":
            pending += [Tensor(builder, v) for v in row.inputs]
        elif row is not None and row.op == "pad":
            pads.append(row)
        else:
            return None
    if any(Tensor(builder, p.outputs[0]).shape != operands[0].shape for p in pads):
        return None  # one is repeated along an axis of the others
    sides = [(cast("Shape", p.attr("before")), cast("Shape", p.attr("after"))) for p in pads]
    axes = {axis for pair in sides for side in pair for axis, zeros in enumerate(side) if zeros}
    if len(axes) != 1:
        return None
    (axis,) = axes
    order = sorted(range(len(pads)), key=lambda k: sides[k][0][axis])
    parts = [Tensor(builder, pads[k].inputs[0]) for k in order]
    reached = 0
    for k, part in zip(order, parts, strict=True):
        if sides[k][0][axis] != reached:
            return None
        reached += part.shape[axis]
    return [concat(parts, axis)] if reached == operands[0].shape[axis] else None


@dataclass(frozen=True)
class Prepared:
    """Device rows, and the values that are one host number throughout."""

    program: Program
    rows: tuple[Row, ...]
    host: HostProgram
    numbers: Mapping[int, Number]


def split_host(program: Program) -> Prepared:
    """Take out every row whose result is one number known to the host, broadcast or not."""
    host = HostProgram()
    numbers: dict[int, Number] = {}
    for given in program.inputs:
        if given.kind in ("live", "iteration"):
            numbers[given.value] = host.given(f"{given.kind}:{given.key}")
    rows = []
    for row in program.rows:
        if row.op != "const" and numbers.keys().isdisjoint(row.inputs):
            rows.append(row)  # as nearly all are
        elif (number := _number(row, program, host, numbers)) is None:
            rows.append(row)
        else:
            numbers[row.outputs[0]] = number
    return Prepared(program, tuple(rows), host, numbers)


def _number(
    row: Row, program: Program, host: HostProgram, numbers: Mapping[int, Number]
) -> Number | None:
    if row.op == "const":
        return cast("float", row.attr("value"))
    if not row.inputs or any(v not in numbers for v in row.inputs):
        return None
    operands = [numbers[v] for v in row.inputs]
    if row.op in MOVES or row.op == "max":
        return operands[0]
    if row.op == "sum":
        before, after = program.types[row.inputs[0]].shape, program.types[row.outputs[0]].shape
        return host.apply("mul", [operands[0], float(prod(before) // max(1, prod(after)))])
    if PRIMITIVES[row.op].kind == "elementwise" and PRIMITIVES[row.op].expand is None:
        return host.apply(row.op, operands)
    return None


@dataclass(frozen=True)
class Rule:
    """An optimizer's rule as device rows on (p, g, slots …) and host numbers.

    `inputs` are the values of p, g and the slots; `outputs` the new p and slots.
    """

    rows: tuple[Row, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    numbers: Mapping[int, Number]


def split_rule(rule: Program, scalars: Sequence[Number], host: HostProgram) -> Rule:
    """The rule of an `update` row; `scalars` are its host operands in the order of its inputs."""
    given = iter(scalars)
    numbers: dict[int, Number] = {}
    arrays = []
    for place in rule.inputs:
        if place.kind == "batch":
            arrays.append(place.value)
        else:
            numbers[place.value] = next(given)
    rows, alias = [], dict[int, int]()
    for row in rule.rows:
        inputs = tuple(alias.get(v, v) for v in row.inputs)
        row = Row(row.op, inputs, row.outputs, row.attrs, row.path)
        number = _number(row, rule, host, numbers)
        if number is not None:
            numbers[row.outputs[0]] = number
        elif row.op in MOVES:
            alias[row.outputs[0]] = inputs[0]
        else:
            rows.append(row)
    outputs = tuple(alias.get(v, v) for _, v in rule.outputs)
    return Rule(tuple(rows), tuple(arrays), outputs, numbers)
