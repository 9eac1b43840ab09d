"""Rows that move numbers: mostly other views of the same memory, copies where they must be."""

from __future__ import annotations

from typing import cast

from compute.cpu.planner.elementwise import run_rows
from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.steps import Word, address
from compute.cpu.planner.views import View
from graph.program import Shape


def emit_reshape(em: Emitter, op: Op) -> None:
    view, shape = em.view(op.row.inputs[0]), cast("Shape", op.row.attr("shape"))
    made = view.reshape(shape)
    if made is None:
        made = em.dense(view).reshape(shape)
        assert made is not None
    em.put(op.row.outputs[0], made)


def emit_permute(em: Emitter, op: Op) -> None:
    view = em.view(op.row.inputs[0])
    em.put(op.row.outputs[0], view.permute(cast("Shape", op.row.attr("order"))))


def emit_broadcast(em: Emitter, op: Op) -> None:
    view = em.view(op.row.inputs[0])
    em.put(op.row.outputs[0], view.broadcast(cast("Shape", op.row.attr("shape"))))


def emit_slice(em: Emitter, op: Op) -> None:
    view, attrs = em.view(op.row.inputs[0]), dict(op.row.attrs)
    axis, start, stop = (cast("int", attrs[k]) for k in ("axis", "start", "stop"))
    made = view.slice(axis, start, stop) or em.dense(view).slice(axis, start, stop)
    assert made is not None
    em.put(op.row.outputs[0], made)


def emit_concat(em: Emitter, op: Op) -> None:
    """Each part copied to its place; a part may have been written there already."""
    row = op.row
    goal = em.target(row.outputs[0])
    axis, start = cast("int", row.attr("axis")), 0
    for value in row.inputs:
        part = em.view(value)
        stop = start + part.shape[axis]
        place = goal.slice(axis, start, stop)
        assert place is not None
        if not place.same_place(part):
            em.copy(part, place)
        start = stop
    em.put(row.outputs[0], goal)


def emit_pad(em: Emitter, op: Op) -> None:
    """The whole filled with zeros, then the inside copied."""
    row = op.row
    goal = em.target(row.outputs[0])
    write_zeros(em, goal)
    inside: View | None = goal
    view = em.view(row.inputs[0])
    for axis, before in enumerate(cast("Shape", row.attr("before"))):
        assert inside is not None
        inside = inside.slice(axis, before, before + view.shape[axis])
    assert inside is not None
    em.copy(view, inside)
    em.put(row.outputs[0], goal)


def write_zeros(em: Emitter, goal: View) -> None:
    """Fill `goal` with zeros."""
    zero = em.new((), goal.item)
    words: dict[str, Word] = {"y": address(zero), "value": 0.0}
    words |= {"d0": 1, "d1": 1, "d2": goal.item // em.item, "y0": 0, "y1": 0}
    em.add("fill", words, [], [zero], prefer=1)
    em.copy(zero.broadcast(goal.shape), goal)


def emit_to_real(em: Emitter, op: Op) -> None:
    """Integers as reals."""
    goal = em.new(em.shape(op.row.outputs[0]))
    _to_real(em, em.view(op.row.inputs[0]), goal)
    em.put(op.row.outputs[0], goal)


def _to_real(em: Emitter, ids: View, goal: View) -> None:
    flat, out = flat_row(em, ids), flat_row(em, goal)
    words: dict[str, Word] = {"x": address(flat), "out": address(out), "count": out.size}
    em.add("to_real", words, [flat], [out], out.size, 1)


def flat_row(em: Emitter, view: View) -> View:
    """`view` as one dense row."""
    flat = em.dense(view).reshape((view.size,))
    assert flat is not None
    return flat


def emit_compare_ids(em: Emitter, op: Op) -> None:
    """An elementwise row with integer operands: compared as integers, or made real first."""
    row = op.row
    shape = em.shape(row.outputs[0])
    views = [em.view(v) for v in row.inputs]
    goal = em.target(row.outputs[0])
    if row.op == "equal" and all(em.is_int(value) for value in row.inputs):
        place = em.new(shape)
        a, b, out = (flat_row(em, v.broadcast(shape)) for v in (*views, place))
        words: dict[str, Word] = {"a": address(a), "b": address(b), "out": address(out)}
        em.add("equal_int", words | {"count": out.size}, [a, b], [out], out.size)
        em.put(row.outputs[0], place)
        return
    inputs = {}
    for value, view in zip(row.inputs, views, strict=True):
        if em.is_int(value):
            real = em.new(view.shape)
            _to_real(em, view, real)
            view = real
        inputs[value] = view
    run_rows(em, [row], inputs, {row.outputs[0]: goal}, shape)
    em.put(row.outputs[0], goal)
