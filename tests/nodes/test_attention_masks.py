"""What a mask, a window and dropout do to the weights of attention; queries that see nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compute.backend import Array
from graph.export import export
from graph.op import REGISTRY, Sample, labels
from tests.nodes.harness import Case, build
from tests.support.small_graphs import draw, op

NODE = REGISTRY["ScaledDotProductAttention"]


def attended(steps: int, mask: Array | None = None, mode: Any = "train", **settings: Any) -> Case:
    """Two heads of two sequences; the values are a unit matrix, so the result is the weights."""
    inputs: dict[str, Any] = dict.fromkeys("qkv", (2, 2, steps, steps))
    if mask is not None:
        inputs["mask"] = labels(*mask.shape)
    case = build(NODE, Sample(inputs, settings), mode)
    case.values["v.0"] = np.broadcast_to(np.eye(steps), (2, 2, steps, steps)).copy()
    if mask is not None:
        case.values["mask.0"] = mask
    return case


def weights(case: Case) -> Array:
    return case.forward()["y"]


MASKS = {
    "keys": np.array([[1, 0, 1, 1], [0, 1, 5, 1]]),
    "queries": np.array([[[1], [0], [1], [-2]], [[1], [1], [0], [0]]]),
    "both": np.random.default_rng(1).integers(0, 2, (2, 4, 4)),
    "heads": np.random.default_rng(2).integers(0, 2, (2, 2, 4, 4)),
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("causal", [False, True])
def test_weights_are_those_of_the_keys_seen(name: str, causal: bool) -> None:
    """They sum to 1 where the mask is not 0; a query that sees none has weights of 0."""
    mask = MASKS[name]
    case = attended(4, mask, causal=causal)
    kept = (mask != 0).reshape(2, *[1] * (4 - mask.ndim), *mask.shape[1:])
    kept = np.broadcast_to(kept, (2, 2, 4, 4)) & (np.tri(4, dtype=bool) if causal else True)
    found = weights(case)
    assert ((found > 0) == kept).all()
    np.testing.assert_allclose(found.sum(-1), kept.any(-1), rtol=1e-12)
    plain = weights(attended(4)) * kept
    total = plain.sum(-1, keepdims=True)
    np.testing.assert_allclose(found, plain / np.where(total, total, 1), rtol=1e-12)


def test_a_query_that_sees_nothing_passes_nothing_back() -> None:
    """No NaN, and gradients of 0 for what a hidden query or key was made of."""
    mask = np.ones((2, 4, 4), int)
    mask[0, 1], mask[1, :, 2] = 0, 0
    case = attended(4, mask)
    case.objective()
    gradients = case.gradients()
    assert all(np.isfinite(part).all() for part in gradients.values())
    assert not gradients["q.0"][0, :, 1].any()
    assert not gradients["k.0"][1, :, 2].any()
    assert not gradients["v.0"][1, :, 2].any()
    assert gradients["q.0"][0, :, 0].all()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [1, 2, 9])
def test_a_window_shows_near_steps(causal: bool, window: int) -> None:
    """Those less than so many steps away, after the query only where it is not causal."""
    apart = np.arange(5)[:, None] - np.arange(5)
    seen = (np.abs(apart) < window) & ((apart >= 0) | (not causal))
    found = weights(attended(5, window=window, causal=causal))
    assert ((found > 0) == seen).all()


def test_dropout_sets_weights_to_0_and_enlarges_the_others() -> None:
    """The share of zeros is p; evaluation drops nothing, and runs as one row."""
    plain, found = weights(attended(40)), weights(attended(40, dropout=0.3))
    kept = found != 0
    assert 1 - kept.mean() == pytest.approx(0.3, abs=0.03)
    np.testing.assert_allclose(found, np.where(kept, plain / 0.7, 0), rtol=1e-12)
    evaluated = attended(40, mode="evaluate", dropout=0.3)
    np.testing.assert_allclose(weights(evaluated), plain, rtol=1e-12)
    assert [row.op for row in evaluated.trace.builder.rows] == ["attention"]


def test_pytorch_is_told_of_mask_window_and_dropout() -> None:
    """In the words of its own functions; dropout follows the module's mode."""
    nodes = {
        "x": op("Input", shape=(6, 4)),
        "ids": op("ToIds"),
        "key": op("Reduce", axes=(2,)),
        "own": op("ScaledDotProductAttention", window=3, causal=True, dropout=0.1),
        "heads": op("MultiHeadAttention", heads=2, dropout=0.2),
        "out": op("Output"),
    }
    wires = """x.y>key.x key.y>ids.x x.y>own.q x.y>own.k x.y>own.v ids.y>own.mask
        own.y>heads.x ids.y>heads.mask heads.y>out.x"""
    text = " ".join(export(draw(nodes, wires), "pytorch").split())
    for words in (
        "self.own = nn.Dropout(0.1)",
        ".triu(-2).tril()",
        "dropout_p=self.own.p if self.own.training else 0.0",
        "dropout=0.2",
        "key_padding_mask=",
    ):
        assert words in text
