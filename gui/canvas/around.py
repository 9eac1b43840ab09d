"""Ways around nodes for many wires at once: which nodes a line crosses, and free lanes. No Qt.

A lane depends on the wire's own ends and on the nodes near it, on nothing else: whatever was done
before, the same drawing has the same lines, and an edit finds few of them anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gui.canvas.curves import PARTS, Curves, bernstein, curves, default_lanes
from gui.canvas.index import Floats, Indices
from gui.canvas.wires import BULGE, RUN

CLEAR = 3.5  # px kept between a line and a node it passes; less than the automatic layout keeps
MARGIN, APART = 12.0, 8.0  # least px between a lane and a node; what it keeps more where it can
FAR = 400.0  # px above and below its ends within which a wire looks for a lane
STRIP = 4.0, 24.0  # px beside a port in which a wire turns into its lane
BEHIND = 300.0  # what a turn behind a node costs, in px of detour
ACROSS = 24.0  # what crossing the thread into a second port costs
STEPS = 16
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Task:
    """Wires that want a way: `ends` (n, 4), rows of their own nodes (n, 2), and whether each ends
    at its node's first port.
    """

    ends: Floats
    own: Indices
    first: Flags

    def some(self, which: Indices) -> Task:
        """Some of the wires."""
        return Task(self.ends[which], self.own[which], self.first[which])


@dataclass(frozen=True, slots=True)
class Lanes:
    """Lanes (n), the space each may shift in (n, 2), and how far above and below its ends each
    depends on nodes.
    """

    at: Floats
    room: Floats
    reach: Floats


def crossed(task: Task, lanes: Floats, rects: Floats) -> Indices:
    """How many nodes each line crosses; `rects` (4, m), `lanes` NaN without one."""
    lines = curves(task.ends, lanes)
    wire, node = _near(lines, rects, task.own)
    counts = np.zeros(len(task.ends), np.intp)
    for parts in (1, PARTS):
        some = lines.parts[wire] == parts
        if some.any():
            mine, other = wire[some], node[some]
            needed, place = np.unique(mine, return_inverse=True)
            hit = _hit(_corners(lines, needed, parts), place, rects[:, other])
            counts += np.bincount(mine[hit], minlength=len(counts))
    return counts


def _corners(lines: Curves, which: Indices, parts: int) -> Floats:
    """Points along lines that have so many parts: (2, n, k)."""
    points = lines.points[which, :parts].transpose(3, 0, 1, 2)
    places = points @ bernstein(STEPS).T
    return places.reshape(2, len(which), -1)


def _hit(points: Floats, line: Indices, rects: Floats) -> Flags:
    """Whether each line, a row of `points`, meets its rectangle (4, k), grown by CLEAR."""
    left, top, right, bottom = rects[:, :, None]
    x, y = points
    across = (np.maximum(x[:, :-1], x[:, 1:])[line] > left - CLEAR) & (
        np.minimum(x[:, :-1], x[:, 1:])[line] < right + CLEAR
    )
    across &= np.maximum(y[:, :-1], y[:, 1:])[line] > top - CLEAR
    across &= np.minimum(y[:, :-1], y[:, 1:])[line] < bottom + CLEAR
    pair, step = _pairs(across)
    row = line[pair]
    segments = np.stack([x[row, step], y[row, step], x[row, step + 1], y[row, step + 1]], axis=1)
    found = np.zeros(len(line), np.bool_)
    found[pair[_meet(segments, rects[:, pair])]] = True
    return found


def _near(lines: Curves, rects: Floats, own: Indices) -> tuple[Indices, Indices]:
    """Wires and the nodes within the boxes around them, none of their own."""
    left, top, right, bottom = lines.edges()[:, :, None]
    across = (rects[0] - CLEAR < right) & (rects[2] + CLEAR > left)
    close = across & (rects[1] - CLEAR < bottom) & (rects[3] + CLEAR > top)
    wire, node = _pairs(close)
    others = (own[wire, 0] != node) & (own[wire, 1] != node)
    return wire[others], node[others]


def _pairs(mask: Flags) -> tuple[Indices, Indices]:
    """Rows and columns where it is true; several times as fast as np.nonzero."""
    row, column = np.divmod(np.flatnonzero(mask), max(mask.shape[1], 1))
    return row, column


def _meet(segments: Floats, rects: Floats) -> Flags:
    """Whether each segment (k, 4) meets its rectangle (4, k), grown by CLEAR."""
    x, y, u, v = segments.T
    low, high = np.zeros(len(x)), np.ones(len(x))
    apart = np.zeros(len(x), np.bool_)
    for start, along, near, far in (
        (x, u - x, rects[0] - CLEAR, rects[2] + CLEAR),
        (y, v - y, rects[1] - CLEAR, rects[3] + CLEAR),
    ):
        level = np.abs(along) < 1e-9
        apart |= level & ((start <= near) | (start >= far))
        along = np.where(level, 1.0, along)
        one, two = (near - start) / along, (far - start) / along
        low = np.maximum(low, np.where(level, 0.0, np.minimum(one, two)))
        high = np.minimum(high, np.where(level, 1.0, np.maximum(one, two)))
    meets: Flags = ~apart & (low < high)
    return meets


def free_lanes(task: Task, rects: Floats) -> Lanes:
    """The lane with the shortest way that is clear of all nodes; NaN where there is none near."""
    count = len(task.ends)
    wire, node = _beside(task, rects)
    tops, bottoms = rects[1, node] - MARGIN, rects[3, node] + MARGIN
    low, high, of = _gaps(wire, tops, bottoms, count)
    sx, sy, tx, ty = task.ends.T
    inset = np.minimum(APART, (high - low) / 2)
    floor, ceiling = low + inset, high - inset
    default = default_lanes(task.ends, np.full(count, np.nan))
    back = tx <= sx
    wanted = np.stack([ty, sy, np.where(back, default, ty)])[:, of]
    lanes = np.clip(wanted, floor, ceiling)
    limits = _limits(task, rects, wire, node)
    y, goal = sy[of], ty[of]
    cost = np.abs(lanes - y) + np.abs(lanes - goal)
    near = (lanes > np.minimum(y, goal) - FAR) & (lanes < np.maximum(y, goal) + FAR)
    cost += ACROSS * (~task.first[of] & (lanes < goal))
    cost += np.where(back[of], 0.1 * np.abs(lanes - default[of]), 0.0)
    for up, down in limits:
        cost += BEHIND * ((lanes < up[of]) | (lanes > down[of]))
    cost = np.where(near, cost, np.inf)
    row = cost.argmin(axis=0)  # the best way into each gap
    best = cost[row, np.arange(len(of))]
    order = np.lexsort((best, of))
    found = order[np.searchsorted(of[order], np.arange(count))]
    shortest = best[found]
    at = np.where(np.isfinite(shortest), lanes[row[found], found], np.nan)
    beyond = np.where(np.isfinite(shortest), (shortest - np.abs(sy - ty)) / 2, FAR)
    room = np.stack([low[found] + 2.0, high[found] - 2.0], axis=1)
    return Lanes(at, room, np.minimum(beyond, FAR) + 2 * MARGIN)


def _beside(task: Task, rects: Floats) -> tuple[Indices, Indices]:
    """Wires and the nodes that stand between their ends, at whatever height near them."""
    sx, sy, tx, ty = (part[:, None] for part in task.ends.T)
    narrow = tx - sx > 2 * RUN
    left = np.where(narrow, sx + STRIP[0], np.minimum(sx, tx) - BULGE)
    right = np.where(narrow, tx - STRIP[0], np.maximum(sx, tx) + BULGE)
    inside = (rects[2] > left) & (rects[0] < right)
    inside &= (rects[3] > np.minimum(sy, ty) - FAR) & (rects[1] < np.maximum(sy, ty) + FAR)
    wire, node = _pairs(inside)
    own = (task.own[wire, 0] == node) | (task.own[wire, 1] == node)
    kept = ~(own & narrow[wire, 0])
    return wire[kept], node[kept]


def _gaps(
    wire: Indices, tops: Floats, bottoms: Floats, count: int
) -> tuple[Floats, Floats, Indices]:
    """What nodes leave free between them for each wire: lower and upper end, and the wire."""
    order = np.lexsort((tops, wire))
    wire, tops, bottoms = wire[order], tops[order], bottoms[order]
    # one running maximum for all: what comes later is lifted above all that came before
    lift = wire * (float(np.ptp(np.concatenate([tops, bottoms, [0.0]]))) + 1.0)
    reached = np.maximum.accumulate(bottoms + lift) - lift
    opens = np.ones(len(wire), np.bool_)
    opens[1:] = wire[1:] != wire[:-1]
    before = np.where(opens, -np.inf, np.concatenate([[-np.inf], reached[:-1]]))
    kept = tops > before
    last = np.full(count, -np.inf)
    np.maximum.at(last, wire, bottoms)
    low = np.concatenate([before[kept], last])
    high = np.concatenate([tops[kept], np.full(count, np.inf)])
    return low, high, np.concatenate([wire[kept], np.arange(count)])


def _limits(
    task: Task, rects: Floats, wire: Indices, node: Indices
) -> tuple[tuple[Floats, Floats], ...]:
    """How far up and down each wire may turn right behind its source, and before its target."""
    found = []
    for x, y, side in ((0, 1, 1.0), (2, 3, -1.0)):
        port, height = task.ends[wire, x], task.ends[wire, y]
        ends = port + side * STRIP[0], port + side * STRIP[1]
        strip = (rects[2, node] > np.minimum(*ends)) & (rects[0, node] < np.maximum(*ends))
        above = strip & (rects[3, node] <= height)
        below = strip & (rects[1, node] >= height)
        up, down = np.full(len(task.ends), -np.inf), np.full(len(task.ends), np.inf)
        np.maximum.at(up, wire[above], rects[3, node[above]])
        np.minimum.at(down, wire[below], rects[1, node[below]])
        found.append((up, down))
    return tuple(found)
