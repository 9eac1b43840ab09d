"""The curves of one run as lines of a plot: raw and smoothed losses, held-out metrics. No Qt."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import TextIO

import numpy as np

from graph.op import REGISTRY
from gui.docks.plot_lines import Line, Pyramid, Smoother, Sparse
from gui.run.board import Curves
from gui.theme import Theme, mix

RAW = 0.28  # what is seen of the raw losses under the smoothed ones
HELD_BACK = 0.6  # of the previous run
HELD_OUT = "held-out"
LOSSES = "losses"  # of nets that have several
_HELD = ("val_", "test_")


class RunLines:
    """One run's curves, kept ready to be drawn: `follow` takes in what is new."""

    def __init__(self, curves: Curves, smoothing: float) -> None:
        self.curves = curves
        self.smoothing = smoothing  # share of what came a step before in the smoothed losses
        self._restart()

    def _restart(self) -> None:
        first, stride = self.curves.first + 1, self.curves.losses.stride
        self.raw, self.smooth = Pyramid(first, stride), Pyramid(first, stride)
        self._smoother = Smoother(self.smoothing**stride)

    def follow(self) -> None:
        """Take in the losses that came since the last time."""
        if self.raw.stride != self.curves.losses.stride:
            self._restart()
        self.raw.first = self.smooth.first = self.curves.first + 1
        fresh = self.curves.losses.values[len(self.raw) :]
        if len(fresh):
            self.raw.extend(fresh)
            self.smooth.extend(self._smoother(fresh))

    def smoothed(self, weight: float) -> None:
        """Smooth all anew with another weight."""
        if weight != self.smoothing:
            self.smoothing = weight
            self._restart()
            self.follow()

    @property
    def length(self) -> int:
        """The last step there is something of."""
        return self.curves.first + self.curves.losses.taken

    def _several(self, group: str, theme: Theme) -> Iterator[Line]:
        """One line for each node of a kind, in colours of their own; of a run before none."""
        metrics = [m for m in self.curves.metrics if _kind(_base(m)) == group]
        members = sorted(set(map(_base, metrics)))
        apart = not all(m.startswith(_HELD) for m in metrics)  # there are two lines of each
        for place, base in enumerate(members):
            name = base.removeprefix(f"{group}_").removesuffix("_loss").replace("_", " ")
            tint = theme.runs[place % len(theme.runs)]
            for metric in _members(self.curves, base):
                held = metric.startswith(_HELD)
                yield Line(
                    name,
                    tint,
                    Sparse(self.curves.epoch_steps.values, self.curves.metrics[metric].values),
                    also=HELD_OUT if held and apart else "",
                    label=f"{name}, held out" if held else name,
                    width=1.5,
                    dashed=held and apart,
                    dots=True,
                )

    def lines(
        self, group: str, name: str, tint: str, theme: Theme, current: bool, raw: bool
    ) -> Iterator[Line]:
        """The lines of one group of metrics, the most important last."""
        if group not in ("loss", *map(_base, self.curves.metrics)):
            yield from self._several(group, theme) if current else ()
            return
        tint = tint if current else mix(theme.panel, tint, HELD_BACK)
        width = 1.5 if current else 1.0
        if group == "loss" and raw and self.smoothing:
            quiet = mix(theme.panel, tint, RAW if current else RAW / 2)
            yield Line(name, quiet, self.raw, quiet=not current, label=f"{name}, raw")
        for metric in _members(self.curves, group):
            held = metric.startswith(_HELD)
            yield Line(
                name,
                tint,
                Sparse(self.curves.epoch_steps.values, self.curves.metrics[metric].values),
                also=HELD_OUT if held else "",
                label=f"{name}, {'held out' if metric.startswith('val_') else metric}",
                width=width,
                dashed=held,
                dots=current,
            )
        if group == "loss":
            yield Line(name, tint, self.smooth, width=width, end=current)


def groups(curves: Curves) -> list[str]:
    """What there is to plot: "loss" first, then each metric without its `val_`.

    Several of a kind are one group under the name of the kind, so that nets can be compared.
    """
    names = {_base(name) for name in curves.metrics} - {"loss"}
    kinds = Counter(map(_kind, names))
    return ["loss", *sorted({_kind(name) if kinds[_kind(name)] > 1 else name for name in names})]


def _kind(base: str) -> str:
    """What a metric of one node among several measures: accuracy_adam -> accuracy."""
    if base.endswith("_loss"):
        return LOSSES
    return next((kind for kind in _kinds() if base.startswith(f"{kind}_")), base)


@cache
def _kinds() -> tuple[str, ...]:
    """Names of the metrics there are, the longest first."""
    found = {getattr(op, "short", "") for op in REGISTRY.values() if op.role == "metric"}
    return tuple(sorted(found - {""}, key=len, reverse=True))


def _base(metric: str) -> str:
    return next((metric.removeprefix(p) for p in _HELD if metric.startswith(p)), metric)


def _members(curves: Curves, group: str) -> list[str]:
    """Metrics of a group, held-out ones last; the mean loss of an epoch is in the losses."""
    found = [m for m in curves.metrics if _base(m) == group and (group != "loss" or m != "loss")]
    return sorted(found, key=lambda metric: metric.startswith(_HELD))


def bad_steps(curves: Curves) -> Iterator[tuple[float, str]]:
    """The first step whose loss, and the first epoch each of whose metrics, is not finite."""
    lost = np.flatnonzero(~np.isfinite(curves.losses.values[-100_000:]))
    if len(lost):
        skipped = max(0, len(curves.losses) - 100_000)
        step = curves.first + 1 + (skipped + lost[0]) * curves.losses.stride
        yield float(step), "loss is not finite"
    for name, series in curves.metrics.items():
        known = np.isfinite(series.values)
        if known.all():
            continue
        after = np.flatnonzero(~known & (np.cumsum(known) > 0))
        if len(after):
            yield float(curves.epoch_steps.values[after[0]]), f"{name} is not finite"


def write_csv(lines: RunLines, file: TextIO) -> None:
    """A row a step: step, loss, smoothed loss, and the metrics at the ends of epochs.

    Of a long run a row for each stride of losses; metrics stand in the row after which they came.
    """
    curves, writer = lines.curves, csv.writer(file, lineterminator="\n")
    names = list(curves.metrics)
    writer.writerow(["step", "loss", "smoothed_loss", *(f"epoch_{name}" for name in names)])
    stride, before = lines.raw.stride, curves.first
    ends = enumerate(curves.epoch_steps.values.tolist())
    at_end = {(int(step) - before - 1) // stride: place for place, step in ends}
    pairs = zip(lines.raw.values.values.tolist(), lines.smooth.values.values.tolist(), strict=True)
    for number, (loss, smooth) in enumerate(pairs):
        place, step = at_end.get(number), before + (number + 1) * stride
        metrics = ["" if place is None else float(curves.metrics[n].values[place]) for n in names]
        writer.writerow([step, loss, smooth, *metrics])
