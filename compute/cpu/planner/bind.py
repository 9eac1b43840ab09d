"""The tape: steps with addresses, as the interpreter reads them, checked word by word.

Binding is repeated whenever memory moves; every binding is verified: each byte range a kernel says
it touches must lie in what the planner declared, and that inside its slot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

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
from compute.cpu.templates import float_bits

Base = Mapping[str, int]  # segment -> address of its first byte


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


class _Binder:
    def __init__(
        self, planned: Planned, base: Base, item: int, function: Callable[[str], int]
    ) -> None:
        self.planned, self.base, self.item, self.function = planned, base, item, function
        steps = planned.steps()
        groups = sum(len(region.groups) for region in planned.regions)
        count = len(steps) + groups + len(planned.regions)
        self.tape = Tape(_zeros(count * tape.ROW_WORDS), _zeros(_side_words(steps, groups)))
        self.tape.words = self.tape.words.reshape(count, tape.ROW_WORDS)
        self.row = 0
        self.used = _COUNTER * groups

    def run(self) -> Tape:
        counter = 0
        for number, region in enumerate(self.planned.regions):
            if region.guard:
                assert self.planned.loss is not None
                view = self.planned.loss
                self._control(tape.Control.BREAK_IF_NOT_FINITE)
                address = self.address(view.buffer, view.offset)
                self.tape.words[self.row - 1, tape.BREAK_ADDRESS] = address
            elif number:
                self._control(tape.Control.BARRIER)
            for group in region.groups:
                self._group(group, counter)
                counter += 1
        self.tape.words = self.tape.words[: self.row]
        return self.tape

    def _control(self, kind: tape.Control) -> None:
        self.tape.words[self.row, tape.CONTROL] = kind
        self.row += 1

    def address(self, buffer: Buffer, offset: int) -> int:
        """Of a byte of a placed buffer."""
        assert buffer.offset >= 0, f"buffer {buffer.name!r} was not placed"
        return self.base[buffer.segment] + buffer.offset + offset

    def _group(self, group: Group, counter: int) -> None:
        head = self.tape.words[self.row]
        self._control(tape.Control.GROUP)
        chunks = {self._step(step, group) for step in group.steps}
        if len(chunks) != 1:
            names = ", ".join(step.kernel for step in group.steps)
            raise PlanError(f"a group of {names} has {sorted(chunks)} chunks, expected one number")
        head[tape.GROUP_SIZE], head[tape.GROUP_CHUNKS] = len(group.steps), chunks.pop()
        head[tape.GROUP_COUNTER] = self.tape.side.ctypes.data + 8 * _COUNTER * counter

    def _step(self, step: Step, group: Group) -> int:
        """Write the row of a step; returns its number of chunks."""
        spec = SPECS[step.kernel]
        size = group.size * step.unit if step.samples else step.prefer
        words: dict[str, float] = {"size": max(1, size)} if "size" in spec.words else {}
        for name, word in step.words.items():
            if isinstance(word, Address):
                words[name] = self.address(word.buffer, word.offset)
            else:
                words[name] = word
        if step.operands:
            words |= self._chain(step)
        packed = spec.pack(**words)
        row = self.tape.words[self.row]
        row[tape.CONTROL], row[tape.FUNCTION] = tape.Control.KERNEL, self.function(step.kernel)
        row[tape.ARGUMENTS : tape.ARGUMENTS + len(packed)] = packed
        self.tape.rows[step] = self.row
        self.row += 1
        self._verify(step, packed)
        return spec.chunks(packed)

    def _chain(self, step: Step) -> dict[str, float]:
        """Operand table and program of an elementwise step, behind one another in `side`."""
        words = [w for operand in step.operands for w in self._operand(operand)]
        operands = self._append(words)
        program = []
        for made in step.program:
            sources = [*made.sources, 0, 0, 0, 0][: INSTRUCTION_WORDS - 2]
            program += [OPCODES[made.op].code, made.target, *sources]
        return {
            "operands": operands,
            "program": self._append(program),
            "steps": self.planned.tables.steps,
        }

    def _append(self, words: list[int]) -> int:
        start = self.used
        self.tape.side[start : start + len(words)] = words
        self.used += len(words)
        return int(self.tape.side.ctypes.data) + 8 * start

    def _operand(self, operand: Operand) -> list[int]:
        tail = [operand.mode, operand.flags, *operand.strides, 0]
        place = operand.place
        if isinstance(place, Address):
            return [self.address(place.buffer, place.offset), *tail]
        if isinstance(place, Lane):
            host, numbers = self.planned.host, self.planned.tables.numbers
            address = self.address(numbers, 8 * host.column(place))
            return [address, Mode.TABLE, operand.flags, 8 * host.width, 0, 0]
        return [float_bits(place), *tail]

    def _verify(self, step: Step, packed: list[int]) -> None:
        """Every byte the kernel names lies in a declared touch, a table, or the side words."""
        allowed = []
        for touch in step.touches:
            if touch.low < 0 or touch.high > touch.buffer.size:
                raise PlanError(f"{step.kernel} of {step.path!r} reaches outside its slot")
            start = self.address(touch.buffer, 0)
            allowed.append((start + touch.low, start + touch.high, touch.write))
        side = int(self.tape.side.ctypes.data)
        allowed.append((side, side + self.tape.side.nbytes, False))
        for table in self.planned.tables.buffers():
            start = self.address(table, 0)
            allowed.append((start, start + table.size, True))
        for access in SPECS[step.kernel].extents(packed, self.item):
            low, high = access.address + access.low, access.address + access.high
            if not any(a <= low and high <= b and (w or not access.write) for a, b, w in allowed):
                raise PlanError(
                    f"{step.kernel} of {step.path!r}: operand {access.name} reaches"
                    f" {high - low} bytes outside what the step declares"
                )


_COUNTER = tape.CACHE_LINE // tape.WORD


def _side_words(steps: list[Step], groups: int) -> int:
    words = _COUNTER * groups
    for step in steps:
        words += len(step.operands) * OPERAND_WORDS + len(step.program) * INSTRUCTION_WORDS
    return words


def _zeros(words: int) -> Array:
    """int64 zeros from a cache line on."""
    raw = np.zeros(words + _COUNTER, np.int64)
    skip = -raw.ctypes.data // 8 % _COUNTER
    return raw[skip : skip + words]


def bind(planned: Planned, base: Base, item: int, function: Callable[[str], int]) -> Tape:
    """The tape of a planned program in memory at `base`; `function` gives kernels' addresses.

    Raises PlanError when a step would leave its slots.
    """
    return _Binder(planned, base, item, function).run()
