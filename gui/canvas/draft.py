"""What an interaction is about to do, shown over the canvas before it exists. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from graph.op import PortKind
from gui.canvas.geometry import NodeBox, Point, Rect
from gui.canvas.index import Floats
from gui.canvas.view_model import NodeView, WireState

NO_POINTS: Floats = np.empty((0, 2))
PLAIN = WireState()


@dataclass(frozen=True, slots=True)
class DraftWire:
    """A wire between two points; `sag` bends it downwards, `label` stands above its middle."""

    source: Point
    target: Point
    kind: PortKind = "any"
    state: WireState = PLAIN
    label: str = ""
    sag: float = 0.0


@dataclass(frozen=True, slots=True)
class DraftNode:
    """A node that does not exist yet; `caption` stands below it."""

    view: NodeView
    box: NodeBox
    caption: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """Everything drawn over the canvas for one interaction, canvas px.

    `lit` and `dimmed` are centres of ports, shape (n, 2); `rows` are wires of the scene that the
    interaction is about to change: `cut` says that it removes them.
    """

    wires: tuple[DraftWire, ...] = ()
    nodes: tuple[DraftNode, ...] = ()
    lit: Floats = field(default_factory=lambda: NO_POINTS)
    dimmed: Floats = field(default_factory=lambda: NO_POINTS)
    target: Point | None = None  # the port under the hand
    refused: bool = False  # … does not take the wire
    rows: tuple[int, ...] = ()
    cut: bool = False
    knife: tuple[Point, ...] = ()
    outline: Rect | None = None  # a frame or node about to take or give something
    focus: Point | None = None  # the port that the keyboard is at


NO_DRAFT = Draft()
