"""Our side of a comparison: a plan stepped in blocks as training does it, or asked for answers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np

from compute.backend import Array, Plan, PlanOptions, load
from compute.bench.workloads import BATCHES, Data, Workload
from graph.graph import Graph
from graph.lower import Model

PHASE = "train/0"
FIRST = np.zeros((1, 1), np.int64)


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
    data: Data = field(init=False)
    _constant: dict[int, dict[str, Array]] = field(default_factory=dict, init=False)
    _rows: Array = field(init=False)  # the samples of each batch, as a rival has them cut

    def __post_init__(self) -> None:
        self.model = Model(self.graph)
        options = PlanOptions(
            threads=self.threads,
            vector=self.vector,
            fast_convolution=self.graph.training.fast_convolution,
        )
        self.plan = load("cpu").build(self.model, options, lambda done, total, what: None)
        self.data = self.workload.data()
        samples = np.arange(BATCHES * self.workload.batch, dtype=np.int64)
        self._rows = samples.reshape(BATCHES, -1)

    def weights(self) -> dict[str, Array]:
        """Parameters and running values as they are now, by ParamKey."""
        values = self.plan.read()
        params = {key: values[f"param:{key}"] for key in self.model.params}
        return params | {key: values[f"state:{key}"] for key in self.model.states}

    def run(self, steps: int) -> Array:
        """Train so many steps; returns their losses."""
        first = self.done % BATCHES
        index = self._rows[first : first + 1]
        if steps != 1:
            index = self._rows[np.arange(first, first + steps) % BATCHES]
        numbers = np.arange(self.done + 1.0, self.done + steps + 1.0)
        if steps not in self._constant:
            self._constant[steps] = self._constants(steps)
        scalars = {**self._constant[steps], "iteration:step": numbers}
        self.done += steps
        return self.plan.run(PHASE, self.data, index, scalars).scalars["loss"]

    def _constants(self, steps: int) -> dict[str, Array]:
        """Scalars of so many steps that are the same in every call."""
        found = {f"live:{key}": np.full(steps, value) for key, value in self.model.live.items()}
        return found | {"iteration:epoch": np.zeros(steps), "iteration:steps": np.full(steps, 1e6)}

    def run_single(self, steps: int) -> None:
        """Train so many steps, one call a step."""
        for _ in range(steps):
            self.run(1)


@dataclass
class Answers:
    """The prediction of a net for one sample at a time."""

    engine: Engine

    def __post_init__(self) -> None:
        model, data = self.engine.model, self.engine.data
        given = model.program("predict", 1).inputs
        self.key = next(i.key for i in given if i.kind == "batch")
        samples = data[self.key]
        self.samples = [samples[k : k + 1].copy() for k in range(BATCHES)]
        self._together = {self.key: samples}
        self._turn = itertools.cycle(self.samples)

    def answer(self, sample: Array) -> Array:
        """What a program that uses a plan writes to have one new sample's prediction, 1×…."""
        plan = self.engine.plan
        return plan.run("predict", {self.key: sample}, FIRST, {}).arrays["outputs/prediction"]

    def run(self, count: int) -> None:
        """So many answers, one call each."""
        for sample in itertools.islice(self._turn, count):
            self.answer(sample)

    def run_together(self, count: int) -> None:
        """So many answers in one call, which walks the samples one by one."""
        index = (np.arange(count) % BATCHES)[:, None]
        self.engine.plan.run("predict", self._together, index, {})
