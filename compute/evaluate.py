"""Losses and metrics on held-out samples, in batches, under Keras's names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from compute.backend import Array, Plan
from compute.batches import in_order

if TYPE_CHECKING:
    from graph.lower import Model


def evaluate(
    model: Model,
    plan: Plan,
    data: Mapping[str, Array],
    samples: Array,
    batch: int,
    live: Mapping[str, float],
    prefix: str = "",
) -> dict[str, float]:
    """Mean losses and metrics over `samples`, weighted by samples, named `prefix` + Keras's name.

    Sums run in order in double precision, so the result depends on the batch size only.
    """
    totals: dict[str, float] = {}
    for index in in_order(samples, batch):
        scalars = host_scalars(live, 0, len(index))
        outputs = plan.run("evaluate", data, index, scalars)
        for name, values in outputs.scalars.items():
            totals[name] = add_up(totals.get(name, 0.0), values, index.shape[1])
    names = metric_names(model, totals)
    return {prefix + names[name]: total / len(samples) for name, total in totals.items()}


def host_scalars(live: Mapping[str, float], step: int, steps: int) -> dict[str, Array]:
    """Live settings and iteration numbers for `steps` steps after `step`, outside training."""
    found = {f"live:{key}": np.full(steps, value) for key, value in live.items()}
    found["iteration:step"] = np.arange(step + 1, step + steps + 1, dtype=np.float64)
    return found | {f"iteration:{name}": np.zeros(steps) for name in ("epoch", "steps")}


def add_up(total: float, values: Array, size: int) -> float:
    """`total` plus size·v for each value in order: the same however the values are cut up."""
    parts = np.concatenate([[total], np.asarray(values, np.float64) * size])
    return float(np.add.accumulate(parts)[-1])


def metric_names(model: Model, outputs: Iterable[str]) -> dict[str, str]:
    """Keras's name for each scalar output of the evaluation program.

    `loss` is the sum of all; several losses are told apart by their node, metrics by their kind
    and, when two are of a kind, by their node.
    """
    outputs = list(outputs)
    losses = [name for name in outputs if name.startswith("loss/")]
    names = {name: "loss" for name in outputs if name == "loss" or losses == [name]}
    for name in losses:
        names.setdefault(name, f"{_word(name).removesuffix('_loss')}_loss")
    metrics = [name for name in outputs if name.startswith("metric/")]
    kinds = {name: _kind(model, name.partition("/")[2]) for name in metrics}
    for name, kind in kinds.items():
        alone = list(kinds.values()).count(kind) == 1
        names[name] = kind if alone else f"{kind}_{_word(name).removesuffix(f'_{kind}')}"
    return {name: names.get(name, _word(name)) for name in outputs}


def _kind(model: Model, path: str) -> str:
    op = model.nodes[path].op
    return getattr(op, "short", "") or type(op).__name__.lower()


def _word(name: str) -> str:
    return re.sub(r"\W", "_", name.partition("/")[2] or name)
