"""What training shows of nodes and wires: what to watch, and the views made of it. No Qt.

Previews keep their shape from before the first step to after the last, so no node grows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from compute.questions import FeatureMap, Output
from graph.graph import Graph
from graph.lower import LowerError, Model
from graph.ops.metric import metric_names
from graph.program import TensorType
from gui.canvas.view_model import REST, Bars, Health, Mosaic, NodeView, Preview, Sparkline
from gui.docks.plot_scale import value_text
from gui.run.board import Board

Kind = Literal["maps", "cells", "bars", "losses"]
MAPS, MAP_COLUMNS = 32, 8
CELLS, CELL_COLUMNS = 128, 16
BARS = 16  # numbers up to which a vector is drawn as bars
POINTS = 64  # of a sparkline
LOOKS = 8  # at a norm, of which the geometric mean is shown
STEPS = 8  # of a decade between which gradients are not told apart, so that tints keep still
FAINT = 0.005  # share of zeros that is not worth a word
PICTURED = 64  # nodes up to which there are pictures, and zeros are counted
Types = Mapping[tuple[str, str], TensorType]


@dataclass(frozen=True)
class Picture:
    """The preview of a node: how it is drawn, of what tensor, in what shape without the batch.

    Of losses `tensor` is "", `path` that of the node.
    """

    kind: Kind
    tensor: str = ""
    shape: tuple[int, ...] = ()
    path: str = ""


@dataclass(frozen=True)
class Watched:
    """What there is to watch in a graph; all by node id, wires by (source, output)."""

    pictures: Mapping[str, Picture] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # trained ParamKeys
    zeros: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optimizers: frozenset[str] = frozenset()
    wires: Mapping[tuple[str, str], str] = field(default_factory=dict)
    phases: Mapping[tuple[str, str], tuple[int, bool]] = field(default_factory=dict)

    def names(self, wires: bool) -> frozenset[str]:
        """Names of tensors for Trainer.want; gradients of wires only if they are shown."""
        names = {f"norm:gradient:{key}" for keys in self.keys.values() for key in keys}
        names |= {f"norm:{name}" for name in self.zeros.values()}
        if wires:
            names |= {f"norm:{name}" for name in self.wires.values()}
        return frozenset(names)

    def tensors(self) -> tuple[str, ...]:
        """Names of the tensors that pictures need."""
        return tuple(p.tensor for p in self.pictures.values() if p.tensor)


def pictures(graph: Graph, types: Types, prefix: str = "") -> dict[str, Picture]:
    """The previews of the nodes of a drawing: losses, and where they are not too many, tensors.

    `prefix` stands before their ids in the paths of `types`.
    """
    found: dict[str, Picture] = {}
    losses = {
        node.id: Picture("losses", path=prefix + node.id)
        for node in graph
        if node.op.role == "loss"
    }
    for node in graph:
        ports = node.op.ports_out()
        if node.op.role != "layer" or not ports:
            continue
        kind = types.get((prefix + node.id, ports[0].name))
        shape = kind.shape[1:] if kind is not None else ()
        tensor = f"value:{prefix}{node.id}.{ports[0].name}"
        if node.op.family == "conv" and len(shape) == 3:
            found[node.id] = Picture("maps", tensor, shape)
        elif node.op.family == "dense" and len(shape) == 1 and shape[0] > 1:
            found[node.id] = Picture("bars" if shape[0] <= BARS else "cells", tensor, shape)
    return losses | (found if len(found) <= PICTURED else {})


def watched(graph: Graph, types: Types, into: str = "", prefix: str = "") -> Watched:
    """What there is to watch in a drawing of a graph that can be trained; nothing in any other.

    `into` names the drawing, `prefix` stands before the ids of its nodes in NodePaths.
    """
    try:
        model = Model(graph)
        phases = model.phases
        owners = _owners(model, prefix)
        drawing = graph.drawing(into)
    except (LowerError, KeyError):
        return Watched()
    layers = [node for node in drawing if node.op.role == "layer"]
    acting = [node for node in layers if node.op.family == "activation"][:PICTURED]
    zeros = {n.id: f"value:{prefix}{n.id}.{n.op.ports_out()[0].name}" for n in acting}
    # what comes into a part has a gradient there, such as the state of a cell; data has none
    sources = ("layer", "input") if into else ("layer",)
    wires = {
        (wire.source, wire.output): f"gradient:{prefix}{wire.source}.{wire.output}"
        for wire in drawing.wires()
        if drawing.node(wire.source).op.role in sources
        and drawing.node(wire.target).op.role in ("layer", "loss", "output")
    }
    reached = [f"gradient:{name}" for phase in phases for name in model.reached(phase)]
    known = frozenset(reached)
    metrics = {node.id: node.op for node in drawing if node.op.role == "metric"}
    return Watched(
        pictures(drawing, types, prefix),
        owners,
        {id: name for id, name in zeros.items() if model.can_watch(name)},
        {} if into else {id: (f"val_{name}",) for id, name in metric_names(metrics).items()},
        frozenset(node.id for node in drawing if node.op.role == "optimizer"),
        {at: name for at, name in wires.items() if name in known},
        _phases(drawing, model, owners, prefix),
    )


def _owners(model: Model, prefix: str) -> dict[str, tuple[str, ...]]:
    """Trained ParamKeys by the node of the drawing in which they lie."""
    trained = {key for phase in model.phases for _, own in phase.owned for key in own}
    found: dict[str, dict[str, None]] = {}
    for path, keys in model.owners.items():
        if path.startswith(prefix):
            id = path.removeprefix(prefix).split("/")[0]
            found.setdefault(id, {}).update((key, None) for key in keys if key in trained)
    return {id: tuple(keys) for id, keys in found.items() if keys}


def _phases(
    drawing: Graph, model: Model, owners: Mapping[str, tuple[str, ...]], prefix: str
) -> dict[tuple[str, str], tuple[int, bool]]:
    """By wire, the phase that trains one of its ends, else one whose gradient only passes."""
    found: dict[tuple[str, str], tuple[int, bool]] = {}
    for index, phase in enumerate(model.phases):
        reached = model.reached(phase)
        own = {key for _, keys in phase.owned for key in keys}
        for wire in drawing.wires():
            at = wire.source, wire.output
            if prefix + ".".join(at) not in reached:
                continue
            ends = (*owners.get(wire.source, ()), *owners.get(wire.target, ()))
            through = own.isdisjoint(ends)
            if at not in found or (found[at][1] and not through):
                found[at] = index, through
    return found


# ---- previews


def at_rest(picture: Picture) -> Preview:
    """A preview before anything ran: of the size it will have."""
    if picture.kind == "losses":
        return Sparkline(())
    if picture.kind == "bars":
        count = picture.shape[0]
        return Bars([0.0] * count, _labels(count), count)  # none is marked, all are quiet
    if picture.kind == "cells":
        return replace(_cells(np.zeros(picture.shape[0], np.uint8)), ramp=REST)
    return replace(_maps(np.zeros(picture.shape, np.uint8)), ramp=REST)


def preview(
    picture: Picture, board: Board, maps: Mapping[str, FeatureMap], output: Output | None
) -> Preview | None:
    """A preview as it is now; None when nothing is known yet."""
    if picture.kind == "losses":
        return sparkline(board.curves.of(picture.path).values)
    found = maps.get(picture.tensor)
    if found is None or found.shape != picture.shape:
        return None
    if picture.kind == "maps":
        return _maps(found.tiles)
    values = np.nan_to_num(found.values.astype(np.float64))
    if picture.kind == "bars":
        if (
            output is not None
            and output.kind == "softmax"
            and output.values.shape[-1] == len(values)
        ):
            values = np.asarray(output.values, np.float64).reshape(-1)
        shown = np.maximum(values, 0.0).tolist()
        return Bars(shown, _labels(len(shown)), int(values.argmax()))
    low, high = float(values.min()), float(values.max())
    return _cells(np.rint((values - low) * (255 / ((high - low) or 1.0))).astype(np.uint8))


def _maps(tiles: NDArray[np.uint8]) -> Mosaic:
    return Mosaic(tiles[:MAPS], min(MAP_COLUMNS, len(tiles)), "activation")


def _cells(values: NDArray[np.uint8]) -> Mosaic:
    return Mosaic(values[:CELLS].reshape(-1, 1, 1), CELL_COLUMNS, "activation")


def _labels(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count))) if count <= 10 else ()


def sparkline(losses: NDArray[np.float64]) -> Sparkline:
    """The losses so far: the mean of each of up to 64 stretches, on a logarithmic axis."""
    count = len(losses)
    if not count:
        return Sparkline(())
    size = -(-count // POINTS)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.add.reduceat(losses, np.arange(0, count, size))
        means /= np.diff(np.append(np.arange(0, count, size), count))
        values = np.log10(means) if (means > 0).all() else means
    return Sparkline(values[np.isfinite(values)].tolist())


# ---- states and texts


def quantised(norm: float) -> float:
    """A norm on steps of an eighth of a decade; NaN and 0 as they are."""
    if not math.isfinite(norm) or norm <= 0.0:
        return norm
    return float(10.0 ** (round(math.log10(norm) * STEPS) / STEPS))


def norm_of(board: Board, names: Sequence[str]) -> float | None:
    """√(Σ‖·‖²) of watched tensors over the last looks, quantised; None when none was watched yet.

    From batch to batch gradients differ so much that wires would flicker.
    """
    watched = [board.norms[name].values.values[-LOOKS:] for name in names if name in board.norms]
    if not watched:
        return None
    last = math.sqrt(sum(float(values[-1]) ** 2 for values in watched))
    if not math.isfinite(last):
        return math.nan
    if last == 0.0:
        return last
    known = [values[values > 0] for values in watched if values[-1] > 0]
    squares = [float(np.exp(2 * np.log(values).mean())) for values in known]
    return quantised(math.sqrt(sum(squares)))


def told(
    view: NodeView,
    seen: Watched,
    board: Board,
    drawn: Preview | None,
    share: float | None,
    prefix: str = "",
) -> NodeView:
    """A node with what training tells of it; `share` is its place on the range of gradients."""
    id, state, badge, note = view.id, view.state, view.badge, view.note
    lost = board.state == "failed" and f"{board.failed_at}/".startswith(f"{prefix}{id}/")
    if share is not None or lost:
        bad = lost or (share is not None and math.isnan(share))
        state = replace(state, health=Health(0.0 if bad else share or 0.0, share == 0.0, bad))
    if lost:
        state = replace(state, problem="error")
    if id in seen.zeros:
        tap = board.taps.get(seen.zeros[id])
        if tap is not None and tap.zeros > FAINT and view.collapsed:
            badge = f"{100 * tap.zeros:.0f} % zero"
    for name in seen.metrics.get(id, ()):
        if name in board.metrics:
            note = metric_text(name, board.metrics[name])
    picture = seen.pictures.get(id)
    if picture is not None and picture.kind == "losses":
        losses = board.curves.of(picture.path).values
        note = value_text(float(losses[-1])) if len(losses) else note
    if id in seen.optimizers and board.step:
        note = f"#{board.step}" if board.step < 10_000 else f"#{board.step // 1000}k"
    kept = view.preview if drawn is None else drawn
    return replace(view, state=state, badge=badge, note=note, preview=kept)


def metric_text(name: str, value: float) -> str:
    """A metric as nodes show it: 97.5 % for shares, else four figures."""
    if not math.isfinite(value):
        return value_text(value)
    return f"{100 * value:.1f} %" if "accuracy" in name else value_text(value)
