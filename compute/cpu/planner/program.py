"""A program planned: its steps in regions, the buffers they need and where its results lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import cast

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
from compute.cpu.planner.arena import place
from compute.cpu.planner.emitter import Emitter, PlanError
from compute.cpu.planner.fuse import ELEMENTWISE, Op, core_rows
from compute.cpu.planner.fused import fuse
from compute.cpu.planner.host import HostProgram
from compute.cpu.planner.layout import decide
from compute.cpu.planner.prepare import Prepared, optimise, split_host
from compute.cpu.planner.schedule import Pace, Region, schedule
from compute.cpu.planner.steps import Step, touch
from compute.cpu.planner.storage import Storage
from compute.cpu.planner.tables import Tables
from compute.cpu.planner.views import NO_BORDER, Buffer, View
from graph.program import Program, Row, Shape, Update

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
# rows whose result is mostly another view of their operand
_VIEWS = frozenset({"reshape", "permute", "broadcast_to", "slice"})
_COMPARISONS = frozenset({"equal", "not_equal", "greater", "greater_equal", "less"})


@dataclass(eq=False)
class Planned:
    """What bind needs, and what the plan table shows.

    `gathers` maps batch inputs to the step that fetches them; `scalars` lists outputs recorded each
    step (columns of the ring), `arrays` places of the others after the last step; `integers` are
    those of int64.
    """

    name: str
    batch: int
    regions: list[Region]
    tables: Tables
    host: HostProgram
    buffers: list[Buffer]
    transient: int
    gathers: dict[str, Step] = field(default_factory=dict)
    scalars: tuple[str, ...] = ()
    arrays: dict[str, View] = field(default_factory=dict)
    integers: frozenset[str] = frozenset()
    loss: View | None = None

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


def plan_program(program: Program, storage: Storage, seed: int, winograd: int = 0) -> Planned:
    """All passes up to placed buffers.

    `winograd`: threads that fast convolution gets memory for; 0 plans without it.
    """
    prepared = split_host(optimise(program))
    ops = fuse(prepared)
    return Planner(prepared, ops, storage, seed, winograd=winograd).plan()


class Planner:
    """Emits the ops of one program and gathers what surrounds them.

    `twins` maps values that are computed again to what they are again: they lie as those did.
    With `clears` steps write the zeros around images, whose memory then is free for others. Once
    planned, `made` holds the steps of every op, as a range of all in the order emitted.
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
        layout = decide(self.program, core_rows(prepared), prepared.rows)
        self.em = Emitter(prepared, layout.with_twins(twins), storage, clears, winograd)
        outputs = self.program.outputs
        self.scalars = [(n, v) for n, v in outputs if self._is_scalar(v)]
        self.tables = Tables.make(self.program.batch, len(self.scalars))
        self.gathers: dict[str, Step] = {}

    def _is_scalar(self, value: int) -> bool:
        return self.program.types[value].shape == () and not self.em.is_int(value)

    def plan(self, pace: Pace = Pace.FREE) -> Planned:
        """Every step in its region, every buffer in its place."""
        em = self.em
        self._serial = pace == Pace.SERIAL
        updates_made = [op for op in self.ops if op.kind == "update"]
        self._fix_gradients(updates_made)
        stores = self._fix_stores(updates_made)
        self._fix_concats()
        self._gather()
        for op in self.ops:
            if op.kind != "update":
                self._emit(op)
        late = {value for op in updates_made for value in op.writes}
        self._record(late, after=False)
        arrays = self._results(late, after=False)
        loss = dict(self.program.outputs).get("loss")
        loss_view = em.view(loss) if loss is not None and self._is_scalar(loss) else None
        for op in updates_made:
            updates.bring_gradients(em, op)
        em.path = ""
        updates.store(em, stores)
        for op in updates_made:
            self._emit(op)
        self._put_updated(late)
        self._record(late, after=True)
        arrays |= self._results(late, after=True)
        regions = schedule(em.steps, _writer(em.steps, loss_view), pace)
        if loss_view is not None and not any(region.guard for region in regions):
            regions.append(Region(guard=True))
        total, buffers = place(regions, [v.buffer for v in arrays.values()])
        em.fixed.clear()  # places that know the emitter would keep it from being freed
        self.tables.numbers.size = self.tables.steps * em.host.width * 8
        return Planned(
            self.program.name,
            self.program.batch,
            regions,
            self.tables,
            em.host,
            buffers,
            total,
            self.gathers,
            tuple(name for name, _ in self.scalars),
            arrays,
            frozenset(name for name, v in self.program.outputs if em.is_int(v)),
            loss_view,
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
                self.gathers[given.key] = data.emit_gather(self.em, given, self.tables)

    # ---- places decided beforehand

    def _fix_gradients(self, made: list[Op]) -> None:
        """Gradients are computed where the optimizer reads them."""
        em = self.em
        for op in made:
            for value, key in updates.gradient_keys(em, op):
                em.fixed.setdefault(value, lambda key=key: em.storage.gradient(key))  # type: ignore[misc]
        for row in reversed(self.prepared.rows):
            if row.op in ("reshape", "permute") and row.outputs[0] in em.fixed:
                source = row.inputs[0]
                if source not in em.inputs and source not in em.fixed:
                    em.fixed[source] = _before_move(em, row)

    def _fix_stores(self, made: list[Op]) -> list[Update]:
        """Updates that no optimizer row does; computed in place where nothing else looks."""
        em = self.em
        done = {v for op in made for v in op.writes}
        stores = [u for u in self.program.updates if u.value not in done]
        old = {(i.kind, i.key): i.value for i in self.program.inputs}
        results = {v for _, v in self.program.outputs} | {u.value for u in self.program.updates}
        for update in stores:
            before = old.get((update.kind, update.key), -1)
            readers = [op for op in self.ops if before in op.reads]
            maker = [op for op in self.ops if update.value in op.writes]
            read_later = any(update.value in op.reads for op in self.ops)
            wanted = {v for _, v in self.program.outputs}
            alone = [u.value for u in stores].count(update.value) == 1
            alone = alone and update.value not in wanted
            if (
                maker
                and maker[0].kind == ELEMENTWISE
                and all(op is maker[0] for op in readers)
                and not read_later
                and alone
                and before not in results
            ):
                em.fixed.setdefault(
                    update.value,
                    lambda u=update: em.storage.view(u.kind, u.key),  # type: ignore[misc]
                )
        return stores

    def _fix_concats(self) -> None:
        """Parts of a joined value are computed where they are wanted, when nothing else decides.

        Values that a convolution reads need a border of their own and stay apart; what is joined
        only for a watch moves nothing.
        """
        em = self.em
        made = {v: op for op in self.ops for v in op.writes}
        for op in self.ops:
            if op.kind != "concat" or op.watched or op.again or op.row.outputs[0] in em.fixed:
                continue
            whole, start = _Once(em, op.row.outputs[0]), 0
            axis = cast("int", op.row.attr("axis"))
            em.fixed[op.row.outputs[0]] = whole
            for value in op.row.inputs:
                stop = start + em.shape(value)[axis]
                self._fix(value, made, _slice_of(whole, axis, start, stop))
                start = stop

    def _fix(self, value: int, made: dict[int, Op], place: Callable[[], View | None]) -> None:
        """Compute a value at a place, or what it is a reshaped view of."""
        em, maker = self.em, made.get(value)
        if maker is None or value in em.fixed or em.layout.border(value) != NO_BORDER:
            return
        if maker.kind in ("reshape", "permute"):
            em.fixed[value] = place
            self._fix(maker.row.inputs[0], made, _before_move(em, maker.row))
            if maker.row.inputs[0] not in em.fixed:
                del em.fixed[value]
        elif maker.kind not in _VIEWS:
            em.fixed[value] = place

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
        for column, (_, value) in enumerate(self.scalars):
            if (value in late) is after:
                data.emit_record(self.em, value, column, self.tables)

    def _results(self, late: set[int], after: bool) -> dict[str, View]:
        """Places of arrays, copied out of what the step overwrites."""
        em = self.em
        lasting = (em.storage.params, em.storage.states)
        arrays: dict[str, View] = {}
        for name, value in self.program.outputs:
            if self._is_scalar(value) or (value in late) is not after:
                continue
            view = em.view(value)
            if view.buffer in lasting or view.buffer.name in em.storage.families:
                place_ = em.new(view.shape, view.item)
                em.copy(view, place_)
                view = place_
            arrays[name] = view
        return arrays


class _Once:
    """The place of a value, made when first asked for."""

    def __init__(self, em: Emitter, value: int) -> None:
        self._em, self._value = em, value
        self._view: View | None = None

    def __call__(self) -> View:
        if self._view is None:
            self._view = self._em.fresh(self._value)
        return self._view


def _slice_of(whole: _Once, axis: int, start: int, stop: int) -> Callable[[], View | None]:
    return lambda: whole().slice(axis, start, stop)


def _before_move(em: Emitter, row: Row) -> Callable[[], View | None]:
    """Where the operand of a reshape or permute must lie for its result to lie at its place."""

    def find() -> View | None:
        goal = em.fixed_place(row.outputs[0])
        if goal is None:
            return None
        if row.op == "reshape":
            return goal.reshape(em.shape(row.inputs[0]))
        order = cast("Shape", row.attr("order"))
        return goal.permute(sorted(range(len(order)), key=order.__getitem__))

    return find


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
