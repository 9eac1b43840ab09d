"""The small programs that a machine is measured with: nets of many shapes, and single operations.

They are unlike what people train on purpose: what is learned from them must hold for other nets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import graph.primitives as rows
from compute.backend import Array, PlanOptions
from compute.bench.nets import chain
from compute.cpu.costs.timing import BATCHES, Probe
from compute.cpu.engine import Engine, variant_of
from compute.cpu.plan import CpuPlan
from compute.cpu.planner.storage import Storage
from graph.lower import Model
from graph.op import Op
from graph.ops.activation import ReLU
from graph.ops.conv import AvgPool2d, Conv2d, MaxPool2d
from graph.ops.dense import Dense
from graph.ops.norm import BatchNorm
from graph.ops.optimizer import SGD, Adam
from graph.ops.regularise import Dropout
from graph.ops.shape import Flatten
from graph.program import Program, TensorType
from graph.tensor import Builder, Tensor

CLASSES = 12


# (samples of shape, batch, layers, optimizer)
Net = tuple[tuple[int, ...], int, list[Op], Op]


def _nets() -> Iterator[Net]:
    last = Dense(units=CLASSES)
    yield (48,), 8, [Dense(units=48), ReLU(), last], SGD(momentum=0.9)
    yield (100,), 48, [Dense(units=72), ReLU(), Dense(units=20), ReLU(), last], SGD()
    yield (300,), 64, [Dense(units=400), ReLU(), Dense(units=160), Dropout(p=0.3), last], Adam()
    yield (1024,), 160, [Dense(units=640), ReLU(), last], Adam()
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


def net_probes(options: PlanOptions) -> Iterator[Probe]:
    """Each net as a program that trains it."""
    generator = np.random.default_rng(3)
    for number, (sample, batch, layers, optimizer) in enumerate(_nets()):
        model = Model(chain(sample, layers, optimizer))
        plan = CpuPlan(model, options, lambda done, total, what: None)
        program = model.program("train/0", batch)
        count = batch * BATCHES
        data: dict[str, Array] = {}
        for given in program.inputs:
            if given.kind == "batch" and program.types[given.value].dtype == "int":
                data[given.key] = generator.integers(0, CLASSES, count, dtype=np.int64)
            elif given.kind == "batch":
                data[given.key] = generator.standard_normal((count, *sample), dtype=np.float32)
        key = ("train/0", batch, frozenset[str]())
        bound = plan.engine.entry(key, lambda p=program: p)  # type: ignore[misc]
        yield Probe(f"net {number}", plan.engine, bound, data, model.live)


_OPERATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    **{"sqrt": rows.sqrt, "rsqrt": rows.rsqrt, "reciprocal": rows.reciprocal, "exp": rows.exp},
    **{"expm1": rows.expm1, "log": rows.log, "log1p": rows.log1p, "tanh": rows.tanh},
    **{"sigmoid": rows.sigmoid, "softplus": rows.softplus, "log_sigmoid": rows.log_sigmoid},
    **{"erf": rows.erf, "sin": rows.sin, "cos": rows.cos},
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
}


def single_probes(options: PlanOptions) -> Iterator[Probe]:
    """Programs of one operation, over many numbers and over few."""
    for name, make in _OPERATIONS.items():
        shapes = _SHAPES if name in ("fast", "exp") else _SHAPES[:1]
        for shape in shapes:
            yield _single(name, make, shape, options)
    for name, make in _OTHERS.items():
        for shape in ((128, 200), (600, 10)):
            yield _single(name, make, shape, options)


def _single(
    name: str, make: Callable[[Tensor], Tensor], shape: tuple[int, int], options: PlanOptions
) -> Probe:
    builder = Builder()
    x = builder.input("param", "x", TensorType(shape))
    program: Program = builder.finish(name, {"y": make(x)})
    engine = Engine(Storage({"x": shape}, {}, {}, variant_of(options).item), options)
    bound = engine.entry((name, 1, frozenset()), lambda: program)
    engine.allocate()
    engine.write({"param:x": np.linspace(0.1, 2.0, shape[0] * shape[1]).reshape(shape)})
    return Probe(name, engine, bound, {}, {})
