"""What the canvas shows, as plain frozen values: the painters read these and nothing else.

`gui.canvas.describe` makes them from a graph; the window adds the state of pointer and training
with `dataclasses.replace`. Positions are canvas px at 100 % zoom, of a node's top left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graph.graph import Dots
from graph.op import PortKind, Role

Severity = Literal["", "warning", "error"]
REST = "rest"  # see Mosaic


@dataclass(frozen=True, slots=True)
class PortView:
    """One port: its name, the kind of data that passes it, and whether a wire is on it."""

    name: str
    kind: PortKind = "any"
    wired: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Mosaic:
    """Small pictures side by side: uint8 `tiles` of shape (count, height, width).

    `ramp` names a map of the theme ("activation", "signed"); "" draws the tiles grey, REST all of
    them in one quiet tone: nothing is known yet.
    """

    tiles: NDArray[np.uint8]
    columns: int
    ramp: str = ""

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return -(-len(self.tiles) // self.columns)


@dataclass(frozen=True, slots=True, eq=False)
class Sparkline:
    """A curve over its own range, oldest value first; values that are not finite are left out."""

    values: Sequence[float]


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars from 0 up to the largest value; `marked` is the one drawn in the family colour."""

    values: Sequence[float]
    labels: Sequence[str] = ()
    marked: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """Points of the plane: `points` of shape (count, 2), y upwards, and the class of each."""

    points: NDArray[np.float64]
    groups: NDArray[np.int64]


Preview = Mosaic | Sparkline | Bars | Scatter


@dataclass(frozen=True, slots=True)
class Health:
    """Ring in the header: `share` (0 to 1) of the logarithmic gradient range; or what is wrong."""

    share: float
    dead: bool = False
    not_finite: bool = False


@dataclass(frozen=True, slots=True)
class NodeState:
    """What changes how a node is drawn, but not its size."""

    selected: bool = False
    hovered: bool = False
    running: bool = False
    bypassed: bool = False
    frozen: bool = False
    ghost: bool = False
    problem: Severity = ""
    health: Health | None = None


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node. `badge` and `note` are the two ends of its footer, `badge` the caption below when
    it is collapsed; `ring` keeps room for the health ring (nodes that have parameters).
    """

    id: str
    title: str
    family: str = "custom"
    icon: str = "custom"
    role: Role = "layer"
    summary: str = ""
    badge: str = ""
    note: str = ""
    inputs: tuple[PortView, ...] = ()
    outputs: tuple[PortView, ...] = ()
    x: float = 0.0
    y: float = 0.0
    collapsed: bool = False
    ring: bool = False
    preview: Preview | None = None
    state: NodeState = NodeState()


@dataclass(frozen=True, slots=True)
class WireState:
    """How a wire is drawn beyond its kind. `gradient`: norm of the gradient that passes it.

    `phase`: -1, or the index of the phase that trains it; `through`: it only passes the wire.
    """

    selected: bool = False
    hovered: bool = False
    muted: bool = False
    invalid: bool = False
    proposed: bool = False
    gradient: float | None = None
    phase: int = -1
    through: bool = False


@dataclass(frozen=True, slots=True)
class WireView:
    """A wire by node ids and port indices.

    `lane`: height of the horizontal part of a wire that goes around nodes; `portal`: the letter of
    two tags drawn instead of the line. `dots`, where it has any, lead it instead of both.
    """

    source: str
    output: int
    target: str
    input: int
    kind: PortKind = "any"
    lane: float | None = None
    portal: str = ""
    state: WireState = WireState()
    dots: Dots = ()


@dataclass(frozen=True, slots=True)
class FrameView:
    """A titled rectangle; `family` colours it."""

    id: str
    title: str
    x: float
    y: float
    width: float
    height: float
    nodes: tuple[str, ...] = ()
    family: str = "shape"


@dataclass(frozen=True, slots=True)
class NoteView:
    """Text on the canvas, wrapped at `width`."""

    id: str
    text: str
    x: float
    y: float
    width: float


@dataclass(frozen=True)
class CanvasView:
    """Everything on one canvas, in painting order within each kind."""

    nodes: tuple[NodeView, ...] = ()
    wires: tuple[WireView, ...] = ()
    frames: tuple[FrameView, ...] = ()
    notes: tuple[NoteView, ...] = ()
    by_id: dict[str, NodeView] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {node.id: node for node in self.nodes})

    def __getitem__(self, id: str) -> NodeView:
        return self.by_id[id]


def mosaic(images: Any, columns: int = 4, rows: int = 3, ramp: str = "") -> Mosaic:
    """A Mosaic of the first columns × rows images: (count, height, width), values 0 to 1."""
    tiles = np.asarray(images, dtype=np.float64)[: columns * rows]
    if tiles.ndim != 3 or not tiles.size:
        raise ValueError(f"images: found shape {tiles.shape}, expected (count, height, width)")
    scaled = np.clip(np.nan_to_num(tiles), 0.0, 1.0) * 255.0
    return Mosaic(np.rint(scaled).astype(np.uint8), columns, ramp)
