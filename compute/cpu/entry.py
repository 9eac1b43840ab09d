"""One entry point bound to memory: its tape, its tables, and a native call at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from time import perf_counter

import numpy as np

from compute.backend import Array, PlanStep
from compute.cpu import tape, threads
from compute.cpu.kernels import SPECS
from compute.cpu.loader import Library
from compute.cpu.planner.bind import Base, Tape, bind
from compute.cpu.planner.program import Planned
from compute.cpu.planner.steps import Step

SMALL_FLOPS = 1 << 21  # operations of a step below which threads cost more than they bring
SMALL_BYTES = 1 << 21


class Bound:
    """A planned program and, after `bind`, what runs it."""

    def __init__(self, planned: Planned) -> None:
        self.planned = planned
        self.generation = -1
        self.threads = 1
        steps = planned.steps()
        work = sum(step.flops for step in steps)
        traffic = sum(step.bytes() for step in steps)
        self.small = work < SMALL_FLOPS and traffic < SMALL_BYTES
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
        self._attached.clear()
        self._profiled = (0, 0.0)

    def _table(self, offset: int, dtype: type, shape: tuple[int, ...]) -> Array:
        size = prod(shape) * 8
        return self._tables[offset : offset + size].view(dtype).reshape(shape)

    # ---- before a call

    def attach(self, data: Mapping[str, Array], dtype: type) -> None:
        """Point the gather steps to the data sets; ValueError when one does not fit."""
        for key, step in self.planned.gathers.items():
            if key not in data:
                raise ValueError(f"found no data for {key!r}, expected an array of samples")
            array = data[key]
            if self._attached.get(key) is not array:
                self._attach(key, step, array, dtype)
                self._attached[key] = array

    def _attach(self, key: str, step: Step, array: Array, dtype: type) -> None:
        spec = SPECS["gather_batch"]
        row = self.tape.words[self.tape.rows[step]]
        words = spec.unpack(row[tape.ARGUMENTS :].tolist())
        expected = np.dtype(np.int64 if words.kind == 1 else dtype)
        bytes_each = array.nbytes // max(1, len(array))
        if array.dtype != expected or not array.flags.c_contiguous:
            raise ValueError(f"{key}: found {array.dtype}, expected contiguous {expected}")
        if bytes_each != words.data_sample:
            raise ValueError(
                f"{key}: found samples of shape {array.shape[1:]} ({bytes_each} bytes), expected"
                f" {words.data_sample} bytes each"
            )
        row[tape.ARGUMENTS + spec.words.index("data")] = array.ctypes.data
        row[tape.ARGUMENTS + spec.words.index("samples")] = len(array)

    def load(self, index: Array, scalars: Mapping[str, Array], start: int) -> int:
        """Fill the tables for the steps from `start`; returns how many steps they hold.

        Random rows count on from the first step's number, so a call ends where numbers jump.
        """
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
        return steps

    # ---- a call

    def run(self, steps: int, sync: threads.Sync, count: int, profile: bool) -> threads.Outcome:
        """One native call of `steps` steps on `count` threads."""
        start = perf_counter()
        outcome = threads.run(
            self._library, self.tape.address, self.tape.length, 0, steps, count, sync, profile
        )
        if profile:
            done, seconds = self._profiled
            self._profiled = (done + outcome.steps, seconds + perf_counter() - start)
        return outcome

    def recorded(self, steps: int) -> Array:
        """The scalar outputs of the last call, steps × scalars."""
        return self._ring[:steps].copy()

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
