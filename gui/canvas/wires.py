"""The lines of wires: cubics with horizontal tangents, and lanes around nodes. No Qt.

A path is a list of segments: ("M", x, y), ("L", x, y) and ("C", x1, y1, x2, y2, x, y).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

from gui.canvas.geometry import (
    PORT_STEP,
    PORT_Y,
    TAG_HEIGHT,
    TAG_LEAD,
    TAG_WIDTH,
    NodeBox,
    Point,
    Rect,
    port_y,
)
from gui.canvas.index import Floats, Indices
from gui.canvas.view_model import CanvasView, NodeView, WireView

Segment = tuple[str, *tuple[float, ...]]
Path = list[Segment]

TANGENT_MIN, TANGENT_MAX = 24.0, 120.0
LEVEL = 0.5  # px of height below which a wire is straight
BULGE = 30.0  # control length of the turns of a wire that runs back
RUN, TURN = 28.0, 0.55  # width of a narrow turn into a lane, and its control length over that
ABOVE_THREAD = 60.0  # lane of a return wire above the thread it returns to


def wire_path(source: Point, target: Point, lane: float | None = None) -> Path:
    """The line from an output port to an input port.

    `lane` is the height of its horizontal part; without one a wire to the left runs back 60 px
    above the target's thread when that is lower, else 120 px below both.
    """
    if lane is None and target.x > source.x:
        return _direct(source, target)
    if lane is None:
        lower = target.y - source.y > 2 * ABOVE_THREAD
        lane = target.y - ABOVE_THREAD if lower else max(source.y, target.y) + 2 * ABOVE_THREAD
    return _by_lane(source, target, lane)


def _direct(source: Point, target: Point) -> Path:
    start: Segment = ("M", source.x, source.y)
    if abs(target.y - source.y) < LEVEL:
        return [start, ("L", target.x, target.y)]
    reach = min(max((target.x - source.x) / 2, TANGENT_MIN), TANGENT_MAX)
    return [start, ("C", source.x + reach, source.y, target.x - reach, target.y, *_xy(target))]


def _by_lane(source: Point, target: Point, lane: float) -> Path:
    """Out of the source, along the lane, into the target; turns are narrow or bulging arcs."""
    if target.x - source.x > 2 * RUN:
        half = RUN * TURN
        first = ("C", source.x + half, source.y, source.x + RUN - half, lane, source.x + RUN, lane)
        last = ("C", target.x - RUN + half, lane, target.x - half, target.y, *_xy(target))
        return [("M", *_xy(source)), first, ("L", target.x - RUN, lane), last]
    right, left = source.x + BULGE, target.x - BULGE
    start, end = source.x - TANGENT_MIN, target.x + TANGENT_MIN
    if start < end:
        start = end = (source.x + target.x) / 2
    return [
        ("M", *_xy(source)),
        ("C", right, source.y, right, lane, start, lane),
        ("L", end, lane),
        ("C", left, lane, left, target.y, *_xy(target)),
    ]


def led_path(source: Point, dots: Sequence[tuple[float, float]], target: Point) -> Path:
    """The line from an output port through dots to an input port: one curve to each of them.

    Level and upright parts between dots are straight; elsewhere the line passes a dot in the
    direction from the dot before to the one behind.
    """
    points = [_xy(source), *dots, _xy(target)]
    straight = [_is_straight(points, leg) for leg in range(len(points) - 1)]
    path: Path = [("M", *points[0])]
    for leg, ((x, y), (u, v)) in enumerate(pairwise(points)):
        if straight[leg]:
            third = (u - x) / 3, (v - y) / 3
            handles = x + third[0], y + third[1], u - third[0], v - third[1]
        else:
            (a, b), (c, d) = (
                _direction(points, straight, leg),
                _direction(points, straight, leg + 1),
            )
            out, into = _reach(points, leg, leg), _reach(points, leg, leg + 1)
            handles = x + a * out, y + b * out, u - c * into, v - d * into
        path.append(("C", *handles, u, v))
    return path


def _is_straight(points: Sequence[tuple[float, float]], leg: int) -> bool:
    (x, y), (u, v) = points[leg], points[leg + 1]
    at_port = leg in (0, len(points) - 2)
    return (abs(v - y) < LEVEL and (u > x or not at_port)) or (abs(u - x) < LEVEL and not at_port)


def _direction(
    points: Sequence[tuple[float, float]], straight: Sequence[bool], place: int
) -> tuple[float, float]:
    """Where a line is heading at a point of it; a straight part beside it says so."""
    first, last = place - 1, place + 1
    if place in (0, len(points) - 1):
        return 1.0, 0.0
    if straight[place - 1]:
        last = place
    elif straight[place]:
        first = place
    x, y = points[last][0] - points[first][0], points[last][1] - points[first][1]
    length = math.hypot(x, y)
    return (x / length, y / length) if length else (1.0, 0.0)


def _reach(points: Sequence[tuple[float, float]], leg: int, place: int) -> float:
    """Length of a curve's handle at one of its ends."""
    (x, y), (u, v) = points[leg], points[leg + 1]
    length = math.hypot(u - x, v - y)
    if place in (0, len(points) - 1):
        return min(max(abs(u - x) / 2, TANGENT_MIN), TANGENT_MAX, length / 2)
    return min(length / 3, TANGENT_MAX)


def _xy(point: Point) -> tuple[float, float]:
    return point.x, point.y


def output_point(node: NodeView, box: NodeBox, index: int) -> Point:
    """Centre of an output port on the canvas; the header's when the port is gone."""
    return Point(node.x + box.width, node.y + port_y(min(index, max(len(box.outputs) - 1, 0))))


def input_point(node: NodeView, box: NodeBox, index: int) -> Point:
    """Centre of an input port on the canvas; the header's when the port is gone."""
    return Point(node.x, node.y + port_y(min(index, max(len(box.inputs) - 1, 0))))


def port_offsets(boxes: Sequence[NodeBox], ends: Indices) -> Floats:
    """Where wires begin and end, relative to their nodes: (n, 4).

    `ends` (n, 4) are rows of `boxes` of source and target, and numbers of output and input.
    """
    source, target, output, into = ends.T
    width = np.array([box.width for box in boxes], np.float64)
    last_out = np.array([max(len(box.outputs) - 1, 0) for box in boxes], np.intp)
    last_in = np.array([max(len(box.inputs) - 1, 0) for box in boxes], np.intp)
    out_y = PORT_Y + PORT_STEP * np.minimum(output, last_out[source])
    in_y = PORT_Y + PORT_STEP * np.minimum(into, last_in[target])
    return np.stack([width[source], out_y, np.zeros(len(ends)), in_y], axis=1)


def wire_ends(
    wire: WireView, nodes: Mapping[str, NodeView], boxes: Mapping[str, NodeBox]
) -> tuple[Point, Point]:
    """Both ends of a wire on the canvas."""
    source, target = nodes[wire.source], nodes[wire.target]
    return (
        output_point(source, boxes[wire.source], wire.output),
        input_point(target, boxes[wire.target], wire.input),
    )


def paths(view: CanvasView, boxes: Mapping[str, NodeBox]) -> Iterator[tuple[WireView, Path]]:
    """Every wire that is drawn as a line, with its line."""
    for wire in view.wires:
        if not wire.portal:
            source, target = wire_ends(wire, view.by_id, boxes)
            led = led_path(source, wire.dots, target) if wire.dots else None
            yield wire, led or wire_path(source, target, wire.lane)


def tag_rect(port: Point, leaves: bool) -> Rect:
    """The tag of a named portal beside its port: right of an output, left of an input."""
    x = port.x + TAG_LEAD if leaves else port.x - TAG_LEAD - TAG_WIDTH
    return Rect(x, port.y - TAG_HEIGHT / 2, TAG_WIDTH, TAG_HEIGHT)


def path_points(path: Path, steps: int = 12) -> Iterator[Point]:
    """Points along a path: its start, and `steps` on every part of it."""
    x = y = 0.0
    for name, *values in path:
        if name == "M":
            yield Point(values[0], values[1])
        for step in range(1, steps + 1 if name != "M" else 1):
            t = step / steps
            if name == "L":
                yield Point(x + (values[0] - x) * t, y + (values[1] - y) * t)
                continue
            x1, y1, x2, y2, x3, y3 = values
            a, b, c, d = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t * t, t**3
            yield Point(a * x + b * x1 + c * x2 + d * x3, a * y + b * y1 + c * y2 + d * y3)
        x, y = values[-2], values[-1]


def path_bounds(path: Path) -> Rect:
    """Rectangle around a path, by its points."""
    points = list(path_points(path))
    x, y = min(p.x for p in points), min(p.y for p in points)
    return Rect(x, y, max(p.x for p in points) - x, max(p.y for p in points) - y)
