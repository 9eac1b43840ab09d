"""From a graph and its data to a training that can begin: split, fitted, planned."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from compute import split
from compute.backend import BackendName, Plan, PlanOptions, load
from compute.batches import Batches
from compute.data import Folder, Samples, Scaling, load_samples, probe
from compute.ids import wrong_ids
from compute.train import Job
from graph.graph import Graph
from graph.kinds import DataSource
from graph.lower import LowerError, Model
from graph.stepping import batch_size
from graph.trace import Refusal
from graph.training import AT_ONCE, Training

Report = Callable[[int, int, str], None]
MIB = 1 << 20


@dataclass(frozen=True)
class TrainOptions:
    """How and where a graph is trained; None keeps what the graph or the run says.

    `folder` is where the graph's relative paths start, `allowed` the files elsewhere that may be
    read (resolved); `checkpoint_seconds` how often weights are saved inside a long epoch;
    `memory_budget` is in MiB, 0 for none.
    """

    device: BackendName = "cpu"
    threads: int | None = None
    vector: str | None = None
    memory_limit: int | None = None
    epochs: int | None = None
    seed: int | None = None
    batch_size: int | None = None
    fast_convolution: bool | None = None
    patience: int | None = None
    memory_budget: float | None = None
    workspace: Path | None = None
    folder: Path = field(default_factory=Path.cwd)
    name: str = "run"
    allowed: frozenset[Path] = frozenset()
    checkpoint_seconds: float = 5.0

    def plan_options(self, training: Training) -> PlanOptions:
        """What the back end reads of these options and of the graph's."""
        return PlanOptions(
            training.precision,
            self.threads,
            training.seed,
            self.vector,
            self.memory_limit,
            training.fast_convolution,
            int(training.memory_budget * MIB) or None,
        )


@dataclass(frozen=True)
class Loaded:
    """A graph with its samples: split, fitted on the training part, in the graph's precision."""

    model: Model
    samples: Samples
    parts: split.Parts
    scaling: dict[str, Scaling]

    @property
    def dtype(self) -> Any:
        """Precision of the arrays."""
        return np.float64 if self.model.graph.training.precision == "float64" else np.float32


def silent(done: int, total: int, what: str) -> None:
    """Hear of slow preparations and say nothing."""


def load_graph(graph: Graph, folder: Folder) -> Loaded:
    """Read and divide the data of a graph, filling the schemas of tables not looked at yet.

    Raises LowerError for a graph that cannot run and DataError for data that cannot be used.
    """
    for node in list(graph):
        if isinstance(node.op, DataSource) and not getattr(node.op, "schema", True):
            schema = probe(node.op, folder, node.id)
            op = dataclasses.replace(node.op, schema=schema)  # type: ignore[call-arg]
            graph.set_node(dataclasses.replace(node, op=op))
    model = _trainable(graph)
    samples = load_samples(model.data_nodes, folder)
    parts = split.split(samples.count, samples.labels(), graph.training.split)
    _lower_all(model, samples, len(parts.train))
    loaded = Loaded(model, samples, parts, samples.fit(parts.train))
    _need_places(loaded)
    return loaded


def load_other(loaded: Loaded, graph: Graph) -> Loaded:
    """The same samples for another graph that reads them; raises LowerError."""
    model = _trainable(graph)
    _lower_all(model, loaded.samples, len(loaded.parts.train))
    other = dataclasses.replace(loaded, model=model)
    _need_places(other)
    return other


def _need_places(loaded: Loaded) -> None:
    """Raise LowerError where a node picks by an id of the samples that names nothing."""
    samples = loaded.samples
    wrong = wrong_ids(
        loaded.model, samples.count, lambda: samples.prepare(loaded.scaling, loaded.dtype)
    )
    if wrong:
        raise LowerError(wrong)


def _trainable(graph: Graph) -> Model:
    model = Model(graph)
    if not model.phases:
        remedy = "add one, such as Adam, and wire a loss to it"
        raise LowerError([Refusal("", "", "found no optimizer, expected one", remedy)])
    return model


def _lower_all(model: Model, samples: Samples, count: int) -> None:
    """Lower every training program now, so that no refusal comes in the middle of an epoch."""
    batch = batch_size(model.graph) or count
    for size in {min(batch, count), count % batch or batch}:
        for phase in model.phases:
            program = model.program(phase.name, size)
            keys = [given.key for given in program.inputs if given.kind == "batch"]
            for key in keys:
                if key not in samples.arrays:
                    found = "no samples for it, expected a data node"
                    refusal = Refusal(key.rpartition(".")[0], "", found, "wire data to it")
                    raise LowerError([refusal])


def make_plan(loaded: Loaded, options: TrainOptions, progress: Report) -> Plan:
    """The graph on its back end, with initial weights."""
    training = loaded.model.graph.training
    return load(options.device).build(loaded.model, options.plan_options(training), progress)


def make_job(loaded: Loaded, plan: Plan) -> Job:
    """A training of the graph from its beginning."""
    training = loaded.model.graph.training
    return Job(
        loaded.model,
        plan,
        loaded.samples.prepare(loaded.scaling, loaded.dtype),
        loaded.parts,
        _batches(loaded),
        training.epochs,
        dict(loaded.model.live),
        training.seed,
    )


def _batches(loaded: Loaded) -> Batches:
    """Batches of the size that the graph asks for, or all training samples as one."""
    samples, seed = loaded.parts.train, loaded.model.graph.training.seed
    size = batch_size(loaded.model.graph)
    return Batches(samples, size, seed) if size else Batches(samples, len(samples), seed, AT_ONCE)


def with_settings(graph: Graph, options: TrainOptions) -> Graph:
    """The graph with the settings of its training as asked for."""
    asked = {
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "seed": options.seed,
        "fast_convolution": options.fast_convolution,
        "memory_budget": options.memory_budget,
    }
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if options.patience is not None:
        given["stopping"] = dataclasses.replace(graph.training.stopping, patience=options.patience)
    graph.training = dataclasses.replace(graph.training, **given)
    return graph
