"""PyTorch's side of a comparison: the same net, weights and batches, in its best variants.

That both sides train the same net is checked by their losses.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compute.backend import Array
from compute.bench.paired import Run
from compute.bench.torch_net import TorchNet
from compute.bench.workloads import BATCHES, Data, Workload, has_images


@dataclass(frozen=True)
class Variant:
    """One way to run PyTorch. `traced` is `torch.jit`, for inference."""

    name: str
    fused: bool = False
    channels_last: bool = False
    compiled: bool = False
    one_thread: bool = False
    traced: bool = False


def variants(data: Data, compile: bool) -> Iterator[Variant]:
    """The ways of training worth running; images also in channels_last."""
    images = has_images(data)
    yield Variant("eager")
    yield Variant("eager, fused optimizer", fused=True)
    yield Variant("eager, fused, one thread", fused=True, one_thread=True)
    if images:
        yield Variant("eager, fused, channels_last", fused=True, channels_last=True)
    if compile:
        yield Variant("compile, fused", fused=True, compiled=True)
        if images:
            yield Variant("compile, fused, channels_last", True, True, True)


def inference_variants(data: Data, compile: bool) -> Iterator[Variant]:
    """The ways of answering worth running, each on all threads and on one."""
    layouts = [False, True] if has_images(data) else [False]
    ways = [("eager", {}), ("jit", {"traced": True}), ("compile", {"compiled": True})]
    for way, settings in ways if compile else ways[:2]:
        for last in layouts:
            for alone in (False, True):
                extras = [", channels_last"] * last + [", one thread"] * alone
                given = {**settings, "channels_last": last, "one_thread": alone}
                yield Variant(way + "".join(extras), **given)


def _tensors(data: Mapping[str, Array], channels_last: bool) -> dict[str, Any]:
    import torch

    found = {}
    for name, array in data.items():
        tensor = torch.from_numpy(array)
        if channels_last and tensor.ndim == 4:
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        found[name] = tensor
    return found


def _laid_out(net: TorchNet, variant: Variant) -> Any:
    import torch

    if variant.channels_last:
        net.module.to(memory_format=torch.channels_last)
    return net.module


def torch_run(workload: Workload, data: Data, net: TorchNet, variant: Variant, threads: int) -> Run:
    """A function that trains so many steps in `variant` and returns their losses."""
    import torch

    module, optimizer = _laid_out(net, variant), net.optimizer(variant.fused)
    columns = {net.columns[key]: array for key, array in data.items() if key in net.columns}
    parts = [
        _tensors(workload.part(columns, number), variant.channels_last) for number in range(BATCHES)
    ]
    batches = itertools.cycle(parts)

    def loss_of(batch: Mapping[str, Any]) -> Any:
        return net.loss(module, batch)

    function = torch.compile(loss_of) if variant.compiled else loss_of

    def run(steps: int) -> Array:
        torch.set_num_threads(1 if variant.one_thread else threads)
        module.train()
        losses = []
        for batch in itertools.islice(batches, steps):
            optimizer.zero_grad(set_to_none=True)
            loss = function(batch)
            loss.backward()
            net.limit()
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).numpy()

    return run


def torch_answers(samples: list[Array], net: TorchNet, variant: Variant, threads: int) -> Run:
    """A function that answers so many single samples in `variant`; returns the last answer."""
    import torch

    torch.set_num_threads(1 if variant.one_thread else threads)
    module = _laid_out(net, variant).eval()
    given = [_tensors({"x": x}, variant.channels_last)["x"] for x in samples]
    if variant.traced:
        with torch.inference_mode():
            module = torch.jit.freeze(torch.jit.trace(module, given[0]))  # type: ignore[no-untyped-call]
    elif variant.compiled:
        module = torch.compile(module)
    turn = itertools.cycle(given)

    def run(count: int) -> Array:
        torch.set_num_threads(1 if variant.one_thread else threads)
        answer = given[0]
        with torch.inference_mode():
            for sample in itertools.islice(turn, count):
                answer = module(sample)
        found: Array = answer.numpy()
        return found

    return run
