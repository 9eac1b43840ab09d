"""Rows done for all steps of a sequence at once, on values that have a leading axis of T steps.

A rule gives what a row means for T×(shape) of those of its operands that differ from step to step;
the others are the same at every step. Each result is that of T rows side by side, in the same order
of sums for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from graph.primitives.linear import matmul
from graph.primitives.reduction import reduce_sum
from graph.primitives.shape import broadcast_to, permute, reshape
from graph.primitives.table import PRIMITIVES
from graph.program import Attr, Row, Shape
from graph.tensor import Tensor

# an operand, and whether it has the axis of steps
Operand = tuple[Tensor, bool]
Rule = Callable[[Row, Sequence[Operand], int], Sequence[Tensor] | None]


def at_all_steps(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor] | None:
    """The outputs T×… of a row, some operand of which has the axis of steps; None without a rule.

    The rows belong to the path the builder is at.
    """
    if PRIMITIVES[row.op].kind == "elementwise" or row.op == "gelu":
        return _elementwise(row, operands, steps)
    rule = _RULES.get(row.op)
    return None if rule is None else rule(row, operands, steps)


def _emit(row: Row, operands: Sequence[Tensor], **changed: Attr) -> Sequence[Tensor]:
    return operands[0].builder.emit(row.op, operands, **dict(row.attrs) | changed)


def _rank(operand: Operand) -> int:
    """Axes of a value at one step."""
    tensor, timed = operand
    return tensor.rank - timed


def _with_steps(operand: Operand, steps: int) -> Tensor:
    tensor, timed = operand
    return tensor if timed else broadcast_to(tensor, (steps, *tensor.shape))


def _elementwise(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor]:
    rank = max(map(_rank, operands))
    samples = {tensor.shape[1:2] for tensor, timed in operands if timed}
    if rank and len(samples) == 1 and all(_folds(operand, rank) for operand in operands):
        # of samples, as products give them: what is behind a product can become a part of it
        made = _emit(row, [folded(tensor) if timed else tensor for tensor, timed in operands])
        return [unfolded(tensor, steps) for tensor in made]

    def aligned(operand: Operand) -> Tensor:
        tensor, timed = operand
        if not timed:
            return tensor
        return reshape(tensor, (steps, *(1,) * (rank - _rank(operand)), *tensor.shape[1:]))

    return _emit(row, [aligned(operand) for operand in operands])


def _folds(operand: Operand, rank: int) -> bool:
    """Whether an operand goes with samples of all steps beside each other."""
    tensor, timed = operand
    return _rank(operand) == rank if timed else tensor.rank < rank or tensor.shape[0] == 1


def _each(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor]:
    """What looks at the last axes alone."""
    return _emit(row, [_with_steps(operand, steps) for operand in operands])


def _norm(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor] | None:
    """Of the last axes, with the same weights at each step."""
    count = 1 if row.op == "layer_norm" else 2
    if any(timed for _, timed in operands[count:]) or dict(row.attrs).get("affine"):
        return None
    given = [_with_steps(operand, steps) for operand in operands[:count]]
    return _emit(row, [*given, *(tensor for tensor, _ in operands[count:])])


def _reshape(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor]:
    return [reshape(operands[0][0], (steps, *cast("Shape", row.attr("shape"))))]


def _broadcast(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor]:
    x, shape = operands[0][0], cast("Shape", row.attr("shape"))
    ones = (1,) * (len(shape) - x.rank + 1)
    return [broadcast_to(reshape(x, (steps, *ones, *x.shape[1:])), (steps, *shape))]


def _permute(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor]:
    order = cast("Shape", row.attr("order"))
    return [permute(operands[0][0], (0, *(axis + 1 for axis in order)))]


def _pad(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor]:
    sides = {name: (0, *cast("Shape", row.attr(name))) for name in ("before", "after")}
    return _emit(row, [operands[0][0]], **sides)


def _axis(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor]:
    given = [_with_steps(operand, steps) for operand in operands]
    return _emit(row, given, axis=cast("int", row.attr("axis")) + 1)


def _axes(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor]:
    axes = tuple(axis + 1 for axis in cast("Shape", row.attr("axes")))
    return _emit(row, [operands[0][0]], axes=axes)


def _take(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor]:
    (table, differs), index = operands
    batch = cast("int", row.attr("batch"))
    if not differs and not batch:
        return _emit(row, [table, index[0]])
    return _emit(row, [_with_steps(operand, steps) for operand in operands], batch=batch + 1)


def _take_grad(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor]:
    given = [_with_steps(operand, steps) for operand in operands]
    return _emit(row, given, batch=cast("int", row.attr("batch")) + 1)


def _product(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor]:
    (a, a_timed), (b, b_timed) = operands
    turn_a, turn_b = cast("bool", row.attr("transpose_a")), cast("bool", row.attr("transpose_b"))
    if a_timed and b_timed:
        return [matmul(a, b, turn_a, turn_b)]
    if a_timed:
        return [_of_rows(_swapped(a) if turn_a else a, b, turn_b)]
    # (A·B)ᵀ = Bᵀ·Aᵀ
    return [_swapped(_of_rows(b if turn_b else _swapped(b), a, not turn_a))]


def _swapped(x: Tensor) -> Tensor:
    return permute(x, (*range(x.rank - 2), x.rank - 1, x.rank - 2))


def _of_rows(x: Tensor, weight: Tensor, turn: bool) -> Tensor:
    """T×…×N×K times …×K×F, or its transpose, the same at all steps: one product of N·T rows."""
    if x.rank == 3:
        return unfolded(matmul(folded(x), weight, False, turn), x.shape[0])
    steps, *lead, n, k = x.shape
    last = x.rank - 1
    beside = reshape(permute(x, (*range(1, last), 0, last)), (*lead, n * steps, k))
    made = matmul(beside, weight, False, turn)
    parts = reshape(made, (*lead, n, steps, made.shape[-1]))
    return permute(parts, (last - 1, *range(last - 1), last))


def turned(x: Tensor) -> Tensor:
    """T×N×… of N×T×…, and back."""
    order = (1, 0, *range(2, x.rank))
    made = x.builder.row_of.get(x.id)
    if made is not None and made.op == "permute" and made.attr("order") == order:
        return Tensor(x.builder, made.inputs[0])
    return permute(x, order)


def folded(x: Tensor) -> Tensor:
    """N·T×… of T×N×…, in the order of sequences N×T×…: those then lie as they are wanted."""
    parts, shape = turned(x), (x.shape[1] * x.shape[0], *x.shape[2:])
    made = x.builder.row_of.get(parts.id)
    if made is not None and made.op == "reshape":
        source = Tensor(x.builder, made.inputs[0])
        if source.shape == shape:  # what was unfolded
            return source
    return reshape(parts, shape)


def unfolded(x: Tensor, steps: int) -> Tensor:
    """T×N×… of N·T×…."""
    return turned(reshape(x, (x.shape[0] // steps, steps, *x.shape[1:])))


def _of_samples(count: int) -> Rule:
    """Of rows whose first `count` operands, and whose result, are one for each sample."""

    def rule(row: Row, operands: Sequence[Operand], steps: int) -> Sequence[Tensor] | None:
        if any(timed for _, timed in operands[count:]):
            return None
        given = [folded(_with_steps(operand, steps)) for operand in operands[:count]]
        made = _emit(row, [*given, *(tensor for tensor, _ in operands[count:])])
        return [unfolded(tensor, steps) for tensor in made]

    return rule


_RULES: dict[str, Rule] = {
    **dict.fromkeys(("softmax", "softmax_grad", "log_softmax", "to_int", "one_hot"), _each),
    **dict.fromkeys(("softmax_cross_entropy", "softmax_cross_entropy_grad"), _each),
    **dict.fromkeys(("layer_norm", "layer_norm_grad"), _norm),
    "reshape": _reshape,
    "broadcast_to": _broadcast,
    "permute": _permute,
    "pad": _pad,
    **dict.fromkeys(("slice", "concat"), _axis),
    **dict.fromkeys(("sum", "max", "argmax"), _axes),
    "take": _take,
    "take_grad": _take_grad,
    "matmul": _product,
    **{f"{conv}2d{way}": _of_samples(1) for conv in ("conv", "depthwise") for way in ("", "_dx")},
    **dict.fromkeys(("max_pool2d", "avg_pool2d", "avg_pool2d_dx"), _of_samples(1)),
    **dict.fromkeys(("max_pool2d_scatter", "max_pool2d_take"), _of_samples(3)),
}


# ---- sums over the steps


def summed(row: Row, operands: Sequence[Tensor]) -> Tensor | None:
    """The sum over the steps of what a row gives at each of T×… operands, as one row on all steps;
    None where there is no such row.
    """
    attrs, first = dict(row.attrs), operands[0]
    if row.op == "matmul" and attrs["transpose_a"] and first.rank == 3:
        second = permute(operands[1], (0, 2, 1)) if attrs["transpose_b"] else operands[1]
        return matmul(folded(first), folded(second), transpose_a=True)
    if row.op == "sum":
        axes = cast("Shape", attrs["axes"])
        if axes == (0,):
            return _emit(row, [folded(first)])[0]
        return reduce_sum(first, (0, *(axis + 1 for axis in axes)))
    if row.op == "take_grad" and attrs["batch"] == 0:
        return _emit(row, operands)[0]
    if row.op in ("conv2d_dw", "depthwise2d_dw"):
        return _emit(row, [folded(operand) for operand in operands])[0]
    return None


def cheap(row: Row) -> bool:
    """Whether a row costs little more than to look at its operands, as part of what is around it:
    then all steps at once gain nothing where operands must be put side by side for it.
    """
    return PRIMITIVES[row.op].kind == "elementwise" or row.op in _CHEAP


_CHEAP = frozenset({"gelu", "reshape", "broadcast_to", "permute", "slice", "concat", "pad"})
