"""Rows as people write them: means instead of sums times 1/n, broadcasting left to the library.

These rewrites are for exporters only. They add the rows `mean`, `square`, `twice`, `same` and
`spread` (one number a channel, beside images) and the attribute `keep` on reductions, and let
operands broadcast by themselves where the result has the same shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from graph.export.names import Code
from graph.export.symbolic import BATCHES, Generic, N
from graph.primitives.table import PRIMITIVES
from graph.program import Attr, Attrs, Row, TensorType

REDUCTIONS = ("sum", "max", "mean")


@dataclass(frozen=True)
class Rows:
    """Rows to print, with the types of the values and their shapes in terms of `n`."""

    rows: tuple[Row, ...]
    types: tuple[TensorType, ...]
    shapes: tuple[tuple[object, ...], ...]

    def live(self, roots: Iterable[int]) -> Rows:
        """Only the rows that the values `roots` need."""
        needed, kept = set(roots), []
        for row in reversed(self.rows):
            if any(value in needed for value in row.outputs):
                kept.append(row)
                needed.update(row.inputs)
        return replace(self, rows=tuple(reversed(kept)))

    def defined(self) -> dict[int, Row]:
        """Which row defines each computed value."""
        return {value: row for row in self.rows for value in row.outputs}

    def uses(self, roots: Iterable[int] = ()) -> dict[int, int]:
        """How often each value is read; `roots` are read once more."""
        found: dict[int, int] = {}
        for value in [*roots, *(v for row in self.rows for v in row.inputs)]:
            found[value] = found.get(value, 0) + 1
        return found

    def ancestors(self, values: Iterable[int]) -> set[int]:
        """The values, and everything they are computed from."""
        needed = set(values)
        for row in reversed(self.rows):
            if any(value in needed for value in row.outputs):
                needed.update(row.inputs)
        return needed


def readable(
    program: Generic,
    roots: Iterable[int],
    named: Iterable[int] = (),
    given: Iterable[int] = (),
) -> Rows:
    """The rows that `roots` need, rewritten; the values `named` stay values of their own.

    Values `given` are known already: what only they need is left out.
    """
    wanted, known = set(roots), set(given)
    fixed = {*wanted, *known, *named}
    own = (row for row in program.program.rows if known.isdisjoint(row.outputs))
    rows = Rows(tuple(own), program.program.types, program.shapes).live(wanted)
    rows = _host_scalars(rows)
    for rule in RULES:
        rows = _rewrite(rows, fixed, rule).live(wanted)
    return rows


class _Scope:
    """What a rewrite may look at: definitions, and which values only one row reads."""

    def __init__(self, rows: Rows, fixed: set[int]) -> None:
        self.types = rows.types
        self.row_of = rows.defined()
        self.uses = rows.uses(fixed)
        self.fixed = fixed
        self.readers: dict[int, list[Row]] = {}
        for row in rows.rows:
            for value in row.inputs:
                self.readers.setdefault(value, []).append(row)

    def inner(self, value: int, *ops: str) -> Row | None:
        """The row of `value` when it is one of `ops` and nothing else reads it."""
        row = self.row_of.get(value)
        return row if row and row.op in ops and self.uses.get(value) == 1 else None

    def constant(self, value: int) -> Attr | None:
        """The number that every element of `value` has, if it is a constant."""
        scalar = self.scalar(value)
        row = self.row_of.get(scalar) if scalar is not None else None
        while row is not None and row.op == "same":
            row = self.row_of.get(row.inputs[0])
        return row.attr("value") if row and row.op == "const" else None

    def scalar(self, value: int) -> int | None:
        """The host scalar that every element of `value` equals, if there is one."""
        while self.types[value].dtype != "scalar":
            row = self.row_of.get(value)
            if row is None or row.op not in ("same", "to_real", "broadcast_to", "reshape"):
                return None
            value = row.inputs[0]
        return value


def _rewrite(rows: Rows, fixed: set[int], rule: Callable[[Row, _Scope], Row]) -> Rows:
    scope = _Scope(rows, fixed)
    return replace(rows, rows=tuple(rule(row, scope) for row in rows.rows))


def _with(row: Row, op: str, inputs: Sequence[int], **attrs: Attr) -> Row:
    return row._replace(op=op, inputs=tuple(inputs), attrs=tuple(attrs.items()))


def _host_scalars(rows: Rows) -> Rows:
    """Numbers computed from host scalars alone are host scalars, whatever array they feed."""
    types, done = list(rows.types), []
    for row in rows.rows:
        made = row.outputs[0]
        known = all(types[value].dtype == "scalar" for value in row.inputs)
        if known and _is_elementwise(row) and types[made].shape == ():
            types[made] = TensorType((), "scalar")
            row = _with(row, "same", row.inputs) if row.op == "to_real" else row
        done.append(row)
    return replace(rows, rows=tuple(done), types=tuple(types))


def _neutral_factor(row: Row, scope: _Scope) -> Row:
    """1 · x → x, x · x → x², x + x → 2x."""
    twice = {"mul": "square", "add": "twice"}
    if row.op in twice and row.inputs[0] == row.inputs[1]:
        return _with(row, twice[row.op], row.inputs[:1])
    if row.op == "mul":
        for one, other in (row.inputs, row.inputs[::-1]):
            if scope.constant(one) == 1 and scope.types[other] == scope.types[row.outputs[0]]:
                return _with(row, "same", [other])
    return row


def _one_reshape(row: Row, scope: _Scope) -> Row:
    """Two reshapes in a row → one, or none where they undo each other."""
    if row.op != "reshape":
        return row
    source = row.inputs[0]
    while (before := scope.row_of.get(source)) is not None and before.op == "reshape":
        source = before.inputs[0]
    if scope.types[source] == scope.types[row.outputs[0]]:
        return _with(row, "same", [source])
    return row._replace(inputs=(source,))


def _mean(row: Row, scope: _Scope) -> Row:
    """sum(x) · (1 / count) → mean(x)."""
    if row.op != "mul":
        return row
    for total, factor in (row.inputs, row.inputs[::-1]):
        reduced, scale = scope.inner(total, "sum"), scope.constant(factor)
        if reduced is None or scale is None:
            continue
        attrs = dict(reduced.attrs)
        if _is_inverse(scale, scope.types[reduced.inputs[0]].shape, _axes(attrs)):
            return _with(row, "mean", reduced.inputs, **attrs)
    return row


def _axes(attrs: Attrs) -> tuple[int, ...]:
    return cast("tuple[int, ...]", attrs["axes"])


def _is_inverse(scale: Attr, shape: Sequence[int], axes: Sequence[int]) -> bool:
    count = math.prod(shape[axis] for axis in axes)
    if isinstance(scale, Code):
        return _evaluates_to(scale, count)
    return isinstance(scale, float) and abs(scale * count - 1) < 1e-12


def _evaluates_to(scale: Code, count: int) -> bool:
    """Whether the text `1 / n` or `1 / (k * n)` is one over `count`."""
    times, rest = divmod(count, BATCHES[0])
    return rest == 0 and scale == (f"1 / {N}" if times == 1 else f"1 / ({times} * {N})")


def _kept_axes(row: Row, scope: _Scope) -> Row:
    """A reduction whose axes come back with extent 1 → keepdims."""
    if row.op != "reshape":
        return row
    reduced = scope.inner(row.inputs[0], *REDUCTIONS)
    if reduced is None or dict(reduced.attrs).get("keep"):
        return row
    attrs = dict(reduced.attrs)
    shape, axes = scope.types[reduced.inputs[0]].shape, _axes(attrs)
    kept = tuple(1 if k in axes else n for k, n in enumerate(shape))
    if scope.types[row.outputs[0]].shape != kept:
        return row
    return _with(row, reduced.op, reduced.inputs, **{**attrs, "keep": True})


def _spared_operands(row: Row, scope: _Scope) -> Row:
    """Gradient rows without operands that are the same number everywhere."""
    inputs = list(row.inputs)
    if row.op == "softmax_cross_entropy_grad":
        scalar = scope.scalar(inputs[2])
        inputs[2] = inputs[2] if scalar is None else scalar
    if row.op == "batch_norm_grad" and all(scope.constant(v) == 0 for v in inputs[5:]):
        inputs = inputs[:5]  # nothing but the running values reads the batch's statistics
    return row._replace(inputs=tuple(inputs))


def _spread(row: Row, scope: _Scope) -> Row:
    """C → 1×C×1×1 beside N×C×H×W: the leading axis comes by itself."""
    made = row.outputs[0]
    shape = scope.types[made].shape
    channel = row.op == "reshape" and len(shape) > 1 and shape == (1, shape[1], *shape[2:])
    if not channel or len(scope.types[row.inputs[0]].shape) != 1 or made in scope.fixed:
        return row
    if any(extent != 1 for extent in shape[2:]):
        return row
    readers = scope.readers.get(made, [])
    beside = all(
        _is_elementwise(reader) and len(scope.types[reader.outputs[0]].shape) == len(shape)
        for reader in readers
    )
    if not beside:
        return row
    op = "spread" if len(shape) > 2 else "same"
    return _with(row, op, row.inputs, axes=len(shape) - 2)


def _is_elementwise(row: Row) -> bool:
    if row.op in ("square", "twice"):
        return True
    return row.op in PRIMITIVES and PRIMITIVES[row.op].kind == "elementwise"


def _broadcast(row: Row, scope: _Scope) -> Row:
    """Operands of elementwise rows broadcast by themselves where another has the full shape."""
    if not _is_elementwise(row):
        return row
    shape = scope.types[row.outputs[0]].shape
    inputs = list(row.inputs)
    for place, value in enumerate(inputs):
        others = [v for k, v in enumerate(inputs) if k != place]
        if not any(scope.types[v].shape == shape for v in others):
            continue
        scalar = scope.scalar(value)
        spread = scope.row_of.get(value)
        if scalar is not None:
            inputs[place] = scalar
        elif spread is not None and spread.op == "broadcast_to":
            inputs[place] = spread.inputs[0]
    return row._replace(inputs=tuple(inputs))


RULES = (
    _neutral_factor,
    _one_reshape,
    _mean,
    _kept_axes,
    _mean,
    _spared_operands,
    _broadcast,
    _spread,
)
