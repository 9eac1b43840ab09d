"""What of a scene lies under the pointer, or under a rectangle. No Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gui.canvas.curves import Curves, distances, flattened
from gui.canvas.geometry import NodeBox, Point, Rect
from gui.canvas.index import BoxIndex, Floats
from gui.canvas.led import Led, Spot

PORT_REACH = 12.0  # half of a port's hit area
PAINTED = 8.0  # half of what a port paints, with its casing
WIRE_REACH = 6.0
DOT_REACH = 8.0
HIT_STEPS = 16


@dataclass(frozen=True, slots=True)
class PortHit:
    """A port under the pointer."""

    node: str
    index: int
    is_output: bool


class Hits:
    """The questions; the scene that answers them keeps these arrays, rows by node and by wire."""

    ids: list[str]
    index_of: dict[str, int]
    places: Floats
    boxes: BoxIndex
    lines: Curves
    line_boxes: BoxIndex
    led: Led
    portal: NDArray[np.bool_]

    def box(self, index: int) -> NodeBox:
        """The box of a node, relative to its place."""
        raise NotImplementedError

    def node_at(self, point: Point) -> str | None:
        """The topmost node under a point: the last one of the drawing."""
        found = self.boxes.under(point)
        return self.ids[found[-1]] if len(found) else None

    def port_at(
        self, point: Point, reach: float = PORT_REACH, inside: float | None = None
    ) -> PortHit | None:
        """The nearest port whose hit area holds the point.

        The area goes `reach` px beside the node and `inside` px into it (None: as far); over
        another node only what a port paints counts.
        """
        inside = reach if inside is None else inside
        over = self.node_at(point)
        best, nearest = None, np.inf
        for index in self.boxes.under(point, max(reach, inside)).tolist():
            x, y = self.places[index]
            box = self.box(index)
            own = over == self.ids[index]
            for is_output, ports in ((False, box.inputs), (True, box.outputs)):
                for number, port in enumerate(ports):
                    across, down = point.x - x - port.x, point.y - y - port.y
                    beyond = across > 0.0 if is_output else across < 0.0
                    limit = inside if own else reach if over is None else min(PAINTED, reach)
                    limit = limit if own or beyond else min(limit, inside)
                    gap = np.hypot(across, down)
                    if max(abs(across), abs(down)) <= limit and gap < nearest:
                        best, nearest = PortHit(self.ids[index], number, is_output), gap
        return best

    def port_point(self, id: str, index: int, is_output: bool) -> Point:
        """Where a port is on the canvas."""
        row = self.index_of[id]
        box, (x, y) = self.box(row), self.places[row].tolist()
        at = (box.outputs if is_output else box.inputs)[index]
        return Point(x + at.x, y + at.y)

    def wire_at(self, point: Point, zoom: float = 1.0) -> int | None:
        """Row of the wire nearest to a point, within 6 px of the screen."""
        reach = WIRE_REACH / zoom
        near = self.line_boxes.under(point, reach)
        near = near[~self.portal[near]]
        if not len(near):
            return None
        segments, owner = flattened(self.lines, near, HIT_STEPS)
        gaps = distances(segments, point.x, point.y)
        best = int(gaps.argmin())
        return int(near[owner[best]]) if gaps[best] <= reach else None

    def dot_at(self, point: Point, zoom: float = 1.0) -> Spot | None:
        """The nearest dot within 8 px of the screen, or of the canvas from nearby."""
        reach = max(DOT_REACH / zoom, PAINTED)
        near = self.led.all(self.line_boxes.under(point, reach))
        gaps = {
            (row, number): math.hypot(*(self.led.of[row][number] - (point.x, point.y)))
            for row, number in near
        }
        best = min(gaps, key=gaps.__getitem__, default=None)
        return best if best is not None and gaps[best] <= reach else None

    def dots_in(self, rect: Rect) -> list[Spot]:
        """Dots that a marquee holds."""
        found = []
        for row, number in self.led.all(self.line_boxes.meeting(rect)):
            x, y = self.led.of[row][number].tolist()
            if rect.x <= x <= rect.right and rect.y <= y <= rect.bottom:
                found.append((row, number))
        return found

    def wires_through(self, rect: Rect) -> list[int]:
        """Rows of the wires that pass a rectangle, the nearest to its middle first."""
        near = self.line_boxes.meeting(rect)
        near = near[~self.portal[near]]
        if not len(near):
            return []
        segments, owner = flattened(self.lines, near, HIT_STEPS)
        shares = np.linspace(0.0, 1.0, 9)[:, None, None]
        points = segments[None, :, :2] * (1 - shares) + segments[None, :, 2:] * shares
        x, y = points[..., 0], points[..., 1]
        within = (x >= rect.x) & (x <= rect.right) & (y >= rect.y) & (y <= rect.bottom)
        middle = rect.x + rect.width / 2
        gaps = np.where(within, np.hypot(x - middle, y - rect.middle), np.inf).min(axis=0)
        order = [place for place in np.argsort(gaps).tolist() if np.isfinite(gaps[place])]
        return list(dict.fromkeys(near[owner[order]].tolist()))

    def nodes_in(self, rect: Rect) -> Sequence[str]:
        """Nodes that a marquee touches, in the drawing's order."""
        return [self.ids[index] for index in self.boxes.meeting(rect).tolist()]
