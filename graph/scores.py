"""What losses and metrics are called, in records, in early stopping and in exported files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from graph.ops.metric import metric_names

if TYPE_CHECKING:
    from graph.lower import Model, Phase


def output_names(model: Model, outputs: Iterable[str]) -> Mapping[str, str]:
    """Keras's name for each scalar output of the evaluation program.

    `loss` is the sum of all; several losses are told apart by their node, metrics by their kind
    and, when two are of a kind, by their node.
    """
    key = tuple(outputs)
    if key not in model.called:
        model.called[key] = _names(model, key)
    return model.called[key]


def _names(model: Model, outputs: tuple[str, ...]) -> dict[str, str]:
    losses = [name for name in outputs if name.startswith("loss/")]
    names = {name: "loss" for name in outputs if name == "loss" or losses == [name]}
    stems = {_word(name).removesuffix("_loss") for name in losses}
    for name in losses:
        word = _word(name)
        stem = word.removesuffix("_loss") if len(stems) == len(losses) else word
        names.setdefault(name, f"{stem}_loss")
    metrics = {_word(name): name for name in outputs if name.startswith("metric/")}
    ops = {word: model.nodes[name.partition("/")[2]].op for word, name in metrics.items()}
    names |= {metrics[word]: called for word, called in metric_names(ops).items()}
    return {name: names.get(name, _word(name)) for name in outputs}


def _word(name: str) -> str:
    return re.sub(r"\W", "_", name.partition("/")[2] or name)


def phase_name(phase: Phase) -> str:
    """What the loss of one of several phases is called."""
    return f"{phase.owned[0][0]}_loss"


def loss_names(model: Model) -> dict[str, str]:
    """What the losses of phases that have several are called in a training, by `loss/PATH`."""
    several = (phase.losses for phase in model.phases if len(phase.losses) > 1)
    paths = dict.fromkeys(f"loss/{path}" for phase in model.phases for path, _ in phase.losses)
    called = output_names(model, ["loss", *paths])
    return {f"loss/{path}": called[f"loss/{path}"] for losses in several for path, _ in losses}
