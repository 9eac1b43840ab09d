"""Rows of a program as JAX: one function a row, so that every net of the bench runs in JAX.

The forward rows only: gradients are JAX's own, of the function that these rows make.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from compute.philox import stream_key
from graph.program import Program, Row

Function = Callable[..., Any]
# composite rows that have a form of their own here; the others are expanded
COMPOSITES = frozenset(
    {
        *("softmax", "log_softmax", "softmax_cross_entropy", "norm"),
        *("rnn_scan", "lstm_scan", "gru_scan", "update"),
    }
)

ELEMENTWISE: dict[str, Function] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "pow": lambda x, y: x**y,
    "exp": jnp.exp,
    "expm1": jnp.expm1,
    "log": jnp.log,
    "log1p": jnp.log1p,
    "sqrt": jnp.sqrt,
    "rsqrt": lambda x: 1.0 / jnp.sqrt(x),
    "reciprocal": lambda x: 1.0 / x,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "softplus": jax.nn.softplus,
    "log_sigmoid": jax.nn.log_sigmoid,
    "erf": jax.scipy.special.erf,
    "abs": jnp.abs,
    "sign": jnp.sign,
    "floor": jnp.floor,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "relu": jax.nn.relu,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "less": operator.lt,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "where": lambda c, a, b: jnp.where(c, a, b),
    "stop_gradient": lax.stop_gradient,
    "to_real": lambda x: jnp.asarray(x, jnp.float32),
}


def _matmul(a: Any, b: Any, transpose_a: bool, transpose_b: bool) -> Any:
    left = jnp.swapaxes(a, -1, -2) if transpose_a else a
    right = jnp.swapaxes(b, -1, -2) if transpose_b else b
    return left @ right


def _sides(padding: Sequence[int]) -> list[tuple[int, int]]:
    top, bottom, left, right = padding
    return [(top, bottom), (left, right)]


def _conv(x: Any, w: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    sides, numbers = _sides(padding), ("NCHW", "OIHW", "NCHW")
    return lax.conv_general_dilated(
        x, w, stride, sides, rhs_dilation=dilation, dimension_numbers=numbers
    )


def _max_pool(x: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    (n, c, height, width), (kh, kw) = x.shape, kernel
    whole = not any(padding) and tuple(kernel) == tuple(stride)
    if whole and height % kh == 0 and width % kw == 0:
        # the gradient of XLA's reduce_window takes two to three times as long as that of this
        image = jnp.transpose(x, (0, 2, 3, 1))
        windows = image.reshape(n, height // kh, kh, width // kw, kw, c)
        return jnp.transpose(windows.max((2, 4)), (0, 3, 1, 2))
    sides = [(0, 0), (0, 0), *_sides(padding)]
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, *kernel), (1, 1, *stride), sides)


def _avg_pool(x: Any, kernel: Any, stride: Any, padding: Any) -> Any:
    sides = [(0, 0), (0, 0), *_sides(padding)]
    total = lax.reduce_window(x, 0.0, lax.add, (1, 1, *kernel), (1, 1, *stride), sides)
    return total / math.prod(kernel)


def _cross_entropy(logits: Any, labels: Any) -> Any:
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], -1)
    return -chosen[..., 0]


def _take(table: Any, index: Any, batch: int) -> Any:
    if batch:
        raise ValueError("found a table for each sample, expected one for all")
    return jnp.take(table, index, axis=0, mode="clip")


def _walk(cell: Function, start: Any, x: Any, reverse: bool) -> Any:
    """The outputs of every step, N×T×…, of a cell that maps (state, N×…) to (state, outputs)."""
    _, made = lax.scan(cell, start, jnp.swapaxes(x, 0, 1), reverse=reverse)
    return jax.tree.map(lambda one: jnp.swapaxes(one, 0, 1), made)


def _rnn(x: Any, weight: Any, reverse: bool, nonlinearity: str) -> Any:
    function = jnp.tanh if nonlinearity == "tanh" else jax.nn.relu

    def cell(h: Any, now: Any) -> Any:
        h = function(now + h @ weight.T)
        return h, h

    return _walk(cell, jnp.zeros((x.shape[0], weight.shape[1]), x.dtype), x, reverse)


def _lstm(x: Any, weight: Any, reverse: bool) -> Any:
    def cell(state: Any, now: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(now + h @ weight.T, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), (h, c)

    zero = jnp.zeros((x.shape[0], weight.shape[1]), x.dtype)
    return (*_walk(cell, (zero, zero), x, reverse), None)


def _gru(x: Any, weight: Any, bias: Any, reverse: bool) -> Any:
    def cell(h: Any, now: Any) -> Any:
        x_r, x_z, x_n = jnp.split(now, 3, -1)
        h_r, h_z, h_n = jnp.split(h @ weight.T, 3, -1)
        r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
        n = jnp.tanh(x_n + r * (h_n + bias))
        h = (1.0 - z) * n + z * h
        return h, h

    start = jnp.zeros((x.shape[0], weight.shape[1]), x.dtype)
    return (_walk(cell, start, x, reverse), None)


BASIC: dict[str, Function] = {
    "matmul": _matmul,
    "sum": lambda x, axes: jnp.sum(x, axis=axes),
    "max": lambda x, axes: jnp.max(x, axis=axes),
    "argmax": lambda x, axes: jnp.argmax(x, axis=axes[0]),
    "reshape": lambda x, shape: jnp.reshape(x, shape),
    "permute": lambda x, order: jnp.transpose(x, order),
    "broadcast_to": lambda x, shape: jnp.broadcast_to(x, shape),
    "slice": lambda x, axis, start, stop: lax.slice_in_dim(x, start, stop, axis=axis),
    "pad": lambda x, before, after: jnp.pad(x, tuple(zip(before, after, strict=True))),
    "concat": lambda *parts, axis: jnp.concatenate(parts, axis),
    "to_int": lambda x: x.astype(jnp.int32),
    "arange": lambda count: jnp.arange(count),
    "one_hot": lambda ids, classes: jax.nn.one_hot(ids, classes),
    "take": _take,
    "conv2d": _conv,
    "max_pool2d": _max_pool,
    "avg_pool2d": _avg_pool,
    "softmax": lambda x: jax.nn.softmax(x),
    "log_softmax": lambda x: jax.nn.log_softmax(x),
    "softmax_cross_entropy": _cross_entropy,
    "norm": lambda x: jnp.sqrt(jnp.sum(x * x)),
    "rnn_scan": _rnn,
    "lstm_scan": _lstm,
    "gru_scan": _gru,
}


def follow(program: Program, known: Mapping[int, Any], wanted: Sequence[int], key: Any) -> Any:
    """The values `wanted` of a program, by number, from those that are known.

    Only the rows between them are followed. Random rows draw from `key`.
    """
    values = dict(known)
    for row in _between(program, known, wanted):
        made = _row(row, [values[v] for v in row.inputs], key)
        several = len(row.outputs) > 1
        values.update(zip(row.outputs, made, strict=True) if several else [(row.outputs[0], made)])
    return [values[value] for value in wanted]


def _between(program: Program, known: Mapping[int, Any], wanted: Sequence[int]) -> list[Row]:
    needed, rows = set(wanted), []
    for row in reversed(program.rows):
        if any(value in needed and value not in known for value in row.outputs):
            rows.append(row)
            needed.update(row.inputs)
    return rows[::-1]


def _row(row: Row, operands: list[Any], key: Any) -> Any:
    attrs = dict(row.attrs)
    if row.op == "const":
        return float(attrs["value"])
    if row.op == "random_uniform":
        own = jax.random.fold_in(key, stream_key(attrs["stream"]) & 0x7FFFFFFF)
        return jax.random.uniform(own, attrs["shape"])
    if row.op == "update":
        return _update(operands, **attrs)
    function = ELEMENTWISE.get(row.op) or BASIC.get(row.op)
    if function is None:
        raise ValueError(f"{row.path}: found row {row.op}, which the bench has no JAX for")
    return function(*operands, **attrs)


def _update(operands: list[Any], rule: Program, count: int) -> list[Any]:
    """An optimizer's rule for each of its parameters, operands in the row's order."""
    arrays = sum(given.kind == "batch" for given in rule.inputs)
    scalars = operands[arrays * count :]
    outputs = [value for _, value in rule.outputs]
    made: list[list[Any]] = [[] for _ in outputs]
    for place in range(count):
        own = [operands[place + k * count] for k in range(arrays)] + scalars
        known = {given.value: value for given, value in zip(rule.inputs, own, strict=True)}
        for series, value in zip(made, follow(rule, known, outputs, None), strict=True):
            series.append(value)
    return [value for series in made for value in series]
