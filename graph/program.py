"""The device-neutral program: typed values and the rows that compute them.

A `Program` is what a graph means for one entry point (train, evaluate, predict) and one batch
size. It is in static single assignment form: every value has one type and one defining row or
input. Passes are functions `Program -> Program`; nothing here is ever changed in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Shape = tuple[int, ...]
# real: the plan's precision (float32 or float64); int: labels and indices, int64; scalar: one
# number known to the host before the step runs, always computed in double precision.
DType = Literal["real", "int", "scalar"]
InputKind = Literal["batch", "param", "state", "slot", "live", "iteration"]


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape (batch axis included) and element kind of a value."""

    shape: Shape
    dtype: DType = "real"

    @property
    def size(self) -> int:
        """Number of elements."""
        count = 1
        for extent in self.shape:
            count *= extent
        return count

    def __str__(self) -> str:
        return f"{self.dtype}[{'×'.join(map(str, self.shape))}]"


Attr = Any  # hashable: numbers, strings, tuples of them, frozen dataclasses, Program
Attrs = Mapping[str, Attr]


class Row(NamedTuple):
    """One operation: `outputs = op(inputs, **attrs)`; `path` names the node it came from."""

    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attrs: tuple[tuple[str, Attr], ...] = ()
    path: str = ""

    def attr(self, name: str) -> Attr:
        """The attribute `name`; raises KeyError when the row has none."""
        return dict(self.attrs)[name]


class Input(NamedTuple):
    """A value that comes from outside.

    kind `batch`: one batch of the data array `key`; `param`, `state`, `slot`: persistent arrays
    (weights, running values, optimizer moments) named by their ParamKey; `live`: a setting that
    may change while training; `iteration`: `step` (number of the training step, from 1), `epoch`
    (how many are finished) or `steps` (of the whole run).
    """

    kind: InputKind
    key: str
    value: int


PersistentKind = Literal["param", "state", "slot"]


class Update(NamedTuple):
    """After the step the persistent array `key` of `kind` holds `value`."""

    kind: PersistentKind
    key: str
    value: int


@dataclass(frozen=True)
class Program:
    """Rows in execution order, with named inputs, outputs and updates of persistent arrays."""

    name: str
    types: tuple[TensorType, ...]
    inputs: tuple[Input, ...]
    rows: tuple[Row, ...]
    outputs: tuple[tuple[str, int], ...]
    updates: tuple[Update, ...] = ()
    batch: int = 0
    _hash: int = field(default=0, compare=False, repr=False)

    def __hash__(self) -> int:
        if not self._hash:
            value = hash((self.name, self.types, self.inputs, self.rows, self.outputs)) or 1
            object.__setattr__(self, "_hash", value)
        return self._hash

    def output(self, name: str) -> int:
        """The value behind the output `name`; raises KeyError when there is none."""
        return dict(self.outputs)[name]

    def define(self) -> dict[int, Row]:
        """Which row defines each computed value."""
        return {value: row for row in self.rows for value in row.outputs}

    def users(self) -> dict[int, list[Row]]:
        """Rows that read each value, in order."""
        found: dict[int, list[Row]] = {}
        for row in self.rows:
            for value in dict.fromkeys(row.inputs):
                found.setdefault(value, []).append(row)
        return found

    def live_out(self) -> set[int]:
        """Values that must exist when the step ends: outputs and updates."""
        return {v for _, v in self.outputs} | {u.value for u in self.updates}

    def lines(self) -> Iterator[str]:
        """The program as text, a line for each input, row, output and update."""
        yield f"program {self.name} (batch {self.batch})"
        for given in self.inputs:
            yield f"  %{given.value} = {given.kind} {given.key}: {self.types[given.value]}"
        for row in self.rows:
            left = ", ".join(f"%{v}" for v in row.outputs)
            args = ", ".join(f"%{v}" for v in row.inputs)
            attrs = "".join(f" {k}={_short(v)}" for k, v in row.attrs)
            kinds = ", ".join(str(self.types[v]) for v in row.outputs)
            yield f"  {left} = {row.op}({args}){attrs}: {kinds}  # {row.path}"
        for name, value in self.outputs:
            yield f"  output {name} = %{value}"
        for update in self.updates:
            yield f"  {update.kind} {update.key} := %{update.value}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _short(attr: Attr) -> str:
    return f"<{attr.name}>" if isinstance(attr, Program) else repr(attr)


class ShapeError(ValueError):
    """A row refuses its operands. The message says what was found, expected, and what to do.

    `operand` is the index of the offending operand, `adapter` the node type that would mend it.
    """

    def __init__(
        self, found: str, expected: str, remedy: str = "", operand: int = 0, adapter: str = ""
    ) -> None:
        self.found, self.expected, self.remedy = found, expected, remedy
        self.operand, self.adapter = operand, adapter
        text = f"found {found}, expected {expected}"
        super().__init__(f"{text}; {remedy}" if remedy else text)
