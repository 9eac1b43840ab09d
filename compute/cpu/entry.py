"""One entry point bound to memory: its tape, its tables, and a native call at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ctypes import addressof, c_char
from math import prod
from time import perf_counter
from typing import Any

import numpy as np

from compute.backend import Array, PlanStep
from compute.cpu import tape
from compute.cpu.kernels import SPECS
from compute.cpu.loader import Library
from compute.cpu.planner.bind import Tape
from compute.cpu.planner.program import Planned
from compute.cpu.planner.rebind import bind
from compute.cpu.planner.steps import Step
from compute.cpu.planner.views import Buffer
from compute.cpu.threads import Call, Outcome, Sync
from graph.program import Shape

SMALL_FLOPS = 1 << 21  # operations of a step below which threads cost more than they bring
SMALL_BYTES = 1 << 21
CALL_FLOPS = 1 << 24  # of all steps of a call, below which waking the others costs more
CALL_BYTES = 1 << 23
NEAR_FLOPS = 1 << 21  # of a step, for each thread that is awake to be worth it
NEAR_BYTES = 1 << 20
_LONG = np.dtype(np.int64)
_GATHER = SPECS["gather_batch"]
_DATA, _SAMPLES = (tape.ARGUMENTS + _GATHER.words.index(name) for name in ("data", "samples"))


class Bound:
    """A planned program and, after `bind`, what runs it."""

    def __init__(self, planned: Planned) -> None:
        self.planned = planned
        self.generation = -1
        self.threads = 1
        """Threads of a call that is long enough to be worth waking them for."""
        # where outputs lie, and their shapes where these are others
        self.results: dict[str, tuple[Array, Shape | None]] = {}
        self._work, self._traffic = planned.work
        self.small = self._work < SMALL_FLOPS and self._traffic < SMALL_BYTES
        self._worthy = max(1, self._work // NEAR_FLOPS, self._traffic // NEAR_BYTES)
        # kept here, so that the memory the tape points to stays
        self._attached: dict[str, Array] = {}
        self._profiled = (0, 0.0)

    def bind(self, starts: dict[Buffer, int], item: int, library: Library) -> None:
        """Make the tape; PlanError when a step would leave its slots.

        `starts`: where its buffers lie, the tables aside.
        """
        tables = self.planned.tables
        places, offset = dict[Buffer, int](), 0
        for buffer in tables.buffers():
            places[buffer] = offset
            offset += -(-buffer.size // 64) * 64
        self._tables = np.zeros(offset + 64, np.uint8)
        start = -self._tables.ctypes.data % 64
        self._tables = self._tables[start : start + offset]
        first = int(self._tables.ctypes.data)
        starts |= {buffer: first + place for buffer, place in places.items()}
        self.tape: Tape = bind(self.planned, starts, item, library.address)
        self._index = self._table(places[tables.index], np.int64, (tables.steps, tables.batch))
        width = self.planned.host.width
        self._numbers = self._table(places[tables.numbers], np.float64, (tables.steps, width))
        self._ring = self._table(places[tables.ring], np.float64, (tables.steps, tables.ring_width))
        self._base = self._table(places[tables.base], np.int64, (1,))
        self._columns = [self._ring[:, k] for k in range(len(self.planned.scalars))]
        self._firsts = [(n, self._ring[:1, k]) for k, n in enumerate(self.planned.scalars)]
        self._row, self._lone = self._index[:1], self._numbers[:1]
        self._words = self.tape.words.reshape(-1).data
        self._call = Call(library, self.tape.address, self.tape.length)
        self._given: bytes | None = None
        self._reads = width > 0
        self._attached.clear()
        self._places = {key: self._place(step) for key, step in self.planned.gathers.items()}
        self._profiled = (0, 0.0)

    def _table(self, offset: int, dtype: type, shape: tuple[int, ...]) -> Array:
        size = prod(shape) * 8
        return self._tables[offset : offset + size].view(dtype).reshape(shape)

    # ---- before a call

    def attach(self, data: Mapping[str, Array], dtype: np.dtype[Any]) -> None:
        """Point the gather steps to the data sets; ValueError when one does not fit."""
        attached = self._attached
        for key in self._places:
            array = data.get(key)
            if array is None:
                raise ValueError(f"found no data for {key!r}, expected an array of samples")
            if array is not attached.get(key):
                self._attach(key, array, dtype)
                attached[key] = array

    def _attach(self, key: str, array: Array, dtype: np.dtype[Any]) -> None:
        at, sample, whole = self._places[key]
        count, expected = len(array), _LONG if whole else dtype
        if array.dtype != expected or array.nbytes != count * sample:
            raise _unfit(key, array, expected, sample)
        try:
            start = addressof(c_char.from_buffer(array))  # type: ignore[arg-type]
        except (TypeError, ValueError):  # not contiguous, read only or empty
            if not array.flags.c_contiguous:
                raise _unfit(key, array, expected, sample) from None
            start = int(array.__array_interface__["data"][0])
        self._words[at + _DATA], self._words[at + _SAMPLES] = start, count

    def _place(self, step: Step) -> tuple[int, int, bool]:
        """(word of the tape where its row begins, bytes of a sample, whether they are whole
        numbers) of a gather step.
        """
        row = self.tape.rows[step]
        words = _GATHER.unpack(self.tape.words[row, tape.ARGUMENTS :].tolist())
        return row * tape.ROW_WORDS, words.data_sample, words.kind == 1

    def load(self, index: Array, scalars: Mapping[str, Array], start: int) -> int:
        """Fill the tables for the steps from `start`; returns how many steps they hold.

        Random rows count on from the first step's number, so a call ends where numbers jump.
        """
        if len(index) == 1:
            self.load_one(index, scalars)
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

    def load_one(self, index: Array, scalars: Mapping[str, Array]) -> None:
        """Fill the tables for a call of one step; numbers that follow from those of the call before
        stay.
        """
        numbers = scalars.get("iteration:step")
        if numbers is not None:
            self._base[0] = numbers[0]
        self._row[...] = index
        if self._reads:
            host = self.planned.host
            given = host.read_by(scalars)
            if given != self._given:
                host.fill(self._lone, scalars, 0)
                self._given = given

    # ---- a call

    def short(self, steps: int) -> bool:
        """Whether a call of so many steps is over before threads that sleep would be awake."""
        return steps * self._work < CALL_FLOPS and steps * self._traffic < CALL_BYTES

    def run(self, steps: int, sync: Sync, profile: bool = False) -> Outcome:
        """One native call of `steps` steps; on one thread to profile them.

        One that is not worth waking anybody for has the threads that are awake.
        """
        if profile:
            start = perf_counter()
            outcome = self._call.run(0, steps, 1, sync, True)
            done, seconds = self._profiled
            self._profiled = (done + outcome.steps, seconds + perf_counter() - start)
            return outcome
        if not self.short(steps):
            return self._call.run(0, steps, self.threads, sync)
        count = self.threads if self.threads < self._worthy else self._worthy
        return self._call.run_short(steps, count, sync)

    def recorded(self, steps: int, dtype: np.dtype[Any]) -> list[Array]:
        """The scalar outputs of the last call, an array of `steps` numbers each."""
        return [column[:steps].astype(dtype) for column in self._columns]

    def recorded_once(self, dtype: np.dtype[Any]) -> dict[str, Array]:
        """The same by name for a call of one step."""
        found = {}
        for name, place in self._firsts:
            found[name] = place.astype(dtype)
        return found

    def arrays(self) -> dict[str, Array]:
        """Copies of the outputs that are no scalars, as the last step left them."""
        found = {}
        for name, (place, shape) in self.results.items():
            found[name] = place.copy() if shape is None else place.copy().reshape(shape)
        return found

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


def _unfit(key: str, array: Array, expected: np.dtype[Any], sample: int) -> ValueError:
    """What is wrong with data whose samples should have so many bytes."""
    if array.dtype != expected or not array.flags.c_contiguous:
        return ValueError(f"{key}: found {array.dtype}, expected contiguous {expected}")
    found = array.nbytes // max(1, len(array))
    return ValueError(
        f"{key}: found samples of shape {array.shape[1:]} ({found} bytes), expected {sample} bytes"
        " each"
    )
