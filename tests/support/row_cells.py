"""Cells as rows, scanned, with the gradients of a weighted sum of all that comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import graph.primitives as rows
from compute.reference import evaluate
from graph.autodiff import gradients
from graph.hoist import hoisted
from graph.program import Program, Shape, TensorType
from graph.simplify import expand_composites, simplify
from graph.tensor import Builder, Tensor

SAMPLES, STEPS, IDS = 3, 4, 5
Parts = Sequence[Tensor]
# states, what each step gets, what all share, ids of each step -> new states, what is stacked
Make = Callable[[Parts, Parts, Parts, Parts], tuple[Parts, Parts]]


@dataclass
class Cell:
    """A cell with the shapes, without samples and steps, of states and steps; `shared` are whole.

    `ids` are the shapes of integers from 0 to IDS, one set for each step.
    """

    make: Make
    states: Sequence[Shape] = ()
    steps: Sequence[Shape] = ()
    shared: Sequence[Shape] = ()
    ids: Sequence[Shape] = ()
    reverse: bool = False

    def body(self) -> Program:
        """One step."""
        builder = Builder()

        def of_samples(kind: str, shapes: Sequence[Shape]) -> list[Tensor]:
            types = [TensorType((SAMPLES, *shape)) for shape in shapes]
            return [builder.input("batch", f"{kind}:{k}", t) for k, t in enumerate(types)]

        carried, timed = of_samples("carry", self.states), of_samples("step", self.steps)
        ids = [
            builder.input("batch", f"step:ids{k}", TensorType((SAMPLES, *shape), "int"))
            for k, shape in enumerate(self.ids)
        ]
        shared = [
            builder.input("batch", f"context:{k}", TensorType(shape))
            for k, shape in enumerate(self.shared)
        ]
        states, stacked = self.make(carried, timed, shared, ids)
        names = [f"carry:{k}" for k in range(len(states))]
        names += [f"stack:{k}" for k in range(len(stacked))]
        return builder.finish("cell", dict(zip(names, [*states, *stacked], strict=True)))

    def program(self, steps: int = STEPS) -> Program:
        """The scan, a weighted sum of all it gives, and the gradients of that to its operands."""
        builder, body = Builder(), self.body()
        types = [body.types[given.value] for given in body.inputs]
        operands = []
        for given, kind in zip(body.inputs, types, strict=True):
            shape = kind.shape
            if given.key.startswith("step:"):
                shape = (SAMPLES, steps, *shape[1:])
            operands.append(builder.input("batch", given.key, TensorType(shape, kind.dtype)))
        count = len(self.states)
        made = rows.scan(body, operands[:count], operands[count:], self.reverse)
        loss = builder.constant(0.0)
        for k, tensor in enumerate(made):
            if tensor.dtype == "real":
                scale = builder.input("batch", f"scale{k}", tensor.type)
                loss = loss + rows.reduce_sum(tensor * scale)
        real = [t for t in operands if t.dtype == "real"]
        outputs = {f"y{k}": tensor for k, tensor in enumerate(made)} | {"loss": loss}
        outputs |= {f"d{k}": g for k, g in enumerate(gradients(loss, real))}
        return simplify(builder.finish("scanned", outputs))


def numbers_for(program: Program, seed: int = 0) -> dict[tuple[str, str], np.ndarray]:
    """Numbers for the inputs of a program."""
    rng = np.random.default_rng(seed)
    found: dict[tuple[str, str], np.ndarray] = {}
    for given in program.inputs:
        kind = program.types[given.value]
        drawn = rng.normal(size=kind.shape)
        whole = rng.integers(0, IDS, kind.shape)
        found[given.kind, given.key] = whole if kind.dtype == "int" else drawn
    return found


def agree(program: Program, given: Mapping[tuple[str, str], np.ndarray]) -> None:
    """What is done for all steps at once gives what the rows mean, to 1e-12."""
    meant, found = expand_composites(program), expand_composites(hoisted(program))
    expected, values = evaluate(meant, given), evaluate(found, given)
    ends = dict(meant.outputs)
    ends |= {f"{u.kind}:{u.key}": u.value for u in meant.updates}
    made = dict(found.outputs) | {f"{u.kind}:{u.key}": u.value for u in found.updates}
    for name, value in ends.items():
        a, b = values[made[name]], expected[value]
        assert a.shape == b.shape, name
        size = max(1.0, float(np.abs(b).max(initial=0.0)))
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12 * size, err_msg=name)


def compare(cell: Cell, seed: int = 0) -> None:
    """The same of a cell, with the gradients to all that it is given."""
    program = cell.program()
    agree(program, numbers_for(program, seed))
