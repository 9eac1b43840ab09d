"""Every node sample on the CPU back end in float64: its gradient is the slope of its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import pytest
from plan_harness import Runner

from compute.backend import PlanOptions
from graph.program import Program
from graph.simplify import drop_dead
from graph.tensor import Tensor
from tests.nodes.harness import SEED, Case, Values, check_gradient, distance, name
from tests.nodes.test_gradient_check import CASES


class PlannedCase(Case):
    """A case whose programs are planned and run by the CPU's kernels."""

    precision: ClassVar[Literal["float32", "float64"]] = "float64"

    def run(self, outputs: Mapping[str, Tensor], changed: Values | None = None) -> Values:
        program = drop_dead(self.trace.builder.finish("node", outputs))
        values = self.values | (changed or {})
        runner = self._runner(program, values)
        runner.engine.write(self._persistent(runner.program, values))
        done = runner.run(scalars=self._scalars(program))
        return {n: done.scalars[n][0] if n in done.scalars else done.arrays[n] for n in outputs}

    def _runner(self, program: Program, values: Values) -> Runner:
        runners: dict[Program, Runner] = self.__dict__.setdefault("runners", {})
        if program not in runners:
            # real operands as parameters: what is differentiated need not be gathered
            inputs = tuple(
                i._replace(kind="param")
                if i.kind == "batch" and program.types[i.value].dtype == "real"
                else i
                for i in program.inputs
            )
            ids = {i.key: values[i.key] for i in inputs if i.kind == "batch"}
            rows = len(next(iter(ids.values()))) if ids else 1
            planned = replace(program, inputs=inputs, batch=rows, _hash=0)
            options = PlanOptions(self.precision, threads=1, seed=SEED)
            runners[program] = Runner(planned, self._persistent(planned, values), ids, options)
        return runners[program]

    def _persistent(self, program: Program, values: Values) -> dict[str, np.ndarray]:
        kept = [i for i in program.inputs if i.kind in ("param", "state")]
        return {
            f"{i.kind}:{i.key}": values[i.key if i.key in values else name(i.key)] for i in kept
        }

    def _scalars(self, program: Program) -> dict[str, np.ndarray]:
        live = self.op.live_settings()
        numbers = {f"live:{i.key}": live[name(i.key)] for i in program.inputs if i.kind == "live"}
        return {
            key: np.array([value]) for key, value in (numbers | {"iteration:step": 1.0}).items()
        }


def planned(built: Case) -> PlannedCase:
    """The case on the CPU back end."""
    return PlannedCase(**vars(built))


def check_values(built: Case) -> float:
    """Assert that the kernels' values of a case are the reference's; returns the worst miss."""
    expected, found = built.forward(), planned(built).forward()
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-12, atol=1e-12, err_msg=key)
    return max((distance(found[key], value) for key, value in expected.items()), default=0.0)


@pytest.mark.parametrize("case", CASES)
def test_gradient_is_the_slope(case: str) -> None:
    """d objective / d element agrees with (f(x + h) − f(x − h)) / 2h, all computed by kernels."""
    check_gradient(planned(CASES[case]))


@pytest.mark.parametrize("case", CASES)
def test_values_are_the_references(case: str) -> None:
    """Outputs and running values agree with the reference interpreter."""
    check_values(CASES[case])
