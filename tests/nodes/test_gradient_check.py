"""Every node's gradient against central differences, in float64, for operands and params."""

from __future__ import annotations

import numpy as np
import pytest

from graph.tensor import Tensor
from tests.nodes.harness import Case, build, samples

STEP = 1e-6
NOT_A_SLOPE = frozenset({"StopGradient"})
CHECKED = 20  # elements of each array; a sum over a random direction covers the rest


def _differentiable() -> dict[str, tuple[Case, Tensor]]:
    found = {}
    for case, pair in samples().items():
        if pair[0].__name__ in NOT_A_SLOPE:
            continue
        for mode in ("train", "evaluate"):
            built = build(*pair, mode)
            total = built.objective() if built.trained else None
            if total is not None and (mode == "train" or built.trace.states):
                found[f"{case} {mode}"] = (built, total)
    return found


CASES = _differentiable()


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_the_slope(name: str) -> None:
    """d objective / d element agrees with (f(x + h) − f(x − h)) / 2h."""
    built, total = CASES[name]
    program = {"objective": total}
    rng = np.random.default_rng(3)
    for key, gradient in built.gradients().items():
        value = built.values[key]
        places = rng.permutation(value.size)[:CHECKED]
        directions = [np.eye(1, value.size, k).reshape(value.shape) for k in places]
        directions.append(rng.normal(size=value.shape))
        for direction in directions:
            ahead, behind = (
                built.run(program, {key: value + sign * STEP * direction})["objective"]
                for sign in (1, -1)
            )
            expected = (ahead - behind) / (2 * STEP)
            scale = max(1.0, float(np.abs(gradient).max()) * float(np.abs(direction).sum()))
            assert (gradient * direction).sum() == pytest.approx(expected, abs=2e-8 * scale), key


@pytest.mark.parametrize("case", [c for c in samples() if c.startswith("StopGradient")])
def test_nothing_flows_through_stop_gradient(case: str) -> None:
    """The value passes, the gradient does not: what the node is for."""
    built = build(*samples()[case])
    assert (built.forward()["y"] == built.values["x.0"]).all()
    assert not built.gradients()["x.0"].any()
