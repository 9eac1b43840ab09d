"""Passes that make a program smaller without changing what it computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graph.primitives.shape import known_number
from graph.primitives.table import PRIMITIVES, broadcast_shapes
from graph.program import Program, Row, TensorType
from graph.rebuild import live_rows, rebuilt, renumbered
from graph.tensor import Builder, Tensor

_FOLDED = frozenset({"stop_gradient", "where", "mul", "add", "sub", "div", "neg"})


def simplify(program: Program) -> Program:
    """Share equal rows, drop neutral and unused ones, renumber the values."""
    return rebuilt("simplify", program, _FOLDED, _neutral)


def drop_dead(program: Program) -> Program:
    """Only rows (and their values) that an output or update needs; inputs stay."""
    kept = [program.rows[k] for k in live_rows(program, program.rows)]
    return renumbered(program, program.inputs, kept)[0]


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


def expand_composites(
    program: Program, keep: Keep = lambda row, types: False, name: str = ""
) -> Program:
    """Replace every composite row that `keep` does not want by its meaning, until none is left.

    With a `name`, which no other `keep` may have, it goes on from the program of before.
    """

    def visit(builder: Builder, row: Row, operands: list[Tensor]) -> Sequence[Tensor] | None:
        expand = PRIMITIVES[row.op].expand
        if expand is None or keep(row, builder.types):
            return None
        return expand(operands, dict(row.attrs))

    turn = 0
    while about := _composite(program, keep):
        program = rebuilt(name and f"{name} {turn}", program, about, visit)
        turn += 1
    return program


def _composite(program: Program, keep: Keep) -> set[str]:
    """The operations of which a row is to be expanded."""
    able = {op for op in {row.op for row in program.rows} if PRIMITIVES[op].expand}
    found = set[str]()
    for row in program.rows if able else ():
        if row.op in able and row.op not in found and not keep(row, program.types):
            found.add(row.op)
    return found
