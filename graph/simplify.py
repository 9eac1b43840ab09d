"""Passes that make a program smaller without changing what it computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from graph.primitives.shape import known_number
from graph.primitives.table import PRIMITIVES, broadcast_shapes
from graph.program import Input, Program, Row, TensorType, Update
from graph.tensor import Builder, Tensor, rebuild

_FOLDED = frozenset({"stop_gradient", "where", "mul", "add", "sub", "div", "neg"})


def simplify(program: Program) -> Program:
    """Share equal rows, drop neutral and unused ones, renumber the values."""
    needed = replace(program, rows=tuple(live_rows(program)), _hash=0)
    return drop_dead(rebuild(needed, _FOLDED, _neutral))


def live_rows(program: Program) -> list[Row]:
    """The rows that an output or update needs."""
    needed = program.live_out()
    kept: list[Row] = []
    for row in reversed(program.rows):
        if not needed.isdisjoint(row.outputs):
            kept.append(row)
            needed.update(row.inputs)
    kept.reverse()
    return kept


def drop_dead(program: Program) -> Program:
    """Only rows (and their values) that an output or update needs; inputs stay."""
    return renumbered(program, program.inputs, live_rows(program))


def renumbered(program: Program, inputs: Sequence[Input], rows: Sequence[Row]) -> Program:
    """The program with these of its inputs and rows, values counted in that order."""
    order = [given.value for given in inputs]
    for row in rows:
        order += row.outputs
    number = dict(zip(order, range(len(order)), strict=True))
    made: list[Row] = []
    for row in rows:
        op, before, after, attrs, path = row
        read = tuple([number[v] for v in before])
        written = tuple([number[v] for v in after])
        if read != before or written != after:
            row = Row(op, read, written, attrs, path)
        made.append(row)
    return Program(
        program.name,
        tuple([program.types[v] for v in order]),
        tuple([Input(i.kind, i.key, number[i.value]) for i in inputs]),
        tuple(made),
        tuple([(name, number[value]) for name, value in program.outputs]),
        tuple([Update(u.kind, u.key, number[u.value]) for u in program.updates]),
        program.batch,
    )


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

    while about := {
        row.op for row in program.rows if PRIMITIVES[row.op].expand and not keep(row, program.types)
    }:
        program = drop_dead(rebuild(program, about, visit))
    return program
