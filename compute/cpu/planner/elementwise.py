"""Elementwise steps: chains of rows as one block program over strided operands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from compute.cpu.kernels.elementwise import MAX_OPERANDS, MAX_REGISTERS, Mode
from compute.cpu.kernels.program import READ, WRITE
from compute.cpu.planner.combine import combine
from compute.cpu.planner.emitter import CHUNK_ELEMENTS, Emitter, PlanError, full
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.host import Lane, Number
from compute.cpu.planner.steps import Instruction, Operand, Word, address
from compute.cpu.planner.views import (
    Axis,
    Buffer,
    Joint,
    View,
    extent_of,
    iterate,
    join,
    known,
    packed,
    packed_like,
    stride_of,
)
from graph.program import Row, Shape

SMALL = 4096  # elements below which slow strides cost less than a copy
SHORT = 256  # inner length below which a periodic operand is worth it
MAX_DIMS = 3

Given = View | Number
Axes = tuple[Axis, ...]


def emit_chain(em: Emitter, op: Op) -> None:
    """The rows of a chain as one elementwise step; results in the layout of the first target."""
    shape = em.shape(op.rows[-1].outputs[0])
    inputs: dict[int, Given] = {
        v: em.numbers[v] if v in em.numbers else em.view(v) for v in op.reads
    }
    like = _like(em, op, {v: one for one in op.within for v in one.writes}, shape)
    outputs: dict[int, View] = {}
    for value in op.writes:
        outputs[value] = em.target(value, like)
        like = outputs[value] if len(outputs) == 1 else like
    rows = [row for one in (*op.within, op) for row in _joined(em, one)]
    if op.hidden or op.within:
        rows = _needed(rows, op.writes)
        read = {v for row in rows for v in row.inputs}
        inputs = {v: given for v, given in inputs.items() if v in read}
    run_rows(em, rows, inputs, outputs, shape)
    for value, view in outputs.items():
        em.put(value, view)


def _joined(em: Emitter, op: Op) -> Sequence[Row]:
    if op.watched:
        return op.rows
    kept = [value for value in (*op.writes, *op.hidden) if value not in op.taps]
    return combine(op.rows, kept, op.taps, em.numbers.__contains__)


def _like(em: Emitter, op: Op, within: Mapping[int, Op], shape: Shape) -> View | None:
    """What the results lie like: the first operand of their shape, stored or not."""
    inside = {row.outputs[0] for row in op.rows}
    for value in (v for row in op.rows for v in row.inputs if v not in inside):
        if value in within:
            found = _like(em, within[value], within, shape)
            if found is not None and full(found):
                return found
            return View(Buffer(0, "transient"), 0, packed(shape, em.item), em.item)
        if value not in em.numbers and em.shape(value) == shape:
            return em.view(value)
    return None


def _needed(rows: Sequence[Row], results: Sequence[int]) -> list[Row]:
    """The rows that `results` are computed from."""
    needed, found = set(results), list[Row]()
    for row in reversed(rows):
        if row.outputs[0] in needed:
            needed.update(row.inputs)
            found.append(row)
    return found[::-1]


def write_number(em: Emitter, number: Number, goal: View) -> None:
    """Fill `goal` with a host number."""
    run_rows(em, [Row("copy", (0,), (1,))], {0: number}, {1: goal}, goal.shape)


def run_rows(
    em: Emitter,
    rows: Sequence[Row],
    inputs: Mapping[int, Given],
    outputs: Mapping[int, View],
    shape: Shape,
    cut: bool = True,
) -> None:
    """Emit the step that computes `outputs` from `inputs` by elementwise rows of one shape.

    Operands that the kernel cannot walk are copied first, outputs afterwards.
    """
    arrays = {v: x for v, x in inputs.items() if isinstance(x, View)}
    views = {v: x.broadcast(shape) for v, x in arrays.items()}
    goals = dict(outputs)
    space = _space(list(goals.values()), list(views.values()))
    if space is None:
        main = next(iter(goals.values()))
        views = {v: _fitting(em, x, main) for v, x in arrays.items()}
        space = _space(list(goals.values()), list(views.values()))
    if space is None:
        goals = {v: em.new(shape) for v in goals}
        views = {v: em.dense(x.broadcast(shape)) for v, x in arrays.items()}
        space = _space(list(goals.values()), list(views.values()))
        assert space is not None
    chain = _compile(rows, list(inputs), inputs, views, goals)
    _emit(em, space, chain, views, goals, inputs, shape, cut)
    for value, goal in outputs.items():
        if goals[value] is not goal:
            em.copy(goals[value], goal)


def _fitting(em: Emitter, view: View, goal: View) -> View:
    """`view` broadcast to the goal; copied in the goal's order unless it walks along."""
    wide = view.broadcast(goal.shape)
    if _space([goal], [wide]) is not None:
        return wide
    lead = len(goal.axes) - len(view.axes)
    order = [
        theirs if view.shape[axis] > 1 else ((1, theirs[0][1] if theirs else 0),)
        for axis, theirs in enumerate(goal.axes[lead:])
    ]
    return em.arranged(view, packed_like(tuple(order), view.item)).broadcast(goal.shape)


@dataclass(frozen=True)
class _Space:
    """The iteration space d0×d1×d2, strides of every view in it, the period, samples and unit."""

    dims: tuple[int, int, int]
    strides: tuple[tuple[int, int, int], ...]
    periodic: tuple[bool, ...]
    period: int
    samples: int
    unit: int
    split: int


def _space(goals: Sequence[View], views: Sequence[View]) -> _Space | None:
    """How the kernel can walk the operands; None when some must be copied first."""
    first, second = (tuple([view.axes for view in some]) for some in (goals, views))
    return _walked(first, second, goals[0].item)


@known
def _walked(goals: tuple[Axes, ...], views: tuple[Axes, ...], item: int) -> _Space | None:
    operands = (*goals, *views)
    dims = iterate(operands)
    if dims is None:
        return None
    samples = _leading(operands)
    joined = join(dims)
    periodic = [False] * len(operands)
    period = 0
    if len(joined) > 1 and (joined[-1][0] < SHORT or len(joined) > MAX_DIMS):
        found = _periodic(joined, len(goals), item)
        # what repeats does so along contiguous elements only
        if not found[2] or _contiguous(found[0][-1], len(goals), item):
            joined, periodic, period = found
    if joined and not _contiguous(joined[-1], len(goals), item):
        small = prod(extent for extent, _ in joined) <= SMALL
        if len(joined) == MAX_DIMS or not small:
            return None
        joined = [*joined, (1, (0,) * len(operands))]
    if len(joined) > MAX_DIMS:
        return None
    split = MAX_DIMS - max(1, len(joined))
    outer = joined[0][0] if joined else 1
    full: list[Joint] = [(1, (0,) * len(operands))] * (MAX_DIMS - len(joined)) + joined
    strides = tuple((full[0][1][k], full[1][1][k], full[2][1][k]) for k in range(len(operands)))
    extents = (full[0][0], full[1][0], full[2][0])
    unit = outer // samples if samples else 1
    return _Space(extents, strides, tuple(periodic), period, samples, unit, split)


def _leading(operands: Sequence[Axes]) -> int:
    """The extent of axis 0 when it is outermost in the first and whole in all, else 0."""
    goal = operands[0]
    if not goal:
        return 0
    strides = [stride_of(axes[0]) for axes in operands]
    outer = strides[0]
    if outer is None or any(s is None for s in strides):
        return 0
    if any(abs(stride) > outer for axis in goal for n, stride in axis if n > 1):
        return 0
    return extent_of(goal[0])


def _contiguous(dim: Joint, goals: int, item: int) -> bool:
    strides = dim[1]
    return all(s == item for s in strides[:goals]) and all(s in (0, item) for s in strides[goals:])


def _periodic(dims: list[Joint], goals: int, item: int) -> tuple[list[Joint], list[bool], int]:
    """Join inner dimensions where the operands walk on or start again (a bias along a row)."""
    periodic = [False] * len(dims[0][1])
    result = list(dims)
    period = 0
    while len(result) > 1:
        (outer, far), (inner, near) = result[-2:]
        repeats = [
            f == 0 and n == item and k >= goals
            for k, (f, n) in enumerate(zip(far, near, strict=True))
        ]
        walks = [f == inner * n for f, n in zip(far, near, strict=True)]
        again = [r or p for r, p in zip(repeats, periodic, strict=True)]
        if any(p and f for p, f in zip(periodic, far, strict=True)):
            break
        if not all(w or a for w, a in zip(walks, again, strict=True)):
            break
        fresh = [a and not w for a, w in zip(again, walks, strict=True)]
        if period and any(f and not p for f, p in zip(fresh, periodic, strict=True)):
            break
        if any(fresh) and not period:
            period = inner
        periodic = [f or p for f, p in zip(fresh, periodic, strict=True)]
        result[-2:] = [(outer * inner, near)]
    return result, periodic, period


@dataclass(frozen=True)
class _Chain:
    """A register program: inputs first, then outputs, then temporaries."""

    program: list[Instruction]
    registers: int


def _compile(
    rows: Sequence[Row],
    order: Sequence[int],
    inputs: Mapping[int, Given],
    views: Mapping[int, View],
    goals: Mapping[int, View],
) -> _Chain:
    """Registers for every value; a result that overwrites an input waits for its last reader."""
    register = {v: k for k, v in enumerate(order)}
    slot = {v: len(order) + k for k, v in enumerate(goals)}
    last = {v: k for k, row in enumerate(rows) for v in row.inputs}
    program: list[Instruction] = []
    late: list[Instruction] = []
    free: list[int] = []
    top = len(order) + len(goals)
    for k, row in enumerate(rows):
        made = row.outputs[0]
        sources = tuple(register[v] for v in row.inputs)
        for value in dict.fromkeys(row.inputs):
            if last[value] == k and register[value] >= len(order) + len(goals):
                free.append(register[value])
        waits = made in goals and any(
            last.get(v, -1) > k and view.same_place(goals[made]) for v, view in views.items()
        )
        if made in goals and not waits:
            register[made] = slot[made]
        else:
            if not free:
                free.append(top)
                top += 1
            register[made] = free.pop()
            if waits:
                late.append(Instruction("copy", slot[made], (register[made],)))
                last[made] = len(rows)
        program.append(Instruction(row.op, register[made], sources))
    for value in goals:
        if value in inputs:  # handed on as it is: read before anything is overwritten
            program.insert(0, Instruction("copy", top, (register[value],)))
            late.append(Instruction("copy", slot[value], (top,)))
            top += 1
    return _Chain(program + late, top)


def _emit(
    em: Emitter,
    space: _Space,
    chain: _Chain,
    views: Mapping[int, View],
    goals: Mapping[int, View],
    inputs: Mapping[int, Given],
    shape: Shape,
    cut: bool,
) -> None:
    place = {v: len(goals) + k for k, v in enumerate(views)}
    operands = []
    for value, given in inputs.items():
        if isinstance(given, View):
            operands.append(_input(views[value], space, place[value]))
        elif isinstance(given, Lane):
            em.host.column(given)  # the table is sized before it is bound
            operands.append(Operand(given, Mode.TABLE, READ))
        else:
            operands.append(Operand(given, Mode.IMMEDIATE, READ))
    for k, goal in enumerate(goals.values()):
        s0, s1, _ = space.strides[k]
        operands.append(Operand(address(goal), Mode.DENSE, WRITE, (s0, s1)))
    if len(operands) > MAX_OPERANDS or chain.registers > MAX_REGISTERS:
        found = f"{len(operands)} operands and {chain.registers} registers in one pass"
        raise PlanError(f"found {found}, expected at most {MAX_OPERANDS} and {MAX_REGISTERS}")
    words: dict[str, Word] = {
        **{"d0": space.dims[0], "d1": space.dims[1], "d2": space.dims[2]},
        **{"period": space.period, "split": space.split},
        **{"operand_count": len(operands), "registers": chain.registers},
        "program_count": len(chain.program),
    }
    samples = space.samples if cut else 0
    prefer = 0
    if not samples:
        prefer = _chunk(space)
    step = em.add(
        "elementwise",
        words,
        list(views.values()),
        list(goals.values()),
        samples,
        space.unit,
        prefer,
        flops=len(chain.program) * prod(shape),
    )
    step.operands, step.program = operands, chain.program


def _chunk(space: _Space) -> int:
    """How much of the split dimension makes a chunk of some CHUNK_ELEMENTS elements."""
    inner = prod(space.dims[space.split + 1 :])
    size = max(1, CHUNK_ELEMENTS // inner)
    if space.period and space.split == MAX_DIMS - 1:
        return -(-size // space.period) * space.period
    return size


def _input(view: View, space: _Space, k: int) -> Operand:
    s0, s1, s2 = space.strides[k]
    if space.periodic[k]:
        mode = Mode.PERIODIC
    elif s2 == 0 and space.dims[2] > 1:
        mode = Mode.ROW if s0 or s1 else Mode.SCALAR
    else:
        mode = Mode.DENSE
    return Operand(address(view), mode, READ, (s0, s1))
