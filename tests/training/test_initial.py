"""Initial weights: the declared distributions, keyed by parameter."""

import math

import numpy as np
import pytest
import torch

from compute.initial import fans, initial, initial_values
from graph.lower import Model
from graph.op import Param
from graph.ops.dense import INITIALISERS
from graph.program import TensorType
from tests.support.small_graphs import moons, op

BOUNDS = {
    "he_uniform": math.sqrt(6 / 300),
    "glorot_uniform": math.sqrt(6 / (300 + 200)),
    "lecun_uniform": math.sqrt(3 / 300),
    "torch_linear": 1 / math.sqrt(300),
}
DEVIATIONS = {
    "he_normal": math.sqrt(2 / 300),
    "glorot_normal": math.sqrt(2 / (300 + 200)),
    "lecun_normal": math.sqrt(1 / 300),
    "standard_normal": 1.0,
}
TRUNCATED = {
    "he_truncated": math.sqrt(2 / 300),
    "glorot_truncated": math.sqrt(2 / (300 + 200)),
    "lecun_truncated": math.sqrt(1 / 300),
}
OTHERS = {"orthogonal", "truncated_normal", "identity", "zeros", "ones", "constant"}


def test_a_blank_row_starts_at_zero_and_the_others_as_without() -> None:
    """What stands for padding: PyTorch's padding_idx."""
    blank = initial(Param((5, 3), "standard_normal", blank=2), "a/weight", 1)
    plain = initial(Param((5, 3), "standard_normal"), "a/weight", 1)
    assert not blank[2].any()
    others = [0, 1, 3, 4]
    assert (blank[others] == plain[others]).all()


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


def test_what_can_be_chosen_is_known() -> None:
    """Each is one of those above, or tested by itself below."""
    assert set(INITIALISERS) == {*BOUNDS, *DEVIATIONS, *TRUNCATED, *OTHERS}


@pytest.mark.parametrize("init", TRUNCATED)
def test_keras_normals_have_their_deviation_and_an_end(init: str) -> None:
    """The deviation is that of what is left; the end is at two deviations of what was drawn."""
    values = initial(Param((200, 300), init), "a/weight", 1)
    drawn = TRUNCATED[init] / 0.87962566103423978
    assert values.std() == pytest.approx(TRUNCATED[init], rel=0.01)
    assert abs(values.mean()) < 0.02 * TRUNCATED[init]
    assert 1.99 * drawn < np.abs(values).max() <= 2 * drawn


@pytest.mark.parametrize("kind", ["Dense", "Conv2d", "Conv1d"])
def test_a_constant_fills_the_weights(kind: str) -> None:
    """With the number chosen; the bias starts at 0 as always."""
    shape = {"Dense": (2, 3), "Conv2d": (2, 3, 8, 8), "Conv1d": (2, 3, 8)}[kind]
    found = op(kind, init="constant", init_value=-0.25).params(TensorType(shape))
    assert np.array_equal(
        initial(found["weight"], "a/weight", 1), np.full(found["weight"].shape, -0.25)
    )
    assert not initial(found["bias"], "a/bias", 1).any()


@pytest.mark.parametrize("shape", [(50, 20), (20, 50), (12, 3, 2, 2), (7, 7)])
def test_orthogonal_is_pytorchs_of_the_same_numbers(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the same normal numbers, and rows or columns are of length 1 at right angles."""
    ours = initial(Param(shape, "orthogonal"), "a/weight", 3)
    theirs = torch.empty(shape, dtype=torch.float64)

    def normal(values: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        count = tuple(values.shape)
        drawn = initial(Param(count, "lecun_normal", (1, 1)), "a/weight", 3)
        return values.copy_(torch.from_numpy(drawn))

    monkeypatch.setattr(torch.Tensor, "normal_", normal)
    np.testing.assert_allclose(ours, torch.nn.init.orthogonal_(theirs).numpy(), atol=1e-12)
    flat = ours.reshape(shape[0], -1)
    gram = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_truncated_normal_has_nothing_beyond_two_deviations() -> None:
    """The share within one deviation is that of the whole over that of what was kept."""
    values = initial(Param((200, 300), "truncated_normal"), "a/weight", 1) / 0.02
    assert 1.99 < np.abs(values).max() <= 2
    assert abs(values.mean()) < 0.02
    assert values.std() == pytest.approx(0.8796, rel=0.01)
    assert (np.abs(values) < 1).mean() == pytest.approx(0.6827 / 0.9545, abs=0.01)


@pytest.mark.parametrize(
    "shape", [(4, 4), (3, 5), (5, 3), (3, 2, 3), (2, 3, 3, 2), (2, 2, 3, 3, 3)]
)
def test_identity_is_pytorchs(shape: tuple[int, ...]) -> None:
    """`eye_` of a matrix, `dirac_` of windows."""
    fill = torch.nn.init.eye_ if len(shape) == 2 else torch.nn.init.dirac_
    theirs = fill(torch.empty(shape)).numpy()
    assert np.array_equal(initial(Param(shape, "identity"), "w", 0), theirs)


@pytest.mark.parametrize("init", ["orthogonal", "identity"])
def test_one_axis_is_no_matrix(init: str) -> None:
    """What was found is said."""
    with pytest.raises(ValueError, match=rf"w: found {init} for an array of shape \(3,\)"):
        initial(Param((3,), init), "w", 0)


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


@pytest.mark.parametrize("seed", [0, 3, 2**63 - 1])
def test_arrays_drawn_in_one_pass_are_those_drawn_alone(seed: int) -> None:
    """Sizes that no block of the generator divides are among them."""
    model = Model(moons(units=7))
    values = initial_values(model, seed, np.float64)
    for key, param in model.params.items():
        assert values[f"param:{key}"].tobytes() == initial(param, key, seed).tobytes(), key


def test_fans_come_from_the_shape() -> None:
    """Axis 0 is out, axis 1 in, the rest the window; a given fan wins."""
    assert fans((7, 5)) == (5, 7)
    assert fans((7, 5, 3, 2)) == (30, 42)
    wide = initial(Param((1000,), "torch_linear", (100, 1000)), "b", 0)
    assert np.abs(wide).max() == pytest.approx(0.1, rel=0.01)
    assert initial(Param((2,), "ones"), "g", 0).tolist() == [1, 1]
    with pytest.raises(ValueError, match="found initialiser 'magic', expected one of zeros"):
        initial(Param((2, 2), "magic"), "w", 0)
