"""PyTorch's side of a comparison: the same net, weights and batches, in its best variants.

The module comes from our own exporter, so both sides run the same drawing; the weights are ours.
PyTorch is imported here only: it is a peer for measuring, never a dependency.
"""

from __future__ import annotations

import importlib.util
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compute.backend import Array
from compute.bench.paired import Run
from compute.bench.workloads import Workload
from graph.graph import Graph
from graph.kinds import Optimizer


@dataclass(frozen=True)
class Variant:
    """One way to run PyTorch."""

    name: str
    fused: bool = False
    channels_last: bool = False
    compiled: bool = False
    one_thread: bool = False


def variants(workload: Workload, compile: bool) -> Iterator[Variant]:
    """The variants worth running for a workload; images also in channels_last."""
    images = len(workload.sample) == 3
    yield Variant("eager")
    yield Variant("eager, fused optimizer", fused=True)
    yield Variant("eager, fused, one thread", fused=True, one_thread=True)
    if images:
        yield Variant("eager, fused, channels_last", fused=True, channels_last=True)
    if compile:
        yield Variant("compile, fused", fused=True, compiled=True)
        if images:
            yield Variant("compile, fused, channels_last", True, True, True)


def torch_module(source: str, weights: Mapping[str, Array] | None) -> Any:
    """The exported module, with `weights` (by ParamKey) in it unless None."""
    import torch

    model = _load(source).Model()
    if weights is None:
        return model
    state = model.state_dict()
    names = list(state)
    for name, (key, value) in zip(names, weights.items(), strict=True):
        if tuple(state[name].shape) != value.shape:
            raise ValueError(f"{key}: found {value.shape}, expected {tuple(state[name].shape)}")
        state[name] = torch.from_numpy(value.copy())
    model.load_state_dict(state)
    return model


def _load(source: str) -> Any:
    """The exported text as an imported module."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "exported.py"
        file.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location("exported", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def torch_optimizer(graph: Graph, model: Any, fused: bool) -> Any:
    """The graph's optimizer as PyTorch's, fused into one call on request."""
    import torch

    op = next(node.op for node in graph if isinstance(node.op, Optimizer))
    kinds = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}
    settings: dict[str, Any] = {"lr": op.learning_rate, "fused": fused}
    if type(op).__name__ == "SGD":
        settings["momentum"] = op.momentum  # type: ignore[attr-defined]
    return kinds[type(op).__name__](model.parameters(), **settings)


def torch_run(workload: Workload, graph: Graph, model: Any, variant: Variant, threads: int) -> Run:
    """A function that trains so many steps in `variant`."""
    import torch

    inputs, labels = (torch.from_numpy(array) for array in workload.data())
    if variant.channels_last:
        model = model.to(memory_format=torch.channels_last)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    optimizer = torch_optimizer(graph, model, variant.fused)

    def loss_of(x: Any, y: Any) -> Any:
        return torch.nn.functional.cross_entropy(model(x), y)

    function = torch.compile(loss_of) if variant.compiled else loss_of
    pairs = zip(inputs.split(workload.batch), labels.split(workload.batch), strict=True)
    batches = itertools.cycle(list(pairs))

    def run(steps: int) -> Array:
        torch.set_num_threads(1 if variant.one_thread else threads)
        losses = []
        for x, y in itertools.islice(batches, steps):
            optimizer.zero_grad(set_to_none=True)
            loss = function(x, y)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).numpy()

    return run
