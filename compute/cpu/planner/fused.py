"""The ops of a program, those of the program before an edit where nothing near them is another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from compute.cpu.planner.fuse import (
    Fusion,
    Op,
    chains,
    core_rows,
    in_order,
    results_of,
    with_taps,
)
from compute.cpu.planner.prepare import Prepared
from graph.again import Kept, Otherwise, alike, others
from graph.program import Row


@dataclass(frozen=True)
class _Fused:
    """`ops` as they were made, and in the `order` they can run in. `maker` is the number of the op
    of a rule that took a row, by the first output of that.
    """

    prepared: Prepared
    fusion: Fusion
    ops: list[Op]
    order: list[int]
    maker: dict[int, int]


_kept: Kept[_Fused] = Kept(6)


def fuse(prepared: Prepared) -> list[Op]:
    """The ops of a program in an order that can run."""
    key = prepared.program.name, prepared.program.batch
    before = _kept.get(key)
    try:
        if before is None:
            raise Otherwise
        now = _again(before, prepared)
    except Otherwise:
        core = core_rows(prepared)
        fusion = Fusion(prepared.program, prepared.numbers, core, results_of(prepared.program))
        ops = fusion.run()
        known = {row.outputs[0] for row in core}
        taps = [row for row in prepared.rows if row.outputs[0] not in known]
        stored = {v for op in ops for v in op.writes}
        hidden = {v for _, v in prepared.program.outputs if v in fusion.made} - stored
        if taps or hidden:  # watched: nothing to go on from
            return in_order(with_taps(prepared, ops, core, taps), prepared)
        number = {op: k for k, op in enumerate(ops)}
        order = [number[op] for op in in_order(ops, prepared)]
        maker = {r.outputs[0]: k for k, (op, _) in enumerate(fusion.ruled) for r in op.rows}
        now = _Fused(prepared, fusion, ops, order, maker)
    _kept.put(key, now)
    return [now.ops[k] for k in now.order]


def _again(before: _Fused, prepared: Prepared) -> _Fused:
    """The same ops, made anew where they or what they might have taken in is of other shapes."""
    old = before.prepared
    counts = len(old.rows) == len(prepared.rows)
    if not counts or not alike(old.program, prepared.program) or old.numbers != prepared.numbers:
        raise Otherwise
    changed = others(old.rows, prepared.rows)
    if any(row._replace(attrs=()) != old.rows[k]._replace(attrs=()) for k, row in changed):
        raise Otherwise
    other = {row.outputs[0]: row for _, row in changed}
    near = _near(old, prepared, {v for row in other.values() for v in row.outputs})
    fusion = before.fusion.swapped(prepared.program, other)
    anew = {row.outputs[0] for row in _at(prepared.rows, near)}
    ruled = before.fusion.ruled[:]
    for number in sorted({before.maker[first] for first in anew if first in before.maker}):
        op, rule = ruled[number]
        fusion.taken = _Earlier(before.maker, number)
        ruled[number] = _checked(op, rule(fusion, other.get(op.row.outputs[0], op.row))), rule
    fusion.ruled = ruled
    ops, rest = [op for op, _ in ruled], before.ops[len(ruled) :]
    if any(row.outputs[0] in anew or row.outputs[0] in other for row in fusion.rest):
        made = chains(fusion.rest, prepared.program, fusion.results, ops)
        if len(made) != len(rest):
            raise Otherwise
        rest = [_checked(op, one) for op, one in zip(rest, made, strict=True)]
    return replace(before, prepared=prepared, fusion=fusion, ops=ops + rest)


def _near(old: Prepared, now: Prepared, values: set[int]) -> set[int]:
    """Values that are others, and those of every row that reads or makes one of them: a rule looks
    from its rows no further than to the rows that read what they do or make.
    """
    pairs = enumerate(zip(old.program.types, now.program.types, strict=True))
    touched = values | {v for v, (a, b) in pairs if a is not b and a != b}
    near = set(touched)
    for row in _at(now.rows, touched):
        near.update(row.inputs, row.outputs)
    return near


def _at(rows: Sequence[Row], values: set[int]) -> list[Row]:
    """The rows that read or make one of the values; no rule asks what an optimizer does."""
    apart = values.isdisjoint
    found = [row for row in rows if not (apart(row.inputs) and apart(row.outputs))]
    return [row for row in found if row.op != "update"]


class _Earlier:
    """The rows that ops before one have taken."""

    def __init__(self, maker: Mapping[int, int], number: int) -> None:
        self._maker, self._number = maker, number

    def __contains__(self, value: object) -> bool:
        return self._maker.get(value, self._number) < self._number  # type: ignore[call-overload, no-any-return]


def _checked(op: Op, made: Op) -> Op:
    """The op made anew; Otherwise when it is another."""
    if _words(op) != _words(made):
        raise Otherwise
    return made


def _words(op: Op) -> tuple[object, ...]:
    rows: list[Row] = [row._replace(attrs=()) for row in op.rows]
    return op.kind, rows, op.reads, op.writes, op.roles, op.scale, op.taps
