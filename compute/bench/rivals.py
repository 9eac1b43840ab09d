"""PyTorch's side of a comparison: the same net, weights and batches, in its best variants.

The module has the layers of the drawing and our initial weights; that both sides train the same net
is checked by their losses. PyTorch is imported here only: a peer to measure with, never needed.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compute.backend import Array
from compute.bench.paired import Run
from compute.bench.workloads import Workload
from graph.graph import Graph
from graph.kinds import Optimizer
from graph.lower import Model
from graph.op import Op
from graph.ops.activation import ReLU
from graph.ops.attention import MultiHeadAttention
from graph.ops.conv import Conv2d, MaxPool2d
from graph.ops.dense import Dense
from graph.ops.merge import Add
from graph.ops.norm import BatchNorm
from graph.ops.optimizer import SGD
from graph.ops.rectifier import GELU
from graph.ops.recurrent import LSTM
from graph.ops.reduce import Reduce
from graph.ops.regularise import Dropout
from graph.ops.sample_norm import LayerNorm
from graph.ops.shape import Flatten


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


def torch_module(model: Model, weights: Mapping[str, Array] | None) -> Any:
    """The graph's layers as a PyTorch module, with `weights` (by ParamKey) in it unless None."""
    import torch

    layers = {}
    for path, node in model.nodes.items():
        if node.op.role == "layer":
            layer = _layer(node.op, model, path)
            ours = {theirs: name for name, theirs in node.op.torch_state.items()}
            for name, parameter in layer.named_parameters():
                if weights is not None:
                    value = weights[f"{path}/{ours.get(name, name)}"]
                    parameter.data = torch.from_numpy(value.copy())
            layers[path] = layer
    sources = {path: [w.source for w in model.graph.wires_in(path)] for path in layers}
    if all(len(wired) == 1 for wired in sources.values()):
        return torch.nn.Sequential(*layers.values())
    return _wired(layers, sources)


def _wired(layers: Mapping[str, Any], sources: Mapping[str, Sequence[str]]) -> Any:
    """A module whose layers read what is wired to them; what no layer makes is the input."""
    from torch import nn

    class Wired(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleDict(layers)

        def forward(self, x: Any) -> Any:
            values: dict[str, Any] = {}
            for path, layer in self.layers.items():
                given = [values.get(source, x) for source in sources[path]]
                if isinstance(layer, nn.MultiheadAttention):
                    values[path] = layer(*given * 3, need_weights=False)[0]
                else:
                    values[path] = layer(*given)
            return values[path]

    return Wired()


def _function(call: Callable[..., Any]) -> Any:
    """A module without weights."""
    from torch import nn

    class Function(nn.Module):
        def forward(self, *operands: Any) -> Any:
            return call(*operands)

    return Function()


def _layer(op: Op, model: Model, path: str) -> Any:
    from torch import nn

    match op:
        case Dense():
            units, features = model.params[f"{path}/weight"].shape
            return nn.Linear(features, units)
        case LSTM():
            return _last_state(model.params[f"{path}/weight_ih_l0"].shape[1], op.units)
        case Conv2d():
            filters, inputs = model.params[f"{path}/weight"].shape[:2]
            return nn.Conv2d(inputs, filters, op.kernel, op.stride, op.padding)
        case MaxPool2d():
            return nn.MaxPool2d(op.kernel, op.stride)
        case BatchNorm():
            channels = model.params[f"{path}/weight"].shape[0]
            return nn.BatchNorm2d(channels, op.epsilon, op.momentum)
        case Dropout():
            return nn.Dropout(op.p)
        case ReLU():
            return nn.ReLU()
        case Flatten():
            return nn.Flatten()
        case LayerNorm():
            return nn.LayerNorm(model.params[f"{path}/weight"].shape, op.epsilon)
        case MultiHeadAttention():
            width = model.params[f"{path}/out_proj_weight"].shape[0]
            return nn.MultiheadAttention(width, op.heads, batch_first=True)
        case GELU():
            return nn.GELU()
        case Add():
            return _function(operator.add)
        case Reduce(how="mean", axes=axes):
            return _function(lambda x: x.mean(axes))
    raise ValueError(f"{path}: found {type(op).__name__}, expected a layer with a known twin")


def _last_state(inputs: int, units: int) -> Any:
    """An LSTM of one layer that gives the state after the last step."""
    from torch import nn

    class LastState(nn.LSTM):
        def forward(self, x: Any) -> Any:  # type: ignore[override]
            return super().forward(x)[0][:, -1]

    return LastState(inputs, units, batch_first=True)


def torch_optimizer(graph: Graph, module: Any, fused: bool) -> Any:
    """The graph's optimizer as PyTorch's, fused into one call on request."""
    import torch

    op = next(node.op for node in graph if isinstance(node.op, Optimizer))
    settings: dict[str, Any] = {"lr": op.learning_rate, "fused": fused}
    if isinstance(op, SGD):
        return torch.optim.SGD(module.parameters(), momentum=op.momentum, **settings)
    return torch.optim.Adam(module.parameters(), **settings)


def torch_run(workload: Workload, graph: Graph, module: Any, variant: Variant, threads: int) -> Run:
    """A function that trains so many steps in `variant`."""
    import torch

    inputs, labels = map(torch.from_numpy, workload.data())
    if variant.channels_last:
        module = module.to(memory_format=torch.channels_last)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    optimizer = torch_optimizer(graph, module, variant.fused)

    def loss_of(x: Any, y: Any) -> Any:
        return torch.nn.functional.cross_entropy(module(x), y)

    function = torch.compile(loss_of) if variant.compiled else loss_of
    size = workload.batch
    starts = range(0, len(labels), size)
    batches = itertools.cycle([(inputs[k : k + size], labels[k : k + size]) for k in starts])

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
