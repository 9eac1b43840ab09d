"""Planning any program, not only a graph's: what the tests of the planner share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from plan_checks import check_plan

import graph.primitives as rows
from compute.backend import PlanOptions
from compute.cpu.engine import Engine
from compute.cpu.planner.storage import Slot, Storage
from compute.reference import evaluate
from graph.autodiff import gradients
from graph.program import Program, TensorType, Update
from graph.simplify import expand_composites, simplify
from graph.tensor import Builder, Tensor

Make = Callable[..., Tensor | Sequence[Tensor]]


def numbers(shapes: Sequence[tuple[int, ...]], low: float, high: float) -> list[np.ndarray]:
    """Distinct numbers, evenly spread and shuffled: no ties, no kinks."""
    generator = np.random.default_rng(5)
    total = sum(int(np.prod(shape)) for shape in shapes)
    grid = np.linspace(low, high, total + total % 2)[:total] + 0.003
    generator.shuffle(grid)
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    return [part.reshape(s) for part, s in zip(np.split(grid, cuts), shapes, strict=True)]


@dataclass
class Case:
    """A function of real operands (as parameters) and labels; its outputs are compared."""

    make: Make
    shapes: Sequence[tuple[int, ...]]
    low: float = -1.5
    high: float = 1.5
    labels: Sequence[tuple[tuple[int, ...], int]] = ()  # shape, classes
    order: int = 1  # how often to differentiate


def program_of(case: Case, order: int = 0) -> Program:
    """The case's outputs; with `order` 1 the gradients of a weighted sum too, with 2 theirs."""
    builder = Builder()
    inputs = [
        builder.input("param", f"p{k}", TensorType(shape)) for k, shape in enumerate(case.shapes)
    ]
    ids = [
        builder.input("batch", f"ids{k}", TensorType(shape, "int"))
        for k, (shape, _) in enumerate(case.labels)
    ]
    made = case.make(*inputs, *ids)
    results = list(made) if isinstance(made, (list, tuple)) else [made]
    outputs = {f"y{k}": tensor for k, tensor in enumerate(results)}
    if order:
        loss: Tensor | None = None
        for k, tensor in enumerate(results):
            scale = builder.input("param", f"scale{k}", tensor.type)
            part = rows.reduce_sum(tensor * scale)
            loss = part if loss is None else loss + part
        for turn in range(order):
            assert loss is not None
            found = gradients(loss, inputs)
            outputs |= {f"d{turn}_{k}": g for k, g in enumerate(found)}
            loss = builder.constant(0.0) + sum(rows.reduce_sum(g * g * 0.5 + g) for g in found)
        outputs["loss"] = loss
    return simplify(builder.finish("case", outputs))


@dataclass
class Runner:
    """A program planned and bound, with the numbers it runs on."""

    program: Program
    persistent: Mapping[str, np.ndarray]
    data: Mapping[str, np.ndarray] = field(default_factory=dict)
    options: PlanOptions = field(default_factory=lambda: PlanOptions("float64", threads=1))
    slots: Mapping[str, Slot] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.engine = engine_of(self.program, self.options, self.slots)
        self.engine.entry(("case", 0, frozenset()), lambda: self.program)
        self.engine.allocate()
        self.engine.write(self.persistent)

    def run(self, steps: int = 1, scalars: Mapping[str, np.ndarray] | None = None, index=None):
        """Run the program; returns its outputs."""
        bound = self.engine.entry(("case", 0, frozenset()), lambda: self.program)
        if index is None:
            batch = self.program.batch
            index = np.tile(np.arange(batch), (steps, 1))
        return self.engine.run(bound, self.data, index, scalars or {})


def engine_of(
    program: Program, options: PlanOptions, slots: Mapping[str, Slot] | None = None
) -> Engine:
    """An engine whose storage holds the program's persistent inputs."""
    shapes = {i.key: program.types[i.value].shape for i in program.inputs if i.kind == "param"}
    states = {i.key: program.types[i.value].shape for i in program.inputs if i.kind == "state"}
    states |= {u.key: program.types[u.value].shape for u in program.updates if u.kind == "state"}
    item = 4 if options.precision == "float32" else 8
    return Engine(Storage(shapes, states, slots or {}, item), options)


def compare(case: Case, order: int, options: PlanOptions, tolerance: float) -> None:
    """Plan the case and compare every output with the reference in float64."""
    program = program_of(case, order)
    arrays = numbers(case.shapes, case.low, case.high)
    given = {f"p{k}": array for k, array in enumerate(arrays)}
    for i in program.inputs:
        if i.kind == "param" and i.key not in given:
            shape = program.types[i.value].shape
            given[i.key] = np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)
    wanted = {i.key for i in program.inputs if i.kind == "param"}
    given = {key: array for key, array in given.items() if key in wanted}
    dtype = np.float32 if options.precision == "float32" else np.float64
    given = {key: array.astype(dtype) for key, array in given.items()}
    ids = {
        f"ids{k}": np.random.default_rng(k).integers(0, classes, shape)
        for k, (shape, classes) in enumerate(case.labels)
    }
    batch = len(next(iter(ids.values()))) if ids else 1
    program = Program(
        program.name,
        program.types,
        program.inputs,
        program.rows,
        program.outputs,
        program.updates,
        batch,
    )
    runner = Runner(program, {f"param:{k}": v for k, v in given.items()}, ids, options)
    found = runner.run()
    for bound in runner.engine.bound():
        check_plan(bound.planned)
    inputs = {("param", k): v.astype(np.float64) for k, v in given.items()}
    inputs |= {("batch", k): v for k, v in ids.items()}
    basic = expand_composites(program)
    expected = evaluate(basic, {(i.kind, i.key): inputs[i.kind, i.key] for i in basic.inputs})
    for name, value in basic.outputs:
        mine = found.scalars[name][0] if name in found.scalars else found.arrays[name]
        theirs = expected[value]
        assert np.shape(mine) == theirs.shape, name
        scale = max(1.0, float(np.abs(theirs).max(initial=0)))
        np.testing.assert_allclose(
            mine, theirs, rtol=tolerance, atol=tolerance * scale, err_msg=name
        )


__all__ = ["Case", "Make", "Runner", "Update", "compare", "engine_of", "numbers", "program_of"]
