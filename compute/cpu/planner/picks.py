"""Rows that count and that pick by integer index: one-hot codes, rows of a table, their sums."""

from __future__ import annotations

from math import prod
from typing import cast

from compute.cpu.planner.emitter import Emitter, as_rows
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.moves import flat_row
from compute.cpu.planner.steps import Word, address
from compute.cpu.planner.views import View


def emit_arange(em: Emitter, op: Op) -> None:
    value = op.row.outputs[0]
    goal = em.new(em.shape(value))
    words: dict[str, Word] = {"out": address(goal), "count": goal.size}
    em.add("arange", words, [], [goal], goal.size)
    em.put(value, goal)


def emit_to_int(em: Emitter, op: Op) -> None:
    value = op.row.outputs[0]
    x, goal = flat_row(em, em.view(op.row.inputs[0])), em.new(em.shape(value), em.item_of(value))
    out = flat_row(em, goal)
    words: dict[str, Word] = {"x": address(x), "out": address(out), "count": out.size}
    em.add("to_int", words, [x], [out], out.size)
    em.put(value, goal)


def emit_one_hot(em: Emitter, op: Op) -> None:
    row = op.row
    ids = flat_row(em, em.view(row.inputs[0]))
    goal, flat, stride = em.row_target(row.outputs[0])
    words: dict[str, Word] = {"index": address(ids), "out": address(flat), "out_row": stride}
    words |= {"m": ids.size, "n": cast("int", row.attr("classes"))}
    em.add("one_hot", words, [ids], [flat], ids.size)
    em.put(row.outputs[0], goal)


def emit_take(em: Emitter, op: Op) -> None:
    """Each row of the result is copied from the table."""
    source, index = op.row.inputs
    ids = flat_row(em, em.view(index))
    batch, value = cast("int", op.row.attr("batch")), op.row.outputs[0]
    shape = em.shape(source)
    width = prod(shape[batch + 1 :])
    table, table_row = _rows(em, em.view(source), width)
    goal, out, out_row = _row_goal(em, value, width)
    words: dict[str, Word] = {"table": address(table), "table_row": table_row}
    words |= {"rows": shape[batch], "index": address(ids), "per": _per(em, index, batch)}
    words |= {"out": address(out), "out_row": out_row, "m": ids.size, "n": width}
    em.add("gather_rows", words, [ids], [out], ids.size, whole=[table])
    em.put(value, goal)


def emit_take_grad(em: Emitter, op: Op) -> None:
    """The table is cut into runs of rows, each of which adds up what belongs to it."""
    given, index = op.row.inputs
    ids = flat_row(em, em.view(index))
    batch, value = cast("int", op.row.attr("batch")), op.row.outputs[0]
    shape = em.shape(value)
    width = prod(shape[batch + 1 :])
    x, x_row = _rows(em, em.view(given), width)
    goal, table, table_row = _row_goal(em, value, width)
    words: dict[str, Word] = {"x": address(x), "x_row": x_row, "index": address(ids)}
    words |= {"table": address(table), "table_row": table_row, "rows": shape[batch]}
    words |= {"m": ids.size, "n": width, "per": _per(em, index, batch), "init": 0}
    em.add("scatter_add_rows", words, [], [table], table.shape[0], whole=[x, ids])
    em.put(value, goal)


def _per(em: Emitter, index: int, batch: int) -> int:
    """How many ids name rows of one table."""
    return prod(em.shape(index)[batch:])


def _matrix(view: View, width: int) -> tuple[View, int] | None:
    """`view` as rows of `width` contiguous numbers and the bytes between them; None: not so."""
    flat = view.reshape((view.size // width, width))
    found = as_rows(flat) if flat is not None else None
    return (found[0], found[2]) if found is not None else None


def _rows(em: Emitter, view: View, width: int) -> tuple[View, int]:
    found = _matrix(view, width) or _matrix(em.dense(view), width)
    assert found is not None
    return found


def _row_goal(em: Emitter, value: int, width: int) -> tuple[View, View, int]:
    """A place for the value, the same as rows of `width`, and the bytes between those."""
    goal = em.target(value)
    found = _matrix(goal, width)
    if found is None:
        goal = em.new(em.shape(value))
        found = _matrix(goal, width)
        assert found is not None
    return goal, *found
