"""What a run has learnt: its weights, and its numbers on held-out samples."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from compute import checkpoint
from compute.backend import Array, Plan
from compute.data import DataError, Folder
from compute.evaluate import evaluate
from compute.outputs import input_keys, run_model, target_keys
from compute.prepare import Report, TrainOptions, load_graph, make_plan, silent
from compute.runs import RunRecord, Workspace, find_workspace
from compute.session import check_fingerprint
from graph.files import loads
from graph.graph import Graph
from graph.lower import Model
from graph.stepping import batch_size
from graph.training import AT_ONCE


@dataclass(frozen=True)
class Trained:
    """A run's record with the graph and the arrays of its newest checkpoint."""

    record: RunRecord
    graph: Graph
    saved: checkpoint.Checkpoint


@dataclass(frozen=True)
class Evaluation:
    """Metrics under Keras's names, and arrays: `inputs`, `outputs`, `targets`, `samples`.

    With several inputs, outputs or targets their names follow a dot: `inputs.digits`. Inputs and
    targets are as the model gets them (standardised), `samples` the sample numbers.
    """

    metrics: Mapping[str, float]
    arrays: Mapping[str, Array]


def open_run(run: str, options: TrainOptions) -> Trained:
    """The run `run` of the workspace; raises RunError or CheckpointError when it has no weights."""
    workspace = Workspace(find_workspace(options.workspace, options.folder))
    record = workspace.get(run)
    saved = checkpoint.newest(workspace.run_folder(record.id))
    return Trained(record, loads(saved.graph), saved)


def weights(trained: Trained) -> dict[str, Array]:
    """Parameters, or their running means, and running values by ParamKey, canonical: what an
    export takes along."""
    saved, averages = trained.saved.arrays, Model(trained.graph).averages
    parts = (name.partition(":") for name in saved if not name.startswith("slot:"))
    own = {key: saved[f"{kind}:{key}"] for kind, _, key in parts}
    return own | {key: saved[f"slot:{slot}"] for key, slot in averages.items()}


def live_settings(trained: Trained, model: Model, options: TrainOptions) -> dict[str, float]:
    """Live settings as they were at the checkpoint."""
    workspace = Workspace(find_workspace(options.workspace, options.folder))
    live = dict(model.live)
    for step, key, value in workspace.live_changes(trained.record.id):
        if step <= trained.saved.position.step and key in live:
            live[key] = value
    return live


def restore(plan: Plan, trained: Trained) -> None:
    """Put the checkpoint's arrays into a plan of the same model."""
    plan.write(trained.saved.arrays)


def evaluate_run(
    run: str,
    options: TrainOptions,
    part: Literal["train", "validation", "test"] = "validation",
    progress: Report = silent,
) -> Evaluation:
    """Metrics and outputs of a run on one part of its data.

    Raises RunError when the data has changed since, DataError when that part is empty.
    """
    trained = open_run(run, options)
    folder = Folder(Path(trained.record.folder), allow_outside=True)
    loaded = load_graph(trained.graph, folder)
    check_fingerprint(trained.record, loaded)
    samples: Array = getattr(loaded.parts, part)
    if not samples.size:
        raise DataError("split", f"no {part} samples", "some", f"set {part} in the split")
    model, batch = loaded.model, batch_size(trained.graph) or AT_ONCE
    data = loaded.samples.prepare(loaded.scaling, loaded.dtype)
    live = live_settings(trained, model, options)
    prefix = {"train": "", "validation": "val_", "test": "test_"}[part]
    with contextlib.closing(make_plan(loaded, options, progress)) as plan:
        restore(plan, trained)
        metrics = evaluate(model, plan, data, samples, batch, live, prefix)
        outputs = run_model(model, plan, data, samples, batch, live)
    arrays = _named("inputs", {key: data[key][samples] for key in input_keys(model)})
    arrays |= _named("outputs", outputs)
    arrays |= _named("targets", {key: data[key][samples] for key in target_keys(model)})
    return Evaluation(metrics, arrays | {"samples": samples})


def _named(kind: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    if len(arrays) == 1:
        return {kind: next(iter(arrays.values()))}
    short = _short(list(arrays))
    return {f"{kind}.{name}": array for name, array in zip(short, arrays.values(), strict=True)}


def _short(keys: Sequence[str]) -> list[str]:
    """`node` for `node.port` where that is enough to tell them apart."""
    nodes = [key.partition(".")[0] for key in keys]
    return [n if nodes.count(n) == 1 else k for n, k in zip(nodes, keys, strict=True)]


def save_arrays(file: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays as a NumPy `.npz` file, whole or not at all."""
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    checkpoint.write_durably(file, stream.getvalue())
