"""Sums, maxima and arg-maxima over axes; softmax and cross-entropy over the last axis."""

from __future__ import annotations

from math import prod
from typing import cast

from compute.cpu.kernels.reduce import MAX, SUM
from compute.cpu.planner.emitter import Emitter, PlanError
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.spatial import sum_parts
from compute.cpu.planner.steps import NULL, Word, address
from compute.cpu.planner.views import Joint, View, join, packed, refine
from graph.program import Shape

WIDE = 64  # columns of a chunk of column sums
PARTS = 16
PARALLEL = 1 << 15  # elements above which few results are summed in parts


def emit_reduce(em: Emitter, op: Op) -> None:
    """Sum (times a constant) or maximum over axes."""
    row = op.row
    value = op.writes[0]
    if em.is_int(row.inputs[0]):
        raise PlanError(
            f"{op.path}: found {row.op} of integers, expected reals; convert them first"
        )
    axes = cast("Shape", row.attr("axes"))
    x, y = em.view(row.inputs[0]), em.target(value)
    found = _dimensions(x, y, axes)
    if found is None:
        # kept axes first, reduced ones last, dense: every shape fits then
        order = [k for k in range(len(x.axes)) if k not in axes] + list(axes)
        turned = x.permute(order)
        axes = tuple(range(len(order) - len(axes), len(order)))
        x, y = em.dense(turned), em.new(y.shape)
        found = _dimensions(x, y, axes)
        assert found is not None
    _emit_reduce(em, x, y, *found, SUM if row.op == "sum" else MAX, op.scale)
    em.put(value, y)


def _dimensions(x: View, y: View, axes: Shape) -> tuple[list[Joint], list[Joint]] | None:
    """Kept dimensions (o0, o1, inner) and reduced ones (r0, r1, r2); None when there are more."""
    kept: list[Joint] = []
    reduced: list[Joint] = []
    left = iter(y.axes)
    for k, axis in enumerate(x.axes):
        if k in axes:
            reduced += [(extent, (stride,)) for extent, stride in axis]
        else:
            dims = refine((axis, next(left)))
            if dims is None:
                return None
            kept += dims
    kept = join(sorted(kept, key=lambda dim: -abs(dim[1][0])))
    reduced = join(sorted(reduced, key=lambda dim: -abs(dim[1][0])))
    columns = bool(kept) and kept[-1][1][0] == x.item
    if len(reduced) > 3 or len(kept) > (3 if columns else 2):
        return None
    unit: Joint = (1, (0, 0))
    if not columns:
        kept = [*kept, (1, (x.item, x.item))]
    reduced = [(extent, (strides[0], 0)) for extent, strides in reduced]
    # the longest walk of row sums is the innermost, whatever the number of dimensions
    return [unit] * (3 - len(kept)) + kept, [unit] * (3 - len(reduced)) + reduced


def _emit_reduce(
    em: Emitter, x: View, y: View, kept: list[Joint], reduced: list[Joint], kind: int, scale: float
) -> None:
    (o0, o1, inner), (r0, r1, r2) = kept, reduced
    words: dict[str, Word] = {
        **{"x": address(x), "x_o0": o0[1][0], "x_o1": o1[1][0], "x_inner": inner[1][0]},
        **{"x_r0": r0[1][0], "x_r1": r1[1][0], "x_r2": r2[1][0]},
        **{"y": address(y), "y_o0": o0[1][1], "y_o1": o1[1][1], "y_inner": inner[1][1]},
        **{"o0": o0[0], "o1": o1[0], "inner": inner[0], "r0": r0[0], "r1": r1[0], "r2": r2[0]},
        **{"y_chunk": 0, "op": kind, "scale": scale, "init": 0},
    }
    flops, results = x.size, prod(dim[0] for dim in kept)
    count = prod(dim[0] for dim in reduced)
    outer = _outer(kept, reduced)
    if outer is not None:
        words["split"] = 0
        lead = x.shape[0] if _follows(x, y, outer[0]) else 0
        words |= _kept_words(outer[0], outer[1], inner)
        unit = int(outer[0][0]) // lead if lead else 1
        prefer = 0 if lead else max(1, PARALLEL // max(1, flops // outer[0][0]))
        em.add("reduce", words, [x], [y], lead, unit, prefer, flops=flops)
    elif kind == SUM and results < 2 * WIDE and flops >= PARALLEL and _partable(reduced):
        _in_parts(em, x, y, words, reduced, results, scale)
    else:
        words["split"] = 2
        size = WIDE if results * count >= PARALLEL else max(1, inner[0])
        em.add("reduce", words, [x], [y], prefer=size, flops=flops)


def _outer(kept: list[Joint], reduced: list[Joint]) -> tuple[Joint, Joint] | None:
    """The outer kept dimensions with the larger first, when chunks can cut it."""
    dims = [dim for dim in kept[:2] if dim[0] > 1]
    if not dims:
        return None
    unit: Joint = (1, (0, 0))
    return (dims[0], dims[1] if len(dims) > 1 else unit)


def _kept_words(o0: Joint, o1: Joint, inner: Joint) -> dict[str, Word]:
    words: dict[str, Word] = {"o0": o0[0], "x_o0": o0[1][0], "y_o0": o0[1][1]}
    return words | {"o1": o1[0], "x_o1": o1[1][0], "y_o1": o1[1][1]}


def _follows(x: View, y: View, outer: Joint) -> bool:
    """Whether chunks of the outer dimension are slices of axis 0 on both sides."""
    if not x.axes or not y.axes or x.shape[0] != y.shape[0] or x.shape[0] < 2:
        return False
    stride, goal = x.stride(0), y.stride(0)
    if stride is None or goal is None or outer[0] % x.shape[0]:
        return False
    unit = outer[0] // x.shape[0]
    return stride == outer[1][0] * unit and goal == outer[1][1] * unit


def _partable(reduced: list[Joint]) -> bool:
    return max(dim[0] for dim in reduced) >= PARTS


def _in_parts(
    em: Emitter,
    x: View,
    y: View,
    words: dict[str, Word],
    reduced: list[Joint],
    results: int,
    scale: float,
) -> None:
    """Partial sums of slices of the longest reduced dimension, added in order."""
    longest = max(range(3), key=lambda k: reduced[k][0])
    dims = [reduced[longest], *(dim for k, dim in enumerate(reduced) if k != longest)]
    for k, dim in enumerate(dims):
        words |= {f"r{k}": dim[0], f"x_r{k}": dim[1][0]}
    extent = dims[0][0]
    size = -(-extent // PARTS)
    parts = -(-extent // size)
    step = results * em.item
    partial = em.new((parts, results))
    words |= {"y": address(partial), "y_chunk": step, "y_inner": em.item, "scale": 1.0, "split": 1}
    em.add("reduce", words, [x], [partial], prefer=size, flops=x.size)
    dense = y.axes == packed(y.shape, em.item)
    goal = y if dense else em.new(y.shape)
    sum_parts(em, partial, parts, step, goal, scale)
    if not dense:
        em.copy(goal, y)


def emit_argmax(em: Emitter, op: Op) -> None:
    row = op.row
    axis = cast("Shape", row.attr("axes"))[0]
    view = em.view(row.inputs[0])
    order = [*(k for k in range(len(view.axes)) if k != axis), axis]
    flat, m, stride = em.rows(view.permute(order))
    goal = em.new(em.shape(row.outputs[0]), 8)
    out = goal.reshape((m,))
    assert out is not None
    words: dict[str, Word] = {"x": address(flat), "x_row": stride, "out": address(out)}
    em.add("argmax", words | {"m": m, "n": flat.shape[1]}, [flat], [out], m, flops=flat.size)
    em.put(row.outputs[0], goal)


# ---- softmax over the last axis


def emit_softmax(em: Emitter, op: Op) -> None:
    row = op.row
    x, m, x_row = em.rows(em.view(row.inputs[0]))
    goal, y, y_row = em.row_target(row.outputs[0])
    words: dict[str, Word] = {"x": address(x), "x_row": x_row, "y": address(y), "y_row": y_row}
    words |= {"m": m, "n": x.shape[1], "logarithm": int(row.op == "log_softmax")}
    em.add("softmax", words, [x], [y], m, flops=8 * x.size)
    em.put(row.outputs[0], goal)


def emit_softmax_grad(em: Emitter, op: Op) -> None:
    row = op.row
    y, m, y_row = em.rows(em.view(row.inputs[0]))
    dy, _, dy_row = em.rows(em.view(row.inputs[1]))
    goal, dx, dx_row = em.row_target(row.outputs[0])
    words: dict[str, Word] = {"y": address(y), "y_row": y_row, "dy": address(dy), "dy_row": dy_row}
    words |= {"dx": address(dx), "dx_row": dx_row, "m": m, "n": y.shape[1], "logarithm": 0}
    em.add("softmax_dx", words, [y, dy], [dx], m, flops=4 * y.size)
    em.put(row.outputs[0], goal)


def emit_cross_entropy(em: Emitter, op: Op) -> None:
    """Loss of each row, gradient to the logits, or both in one pass."""
    first = op.row
    logits, m, logits_row = em.rows(em.view(first.inputs[0]))
    labels = em.dense(em.view(first.inputs[1])).reshape((m,))
    assert labels is not None
    words: dict[str, Word] = {"logits": address(logits), "logits_row": logits_row}
    words |= {"labels": address(labels), "loss": NULL, "grad": NULL, "grad_row": 0}
    words |= {"dlogits": NULL, "dlogits_row": 0, "m": m, "n": logits.shape[1], "scale": 1.0}
    reads, whole, writes = [logits, labels], list[View](), list[View]()
    places: list[tuple[int, View]] = []
    if first.op == "softmax_cross_entropy":
        goal = em.new(em.shape(first.outputs[0]))
        loss = goal.reshape((m,))
        assert loss is not None
        words["loss"] = address(loss)
        writes.append(loss)
        places.append((first.outputs[0], goal))
    last = op.rows[-1]
    if last.op == "softmax_cross_entropy_grad":
        goal, dlogits, words["dlogits_row"] = em.row_target(last.outputs[0])
        words["dlogits"] = address(dlogits)
        writes.append(dlogits)
        places.append((last.outputs[0], goal))
        number = em.numbers.get(last.inputs[2])
        if isinstance(number, float):
            words["scale"] = number
        else:
            grad, stride = _row_gradient(em, last.inputs[2], m)
            words |= {"grad": address(grad), "grad_row": stride}
            (reads if stride else whole).append(grad)
    em.add("softmax_cross_entropy", words, reads, writes, m, 1, 0, whole, 10 * logits.size)
    for value, view in places:
        em.put(value, view)


def _row_gradient(em: Emitter, value: int, m: int) -> tuple[View, int]:
    """The gradient to each row's loss: a vector of any stride, 0 included."""
    view = em.view(value)
    flat = view.reshape((m,))
    if flat is None or flat.stride(0) is None:
        flat = em.dense(view).reshape((m,))
        assert flat is not None
    return flat, flat.stride(0) or 0
