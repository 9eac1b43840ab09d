"""Every row: its gradient, and the gradient of its gradient, against central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

import graph.primitives as rows
from compute.reference import evaluate
from graph.autodiff import gradients
from graph.primitives import PRIMITIVES
from graph.program import TensorType
from graph.simplify import expand_composites, simplify
from graph.tensor import Builder, Tensor

Make = Callable[..., Tensor]


@dataclass(frozen=True)
class Case:
    """A row applied to real operands of the given shapes; `low`/`high` bound the numbers."""

    make: Make
    shapes: Sequence[tuple[int, ...]]
    low: float = -1.5
    high: float = 1.5
    # also check the gradient of Σ gradient²
    second: bool = True


def _unary(name: str) -> Make:
    return lambda x: x.builder.emit(name, (x,))[0]


def _binary(name: str) -> Make:
    return lambda a, b: a.builder.emit(name, (a, b))[0]


def _labels(x: Tensor, rows_count: int) -> Tensor:
    return x.builder.input("batch", "labels", TensorType((rows_count,), "int"))


_GEOMETRY = {"kernel": (2, 3), "stride": (2, 1), "padding": (1, 0, 1, 1)}
_CONV = {"stride": (2, 1), "padding": (1, 0, 1, 1), "dilation": (1, 2)}


def _pool(op: str) -> Make:
    return lambda x: x.builder.emit(op, (x,), **_GEOMETRY)[0]


def _masked(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return rows.attention(q, k, v, _labels(q, 3), causal=True, scale=0.7)


def _moved(x: Tensor) -> Tensor:
    y = rows.permute(rows.pad(x, (1, 0, 0), (0, 2, 0)), (2, 0, 1))
    y = rows.slice_axis(y, 1, 1, 3)
    return rows.concat([y, rows.broadcast_to(rows.reshape(y, (*y.shape,)), y.shape) * 2.0], 0)


def _lengths(x: Tensor) -> Tensor:
    """The first sequence ends after two steps."""
    ends = [rows.reshape(rows.to_real(x.builder.constant(n)), (1,)) for n in (2, 3)]
    return rows.concat(ends, 0)


def _lstm(x: Tensor, weight: Tensor, *rest: Tensor, reverse: bool = False) -> Tensor:
    """Hidden and cell states, so that gradients flow into both."""
    return rows.concat(list(rows.lstm_scan(x, weight, *rest, reverse=reverse)[:2]), 2)


def _scanned(reverse: bool) -> Callable[..., Tensor]:
    """h = tanh(x W) · h + b, and tanh(x W) beside it, over the steps of x."""

    def make(x: Tensor, start: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        n, steps, size = x.shape
        inner = Builder()
        kinds = {"carry:h": start, "step:x": x, "weight": weight, "bias": bias}
        shapes = {name: t.shape for name, t in kinds.items()} | {"step:x": (n, size)}
        h, now, w, b = (inner.input("batch", k, TensorType(s)) for k, s in shapes.items())
        gate = rows.tanh(rows.matmul(now, w))
        body = inner.finish("cell", {"carry:h": gate * h + b, "stack:gate": gate})
        last, gates = rows.scan(body, [start], [x, weight, bias], reverse)
        return rows.concat([rows.reshape(gates, (n, steps * last.shape[1])), last], 1)

    return make


CASES = {
    **{
        name: Case(_unary(name), [(3, 4)])
        for name in ("neg", "exp", "expm1", "tanh", "sigmoid", "softplus", "log_sigmoid", "erf")
    },
    **{name: Case(_unary(name), [(3, 4)]) for name in ("sin", "cos", "abs", "relu", "sign")},
    **{
        name: Case(_unary(name), [(3, 4)], low=0.3)
        for name in ("log", "log1p", "sqrt", "rsqrt", "reciprocal")
    },
    **{
        name: Case(_binary(name), [(3, 4), (4,)])
        for name in ("add", "sub", "mul", "maximum", "minimum")
    },
    "div": Case(_binary("div"), [(3, 1), (3, 4)], low=0.4),
    "pow": Case(_binary("pow"), [(3, 4), (3, 1)], low=0.4),
    "where": Case(lambda a, b: rows.where(rows.greater(a, b), a * a, b), [(3, 4), (3, 4)]),
    "relu_grad": Case(rows.relu_grad, [(3, 4), (3, 4)]),
    "sum": Case(lambda x: rows.reduce_sum(x, (0, 2)), [(2, 3, 4)]),
    "renorm": Case(lambda x: rows.renorm(x, 2.0), [(3, 4)]),
    "renorm_1": Case(lambda x: rows.renorm(x, 2.0, 1), [(3, 4, 2)]),
    "norm": Case(lambda x: rows.norm(x) * x, [(3, 4)]),
    "max": Case(lambda x: rows.reduce_max(x, 1, keep=True), [(2, 3, 4)]),
    "moves": Case(_moved, [(2, 3, 4)]),
    "take": Case(lambda x: rows.take(x, _labels(x, 3)), [(4, 2, 2)]),
    "take_each": Case(lambda x: rows.take(x, _labels(x, 3), batch=1), [(3, 4, 2)]),
    "matmul": Case(rows.matmul, [(3, 4), (4, 2)]),
    "matmul_tn": Case(lambda a, b: rows.matmul(a, b, True, False), [(4, 3), (4, 2)]),
    "matmul_nt": Case(lambda a, b: rows.matmul(a, b, False, True), [(3, 4), (2, 4)]),
    "matmul_tt": Case(lambda a, b: rows.matmul(a, b, True, True), [(4, 3), (2, 4)]),
    "matmul_stack": Case(rows.matmul, [(2, 3, 4), (2, 4, 2)]),
    "conv2d": Case(lambda x, w: rows.conv2d(x, w, **_CONV), [(2, 2, 5, 6), (3, 2, 2, 2)]),
    "depthwise2d": Case(lambda x, w: rows.depthwise2d(x, w, **_CONV), [(2, 3, 5, 6), (3, 1, 2, 2)]),
    "max_pool2d": Case(_pool("max_pool2d"), [(2, 2, 5, 6)]),
    "avg_pool2d": Case(_pool("avg_pool2d"), [(2, 2, 5, 6)]),
    "softmax": Case(rows.softmax, [(3, 4)]),
    "log_softmax": Case(rows.log_softmax, [(3, 4)]),
    "softmax_cross_entropy": Case(lambda x: rows.softmax_cross_entropy(x, _labels(x, 3)), [(3, 4)]),
    "attention": Case(rows.attention, [(2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 3)]),
    "attention_causal": Case(_masked, [(3, 4, 2), (3, 5, 2), (3, 5, 2)]),
    "batch_norm": Case(
        lambda x, g, b: rows.batch_norm(x, g, b, 1e-3)[0], [(4, 2, 3, 3), (2,), (2,)]
    ),
    "batch_norm_statistics": Case(
        lambda x, g, b: rows.concat(list(rows.batch_norm(x, g, b, 1e-3)[1:]), 0),
        [(4, 2), (2,), (2,)],
    ),
    "gelu": Case(rows.gelu, [(3, 4)]),
    "gelu_approximate": Case(lambda x: rows.gelu(x, approximate=True), [(3, 4)]),
    "gauss": Case(_unary("gauss"), [(3, 4)]),
    "normal_cdf": Case(
        lambda x: x.builder.emit("normal_cdf", (x, _unary("gauss")(x)))[0], [(3, 4)]
    ),
    "layer_norm": Case(lambda x, w, b: rows.layer_norm(x, 1, 1e-3, w, b), [(2, 3, 4), (4,), (4,)]),
    "layer_norm_plain": Case(lambda x: rows.layer_norm(x, 2, 1e-3), [(3, 2, 3)]),
    "layer_norm_squares": Case(
        lambda x, w: rows.layer_norm(x, 1, 1e-3, w, centred=False), [(3, 4), (4,)]
    ),
    "scan": Case(_scanned(False), [(2, 3, 2), (2, 2), (2, 2), (2,)]),
    "scan_back": Case(_scanned(True), [(2, 3, 2), (2, 2), (2, 2), (2,)]),
    "rnn_scan": Case(rows.rnn_scan, [(2, 3, 2), (2, 2)]),
    "rnn_scan_relu": Case(
        lambda x, w: rows.rnn_scan(x, w, _lengths(x), True, "relu"), [(2, 3, 2), (2, 2)]
    ),
    "lstm_scan": Case(_lstm, [(2, 3, 8), (8, 2)]),
    "lstm_scan_ends": Case(
        lambda x, w: _lstm(x, w, _lengths(x), reverse=True), [(2, 3, 4), (4, 1)]
    ),
    "gru_scan": Case(lambda x, w, b: rows.gru_scan(x, w, b)[0], [(2, 3, 6), (6, 2), (2,)]),
    "gru_scan_ends": Case(
        lambda x, w, b: rows.gru_scan(x, w, b, _lengths(x), True)[0], [(2, 3, 3), (3, 1), (1,)]
    ),
}
# Rows whose output does not depend smoothly on any real operand.
FLAT = {
    *("greater", "greater_equal", "less", "equal", "not_equal", "floor", "argmax", "one_hot"),
    *("const", "arange", "to_int", "stop_gradient", "to_real", "random_uniform"),
}
# Rows reached only as gradients of others, or tested on their own below and in tests/probes.
INNER = {
    *("conv2d_dx", "conv2d_dw", "depthwise2d_dx", "depthwise2d_dw"),
    *("max_pool2d_scatter", "max_pool2d_take", "avg_pool2d_dx"),
    *("softmax_grad", "softmax_cross_entropy_grad", "batch_norm_grad", "scan_grad", "update"),
    "layer_norm_grad",
    *("attention_grad", "rnn_scan_grad", "lstm_scan_grad", "gru_scan_grad"),
    *("reshape", "permute", "broadcast_to", "slice", "pad", "concat", "take_grad"),
}


def test_every_row_is_covered() -> None:
    covered = {name for name in CASES if name in PRIMITIVES}
    assert set(PRIMITIVES) == covered | FLAT | INNER


def _numbers(case: Case, seed: int) -> list[np.ndarray]:
    """Distinct numbers at least 0.02 apart and away from 0, in a seeded order."""
    generator = np.random.default_rng(seed)
    total = sum(int(np.prod(shape)) for shape in case.shapes)
    grid = np.linspace(case.low, case.high, total + total % 2)[:total] + 0.003
    generator.shuffle(grid)
    cuts = np.cumsum([int(np.prod(shape)) for shape in case.shapes])[:-1]
    return [part.reshape(s) for part, s in zip(np.split(grid, cuts), case.shapes, strict=True)]


def _check(case: Case, second: bool) -> None:
    builder = Builder()
    inputs = [
        builder.input("batch", str(k), TensorType(shape)) for k, shape in enumerate(case.shapes)
    ]
    result = case.make(*inputs)
    # weights that differ by element, so that a permuted gradient cannot pass
    scale = builder.input("batch", "scale", TensorType(result.shape))
    loss = rows.reduce_sum(result * scale)
    if second:
        first = gradients(loss, inputs)
        total = builder.constant(0.0)
        for part in first:
            total = total + rows.reduce_sum(part * part * 0.5 + part)
        loss = total
    outputs = {"loss": loss}
    outputs |= {str(k): g for k, g in enumerate(gradients(loss, inputs))}
    program = expand_composites(simplify(builder.finish("check", outputs)))
    numbers = _numbers(case, 3)
    given = {("batch", str(k)): value for k, value in enumerate(numbers)}
    given["batch", "scale"] = np.linspace(0.5, 1.5, result.type.size).reshape(result.shape)
    given["batch", "labels"] = np.array([2, 0, 3])

    def run(name: str) -> np.ndarray:
        needed = {("batch", i.key): given["batch", i.key] for i in program.inputs}
        return evaluate(program, needed)[program.output(name)]

    for k, array in enumerate(numbers):
        found = run(str(k))
        expected = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            kept, step = array[place], 1e-5
            array[place] = kept + step
            above = float(run("loss"))
            array[place] = kept - step
            below = float(run("loss"))
            array[place] = kept
            expected[place] = (above - below) / (2 * step)
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("name", CASES)
def test_gradient(name: str) -> None:
    _check(CASES[name], second=False)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.second])
def test_gradient_of_gradient(name: str) -> None:
    _check(CASES[name], second=True)


def test_loss_must_be_one_number() -> None:
    x = Builder().input("batch", "x", TensorType((2, 3)))
    with pytest.raises(ValueError, match="expected one number"):
        gradients(x, [x])


def test_equal_rows_are_emitted_once() -> None:
    x = Builder().input("batch", "x", TensorType((2, 3)))
    assert (rows.exp(x) * 2.0).id == (rows.exp(x) * 2.0).id
