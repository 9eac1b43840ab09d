"""Where everything on the canvas lies, by LOOK.md's numbers. No Qt: widths of text are asked for.

A node's box is relative to its top left corner, so moving a node changes no box. Ports hang from
the thread: the first 14 px below the top, the next every 24, at both edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest

from gui.canvas.view_model import Bars, Mosaic, NodeView, PortView, Scatter
from gui.theme import tokens

# (text, style) -> width in px; styles are those of gui.fonts.
Measure = Callable[[str, str], float]

_NODE = tokens()["size"]["node"]
GRID = float(_NODE["grid"])
HEADER = float(_NODE["header"])
STRIP = float(_NODE["familyStrip"])
ROW = float(_NODE["subRow"])
FOOTER = float(_NODE["footer"])
PORT = float(_NODE["port"])
PORT_Y = float(_NODE["portY"])
PORT_STEP = float(_NODE["portStep"])
WIDTH = float(_NODE["width"])
RADIUS = float(tokens()["size"]["radius"]["node"])
ICON = float(_NODE["icon"])
RING = float(_NODE["healthRing"])

ICON_X = 11.0  # LOOK.md's 10 and 31, inside the border line
NAME_X = 32.0
TEXT_X = 11.0  # settings row
INSET = 9.0  # preview and footer: 8 inside the border line
RING_X = 16.0  # from the right edge to the ring's centre
COMPACT_MIN = float(_NODE["compactMin"])
BODY_MIN = 112.0
WIDTH_MAX = 200.0
NAME_AFTER = 14.0  # room behind a name without a ring
RING_ROOM = 15.0
PREVIEW_GAP = 2.0
PREVIEW_MIN, PREVIEW_MAX = 34.0, 96.0
BADGE_PAD = 5.0
CAPTION = 24.0  # below a collapsed node
TAG_WIDTH, TAG_HEIGHT, TAG_LEAD = 16.0, 14.0, 14.0


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the canvas, px."""

    x: float
    y: float

    def moved(self, x: float, y: float) -> Point:
        """This point, moved."""
        return Point(self.x + x, self.y + y)


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle, px."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """x of the right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """y of the lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """y of the centre."""
        return self.y + self.height / 2

    def moved(self, x: float, y: float) -> Rect:
        """This rectangle, moved."""
        return Rect(self.x + x, self.y + y, self.width, self.height)

    def grown(self, by: float) -> Rect:
        """This rectangle, `by` larger on every side."""
        return Rect(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def united(self, other: Rect) -> Rect:
        """The smallest rectangle around both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        right, bottom = max(self.right, other.right), max(self.bottom, other.bottom)
        return Rect(x, y, right - x, bottom - y)

    def meets(self, other: Rect) -> bool:
        """Whether the two overlap."""
        across = self.x < other.right and other.x < self.right
        return across and self.y < other.bottom and other.y < self.bottom


@dataclass(frozen=True, slots=True)
class NodeBox:
    """A node's parts, relative to its top left corner; a part it does not have is None."""

    width: float
    height: float
    settings: Rect | None
    preview: Rect | None
    footer: Rect | None
    inputs: tuple[Point, ...]
    outputs: tuple[Point, ...]
    name_width: float

    def rect(self, x: float = 0.0, y: float = 0.0) -> Rect:
        """The box with its corner at (x, y)."""
        return Rect(x, y, self.width, self.height)


def snapped(length: float) -> float:
    """The next multiple of the grid at or above `length`."""
    return float(math.ceil(length / GRID - 1e-9) * GRID)


def port_y(index: int) -> float:
    """Height of port number `index` below the node's top."""
    return PORT_Y + PORT_STEP * index


def node_width(node: NodeView, measure: Measure) -> float:
    """Width by the text it must hold, on the grid, from 80 (collapsed) or 112 to 200."""
    name = NAME_X + measure(node.title, "node name") + NAME_AFTER + RING_ROOM * node.ring
    if node.collapsed:
        return min(max(snapped(name), COMPACT_MIN), WIDTH_MAX)
    port = 4.0 if len(node.outputs) > 1 else 0.0
    summary = 2 * TEXT_X + measure(node.summary, "caption mono") + port
    badge = measure(node.badge, "caption mono") + 2 * BADGE_PAD if node.badge else 0.0
    note = measure(node.note, "caption mono") + 8.0 if node.note else 0.0
    names = max(
        (
            measure(i.name, "caption mono") + measure(o.name, "caption mono") + 12.0
            for i, o in zip_longest(node.inputs[2:], node.outputs[2:], fillvalue=PortView(""))
        ),
        default=0.0,
    )
    least = (
        WIDTH if node.ring else 144.0 if isinstance(node.preview, Mosaic | Scatter) else BODY_MIN
    )
    needed = max(name, summary, 2 * TEXT_X + names, 2 * INSET + badge + note, least)
    return min(snapped(needed), WIDTH_MAX)


def preview_height(node: NodeView, width: float) -> float:
    """Height of a preview drawn `width` wide: square tiles, within 34 to 96."""
    if isinstance(node.preview, Mosaic):
        tile = (width - (node.preview.columns - 1)) / node.preview.columns
        _, high, wide = node.preview.tiles.shape
        exact = node.preview.rows * tile * high / wide + node.preview.rows - 1
        return float(min(max(round(exact), PREVIEW_MIN), PREVIEW_MAX))
    return {Bars: 64.0, Scatter: 72.0}.get(type(node.preview), 44.0)


def node_box(node: NodeView, measure: Measure) -> NodeBox:
    """Sizes of a node and the places of its parts and ports."""
    width = node_width(node, measure)
    ring = RING_ROOM if node.ring else 0.0
    name = min(measure(node.title, "node name"), width - NAME_X - 8.0 - ring)
    settings = preview = footer = None
    ports = max(len(node.inputs), len(node.outputs), 1)
    bottom = HEADER + (PORT_STEP * (ports - 1) if node.collapsed else 0.0)
    if not node.collapsed:
        rows = max(ports, 2) - 1
        if node.summary or rows > 1:
            settings = Rect(TEXT_X, bottom, width - 2 * TEXT_X, ROW)
            bottom += ROW + (rows - 1) * PORT_STEP
        if node.preview is not None:
            inner = width - 2 * INSET
            height = preview_height(node, inner)
            preview = Rect(INSET, bottom + PREVIEW_GAP, inner, height)
            bottom += PREVIEW_GAP + height
        if node.badge or node.note:
            footer = Rect(INSET, bottom, width - 2 * INSET, FOOTER)
            bottom += FOOTER
        else:
            bottom += GRID
    return NodeBox(
        width=width,
        height=bottom,
        settings=settings,
        preview=preview,
        footer=footer,
        inputs=tuple(Point(0.0, port_y(i)) for i in range(len(node.inputs))),
        outputs=tuple(Point(width, port_y(i)) for i in range(len(node.outputs))),
        name_width=name,
    )


def node_bounds(node: NodeView, box: NodeBox) -> Rect:
    """Where a node paints: its box, ports, depth, and the caption below when it is collapsed."""
    around = box.rect(node.x, node.y).grown(PORT)
    if node.collapsed and node.badge:
        around = Rect(around.x, around.y, around.width, box.height + CAPTION + PORT)
    return around


def wrapped(text: str, width: float, measure: Measure, style: str) -> list[str]:
    """Lines of a text no wider than `width`, broken at spaces; a longer word keeps its own line."""
    lines = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and measure(longer, style) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines
