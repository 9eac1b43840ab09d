"""The nets that are timed: each as a Netloom graph, with the numbers its rivals get too.

W1 to W6 are the reference nets of the engine, on random numbers; the others are shipped examples on
their own data. W7 is inference: W1 and W3 with a single sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from compute.backend import Array
from compute.bench import nets
from compute.data import Folder
from compute.prepare import load_graph
from graph.files import load
from graph.graph import Graph
from resources import example_path

BATCHES = 8  # different batches, taken in turn
Data = Mapping[str, Array]  # by the keys of the program's batch inputs, N×…


@dataclass(frozen=True)
class Workload:
    """A net and its batches. `gate` is how many times faster than PyTorch's best variant it has to
    be, None where nothing was promised.
    """

    name: str
    describe: str
    batch: int
    graph: Callable[[], Graph]
    data: Callable[[], Data]
    gate: float | None = None

    def part(self, data: Data, number: int) -> Data:
        """Batch `number` of the data."""
        start = number % BATCHES * self.batch
        return {key: array[start : start + self.batch] for key, array in data.items()}


@dataclass(frozen=True)
class Inference:
    """A net that answers one sample at a time."""

    name: str
    describe: str
    net: Workload
    gate: float


def has_images(data: Data) -> bool:
    """Whether a column holds images N×C×H×W."""
    return any(array.ndim == 4 for array in data.values())


def _random(batch: int, *sample: int) -> Callable[[], Data]:
    """Random samples in ten classes, the same every time."""

    def data() -> Data:
        generator = np.random.default_rng(1)
        count = batch * BATCHES
        inputs = generator.standard_normal((count, *sample), dtype=np.float32)
        labels = generator.integers(0, 10, count, dtype=np.int64)
        return {"data.image": inputs, "data.label": labels}

    return data


def _example(name: str, describe: str, batch: int) -> Workload:
    """A shipped example on its first training samples, in batches of its own size."""

    def graph() -> Graph:
        return load(example_path(name))

    def data() -> Data:
        loaded = load_graph(graph(), Folder(example_path(name).parent))
        rows = loaded.parts.train[: batch * BATCHES]
        arrays = loaded.samples.prepare(loaded.scaling, loaded.dtype)
        return {key: np.ascontiguousarray(array[rows]) for key, array in arrays.items()}

    return Workload(name, f"example, {describe}", batch, graph, data, 1.5)


def _reference(
    name: str,
    describe: str,
    graph: Callable[[], Graph],
    gate: float | None,
    batch: int,
    *sample: int,
) -> Workload:
    return Workload(name, describe, batch, graph, _random(batch, *sample), gate)


WORKLOADS = {
    w.name: w
    for w in (
        _reference("W1", "MLP 784-512-256-10, Adam", nets.w1, 2.0, 128, 784),
        _reference("W2", "MLP 64-32-10, SGD with momentum", nets.w2, 30.0, 32, 64),
        _reference("W3", "CNN 16-32, dense 128, 28×28, Adam", nets.w3, 2.3, 64, 1, 28, 28),
        _reference("W4", "CNN 32-32-64-64, batch norm, Adam", nets.w4, 1.1, 32, 3, 32, 32),
        _reference("W4 Winograd", "W4, fast convolution", nets.w4_winograd, 1.7, 32, 3, 32, 32),
        _reference("W5", "LSTM 32→128, 50 steps, Adam", nets.w5, 1.6, 32, 50, 32),
        _reference("W6", "Transformer block 128, 4 heads, 64 steps", nets.w6, 2.2, 16, 64, 128),
        _example("digits-mlp", "dense 128, Adam", 32),
        _example("digits-cnn", "conv 16-32, dense 64, dropout, Adam", 64),
        _example("digits-autoencoder", "dense, Adam", 32),
        _example("residual-deep", "two towers of 60 layers, Adam", 32),
        _example("char-lstm", "LSTM 96, 48 steps, Adam", 16),
        _example("char-transformer", "two blocks of 64, 48 steps, AdamW", 16),
    )
}
INFERENCES = {
    i.name: i
    for i in (
        Inference("W7-mlp", "one sample through W1's net", WORKLOADS["W1"], 1.7),
        Inference("W7-cnn", "one sample through W3's net", WORKLOADS["W3"], 3.0),
    )
}
