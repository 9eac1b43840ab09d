"""Symbolic tensors: what `build()` of a node type computes with.

Nothing here holds numbers. An operation on `Tensor`s runs the shape rule of its row, appends the
row to the `Builder`'s program and returns the symbolic result. Equal rows are emitted once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

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

if TYPE_CHECKING:
    from graph.primitives.table import Primitive

Number = int | float
R = TypeVar("R")


class Tensor:
    """A value of the program under construction: shape and element kind, no numbers.

    Never changed; written out because a frozen dataclass takes twice as long to make, and every
    edit makes many thousands.
    """

    __slots__ = ("builder", "id")

    def __init__(self, builder: Builder, id: int) -> None:
        self.builder = builder
        self.id = id

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tensor):
            return NotImplemented
        return self.builder is other.builder and self.id == other.id

    def __hash__(self) -> int:
        return hash((self.builder, self.id))

    def __repr__(self) -> str:
        return f"Tensor({self.builder!r}, {self.id})"

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


Key = tuple[str, tuple[int, ...], tuple[tuple[str, Attr], ...]]  # of equal rows


@cache
def table() -> dict[str, Primitive]:
    from graph.primitives.table import PRIMITIVES  # the table's entries emit rows themselves

    return PRIMITIVES


class _At:
    """The path of a builder's rows, until its block ends."""

    __slots__ = ("_before", "_builder", "_path")

    def __init__(self, builder: Builder, path: str) -> None:
        self._builder, self._path = builder, path

    def __enter__(self) -> None:
        self._before, self._builder.path = self._builder.path, self._path

    def __exit__(self, *_: object) -> None:
        self._builder.path = self._before


@dataclass(frozen=True, slots=True)
class Visited:
    """What a visit of a pass appended: rows and inputs from the one number to the other, and the
    number of the next visit; `result` is what it made of them, without the builder.
    """

    row: int
    row_end: int
    input: int
    input_end: int
    after: int
    result: object


Place = tuple[int, int, int]  # a number of rows, of inputs and of visits

_OPEN = Visited(0, 0, 0, 0, 0, None)


class Builder:
    """Collects the rows of a program. One builder makes one program.

    `shared` are the first outputs of rows that were asked for more than once.
    """

    def __init__(self) -> None:
        self.types: list[TensorType] = []
        self.rows: list[Row] = []
        self.inputs: list[Input] = []
        self.row_of: dict[int, Row] = {}
        self._known: dict[Key, Row] = {}
        # values, not tensors: what knows its builder would keep it from being freed
        self._input_of: dict[tuple[InputKind, str], int] = {}
        self.shared: set[int] = set()
        self.visits: list[Visited] = []
        self._notes: dict[Hashable, object] = {}
        self.path = ""

    def copy(self) -> Builder:
        """A builder with the same rows, to which others can be added."""
        other = Builder()
        other.take(self)
        return other

    def take(self, other: Builder) -> None:
        """Have the rows of another builder."""
        self.types, self.rows, self.inputs = other.types[:], other.rows[:], other.inputs[:]
        self.row_of, self._known = other.row_of.copy(), other._known.copy()
        self._input_of = other._input_of.copy()
        self.shared, self.visits = other.shared.copy(), other.visits[:]
        self._notes = other._notes.copy()

    def so_far(self) -> list[Row]:
        """The rows up to now."""
        return self.rows[:]

    @property
    def place(self) -> Place:
        """Behind how many rows, inputs and visits it is."""
        return len(self.rows), len(self.inputs), len(self.visits)

    def note(self, key: Hashable, about: object) -> None:
        """Keep what a pass wants to know of itself after an edit."""
        self._notes[key] = about

    def noted(self, key: Hashable) -> object | None:
        """What was noted in the same pass before an edit; None where this is not one after it."""
        return None

    def once(self, reads: Iterable[int] | None, run: Callable[[], R]) -> R:
        """What `run` makes, which depends on nothing but the values it `reads` and those behind
        them (None: on others, too); it appends rows, and names values by number.
        """
        place, row, given = len(self.visits), len(self.rows), len(self.inputs)
        self.visits.append(_OPEN)
        result = run()
        ends = len(self.rows), given, len(self.inputs), len(self.visits)
        self.visits[place] = Visited(row, *ends, result)
        return result

    def at(self, path: str) -> _At:
        """Inside it emitted rows carry `path` as their node."""
        return _At(self, path)

    def input(self, kind: InputKind, key: str, type: TensorType) -> Tensor:
        """The program input (`kind`, `key`), declared on first use."""
        known = self._input_of.get((kind, key))
        if known is not None:
            if self.types[known] != type:
                raise ValueError(f"input {kind} {key}: found {type}, expected {self.types[known]}")
            return Tensor(self, known)
        tensor = self._new(type)
        self.inputs.append(Input(kind, key, tensor.id))
        self._input_of[kind, key] = tensor.id
        return tensor

    def inputs_of(
        self, kind: InputKind, keys: Sequence[str], types: Sequence[TensorType]
    ) -> list[Tensor]:
        """The same of several inputs of one kind."""
        return [self.input(kind, key, type) for key, type in zip(keys, types, strict=True)]

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
        ids = tuple([t.id for t in inputs])
        key = (op, ids, tuple(sorted(attrs.items())) if len(attrs) > 1 else tuple(attrs.items()))
        row = self._known.get(key)
        if row is None:
            known = self.types
            types = table()[op].infer(tuple([known[v] for v in ids]), attrs)
            first = len(known)
            known += types
            outputs = tuple(range(first, first + len(types)))
            row = Row(op, ids, outputs, key[2], self.path)
            self._append(key, row)
        else:
            self.shared.add(row.outputs[0])
        return tuple([Tensor(self, value) for value in row.outputs])

    def take_inputs(self, inputs: Sequence[Input]) -> dict[int, int]:
        """Declare the inputs of another program whose values are of this one.

        Returns what stands for the values of those that are declared twice.
        """
        twice: dict[int, int] = {}
        for given in inputs:
            first = self._input_of.setdefault((given.kind, given.key), given.value)
            if first == given.value:
                self.inputs.append(given)
            else:
                twice[given.value] = first
        return twice

    def keep(self, row: Row, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Append a row of another program whose values are of this one, on these operands, unless
        an equal one exists; return its outputs: its own where they are of the same types.
        """
        key = (row.op, inputs, row.attrs)
        known = self._known.get(key)
        if known is not None:
            self.shared.add(known.outputs[0])
            return known.outputs
        if inputs != row.inputs:
            given = tuple(self.types[v] for v in inputs)
            types = table()[row.op].infer(given, dict(row.attrs))
            same = all(self.types[v] == t for v, t in zip(row.outputs, types, strict=True))
            outputs = row.outputs if same else tuple(self._new(type).id for type in types)
            row = Row(row.op, inputs, outputs, row.attrs, row.path)
        self._append(key, row)
        return row.outputs

    def _append(self, key: Key, row: Row) -> None:
        self.rows.append(row)
        for value in row.outputs:
            self.row_of[value] = row
        self._known[key] = row

    def inline(self, body: Program, given: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Emit the rows of `body` with its input values replaced by `given`; shapes re-inferred.

        Returns the tensor of every value of `body`.
        """
        tensors = dict(given)
        for row in body.rows:
            with self.at(row.path or self.path):
                results = self.emit(row.op, [tensors[v] for v in row.inputs], **dict(row.attrs))
            tensors.update(zip(row.outputs, results, strict=True))
        return tensors

    def finish(
        self,
        name: str,
        outputs: Mapping[str, Tensor],
        updates: Sequence[Update] = (),
        batch: int = 0,
    ) -> Program:
        """The finished program; rows that nothing needs are dropped by `simplify`, not here."""
        return Program(
            name,
            tuple(self.types),
            tuple(self.inputs),
            tuple(self.rows),
            tuple((key, tensor.id) for key, tensor in outputs.items()),
            tuple(updates),
            batch,
        )
