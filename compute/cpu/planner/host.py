"""Numbers the host knows before a step runs: learning rates, schedules, constants.

Scalar rows are evaluated by the reference's own functions in float64, for all steps of a call at
once, into a table with a row for each step. Device steps read a column of it, or the constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from struct import Struct

import numpy as np

from compute.backend import Array
from compute.reference import ELEMENTWISE


@dataclass(frozen=True, slots=True)
class Lane:
    """A number that may change from step to step: entry `index` of the host program."""

    index: int


Number = float | Lane


@dataclass
class HostProgram:
    """Scalar rows in order, and the lanes that the device reads (columns of the table)."""

    _rows: list[tuple[str, tuple[Number, ...]]] = field(default_factory=list)
    _known: dict[tuple[str, tuple[Number, ...]], Number] = field(default_factory=dict)
    _columns: dict[int, int] = field(default_factory=dict)
    _given: list[str] = field(default_factory=list)

    def given(self, name: str) -> Number:
        """The lane of a scalar that the caller passes (`live:KEY`, `iteration:NAME`)."""
        if name not in self._given:
            self._given.append(name)
        return self._lane("given:" + name, ())

    def apply(self, op: str, operands: Sequence[Number]) -> Number:
        """`op` of host numbers, computed now when all are constants."""
        numbers = [x for x in operands if not isinstance(x, Lane)]
        if len(numbers) == len(operands):
            with np.errstate(all="ignore"):
                return float(ELEMENTWISE[op](*map(np.float64, numbers)))
        return self._lane(op, tuple(operands))

    def _lane(self, op: str, operands: tuple[Number, ...]) -> Number:
        key = (op, operands)
        if key not in self._known:
            self._known[key] = Lane(len(self._rows))
            self._rows.append(key)
        return self._known[key]

    def copy(self) -> HostProgram:
        """The same, to which more can be added."""
        return HostProgram(self._rows[:], {**self._known}, {**self._columns}, self._given[:])

    def column(self, lane: Lane) -> int:
        """Number of the table column that holds `lane`; claims one on first use."""
        return self._columns.setdefault(lane.index, len(self._columns))

    @property
    def width(self) -> int:
        """Columns of the table."""
        return len(self._columns)

    def read_by(self, scalars: Mapping[str, Array]) -> bytes:
        """The bits of all scalars of one step that the program reads, of which its row follows.

        Raises ValueError when one is missing.
        """
        if not self._columns:
            return b""
        try:
            return _struct(len(self._given)).pack(*[scalars[name][0] for name in self._given])
        except KeyError as missing:
            raise _no_scalar(missing.args[0]) from None

    def fill(self, table: Array, scalars: Mapping[str, Array], start: int) -> None:
        """Compute `table[step, column]` for the steps from `start` of a call's scalars.

        Raises ValueError when a scalar that the program reads is missing.
        """
        if not self._columns:
            return
        steps = table.shape[0]
        lanes: list[Array] = []
        with np.errstate(all="ignore"):
            for op, operands in self._rows:
                if op.startswith("given:"):
                    name = op[len("given:") :]
                    if name not in scalars:
                        raise _no_scalar(name)
                    lanes.append(np.asarray(scalars[name], np.float64)[start : start + steps])
                else:
                    arrays = [lanes[x.index] if isinstance(x, Lane) else x for x in operands]
                    lanes.append(np.asarray(ELEMENTWISE[op](*arrays), np.float64))
        for lane, column in self._columns.items():
            table[:, column] = lanes[lane]


@cache
def _struct(numbers: int) -> Struct:
    return Struct(f"{numbers}d")


def _no_scalar(name: str) -> ValueError:
    return ValueError(f"found no scalar {name!r}, expected one number a step")
