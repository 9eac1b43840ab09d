"""The curves of one run as lines of a plot: raw and smoothed losses, held-out metrics. No Qt."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TextIO

import numpy as np

from gui.docks.plot_lines import Line, Pyramid, Smoother, Sparse
from gui.run.board import Curves
from gui.theme import Theme, mix

RAW = 0.28  # what is seen of the raw losses under the smoothed ones
HELD_BACK = 0.6  # of the previous run
HELD_OUT = "held-out"
_HELD = ("val_", "test_")


class RunLines:
    """One run's curves, kept ready to be drawn: `follow` takes in what is new."""

    def __init__(self, curves: Curves, smoothing: float) -> None:
        self.curves = curves
        self.raw = Pyramid(curves.first + 1)
        self.smooth = Pyramid(curves.first + 1)
        self._smoother = Smoother(smoothing)

    @property
    def smoothing(self) -> float:
        """Share of what came before in the smoothed losses."""
        return self._smoother.weight

    def follow(self) -> None:
        """Take in the losses that came since the last time."""
        self.raw.first = self.smooth.first = self.curves.first + 1
        fresh = self.curves.losses.values[len(self.raw) :]
        if len(fresh):
            self.raw.extend(fresh)
            self.smooth.extend(self._smoother(fresh))

    def smoothed(self, weight: float) -> None:
        """Smooth all anew with another weight."""
        if weight != self.smoothing:
            self.smooth = Pyramid(self.raw.first)
            self._smoother = Smoother(weight)
            self.smooth.extend(self._smoother(self.raw.values.values))

    @property
    def length(self) -> int:
        """The last step there is something of."""
        return self.curves.first + len(self.curves.losses)

    def lines(
        self, group: str, name: str, tint: str, theme: Theme, current: bool, raw: bool
    ) -> Iterator[Line]:
        """The lines of one group of metrics, the most important last."""
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
    """What there is to plot: "loss" first, then each metric without its `val_`."""
    names = {_base(name) for name in curves.metrics} - {"loss"}
    return ["loss", *sorted(names)]


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
        yield float(curves.first + 1 + skipped + lost[0]), "loss is not finite"
    for name, series in curves.metrics.items():
        known = np.isfinite(series.values)
        after = np.flatnonzero(~known & (np.cumsum(known) > 0))
        if len(after):
            yield float(curves.epoch_steps.values[after[0]]), f"{name} is not finite"


def write_csv(lines: RunLines, file: TextIO) -> None:
    """A row a step: step, loss, smoothed loss, and the metrics at the ends of epochs."""
    curves, writer = lines.curves, csv.writer(file, lineterminator="\n")
    names = list(curves.metrics)
    writer.writerow(["step", "loss", "smoothed_loss", *(f"epoch_{name}" for name in names)])
    at_end = {int(step): place for place, step in enumerate(curves.epoch_steps.values.tolist())}
    pairs = zip(lines.raw.values.values.tolist(), lines.smooth.values.values.tolist(), strict=True)
    for step, (loss, smooth) in enumerate(pairs, lines.raw.first):
        place = at_end.get(step)
        metrics = ["" if place is None else float(curves.metrics[n].values[place]) for n in names]
        writer.writerow([step, loss, smooth, *metrics])
