"""Memory and entries of a plan, for any program: what `CpuPlan` puts a model on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from compute.backend import Array, PlanOptions, PlanStep, StepOutputs
from compute.collection import paused_collection
from compute.cpu import threads, variants
from compute.cpu.entry import Bound
from compute.cpu.loader import Library, ensure
from compute.cpu.memory import PAGE, BudgetError, Segment, check_room, in_pages
from compute.cpu.planner.budget import plan_within
from compute.cpu.planner.edited import plan_program
from compute.cpu.planner.program import Planned
from compute.cpu.planner.storage import Storage
from compute.cpu.planner.views import Buffer, View, packed, window_of
from graph.program import PersistentKind, Program, Shape

DTYPES: dict[str, type[np.floating[Any]]] = {"float32": np.float32, "float64": np.float64}
Key = tuple[str, int, frozenset[str]]
MAX_ENTRIES = 24  # every watch set is an entry of its own


def variant_of(options: PlanOptions) -> variants.Variant:
    """The kernels' vector variant: the widest of this machine unless one is forced."""
    real: variants.Real = "f32" if options.precision == "float32" else "f64"
    if options.vector is None:
        return variants.native(real)
    found = variants.named(options.vector)
    if found.real != real:
        raise ValueError(
            f"found vector {options.vector!r}, expected one of {options.precision}: {real}x…"
        )
    return found


class Engine:
    """Persistent and transient memory, and the entries bound to it.

    Entries share the transient segment: only one runs at a time. It grows when an entry needs more,
    and then the tapes are bound again.
    """

    def __init__(
        self,
        storage: Storage,
        options: PlanOptions,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> None:
        self.storage, self.options = storage, options
        self.dtype = np.dtype(DTYPES[options.precision])
        self.variant = variant_of(options)
        self.threads = storage.threads = options.threads or cores()
        self._progress = progress
        self._entries: dict[Key, Bound] = {}
        self._flat: dict[Buffer, int] = {}  # where the buffers of the persistent segment begin
        self._persistent: Segment | None = None
        self._transient = Segment(0)
        self._generation = 0
        self._last: Bound | None = None
        self.recent: tuple[Key, Bound] | tuple[None, None] = (None, None)
        """The entry that was asked for last: calls of one step often ask for it again."""
        self._sync = threads.Sync()
        self._stopped = False

    # ---- memory

    def allocate(self) -> None:
        """Take the persistent segment; MemoryError when it does not fit."""
        offset = 0
        for buffer in self.storage.buffers():
            self._flat[buffer] = offset
            offset += in_pages(buffer.size)
        check_room(offset, self.options.memory_limit, "the model")
        self._persistent = Segment(offset)

    def _plan(self, program: Program) -> Planned:
        """The plan of a program, within the budget if there is one and it can be."""
        budget, storage, seed = self.options.memory_budget, self.storage, self.options.seed
        fast = self.options.fast_convolution and self.options.precision == "float32"
        winograd = self.threads if fast else 0
        if budget is None:
            return plan_program(program, storage, seed, winograd)
        room = (budget - self._kept()) // PAGE * PAGE
        return plan_within(program, storage, seed, room, winograd)

    def _kept(self) -> int:
        return max(PAGE, sum(in_pages(buffer.size) for buffer in self.storage.buffers()))

    def check_budget(self, batch: int) -> None:
        """Raises BudgetError when what was planned for a batch size takes more than there is."""
        budget, entries = self.options.memory_budget, self._entries.items()
        plans = [b.planned for (_, size, watch), b in entries if size == batch and not watch]
        largest = max(plans, key=lambda planned: planned.transient)
        needed = self._kept() + max(PAGE, in_pages(largest.transient))
        if budget is not None and needed > budget:
            raise BudgetError(needed, budget, f"{largest.name} at batch {largest.batch}")

    @property
    def persistent(self) -> Segment:
        if self._persistent is None:
            raise RuntimeError("the plan is closed")
        return self._persistent

    def _array(self, view: View, segment: memoryview, start: int, dtype: Any) -> Array:
        """A strided window into a segment, in canonical order; its buffer begins at `start`."""
        shape, strides = window_of(view.axes)
        return np.ndarray(shape, dtype, segment, start + view.offset, strides)

    def _persistent_array(self, kind: PersistentKind, key: str) -> Array:
        view = self.storage.view(kind, key)
        return self._array(view, self.persistent.bytes.data, self._start(view.buffer), self.dtype)

    def _start(self, buffer: Buffer) -> int:
        """The byte of the persistent segment where the buffer of an array begins."""
        flat, start = self.storage.within[buffer]
        return self._flat[flat] + start

    def read(self) -> dict[str, Array]:
        """Copies of all persistent arrays."""
        return {
            f"{kind}:{key}": self._persistent_array(kind, key).copy(order="C").reshape(shape)
            for (kind, key), shape in self.storage.shapes.items()
        }

    def write(self, values: Mapping[str, Array]) -> None:
        """Set persistent arrays by `kind:KEY`."""
        given: list[tuple[View, Array]] = []
        shapes, dtype = self.storage.shapes, self.dtype
        for name, value in values.items():
            kind, _, key = name.partition(":")
            of = cast("PersistentKind", kind)
            array = np.asarray(value, dtype)
            expected = shapes.get((of, key))
            if expected is None:
                raise ValueError(f"found an array named {name!r}, expected one of the plan's")
            if array.shape != expected:
                raise ValueError(f"{name}: found shape {array.shape}, expected {expected}")
            given.append((self.storage.view(of, key), array))
        flat, item = self.persistent.bytes.view(dtype), dtype.itemsize
        memory = self.persistent.bytes.data
        for view, array in given:
            start = self._start(view.buffer)
            if view.axes == packed(array.shape, item):
                first = start // item
                flat[first : first + array.size] = array.reshape(-1)
            else:
                place = self._array(view, memory, start, dtype)
                place[...] = array.reshape(place.shape)

    # ---- entries

    def entry(self, key: Key, program: Callable[[], Program]) -> Bound:
        """The planned entry `key`, made from `program` on first use."""
        bound = self._entries.pop(key, None)
        if bound is None:
            with paused_collection():
                bound = Bound(self._plan(program()))
            while len(self._entries) >= MAX_ENTRIES:
                self._entries.pop(next(iter(self._entries)))
        self._entries[key] = bound  # the last one used is the last to be forgotten
        self.recent = key, bound
        return bound

    def bound(self) -> list[Bound]:
        """Every entry planned so far."""
        return list(self._entries.values())

    def library(self, planned: Planned) -> Library:
        """The kernels of a plan, compiled where the cache lacks them."""
        names = sorted({step.kernel for step in planned.steps()})
        return ensure(self.variant, names, self._progress)

    def bind(self, bound: Bound) -> None:
        """Make the tape of an entry valid for the present memory."""
        planned = bound.planned
        if planned.transient > self._transient.size:
            check_room(
                planned.transient - self._transient.size,
                self._room(),
                f"{planned.name} at batch {planned.batch}",
            )
            for other in self._entries.values():
                other.results.clear()  # they would keep the memory that is given up here
            self._transient = Segment(planned.transient)
            self._generation += 1
            self._last = None
        if bound.generation != self._generation:
            starts = self._starts(planned)
            library = self.library(planned)
            with paused_collection():
                bound.bind(starts, self.variant.item, library)
            bound.results = {n: self._result(planned, n) for n in planned.arrays}
            bound.generation = self._generation
            bound.threads = 1 if bound.small else self.threads
        if self._last is not bound:
            for buffer, offset in planned.offsets.items():
                if buffer.lasting:
                    self._transient.clear(offset, buffer.size)
            self._last = bound

    def _starts(self, planned: Planned) -> dict[Buffer, int]:
        """The addresses of all buffers of a plan but its tables."""
        kept, work = self.persistent.address, self._transient.address
        starts = {buffer: kept + offset for buffer, offset in self._flat.items()}
        for buffer, (flat, offset) in planned.within.items():
            starts[buffer] = starts[flat] + offset
        for buffer, offset in planned.offsets.items():
            starts[buffer] = work + offset
        return starts

    def _room(self) -> int | None:
        if self.options.memory_limit is None:
            return None
        return self.options.memory_limit - self.persistent.size - self._transient.size

    # ---- running

    def run(
        self,
        bound: Bound,
        data: Mapping[str, Array],
        index: Array,
        scalars: Mapping[str, Array],
        profile: bool = False,
    ) -> StepOutputs:
        """Run an entry for each row of `index` (steps × batch).

        After a bad step there are no arrays: it has overwritten those of the step before.
        """
        if bound is not self._last or bound.generation != self._generation:
            self.bind(bound)
        if self._stopped:  # asked of a run that had ended
            self._sync = threads.Sync()
        self._stopped = False
        bound.attach(data, self.dtype)
        count, done = len(index), 0
        if count == 1 and not profile:
            bound.load_one(index, scalars)
            outcome = bound.run(1, self._sync)
            if outcome.steps:
                return StepOutputs(bound.recorded_once(self.dtype), bound.arrays(), 1)
            numbers = dict.fromkeys(bound.planned.scalars, np.empty(0, self.dtype))
            return StepOutputs(numbers, {}, 0, outcome.bad_step)
        series: list[list[Array]] = []
        bad: int | None = None
        while done < count and bad is None and not self._stopped:
            steps = bound.load(index, scalars, done)
            outcome = bound.run(steps, self._sync, profile)
            series.append(bound.recorded(outcome.steps, self.dtype))
            if outcome.bad_step is not None:
                bad = done + outcome.bad_step
            done += outcome.steps
            if outcome.stopped:
                break
        series = series or [bound.recorded(0, self.dtype)]
        columns = series[0]
        if len(series) > 1:
            columns = [np.concatenate(parts) for parts in zip(*series, strict=True)]
        arrays = bound.arrays() if done and bad is None else {}
        scalars_by_name = dict(zip(bound.planned.scalars, columns, strict=True))
        return StepOutputs(scalars_by_name, arrays, done, bad)

    def _result(self, planned: Planned, name: str) -> tuple[Array, Shape | None]:
        """Where an output lies, and its shape if that is another."""
        view, whole = planned.arrays[name], name in planned.integers
        dtype = np.int64 if whole else self.dtype
        if view.buffer.segment == "transient":
            place = self._array(
                view, self._transient.bytes.data, planned.offsets[view.buffer], dtype
            )
        else:
            place = self._array(view, self.persistent.bytes.data, self._start(view.buffer), dtype)
        return place, None if place.shape == view.shape else view.shape

    def stop(self) -> None:
        """Let a run under way return after its present step."""
        self._stopped = True
        self._sync.stop()

    @property
    def memory(self) -> int:
        """Bytes of the persistent and the transient segment as they are now; 0 once closed."""
        kept = self._persistent
        return kept.size + self._transient.size if kept is not None else 0

    def table(self, bound: Bound) -> list[PlanStep]:
        """The plan as a table, with measured times after a profiled run.

        Predicted ones stand there when this machine was calibrated.
        """
        from compute.cpu.costs import forecast, store

        self.bind(bound)
        known = store.known(self.variant)
        if known is None:
            return bound.table()
        found = forecast.forecast(bound.planned, known, bound.threads, self.variant)
        return bound.table(found.rows)

    def close(self) -> None:
        """Forget tapes and memory."""
        self._entries.clear()
        self.recent = (None, None)
        self._persistent, self._transient, self._last = None, Segment(0), None


def cores() -> int:
    """Threads of a plan that is not told how many: the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
