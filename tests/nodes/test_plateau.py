"""A schedule that follows a score drops when PyTorch's ReduceLROnPlateau does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graph.ops  # noqa: F401  fills the registry
from graph.kinds import Followed
from graph.op import REGISTRY
from graph.template import schedule_text
from tests.nodes.harness import load_source
from tests.nodes.peer import torch

RATE = 0.05
CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "patient": {"patience": 3, "factor": 0.5},
    "at once": {"patience": 0, "factor": 0.9, "threshold": 0.0},
    "resting": {"patience": 1, "cooldown": 4, "factor": 0.3},
    "coarse": {"patience": 2, "threshold": 0.2, "cooldown": 1},
    "floor": {"patience": 0, "factor": 0.1, "floor": 0.05},
    "rising": {"patience": 2, "mode": "max", "threshold": 0.01},
}


def series(kind: str) -> list[float]:
    """Scores of 120 epochs: falling, falling and rising with noise, or the same."""
    epochs, rng = np.arange(120.0), np.random.default_rng(4)
    noise = rng.normal(size=120)
    made = {
        "falling": np.exp(-epochs / 9) + 0.1,
        "noisy": np.exp(-epochs / 20) + 0.02 * np.abs(noise) + 0.002 * epochs,
        "still": np.full(120, 0.7),
        "broken": np.where(epochs % 17 == 0, np.nan, 1 / (epochs + 1)),
    }
    found: list[float] = made[kind].tolist()
    return found


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["falling", "noisy", "still", "broken"])
def test_shares_are_pytorchs(case: str, kind: str, tmp_path: Path) -> None:
    """The learning rate after each epoch, and that something drops at all."""
    schedule = REGISTRY["PlateauSchedule"](**CASES[case])
    made = schedule_text(schedule, "optimizer", "steps", RATE)
    source = f"import torch\n\ndef plan(optimizer):\n    return {made}\n"
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], RATE)
    theirs = load_source(source, tmp_path, "peer_plateau").plan(optimizer)
    seen, shares = Followed(), []
    for score in series(kind):
        seen = schedule.follow(seen, score)
        theirs.step(score)
        assert RATE * seen.share == pytest.approx(optimizer.param_groups[0]["lr"], 1e-12, 0)
        shares.append(seen.share)
    if kind == "still":
        assert shares[-1] < 1
