"""What a run on the CPU back end learnt, exported: the same predictions on its validation set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import resources
from compute.control import Control
from compute.data import Folder
from compute.prepare import TrainOptions, load_graph, make_job, make_plan, silent, with_settings
from compute.train import train
from graph.export import Target
from graph.files import load
from tests.export.golden_files import EXAMPLES
from tests.export.running import Case, outputs_of, stored
from tests.export.test_exported_numbers import SINGLE, TARGETS, check


def trained(name: str) -> Case:
    """An example after one epoch in float32, and what it predicts for the validation set."""
    graph = with_settings(load(EXAMPLES / f"{name}.loom"), TrainOptions(epochs=1))
    loaded = load_graph(graph, Folder(EXAMPLES))
    plan = make_plan(loaded, TrainOptions(device="cpu", threads=1), silent)
    job = make_job(loaded, plan)
    for _ in train(job, Control()):
        pass
    rows = loaded.parts.validation
    found = plan.run("predict", job.data, rows[None], {})
    program = loaded.model.program("predict", len(rows))
    outputs = outputs_of(program, {**found.arrays, **found.scalars})
    weights = {key: value for _, key, value in stored(plan)}
    plan.close()
    inputs = [job.data[i.key][rows] for i in program.inputs if i.kind == "batch"]
    assert np.ptp(outputs[0]) > 0
    return Case(name, graph, weights, outputs, np.zeros(0), inputs, EXAMPLES)


@pytest.mark.parametrize("target", TARGETS)
def test_validation_sets_agree(target: Target, tmp_path: Path) -> None:
    """Every example, in float32, within 1e-5 of the largest logit."""
    cases = [trained(name) for name in resources.examples()]
    check(cases, target, tmp_path, SINGLE)
