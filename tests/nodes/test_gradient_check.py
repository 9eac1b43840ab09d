"""Every node's gradient against central differences, in float64, for operands and params."""

from __future__ import annotations

import pytest

from tests.nodes.harness import Case, build, check_gradient, samples

NOT_A_SLOPE = frozenset({"StopGradient"})


def _differentiable() -> dict[str, Case]:
    found = {}
    for case, pair in samples().items():
        if pair[0].__name__ in NOT_A_SLOPE:
            continue
        for mode in ("train", "evaluate"):
            built = build(*pair, mode)
            slope = built.trained and built.objective() is not None
            if slope and (mode == "train" or built.trace.states):
                found[f"{case} {mode}"] = built
    return found


CASES = _differentiable()


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_the_slope(name: str) -> None:
    """d objective / d element agrees with (f(x + h) − f(x − h)) / 2h."""
    check_gradient(CASES[name])


@pytest.mark.parametrize("case", [c for c in samples() if c.startswith("StopGradient")])
def test_nothing_flows_through_stop_gradient(case: str) -> None:
    """The value passes, the gradient does not: what the node is for."""
    built = build(*samples()[case])
    assert (built.forward()["y"] == built.values["x.0"]).all()
    assert not built.gradients()["x.0"].any()
