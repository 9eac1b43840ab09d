"""Digits and toy data: right, and the same every time."""

import numpy as np
import pytest
import sklearn.datasets

import graph.ops  # noqa: F401  fills the registry
from compute.data import DataError, Folder, load_samples
from graph.op import REGISTRY

SHAPES = ("moons", "circles", "spiral", "xor", "regression")


def load(folder, **nodes):
    """The samples of these data nodes."""
    return load_samples(nodes, Folder(folder))


def test_digits_are_scikit_learns(tmp_path) -> None:
    """The same numbers as `load_digits`, from 0 to 1, N×1×8×8."""
    samples = load(tmp_path, d=REGISTRY["Digits"]())
    bunch = sklearn.datasets.load_digits()
    assert np.array_equal(samples.arrays["d.image"], bunch.images[:, None] / 16)
    assert np.array_equal(samples.arrays["d.label"], bunch.target)
    assert samples.labels() is samples.arrays["d.label"]


@pytest.mark.parametrize("shape", SHAPES)
def test_toy_data_follows_its_settings(tmp_path, shape: str) -> None:
    """Count, types, balance; equal for equal seeds, other for others; no noise when asked."""
    made = {seed: load(tmp_path, t=REGISTRY["ToyData"](shape=shape, seed=seed)) for seed in (0, 1)}
    again = load(tmp_path, t=REGISTRY["ToyData"](shape=shape, seed=0))
    assert again.fingerprint == made[0].fingerprint != made[1].fingerprint
    assert made[0].count == 500
    types = REGISTRY["ToyData"](shape=shape).sample_types()
    for port, kind in types.items():
        assert made[0].arrays[f"t.{port}"].shape == (500, *kind.shape)
    if shape != "regression":
        assert abs(np.bincount(made[0].arrays["t.target"])[0] - 250) < 40


def test_noise_is_added_to_exact_shapes(tmp_path) -> None:
    """Without noise circles have radii 1 and ½; with it the deviation is the setting's."""
    exact = load(tmp_path, t=REGISTRY["ToyData"](shape="circles", noise=0.0, samples_count=4000))
    radii = np.linalg.norm(exact.arrays["t.features"], axis=1)
    np.testing.assert_allclose(radii, np.where(exact.arrays["t.target"] == 0, 1.0, 0.5))
    noisy = load(tmp_path, t=REGISTRY["ToyData"](shape="circles", noise=0.2, samples_count=4000))
    difference = noisy.arrays["t.features"] - exact.arrays["t.features"]
    assert difference.std() == pytest.approx(0.2, rel=0.03)
    assert abs(difference.mean()) < 0.01


def test_data_nodes_must_be_of_one_length(tmp_path) -> None:
    """Sample k of one belongs to sample k of the other."""
    with pytest.raises(DataError, match="500 samples beside 1,797 of 'a'"):
        load(tmp_path, a=REGISTRY["Digits"](), b=REGISTRY["ToyData"]())
    with pytest.raises(DataError, match="no data node"):
        load(tmp_path)
