"""Reverse-mode differentiation: rows in, rows out.

Backpropagation as a rewrite of the program (Goodfellow et al. 2016, §6.5). Gradients are ordinary
rows, so they can be differentiated again. A composite row without a gradient of its own is
replaced by its expansion, and that is differentiated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from graph.again import Again, Coming, Readers
from graph.primitives.scan import Inside, slope_inside
from graph.primitives.shape import broadcast_to, to_real_scalar
from graph.primitives.table import PRIMITIVES
from graph.program import Program, Row
from graph.simplify import drop_dead
from graph.tensor import Builder, Place, Tensor


def gradients(loss: Tensor, wrt: Sequence[Tensor]) -> list[Tensor]:
    """∂loss/∂v for each v of `wrt`, as new rows of the same builder.

    `loss` has shape (); a v that does not reach it gets zeros. Raises ValueError for another shape.
    """
    if loss.shape != ():
        raise ValueError(
            f"found a loss of shape {loss.shape}, expected one number; reduce it first"
        )
    builder = loss.builder
    seed = to_real_scalar(builder.constant(1.0))
    found = _swept(builder, loss, seed, {t.id for t in wrt})
    return [found[t.id] if t.id in found else _zeros(builder, t) for t in wrt]


def pullback(program: Program, always: int, inside: Inside = ()) -> tuple[Program, tuple[int, ...]]:
    """The gradients to the inputs of a program, and the numbers of the inputs that have one.

    It takes the inputs of `program`, as values of a batch, then a gradient to each real output. The
    first `always` inputs have a gradient even where it is 0. Last comes the gradient to the value
    that is `inside`.
    """
    builder = Builder()
    inputs = [builder.input("batch", i.key, program.types[i.value]) for i in program.inputs]
    values = builder.inline(
        program, {i.value: t for i, t in zip(program.inputs, inputs, strict=True)}
    )
    rows, seeds = list(builder.rows), dict[int, Tensor]()
    for name, value in program.outputs:
        if (made := values[value]).dtype == "real":
            given = builder.input("batch", f"gradient:{name}", made.type)
            before = seeds.get(made.id)
            seeds[made.id] = given if before is None else before + given
    asked = _asked(program, values, inside)
    wrt = {t.id for t in (*inputs, *asked) if t.dtype == "real"}
    found = _sweep(builder, rows, seeds, _reached_from(rows, wrt))
    wanted = tuple(k for k, t in enumerate(inputs) if k < always or t.id in found)
    parts = {
        program.inputs[k].key: found.get(inputs[k].id, _zeros(builder, inputs[k])) for k in wanted
    }
    if inside:
        ends = [found.get(t.id, _zeros(builder, t)) for t in asked]
        parts["inside"] = ends[0]
        if len(inside) > 1:  # a cell within
            parts["inside"] = slope_inside(builder.row_of[asked[0].id], ends, inside[1:])
    return drop_dead(builder.finish(f"{program.name} backward", parts)), wanted


def _asked(program: Program, values: Mapping[int, Tensor], inside: Inside) -> list[Tensor]:
    """The values to which gradients are needed for that to the value inside."""
    if len(inside) < 2:
        return [values[value] for value in inside]
    made = (values[value] for value in program.define()[inside[0]].outputs)
    return [t for t in made if t.dtype == "real"]


def _zeros(builder: Builder, like: Tensor) -> Tensor:
    return broadcast_to(to_real_scalar(builder.constant(0.0)), like.shape)


class _Step(NamedTuple):
    """A visit of a sweep: where it begins, the number of its row, and the numbers of the gradients
    to that row's values as they were then.
    """

    place: Place
    row: int
    known: dict[int, int]


@dataclass(frozen=True)
class _Sweep:
    """A sweep: its visits and who of them reads a value, where it ended, and the numbers of all
    gradients.
    """

    steps: list[_Step]
    readers: Readers
    end: Place
    needed: set[int]
    found: dict[int, int]


def _swept(builder: Builder, loss: Tensor, seed: Tensor, wrt: set[int]) -> dict[int, Tensor]:
    """`_sweep` from a loss; after an edit only what that concerns."""
    rows, key = builder.so_far(), ("gradients", loss.id, seed.id, frozenset(wrt))
    before = builder.noted(key)
    if before is None:
        steps, needed = list[_Step](), _reached_from(rows, wrt)
        found = _sweep(builder, rows, {loss.id: seed}, needed, steps)
        readers = Readers(
            (*rows[s.row].outputs, *rows[s.row].inputs, *s.known.values()) for s in steps
        )
        numbers = {value: tensor.id for value, tensor in found.items()}
        builder.note(key, _Sweep(steps, readers, builder.place, needed, numbers))
        return found
    assert isinstance(builder, Again)
    assert isinstance(before, _Sweep)
    coming = Coming(before.readers.of(builder.touched))
    for number in coming:
        place, row, known = before.steps[number]
        given = {value: Tensor(builder, one) for value, one in known.items()}
        visit = partial(_visit, builder, rows[row], given, before.needed)
        coming.add(before.readers.of(builder.visit(place, visit)))
    builder.stand(*before.end)
    return {value: Tensor(builder, one) for value, one in before.found.items()}


def _sweep(
    builder: Builder,
    rows: Sequence[Row],
    seeds: dict[int, Tensor],
    needed: set[int],
    steps: list[_Step] | None = None,
) -> dict[int, Tensor]:
    """Gradients of values, given those of some, and of those that are `needed` on the way.

    The visits are added to `steps`.
    """
    gradient = dict(seeds)
    for number in reversed(range(len(rows))):
        row = rows[number]
        if gradient.keys().isdisjoint(row.outputs) or needed.isdisjoint(row.inputs):
            continue
        known = {v: gradient[v].id for v in (*row.outputs, *row.inputs) if v in gradient}
        if steps is not None:
            steps.append(_Step(builder.place, number, known))
        visit = partial(_visit, builder, row, gradient, needed)
        for value, part in builder.once((*row.outputs, *row.inputs, *known.values()), visit):
            gradient[value] = Tensor(builder, part)
    return gradient


def _visit(
    builder: Builder, row: Row, gradient: Mapping[int, Tensor], needed: set[int]
) -> list[tuple[int, int]]:
    """What the gradients to the operands of a row have become, by number."""
    found: dict[int, Tensor] = {}
    with builder.at(row.path):
        parts = _row_gradient(builder, row, gradient, needed)
        for value, part in zip(row.inputs, parts, strict=True):
            if part is None or value not in needed:
                continue
            before = found[value] if value in found else gradient.get(value)
            found[value] = part if before is None else before + part
    return [(value, part.id) for value, part in found.items()]


def _reached_from(rows: Sequence[Row], start: set[int]) -> set[int]:
    """Values computed from `start`, `start` included."""
    reached = set(start)
    for row in rows:
        if not reached.isdisjoint(differentiated(row)):
            reached.update(row.outputs)
    return reached


def differentiated(row: Row) -> Sequence[int]:
    """The operands that a gradient can reach through a row."""
    constant = PRIMITIVES[row.op].constant
    if not constant:
        return row.inputs
    return [v for k, v in enumerate(row.inputs) if k not in constant]


def _row_gradient(
    builder: Builder, row: Row, gradient: Mapping[int, Tensor], needed: set[int]
) -> Sequence[Tensor | None]:
    primitive = PRIMITIVES[row.op]
    inputs = [Tensor(builder, v) for v in row.inputs]
    outputs = [Tensor(builder, v) for v in row.outputs]
    given = [gradient[t.id] if t.id in gradient else _zeros(builder, t) for t in outputs]
    if primitive.vjp is not None:
        return primitive.vjp(inputs, outputs, given, dict(row.attrs))
    return _expansion_gradient(builder, row, inputs, given, needed)


def _expansion_gradient(
    builder: Builder,
    row: Row,
    inputs: list[Tensor],
    given: list[Tensor],
    needed: set[int],
) -> list[Tensor | None]:
    """Differentiate what the composite row means; equal rows are shared with its own expansion."""
    expand = PRIMITIVES[row.op].expand
    if expand is None:
        raise ValueError(f"row {row.op} at {row.path} has neither a gradient nor an expansion")
    inner = Builder()
    inner_inputs = [inner.input("batch", str(k), t.type) for k, t in enumerate(inputs)]
    results = expand(inner_inputs, dict(row.attrs))
    body = inner.finish(row.op, {str(k): t for k, t in enumerate(results)})
    known = {t.id: given_t for t, given_t in zip(inner_inputs, inputs, strict=True)}
    values = builder.inline(body, known)
    rows = _rows_of(builder, {t.id for t in values.values()} - {t.id for t in inputs})
    seeds: dict[int, Tensor] = {}
    for (_, value), part in zip(body.outputs, given, strict=True):
        result = values[value].id
        seeds[result] = seeds[result] + part if result in seeds else part
    wanted = {t.id for t in inputs if t.id in needed}
    found = _sweep(builder, rows, seeds, _reached_from(rows, wanted))
    return [found.get(t.id) if t.id in wanted else None for t in inputs]


def _rows_of(builder: Builder, values: set[int]) -> list[Row]:
    """The rows that define `values`, in program order."""
    return [row for row in builder.rows if not values.isdisjoint(row.outputs)]
