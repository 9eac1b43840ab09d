"""The compiled kernel library of every vector variant this machine can run."""

from __future__ import annotations

import numpy as np
import pytest

from compute.cpu import loader, variants
from compute.cpu.loader import Library

VARIANTS = [v.name for real in ("f32", "f64") for v in variants.available(real)]


@pytest.fixture(params=VARIANTS)
def library(request: pytest.FixtureRequest) -> Library:
    """All kernels of one variant, compiled when the cache lacks them."""
    return loader.ensure(variants.named(request.param), loader.all_names())


@pytest.fixture
def real(library: Library) -> type[np.floating]:
    """The NumPy type of the library's reals."""
    return np.float32 if library.variant.real == "f32" else np.float64


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
