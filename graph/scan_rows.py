"""A scan as one row: one step of its cell is a program of its own, which the row carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from graph.graph import Graph, Node
from graph.primitives import random_uniform, reshape, scan, slice_axis, zeros
from graph.program import Input, InputKind, Program, Row, TensorType
from graph.scanned import Roles, check_states, one_step, over_time, roles_of, with_states
from graph.simplify import drop_dead
from graph.subgraph import Scan
from graph.tensor import Tensor

if TYPE_CHECKING:
    from graph.trace import Trace

Given = Mapping[str, Tensor]


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
    inputs = [*roles.states, *roles.stepped, *roles.context]
    fed = {id: cell.builder.input("batch", _key(roles, id), given[id]) for id in inputs}
    made = step(fed)
    kinds = {id: tensor.type for id, tensor in made.items()}
    check_states(roles, order, given, kinds)
    over_time(op, roles, steps, kinds, found.batch)
    for key, tensor in cell.param_tensors.items():
        found.param_tensors[key] = found.builder.input("param", key, tensor.type)
    if len(made) < len(roles.outputs):
        return {}
    with found.builder.at(path):
        return _emit(found, cell, op, roles, wired, made, steps)


def _key(roles: Roles, id: str) -> str:
    """What an input of the cell is called in its program."""
    kind = "carry" if id in roles.states else "step" if id in roles.stepped else "context"
    return f"{kind}:{id}"


def _emit(
    found: Trace,
    cell: Trace,
    op: Scan,
    roles: Roles,
    wired: Given,
    made: Given,
    steps: int,
) -> dict[str, Tensor]:
    """The row of the scan, and what comes out of it."""
    last = op.returns == "last"
    fed_by = {output: number for number, output in enumerate(roles.states.values())}
    stacked = [id for id in roles.outputs if not last or id not in fed_by]
    outputs = {f"carry:{id}": made[feeds] for id, feeds in roles.states.items()}
    outputs |= {f"stack:{id}": made[id] for id in stacked}
    body, noise = _body(drop_dead(cell.builder.finish("cell", outputs)))
    builder, batch = found.builder, found.batch
    like = next(iter(wired.values()))
    known = {_key(roles, id): tensor for id, tensor in wired.items()}
    for key, (stream, kind) in noise.items():
        shape = (kind.shape[0], steps, *kind.shape[1:])
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
    count = len(roles.states)
    results = scan(body, operands[:count], operands[count:], op.reverse)
    series = dict(zip(stacked, results[count:], strict=True))
    if not last:
        return {id: series[id] for id in roles.outputs}
    end = 0 if op.reverse else steps - 1
    return {
        id: results[fed_by[id]] if id in fed_by else _at(series[id], end, batch)
        for id in roles.outputs
    }


def _at(x: Tensor, step: int, batch: int) -> Tensor:
    return reshape(slice_axis(x, 1, step, step + 1), (batch, *x.shape[2:]))


def _body(program: Program) -> tuple[Program, dict[str, tuple[str, TensorType]]]:
    """The program of one step as `scan` takes it, and the noise that it then gets at each step.

    The noise is given by key: its stream and its type. So each step has its own, as every other
    call of a layer that drops at random.
    """
    noise: dict[str, tuple[str, TensorType]] = {}
    drawn: list[Input] = []
    rows: list[Row] = []
    for row in program.rows:
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
