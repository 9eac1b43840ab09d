"""The optimizer's pass over flat storage, and values carried over to the next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from compute.cpu.planner.combine import combine
from compute.cpu.planner.elementwise import run_rows, write_number
from compute.cpu.planner.emitter import Emitter
from compute.cpu.planner.fuse import Op
from compute.cpu.planner.prepare import Rule, split_rule
from compute.cpu.planner.steps import Step, Touch
from compute.cpu.planner.views import Buffer, View
from graph.program import Program, Row, Update

PAIRED = 1 << 16  # of a parameter from which its update runs behind its gradient's product


@dataclass(frozen=True)
class _Range:
    """Parameters that lie one behind the other: bytes [low, high) of the flat buffers.

    `maker`: the product that computes just this gradient, row by row.
    """

    low: int
    high: int
    maker: Step | None = None


def gradient_keys(em: Emitter, op: Op) -> list[tuple[int, str]]:
    """(gradient value, ParamKey) of an update row."""
    count = cast("int", op.row.attr("count"))
    keys = [em.inputs[v].key for v in op.row.inputs[:count]]
    return list(zip(op.row.inputs[count : 2 * count], keys, strict=True))


def emit_update(em: Emitter, op: Op) -> None:
    """Run the rule once over every stretch of adjacent parameters, in place.

    Large parameters are passes of their own, each behind the product that makes its gradient.
    """
    row = op.row
    program, count = cast("Program", row.attr("rule")), cast("int", row.attr("count"))
    slots = sum(given.kind == "batch" for given in program.inputs) - 2
    keys = [key for _, key in gradient_keys(em, op)]
    own = row.inputs[2 * count : (2 + slots) * count]
    families = [em.storage.slots[em.inputs[own[k * count]].key].family for k in range(slots)]
    scalars = [em.numbers[v] for v in row.inputs[(2 + slots) * count :]]
    rule = split_rule(program, scalars, em.host)
    paired = _paired(em, keys)
    rest = [key for key in keys if key not in paired]
    for part in (*paired.values(), *_ranges(em, rest)):
        _pass(em, rule, part, families)


def bring_gradients(em: Emitter, op: Op) -> None:
    """See to it that every gradient lies in the flat buffer."""
    em.path = op.path
    for value, key in gradient_keys(em, op):
        place = em.storage.gradient(key)
        if value in em.numbers:
            write_number(em, em.numbers[value], place)
            continue
        view = em.view(value)
        if view == place:
            continue
        view = view.broadcast(place.shape)
        if not view.same_place(place):
            em.copy(view, place)


def store(em: Emitter, stores: Sequence[Update]) -> None:
    """Carry values over to the next step; what lies in persistent memory is read before any is."""
    storage = em.storage
    pending: list[tuple[View, View]] = []
    for update in stores:
        goal, view = storage.view(update.kind, update.key), em.view(update.value)
        if view.same_place(goal):
            continue
        if em.lasts(view.buffer):
            staged = em.new(view.shape)
            em.copy(view, staged)
            view = staged
        pending.append((view, goal))
    for view, goal in pending:
        em.copy(view, goal)


def _paired(em: Emitter, keys: Sequence[str]) -> dict[str, _Range]:
    """Large parameters whose gradient one product computes: updated while it is in cache."""
    large = {view.buffer: key for key in keys if _bytes(view := em.storage.gradient(key)) >= PAIRED}
    makers: dict[str, list[tuple[Step, Touch]]] = {key: [] for key in large.values()}
    for step in em.steps if large else ():
        for made in step.touches:
            if made.write and made.buffer in large:
                makers[large[made.buffer]].append((step, made))
    found = {}
    for key, steps in makers.items():
        if len(steps) == 1 and steps[0][0].kernel == "gemm":
            step, made = steps[0]
            size = _bytes(em.storage.gradient(key))
            whole = (made.low, made.high) == (0, size) and made.stride * step.samples == size
            if whole and step.samples > 1:
                low = em.storage.offsets[key]
                found[key] = _Range(low, low + size, step)
    return found


def _bytes(view: View) -> int:
    low, high = view.hull()
    return high - low


def _ranges(em: Emitter, keys: Sequence[str]) -> list[_Range]:
    storage = em.storage
    starts: list[int] = []
    ends: list[int] = []
    for low, high in sorted([(storage.offsets[key], storage.end(key)) for key in keys]):
        if ends and ends[-1] == low:
            ends[-1] = high
        else:
            starts.append(low)
            ends.append(high)
    return [*map(_Range, starts, ends)]


def _pass(em: Emitter, rule: Rule, part: _Range, families: Sequence[str]) -> None:
    def flat(buffer: Buffer, start: int) -> View:
        count = (part.high - part.low) // em.item
        rows = part.maker.samples if part.maker else 1
        row = count // rows
        axes = ((rows, row * em.item),), ((row, em.item),)
        return View(buffer, part.low - start, axes, em.item)

    storage = em.storage
    params = flat(storage.params, 0)
    places = [params, *(flat(*storage.families[name]) for name in families)]
    arrays = [params, flat(storage.gradients, 0), *places[1:]]
    inputs = {**dict(zip(rule.inputs, arrays, strict=True)), **rule.numbers}
    used = {v for row in rule.rows for v in row.inputs} | set(rule.outputs)
    inputs = {v: given for v, given in inputs.items() if v in used}
    rows = list(rule.rows)
    outputs: dict[int, View] = {}
    for value, place in zip(rule.outputs, places, strict=True):
        if value in outputs:  # one result kept in two places
            rows.append(Row("copy", (value,), (-len(rows),)))
            value = -len(rows) + 1
        if inputs.get(value) is not place:
            outputs[value] = place
    if not outputs:
        return
    rows = combine(rows, outputs, (), rule.numbers.__contains__)
    run_rows(em, rows, inputs, outputs, params.shape, cut=part.maker is not None)
    em.steps[-1].follows = part.maker
