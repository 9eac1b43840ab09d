"""Noise of training: which numbers share a mask, what stays on average, nothing in evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from graph.op import REGISTRY, sample
from tests.nodes.harness import Case, build, samples

NOISY = ("SpatialDropout", "AlphaDropout", "DropPath", "GaussianNoise")


def trained(name: str, *shape: int, **settings: float) -> Case:
    """The node in training on numbers of that shape."""
    return build(REGISTRY[name], sample(x=shape, settings=settings))


@pytest.mark.parametrize(("name", "axes"), [("SpatialDropout", 2), ("DropPath", 1)])
@pytest.mark.parametrize("p", [0.0, 0.2, 0.8])
def test_whole_parts_are_dropped(name: str, axes: int, p: float) -> None:
    """A channel or a sample is 0 everywhere or divided by 1 − p, and its share is p."""
    case = trained(name, 40, 25, 2, 3, p=p)
    factors = case.forward()["y"] / case.values["x.0"]
    parts = factors.reshape(*factors.shape[:axes], -1)
    np.testing.assert_allclose(parts, parts[..., :1] + np.zeros_like(parts), atol=1e-12)
    assert np.isclose(parts, 0).any(-1).mean() == pytest.approx(p, abs=0.2 if axes == 1 else 0.06)
    np.testing.assert_allclose(parts[parts > 0.5], 1 / (1 - p))


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(p: float) -> None:
    """Of standard normal numbers; what is dropped has one value, as in PyTorch."""
    case = trained("AlphaDropout", 200, 100, p=p)
    case.values["x.0"] = np.random.default_rng(3).normal(size=(200, 100))
    y = case.forward()["y"]
    assert y.mean() == pytest.approx(0.0, abs=0.03)
    assert y.std() == pytest.approx(1.0, abs=0.03)
    bound = 1.0507009873554805 * 1.6732632423543772
    scale = ((1 - p) * (1 + p * bound**2)) ** -0.5
    dropped = np.isclose(y, scale * bound * (p - 1))
    assert dropped.mean() == pytest.approx(p, abs=0.02)
    kept = scale * (case.values["x.0"] + p * bound)
    np.testing.assert_allclose(y[~dropped], kept[~dropped])


def test_gaussian_noise_is_normal() -> None:
    """Mean 0, the deviation asked for, and the tails of a normal distribution."""
    case = trained("GaussianNoise", 200, 100, deviation=2.0)
    noise = (case.forward()["y"] - case.values["x.0"]) / 2.0
    assert noise.mean() == pytest.approx(0.0, abs=0.03)
    assert noise.std() == pytest.approx(1.0, abs=0.03)
    for bound, share in ((1.0, 0.3173), (2.0, 0.0455), (3.0, 0.0027)):
        assert (np.abs(noise) > bound).mean() == pytest.approx(share, abs=0.015 / bound)


@pytest.mark.parametrize("case", [c for c in samples() if c.startswith(NOISY)])
def test_evaluation_passes_its_input_on(case: str) -> None:
    """No random rows and the same numbers."""
    built = build(*samples()[case], "evaluate")
    assert not built.random
    assert (built.forward()["y"] == built.values["x.0"]).all()
