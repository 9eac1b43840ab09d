"""The lines of many wires at once: `gui.canvas.wires` for arrays. No Qt.

A wire is up to three cubics; straight parts are cubics too, flagged so that they are drawn as one
segment. A test keeps both files equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gui.canvas.geometry import Point
from gui.canvas.index import Floats, Indices
from gui.canvas.wires import (
    ABOVE_THREAD,
    BULGE,
    LEVEL,
    RUN,
    TANGENT_MAX,
    TANGENT_MIN,
    TURN,
    led_path,
)

PARTS = 3
NONE: Indices = np.empty(0, np.intp)


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines of n wires: `points` (n, 3, 4, 2); how many parts each has; which are straight.

    The few wires that dots lead have their cubics (k, 4, 2) in `led`, by row; their `points` are
    corners of the box around them, and they have no `parts`.
    """

    points: Floats
    parts: NDArray[np.int8]
    straight: NDArray[np.bool_]  # (n, 3)
    led: dict[int, Floats] = field(default_factory=dict)

    def lead(self, row: int, source: Point, dots: Floats, target: Point) -> None:
        """Lead a wire through dots (k, 2)."""
        (_, *at), *parts = led_path(source, dots.tolist(), target)
        legs = []
        for _, *values in parts:
            legs.append([*at, *values])
            at = values[-2:]
        self.led[row] = np.array(legs).reshape(-1, 4, 2)
        self.parts[row] = 0
        corners = self.led[row].reshape(-1, 2)
        self.points[row, :, :2], self.points[row, :, 2:] = corners.min(axis=0), corners.max(axis=0)

    def legs(self, row: int) -> Floats:
        """The cubics of one wire, (k, 4, 2)."""
        plain: Floats = self.points[row, : int(self.parts[row])]
        return self.led.get(row, plain)

    def put(self, which: Indices, other: Curves) -> None:
        """Replace the lines of some wires."""
        for place, row in enumerate(which.tolist()) if self.led or other.led else ():
            self.led.pop(row, None)
            if place in other.led:
                self.led[row] = other.led[place]
        self.points[which] = other.points
        self.parts[which] = other.parts
        self.straight[which] = other.straight

    def edges(self) -> Floats:
        """Boxes around the lines, by their control points: shape (4, n)."""
        flat = self.points.reshape(len(self.points), PARTS * 4, 2)
        low, high = flat.min(axis=1), flat.max(axis=1)
        return np.stack([low[:, 0], low[:, 1], high[:, 0], high[:, 1]])


def curves(ends: Floats, lanes: Floats) -> Curves:
    """Lines between `ends` (n, 4: source x, y, target x, y); `lanes` (n) is NaN without one.

    Parts that a wire does not have lie on its end.
    """
    count = len(ends)
    sx, sy, tx, ty = ends.T
    points = np.repeat(ends[:, None, None, 2:], PARTS, axis=1).repeat(4, axis=2)
    straight = np.zeros((count, PARTS), np.bool_)
    direct = np.isnan(lanes) & (tx > sx)
    level = direct & (np.abs(ty - sy) < LEVEL)
    reach = np.clip((tx - sx) / 2, TANGENT_MIN, TANGENT_MAX)
    reach = np.where(level, (tx - sx) / 3, reach)
    first = np.stack([sx, sy, sx + reach, sy, tx - reach, ty, tx, ty], axis=1)
    points[direct, 0] = first[direct].reshape(-1, 4, 2)
    straight[:, 0] = level
    around = np.flatnonzero(~direct)
    if len(around):
        lane = default_lanes(ends[around], lanes[around])
        points[around] = _by_lane(ends[around], lane)
        straight[around, 1] = True
    return Curves(points, np.where(direct, 1, PARTS).astype(np.int8), straight)


def default_lanes(ends: Floats, lanes: Floats) -> Floats:
    """Height of the horizontal part of wires; `lanes` is NaN for those without one of their own."""
    _, sy, _, ty = ends.T
    lower = ty - sy > 2 * ABOVE_THREAD
    found = np.where(lower, ty - ABOVE_THREAD, np.maximum(sy, ty) + 2 * ABOVE_THREAD)
    return np.where(np.isnan(lanes), found, lanes)


def _by_lane(ends: Floats, lane: Floats) -> Floats:
    """Out of the source, along the lane, into the target: (n, 3, 4, 2)."""
    sx, sy, tx, ty = ends.T
    narrow = tx - sx > 2 * RUN
    middle = (sx + tx) / 2
    close = sx - TANGENT_MIN < tx + TANGENT_MIN
    start = np.where(narrow, sx + RUN, np.where(close, middle, sx - TANGENT_MIN))
    end = np.where(narrow, tx - RUN, np.where(close, middle, tx + TANGENT_MIN))
    half = RUN * TURN
    out = np.where(narrow, sx + half, sx + BULGE), np.where(narrow, start - half, sx + BULGE)
    into = np.where(narrow, end + half, tx - BULGE), np.where(narrow, tx - half, tx - BULGE)
    third = (end - start) / 3
    turn = [sx, sy, out[0], sy, out[1], lane, start, lane]
    run = [start, lane, start + third, lane, end - third, lane, end, lane]
    last = [end, lane, into[0], lane, into[1], ty, tx, ty]
    return np.stack([*turn, *run, *last], axis=1).reshape(-1, PARTS, 4, 2)


def flattened(lines: Curves, which: Indices, steps: int) -> tuple[Floats, Indices]:
    """Segments (k, 4) of some wires, every curve in `steps`; and the wire of each segment.

    The wires of the answer are places in `which`, not sorted.
    """
    parts = lines.parts[which]
    owner = np.repeat(np.arange(len(which)), parts)
    part = np.arange(len(owner)) - np.repeat(np.cumsum(parts) - parts, parts)
    points = lines.points[which[owner], part]
    straight = lines.straight[which[owner], part]
    there = np.flatnonzero(np.isin(which, list(lines.led))) if lines.led else NONE
    if len(there):
        more = [lines.led[row] for row in which[there].tolist()]
        points = np.concatenate([points, *more])
        owner = np.concatenate([owner, np.repeat(there, [len(legs) for legs in more])])
        straight = np.concatenate([straight, np.zeros(len(owner) - len(straight), np.bool_)])
    if steps == 1:
        straight = np.ones(len(owner), np.bool_)
    single = points[straight]
    direct = np.concatenate([single[:, 0], single[:, 3]], axis=1)
    if straight.all():
        return direct, owner
    weights = bernstein(steps)
    bent = points[~straight]
    places = (bent.transpose(0, 2, 1).reshape(-1, 4) @ weights.T).reshape(-1, 2, steps + 1)
    segments = np.concatenate([places[..., :-1], places[..., 1:]], axis=1)
    segments = segments.transpose(0, 2, 1).reshape(-1, 4)
    owners = np.concatenate([owner[straight], np.repeat(owner[~straight], steps)])
    return np.concatenate([direct, segments]), owners


@cache
def bernstein(steps: int) -> Floats:
    """Bernstein weights at `steps` + 1 even places: (steps + 1, 4). Do not change it."""
    t = np.linspace(0.0, 1.0, steps + 1)
    u = 1.0 - t
    return np.stack([u**3, 3 * u * u * t, 3 * u * t * t, t**3], axis=1)


def distances(segments: Floats, x: float, y: float) -> Floats:
    """Distance of a point from every segment (k, 4), canvas px."""
    start, along = segments[:, :2], segments[:, 2:] - segments[:, :2]
    to = np.array([x, y]) - start
    length = np.maximum((along * along).sum(axis=1), 1e-12)
    share = np.clip((to * along).sum(axis=1) / length, 0.0, 1.0)[:, None]
    gaps: Floats = np.hypot(*(to - share * along).T)
    return gaps
