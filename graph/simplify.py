"""Passes that make a program smaller without changing what it computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from graph.primitives.shape import known_number
from graph.primitives.table import PRIMITIVES, broadcast_shapes
from graph.program import Program, Row, TensorType
from graph.tensor import Builder, Tensor, rebuild


def simplify(program: Program) -> Program:
    """Share equal rows, drop neutral and unused ones, renumber the values."""
    return drop_dead(rebuild(drop_dead(program), _neutral))


def drop_dead(program: Program) -> Program:
    """Only rows (and their values) that an output or update needs; inputs stay."""
    needed = program.live_out()
    kept: list[Row] = []
    for row in reversed(program.rows):
        if any(v in needed for v in row.outputs):
            kept.append(row)
            needed.update(row.inputs)
    return _renumber(replace(program, rows=tuple(reversed(kept)), _hash=0))


def _renumber(program: Program) -> Program:
    number: dict[int, int] = {}
    types: list[TensorType] = []

    def at(value: int) -> int:
        if value not in number:
            number[value] = len(types)
            types.append(program.types[value])
        return number[value]

    inputs = tuple(replace(i, value=at(i.value)) for i in program.inputs)
    rows = tuple(
        replace(
            row,
            inputs=tuple(at(v) for v in row.inputs),
            outputs=tuple(at(v) for v in row.outputs),
        )
        for row in program.rows
    )
    outputs = tuple((name, at(value)) for name, value in program.outputs)
    updates = tuple(replace(u, value=at(u.value)) for u in program.updates)
    return Program(program.name, tuple(types), inputs, rows, outputs, updates, program.batch)


def _neutral(builder: Builder, row: Row, operands: list[Tensor]) -> Sequence[Tensor] | None:
    """What a row that changes nothing stands for: x·1, x+0, x−0, x/1, stop_gradient(x) …"""
    if row.op == "stop_gradient":
        return operands
    if row.op == "where" and operands[1].id == operands[2].id:
        shape = broadcast_shapes(*(operand.shape for operand in operands))
        return [operands[1]] if operands[1].shape == shape else None
    if row.op in ("mul", "add", "sub", "div"):
        value = 1.0 if row.op in ("mul", "div") else 0.0
        left, right = operands
        if known_number(right) == value and _plain(left, right):
            return [left]
        if row.op in ("mul", "add") and known_number(left) == value and _plain(right, left):
            return [right]
    if row.op == "neg":
        inner = _definition(builder, operands[0])
        if inner is not None and inner.op == "neg":
            return [Tensor(builder, inner.inputs[0])]
    return None


def _plain(kept: Tensor, dropped: Tensor) -> bool:
    return dropped.shape == () and kept.dtype != "int"


def _definition(builder: Builder, tensor: Tensor) -> Row | None:
    return builder.row_of.get(tensor.id)


Keep = Callable[[Row, Sequence[TensorType]], bool]  # whether a row stays, given the values' types


def expand_composites(program: Program, keep: Keep = lambda row, types: False) -> Program:
    """Replace every composite row that `keep` does not want by its meaning, until none is left."""

    def visit(builder: Builder, row: Row, operands: list[Tensor]) -> Sequence[Tensor] | None:
        expand = PRIMITIVES[row.op].expand
        if expand is None or keep(row, program.types):
            return None
        return expand(operands, dict(row.attrs))

    while any(PRIMITIVES[row.op].expand and not keep(row, program.types) for row in program.rows):
        program = drop_dead(rebuild(program, visit))
    return program
