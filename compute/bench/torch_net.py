"""A graph as PyTorch's own module, loss and optimizer: what `netloom export` writes, at work.

So a rival is never a hand-written net that differs from the drawing, and people can look at it.
PyTorch is imported here and in `rivals` only: a peer to measure with, never needed.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from compute.backend import Array
from graph.export import expression as ex
from graph.export.names import Namespace
from graph.export.numpy_helpers import needed
from graph.export.outline import Outline
from graph.export.pytorch import TAKEN
from graph.export.pytorch_model import ModelClass, model_class, operands
from graph.export.pytorch_optimizer import optimizer_call
from graph.export.pytorch_scores import names_of, run_lines, total
from graph.export.pytorch_sequences import SEQUENCES
from graph.graph import Graph
from graph.kinds import Optimizer

IMPORTS = (
    *("import math", "import torch", "from torch import nn"),
    "from torch.nn import functional as F",
)
CLIP = {"norm": "clip_norm", "value": "clip_value"}


@dataclass(frozen=True)
class TorchNet:
    """A net in PyTorch. `module` has the given weights; `loss` takes (module, batch by column)."""

    module: Any
    columns: Mapping[str, str]  # column of a batch by key of the data
    inputs: tuple[str, ...]  # the columns that the module itself takes, in order
    loss: Any
    limits: Mapping[str, float]  # how gradients are clipped, by PyTorch's word for it
    file: Any  # the generated file as a Python module

    def optimizer(self, fused: bool) -> Any:
        """A new optimizer of the module's parameters, fused into one call on request."""
        make = self.file.fused_optimizer_of if fused else self.file.optimizer_of
        return make(self.module)

    def limit(self) -> None:
        """Clip the gradients as the optimizer's node says."""
        import torch

        for kind, most in self.limits.items():
            clip = getattr(torch.nn.utils, f"clip_grad_{kind}_")
            clip(self.module.parameters(), most)


def torch_net(graph: Graph, weights: Mapping[str, Array] | None) -> TorchNet:
    """The graph in PyTorch, with `weights` (by ParamKey) in it unless None.

    Schedules are left out: in the few steps of a comparison they hardly move. Raises ValueError for
    graphs that train in several phases or accumulate gradients, ExportError where there is no text.
    """
    outline = Outline(graph, TAKEN)
    model = model_class(outline, Namespace(outline.taken), outline.summary())
    op = _only_optimizer(outline)
    functions = [*_loss_lines(outline, model), *_optimizer_lines(model, op)]
    file = _imported([*IMPORTS, *_classes(model), *functions])
    module = file.Model()
    if weights is not None:
        _give(module, model, weights)
    limits = {kind: getattr(op, name) for kind, name in CLIP.items()}
    return TorchNet(
        module,
        dict(outline.arguments),
        tuple(model.inputs),
        file.loss_of,
        {kind: most for kind, most in limits.items() if most is not None},
        file,
    )


def _only_optimizer(outline: Outline) -> Optimizer:
    """The optimizer of all parameters."""
    paths = outline.optimizers
    found = [cast("Optimizer", outline.nodes[path].op) for path in paths]
    if len(found) != 1 or found[0].accumulate != 1 or found[0].ema_decay:
        names = ", ".join(type(op).__name__ for op in found)
        raise ValueError(f"found {names}, expected one optimizer that steps at every batch")
    return found[0]


def _classes(model: ModelClass) -> list[str]:
    lines = [line for part in model.classes for line in part]
    own = [line for part in model.customs.written for line in part]
    return [*needed("\n".join([*own, *lines]), SEQUENCES), *own, *lines]


def _loss_lines(outline: Outline, model: ModelClass) -> list[str]:
    losses = outline.model.phases[0].losses
    wanted = operands(outline.graph, losses)
    names = names_of(outline, model, wanted)
    lines = run_lines(outline, model, wanted, names)
    result = ex.statement("return ", total(outline, model, losses, names), "    ")
    return ["def loss_of(model, batch):", *(f"    {line}" for line in lines), *result]


def _optimizer_lines(model: ModelClass, op: Optimizer) -> list[str]:
    text = ex.text(optimizer_call(op, "model.parameters()", model.customs))
    fused = f"{text.rstrip()[:-1]}, fused=True)"
    return [
        *("def optimizer_of(model):", *ex.statement("return ", ex.parse(text), "    ")),
        *("def fused_optimizer_of(model):", *ex.statement("return ", ex.parse(fused), "    ")),
    ]


def _imported(lines: list[str]) -> Any:
    """A generated file as a Python module."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "generated.py"
        file.write_text("\n".join(lines) + "\n", "utf-8")
        spec = importlib.util.spec_from_file_location("generated", file)
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = made  # where torch.compile looks for what a module refers to
        spec.loader.exec_module(made)
    return made


def _give(module: Any, model: ModelClass, weights: Mapping[str, Array]) -> None:
    """Put the weights in; what PyTorch only counts stays as it is."""
    import torch

    state = {name: torch.from_numpy(weights[key].copy()) for name, key in model.state.items()}
    found = module.load_state_dict(state, strict=False)
    lacking = [name for name in found.missing_keys if not name.endswith("num_batches_tracked")]
    if lacking or found.unexpected_keys:
        raise ValueError(f"found no weights for {lacking}, or too many: {found.unexpected_keys}")
