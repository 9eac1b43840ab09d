"""The small programs that a machine is measured with: nets of many shapes, and single operations.

They are unlike what people train on purpose: what is learned from them must hold for other nets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np

import graph.primitives as rows
from compute.backend import Array, PlanOptions
from compute.bench.nets import chain
from compute.cpu.costs.timing import BATCHES, Probe
from compute.cpu.engine import Engine, variant_of
from compute.cpu.loader import Library, all_names, ensure
from compute.cpu.plan import CpuPlan
from compute.cpu.planner.program import Planned
from compute.cpu.planner.storage import Storage
from compute.cpu.variants import Variant
from graph.lower import Model
from graph.op import Op
from graph.ops.activation import ReLU, Tanh
from graph.ops.attention import MultiHeadAttention
from graph.ops.conv import AvgPool2d, Conv2d, MaxPool2d
from graph.ops.conv_groups import DepthwiseConv2d
from graph.ops.dense import Dense
from graph.ops.norm import BatchNorm
from graph.ops.optimizer import SGD, Adam
from graph.ops.rectifier import GELU
from graph.ops.recurrent import GRU, LSTM, RNN
from graph.ops.reduce import GlobalAveragePool2d, Reduce
from graph.ops.regularise import Dropout
from graph.ops.sample_norm import LayerNorm
from graph.ops.shape import Flatten
from graph.program import Program, TensorType
from graph.tensor import Builder, Tensor

CLASSES = 12


# (samples of shape, batch, layers, optimizer)
Net = tuple[tuple[int, ...], int, list[Op], Op]


def _plain() -> Iterator[Net]:
    last = Dense(units=CLASSES)
    yield (48,), 8, [Dense(units=48), ReLU(), last], SGD(momentum=0.9)
    yield (100,), 48, [Dense(units=72), ReLU(), Dense(units=20), BatchNorm(), last], SGD()
    yield (300,), 64, [Dense(units=400), ReLU(), Dense(units=160), Dropout(p=0.3), last], Adam()
    deep = [layer for _ in range(5) for layer in (Dense(units=36), Tanh(), LayerNorm())]
    yield (30,), 24, [*deep, *(Dense(units=28), ReLU(), Dense(units=28), ReLU(), last)], SGD()
    yield (900,), 128, [Dense(units=512), BatchNorm(), ReLU(), last], Adam()


def _images() -> Iterator[Net]:
    last = Dense(units=CLASSES)
    yield (1, 20, 20), 16, [
        *(Conv2d(filters=8), ReLU(), MaxPool2d(), Conv2d(filters=24), ReLU(), MaxPool2d()),
        *(Flatten(), Dense(units=40), ReLU(), Dropout(p=0.3), last),
    ], Adam()  # fmt: skip
    yield (3, 16, 16), 24, [
        *(Conv2d(filters=16), BatchNorm(), ReLU(), Conv2d(filters=16, kernel=5), ReLU()),
        *(AvgPool2d(), Conv2d(filters=48), BatchNorm(), ReLU(), MaxPool2d(), Flatten(), last),
    ], SGD(momentum=0.9)  # fmt: skip
    yield (1, 30, 30), 12, [
        *(Conv2d(filters=32), ReLU(), MaxPool2d(), Conv2d(filters=64), ReLU(), MaxPool2d(3)),
        *(Conv2d(filters=64, stride=2, padding=1), ReLU(), Flatten(), Dense(units=96)),
        *(ReLU(), last),
    ], Adam()  # fmt: skip
    yield (20, 8, 8), 64, [
        *(Conv2d(filters=32), ReLU(), Conv2d(filters=40, kernel=1), ReLU(), Flatten(), last),
    ], SGD()  # fmt: skip
    yield (2, 28, 28), 16, [
        *(Conv2d(filters=24, kernel=1), ReLU(), DepthwiseConv2d(), MaxPool2d(), ReLU()),
        *(DepthwiseConv2d(kernel=5, stride=2, padding=2), ReLU(), AvgPool2d(), Flatten(), last),
    ], SGD()  # fmt: skip
    yield (2, 28, 28), 32, [
        *(Conv2d(filters=40, kernel=1), BatchNorm(), ReLU(), GlobalAveragePool2d(), last),
    ], SGD()  # fmt: skip


def _sequences() -> Iterator[Net]:
    last = Dense(units=CLASSES)
    yield (14, 24), 16, [LSTM(units=48), RNN(units=32, returns="last"), last], SGD()
    yield (6, 40), 40, [GRU(units=80), LSTM(units=112, returns="last"), last], Adam()
    yield (10, 32), 8, [
        *(GRU(units=24), RNN(units=96, nonlinearity="relu", returns="last"), last),
    ], SGD()  # fmt: skip
    yield (36, 48), 10, [
        *(LayerNorm(), MultiHeadAttention(heads=3), Dense(units=96), GELU()),
        *(MultiHeadAttention(heads=2, causal=True), Reduce(axes=(1,)), last),
    ], Adam()  # fmt: skip
    yield (80, 64), 6, [
        *(MultiHeadAttention(heads=2, causal=True), LayerNorm(), Reduce(axes=(1,)), last),
    ], SGD()  # fmt: skip


def _far() -> Iterator[Net]:
    """What no cache holds: large arrays, each written long before it is read."""
    yield (3, 30, 30), 36, [
        *(Conv2d(filters=24), BatchNorm(), ReLU(), Conv2d(filters=32, kernel=1), BatchNorm()),
        *(ReLU(), Conv2d(filters=32), BatchNorm(), ReLU(), MaxPool2d()),
        *(Conv2d(filters=48), BatchNorm(), ReLU(), MaxPool2d(), Flatten(), Dense(units=CLASSES)),
    ], SGD()  # fmt: skip


def net_probes(options: PlanOptions, threads: int) -> Iterator[Probe]:
    """Each net as a program that trains it on up to `threads` threads; those beyond all caches with
    fast convolution, which has memory for each thread.
    """
    fast = replace(options, fast_convolution=True, threads=threads)
    generator = np.random.default_rng(3)
    nets = [(net, options) for net in (*_plain(), *_images(), *_sequences())]
    nets += [(net, fast) for net in _far()]
    for number, ((sample, batch, layers, optimizer), options) in enumerate(nets):
        graph = chain(sample, layers, optimizer)
        graph.training = replace(graph.training, batch_size=batch)  # else it is planned twice
        model = Model(graph)
        plan = CpuPlan(model, options, lambda done, total, what: None)
        program = model.program("train/0", batch)
        count = batch * BATCHES
        data: dict[str, Array] = {}
        for given in program.inputs:
            if given.kind == "batch" and program.types[given.value].dtype == "int":
                data[given.key] = generator.integers(0, CLASSES, count, dtype=np.int64)
            elif given.kind == "batch":
                data[given.key] = generator.standard_normal((count, *sample), dtype=np.float32)
        bound = plan.planned("train/0", batch)
        yield Probe(f"net {number}", plan.engine, bound, data, model.live)


_OPERATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    **{"sqrt": rows.sqrt, "rsqrt": rows.rsqrt, "reciprocal": rows.reciprocal, "exp": rows.exp},
    **{"expm1": rows.expm1, "log": rows.log, "log1p": rows.log1p, "tanh": rows.tanh},
    **{"sigmoid": rows.sigmoid, "softplus": rows.softplus, "log_sigmoid": rows.log_sigmoid},
    **{"gelu": rows.gelu, "erf": rows.erf, "sin": rows.sin, "cos": rows.cos},
    **{"pow": lambda x: rows.power(x, x), "div": lambda x: (x + 1.0) / x},
    **{"fast": lambda x: (x + x * x) * 0.5 + 0.25},
}
_SHAPES = ((4, 16384), (64, 24), (1, 200))
_OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "row sums": lambda x: rows.reduce_sum(x, (1,)),
    "maxima": lambda x: rows.reduce_max(x, (1,)),
    "column sums": lambda x: rows.reduce_sum(x, (0,)),
    "centred": lambda x: x - rows.reduce_mean(x, (1,), True),
    "softmax": rows.softmax,
    "log softmax": rows.log_softmax,
    "turned": lambda x: rows.permute(x, (1, 0)) * 1.5,
    "argmax": lambda x: rows.to_real(rows.argmax(x)),
    "whole": lambda x: rows.to_real(rows.to_int(x)),
    "picked": lambda x: rows.take(x, rows.argmax(x)),
    "put back": lambda x: rows.take_grad(x, rows.argmax(x), 40),
    "one hot": lambda x: rows.one_hot(rows.argmax(x), x.shape[1]),
    "spread": lambda x: rows.broadcast_to(rows.reduce_sum(x, (0,), keep=True), x.shape),
    "cut": lambda x: rows.concat([rows.slice_axis(x, 1, 3, x.shape[1]), x], 1),
    "edged": lambda x: rows.pad(x, (1, 2), (1, 2)),
}
_LARGE = ("row sums", "column sums", "turned", "spread", "cut")  # measured beyond the near caches


def single_probes(options: PlanOptions) -> Iterator[Probe]:
    """Programs of one operation, over many numbers and over few."""
    for name, make in _OPERATIONS.items():
        for shape in _SHAPES if name in ("fast", "exp") else _SHAPES[:1]:
            yield _single(name, make, shape, options)
    for name, make in _OTHERS.items():
        shapes = ((128, 200), (600, 10), *([(900, 500)] if name in _LARGE else []))
        for shape in shapes:
            yield _single(name, make, shape, options)
    for square in ((1200, 96), (1024, 256)):
        yield _single("squared", lambda x: rows.matmul(x, x, transpose_a=True), square, options)


@cache
def _kernels(variant: Variant) -> Library:
    return ensure(variant, all_names())


class _Engine(Engine):
    """Takes all kernels at once: to look for those of every program would take longest."""

    def library(self, planned: Planned) -> Library:
        return _kernels(self.variant)


def _single(
    name: str, make: Callable[[Tensor], Tensor], shape: tuple[int, int], options: PlanOptions
) -> Probe:
    builder = Builder()
    x = builder.input("param", "x", TensorType(shape))
    program: Program = builder.finish(name, {"y": make(x)})
    engine = _Engine(Storage({"x": shape}, {}, {}, variant_of(options).item), options)
    bound = engine.entry((name, 1, frozenset()), lambda: program)
    engine.allocate()
    engine.write({"param:x": np.linspace(0.1, 2.0, shape[0] * shape[1]).reshape(shape)})
    return Probe(name, engine, bound, {}, {})
