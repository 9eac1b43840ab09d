"""A drawn cell scanned over time: one row whose body is a program, and the row of its gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import cast

from graph.primitives.shape import concat, reshape, slice_axis
from graph.primitives.table import Gradients, Primitive, Tensors, Types, register
from graph.program import Attrs, Program, Row, TensorType
from graph.tensor import Tensor

# where a value is inside a scan: a value of its body; or an output of a scan that is a row of it,
# and where the value is inside that
Inside = tuple[int, ...]


def scan(
    body: Program, carries: Sequence[Tensor], inputs: Sequence[Tensor], reverse: bool = False
) -> tuple[Tensor, ...]:
    """Run `body` for each step of axis 1 of `inputs`; returns the last carries, then the stacked
    outputs N×T×….

    `body`'s inputs are, in order: the carries, one time step of each input (N×…), then shared
    values such as weights, which follow the time inputs in `inputs` untouched: `body`'s batch
    inputs named `carry:*`, `step:*` and anything else say which is which. Its outputs are the new
    carries in order, then the values to stack. `reverse` walks from the last step to the first.
    """
    return inputs[0].builder.emit(
        "scan", (*carries, *inputs), body=body, carries=len(carries), reverse=reverse
    )


def stepped(body: Program) -> int:
    """How many inputs of a body get one step at a time."""
    return sum(given.key.startswith("step:") for given in body.inputs)


def real_states(body: Program, count: int) -> list[int]:
    """The numbers of the carries that are made of real numbers, which alone have gradients."""
    made = body.outputs[:count]
    return [k for k, (_, value) in enumerate(made) if body.types[value].dtype == "real"]


def _body(attrs: Attrs) -> tuple[Program, int]:
    return cast("Program", attrs["body"]), cast("int", attrs["carries"])


def _order(steps: int, attrs: Attrs) -> list[int]:
    return list(range(steps))[:: -1 if attrs["reverse"] else 1]


def _at(x: Tensor, step: int) -> Tensor:
    """N×… of N×T×…."""
    return reshape(slice_axis(x, 1, step, step + 1), (x.shape[0], *x.shape[2:]))


def _stack(series: dict[int, Tensor]) -> Tensor:
    """N×T×… from N×… of each step."""
    ordered = [series[step] for step in sorted(series)]
    return concat([reshape(x, (x.shape[0], 1, *x.shape[1:])) for x in ordered], 1)


def _run(body: Program, given: Sequence[Tensor]) -> list[Tensor]:
    """The outputs of `body` for these inputs, in the builder of the first."""
    known = {i.value: tensor for i, tensor in zip(body.inputs, given, strict=True)}
    values = given[0].builder.inline(body, known)
    return [values[value] for _, value in body.outputs]


def _scan_type(types: Types, attrs: Attrs) -> Types:
    body, carries = _body(attrs)
    steps = types[carries].shape[1]
    made = [body.types[value] for _, value in body.outputs]
    stacked = [TensorType((t.shape[0], steps, *t.shape[1:]), t.dtype) for t in made[carries:]]
    return (*made[:carries], *stacked)


def _scan_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    body, count = _body(attrs)
    timed = inputs[count : count + stepped(body)]
    carries, shared = list(inputs[:count]), inputs[count + len(timed) :]
    collected: list[dict[int, Tensor]] = [{} for _ in body.outputs[count:]]
    for step in _order(timed[0].shape[1], attrs):
        results = _run(body, [*carries, *(_at(x, step) for x in timed), *shared])
        carries = results[:count]
        for series, value in zip(collected, results[count:], strict=True):
            series[step] = value
    return [*carries, *map(_stack, collected)]


@lru_cache(maxsize=256)
def _pullback(body: Program, carries: int, inside: Inside = ()) -> tuple[Program, tuple[int, ...]]:
    """The gradient of a body, and which of its inputs have one, all carries among them; then that
    of the value inside.
    """
    from graph.autodiff import pullback  # which knows this table

    return pullback(body, carries, inside)


def _scan_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    body, count = _body(attrs)
    back, wanted = _pullback(body, count)
    given = [g for y, g in zip(outputs, gradients, strict=True) if y.dtype == "real"]
    found = inputs[0].builder.emit(
        "scan_grad", (*inputs, *given), back=back, wanted=wanted, **dict(attrs)
    )
    parts = dict(zip(wanted, found, strict=True))
    return [parts.get(place) for place in range(len(inputs))]


def slope_inside(row: Row, gradients: Tensors, inside: Inside) -> Tensor:
    """The gradient to a value of the body of a scan at all its steps, N×T×…, from those to the real
    outputs of its row. The way back is the same, so it costs a program that has it hardly a row.
    """
    builder, attrs = gradients[0].builder, dict(row.attrs)
    body, count = _body(attrs)
    back, wanted = _pullback(body, count, inside)
    given = (*(Tensor(builder, number) for number in row.inputs), *gradients)
    return builder.emit("scan_grad", given, back=back, wanted=wanted, **attrs)[-1]


def _scan_grad_type(types: Types, attrs: Attrs) -> Types:
    """Gradients to inputs, then to the value that is asked for inside, of all steps."""
    _, count = _body(attrs)
    back, wanted = cast("Program", attrs["back"]), cast("tuple[int, ...]", attrs["wanted"])
    inside = [back.types[value] for _, value in back.outputs[len(wanted) :]]
    steps = types[count].shape[1]
    series = (TensorType((t.shape[0], steps, *t.shape[1:]), t.dtype) for t in inside)
    return (*(types[place] for place in wanted), *series)


def _scan_grad_expand(inputs: Sequence[Tensor], attrs: Attrs) -> Sequence[Tensor]:
    """The walk once more, whose rows a program has already, then back step by step."""
    body, count = _body(attrs)
    back = cast("Program", attrs["back"])
    wanted = cast("tuple[int, ...]", attrs["wanted"])
    timed = inputs[count : count + stepped(body)]
    shared = inputs[count + len(timed) : len(body.inputs)]
    states = real_states(body, count)
    d_carries = list(inputs[len(body.inputs) :][: len(states)])
    d_stacked = inputs[len(body.inputs) + len(states) :]
    order = _order(timed[0].shape[1], attrs)
    trail = [list(inputs[:count])]
    for step in order[:-1]:
        now = [*trail[-1], *(_at(x, step) for x in timed), *shared]
        trail.append(_run(body, now)[:count])
    walked: dict[int, dict[int, Tensor]] = {}
    for step, carries in zip(reversed(order), reversed(trail), strict=True):
        now = [*carries, *(_at(x, step) for x in timed), *shared]
        given = [*now, *d_carries, *(_at(g, step) for g in d_stacked)]
        known = {i.value: tensor for i, tensor in zip(back.inputs, given, strict=True)}
        walked[step] = inputs[0].builder.inline(back, known)
        d_carries = [walked[step][back.outputs[k][1]] for k in states]
    found = [walked[order[0]][value] for _, value in back.outputs[:count]]
    rows = back.define()
    inside = len(back.outputs) - len(wanted)  # of each step, as what is timed
    places = (*wanted[count:], *[0] * inside)
    for place, (_, value) in zip(places, back.outputs[count:], strict=True):
        if place < count + len(timed):
            found.append(_stack({step: values[value] for step, values in walked.items()}))
        else:
            in_order = [walked[step] for step in sorted(walked)]
            found.append(_total(rows.get(value), value, in_order))
    return found


def _total(row: Row | None, value: int, walked: Sequence[Mapping[int, Tensor]]) -> Tensor:
    """The sum of a value over the steps; a sum over samples is taken over all steps at once."""
    if row is not None and len(walked) > 1:
        attrs = dict(row.attrs)
        product = row.op == "matmul" and attrs["transpose_a"] and not attrs["transpose_b"]
        over = row.op == "sum" and attrs["axes"] == (0,)
        if (product and len(walked[0][value].shape) == 2) or over:
            beside = [concat([values[v] for values in walked], 0) for v in row.inputs]
            return beside[0].builder.emit(row.op, beside, **attrs)[0]
    total = walked[0][value]
    for values in walked[1:]:
        total = total + values[value]
    return total


register(Primitive("scan", "composite", _scan_type, _scan_vjp, _scan_expand))
register(Primitive("scan_grad", "composite", _scan_grad_type, None, _scan_grad_expand))
