"""Every row, and its gradients of two orders, through planner and kernels against the reference."""

from __future__ import annotations

import pytest
from plan_harness import Case, Make, compare, engine_of, program_of

import graph.primitives as rows
from compute.backend import PlanOptions
from compute.cpu.kernels.opcodes import OPCODES
from compute.cpu.planner.emitter import PlanError
from graph.primitives import PRIMITIVES
from graph.tensor import Tensor

FLOAT64 = PlanOptions("float64", threads=1)
FLOAT32 = PlanOptions("float32", threads=1)


def _unary(name: str) -> Make:
    return lambda x: x.builder.emit(name, (x,))[0]


def _binary(name: str) -> Make:
    return lambda a, b: a.builder.emit(name, (a, b))[0]


def _conv(stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)) -> Make:
    return lambda x, w: rows.conv2d(x, w, stride=stride, padding=padding, dilation=dilation)


def _depthwise(stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)) -> Make:
    return lambda x, w: rows.depthwise2d(x, w, stride=stride, padding=padding, dilation=dilation)


def _pool(op: str, kernel=(2, 2), stride=(2, 2), padding=(0, 0, 0, 0)) -> Make:
    return lambda x: x.builder.emit(op, (x,), kernel=kernel, stride=stride, padding=padding)[0]


def _moved(x):
    y = rows.permute(rows.pad(x, (1, 0, 0), (0, 2, 0)), (2, 0, 1))
    y = rows.slice_axis(y, 1, 1, 3)
    return rows.concat([y, rows.broadcast_to(rows.reshape(y, (*y.shape,)), y.shape) * 2.0], 0)


def _with_relu(y: Tensor) -> Tensor:
    """A product and its relu side by side: both are stored by one kernel, in fixed places."""
    return rows.concat([rows.relu(y), y], 1)


def _conv_net(x, w, b, v):
    y = rows.conv2d(x, w, (1, 1), (1, 1, 1, 1), (1, 1))
    y = rows.relu(y + rows.reshape(b, (1, b.shape[0], 1, 1)))
    y = rows.max_pool2d(y, (2, 2), (2, 2), (0, 0, 0, 0))
    y = rows.reshape(y, (y.shape[0], -(-y.type.size // y.shape[0])))
    return rows.matmul(y, v, transpose_b=True)


def attention_case(causal: bool = False, scale: float | None = None) -> Make:
    return lambda q, k, v, *ids: rows.attention(q, k, v, *ids, causal=causal, scale=scale)


def _turned(q, k, v):
    """Operands whose rows are not contiguous."""
    q, k, v = (rows.permute(x, (0, 2, 1)) for x in (q, k, v))
    return rows.permute(rows.attention(q, k, rows.permute(v, (0, 2, 1))), (0, 2, 1))


def _heads(x):
    y = rows.permute(rows.reshape(x, (2, 5, 2, 3)), (0, 2, 1, 3))
    return rows.permute(rows.attention(y, y, y), (0, 2, 1, 3))


ELEMENTWISE = {
    **{
        name: Case(_unary(name), [(5, 7)])
        for name in (
            *("neg", "exp", "expm1", "tanh", "sigmoid", "softplus", "log_sigmoid", "erf"),
            *("sin", "cos", "abs", "relu", "sign", "floor"),
        )
    },
    **{
        name: Case(_unary(name), [(5, 7)], low=0.3)
        for name in ("log", "log1p", "sqrt", "rsqrt", "reciprocal")
    },
    **{
        name: Case(_binary(name), [(5, 7), (7,)])
        for name in (
            *("add", "sub", "mul", "maximum", "minimum", "relu_grad"),
            *("greater", "greater_equal", "less", "equal", "not_equal"),
        )
    },
    "div": Case(_binary("div"), [(5, 1), (5, 7)], low=0.4),
    "pow": Case(_binary("pow"), [(3, 4), (3, 1)], low=0.4),
    "where": Case(lambda a, b: rows.where(rows.greater(a, b), a * a, b), [(3, 4), (3, 4)]),
}
BROADCAST = {
    "many_results": Case(lambda a, *b: [(a + b[0]) * w for w in b], [(3, 4)] * 15),
    "row": Case(_binary("mul"), [(33, 17), (17,)]),
    "column": Case(_binary("mul"), [(33, 17), (33, 1)]),
    "outer": Case(_binary("mul"), [(33, 1), (1, 17)]),
    "middle": Case(_binary("mul"), [(4, 3, 5), (4, 1, 5)]),
    "four": Case(_binary("mul"), [(2, 3, 4, 5), (3, 1, 5)]),
    "five": Case(_binary("mul"), [(2, 3, 2, 3, 4), (2, 1, 2, 1, 4)]),
    "scalar": Case(_binary("mul"), [(), (3, 4)]),
    "scalars": Case(_binary("add"), [(), ()]),
    "one": Case(_binary("add"), [(1, 1), (1,)]),
    "transposed": Case(lambda a, b: rows.permute(a, (1, 0)) * b, [(70, 90), (90, 70)]),
    "every_second": Case(
        lambda a, b: rows.reshape(rows.slice_axis(a, 3, 0, 1), (2, 5, 2)) * b,
        [(2, 5, 2, 2), (5, 2)],
    ),
    "long": Case(lambda a: rows.tanh(a) * 2.0 + a, [(3, 5000)]),
    "constants": Case(lambda a: (a * 2.0 + 1.0) / 3.0 - 0.5, [(64,)]),
    "chain": Case(lambda a, b: rows.exp(rows.sin(a) * b + a) * rows.tanh(b), [(9, 31), (31,)]),
    "reused": Case(lambda a: [rows.exp(a), rows.exp(a) * a, rows.sin(rows.exp(a))], [(9, 5)]),
}
MOVES = {
    "moves": Case(_moved, [(2, 3, 4)]),
    "reshape_copy": Case(lambda x: rows.reshape(rows.permute(x, (1, 0)), (6, 2)) * 2.0, [(3, 4)]),
    "slice_flat": Case(lambda x: rows.slice_axis(x, 1, 2, 5) * 1.5, [(4, 7)]),
    "slice_composite": Case(
        lambda x: rows.slice_axis(rows.reshape(rows.permute(x, (0, 2, 1)), (3, 20)), 1, 3, 9),
        [(3, 4, 5)],
    ),
    "concat_rows": Case(lambda a, b: rows.concat([a, b, a], 0), [(2, 3), (1, 3)]),
    "concat_columns": Case(lambda a, b: rows.concat([a, b], 1), [(2, 3), (2, 5)]),
    "concat_made": Case(
        lambda a, b, w: rows.concat([rows.matmul(a, w), rows.tanh(b), rows.softmax(a)], 1),
        [(5, 3), (5, 6), (3, 4)],
    ),
    "concat_twice": Case(
        lambda a, b: [
            rows.concat([rows.exp(a), rows.sin(b)], 1),
            rows.concat([rows.sin(b), rows.exp(a), rows.sin(b)], 0),
        ],
        [(4, 4), (4, 4)],
    ),
    "concat_nested": Case(
        lambda a, b: rows.concat([rows.concat([rows.exp(a), rows.sin(b)], 1), rows.cos(a)], 1),
        [(4, 3), (4, 2)],
    ),
    "pads_joined": Case(
        lambda a, b: rows.pad(rows.exp(a), (0, 0), (0, 2)) + rows.pad(rows.sin(b), (0, 3), (0, 0)),
        [(4, 3), (4, 2)],
    ),
    "pads_repeated": Case(  # one is the same in all rows of the other
        lambda a, b: rows.pad(rows.exp(a), (0, 0), (0, 2)) + rows.pad(rows.sin(b), (0, 3), (0, 0)),
        [(4, 3), (1, 2)],
    ),
    "concat_with_relu": Case(
        lambda a, w: _with_relu(rows.matmul(a, w)),
        [(5, 3), (3, 4)],
    ),
    "concat_image_with_relu": Case(
        lambda x, w: _with_relu(rows.conv2d(x, w, (1, 1), (0, 0, 0, 0), (1, 1))),
        [(5, 1, 4, 4), (1, 1, 1, 1)],
    ),
    "broadcast": Case(lambda a: rows.broadcast_to(a, (3, 4, 5)), [(4, 1)]),
    "identity": Case(lambda a: a, [(4, 3)]),
    "seven_axes": Case(
        lambda a: rows.permute(a, (6, 4, 2, 0, 1, 3, 5)) * 1.0 + 0.0, [(2, 2, 2, 2, 2, 2, 3)]
    ),
    "seven_axes_dense": Case(
        lambda a: rows.reshape(rows.permute(a, (6, 4, 2, 0, 1, 3, 5)), (-(-192 // 1),)),
        [(2, 2, 2, 2, 2, 2, 3)],
    ),
}
REDUCTIONS = {
    "sum": Case(lambda x: rows.reduce_sum(x, (0, 2)), [(2, 3, 4)]),
    "sum_all": Case(lambda x: rows.reduce_sum(x), [(2, 3, 4)]),
    "sum_rows": Case(lambda x: rows.reduce_sum(x, 1), [(37, 19)]),
    "sum_columns": Case(lambda x: rows.reduce_sum(x, 0), [(37, 19)]),
    "sum_big": Case(lambda x: rows.reduce_sum(x, 0) * 0.5, [(900, 70)]),
    "sum_big_all": Case(lambda x: rows.reduce_mean(x), [(300, 211)]),
    "sum_alternating": Case(lambda x: rows.reduce_sum(x, (1, 3)), [(3, 4, 5, 6)]),
    "sum_many": Case(lambda x: rows.reduce_sum(x, (0, 2, 4, 6)), [(2, 2, 3, 2, 2, 2, 3)]),
    "max": Case(lambda x: rows.reduce_max(x, 1, keep=True), [(2, 3, 4)]),
    "max_all": Case(lambda x: rows.reduce_max(x), [(5, 9)]),
    "argmax": Case(
        lambda x: rows.equal(rows.argmax(x, 1), rows.argmax(x * 1.1, 1)), [(5, 9)], order=0
    ),
    "argmax_first": Case(lambda x: [rows.argmax(x, 0)], [(5, 9)], order=0),
    "centred": Case(lambda x: x - rows.reduce_mean(x, 1, keep=True), [(13, 21)]),
}
PRODUCTS = {
    "matmul": Case(rows.matmul, [(3, 4), (4, 2)]),
    "matmul_tn": Case(lambda a, b: rows.matmul(a, b, True, False), [(4, 3), (4, 2)]),
    "matmul_nt": Case(lambda a, b: rows.matmul(a, b, False, True), [(3, 4), (2, 4)]),
    "matmul_tt": Case(lambda a, b: rows.matmul(a, b, True, True), [(4, 3), (2, 4)]),
    "matmul_stack": Case(rows.matmul, [(2, 3, 4), (2, 4, 2)]),
    "matmul_stack_t": Case(lambda a, b: rows.matmul(a, b, True, True), [(2, 4, 3), (2, 2, 4)]),
    "matmul_one": Case(rows.matmul, [(1, 1), (1, 1)]),
    "matmul_row": Case(rows.matmul, [(1, 7), (7, 5)]),
    "matmul_odd": Case(rows.matmul, [(37, 53), (53, 29)]),
    "matmul_large": Case(rows.matmul, [(70, 300), (300, 230)]),  # the weight is turned when packed
    "matmul_wide": Case(rows.matmul, [(5, 300), (300, 259)]),
    "matmul_of_turned": Case(
        lambda x, w: rows.matmul(rows.reshape(rows.permute(x, (0, 2, 1)), (12, 5)), w),
        [(4, 5, 3), (5, 2)],
    ),
    "dense": Case(
        lambda x, w, b: rows.relu(rows.matmul(x, w, transpose_b=True) + b),
        [(17, 9), (11, 9), (11,)],
    ),
    "dense_twice": Case(
        lambda x, w, b, v: rows.matmul(
            rows.relu(rows.matmul(x, w, transpose_b=True) + b), v, transpose_b=True
        ),
        [(17, 9), (11, 9), (11,), (3, 11)],
    ),
    "dense_kept": Case(
        lambda x, w, b: [
            rows.relu(rows.matmul(x, w) + b),
            rows.tanh(rows.matmul(x, w) + b),
            rows.matmul(x, w) * 1.0,
        ],
        [(6, 9), (9, 11), (11,)],
    ),
}
ATTENTION = {
    "attention": Case(attention_case(), [(2, 5, 4), (2, 5, 4), (2, 5, 4)]),
    "attention_scaled": Case(attention_case(scale=0.3), [(2, 1, 7), (2, 3, 7), (2, 3, 2)]),
    "attention_causal": Case(attention_case(True), [(3, 2, 17, 5)] * 3),
    "attention_one": Case(attention_case(True), [(1, 1, 1), (1, 1, 1), (1, 1, 1)]),
    "attention_longer": Case(attention_case(True), [(2, 1, 7, 3), (2, 1, 4, 3), (2, 1, 4, 5)]),
    "attention_lengths": Case(
        attention_case(), [(6, 2, 3, 4), (6, 2, 5, 4), (6, 2, 5, 2)], labels=[((6,), 7)]
    ),
    "attention_causal_lengths": Case(
        attention_case(True), [(6, 5, 4), (6, 5, 4), (6, 5, 2)], labels=[((6,), 6)]
    ),
    "attention_blocks": Case(attention_case(True), [(9, 1, 70, 3), (9, 1, 130, 3), (9, 1, 130, 2)]),
    "attention_turned": Case(_turned, [(2, 4, 5), (2, 4, 3), (2, 3, 2)]),
    "heads": Case(_heads, [(2, 5, 6)]),
}
SOFTMAX = {
    "softmax": Case(rows.softmax, [(13, 7)]),
    "softmax_stack": Case(rows.softmax, [(3, 4, 7)]),
    "softmax_repeated": Case(lambda x: rows.softmax(rows.broadcast_to(x, (5, 7))), [(1, 7)]),
    "log_softmax": Case(rows.log_softmax, [(13, 7)]),
    "cross_entropy": Case(
        lambda x, y: rows.softmax_cross_entropy(x, y), [(13, 7)], labels=[((13,), 7)]
    ),
    "cross_entropy_mean": Case(
        lambda x, y: rows.reduce_mean(rows.softmax_cross_entropy(x, y)),
        [(13, 7)],
        labels=[((13,), 7)],
    ),
    "one_hot": Case(lambda x, y: x * rows.one_hot(y, 7), [(13, 7)], labels=[((13,), 7)]),
    "ids": Case(
        lambda x, y: x * rows.to_real(y) + rows.equal(rows.argmax(x, 1), y),
        [(13, 13)],
        labels=[((13,), 13)],
        order=0,
    ),
}
PICKS = {
    # ids from 5 on are outside the table: NaN, and no gradient
    "take": Case(rows.take, [(5, 33)], labels=[((13, 4), 7)]),
    "take_one": Case(rows.take, [(5,)], labels=[((13,), 5)]),
    "take_blocks": Case(lambda t, i: rows.exp(rows.take(t, i)), [(5, 2, 3)], labels=[((9,), 5)]),
    "take_each": Case(lambda t, i: rows.take(t, i, 1), [(6, 5, 17)], labels=[((6, 4), 7)]),
    "take_turned": Case(
        lambda t, i: rows.take(rows.permute(t, (1, 0)), i), [(4, 5)], labels=[((9,), 5)]
    ),
    "take_broadcast": Case(
        lambda t, i: rows.take(rows.broadcast_to(t, (5, 3)), i), [(1, 3)], labels=[((9,), 5)]
    ),
    "take_and_product": Case(
        lambda t, i: rows.matmul(rows.take(t, i), t, transpose_b=True),
        [(5, 33)],
        labels=[((13,), 5)],
    ),
    "take_of_many": Case(rows.take, [(3000, 3)], labels=[((400,), 3000)]),
    "to_int": Case(lambda x: rows.to_int(x * 9.0), [(5, 7)], order=0),
    "to_int_unknown": Case(lambda x: rows.to_int(x / (x - x)), [(5, 7)], order=0),
    "to_int_turned": Case(
        lambda x, t: rows.take(t, rows.to_int(rows.permute(x, (1, 0)))),
        [(5, 7), (2, 3)],
        low=0.0,
        order=0,
    ),
    "one_hot_outside": Case(
        lambda x, y: rows.one_hot(y, 7) + x, [(1,)], labels=[((13,), 9)], order=0
    ),
}
SPATIAL = {
    "conv": Case(_conv(), [(2, 3, 6, 7), (4, 3, 3, 3)]),
    "conv_same": Case(_conv(padding=(1, 1, 1, 1)), [(3, 2, 5, 5), (5, 2, 3, 3)]),
    "conv_one": Case(_conv(), [(2, 3, 5, 4), (4, 3, 1, 1)]),
    "conv_stride": Case(_conv((2, 1), (1, 0, 1, 1), (1, 2)), [(2, 2, 5, 6), (3, 2, 2, 2)]),
    "conv_stride_3": Case(_conv((3, 2), (2, 1, 0, 3)), [(2, 2, 9, 8), (17, 2, 3, 4)]),
    "conv_batch_1": Case(_conv(padding=(1, 1, 1, 1)), [(1, 1, 6, 6), (3, 1, 3, 3)]),
    "conv_big": Case(_conv(padding=(2, 2, 2, 2)), [(19, 3, 8, 9), (33, 3, 5, 5)]),
    "conv_net": Case(_conv_net, [(5, 1, 6, 6), (4, 1, 3, 3), (4,), (3, 36)]),
    "depthwise": Case(_depthwise(padding=(1, 1, 1, 1)), [(3, 5, 6, 7), (5, 1, 3, 3)]),
    "depthwise_wide": Case(_depthwise((1, 2)), [(19, 37, 5, 11), (37, 1, 2, 4)]),
    "depthwise_stride": Case(
        _depthwise((2, 3), (1, 0, 2, 1), (3, 2)), [(2, 17, 9, 12), (17, 1, 3, 4)]
    ),
    "depthwise_gaps": Case(_depthwise((3, 4), (0, 0, 0, 0)), [(2, 2, 8, 9), (2, 1, 2, 1)]),
    "depthwise_even": Case(_depthwise((2, 2), (0, 0, 3, 3), (4, 2)), [(2, 3, 10, 7), (3, 1, 3, 3)]),
    "depthwise_one": Case(_depthwise(), [(1, 1, 1, 1), (1, 1, 1, 1)]),
    "depthwise_net": Case(
        lambda x, w, b, v: _conv()(
            rows.relu(_depthwise((2, 1), (1, 1, 1, 1))(rows.relu(_conv()(x, v)), w) + b), v
        ),
        [(3, 4, 5, 5), (4, 1, 3, 3), (1, 4, 1, 1), (4, 4, 1, 1)],
    ),
    "max_pool": Case(_pool("max_pool2d"), [(3, 2, 6, 6)]),
    "max_pool_overlap": Case(_pool("max_pool2d", (2, 3), (2, 1), (1, 0, 1, 1)), [(2, 2, 5, 6)]),
    "avg_pool": Case(_pool("avg_pool2d"), [(3, 2, 6, 6)]),
    "avg_pool_overlap": Case(_pool("avg_pool2d", (2, 3), (2, 1), (1, 0, 1, 1)), [(2, 2, 5, 6)]),
    "image_mix": Case(
        lambda x, w, c: rows.conv2d(x, w, (1, 1), (1, 1, 1, 1), (1, 1)) * c + x,
        [(3, 2, 5, 5), (2, 2, 3, 3), (1, 2, 5, 5)],
    ),
    "image_concat": Case(
        lambda x, w: rows.conv2d(
            rows.concat([rows.conv2d(x, w, (1, 1), (1, 1, 1, 1), (1, 1)), x], 1),
            rows.concat([w, w], 1),
            (1, 1),
            (1, 1, 1, 1),
            (1, 1),
        ),
        [(3, 2, 5, 5), (2, 2, 3, 3)],
    ),
    "image_concat_made": Case(
        lambda x, w: rows.concat(
            [
                rows.relu(rows.conv2d(x, w, (1, 1), (1, 1, 1, 1), (1, 1))),
                rows.tanh(x),
                x.builder.emit(
                    "max_pool2d", (x,), kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1)
                )[0],
            ],
            1,
        ),
        [(3, 2, 5, 5), (2, 2, 3, 3)],
    ),
    "image_mean": Case(
        lambda x, w: rows.reduce_mean(rows.conv2d(x, w, (1, 1), (0, 0, 0, 0), (1, 1)), (2, 3)),
        [(3, 2, 5, 5), (4, 2, 3, 3)],
    ),
    "batch_norm": Case(
        lambda x, g, b: rows.batch_norm(x, g, b, 1e-3)[0], [(4, 2, 3, 3), (2,), (2,)]
    ),
    "batch_norm_relu": Case(
        lambda x, g, b: rows.relu(rows.batch_norm(x, g, b, 1e-3)[0]), [(9, 5), (5,), (5,)]
    ),
    "batch_norm_statistics": Case(
        lambda x, g, b: rows.concat(list(rows.batch_norm(x, g, b, 1e-3)[1:]), 0),
        [(4, 2), (2,), (2,)],
    ),
    "batch_norm_many": Case(
        lambda x, g, b: rows.batch_norm(x, g, b, 1e-3)[0], [(37, 19, 3, 2), (19,), (19,)]
    ),
}
CASES = ELEMENTWISE | BROADCAST | MOVES | REDUCTIONS | PRODUCTS | ATTENTION | SOFTMAX
CASES |= PICKS | SPATIAL


def test_every_elementwise_row_has_an_opcode() -> None:
    plain = {p.name for p in PRIMITIVES.values() if p.kind == "elementwise"}
    assert plain - {"const", "stop_gradient", "to_real"} <= set(OPCODES)


def test_a_sum_of_integers_is_refused() -> None:
    case = Case(lambda x, y: rows.reduce_sum(y), [(3, 2)], labels=[((3,), 2)], order=0)
    with pytest.raises(PlanError, match="sum of integers"):
        compare(case, 0, FLOAT64, 0.0)


def test_a_large_weight_is_copied_for_no_gradient() -> None:
    case = CASES["matmul_large"]
    program = program_of(case, 1)
    engine = engine_of(program, FLOAT64)
    planned = engine.entry(("case", 0, frozenset()), lambda: program).planned
    assert [step.kernel for step in planned.steps()].count("gemm") == 3
    assert not {"transpose2d", "permute"} & {step.kernel for step in planned.steps()}


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name: str) -> None:
    compare(CASES[name], min(1, CASES[name].order), FLOAT64, 1e-11)


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if case.order])
def test_gradient_of_gradient(name: str) -> None:
    compare(CASES[name], 2, FLOAT64, 1e-10)


@pytest.mark.parametrize("name", CASES)
def test_single_precision(name: str) -> None:
    compare(CASES[name], min(1, CASES[name].order), FLOAT32, 2e-5)
