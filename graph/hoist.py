"""Scans walked step by step, with what needs no walk done for all steps at once.

Rows of a cell that hang on the step's input alone are done before the walk, on T×… of all steps;
products that no later state hangs on are done behind it. On the way back only the gradient to the
state walks: the rest of the forward pass is known. Which rows these are depends on the cell alone,
never on what is asked for. `expand` of the rows says what they mean; this gives the same numbers,
but for the order in which the gradients to weights are summed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from graph.over_time import at_all_steps, cheap, summed, turned
from graph.primitives.reduction import reduce_sum
from graph.primitives.scan import real_states, stepped
from graph.primitives.shape import broadcast_to, concat, reshape, slice_axis
from graph.program import Attrs, Program, Row
from graph.rebuild import rebuilt
from graph.tensor import Builder, Tensor

SCANS = frozenset({"scan", "scan_grad"})


def hoisted(program: Program) -> Program:
    """The program without scans of drawn cells."""

    def visit(builder: Builder, row: Row, operands: list[Tensor]) -> Sequence[Tensor]:
        walk = _scan if row.op == "scan" else _scan_grad
        return walk(operands, dict(row.attrs))

    while not SCANS.isdisjoint(row.op for row in program.rows):
        program = rebuilt("", program, SCANS, visit)
    return program


class _Series:
    """A value of the cell at every step: `shared` by all, or made `whole` for all at once (T×…),
    or made for `each` step. What is carried `came` out of the step before.
    """

    def __init__(self, steps: int, shared: Tensor | None = None, whole: Tensor | None = None):
        self.steps, self.shared, self.whole = steps, shared, whole
        self.lifted = whole is not None
        self.each: dict[int, Tensor] = {}
        self.came: _Series | None = None

    @property
    def timed(self) -> bool:
        """Whether it differs from step to step."""
        return self.shared is None

    def at(self, step: int) -> Tensor:
        """The value at a step."""
        if self.shared is not None:
            return self.shared
        if step not in self.each:
            assert self.whole is not None
            shape = self.whole.shape[1:]
            series, axis = (turned(self.whole), 1) if shape else (self.whole, 0)
            self.each[step] = reshape(slice_axis(series, axis, step, step + 1), shape)
        return self.each[step]

    def all(self) -> Tensor:
        """All steps, T×…."""
        if self.whole is None:
            if self.at(0).rank:
                self.whole = turned(self.of_samples())
            else:
                parts = [reshape(self.at(step), (1,)) for step in range(self.steps)]
                self.whole = concat(parts, 0)
        return self.whole

    def of_samples(self) -> Tensor:
        """All steps as sequences, N×T×…."""
        if self.whole is not None:
            return turned(self.whole)
        if self.shared is not None:
            n, *rest = self.shared.shape
            return broadcast_to(reshape(self.shared, (n, 1, *rest)), (n, self.steps, *rest))
        if self.came is None or not self.came.timed or self.steps == 1:
            return concat([_beside(self.at(step)) for step in range(self.steps)], 1)
        series, first = self.came.of_samples(), next(iter(self.each))
        if first:
            return concat([slice_axis(series, 1, 1, self.steps), _beside(self.each[first])], 1)
        return concat([_beside(self.each[0]), slice_axis(series, 1, 0, self.steps - 1)], 1)

    def operand(self) -> tuple[Tensor, bool]:
        """As rows over all steps take it."""
        return (self.all(), True) if self.shared is None else (self.shared, False)


def _beside(x: Tensor) -> Tensor:
    """N×1×… of N×…."""
    return reshape(x, (x.shape[0], 1, *x.shape[1:]))


class _Walk:
    """Rows of programs done at all steps; equal rows on the same series are done once."""

    def __init__(self, builder: Builder, steps: int) -> None:
        self.builder, self.steps = builder, steps
        self._known: dict[object, list[_Series]] = {}

    def _made(self, row: Row, given: list[_Series]) -> tuple[list[_Series], bool]:
        """The series of a row's outputs, and whether they were known."""
        key = row.op, row.attrs, tuple(map(id, given))
        if key in self._known:
            return self._known[key], True
        self._known[key] = [_Series(self.steps) for _ in row.outputs]
        return self._known[key], False

    def free(self, row: Row, env: dict[int, _Series]) -> None:
        """Do a row at every step whose operands are known at every step."""
        given = [env[value] for value in row.inputs]
        series, known = self._made(row, given)
        env.update(zip(row.outputs, series, strict=True))
        if known:
            return
        with self.builder.at(row.path or self.builder.path):
            if not any(one.timed for one in given):
                made = self.builder.emit(row.op, [s.at(0) for s in given], **dict(row.attrs))
                for one, tensor in zip(series, made, strict=True):
                    one.shared = tensor
                return
            whole = None
            if not cheap(row) or all(one.lifted for one in given if one.timed):
                whole = at_all_steps(row, [one.operand() for one in given], self.steps)
            for one, tensor in zip(series, whole or (), strict=False):
                one.whole, one.lifted = tensor, True
        if whole is None:
            for step in range(self.steps):
                self._at(row, given, series, step)

    def _at(self, row: Row, given: list[_Series], series: list[_Series], step: int) -> None:
        with self.builder.at(row.path or self.builder.path):
            made = self.builder.emit(row.op, [s.at(step) for s in given], **dict(row.attrs))
        for one, tensor in zip(series, made, strict=True):
            one.each[step] = tensor

    def run(
        self,
        program: Program,
        env: dict[int, _Series],
        carried: Sequence[tuple[int, int]],
        order: Sequence[int],
    ) -> None:
        """Do a program at every step, one after the other in this order, what can be at once.

        `env` has the series of its inputs, and then of all its values. `carried` are pairs of an
        input, of which the first step is known, and what it is at the step behind.
        """
        hanging = _behind(program.rows, [value for value, _ in carried])
        feeding = _before(program.rows, [value for _, value in carried])
        walked, late = [], []
        for row in program.rows:
            if hanging.isdisjoint(row.outputs):
                self.free(row, env)
            elif feeding.isdisjoint(row.outputs):
                late.append(row)
            else:
                given = [env[value] for value in row.inputs]
                series, _ = self._made(row, given)
                env.update(zip(row.outputs, series, strict=True))
                walked.append((row, given, series))
        for place, step in enumerate(order):
            for row, given, series in walked:
                self._at(row, given, series, step)
            for value, back in carried if place + 1 < len(order) else ():
                env[value].each[order[place + 1]] = env[back].at(step)
        for value, back in carried:
            env[value].came = env[back]
        for row in late:
            self.free(row, env)


def _behind(rows: Iterable[Row], start: Iterable[int]) -> set[int]:
    """What hangs on these values, they among them."""
    reached = set(start)
    for row in rows:
        if not reached.isdisjoint(row.inputs):
            reached.update(row.outputs)
    return reached


def _before(rows: Sequence[Row], ends: Iterable[int]) -> set[int]:
    """What these values hang on, they among them."""
    needed = set(ends)
    for row in reversed(rows):
        if not needed.isdisjoint(row.outputs):
            needed.update(row.inputs)
            needed.update(row.outputs)
    return needed


# ---- the two rows


def _cell(attrs: Attrs) -> tuple[Program, int]:
    return cast("Program", attrs["body"]), cast("int", attrs["carries"])


def _starting(steps: int, step: int, value: Tensor) -> _Series:
    """The series of what is carried, of which one step is known."""
    series = _Series(steps)
    series.each[step] = value
    return series


def _forward(
    inputs: Sequence[Tensor], attrs: Attrs
) -> tuple[_Walk, dict[int, _Series], Sequence[int]]:
    """The walk of a cell: all its values at every step, by the value of its body."""
    body, count = _cell(attrs)
    timed = stepped(body)
    steps = inputs[count].shape[1]
    order = range(steps)[:: -1 if attrs["reverse"] else 1]
    places = [given.value for given in body.inputs]
    series = [_starting(steps, order[0], x) for x in inputs[:count]]
    series += [_Series(steps, whole=turned(x)) for x in inputs[count : count + timed]]
    series += [_Series(steps, shared=x) for x in inputs[count + timed : len(places)]]
    env = dict(zip(places, series, strict=True))
    walk = _Walk(inputs[0].builder, steps)
    back = [value for _, value in body.outputs[:count]]
    walk.run(body, env, list(zip(places[:count], back, strict=True)), order)
    return walk, env, order


def _scan(inputs: Sequence[Tensor], attrs: Attrs) -> list[Tensor]:
    body, count = _cell(attrs)
    _, env, order = _forward(inputs, attrs)
    made = [env[value] for _, value in body.outputs]
    return [one.at(order[-1]) for one in made[:count]] + [one.of_samples() for one in made[count:]]


def _scan_grad(inputs: Sequence[Tensor], attrs: Attrs) -> list[Tensor]:
    body, count = _cell(attrs)
    back, wanted = cast("Program", attrs["back"]), cast("tuple[int, ...]", attrs["wanted"])
    walk, forward, order = _forward(inputs, attrs)
    own, order = len(body.inputs), order[::-1]
    places = [given.value for given in back.inputs]
    env = {place: forward[given.value] for place, given in zip(places, body.inputs, strict=False)}
    states = real_states(body, count)
    for number, (place, x) in enumerate(zip(places[own:], inputs[own:], strict=True)):
        carried = number < len(states)
        env[place] = (
            _starting(walk.steps, order[0], x) if carried else _Series(walk.steps, whole=turned(x))
        )
    made = [value for _, value in back.outputs]
    walk.run(back, env, [(places[own + k], made[state]) for k, state in enumerate(states)], order)
    rows, timed = back.define(), stepped(body)
    found = []
    for number, value in enumerate(made):
        place = wanted[number] if number < len(wanted) else count  # inside, as what is timed
        if place < count:
            found.append(env[value].at(order[-1]))
        elif place < count + timed:
            found.append(env[value].of_samples())
        else:
            found.append(_total(value, rows, env))
    return found


# linear in all their operands together; in each of two when the other stays
_JOINTLY = frozenset({"add", "sub", "neg", "reshape", "permute", "broadcast_to", "pad", "slice"})
_EITHER = frozenset({"mul", "matmul"})


def _total(value: int, rows: Mapping[int, Row], env: Mapping[int, _Series]) -> Tensor:
    """The sum of a value over all steps.

    A sum over samples is taken over all steps at once; what is linear in values of each step is
    done once with their sums.
    """
    series, row = env[value], rows.get(value)
    if series.shared is not None:
        return series.shared * float(series.steps)
    if series.steps == 1:
        return series.at(0)
    builder = series.at(0).builder
    given = [] if row is None else [env[operand] for operand in row.inputs]
    timed = [one.timed for one in given]
    if row is not None:
        with builder.at(row.path):
            made = summed(row, [one.all() for one in given]) if all(timed) else None
            if made is not None:
                return made
            if row.op in _JOINTLY or (row.op in _EITHER and timed.count(True) == 1):
                sums = [
                    _total(v, rows, env) if one.timed or row.op in _JOINTLY else one.at(0)
                    for v, one in zip(row.inputs, given, strict=True)
                ]
                return builder.emit(row.op, sums, **dict(row.attrs))[0]
    if series.lifted:
        return reduce_sum(series.all(), 0)
    total = series.at(0)
    for step in range(1, series.steps):
        total = total + series.at(step)
    return total
