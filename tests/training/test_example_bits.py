"""Every example trains to the same bits on one, two and three threads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compute.backend import Array
from compute.control import Control
from compute.cpu import entry
from compute.data import Folder
from compute.events import EpochDone
from compute.prepare import Loaded, TrainOptions, load_graph, make_job, make_plan, silent
from compute.train import train
from graph.files import load

EXAMPLES = Path(__file__).resolve().parents[2] / "resources" / "examples"
EPOCHS, BATCHES, HELD_OUT = 3, 3, 40  # batches of an epoch; samples of its evaluation


def trained(loaded: Loaded, threads: int) -> tuple[list[object], dict[str, Array]]:
    """The metrics of a few short epochs, and all arrays at their end."""
    plan = make_plan(loaded, TrainOptions(threads=threads), silent)
    job = make_job(loaded, plan)
    few = job.batches.samples[: BATCHES * job.batches.batch]
    job.batches = replace(job.batches, samples=few)
    job.parts = replace(job.parts, train=few, validation=job.parts.validation[:HELD_OUT])
    job.epochs = EPOCHS
    metrics = [one.metrics for one in train(job, Control()) if isinstance(one, EpochDone)]
    arrays = dict(plan.read())
    plan.close()
    return metrics, arrays


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.loom")))
def test_threads_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses and scores of the epochs, weights and what optimizers keep."""
    monkeypatch.setattr(entry, "SMALL_FLOPS", 0)  # small steps would run on one thread anyway
    monkeypatch.setattr(entry, "SMALL_BYTES", 0)
    loaded = load_graph(load(EXAMPLES / f"{name}.loom"), Folder(EXAMPLES))
    metrics, arrays = trained(loaded, 1)
    assert len(metrics) == EPOCHS
    for threads in (2, 3):
        found, others = trained(loaded, threads)
        assert found == metrics
        assert others.keys() == arrays.keys()
        assert not [k for k, v in arrays.items() if not np.array_equal(others[k], v)]
