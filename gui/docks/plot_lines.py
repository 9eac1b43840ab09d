"""The data of plotted lines, small enough to draw at any length: minima and maxima in levels.

No line gives more than `most` points, whatever its length, and growing it costs what is new. The
buckets stand at fixed places, so a line does not tremble as it grows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from compute.series import Series

Floats = NDArray[np.float64]
Points = tuple[Floats, Floats]

FANOUT = 4
CHUNK = 64
FEWEST = 32  # points, where a line is not longer than a few pixels
NOTHING: Points = (np.empty(0), np.empty(0))


class Shape(Protocol):
    """What a line runs through; x are steps of the run, ascending."""

    def drawn(self, low: float, high: float, most: int) -> Points:
        """Points that look like all those from x `low` to `high`, and one beyond.

        At most `most` of them, which are for a line from end to end; a shorter one has fewer.
        """

    def at(self, x: float) -> float:
        """y at the last point up to x; NaN before the first and beyond the last."""


def _fitting(most: int, length: float, across: float) -> int:
    """How many of `most` points are for a line of such a length, where `across` is in sight."""
    return min(most, max(FEWEST, math.ceil(most * length / max(across, 1.0))))


class Pyramid:
    """Values, each of `stride` steps from `first` on, at the last of these.

    Each level halves nothing but detail (min, max of 4).
    """

    def __init__(self, first: int = 0, stride: int = 1) -> None:
        self.first, self.stride = first, stride
        self.values = Series()
        self._levels: list[tuple[Series, Series]] = []
        self._asked: tuple[float, ...] = ()  # what `drawn` gave last: a run before grows no more
        self._found = NOTHING

    def __len__(self) -> int:
        return len(self.values)

    def extend(self, values: Floats) -> None:
        """Add values at the end."""
        self.values.extend(values)
        low = high = self.values.values
        for number in range(32):
            if number == len(self._levels):
                if len(low) < FANOUT:
                    break
                self._levels.append((Series(), Series()))
            lows, highs = self._levels[number]
            ready = len(low) // FANOUT
            if ready == len(lows):
                break  # nothing more for the levels above it, either
            fresh = slice(len(lows) * FANOUT, ready * FANOUT)
            lows.extend(np.fmin.reduce(low[fresh].reshape(-1, FANOUT), axis=1))
            highs.extend(np.fmax.reduce(high[fresh].reshape(-1, FANOUT), axis=1))
            low, high = lows.values, highs.values

    def drawn(self, low: float, high: float, most: int) -> Points:
        asked = (low, high, most, self.first, len(self))
        if asked != self._asked:
            self._asked, self._found = asked, self._reduced(low, high, most)
        return self._found

    def _reduced(self, low: float, high: float, most: int) -> Points:
        first, end = self._range(low, high)
        count = end - first
        most = _fitting(most, count * self.stride, high - low)
        if count <= most:
            return self._at(np.arange(first, end)), self.values.values[first:end]
        level = 1
        while 2 * (count // FANOUT**level + 1) + 3 > most and level < len(self._levels):
            level += 1
        size = FANOUT**level
        lows, highs = (part.values for part in self._levels[level - 1])
        start, stop = first // size, min(-(-end // size), len(lows))
        x = self._at((np.arange(2 * start, 2 * stop) + 0.5) * (size / 2) - 0.5)
        y = np.stack([lows[start:stop], highs[start:stop]], axis=1)
        y[1::2] = y[1::2, ::-1]  # down after up: no line leads back
        tail = self.values.values[stop * size : end]
        if len(tail):
            middle = stop * size + (len(tail) - 1) / 2
            x = np.append(x, self._at(np.array([middle, middle, end - 1])))
            lowest, highest = np.fmin.reduce(tail), np.fmax.reduce(tail)
            return x, np.append(y.reshape(-1), [lowest, highest, tail[-1]])
        return x, y.reshape(-1)

    def at(self, x: float) -> float:
        place = (int(np.floor(x)) - self.first + 1) // self.stride - 1
        return float(self.values.values[place]) if 0 <= place < len(self) else float("nan")

    def _range(self, low: float, high: float) -> tuple[int, int]:
        """Places from one before `low` to one after `high`."""
        first = int(np.clip((np.floor(low) - self.first) // self.stride, 0, len(self)))
        beyond = (np.ceil(high) - self.first) // self.stride + 1
        return first, int(np.clip(beyond, first, len(self)))

    def _at(self, places: NDArray[np.integer] | Floats) -> Floats:
        """x of places, which may lie between two."""
        return self.first - 1.0 + (np.asarray(places, np.float64) + 1.0) * self.stride


@dataclass
class Sparse:
    """Few points with places of their own: what is measured at the ends of epochs.

    Where many are in sight, `drawn` gives the least and the greatest of each few.
    """

    x: Floats
    y: Floats

    def __post_init__(self) -> None:
        known = np.isfinite(self.y)
        self.x, self.y = self.x[known], self.y[known]

    def drawn(self, low: float, high: float, most: int) -> Points:
        first = max(int(np.searchsorted(self.x, low)) - 1, 0)
        end = int(np.searchsorted(self.x, high, "right")) + 1
        x, y = self.x[first:end], self.y[first:end]
        most = _fitting(most, float(np.ptp(x)) if len(x) else 0.0, high - low)
        if len(x) <= most:
            return x, y
        starts = np.arange(0, len(x), -(-2 * len(x) // most))
        both = np.stack([np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)], axis=1)
        return np.repeat(x[starts], 2), both.reshape(-1)

    def at(self, x: float) -> float:
        place = int(np.searchsorted(self.x, x, "right")) - 1
        inside = place >= 0 and x <= self.x[-1]
        return float(self.y[place]) if inside else float("nan")


class Smoother:
    """Exponential moving average, without the pull of its start towards zero.

    `weight` is the share of what came before: 0 changes nothing. Values that are not finite count
    as the last finite one.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self._sum, self._mass, self._last = 0.0, 0.0, 0.0

    def __call__(self, values: Floats) -> Floats:
        """The averages at the next values."""
        known = self._filled(values)
        if not self.weight or not len(known):
            return known
        kernel, fade = _kernel(self.weight)
        made = np.empty(len(known))
        for start in range(0, len(known), CHUNK):
            part = known[start : start + CHUNK]
            size = len(part)
            sums = kernel[:size, :size] @ part + fade[:size] * self._sum
            mass = 1.0 - fade[:size] * (1.0 - self._mass)
            made[start : start + size] = sums / mass
            self._sum, self._mass = float(sums[-1]), float(mass[-1])
        return made

    def _filled(self, values: Floats) -> Floats:
        finite = np.isfinite(values)
        if len(values) and not finite.all():
            before = np.concatenate([[self._last], values])
            places = np.where(np.concatenate([[True], finite]), np.arange(len(before)), 0)
            values = before[np.maximum.accumulate(places)][1:]
        if len(values):
            self._last = float(values[-1])
        return values


@cache
def _kernel(weight: float) -> tuple[Floats, Floats]:
    """What CHUNK values in a row add to their averages, and what is left of those before."""
    places = np.arange(CHUNK, dtype=np.float64)
    apart = places[:, None] - places[None, :]
    kernel = np.where(apart >= 0, (1.0 - weight) * weight ** np.maximum(apart, 0), 0.0)
    return kernel, weight ** (places + 1.0)


@dataclass
class Line:
    """A line of a plot; lines of one `name`, or `also`, are one entry of the legend.

    `dots` marks each point, `end` the last one. A `quiet` line has no readings.
    """

    name: str
    colour: str
    shape: Shape
    also: str = ""
    label: str = ""  # of its reading; "" is the name
    width: float = 1.0
    dashed: bool = False
    dots: bool = False
    end: bool = False
    quiet: bool = False

    def belongs(self, entry: str) -> bool:
        """Whether an entry of the legend stands for it; "" stands for all."""
        return not entry or entry in (self.name, self.also)
