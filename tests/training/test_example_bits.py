"""Every example trains to the same bits on one, two and three threads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compute.cpu import entry
from compute.data import Folder
from compute.evaluate import host_scalars
from compute.prepare import TrainOptions, load_graph, make_job, make_plan, silent
from graph.files import load

EXAMPLES = Path(__file__).resolve().parents[2] / "resources" / "examples"
STEPS = 8


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.loom")))
def test_threads_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "SMALL_FLOPS", 0)  # small steps would run on one thread anyway
    monkeypatch.setattr(entry, "SMALL_BYTES", 0)
    loaded = load_graph(load(EXAMPLES / f"{name}.loom"), Folder(EXAMPLES))
    results = []
    for threads in (1, 2, 3):
        plan = make_plan(loaded, TrainOptions(threads=threads), silent)
        job = make_job(loaded, plan)
        found = {}
        for phase in loaded.model.phases:
            index = job.batches.take(0, 0, 1)
            scalars = host_scalars(job.live, 0, STEPS) | {"iteration:steps": np.full(STEPS, 100.0)}
            done = plan.run(phase.name, job.data, np.repeat(index, STEPS, axis=0), scalars)
            assert done.steps == STEPS
            found |= {f"{phase.name}/{key}": value for key, value in done.scalars.items()}
        results.append(plan.read() | found)
        plan.close()
    for other in results[1:]:
        assert other.keys() == results[0].keys()
        different = [k for k, v in results[0].items() if not np.array_equal(other[k], v)]
        assert not different
