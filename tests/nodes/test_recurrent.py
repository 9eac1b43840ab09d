"""Recurrent layers: dropout between them, what lies behind the end of a sequence, first weights."""

from __future__ import annotations

import numpy as np
import pytest

from compute.initial import initial
from graph.op import REGISTRY, labels, sample
from tests.nodes.harness import build

CELLS = ("RNN", "LSTM", "GRU")


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_dropout_stands_between_the_layers(p: float) -> None:
    """Numbers of the first layer reach the second as 0 or divided by 1 − p; none in evaluation."""
    settings = {"units": 40, "layers": 2, "dropout": p, "nonlinearity": "relu", "bias": False}
    made = {}
    for mode in ("train", "evaluate"):
        case = build(REGISTRY["RNN"], sample(x=(30, 4, 40), settings=settings), mode)
        case.values["x.0"] = np.abs(case.values["x.0"])
        for name in ("weight_ih_l0", "weight_ih_l1"):
            case.values[name] = np.eye(40)
        for name in ("weight_hh_l0", "weight_hh_l1"):
            case.values[name] = np.zeros((40, 40))
        made[mode] = case.forward()["y"]
    np.testing.assert_array_equal(made["evaluate"], case.values["x.0"])
    factors = made["train"] / made["evaluate"]
    assert (factors == 0).mean() == pytest.approx(p, abs=0.03)
    np.testing.assert_allclose(factors[factors > 0], 1 / (1 - p))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("returns", ["sequence", "last"])
def test_nothing_behind_the_end_counts(cell: str, returns: str) -> None:
    settings = {"units": 3, "layers": 2, "bidirectional": True, "returns": returns}
    case = build(REGISTRY[cell], sample(x=(2, 5, 2), length=labels(2), settings=settings))
    case.values["length.0"] = np.array([2, 5])
    before = case.forward()["y"]
    case.values["x.0"][0, 2:] += 1.0
    np.testing.assert_array_equal(case.forward()["y"], before)
    case.values["x.0"][0, 1] += 1.0
    assert (case.forward()["y"][0] != before[0]).any()
    np.testing.assert_array_equal(case.forward()["y"][1], before[1])


@pytest.mark.parametrize("cell", CELLS)
def test_weights_start_as_in_pytorch(cell: str) -> None:
    """Uniform up to one over the root of the units, whatever the number of inputs."""
    case = build(REGISTRY[cell], sample(x=(2, 3, 7), settings={"units": 16, "layers": 2}))
    for key, param in case.trace.params.items():
        found = np.abs(initial(param, key, 5))
        assert 0.2 < found.max() <= 0.25, key
