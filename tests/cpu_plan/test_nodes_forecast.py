"""Every node sample has a forecast: no row of its plan is without a time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from compute.cpu.costs.forecast import forecast
from compute.cpu.variants import native
from graph.program import Program
from graph.simplify import drop_dead
from graph.tensor import Tensor
from tests.cpu_plan.test_forecast import machine
from tests.cpu_plan.test_nodes_planned import PlannedCase
from tests.nodes.harness import Values, check_gradient
from tests.nodes.test_gradient_check import CASES


class ForetoldError(Exception):
    """Ends a case with the forecast of the program that was to run."""


class ForetoldCase(PlannedCase):
    """A case that ends with the forecast of its program."""

    def run(self, outputs: Mapping[str, Tensor], changed: Values | None = None) -> Values:
        program: Program = drop_dead(self.trace.builder.finish("node", outputs))
        runner = self._runner(program, self.values | (changed or {}))
        (bound,) = runner.engine.bound()
        raise ForetoldError([forecast(bound.planned, machine(), n, native("f64")) for n in (1, 2)])


@pytest.mark.parametrize("gradient", [False, True], ids=["values", "gradient"])
@pytest.mark.parametrize("case", CASES)
def test_every_row_has_a_time(case: str, gradient: bool) -> None:
    """Positive and finite, on one thread and on two."""
    built = ForetoldCase(**vars(CASES[case]))
    with pytest.raises(ForetoldError) as told:
        check_gradient(built) if gradient else built.forward()
    for one in told.value.args[0]:
        assert np.isfinite(one.seconds)
        assert all(0 < row < np.inf for row in one.rows)
