"""One entry point bound to memory: its tape, its tables, and a native call at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ctypes import addressof, c_char
from math import prod
from time import perf_counter

import numpy as np

from compute.backend import Array, PlanStep
from compute.cpu import tape
from compute.cpu.kernels import SPECS
from compute.cpu.loader import Library
from compute.cpu.planner.bind import Base, Tape, bind
from compute.cpu.planner.program import Planned
from compute.cpu.planner.steps import Step
from compute.cpu.threads import Outcome, Sync
from compute.cpu.threads import run as run_tape
from graph.program import Shape

SMALL_FLOPS = 1 << 21  # operations of a step below which threads cost more than they bring
SMALL_BYTES = 1 << 21
CALL_FLOPS = 1 << 24  # of all steps of a call, below which waking the others costs more
CALL_BYTES = 1 << 23
NEAR_FLOPS = 1 << 21  # of a step, for each thread that is awake to be worth it
NEAR_BYTES = 1 << 20
_GATHER = SPECS["gather_batch"]
_DATA, _SAMPLES = (tape.ARGUMENTS + _GATHER.words.index(name) for name in ("data", "samples"))


class Bound:
    """A planned program and, after `bind`, what runs it."""

    def __init__(self, planned: Planned) -> None:
        self.planned = planned
        self.generation = -1
        self.threads = 1
        """Threads of a call that is long enough to be worth waking them for."""
        self.results: dict[str, tuple[Array, Shape]] = {}  # where outputs lie, and their shapes
        steps = planned.steps()
        self._work = sum(step.flops for step in steps)
        self._traffic = sum(step.bytes() for step in steps)
        self.small = self._work < SMALL_FLOPS and self._traffic < SMALL_BYTES
        self._worthy = max(1, self._work // NEAR_FLOPS, self._traffic // NEAR_BYTES)
        # kept here, so that the memory the tape points to stays
        self._attached: dict[str, Array] = {}
        self._profiled = (0, 0.0)

    def bind(self, base: Base, item: int, library: Library) -> None:
        """Make the tape; PlanError when a step would leave its slots."""
        tables = self.planned.tables
        offset = 0
        for buffer in tables.buffers():
            buffer.offset = offset
            offset += -(-buffer.size // 64) * 64
        self._tables = np.zeros(offset + 64, np.uint8)
        start = -self._tables.ctypes.data % 64
        self._tables = self._tables[start : start + offset]
        self._library, self._item = library, item
        self.tape: Tape = bind(
            self.planned,
            {**base, "table": int(self._tables.ctypes.data)},
            item,
            library.address,
        )
        self._index = self._table(tables.index.offset, np.int64, (tables.steps, tables.batch))
        width = self.planned.host.width
        self._numbers = self._table(tables.numbers.offset, np.float64, (tables.steps, width))
        self._ring = self._table(tables.ring.offset, np.float64, (tables.steps, tables.ring_width))
        self._base = self._table(tables.base.offset, np.int64, (1,))
        self._columns = [self._ring[:, k] for k in range(len(self.planned.scalars))]
        self._given: bytes | None = None
        self._attached.clear()
        self._places = {key: self._place(step) for key, step in self.planned.gathers.items()}
        self._profiled = (0, 0.0)

    def _table(self, offset: int, dtype: type, shape: tuple[int, ...]) -> Array:
        size = prod(shape) * 8
        return self._tables[offset : offset + size].view(dtype).reshape(shape)

    # ---- before a call

    def attach(self, data: Mapping[str, Array], dtype: type) -> None:
        """Point the gather steps to the data sets; ValueError when one does not fit."""
        for key in self._places:
            if key not in data:
                raise ValueError(f"found no data for {key!r}, expected an array of samples")
            array = data[key]
            if self._attached.get(key) is not array:
                self._attach(key, array, dtype)
                self._attached[key] = array

    def _attach(self, key: str, array: Array, dtype: type) -> None:
        row, sample, whole = self._places[key]
        expected = np.int64 if whole else dtype
        bytes_each = array.nbytes // max(1, len(array))
        if array.dtype != expected or not array.flags.c_contiguous:
            kind = np.dtype(expected)
            raise ValueError(f"{key}: found {array.dtype}, expected contiguous {kind}")
        if bytes_each != sample:
            raise ValueError(
                f"{key}: found samples of shape {array.shape[1:]} ({bytes_each} bytes), expected"
                f" {sample} bytes each"
            )
        words = self.tape.words
        words[row, _DATA] = _address(array)
        words[row, _SAMPLES] = len(array)

    def _place(self, step: Step) -> tuple[int, int, bool]:
        """(row in the tape, bytes of a sample, whether they are whole numbers) of a gather step."""
        row = self.tape.rows[step]
        words = _GATHER.unpack(self.tape.words[row, tape.ARGUMENTS :].tolist())
        return row, words.data_sample, words.kind == 1

    def load(self, index: Array, scalars: Mapping[str, Array], start: int) -> int:
        """Fill the tables for the steps from `start`; returns how many steps they hold.

        Random rows count on from the first step's number, so a call ends where numbers jump.
        """
        if len(index) == 1:
            self._load_one(index, scalars)
            return 1
        steps = min(self.planned.tables.steps, len(index) - start)
        numbers = scalars.get("iteration:step")
        if numbers is not None:
            given = np.asarray(numbers[start : start + steps], np.int64)
            if steps > 1:
                jumps = np.flatnonzero(given[1:] - given[:-1] != 1)
                steps = int(jumps[0]) + 1 if len(jumps) else steps
            self._base[0] = given[0]
        self._index[:steps] = index[start : start + steps]
        self.planned.host.fill(self._numbers[:steps], scalars, start)
        self._given = None
        return steps

    def _load_one(self, index: Array, scalars: Mapping[str, Array]) -> None:
        """Fill the tables for a call of one step; numbers that follow from those of the call before
        stay.
        """
        numbers = scalars.get("iteration:step")
        if numbers is not None:
            self._base[0] = numbers[0]
        self._index[0] = index[0]
        given = self.planned.host.read_by(scalars, 0)
        if given != self._given:
            self.planned.host.fill(self._numbers[:1], scalars, 0)
            self._given = given

    # ---- a call

    def short(self, steps: int) -> bool:
        """Whether a call of so many steps is over before threads that sleep would be awake."""
        return steps * self._work < CALL_FLOPS and steps * self._traffic < CALL_BYTES

    def run(self, steps: int, sync: Sync, profile: bool) -> Outcome:
        """One native call of `steps` steps; on one thread to profile them.

        One that is not worth waking anybody for has the threads that are awake.
        """
        at = self._library, self.tape.address, self.tape.length
        if profile:
            start = perf_counter()
            outcome = run_tape(*at, 0, steps, 1, sync, True)
            done, seconds = self._profiled
            self._profiled = (done + outcome.steps, seconds + perf_counter() - start)
            return outcome
        short = self.short(steps)
        count = min(self.threads, self._worthy) if short else self.threads
        return run_tape(*at, 0, steps, count, sync, short=short)

    def recorded(self, steps: int, dtype: type) -> list[Array]:
        """The scalar outputs of the last call, an array of `steps` numbers each."""
        return [column[:steps].astype(dtype) for column in self._columns]

    def table(self, predicted: Sequence[float] = ()) -> list[PlanStep]:
        """The steps in the order of the tape, with seconds a step when profiled."""
        done, seconds = self._profiled
        cycles = sum(int(self.tape.words[r, tape.CYCLES]) for r in self.tape.rows.values())
        each = seconds / cycles / done if cycles and done else None
        lines = []
        for index, step in enumerate(self.planned.steps()):
            spent = int(self.tape.words[self.tape.rows[step], tape.CYCLES])
            lines.append(
                PlanStep(
                    index,
                    step.path,
                    step.kernel,
                    step.shapes,
                    step.bytes(),
                    step.flops,
                    None if each is None else spent * each,
                    predicted[index] if predicted else None,
                    step.again,
                )
            )
        return lines


def _address(array: Array) -> int:
    """Where the data of a contiguous array begins."""
    if array.size and array.flags.writeable:
        return addressof(c_char.from_buffer(array.data))  # the fast way
    return int(array.__array_interface__["data"][0])
