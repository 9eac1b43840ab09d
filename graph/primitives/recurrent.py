"""Recurrent layers as composite rows: one row runs a cell over all steps of a sequence.

The product of the inputs with their weights has no recurrence, so it is no part of these rows: they
take it, biases added, as N×T×G (G numbers a step) and add the product of the state before. The
state starts at 0. What the gradient needs of every step is an output, too. `reverse` walks from the
last step to the first. The operand `length` (N reals, one a sample) ends sequences early: at step
`length` and later, state and outputs are 0, so a reverse walk begins at the last valid step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from graph.primitives.elementwise import greater, relu, relu_grad, sigmoid, tanh
from graph.primitives.linear import matmul
from graph.primitives.reduction import reduce_sum
from graph.primitives.shape import concat, known_number, pad, reshape, slice_axis, zeros
from graph.primitives.table import Gradients, Primitive, Tensors, Types, register, text
from graph.program import Attrs, ShapeError, TensorType
from graph.tensor import Tensor

Parts = Sequence[Tensor]


def _given(length: Tensor | None) -> tuple[Tensor, ...]:
    return () if length is None else (length,)


def _at(x: Tensor, step: int) -> Tensor:
    """N×K of N×T×K."""
    return reshape(slice_axis(x, 1, step, step + 1), (x.shape[0], x.shape[2]))


def _stack(series: dict[int, Tensor]) -> Tensor:
    """N×T×K from N×K of each step."""
    ordered = [series[step] for step in sorted(series)]
    return concat([reshape(x, (x.shape[0], 1, x.shape[1])) for x in ordered], 1)


def _pieces(x: Tensor, count: int) -> list[Tensor]:
    """The gates beside each other in N×count·H."""
    size = x.shape[1] // count
    return [slice_axis(x, 1, k * size, (k + 1) * size) for k in range(count)]


def _order(steps: int, attrs: Attrs) -> list[int]:
    return list(range(steps))[:: -1 if attrs["reverse"] else 1]


def _valid(length: Parts, step: int, *values: Tensor) -> list[Tensor]:
    """The values, 0 where the sequence has ended."""
    if not length:
        return list(values)
    mask = reshape(greater(length[0], float(step)), (length[0].shape[0], 1))
    return [value * mask for value in values]


def _sum(*parts: Tensor | None) -> Tensor:
    """The sum of those that are there."""
    known = [part for part in parts if part is not None]
    total = known[0]
    for part in known[1:]:
        total = total + part
    return total


def _before(x: Tensor, attrs: Attrs) -> Tensor:
    """N·T×K: what x (N×T×K) was a step earlier in the walk, 0 at its start."""
    n, steps, size = x.shape
    if steps == 1:
        return zeros(x, (n, size))
    if attrs["reverse"]:
        moved = pad(slice_axis(x, 1, 1, steps), (0, 0, 0), (0, 1, 0))
    else:
        moved = pad(slice_axis(x, 1, 0, steps - 1), (0, 1, 0), (0, 0, 0))
    return reshape(moved, (n * steps, size))


def _flat(x: Tensor) -> Tensor:
    return reshape(x, (x.shape[0] * x.shape[1], x.shape[2]))


def _check(types: Types, gates: int) -> tuple[int, int, int]:
    """(N, T, H) of the operands gates N×T×G·H and weights G·H×H."""
    x, weight = types[0].shape, types[1].shape
    if len(x) != 3 or len(weight) != 2 or weight[0] != gates * weight[1] or x[2] != weight[0]:
        expected = f"N×T×{gates}H and {gates}H×H"
        raise ShapeError(f"{text(x)} and {text(weight)}", expected, operand=1)
    return x[0], x[1], weight[1]


def _reals(*shapes: tuple[int, ...]) -> Types:
    return tuple(TensorType(shape, "real") for shape in shapes)


def _gradient_row(
    name: str, kept: Parts, gradients: Parts, length: Parts, attrs: Attrs
) -> tuple[Tensor, ...]:
    """Emit a gradient row: what it needs of the walk, the gradients that are not 0, the lengths.

    `also` are the numbers of the outputs behind the first that have a gradient: the values of a
    step are read by gradients only, so this is the gradient of a gradient.
    """
    also = tuple(k for k, g in enumerate(gradients) if k and known_number(g) != 0.0)
    given = [gradients[0], *(gradients[k] for k in also)]
    emit = gradients[0].builder.emit
    return emit(name, (*kept, *given, *length), also=also, masked=bool(length), **attrs)


def _operands(inputs: Tensors, kept: int, attrs: Attrs) -> tuple[Parts, dict[int, Tensor], Parts]:
    """(kept values, gradients by number of the output, lengths) of a gradient row."""
    also = cast("tuple[int, ...]", attrs["also"])
    after = kept + 1 + len(also)
    return inputs[:kept], dict(zip((0, *also), inputs[kept:after], strict=True)), inputs[after:]


def _gradient_at(gradients: dict[int, Tensor], output: int, step: int) -> Tensor | None:
    return _at(gradients[output], step) if output in gradients else None


# ---- a layer of one tanh or relu (Elman 1990)


def rnn_scan(
    x: Tensor,
    weight: Tensor,
    length: Tensor | None = None,
    reverse: bool = False,
    nonlinearity: str = "tanh",
) -> Tensor:
    """hₜ = f(xₜ + W hₜ₋₁) at every step: x N×T×H, weight H×H, result N×T×H.

    `nonlinearity` f is `tanh` or `relu`.
    """
    operands = (x, weight, *_given(length))
    return x.builder.emit("rnn_scan", operands, reverse=reverse, nonlinearity=nonlinearity)[0]


def _rnn_type(types: Types, attrs: Attrs) -> Types:
    return _reals(_check(types, 1))


def _rnn_expand(inputs: Tensors, attrs: Attrs) -> Tensors:
    x, weight, *length = inputs
    f: Callable[[Tensor], Tensor] = tanh if attrs["nonlinearity"] == "tanh" else relu
    h: Tensor | None = None
    found = dict[int, Tensor]()
    for step in _order(x.shape[1], attrs):
        product = None if h is None else matmul(h, weight, transpose_b=True)
        (h,) = _valid(length, step, f(_sum(_at(x, step), product)))
        found[step] = h
    return [_stack(found)]


def _rnn_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    _, weight, *length = inputs
    (d,) = _gradient_row("rnn_scan_grad", (weight, outputs[0]), gradients, length, attrs)
    d_weight = matmul(_flat(d), _before(outputs[0], attrs), transpose_a=True)
    return [d, d_weight, *(None for _ in length)]


def _rnn_grad_type(types: Types, attrs: Attrs) -> Types:
    return _reals(types[1].shape)


def _rnn_grad_expand(inputs: Tensors, attrs: Attrs) -> Tensors:
    """The gradient to what f is applied to."""
    (weight, h), g, length = _operands(inputs, 2, attrs)
    back, found = None, dict[int, Tensor]()
    for step in reversed(_order(h.shape[1], attrs)):
        (d,) = _valid(length, step, _sum(_at(g[0], step), back))
        y = _at(h, step)
        found[step] = d * (1.0 - y * y) if attrs["nonlinearity"] == "tanh" else relu_grad(y, d)
        back = matmul(found[step], weight)
    return [_stack(found)]


# ---- long short-term memory (Hochreiter & Schmidhuber 1997; forget gate Gers et al. 2000)


def lstm_scan(
    x: Tensor, weight: Tensor, length: Tensor | None = None, reverse: bool = False
) -> tuple[Tensor, ...]:
    """A walk of an LSTM cell: x N×T×4H, weight 4H×H, gates in the order i, f, g, o.

    c = f·c + i·g and h = o·tanh(c); returns (h N×T×H, c N×T×H, the gates' values N×T×4H).
    """
    return x.builder.emit("lstm_scan", (x, weight, *_given(length)), reverse=reverse)


def _lstm_type(types: Types, attrs: Attrs) -> Types:
    n, steps, size = _check(types, 4)
    return _reals((n, steps, size), (n, steps, size), (n, steps, 4 * size))


def _lstm_expand(inputs: Tensors, attrs: Attrs) -> Tensors:
    x, weight, *length = inputs
    h = c = None
    hs, cs, gates = dict[int, Tensor](), dict[int, Tensor](), dict[int, Tensor]()
    for step in _order(x.shape[1], attrs):
        product = None if h is None else matmul(h, weight, transpose_b=True)
        i, f, g, o = _pieces(_sum(_at(x, step), product), 4)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        kept = None if c is None else f * c
        c = _sum(kept, i * g)
        h, c = _valid(length, step, o * tanh(c), c)
        hs[step], cs[step], gates[step] = h, c, concat([i, f, g, o], 1)
    return [_stack(hs), _stack(cs), _stack(gates)]


def _lstm_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    _, weight, *length = inputs
    h, c, gates = outputs
    (d,) = _gradient_row("lstm_scan_grad", (weight, c, gates), gradients, length, attrs)
    d_weight = matmul(_flat(d), _before(h, attrs), transpose_a=True)
    return [d, d_weight, *(None for _ in length)]


def _gates_type(types: Types, attrs: Attrs) -> Types:
    return _reals(types[2].shape)


def _lstm_grad_expand(inputs: Tensors, attrs: Attrs) -> Tensors:
    """The gradient to the gates before their nonlinearities."""
    (weight, cs, gates), given, length = _operands(inputs, 3, attrs)
    order, found = _order(cs.shape[1], attrs), dict[int, Tensor]()
    back = kept = None
    for step, before in zip(order[::-1], [*order[-2::-1], None], strict=True):
        i, f, g, o = _pieces(_at(gates, step), 4)
        (dh,) = _valid(length, step, _sum(_at(given[0], step), back))
        top = tanh(_at(cs, step))
        through = [p for p in (kept, _gradient_at(given, 1, step)) if p is not None]
        dc = _sum(dh * o * (1.0 - top * top), *_valid(length, step, *through))
        c = zeros(cs, f.shape) if before is None else _at(cs, before)
        d = concat([dc * g, dc * c, dc * i, dh * top], 1)
        d_i, d_f, d_g, d_o = _pieces(_sum(d, _gradient_at(given, 2, step)), 4)
        slopes = [
            d_i * i * (1.0 - i),
            d_f * f * (1.0 - f),
            d_g * (1.0 - g * g),
            d_o * o * (1.0 - o),
        ]
        found[step] = concat(slopes, 1)
        back, kept = matmul(found[step], weight), dc * f
    return [_stack(found)]


# ---- gated recurrent unit (Cho et al. 2014, with the reset gate behind the product, as PyTorch)


def gru_scan(
    x: Tensor, weight: Tensor, bias: Tensor, length: Tensor | None = None, reverse: bool = False
) -> tuple[Tensor, ...]:
    """A walk of a GRU cell: x N×T×3H, weight 3H×H, gates in the order r, z, n; bias H.

    q = Wₙ h + bias, n = tanh(xₙ + r·q) and h = (1 − z)·n + z·h; returns (h N×T×H, values of r, z,
    n and q beside each other N×T×4H).
    """
    return x.builder.emit("gru_scan", (x, weight, bias, *_given(length)), reverse=reverse)


def _gru_type(types: Types, attrs: Attrs) -> Types:
    n, steps, size = _check(types, 3)
    return _reals((n, steps, size), (n, steps, 4 * size))


def _gru_expand(inputs: Tensors, attrs: Attrs) -> Tensors:
    x, weight, bias, *length = inputs
    size = weight.shape[1]
    h, hs, gates = zeros(x, (x.shape[0], size)), dict[int, Tensor](), dict[int, Tensor]()
    for step in _order(x.shape[1], attrs):
        at, product = _at(x, step), matmul(h, weight, transpose_b=True)
        both = sigmoid(slice_axis(at, 1, 0, 2 * size) + slice_axis(product, 1, 0, 2 * size))
        r, z = _pieces(both, 2)
        q = slice_axis(product, 1, 2 * size, 3 * size) + bias
        n = tanh(slice_axis(at, 1, 2 * size, 3 * size) + r * q)
        (h,) = _valid(length, step, (1.0 - z) * n + z * h)
        hs[step], gates[step] = h, concat([r, z, n, q], 1)
    return [_stack(hs), _stack(gates)]


def _gru_vjp(inputs: Tensors, outputs: Tensors, gradients: Tensors, attrs: Attrs) -> Gradients:
    _, weight, _, *length = inputs
    h, gates = outputs
    (d,) = _gradient_row("gru_scan_grad", (weight, h, gates), gradients, length, attrs)
    size = weight.shape[1]
    d_q = slice_axis(d, 2, 3 * size, 4 * size)
    own = concat([slice_axis(d, 2, 0, 2 * size), d_q], 2)
    d_weight = matmul(_flat(own), _before(h, attrs), transpose_a=True)
    d_x = slice_axis(d, 2, 0, 3 * size)
    return [d_x, d_weight, reduce_sum(d_q, (0, 1)), *(None for _ in length)]


def _gru_grad_expand(inputs: Tensors, attrs: Attrs) -> Tensors:
    """The gradient to r, z and n before their nonlinearities, and to q."""
    (weight, hs, gates), given, length = _operands(inputs, 3, attrs)
    order, found, back = _order(hs.shape[1], attrs), dict[int, Tensor](), None
    for step, before in zip(order[::-1], [*order[-2::-1], None], strict=True):
        r, z, n, q = _pieces(_at(gates, step), 4)
        (dh,) = _valid(length, step, _sum(_at(given[0], step), back))
        h = zeros(hs, n.shape) if before is None else _at(hs, before)
        extra = _gradient_at(given, 1, step)
        e_r, e_z, e_n, e_q = [None] * 4 if extra is None else _pieces(extra, 4)
        d_n = _sum(dh * (1.0 - z), e_n) * (1.0 - n * n)
        d_r = _sum(d_n * q, e_r) * r * (1.0 - r)
        d_z = _sum(dh * (h - n), e_z) * z * (1.0 - z)
        d_q = _sum(d_n * r, e_q)
        found[step] = concat([d_r, d_z, d_n, d_q], 1)
        back = matmul(concat([d_r, d_z, d_q], 1), weight) + dh * z
    return [_stack(found)]


for _name, _infer, _vjp, _expand, _length in (
    ("rnn_scan", _rnn_type, _rnn_vjp, _rnn_expand, 2),
    ("lstm_scan", _lstm_type, _lstm_vjp, _lstm_expand, 2),
    ("gru_scan", _gru_type, _gru_vjp, _gru_expand, 3),
):
    register(Primitive(_name, "composite", _infer, _vjp, _expand, constant=frozenset({_length})))
register(Primitive("rnn_scan_grad", "composite", _rnn_grad_type, None, _rnn_grad_expand))
register(Primitive("lstm_scan_grad", "composite", _gates_type, None, _lstm_grad_expand))
register(Primitive("gru_scan_grad", "composite", _gates_type, None, _gru_grad_expand))
