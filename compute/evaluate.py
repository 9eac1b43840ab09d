"""Losses and metrics on held-out samples, in batches, under Keras's names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from compute.backend import Array, Plan
from compute.batches import in_order
from graph.ops.metric import Metric
from graph.scores import output_names

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
    """Losses and metrics over `samples`, named `prefix` + Keras's name.

    Losses are means over the samples; metrics say themselves what they gather of each batch, and
    what they make of it. All is added in order in double precision, so the result depends on the
    batch size only.
    """
    metrics = {f"metric/{path}": node.op for path, node in model.nodes.items()}
    found: dict[str, _Gathered] = {}
    for index in _blocks(samples, batch, metrics.values()):
        outputs = plan.run("evaluate", data, index, host_scalars(live, 0, len(index)))
        arrays = {n: a[None] for n, a in outputs.arrays.items() if n in metrics}
        for name, values in {**outputs.scalars, **arrays}.items():
            if name not in found:
                op = metrics.get(name)
                found[name] = _Gathered(op if isinstance(op, Metric) else None)
            found[name].add(values, index.shape[1])
    names = output_names(model, found)
    return {prefix + names[name]: each.number(len(samples)) for name, each in found.items()}


def _blocks(samples: Array, batch: int, ops: Iterable[object]) -> Iterator[Array]:
    """Sample numbers of one run each, steps × size; of several steps only the last gives arrays."""
    whole = all(op.gathers == "mean" for op in ops if isinstance(op, Metric))
    for block in in_order(samples, batch):
        yield from [block] if whole else block[:, None]


class _Gathered:
    """What the batches gave of one output; a loss, or a metric that is no `Metric`, is a mean."""

    def __init__(self, metric: Metric | None) -> None:
        self._metric, self._how = metric, metric.gathers if metric else "mean"
        self._total: Any = 0.0
        self._rows: list[Array] = []

    def add(self, values: Array, size: int) -> None:
        """Take in the values of some steps, each of `size` samples."""
        if self._how == "mean":
            self._total = add_up(self._total, values, size)
        elif self._how == "rows":
            self._rows.extend(values)
        else:
            for value in values:
                self._total = self._total + value.astype(np.float64)

    def number(self, count: int) -> float:
        """The loss or metric of `count` samples."""
        total = self._total / count if self._how == "mean" else self._total
        if self._rows:
            total = np.concatenate(self._rows).astype(np.float64, copy=False)
        return self._metric.number(total) if self._metric else float(total)


def host_scalars(live: Mapping[str, float], step: int, steps: int) -> dict[str, Array]:
    """Live settings and iteration numbers for `steps` steps after `step`, outside training."""
    found = {f"live:{key}": np.full(steps, value) for key, value in live.items()}
    found["iteration:step"] = np.arange(step + 1, step + steps + 1, dtype=np.float64)
    return found | {f"iteration:{name}": np.zeros(steps) for name in ("epoch", "steps")}


def add_up(total: float, values: Array, size: int) -> float:
    """`total` plus size·v for each value in order: the same however the values are cut up."""
    for part in (np.asarray(values, np.float64) * size).tolist():  # few: faster than accumulate
        total += part
    return total
