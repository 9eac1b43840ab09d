"""Runs generated files alone, in one fresh process for many, and the reference beside them.

Every file stands in its own folder with its weights. The process knows nothing of this checkout
(`python -I`), so a file that needs it fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from compute.backend import Array, PlanOptions
from compute.batches import Batches
from compute.data import Folder, load_samples
from compute.reference_plan import ReferencePlan
from compute.split import split
from graph.export import Options, Target, export
from graph.graph import Graph
from graph.lower import Model
from safetensors.numpy import save_file

STEPS = 20
ROWS = 6  # samples that are predicted
DRIVER = Path(__file__).with_name("driver.py")
# PyTorch says so of every even kernel with "same" padding
QUIET = "ignore:Using padding"


@dataclass
class Case:
    """A graph beside its reference: what it predicts, and the losses of its first steps."""

    name: str
    graph: Graph
    weights: dict[str, Array]
    outputs: list[Array]
    losses: Array


def no_progress(done: int, total: int, what: str) -> None:
    """Nobody watches."""


def reference(name: str, graph: Graph, seed: int = 0, folder: Path = Path()) -> Case:
    """Running values of a trained model, predictions on a few samples, and the first steps."""
    model = Model(graph)
    training = graph.training
    options = PlanOptions(precision=training.precision, seed=training.seed)
    plan = ReferencePlan(model, options, no_progress)
    rng = np.random.default_rng(seed)
    weights = {
        key.split(":", 1)[1]: _moved(key, value, rng)
        for key, value in plan.read().items()
        if not key.startswith("slot:")
    }
    samples = load_samples(model.data_nodes, Folder(folder))
    rows = split(samples.count, samples.labels(), training.split).train
    dtype = np.float64 if training.precision == "float64" else np.float32
    data = samples.prepare(samples.fit(rows), dtype)
    losses = train(plan, model, data, rows[: STEPS * training.batch_size])
    kinds = {f"param:{key}": key for key in model.params} | {f"state:{k}": k for k in model.states}
    plan.write({name: weights[key] for name, key in kinds.items()})
    found = plan.run("predict", data, rows[None, :ROWS], {})
    made = {**found.arrays, **found.scalars}
    once = {value: name for name, value in reversed(model.program("predict", ROWS).outputs)}
    outputs = [made[name] for name in reversed(once.values())]
    return Case(name, graph, weights, outputs, losses)


def _moved(key: str, value: Array, rng: np.random.Generator) -> Array:
    """Running values as if the model had been trained: a mean is near 0, a variance near 1."""
    if key.startswith("state:"):
        return np.asarray(value + rng.uniform(0.0, 0.5, value.shape), value.dtype)
    return value


def train(plan: ReferencePlan, model: Model, data: Mapping[str, Array], rows: Array) -> Array:
    """Losses of the first `STEPS` steps, phase by phase, on `rows`."""
    training = model.graph.training
    batches = Batches(rows, training.batch_size, training.seed)
    losses = []
    for step in range(1, min(STEPS, training.epochs * batches.steps) + 1):
        epoch, place = divmod(step - 1, batches.steps)
        scalars = {f"live:{key}": np.array([value]) for key, value in model.live.items()}
        counters = {"step": step, "epoch": epoch, "steps": training.epochs * batches.steps}
        scalars |= {f"iteration:{k}": np.array([float(v)]) for k, v in counters.items()}
        found = []
        for phase in model.phases:
            index = batches.take(epoch, place, 1, phase.name if phase.fresh_batch else "")
            found.append(plan.run(phase.name, data, index, scalars).scalars["loss"][0])
        losses.append(found[0])
    return np.array(losses)


def run_alone(cases: Sequence[Case], target: Target, folder: Path) -> dict[str, dict[str, Any]]:
    """What the generated files give, by name of the case: outputs and losses, or the error."""
    for case in cases:
        own = folder / case.name
        own.mkdir()
        text = export(case.graph, target, Options(case.name))
        (own / "model.py").write_text(text, "utf-8")
        arrays = {key: np.ascontiguousarray(value) for key, value in case.weights.items()}
        save_file(arrays, own / "model.safetensors")
    sizes = [target, str(STEPS), str(ROWS)]
    command = [sys.executable, "-I", "-W", "error", "-W", QUIET, str(DRIVER), *sizes, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, dict[str, Any]] = json.loads((folder / "report.json").read_text())
    for name, found in report.items():
        if "error" not in found:
            with np.load(folder / name / "outputs.npz") as stored:
                found["outputs"] = [stored[f"o{k}"] for k in range(len(stored))]
    return report


def differences(case: Case, found: Mapping[str, Any]) -> tuple[float, float]:
    """Largest differences of outputs and of losses, relative where numbers are above 1."""
    assert "error" not in found, f"{case.name}: {found['error']}"
    assert len(found["outputs"]) == len(case.outputs)
    outputs = [
        np.max(np.abs(a - b) / np.maximum(1, np.max(np.abs(b))), initial=0.0)
        for a, b in zip(found["outputs"], case.outputs, strict=True)
    ]
    assert [a.shape for a in found["outputs"]] == [b.shape for b in case.outputs]
    losses = np.abs(found["losses"] - case.losses) / np.maximum(1, np.abs(case.losses))
    return float(max(outputs, default=0.0)), float(np.max(losses, initial=0.0))
