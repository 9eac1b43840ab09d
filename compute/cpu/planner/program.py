"""A program planned: its steps in regions, the buffers they need and where its results lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ParamSpec, Protocol, TypeVar

from compute.cpu.planner import (
    attention,
    data,
    depthwise,
    elementwise,
    linear,
    moves,
    norm,
    picks,
    recurrent,
    reduce,
    spatial,
    updates,
)
from compute.cpu.planner.arena import Spans, lifetimes, place
from compute.cpu.planner.emitter import Emitter, PlanError
from compute.cpu.planner.fixed import fix_concats, fix_gradients, fix_stores
from compute.cpu.planner.fuse import ELEMENTWISE, Op, core_rows
from compute.cpu.planner.host import HostProgram
from compute.cpu.planner.layout import decide
from compute.cpu.planner.prepare import Prepared
from compute.cpu.planner.schedule import Pace, Region, Waits, schedule, waits
from compute.cpu.planner.steps import Step, touch, work_of
from compute.cpu.planner.storage import Storage, Within
from compute.cpu.planner.tables import Tables
from compute.cpu.planner.views import Buffer, View

P = ParamSpec("P")
R = TypeVar("R")
_EMIT: dict[str, Callable[[Emitter, Op], None]] = {
    ELEMENTWISE: elementwise.emit_chain,
    "matmul": linear.emit_matmul,
    "conv2d": spatial.emit_conv,
    "conv2d_dx": spatial.emit_conv_dx,
    "conv2d_dw": spatial.emit_conv_dw,
    "depthwise2d": depthwise.emit_depthwise,
    "depthwise2d_dx": depthwise.emit_depthwise_dx,
    "depthwise2d_dw": depthwise.emit_depthwise_dw,
    "max_pool2d": spatial.emit_max_pool,
    "max_pool2d_scatter": spatial.emit_scatter,
    "max_pool2d_take": spatial.emit_take,
    "avg_pool2d": spatial.emit_avg_pool,
    "avg_pool2d_dx": spatial.emit_avg_dx,
    "batch_norm": norm.emit_batch_norm,
    "batch_norm_grad": norm.emit_batch_norm_grad,
    "layer_norm": norm.emit_layer_norm,
    "layer_norm_grad": norm.emit_layer_norm_grad,
    "attention": attention.emit_attention,
    "attention_grad": attention.emit_attention_grad,
    "sum": reduce.emit_reduce,
    "max": reduce.emit_reduce,
    "argmax": reduce.emit_argmax,
    "softmax": reduce.emit_softmax,
    "log_softmax": reduce.emit_softmax,
    "softmax_grad": reduce.emit_softmax_grad,
    "softmax_cross_entropy": reduce.emit_cross_entropy,
    "softmax_cross_entropy_grad": reduce.emit_cross_entropy,
    **dict.fromkeys(("rnn_scan", "lstm_scan", "gru_scan"), recurrent.emit_scan),
    **dict.fromkeys(("rnn_scan_grad", "lstm_scan_grad", "gru_scan_grad"), recurrent.emit_scan_grad),
    "reshape": moves.emit_reshape,
    "permute": moves.emit_permute,
    "broadcast_to": moves.emit_broadcast,
    "slice": moves.emit_slice,
    "concat": moves.emit_concat,
    "pad": moves.emit_pad,
    "one_hot": picks.emit_one_hot,
    "to_int": picks.emit_to_int,
    "arange": picks.emit_arange,
    "take": picks.emit_take,
    "take_grad": picks.emit_take_grad,
    "to_real": moves.emit_to_real,
    "update": updates.emit_update,
}
_COMPARISONS = frozenset({"equal", "not_equal", "greater", "greater_equal", "less"})


@dataclass(eq=False)
class Planned:
    """What bind needs, and what the plan table shows.

    `gathers` maps batch inputs to the step that fetches them; `scalars` lists outputs recorded each
    step (columns of the ring), `arrays` places of the others after the last step; `integers` are
    those of int64. `offsets` are the places of transient buffers, largest first, in `transient`
    bytes; `within` those of persistent arrays in flat buffers. `work`: the operations of all steps,
    and the bytes that they touch.
    """

    name: str
    batch: int
    regions: list[Region]
    tables: Tables
    host: HostProgram
    offsets: dict[Buffer, int]
    within: Mapping[Buffer, Within]
    transient: int
    gathers: dict[str, Step] = field(default_factory=dict)
    scalars: tuple[str, ...] = ()
    arrays: dict[str, View] = field(default_factory=dict)
    integers: frozenset[str] = frozenset()
    loss: View | None = None
    work: tuple[int, int] = (0, 0)

    @property
    def buffers(self) -> list[Buffer]:
        """Every transient buffer, the largest first."""
        return list(self.offsets)

    @property
    def where(self) -> dict[Buffer, tuple[Buffer | str, int]]:
        """What buffers share memory in, and at which byte of it each begins."""
        return {**self.within, **{b: ("transient", at) for b, at in self.offsets.items()}}

    def steps(self) -> list[Step]:
        """Every step in the order of the tape."""
        return [step for r in self.regions for group in r.groups for step in group.steps]

    def lines(self) -> Iterator[str]:
        """The plan as text: regions between barriers, groups with their cut, steps."""
        yield f"plan {self.name} (batch {self.batch}, {self.transient} bytes of work space)"
        for number, region in enumerate(self.regions):
            yield f"  region {number}{' after the loss is checked' if region.guard else ''}"
            for group in region.groups:
                cut = f"{group.samples} samples by {group.size}" if group.samples else "own chunks"
                yield f"    group ({cut})"
                for step in group.steps:
                    again = f", again {', '.join(step.again)}" if step.again else ""
                    yield f"      {step.kernel}({', '.join(step.shapes)})  # {step.path}{again}"

    def __str__(self) -> str:
        return "\n".join(self.lines())


class Planner:
    """Emits the ops of one program and gathers what surrounds them.

    `twins` maps values that are computed again to what they are again: they lie as those did.
    With `clears` steps write the zeros around images, whose memory then is free for others. Once
    planned, `made` holds the steps of every op, as a range of all in the order emitted, and
    `decided` the values whose place was known before.
    """

    def __init__(
        self,
        prepared: Prepared,
        ops: list[Op],
        storage: Storage,
        seed: int,
        twins: Mapping[int, int] = MappingProxyType({}),
        clears: bool = False,
        winograd: int = 0,
    ) -> None:
        self.prepared, self.ops, self.seed = prepared, ops, seed
        self.program = prepared.program
        self.made: dict[Op, range] = {}
        self.decided: set[int] = set()
        layout = decide(self.program, core_rows(prepared), prepared.rows)
        self.em = Emitter(prepared, layout.with_twins(twins), storage, clears, winograd)
        outputs = self.program.outputs
        self.scalars = [(n, v) for n, v in outputs if self._is_scalar(v)]
        self.tables = Tables.make(self.program.batch, len(self.scalars))
        self.gathers: dict[str, Step] = {}
        self.arrays: dict[str, View] = {}
        self.loss: View | None = None
        self.course: Course = _Straight()
        self.waits: Waits | None = None  # of the steps, once they were scheduled

    def _is_scalar(self, value: int) -> bool:
        return self.program.types[value].shape == () and not self.em.is_int(value)

    def plan(self, pace: Pace = Pace.FREE) -> Planned:
        """Every step in its region, every buffer in its place."""
        self.emit(pace)
        regions = self.scheduled(pace)
        return self.placed(regions, self.lifetimes(regions))

    def emit(self, pace: Pace = Pace.FREE) -> None:
        """The steps of every op and of what surrounds them, piece by piece."""
        em, once = self.em, self.course.once
        self._serial = pace == Pace.SERIAL
        made = [op for op in self.ops if op.kind == "update"]
        fix_gradients(em, self.prepared.rows, made)
        stores = fix_stores(em, self.ops, made)
        fix_concats(em, self.ops)
        self._gather()
        self.course.each([op for op in self.ops if op.kind != "update"], self._emit)
        late = {value for op in made for value in op.writes}
        self._record(late, after=False)
        self._results(late, after=False)
        loss = dict(self.program.outputs).get("loss")
        if loss is not None and self._is_scalar(loss):
            self.loss = once("loss", (loss,), em.view, loss)
        for op in made:
            once("gradients", None, updates.bring_gradients, em, op)
        em.path = ""
        once("stores", None, updates.store, em, stores)
        for op in made:
            once(op, None, self._emit, op)
        once("updated", None, self._put_updated, late)
        self._record(late, after=True)
        self._results(late, after=True)
        self.decided = {*em.fixed, *em.alike}
        em.fixed.clear()  # places that know the emitter would keep it from being freed
        em.alike.clear()

    def scheduled(self, pace: Pace) -> list[Region]:
        """The regions of what was emitted."""
        steps, loss = self.em.steps, self.loss
        if self.waits is None:
            self.waits = waits(steps, _writer(steps, loss), self.em.storage.within, pace)
        regions = schedule(steps, self.waits)
        if loss is not None and not any(region.guard for region in regions):
            regions.append(Region(guard=True))
        return regions

    def lifetimes(self, regions: Sequence[Region]) -> Spans:
        """From which region to which each transient buffer is in use."""
        return lifetimes(regions, [view.buffer for view in self.arrays.values()])

    def placed(
        self, regions: list[Region], spans: Spans, work: tuple[int, int] | None = None
    ) -> Planned:
        """The plan of these regions."""
        em = self.em
        total, offsets = place(spans, len(regions))
        self.tables.numbers.size = self.tables.steps * em.host.width * 8
        return Planned(
            self.program.name,
            self.program.batch,
            regions,
            self.tables,
            em.host,
            offsets,
            em.storage.within,
            total,
            self.gathers,
            tuple(name for name, _ in self.scalars),
            self.arrays,
            frozenset(name for name, v in self.program.outputs if em.is_int(v)),
            self.loss,
            work_of(em.steps) if work is None else work,
        )

    def _emit(self, op: Op) -> None:
        first = len(self.em.steps)
        self.em.path = op.path
        if op.behind is not None:
            last = first if self._serial else self.made[op.behind].stop
            self.em.behind = self.em.steps[last - 1]
        anew = [op, *op.within] if op.again else op.within
        self.em.again = tuple(dict.fromkeys(one.path for one in anew))
        self._emit_steps(op)
        self.em.behind, self.em.again = None, ()
        self.made[op] = range(first, len(self.em.steps))

    def _emit_steps(self, op: Op) -> None:
        if op.kind == "random_uniform":
            data.emit_random(self.em, op, self.seed, self.tables)
        elif op.kind in _COMPARISONS:
            moves.emit_compare_ids(self.em, op)
        elif op.kind in _EMIT:
            _EMIT[op.kind](self.em, op)
        else:
            raise PlanError(
                f"{op.path or self.program.name}: found row {op.kind!r}, for which the CPU has no"
                " kernel; use the reference device"
            )

    def _gather(self) -> None:
        used = {v for row in self.prepared.rows for v in row.inputs}
        used |= {v for _, v in self.program.outputs} | {u.value for u in self.program.updates}
        for given in self.program.inputs:
            if given.kind == "batch" and given.value in used:
                key, reads = f"gather {given.key}", (given.value,)
                self.gathers[given.key] = self.course.once(
                    key, reads, data.emit_gather, self.em, given, self.tables
                )

    # ---- results

    def _put_updated(self, late: set[int]) -> None:
        """What an optimizer's row made and is asked for lies where it lasts."""
        asked = late.intersection(value for _, value in self.program.outputs)
        for update in self.program.updates if asked else ():
            if update.value in asked:
                self.em.put(update.value, self.em.storage.view(update.kind, update.key))

    def _record(self, late: set[int], after: bool) -> None:
        """Scalars written down each step; the `late` ones after the updates."""
        self.em.path = ""
        for column, (name, value) in enumerate(self.scalars):
            if (value in late) is after:
                given = self.em, value, column, self.tables
                self.course.once(f"record {name}", (value,), data.emit_record, *given)

    def _results(self, late: set[int], after: bool) -> None:
        """Places of arrays, copied out of what the step overwrites."""
        for name, value in self.program.outputs:
            if not self._is_scalar(value) and (value in late) is after:
                reads = None if after else (value,)
                self.arrays[name] = self.course.once(f"result {name}", reads, self._result, value)

    def _result(self, value: int) -> View:
        em, view = self.em, self.em.view(value)
        if not em.lasts(view.buffer):
            return view
        place_ = em.new(view.shape, view.item)
        em.copy(view, place_)
        return place_


class Course(Protocol):
    """How the pieces of a plan come about."""

    def once(
        self,
        about: object,
        reads: Iterable[int] | None,
        run: Callable[P, R],
        *given: P.args,
        **named: P.kwargs,
    ) -> R:
        """A piece: what it is about, the values whose places it depends on (None: it depends on
        others, too), and what makes it.
        """

    def each(self, ops: Sequence[Op], run: Callable[[Op], None]) -> None:
        """A piece for every op, which depends on what that reads."""


class _Straight:
    """Every piece made, with no thought of others."""

    def once(
        self,
        about: object,
        reads: Iterable[int] | None,
        run: Callable[P, R],
        *given: P.args,
        **named: P.kwargs,
    ) -> R:
        return run(*given, **named)

    def each(self, ops: Sequence[Op], run: Callable[[Op], None]) -> None:
        for op in ops:
            run(op)


def _writer(steps: list[Step], view: View | None) -> Step | None:
    """The last step that writes `view`."""
    if view is None:
        return None
    goal = touch(view)
    for step in reversed(steps):
        for made in step.touches:
            meets = made.low < goal.high and goal.low < made.high
            if made.write and made.buffer is goal.buffer and meets:
                return step
    return None
