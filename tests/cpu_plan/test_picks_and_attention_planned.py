"""Rows picked by index and attention on the CPU plan: bits, and what is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from plan_harness import Case, Runner, engine_of, program_of

import graph.primitives as rows
from compute.backend import PlanOptions
from graph.tensor import Tensor
from tests.cpu_plan.test_rows_planned import CASES, attention_case

FLOAT32 = PlanOptions("float32", threads=1)


def test_added_rows_have_the_same_bits_on_any_number_of_threads() -> None:
    program = program_of(CASES["take_of_many"], 1)
    shapes = {i.key: program.types[i.value].shape for i in program.inputs if i.kind == "param"}
    given = {f"param:{k}": np.random.default_rng(1).normal(size=s) for k, s in shapes.items()}
    ids = {"ids0": np.random.default_rng(2).integers(0, 40, 400)}
    found = []
    for threads in (1, 3):
        options = PlanOptions("float64", threads=threads)
        runner = Runner(replace(program, batch=400, _hash=0), given, ids, options)
        found.append(runner.run().arrays["d0_0"])
    assert found[0].tobytes() == found[1].tobytes()
    assert found[0].any()


def test_dropped_weights_have_the_same_bits_on_any_number_of_threads() -> None:
    """Masks and random numbers are cut into chunks by shape; both passes, both precisions."""

    def make(q: Tensor, k: Tensor, v: Tensor, ids: Tensor) -> Tensor:
        kept = rows.greater_equal(rows.random_uniform(q.builder, "noise", (9, 2, 40, 50)), 0.3)
        return rows.attention(q, k, v, mask=ids, window=20, factors=kept * (1 / 0.7))

    shapes = [(9, 2, 40, 8), (9, 2, 50, 8), (9, 2, 50, 8)]
    program = replace(
        program_of(Case(make, shapes, labels=[((9, 40, 50), 2)]), 1), batch=9, _hash=0
    )
    kinds = {i.key: program.types[i.value].shape for i in program.inputs if i.kind == "param"}
    given = {f"param:{k}": np.random.default_rng(1).normal(size=s) for k, s in kinds.items()}
    ids = {"ids0": np.random.default_rng(2).integers(0, 2, (9, 40, 50))}
    steps = {"iteration:step": np.array([3.0])}
    for precision in ("float32", "float64"):
        found = []
        for threads in (1, 2, 3):
            options = PlanOptions(precision, threads=threads)  # type: ignore[arg-type]
            runner = Runner(program, given, ids, options)
            found.append([v.tobytes() for v in runner.run(scalars=steps).arrays.values()])
        assert len(set(map(tuple, found))) == 1
        assert all(any(part) for part in found[0])


def test_attention_keeps_no_scores() -> None:
    """Neither pass has a matrix of queries by keys; the forward pass is not done twice."""
    steps = 600
    program = program_of(Case(attention_case(), [(1, 2, steps, 4)] * 3), 1)
    engine = engine_of(program, FLOAT32)
    planned = engine.entry(("case", 0, frozenset()), lambda: program).planned
    kernels = [step.kernel for step in planned.steps()]
    assert [kernels.count(name) for name in ("attention", "attention_grad", "softmax")] == [1, 1, 0]
    assert planned.transient < 4 * steps * steps
