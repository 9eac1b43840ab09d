"""A scan as one row: one step of its cell is a program of its own, which the row carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from graph.graph import Graph, Node
from graph.primitives import (
    arange,
    greater,
    one_hot,
    random_uniform,
    reduce_sum,
    reshape,
    scan,
    slice_axis,
    to_int,
    to_real,
    where,
    zeros,
)
from graph.program import Input, InputKind, Program, Row, TensorType
from graph.rebuild import live_rows
from graph.scanned import Roles, check_states, one_step, over_time, roles_of, with_states
from graph.subgraph import LENGTH, Scan
from graph.tensor import Tensor

if TYPE_CHECKING:
    from graph.trace import Trace

Given = Mapping[str, Tensor]
VALID = "step:not ended"  # whether a sample still has the step; no id has a space


def scanned(
    found: Trace,
    cell: Trace,
    definition: Graph,
    node: Node,
    path: str,
    ports: Mapping[str, object],
    step: Callable[[Given], Given],
) -> dict[str, Tensor]:
    """The outputs of a scan; none while one is unknown.

    `ports` has the operand of each port, in their order. `step` walks the definition once, in
    `cell`, and gives what reaches its outputs. Raises ShapeError or SettingError.
    """
    from graph.trace import reached  # which walks scans itself

    op = cast("Scan", node.op)
    wired = {id: tensor for id, tensor in ports.items() if isinstance(tensor, Tensor)}
    roles, order = roles_of(op, definition), list(ports)
    types = [wired[id].type if id in wired else None for id in order]
    given, steps = one_step(roles, order, types)
    given = with_states(
        definition, roles, given, lambda fed: reached(definition, fed, found.mode, found.batch)
    )
    fed = {id: cell.builder.input("batch", _key(roles, id), given[id]) for id in roles.inputs}
    made = step(fed)
    kinds = {id: tensor.type for id, tensor in made.items()}
    check_states(roles, order, given, kinds)
    over_time(op, roles, steps, kinds, found.batch)
    for key, tensor in cell.param_tensors.items():
        found.param_tensors[key] = found.builder.input("param", key, tensor.type)
    if len(made) < len(roles.outputs):
        return {}
    carried = {id: made[feeds] for id, feeds in roles.states.items()}
    if LENGTH in wired and LENGTH not in fed:
        with cell.builder.at(path):
            valid = cell.builder.input("batch", VALID, TensorType((found.batch,)))
            carried = {id: _where(valid, tensor, fed[id]) for id, tensor in carried.items()}
            made = {id: _where(valid, tensor, 0.0) for id, tensor in made.items()}
    row = _Scan(found, cell, roles, wired, carried, made, steps, op.reverse, path)
    cell.series = row.series
    with found.builder.at(path):
        return row.outputs(op.returns == "last")


def _where(valid: Tensor, then: Tensor, other: Tensor | float) -> Tensor:
    """`then` for the samples whose sequence has not ended, if it is made of numbers."""
    if then.dtype != "real":
        return then
    return where(reshape(valid, (valid.shape[0], *(1,) * (then.rank - 1))), then, other)


def _key(roles: Roles, id: str) -> str:
    """What an input of the cell is called in its program."""
    kind = "carry" if id in roles.states else "step" if id in roles.stepped else "context"
    return f"{kind}:{id}"


@dataclass(frozen=True)
class _Scan:
    """All that the row of a scan is made of, but what it keeps of each step."""

    found: Trace
    cell: Trace
    roles: Roles
    wired: Given
    carried: Given
    made: Given
    steps: int
    reverse: bool
    path: str

    def outputs(self, last: bool) -> dict[str, Tensor]:
        """What comes out of the scan."""
        roles = self.roles
        fed_by = {output: number for number, output in enumerate(roles.states.values())}
        stacked = [id for id in roles.outputs if not last or id not in fed_by]
        results = self._row({f"stack:{id}": self.made[id] for id in stacked})
        rows = reversed(self.found.builder.rows)
        self.cell.scan = next(row for row in rows if results[0].id in row.outputs)
        series = dict(zip(stacked, results[len(roles.states) :], strict=True))
        if not last:
            return {id: series[id] for id in roles.outputs}
        return {
            id: results[fed_by[id]] if id in fed_by else self._end(series[id])
            for id in roles.outputs
        }

    def _end(self, series: Tensor) -> Tensor:
        """What a series is at the end of the walk."""
        length = self.wired.get(LENGTH)
        if self.reverse or length is None or LENGTH in self.roles.inputs:
            return _at(series, 0 if self.reverse else self.steps - 1)
        chosen = slice_axis(one_hot(length, self.steps + 1), 1, 1, self.steps + 1)
        alone = reshape(chosen, (*chosen.shape, *(1,) * (series.rank - 2)))
        if series.dtype == "int":
            return to_int(reduce_sum(to_real(series) * alone, 1))
        return reduce_sum(series * alone, 1)

    def _valid(self, length: Tensor) -> Tensor:
        """N×T: 1 up to the length of each sequence, then 0."""
        steps = reshape(arange(length.builder, self.steps), (1, self.steps))
        return greater(reshape(to_real(length), (length.shape[0], 1)), steps)

    def series(self, inside: Tensor) -> Tensor:
        """A value of the cell at all steps. Its rows are those of the scan that is there."""
        return self._row({"stack:watched": inside})[-1]

    def _row(self, kept: Given) -> tuple[Tensor, ...]:
        """The last states, then all steps of what is kept of each."""
        states, builder = self.roles.states, self.found.builder
        outputs = {f"carry:{id}": tensor for id, tensor in self.carried.items()} | dict(kept)
        body, noise = _body(self.cell.builder.finish("cell", outputs))
        like = next(iter(self.wired.values()))
        inputs = {id: tensor for id, tensor in self.wired.items() if id in self.roles.inputs}
        known = {_key(self.roles, id): tensor for id, tensor in inputs.items()}
        if LENGTH in self.wired and LENGTH not in inputs:
            known[VALID] = self._valid(self.wired[LENGTH])
        for key, (stream, kind) in noise.items():
            shape = (kind.shape[0], self.steps, *kind.shape[1:])
            known[key] = random_uniform(builder, stream, shape)
        operands = []
        for given in body.inputs:
            kind = body.types[given.value]
            if given.key in known:
                operands.append(known[given.key])
            elif given.key.startswith("carry:"):
                operands.append(zeros(like, kind.shape))
            else:
                outer, _, key = given.key.partition(":")
                operands.append(builder.input(cast("InputKind", outer), key, kind))
        with builder.at(self.path):
            return scan(body, operands[: len(states)], operands[len(states) :], self.reverse)


def _at(x: Tensor, step: int) -> Tensor:
    """N×… of N×T×…."""
    return reshape(slice_axis(x, 1, step, step + 1), (x.shape[0], *x.shape[2:]))


def _body(program: Program) -> tuple[Program, dict[str, tuple[str, TensorType]]]:
    """The program of one step as `scan` takes it, and the noise that it then gets at each step.

    Its values keep their numbers: those of the trace of the cell are found by them.
    The noise is given by key: its stream and its type. So each step has its own, as every other
    call of a layer that drops at random.
    """
    noise: dict[str, tuple[str, TensorType]] = {}
    drawn: list[Input] = []
    rows: list[Row] = []
    for row in (program.rows[k] for k in live_rows(program, program.rows)):
        if row.op == "random_uniform":
            key, made = f"step:{row.attr('stream')}", row.outputs[0]
            noise[key] = row.attr("stream"), program.types[made]
            drawn.append(Input("batch", key, made))
        else:
            rows.append(row)
    read = {value for row in rows for value in row.inputs} | program.live_out()
    kept = list(_kept(program, read, drawn))
    return replace(program, inputs=tuple(kept), rows=tuple(rows), _hash=0), noise


def _kept(program: Program, read: set[int], drawn: list[Input]) -> Iterator[Input]:
    """Carries, steps, noise, then what every step shares, as far as that is read."""
    for kind in ("carry:", "step:"):
        yield from (i for i in program.inputs if i.kind == "batch" and i.key.startswith(kind))
    yield from drawn
    for given in program.inputs:
        own = given.kind != "batch"
        if given.value in read and (own or given.key.startswith("context:")):
            key = f"{given.kind}:{given.key}" if own else given.key
            yield Input("batch", key, given.value)
