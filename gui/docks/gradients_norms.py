"""Norms of each layer over time, as rows of colours: what the gradients dock paints. No Qt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graph.graph import Graph
from graph.lower import LowerError, Model
from gui.run.board import Norms

Kind = Literal["gradient", "value", "ratio"]
RANGES: Mapping[Kind, tuple[float, float]] = {
    "gradient": (1e-4, 1e1),
    "value": (1e-2, 1e3),
    "ratio": (1e-5, 1e0),
}
CHEAP = 50_000  # numbers of which histograms take the run about as long as all norms
NOTHING, LOUDEST, BEYOND = 0, 254, 255  # entries of a colour table; 1 to LOUDEST is the range
Row = NDArray[np.float64]


@dataclass
class Layer:
    """A node that has weights: its path, ParamKeys, the largest of them, and how many numbers."""

    path: str
    keys: tuple[str, ...]
    name: str
    largest: str
    size: int
    steps: Row = field(default_factory=lambda: np.empty(0))
    values: Row = field(default_factory=lambda: np.empty(0))

    def follow(self, norms: Mapping[str, Norms], kind: Kind) -> None:
        """Put together the norms of the layer's weights: √(Σ‖·‖²)."""
        if kind != "ratio":
            self.steps, self.values = self._joined(norms, kind)
            return
        (steps, above), (_, below) = self._joined(norms, "gradient"), self._joined(norms, "value")
        count = min(len(above), len(below))
        with np.errstate(divide="ignore", invalid="ignore"):
            self.values = _last(above, count) / _last(below, count)
        self.steps = _last(steps, count)

    def _joined(self, norms: Mapping[str, Norms], kind: str) -> tuple[Row, Row]:
        found = [norms[name] for key in self.keys if (name := f"{kind}:{key}") in norms]
        if not found:
            return np.empty(0), np.empty(0)
        count = min(len(one.values) for one in found)
        square = sum((np.square(_last(one.values.values, count)) for one in found), np.zeros(count))
        return _last(found[0].steps.values, count), np.sqrt(square)

    @property
    def now(self) -> float:
        """The newest norm; NaN before the first."""
        return float(self.values[-1]) if len(self.values) else math.nan


def _last(values: Row, count: int) -> Row:
    """The last `count` values; watched tensors may have begun to be watched at other times."""
    return values[len(values) - count :]


def layers(graph: Graph) -> list[Layer]:
    """The layers of a graph whose weights are trained, in the order in which data meets them."""
    try:
        model = Model(graph)
        trained = {key for phase in model.phases for _, own in phase.owned for key in own}
        owners: dict[str, list[str]] = {}
        for key in model.params:
            if key in trained:
                owners.setdefault(key.rpartition("/")[0], []).append(key)
    except LowerError:
        return []
    sizes = {key: math.prod(model.params[key].shape) for key in trained}
    return [
        Layer(path, tuple(k), _name(graph, path), max(k, key=sizes.__getitem__), _sum(sizes, k))
        for path, k in owners.items()
    ]


def _sum(sizes: Mapping[str, int], keys: Sequence[str]) -> int:
    return sum(sizes[key] for key in keys)


def _name(graph: Graph, path: str) -> str:
    """What people call the node, with the drawings it lies in."""
    node = graph.node(path) if path in graph else None
    return node.name or path if node is not None else path


def histogram_of(layer: Layer, kind: Kind) -> str:
    """The tensor whose histogram is shown: of a ratio, the gradient."""
    return f"{'value' if kind == 'value' else 'gradient'}:{layer.largest}"


def wanted(found: Sequence[Layer], kind: Kind, pointed: int | None) -> frozenset[str]:
    """What to watch: norms of all weights and gradients, and what histograms of a kind need.

    Those of all layers where that is cheap, else of the one that is pointed at; None: of none.
    """
    names = {f"{kind}:{key}" for kind in ("gradient", "value") for one in found for key in one.keys}
    cheap = pointed is not None and sum(one.size for one in found) <= CHEAP
    whole = {
        histogram_of(one, kind) for place, one in enumerate(found) if cheap or place == pointed
    }
    return frozenset(whole | {f"norm:{name}" for name in names - whole})


def shares(values: Row, limits: tuple[float, float]) -> Row:
    """Places on the logarithmic range: 0 at its low end, 1 at its high end, not limited to it."""
    low, high = (math.log10(end) for end in limits)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Row = (np.log10(values) - low) / (high - low)
    return found


def entries(layer: Layer, width: int, end: float, limits: tuple[float, float]) -> NDArray[np.uint8]:
    """Entries of a colour table for `width` pixels over steps 0 to `end`.

    A norm stands for the steps since the one before it; BEYOND is above the range or not finite.
    """
    made = np.full(width, NOTHING, np.uint8)
    if not len(layer.steps):
        return made
    steps = (np.arange(width) + 1.0) * (end / width)
    places = np.minimum(np.searchsorted(layer.steps, steps), len(layer.steps) - 1)
    values = layer.values[places]
    scaled = shares(values, limits)
    inside = np.fmin(np.fmax(scaled, 0.0), 1.0)  # of NaN 0
    made[:] = 1 + np.rint(inside * (LOUDEST - 1)).astype(np.uint8)
    made[~(scaled <= 1.0)] = BEYOND
    return made


def value_at(layer: Layer, step: float) -> float:
    """The norm that stands for a step; NaN when there is none."""
    if not len(layer.steps):
        return math.nan
    place = min(int(np.searchsorted(layer.steps, step)), len(layer.steps) - 1)
    return float(layer.values[place])
