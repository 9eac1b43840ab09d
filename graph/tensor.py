"""Symbolic tensors: what `build()` of a node type computes with.

Nothing here holds numbers. An operation on `Tensor`s runs the shape rule of its row, appends the
row to the `Builder`'s program and returns the symbolic result. Equal rows are emitted once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from graph.program import (
    Attr,
    DType,
    Input,
    InputKind,
    Program,
    Row,
    Shape,
    TensorType,
    Update,
)

Number = int | float


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value of the program under construction: shape and element kind, no numbers."""

    builder: Builder
    id: int

    @property
    def type(self) -> TensorType:
        """Shape and element kind."""
        return self.builder.types[self.id]

    @property
    def shape(self) -> Shape:
        """Extent of every axis; axis 0 is the batch where there is one."""
        return self.type.shape

    @property
    def dtype(self) -> DType:
        """Element kind."""
        return self.type.dtype

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def _binary(self, op: str, other: Tensor | Number, swap: bool = False) -> Tensor:
        right = self.builder.as_tensor(other)
        pair = (right, self) if swap else (self, right)
        return self.builder.emit(op, pair)[0]

    def __add__(self, other: Tensor | Number) -> Tensor:
        return self._binary("add", other)

    def __radd__(self, other: Number) -> Tensor:
        return self._binary("add", other, swap=True)

    def __sub__(self, other: Tensor | Number) -> Tensor:
        return self._binary("sub", other)

    def __rsub__(self, other: Number) -> Tensor:
        return self._binary("sub", other, swap=True)

    def __mul__(self, other: Tensor | Number) -> Tensor:
        return self._binary("mul", other)

    def __rmul__(self, other: Number) -> Tensor:
        return self._binary("mul", other, swap=True)

    def __truediv__(self, other: Tensor | Number) -> Tensor:
        return self._binary("div", other)

    def __rtruediv__(self, other: Number) -> Tensor:
        return self._binary("div", other, swap=True)

    def __pow__(self, exponent: Tensor | Number) -> Tensor:
        return self._binary("pow", exponent)

    def __rpow__(self, base: Number) -> Tensor:
        return self._binary("pow", base, swap=True)

    def __neg__(self) -> Tensor:
        return self.builder.emit("neg", (self,))[0]

    def __bool__(self) -> bool:
        raise TypeError("a symbolic tensor has no truth value; use where(condition, a, b)")


class Builder:
    """Collects the rows of a program. One builder makes one program."""

    def __init__(self) -> None:
        self.types: list[TensorType] = []
        self.rows: list[Row] = []
        self.inputs: list[Input] = []
        self.row_of: dict[int, Row] = {}
        self._known: dict[tuple[str, tuple[int, ...], tuple[tuple[str, Attr], ...]], Row] = {}
        self._input_of: dict[tuple[InputKind, str], Tensor] = {}
        self._path = ""

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Rows emitted inside carry `path` as their node."""
        before, self._path = self._path, path
        try:
            yield
        finally:
            self._path = before

    def input(self, kind: InputKind, key: str, type: TensorType) -> Tensor:
        """The program input (`kind`, `key`), declared on first use."""
        known = self._input_of.get((kind, key))
        if known is not None:
            if known.type != type:
                raise ValueError(f"input {kind} {key}: found {type}, expected {known.type}")
            return known
        tensor = self._new(type)
        self.inputs.append(Input(kind, key, tensor.id))
        self._input_of[kind, key] = tensor
        return tensor

    def _new(self, type: TensorType) -> Tensor:
        self.types.append(type)
        return Tensor(self, len(self.types) - 1)

    def constant(self, value: Number) -> Tensor:
        """A number, as a host scalar."""
        return self.emit("const", (), value=float(value))[0]

    def as_tensor(self, value: Tensor | Number) -> Tensor:
        """`value` itself, or the constant of that number."""
        if isinstance(value, Tensor):
            return value
        return self.constant(value)

    def emit(self, op: str, inputs: Sequence[Tensor], **attrs: Attr) -> tuple[Tensor, ...]:
        """Append the row `op(inputs, **attrs)` unless an equal one exists; return its outputs.

        Raises ShapeError when the row's shape rule refuses the operands.
        """
        from graph.primitives.table import PRIMITIVES  # the table's entries emit rows themselves

        key = (op, tuple(t.id for t in inputs), tuple(sorted(attrs.items())))
        row = self._known.get(key)
        if row is None:
            types = PRIMITIVES[op].infer(tuple(t.type for t in inputs), attrs)
            outputs = tuple(self._new(type).id for type in types)
            row = Row(op, key[1], outputs, key[2], self._path)
            self.rows.append(row)
            self.row_of.update(dict.fromkeys(outputs, row))
            self._known[key] = row
        return tuple(Tensor(self, value) for value in row.outputs)

    def inline(self, body: Program, given: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Emit the rows of `body` with its input values replaced by `given`; shapes re-inferred.

        Returns the tensor of every value of `body`.
        """
        tensors = dict(given)
        for row in body.rows:
            with self.at(row.path or self._path):
                results = self.emit(row.op, [tensors[v] for v in row.inputs], **dict(row.attrs))
            tensors.update(zip(row.outputs, results, strict=True))
        return tensors

    def finish(
        self,
        name: str,
        outputs: Mapping[str, Tensor],
        updates: Sequence[tuple[Update, Tensor]] = (),
        batch: int = 0,
    ) -> Program:
        """The finished program; rows that nothing needs are dropped by `simplify`, not here."""
        done = tuple(Update(u.kind, u.key, t.id) for u, t in updates)
        return Program(
            name,
            tuple(self.types),
            tuple(self.inputs),
            tuple(self.rows),
            tuple((key, tensor.id) for key, tensor in outputs.items()),
            done,
            batch,
        )


def rebuild(
    program: Program, visit: Callable[[Builder, Row, list[Tensor]], Sequence[Tensor] | None]
) -> Program:
    """A new program from the rows of `program`.

    `visit` may return the replacement of a row's outputs, or None to copy the row.
    """
    builder = Builder()
    tensors = {
        i.value: builder.input(i.kind, i.key, program.types[i.value]) for i in program.inputs
    }
    for row in program.rows:
        operands = [tensors[v] for v in row.inputs]
        with builder.at(row.path):
            made = visit(builder, row, operands)
            if made is None:
                made = builder.emit(row.op, operands, **dict(row.attrs))
        tensors.update(zip(row.outputs, made, strict=True))
    outputs = {name: tensors[value] for name, value in program.outputs}
    updates = [(u, tensors[u.value]) for u in program.updates]
    return builder.finish(program.name, outputs, updates, program.batch)
