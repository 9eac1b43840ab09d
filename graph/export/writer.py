"""Rows become assignments: one block of lines for each node, in the order of the program.

A value gets a name when it is a node's output, a gradient people ask for, or read more than once;
every other value is written where it is read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graph.export import expression as ex
from graph.export.expression import Expression
from graph.export.names import Code, Namespace, literal
from graph.export.readable import Rows
from graph.program import Row, TensorType

LONGEST_INLINE = 84
COMPARISONS = frozenset({"greater", "greater_equal", "less", "equal", "not_equal"})
# what a helper value is called, where the name of its row says little
SUFFIXES = {
    "sub": "difference",
    "mul": "scale",
    "div": "scale",
    "add": "sum",
    "reshape": "reshaped",
    "broadcast_to": "full",
    "random_uniform": "noise",
    "greater": "mask",
    "greater_equal": "mask",
    "less": "mask",
    "equal": "mask",
    "not_equal": "mask",
}
# the same for each output of rows that have several
OUTPUTS = {
    "batch_norm": ("normal", "mean", "variance"),
    "batch_norm_grad": ("x", "weight", "bias"),
    "lstm_scan": ("states", "cells", "gates"),
    "gru_scan": ("states", "gates"),
    "attention_grad": ("q", "k", "v"),
}
# rows with an attribute whose `outputs` say that
NAMING = {"scan": "body", "scan_grad": "back"}
# rows written as an index or a method: what they apply to must be short
METHODS = frozenset({"reshape", "spread", "permute", "slice", "sum", "max", "mean", "argmax"})
PRIMARY = 40


@dataclass(frozen=True)
class Use:
    """A row with its operands as expressions: what a dialect turns into one expression."""

    row: Row
    operands: list[Expression]
    types: list[TensorType]
    result: TensorType
    shape: tuple[object, ...]
    # operands that are comparisons: bools in the generated code, numbers in the program
    masks: list[bool]

    def attr(self, name: str) -> object:
        """An attribute of the row."""
        return self.row.attr(name)


Dialect = Callable[[Use], Expression]


@dataclass
class Block:
    """The lines of one node; `backward` when they are its gradient."""

    path: str
    backward: bool
    lines: list[str] = field(default_factory=list)


class Writer:
    """Writes rows in one dialect inside one scope.

    `given` are expressions of values from outside (arguments, weights, numbers); `names` those of
    values that shall have one; `stem` gives the first part of other names for a NodePath.
    """

    def __init__(
        self,
        rows: Rows,
        dialect: Dialect,
        cast: str,
        scope: Namespace,
        given: Mapping[int, Expression],
        names: Mapping[int, str],
        stem: Callable[[str], str],
        indent: str = "    ",
    ) -> None:
        self.rows, self.scope, self.indent = rows, scope, indent
        self._dialect, self._cast, self._stem = dialect, ex.parse(cast), stem
        self._given, self._names = dict(given), names
        self._row_of = rows.defined()
        self._exact: dict[int, str] = {}
        self._hints: dict[int, str] = {}
        self.blocks: list[Block] = []

    def hint(self, names: Mapping[int, str]) -> None:
        """What to call these values should they need names."""
        self._hints.update(names)

    def reuse(self, names: Mapping[int, str]) -> None:
        """Bind these values to exactly these names, taken or not."""
        self._exact.update(names)

    def write(self, roots: Iterable[int], forward: set[int] | None = None) -> list[Block]:
        """The blocks of all rows; rows whose values are not in `forward` are the backward pass."""
        uses = self.rows.uses(roots)
        readers = {v: row for row in self.rows.rows for v in row.inputs}
        for row in self.rows.rows:
            backward = forward is not None and not any(v in forward for v in row.outputs)
            result = self._apply(row)
            reader = readers.get(row.outputs[0])
            result_type = self._type(row.outputs[0])
            inline = (
                len(row.outputs) == 1
                and (row.outputs[0] not in self._names or result_type.dtype == "scalar")
                and row.outputs[0] not in self._exact
                and self._may_inline(row, result, uses, reader)
            )
            if inline:
                self._given[row.outputs[0]] = result
            else:
                self._assign(row, result, backward, uses)
        return self.blocks

    def value(self, value: int) -> Expression:
        """The expression of a value, comparisons as numbers."""
        return self._operand(value, self._is_mask(value))

    def lines(self) -> list[str]:
        """All lines, without anything between the blocks."""
        return [line for block in self.blocks for line in block.lines]

    def _may_inline(
        self, row: Row, result: Expression, uses: Mapping[int, int], reader: Row | None
    ) -> bool:
        if row.op in ("const", "same") or ex.is_name(result):
            return True
        once = uses.get(row.outputs[0]) == 1
        near = reader is None or reader.path == row.path or row.op in ("reshape", "to_real")
        longest = LONGEST_INLINE
        if reader is not None and reader.op in METHODS and not ex.is_primary(result):
            longest = PRIMARY
        return once and near and len(ex.text(result)) <= longest

    def _is_mask(self, value: int) -> bool:
        row = self._row_of.get(value)
        return row is not None and row.op in COMPARISONS and self._type(value).dtype == "real"

    def _type(self, value: int) -> TensorType:
        return self.rows.types[value]

    def _operand(self, value: int, cast: bool) -> Expression:
        found = self._given[value]
        return ex.substitute(self._copy_of_cast(), {"x": found}) if cast else found

    def _copy_of_cast(self) -> Expression:
        return ex.parse(ex.text(self._cast))

    def _apply(self, row: Row) -> Expression:
        masks = [self._is_mask(value) for value in row.inputs]
        casts = _casts(row, masks, [self._type(v) for v in row.inputs])
        operands = [self._operand(v, c) for v, c in zip(row.inputs, casts, strict=True)]
        types = [self._type(v) for v in row.inputs]
        bare = [mask and not cast for mask, cast in zip(masks, casts, strict=True)]
        first = row.outputs[0]
        use = Use(row, operands, types, self._type(first), self.rows.shapes[first], bare)
        return ex.mark(self._dialect(use), row.path)

    def _assign(
        self, row: Row, result: Expression, backward: bool, uses: Mapping[int, int]
    ) -> None:
        names = [self._new_name(row, v, backward) if v in uses else "_" for v in row.outputs]
        for value, name in zip(row.outputs, names, strict=True):
            self._given[value] = ex.name(name)
        lines = self._statement(names, result)
        block = self.blocks[-1] if self.blocks else None
        path = row.path or (block.path if block else "")  # a gradient of zeros is no node's
        if block is None or (block.path, block.backward) != (path, backward):
            block = Block(path, backward)
            self.blocks.append(block)
        block.lines += lines

    def _statement(self, names: Sequence[str], result: Expression) -> list[str]:
        """The assignment; many names stand below each other."""
        head = f"{', '.join(names)} = "
        if len(head) <= LONGEST_INLINE:
            return ex.statement(head, result, self.indent)
        each = [f"{self.indent}    {name}," for name in names]
        return [f"{self.indent}(", *each, *ex.statement(") = ", result, self.indent)]

    def _new_name(self, row: Row, value: int, backward: bool) -> str:
        if value in self._exact:
            return self._exact[value]
        if value in self._names:
            return self.scope.take(self._names[value])
        stem = self._stem(row.path)
        if value in self._hints:
            return self.scope.take(self._hints[value])
        suffix = SUFFIXES.get(row.op, row.op)
        if row.op in ("mul", "div") and len(self._type(value).shape) > 1:
            suffix = "product" if row.op == "mul" else "quotient"
        if len(row.outputs) > 1:
            known = OUTPUTS.get(row.op) or row.attr(NAMING[row.op]).outputs
            suffix = known[row.outputs.index(value)]
        name = f"{stem}_{suffix}" if stem else suffix
        return self.scope.take(f"d_{name}" if backward else name)


def _casts(row: Row, masks: list[bool], types: list[TensorType]) -> list[bool]:
    """Which comparisons must become numbers: all but conditions, factors and counted ones."""
    if row.op in ("where", "mean", "stop_gradient") or (row.op == "mul" and not all(masks)):
        arrays = [t.dtype == "real" for t, mask in zip(types, masks, strict=True) if not mask]
        if row.op != "mul" or any(arrays):
            return [mask and row.op == "where" and k > 0 for k, mask in enumerate(masks)]
    return masks


def number_text(value: float) -> str:
    """A number as people write it: 1 - 0.9 instead of 0.09999999999999998."""
    if value == int(value or 0) and abs(value) < 1e6:
        return repr(int(value))
    if value == math.pi:
        return "math.pi"
    rest = round(1 - value, 12)
    if len(repr(value)) > 12 and 0 < rest < 1 and 1 - rest == value:
        return f"1 - {rest!r}"
    return literal(value)


def shape_text(shape: Iterable[object]) -> tuple[object, ...]:
    """A shape for `reshape`: the extent that follows the batch is −1."""
    extents = list(shape)
    following = [k for k, extent in enumerate(extents) if isinstance(extent, Code)]
    if len(following) == 1 and 0 not in extents:
        extents[following[0]] = -1
    return tuple(extents)
