"""Runs generated files alone, in one fresh process for many, and the reference beside them.

Every file stands in its own folder with its weights. The process knows nothing of this checkout
(`python -I`), so a file that needs it fails.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from compute.backend import Array, PlanOptions
from compute.batches import Batches
from compute.data import Folder, load_samples
from compute.evaluate import evaluate
from compute.facts import table_facts
from compute.position import Position
from compute.reference_plan import ReferencePlan
from compute.split import split
from graph.export import Options, Target, export
from graph.graph import Graph
from graph.lower import Model
from graph.program import Program
from graph.stepping import batch_size

STEPS = 20
ROWS = 6  # samples that are predicted
DRIVER = Path(__file__).with_name("driver.py")
# PyTorch says so of every even kernel with "same" padding
QUIET = "ignore:Using padding"


@dataclass
class Case:
    """A graph beside its reference: what it predicts, and the losses of its first steps, if any.

    `inputs` are given where the file loads no data of its own; `files` go beside it.
    """

    name: str
    graph: Graph
    weights: dict[str, Array]
    outputs: list[Array]
    losses: Array
    inputs: list[Array] = field(default_factory=list)
    folder: Path | None = None


def reference(name: str, graph: Graph, seed: int = 0, folder: Path | None = None) -> Case:
    """Running values of a trained model, predictions on a few samples, and the first steps."""
    model, training = Model(graph), graph.training
    plan = plan_of(model)
    rng = np.random.default_rng(seed)
    samples = load_samples(model.data_nodes, Folder(folder or Path()))
    parts = split(samples.count, samples.labels(), training.split)
    rows = parts.train
    data = samples.prepare(samples.fit(rows), training.precision)
    losses = train(
        plan, model, data, rows[: STEPS * (batch_size(graph) or len(rows))], parts.validation
    )
    plan = plan_of(model)
    weights = {key: _moved(kind, value, rng) for kind, key, value in stored(plan)}
    give(plan, model, weights)
    found = plan.run("predict", data, rows[None, :ROWS], {})
    outputs = outputs_of(model.program("predict", ROWS), {**found.arrays, **found.scalars})
    return Case(name, graph, weights, outputs, losses, folder=folder)


def plan_of(model: Model) -> ReferencePlan:
    """The reference back end of a model."""
    training = model.graph.training
    options = PlanOptions(precision=training.precision, seed=training.seed)
    return ReferencePlan(model, options, lambda *_: None)


def stored(plan: ReferencePlan) -> Iterable[tuple[str, str, Array]]:
    """(kind, ParamKey, value) of parameters and running values."""
    for name, value in plan.read().items():
        kind, _, key = name.partition(":")
        if kind != "slot":
            yield kind, key, value


def give(plan: ReferencePlan, model: Model, weights: Mapping[str, Array]) -> None:
    """Set parameters and running values by ParamKey."""
    plan.write({f"{kind}:{key}": weights[key] for kind, key, _ in stored(plan)})
    plan.write({f"slot:{slot}": weights[key] for key, slot in model.averages.items()})


def _moved(kind: str, value: Array, rng: np.random.Generator) -> Array:
    """Numbers as if the model had been trained: offsets not 0, running variances above 0."""
    low = 0.0 if kind == "state" else -0.1
    return np.asarray(value + rng.uniform(low, 0.3, value.shape), value.dtype)


def outputs_of(program: Program, made: Mapping[str, Array]) -> list[Array]:
    """The model's outputs in order, each value once."""
    first: dict[int, str] = {}
    for name, value in program.outputs:
        first.setdefault(value, name)
    return [made[name] for name in first.values()]


def train(
    plan: ReferencePlan, model: Model, data: Mapping[str, Array], rows: Array, held_out: Array
) -> Array:
    """Losses of the first `STEPS` steps on `rows`, the sum of the phases whose turn it is; after an
    epoch schedules follow the scores of the samples `held_out`, and training may stop early.
    """
    training = model.graph.training
    batches = Batches(rows, batch_size(model.graph) or len(rows), training.seed)
    total = training.epochs * batches.steps
    losses, at, rule = [], Position(), training.stopping
    best, best_epoch = rule.worst, 0
    for step in range(min(STEPS, total)):
        epoch, place = divmod(step, batches.steps)
        loss = 0.0
        if step and not place:
            at.metrics = evaluate(model, plan, data, held_out, len(held_out), model.live)
            at.follow(model)
            score = at.score(rule.monitor)
            if score is not None and rule.better(score, best):
                best, best_epoch = score, epoch
            if rule.patience and epoch - best_epoch >= rule.patience:
                break
        for phase in model.phases:
            if step % phase.every:
                continue
            live = model.live | at.shares()
            scalars = {f"live:{key}": np.array([value]) for key, value in live.items()}
            counts = {"step": step // phase.every + 1, "epoch": epoch}
            counts["steps"] = -(-total // phase.every)
            scalars |= {f"iteration:{k}": np.array([float(v)]) for k, v in counts.items()}
            index = batches.take(epoch, place, 1, phase.name if phase.fresh_batch else "")
            loss += float(plan.run(phase.name, data, index, scalars).scalars["loss"][0])
        losses.append(loss)
    return np.array(losses)


def run_alone(cases: Sequence[Case], target: Target, folder: Path) -> dict[str, dict[str, Any]]:
    """What the generated files give, by name of the case: outputs and losses, or the error."""
    for case in cases:
        write(case, target, folder / case.name)
    sizes = [target, str(STEPS), str(ROWS)]
    flags = ["-I", "-W", "error", "-W", QUIET]
    command = [sys.executable, *flags, str(DRIVER), *sizes, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, dict[str, Any]] = json.loads((folder / "report.json").read_text())
    for name, found in report.items():
        if "error" not in found:
            with np.load(folder / name / "outputs.npz") as made:
                found["outputs"] = [made[f"o{k}"] for k in range(len(made))]
    return report


def write(case: Case, target: Target, own: Path) -> None:
    """The generated file, its weights and what else it reads."""
    own.mkdir()
    tables = table_facts(case.graph, Folder(case.folder)) if case.folder else {}
    text = export(case.graph, target, Options(case.name, tables))
    (own / "model.py").write_text(text, "utf-8")
    arrays = {key: np.ascontiguousarray(value) for key, value in case.weights.items()}
    save_file(arrays, own / "model.safetensors")
    if case.inputs:
        np.savez(own / "inputs.npz", **{f"i{k}": value for k, value in enumerate(case.inputs)})
    for file in case.folder.glob("*.[ct][sx][vt]") if case.folder else ():  # tables and texts
        shutil.copy(file, own)


def differences(case: Case, found: Mapping[str, Any]) -> tuple[float, float]:
    """Largest differences of outputs and of losses, relative where numbers are above 1."""
    assert "error" not in found, f"{case.name}: {found['error']}"
    assert [a.shape for a in found["outputs"]] == [b.shape for b in case.outputs], case.name
    assert [a.dtype for a in found["outputs"]] == [b.dtype for b in case.outputs], case.name
    outputs = [_distance(a, b) for a, b in zip(found["outputs"], case.outputs, strict=True)]
    if not case.losses.size:
        return max(outputs, default=0.0), 0.0
    assert len(found["losses"]) == len(case.losses), case.name
    assert np.isfinite(case.losses).all(), case.name
    losses = np.abs(found["losses"] - case.losses) / np.maximum(1, np.abs(case.losses))
    return max(outputs, default=0.0), float(np.max(losses))


def _distance(found: Array, expected: Array) -> float:
    largest = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    return float(np.max(np.abs(found - expected), initial=0.0)) / largest
