"""Our side of a comparison: a plan stepped in blocks, as training does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from compute.backend import Array, Plan, PlanOptions, load
from compute.bench.workloads import BATCHES, Workload
from graph.graph import Graph
from graph.lower import Model


@dataclass
class Engine:
    """A CPU plan of a workload, ready to train; `run` returns the losses of its steps."""

    workload: Workload
    graph: Graph
    threads: int
    vector: str | None = None
    done: int = 0
    plan: Plan = field(init=False)
    model: Model = field(init=False)

    def __post_init__(self) -> None:
        self.model = Model(self.graph)
        options = PlanOptions(
            threads=self.threads,
            vector=self.vector,
            fast_convolution=self.graph.training.fast_convolution,
        )
        self.plan = load("cpu").build(self.model, options, lambda done, total, what: None)
        self._data = self._named_data()

    def _named_data(self) -> Mapping[str, Array]:
        """The workload's arrays under the keys of the program's batch inputs."""
        inputs, labels = self.workload.data()
        program = self.model.program("train/0", self.workload.batch)
        batch = [i for i in program.inputs if i.kind == "batch"]
        kinds = {i.key: program.types[i.value].dtype for i in batch}
        return {key: labels if kind == "int" else inputs for key, kind in kinds.items()}

    def weights(self) -> dict[str, Array]:
        """The parameters as they are now, by ParamKey, in the order of the graph."""
        values = self.plan.read()
        return {key: values[f"param:{key}"] for key in self.model.params}

    def run(self, steps: int) -> Array:
        """Train so many steps; returns their losses."""
        size = self.workload.batch
        order = (np.arange(self.done, self.done + steps) % BATCHES)[:, None] * size
        index = (order + np.arange(size)).astype(np.int64)
        scalars = {f"live:{k}": np.full(steps, v) for k, v in self.model.live.items()}
        scalars["iteration:step"] = np.arange(self.done + 1, self.done + steps + 1, dtype=float)
        scalars["iteration:epoch"] = np.zeros(steps)
        scalars["iteration:steps"] = np.full(steps, 1e6)
        self.done += steps
        return self.plan.run("train/0", self._data, index, scalars).scalars["loss"]

    def run_single(self, steps: int) -> None:
        """Train so many steps, one call a step."""
        for _ in range(steps):
            self.run(1)
