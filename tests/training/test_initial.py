"""Initial weights: the declared distributions, keyed by parameter."""

import math

import numpy as np
import pytest
import torch

from compute.initial import fans, initial, initial_values
from graph.lower import Model
from graph.op import Param
from tests.support.small_graphs import moons

BOUNDS = {
    "he_uniform": math.sqrt(6 / 300),
    "glorot_uniform": math.sqrt(6 / (300 + 200)),
    "torch_linear": 1 / math.sqrt(300),
}
DEVIATIONS = {"he_normal": math.sqrt(2 / 300), "glorot_normal": math.sqrt(2 / (300 + 200))}


@pytest.mark.parametrize("init", BOUNDS)
def test_uniform_initialisers_fill_their_range(init: str) -> None:
    """Within ±bound, close to it, flat."""
    values = initial(Param((200, 300), init), "a/weight", 1)
    bound = BOUNDS[init]
    assert np.abs(values).max() <= bound
    assert np.abs(values).max() > 0.999 * bound
    assert values.std() == pytest.approx(bound / math.sqrt(3), rel=0.01)
    assert abs(values.mean()) < 0.01 * bound


@pytest.mark.parametrize("init", DEVIATIONS)
def test_normal_initialisers_have_their_deviation(init: str) -> None:
    """Mean, deviation and the share within one deviation."""
    values = initial(Param((200, 300), init), "a/weight", 1)
    assert values.std() == pytest.approx(DEVIATIONS[init], rel=0.01)
    assert abs(values.mean()) < 0.02 * DEVIATIONS[init]
    assert (np.abs(values) < DEVIATIONS[init]).mean() == pytest.approx(0.6827, abs=0.01)


def test_torch_linear_has_pytorchs_range() -> None:
    """The bound that PyTorch's own layers keep, for dense and convolution."""
    for layer in (torch.nn.Linear(50, 40), torch.nn.Conv2d(5, 40, 3)):
        shape = tuple(layer.weight.shape)
        ours = initial(Param(shape, "torch_linear"), "a/weight", 0)
        theirs = layer.weight.detach().abs().max().item()
        assert np.abs(ours).max() == pytest.approx(theirs, rel=0.01)


def test_values_depend_on_key_and_seed_only() -> None:
    """A new node changes no other's weights; shorter arrays begin the same."""
    param = Param((4, 3), "he_uniform")
    assert np.array_equal(initial(param, "a", 1), initial(param, "a", 1))
    assert not np.array_equal(initial(param, "a", 1), initial(param, "b", 1))
    assert not np.array_equal(initial(param, "a", 1), initial(param, "a", 2))
    small, large = Model(moons()), Model(moons(dropout=0.2, units=8))
    one, two = (initial_values(model, 3, np.float32) for model in (small, large))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert all(value.dtype == np.float32 for value in one.values())
    assert not one["slot:adam/m/hidden/weight"].any()


def test_fans_come_from_the_shape() -> None:
    """Axis 0 is out, axis 1 in, the rest the window; a given fan wins."""
    assert fans((7, 5)) == (5, 7)
    assert fans((7, 5, 3, 2)) == (30, 42)
    wide = initial(Param((1000,), "torch_linear", (100, 1000)), "b", 0)
    assert np.abs(wide).max() == pytest.approx(0.1, rel=0.01)
    assert initial(Param((2,), "ones"), "g", 0).tolist() == [1, 1]
    with pytest.raises(ValueError, match="found initialiser 'magic', expected one of zeros"):
        initial(Param((2, 2), "magic"), "w", 0)
