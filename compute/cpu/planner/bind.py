"""The tape: steps with addresses, as the interpreter reads them, checked word by word.

Binding is repeated whenever memory moves. Every row is verified when it is made: each byte range
a kernel says it touches must lie in what the planner declared, and that inside its slot. A row of a
step that was bound before is taken over: wherever its buffers lie now, it touches as much of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from compute.backend import Array
from compute.cpu import tape
from compute.cpu.kernels import SPECS
from compute.cpu.kernels.elementwise import Mode
from compute.cpu.kernels.opcodes import OPCODES
from compute.cpu.kernels.program import INSTRUCTION_WORDS, OPERAND_WORDS
from compute.cpu.planner.emitter import PlanError
from compute.cpu.planner.host import Lane
from compute.cpu.planner.program import Planned
from compute.cpu.planner.schedule import Group
from compute.cpu.planner.steps import Address, Operand, Step
from compute.cpu.planner.views import Buffer
from compute.cpu.templates import Access, float_bits

Starts = Mapping[Buffer, int]  # the address where each buffer begins


@dataclass(eq=False)
class Tape:
    """Rows for the interpreter, the tables they point to, and the row of every step."""

    words: Array
    side: Array
    rows: dict[Step, int] = field(default_factory=dict)

    @cached_property
    def address(self) -> int:
        return int(self.words.ctypes.data)

    @property
    def length(self) -> int:
        """Number of rows."""
        return int(self.words.shape[0])


_Words = tuple[float | None, ...]  # of a kernel's row; None: an address
_Range = tuple[int, int, bool]  # addresses, and whether they may be written
_APART = 1 << 48  # bytes, more than any operand covers
SIDE = Buffer(0, "table", "side words")


@dataclass(frozen=True, slots=True)
class _Call:
    """What kernel rows that differ in addresses only have in common.

    `places`: the words of a row that are addresses. `accesses`: of what is touched the name, the
    number of the address, the bytes from there on, and whether they are written.
    """

    row: Array
    places: list[int]
    chunks: int
    accesses: list[tuple[str, int, int, int, bool]]


class Mark(NamedTuple):
    """The row of a step; its side words and addresses, from the one to the other; its chunks."""

    row: int
    used: int
    used_end: int
    links: int
    links_end: int
    chunks: int


class Binder:
    """Writes the rows of a plan, each where it stands."""

    def __init__(
        self, planned: Planned, starts: Starts, item: int, function: Callable[[str], int]
    ) -> None:
        self.planned, self.starts, self.item, self.function = planned, starts, item, function
        self.calls: dict[tuple[str, _Words], _Call] = {}
        # words of all that are addresses, and of what
        self.at: list[int] = []
        self.places: list[Address] = []
        self.guards: list[int] = []  # those of the loss, by number
        self.marks: list[Mark] = []  # of every step

    def begin(self) -> None:
        """Room for all rows and side words."""
        steps = self.planned.steps()
        groups = sum(len(region.groups) for region in self.planned.regions)
        count = len(steps) + groups + len(self.planned.regions)
        size, used = count * tape.ROW_WORDS, _COUNTER * groups
        self.have(zeros(size + used + sum(map(side_words, steps))), count)
        self.row, self.used = 0, used

    def have(self, whole: Array, rows: int) -> None:
        """Write to these words: so many rows, and side words behind them."""
        self.whole, size = whole, rows * tape.ROW_WORDS
        self.first = size  # of the side words
        self.tape = Tape(whole[:size].reshape(rows, tape.ROW_WORDS), whole[size:])
        self.side = int(self.tape.side.ctypes.data)
        self.starts = {**self.starts, SIDE: self.side}

    def run(self) -> Tape:
        self.begin()
        counter = 0
        for number, region in enumerate(self.planned.regions):
            if region.guard:
                assert self.planned.loss is not None
                view = self.planned.loss
                self._control(tape.Control.BREAK_IF_NOT_FINITE)
                self.guards.append(len(self.places))
                self._link(tape.BREAK_ADDRESS, Address(view.buffer, view.offset))
            elif number:
                self._control(tape.Control.BARRIER)
            for group in region.groups:
                self._group(group, counter)
                counter += 1
        self.tape.words = self.tape.words[: self.row]
        return self.settle(np.array(self.at, np.int64), self.places)

    def settle(self, at: Array, places: Sequence[Address]) -> Tape:
        """Write all addresses."""
        starts = self.starts
        self.whole[at] = [starts[buffer] + offset for buffer, offset in places]
        return self.tape

    def _link(self, word: int, place: Address) -> None:
        """A word of the last row is an address."""
        self.at.append((self.row - 1) * tape.ROW_WORDS + word)
        self.places.append(place)

    def _control(self, kind: tape.Control) -> None:
        self.tape.words[self.row, tape.CONTROL] = kind
        self.row += 1

    def address(self, buffer: Buffer, offset: int) -> int:
        """Of a byte of a placed buffer."""
        return self.starts[buffer] + offset

    def _group(self, group: Group, counter: int) -> None:
        head = self.tape.words[self.row]
        self._control(tape.Control.GROUP)
        self._link(tape.GROUP_COUNTER, Address(SIDE, 8 * _COUNTER * counter))
        chunks = self.rows_of(group)
        head[tape.GROUP_SIZE], head[tape.GROUP_CHUNKS] = len(group.steps), common(group, chunks)

    def rows_of(self, group: Group) -> list[int]:
        """Write the rows of its steps; returns their numbers of chunks."""
        return [self.marked(step, group) for step in group.steps]

    def marked(self, step: Step, group: Group) -> int:
        """Write the row of a step, and note where it stands."""
        row, used, links = self.row, self.used, len(self.at)
        chunks = self.step(step, group)
        self.marks.append(Mark(row, used, self.used, links, len(self.at), chunks))
        return chunks

    def step(self, step: Step, group: Group) -> int:
        """Write the row of a step where it stands now; returns its number of chunks."""
        size = max(1, group.size * step.unit if step.samples else step.prefer)
        row = self.tape.words[self.row]
        self.tape.rows[step] = self.row
        self.row += 1
        if step.operands:
            return self._elementwise(step, size, row)
        packed, places = _packed(step, size)
        call = self.calls.get((step.kernel, packed))
        if call is None:
            call = self._call(step.kernel, packed)
            self.calls[step.kernel, packed] = call
        row[:] = call.row
        first = (self.row - 1) * tape.ROW_WORDS
        self.at += [first + at for at in call.places]
        self.places += places
        self._check(step, call, places)
        return call.chunks

    def _elementwise(self, step: Step, size: int, row: Array) -> int:
        """The same for a step whose operands stand in a table."""
        spec = SPECS[step.kernel]
        packed = spec.pack(size=size, **step.words, **self._chain(step))  # type: ignore[arg-type]
        row[:] = 0
        row[tape.CONTROL], row[tape.FUNCTION] = tape.Control.KERNEL, self.function(step.kernel)
        row[tape.ARGUMENTS : tape.ARGUMENTS + len(packed)] = packed
        self._bounds(step)
        allowed = self._allowed(step)
        for access in spec.extents(packed, self.item):
            self._verify(step, access, allowed)
        return spec.chunks(packed)

    def _call(self, kernel: str, packed: _Words) -> _Call:
        """What rows of these words have in common, wherever their operands lie."""
        spec, made = SPECS[kernel], np.zeros(tape.ROW_WORDS, np.int64)
        places = [k for k, word in enumerate(packed) if word is None]
        apart = [0 if word is None else int(word) for word in packed]
        made[tape.CONTROL], made[tape.FUNCTION] = tape.Control.KERNEL, self.function(kernel)
        made[tape.ARGUMENTS : tape.ARGUMENTS + len(packed)] = apart
        for number, k in enumerate(places):
            apart[k] = number * _APART + _APART // 2  # so that an access tells its operand
        accesses = []
        for access in spec.extents(apart, self.item):
            number, start = divmod(access.address, _APART)
            start -= _APART // 2
            span = (start + access.low, start + access.high)
            accesses.append((access.name, number, *span, access.write))
        at = [tape.ARGUMENTS + k for k in places]
        return _Call(made, at, spec.chunks(apart), accesses)

    def _chain(self, step: Step) -> dict[str, float]:
        """Operand table and program of an elementwise step, behind one another in `side`."""
        words: list[int] = []
        for operand in step.operands:
            if isinstance(operand.place, Address | Lane):
                self.at.append(self.first + self.used + len(words))
                self.places.append(self._place(operand.place))
            words += self._operand(operand)
        operands = self._append(step, "operands", words)
        program = []
        for made in step.program:
            sources = [*made.sources, 0, 0, 0, 0][: INSTRUCTION_WORDS - 2]
            program += [OPCODES[made.op].code, made.target, *sources]
        return {
            "operands": operands,
            "program": self._append(step, "program", program),
            "steps": self.planned.tables.steps,
        }

    def _append(self, step: Step, name: str, words: list[int]) -> int:
        start = self.used
        self._link(tape.ARGUMENTS + SPECS[step.kernel].words.index(name), Address(SIDE, 8 * start))
        self.tape.side[start : start + len(words)] = words
        self.used += len(words)
        return self.side + 8 * start

    def _operand(self, operand: Operand) -> list[int]:
        tail = [operand.mode, operand.flags, *operand.strides, 0]
        place = operand.place
        if isinstance(place, Address):
            return [self.address(*place), *tail]
        if isinstance(place, Lane):
            address, width = self.address(*self._place(place)), self.planned.host.width
            return [address, Mode.TABLE, operand.flags, 8 * width, 0, 0]
        return [float_bits(place), *tail]

    def _place(self, place: Address | Lane) -> Address:
        if isinstance(place, Address):
            return place
        return Address(self.planned.tables.numbers, 8 * self.planned.host.column(place))

    def _bounds(self, step: Step) -> None:
        """Every touch of a step lies in its buffer."""
        for touch in step.touches:
            if touch.low < 0 or touch.high > touch.buffer.size:
                raise PlanError(f"{step.kernel} of {step.path!r} reaches outside its slot")

    def _check(self, step: Step, call: _Call, places: Sequence[Address]) -> None:
        """Every byte the kernel names lies in a declared touch or a table."""
        self._bounds(step)
        for name, number, low, high, write in call.accesses:
            place = places[number]
            buffer, low, high = place.buffer, place.offset + low, place.offset + high
            for touch in step.touches:
                inside = touch.buffer is buffer and touch.low <= low and high <= touch.high
                if inside and (touch.write or not write):
                    break
            else:  # in a table, or in a touch of what lies beside the buffer
                start = self.address(buffer, 0)
                self._verify(step, Access(name, start, low, high, write), self._allowed(step))

    def _allowed(self, step: Step) -> list[_Range]:
        """Declared touches, the side words and tables."""
        found = [(self.side, self.side + self.tape.side.nbytes, False)]
        for touch in step.touches:
            start = self.address(touch.buffer, 0)
            found.append((start + touch.low, start + touch.high, touch.write))
        for table in self.planned.tables.buffers():
            start = self.address(table, 0)
            found.append((start, start + table.size, True))
        return found

    def _verify(self, step: Step, access: Access, allowed: Sequence[_Range]) -> None:
        """The bytes lie in one of the ranges."""
        low, high = access.address + access.low, access.address + access.high
        if not any(a <= low and high <= b and (w or not access.write) for a, b, w in allowed):
            raise PlanError(
                f"{step.kernel} of {step.path!r}: operand {access.name} reaches"
                f" {high - low} bytes outside what the step declares"
            )


def _packed(step: Step, size: int) -> tuple[_Words, list[Address]]:
    """The words of a kernel's row in order, None where an address goes; and the addresses."""
    spec, given = SPECS[step.kernel], step.words
    if "size" in spec.words:
        given = {"size": size, **given}
    whole = list(map(given.get, spec.words))
    if len(given) != len(whole) or None in whole:
        spec.pack(**dict.fromkeys(given, 0))  # says which are missing or unknown
    if spec.floats:
        for k, name in enumerate(spec.words):
            if name in spec.floats:
                whole[k] = float_bits(given[name])  # type: ignore[arg-type]
    places = [word for word in whole if type(word) is Address]
    words = [None if type(word) is Address else word for word in whole]
    return tuple(words), places  # type: ignore[arg-type]


_COUNTER = tape.CACHE_LINE // tape.WORD


def side_words(step: Step) -> int:
    """How many words a step has beside its row."""
    return len(step.operands) * OPERAND_WORDS + len(step.program) * INSTRUCTION_WORDS


def common(group: Group, chunks: Sequence[int]) -> int:
    """The number of chunks of all steps of a group."""
    if len({*chunks}) != 1:
        names, found = ", ".join(step.kernel for step in group.steps), sorted({*chunks})
        raise PlanError(f"a group of {names} has {found} chunks, expected one number")
    return chunks[0]


def zeros(words: int) -> Array:
    """int64 zeros from a cache line on."""
    raw = np.zeros(words + _COUNTER, np.int64)
    skip = -raw.ctypes.data // 8 % _COUNTER
    return raw[skip : skip + words]
