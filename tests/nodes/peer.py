"""A node's PyTorch counterpart, made from its templates as the exporter makes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compute.backend import Array
from graph.export.pytorch_sequences import SEQUENCES
from graph.template import call_text, module_text
from tests.nodes.harness import Case, Values, distance, load_source

# Where it is missing the tests say so; on CI tests/conftest.py turns that into a failure.
torch: Any = pytest.importorskip("torch")
TOLERANCE = 1e-12


@contextmanager
def double_precision() -> Iterator[None]:
    """New PyTorch tensors are float64 inside."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch computes in one thread inside: on small arrays several wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Peer:
    """The module and call of a case in PyTorch, with the case's weights and running values."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case = case
        operands = case.operands()
        names = [operand.text for wired in operands.values() for operand in wired]
        made = module_text(case.op, operands)
        functions = "\n\n".join(SEQUENCES.values())
        source = (
            "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
            f"{functions}\n\n"
            f"module = {made or None}\n\n"
            f"def call({', '.join(['module', *names])}):\n"
            f"    return {call_text(case.op, operands, 'module' if made else '')}\n"
        )
        loaded = load_source(source, folder, "peer")
        self.module, self._call = loaded.module, loaded.call
        if self.module is not None:
            self.module.train(case.mode == "train")
            self._load_state()
        self.inputs = {
            wire: torch.tensor(case.values[wire], requires_grad=tensor.dtype == "real")
            for wire, tensor in case.wires.items()
        }

    def _load_state(self) -> None:
        names = [
            key.rpartition("/")[2] for key in (*self.case.trace.params, *self.case.trace.states)
        ]
        given = {
            self.case.op.torch_state.get(name, name): torch.tensor(self.case.values[name])
            for name in names
        }
        known = {k for k in self.module.state_dict() if k != "num_batches_tracked"}
        assert known == set(given)
        self.module.load_state_dict(given, strict=False)

    def outputs(self) -> list[Any]:
        """Values at the output ports, in their order."""
        made = self._call(self.module, *self.inputs.values())
        return list(made) if isinstance(made, tuple) else [made]

    def gradients(self, outputs: list[Any]) -> Values:
        """Gradients of Σ cotangent · output by operand and param name; zeros where none flows."""
        ports = self.case.outputs
        parts = [
            (out * torch.tensor(self.case.values[f"cotangent.{port}"])).sum()
            for port, out in zip(ports, outputs, strict=True)
            if f"cotangent.{port}" in self.case.values
        ]
        total = sum(parts)
        if total.requires_grad:
            total.backward()
        tensors = {w: t for w, t in self.inputs.items() if t.requires_grad}
        if self.module is not None:
            own = self.case.op.torch_state
            params = dict(self.module.named_parameters())
            for key in self.case.trace.params:
                name = key.rpartition("/")[2]
                tensors[name] = params[own.get(name, name)]
        return {
            name: (torch.zeros_like(t) if t.grad is None else t.grad).numpy()
            for name, t in tensors.items()
        }

    def states(self) -> dict[str, Array]:
        """Running values after the call, by our names."""
        if self.module is None:
            return {}
        found = self.module.state_dict()
        names = [key.rpartition("/")[2] for key in self.case.trace.states]
        return {n: found[self.case.op.torch_state.get(n, n)].numpy() for n in names}


def check_agreement(case: Case, folder: Path, tolerance: float = TOLERANCE) -> float:
    """Assert that outputs, running values and gradients of a case are PyTorch's; the worst miss."""
    has_gradient = case.objective() is not None and bool(case.trained)
    peer = Peer(case, folder)
    theirs, ours = peer.outputs(), case.forward()
    pairs = []
    for (port, tensor), value in zip(case.outputs.items(), theirs, strict=True):
        assert tensor.shape == tuple(value.shape)
        pairs.append((ours[port], value.detach().numpy()))
    for state, expected in peer.states().items():
        pairs.append((ours.get(state, case.values[state]), expected))
    if has_gradient:
        gradients = case.gradients()
        pairs += [(gradients[key], found) for key, found in peer.gradients(theirs).items()]
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, tolerance, tolerance)
    return max((distance(*pair) for pair in pairs), default=0.0)
