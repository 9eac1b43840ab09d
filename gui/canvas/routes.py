"""The route of every wire: as the layout gave it, straight on, around nodes, or by tags. No Qt.

Routes are derived and stand in no file. A lane or tag of the automatic layout stays while nothing
stands in its way; any other wire that would run behind nodes gets a lane, and one that brings
labels past several nodes to a loss or a metric gets tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gui.canvas.around import FAR, Flags, Task, crossed, free_lanes
from gui.canvas.curves import curves
from gui.canvas.geometry import CAPTION, NodeBox
from gui.canvas.index import Floats, Indices
from gui.canvas.lanes import STEP
from gui.canvas.layout import letter_for
from gui.canvas.view_model import CanvasView, NodeView, WireView
from gui.canvas.wires import BULGE, port_offsets

TAGGED = 2  # nodes that labels would run behind from which they get tags
CHUNK = 128  # wires looked at together
NEAR = 4.0  # px beside a line that count
MANY = 300  # changed rectangles above which all routes are found anew
SPREAD = 256  # lanes up to which they are kept apart
NOWHERE = np.empty((4, 0))


@dataclass
class Lines:
    """Wires to be routed among nodes: `rects` (4, m), `ends` (n, 4), `own` (n, 2) rows of nodes.

    `lanes` and `tags` are those of the layout; `labels` brings data to a loss or a metric; what is
    `led` by dots has no route.
    """

    rects: Floats = field(default_factory=lambda: NOWHERE)
    ends: Floats = field(default_factory=lambda: np.empty((0, 4)))
    own: Indices = field(default_factory=lambda: np.empty((0, 2), np.intp))
    ports: Indices = field(default_factory=lambda: np.empty((0, 2), np.intp))
    lanes: Floats = field(default_factory=lambda: np.empty(0))
    tags: Flags = field(default_factory=lambda: np.empty(0, np.bool_))
    labels: Flags = field(default_factory=lambda: np.empty(0, np.bool_))
    led: Flags = field(default_factory=lambda: np.empty(0, np.bool_))

    def __len__(self) -> int:
        return len(self.ends)


class Routes:
    """`lanes` (NaN without one) and `tags` of all wires, found anew only where nodes changed."""

    def __init__(self) -> None:
        self.lines = Lines()
        self._start(0)

    def _start(self, count: int) -> None:
        self.lanes, self.tags = np.full(count, np.nan), np.zeros(count, np.bool_)
        self._plain = np.full(count, np.nan)  # before lanes are kept apart
        self._room = np.zeros((count, 2))
        self._regions = np.zeros((4, count))  # what each route depends on

    def put(self, lines: Lines, rows: Indices, dirty: Floats) -> None:
        """Other wires: `rows` are their rows among those before, -1 for new ones; nodes changed in
        the rectangles `dirty` (4, k).
        """
        old = self.lines
        kept = np.flatnonzero(rows >= 0)
        before = rows[kept]
        same = (old.ends[before] == lines.ends[kept]).all(axis=1)
        same &= (old.lanes[before] == lines.lanes[kept]) | (
            np.isnan(old.lanes[before]) & np.isnan(lines.lanes[kept])
        )
        for one, other in (
            (old.tags, lines.tags),
            (old.labels, lines.labels),
            (old.led, lines.led),
        ):
            same &= one[before] == other[kept]
        kept, before = kept[same], before[same]
        state = self._plain[before], self.tags[before], self._room[before], self._regions[:, before]
        self.lines = lines
        self._start(len(lines))
        self._plain[kept], self.tags[kept], self._room[kept] = state[:3]
        self._regions[:, kept] = state[3]
        fresh = np.ones(len(lines), np.bool_)
        fresh[kept] = False
        self._find(np.union1d(np.flatnonzero(fresh), kept[self._met(kept, dirty)]))
        self._spread()

    def move(self, lines: Lines, wires: Indices, dirty: Floats) -> Indices:
        """Nodes moved, and the ends of `wires` with them; rows of all that have another route."""
        lanes, tags = self.lanes.copy(), self.tags.copy()
        self.lines = lines
        everyone = np.arange(len(lines))
        self._find(np.union1d(wires, everyone[self._met(everyone, dirty)]))
        self._spread()
        same = (lanes == self.lanes) | (np.isnan(lanes) & np.isnan(self.lanes))
        return np.flatnonzero(~same | (tags != self.tags))

    def _met(self, which: Indices, dirty: Floats) -> Flags:
        """Which routes depend on a changed rectangle."""
        found = np.zeros(len(which), np.bool_)
        if not len(which) or dirty.shape[1] > MANY:
            return ~found
        left, top, right, bottom = self._regions[:, which]
        for x, y, u, v in dirty.T.tolist():
            found |= (left < u) & (right > x) & (top < v) & (bottom > y)
        return found

    def _find(self, which: Indices) -> None:
        """Find routes, neighbours together: each part looks only at the nodes near it."""
        lines = self.lines
        heights = lines.ends[which][:, [1, 3]]
        order = np.argsort(heights.sum(axis=1), kind="stable")
        for start in range(0, len(which), CHUNK):
            self._part(which[order[start : start + CHUNK]])

    def _part(self, which: Indices) -> None:
        lines = self.lines
        ends, led = lines.ends[which], lines.led[which]
        given, tags = np.where(led, np.nan, lines.lanes[which]), lines.tags[which]
        task, rects = self._task(which, given)
        hits = crossed(task, given, rects)
        lanes, regions = given.copy(), curves(ends, given).edges()
        back = np.isnan(given) & (ends[:, 2] <= ends[:, 0])
        tagged = ~led & (tags | (lines.labels[which] & (hits >= TAGGED)))
        free = np.flatnonzero(~tagged & ~led & ((hits > 0) | back))
        room = np.zeros((len(which), 2))
        if len(free):
            found = free_lanes(task.some(free), rects)
            lanes[free], room[free] = found.at, found.room
            regions[:, free] = np.stack(
                [
                    np.minimum(regions[0, free], ends[free][:, [0, 2]].min(axis=1) - BULGE),
                    np.minimum(regions[1, free], ends[free][:, [1, 3]].min(axis=1) - found.reach),
                    np.maximum(regions[2, free], ends[free][:, [0, 2]].max(axis=1) + BULGE),
                    np.maximum(regions[3, free], ends[free][:, [1, 3]].max(axis=1) + found.reach),
                ]
            )
        regions += np.array([[-NEAR], [-NEAR], [NEAR], [NEAR]])
        self._plain[which], self._room[which], self._regions[:, which] = lanes, room, regions
        self.tags[which] = tagged

    def _task(self, which: Indices, given: Floats) -> tuple[Task, Floats]:
        """Some wires, and the nodes that they may meet or go around."""
        lines = self.lines
        ends = lines.ends[which]
        low, high = ends[:, [1, 3]].min() - FAR, ends[:, [1, 3]].max() + FAR
        if not np.isnan(given).all():
            low, high = min(low, np.nanmin(given)), max(high, np.nanmax(given))
        left, right = ends[:, [0, 2]].min() - 2 * BULGE, ends[:, [0, 2]].max() + 2 * BULGE
        rects = lines.rects
        inside = (rects[2] > left) & (rects[0] < right) & (rects[3] > low) & (rects[1] < high)
        nodes = np.flatnonzero(inside)
        place = np.full(rects.shape[1], -1)
        place[nodes] = np.arange(len(nodes))
        own = place[lines.own[which]]
        return Task(ends, own, lines.ports[which, 1] == 0), rects[:, nodes]

    def _spread(self) -> None:
        """Lay lanes that would cover each other side by side, the shorter ones nearer the nodes."""
        self.lanes = self._plain.copy()
        which = np.flatnonzero(~np.isnan(self._plain) & ~self.tags)
        if not 1 < len(which) <= SPREAD:
            return
        ends, lanes, lines = self.lines.ends[which], self._plain[which], self.lines
        left, right = ends[:, [0, 2]].min(axis=1), ends[:, [0, 2]].max(axis=1)
        out, into = (
            np.stack([lines.own[which, side], lines.ports[which, side]], axis=1) for side in (0, 1)
        )
        apart = (out[:, None] != out).any(axis=2) & (into[:, None] != into).any(axis=2)
        apart &= (left[:, None] < right) & (left < right[:, None])
        close = apart & (np.abs(lanes[:, None] - lanes) < STEP - 1.0)
        shifted = self._room[which].any(axis=1) & close.any(axis=1)
        order = np.lexsort((left, right - left))
        done = ~shifted  # lanes of the layout stay as they are
        for row in order[shifted[order]].tolist():
            others = lanes[done & apart[row]]
            low, high = self._room[which[row]]
            away = 1.0 if lanes[row] >= ends[row, [1, 3]].mean() else -1.0
            for turn in range(len(which)):
                at = lanes[row] + away * STEP * turn
                if not low <= at <= high:
                    break
                if not (np.abs(others - at) < STEP - 1.0).any():
                    lanes[row] = at
                    break
            done[row] = True
        self.lanes[which] = lanes


def captions(nodes: Sequence[NodeView]) -> Floats:
    """What stands below each node's box, px."""
    return np.array([CAPTION * (n.collapsed and bool(n.badge)) for n in nodes], np.float64)


def label_wires(nodes: Sequence[NodeView], own: Indices) -> Flags:
    """Which wires bring data to a loss or a metric; `own` (n, 2) are rows of their nodes."""
    data = np.array([node.role == "data" for node in nodes], np.bool_)
    ends = np.array([node.role in ("loss", "metric") for node in nodes], np.bool_)
    found: Flags = data[own[:, 0]] & ends[own[:, 1]]
    return found


def led_wires(wires: Sequence[WireView]) -> Flags:
    """Which wires dots lead."""
    return np.array([bool(wire.dots) for wire in wires], np.bool_)


def letters(
    nodes: Mapping[str, NodeView], wires: Sequence[WireView], tags: Flags
) -> dict[tuple[str, int], str]:
    """The letter of every output with tags: as the layout gave it, else one that no other has."""
    found = {(w.source, w.output): w.portal for w in wires if w.portal}
    for row in np.flatnonzero(tags).tolist():
        wire = wires[row]
        key = wire.source, wire.output
        if key not in found:
            port = nodes[wire.source].outputs[wire.output].name
            found[key] = letter_for(port, found.values())
    return found


def routed(view: CanvasView, boxes: Mapping[str, NodeBox]) -> CanvasView:
    """The view with the routes of its wires."""
    if not view.wires:
        return view
    place = {node.id: row for row, node in enumerate(view.nodes)}
    sized = [boxes[node.id] for node in view.nodes]
    corners = np.array([(n.x, n.y) for n in view.nodes], np.float64)
    sizes = np.array([(box.width, box.height) for box in sized])
    rects = np.concatenate([corners, corners + sizes], axis=1).T
    rects[3] += captions(view.nodes)
    rows = [(place[w.source], place[w.target], w.output, w.input) for w in view.wires]
    ends = np.array(rows, np.intp)
    own = ends[:, :2]
    at = np.concatenate([corners[own[:, 0]], corners[own[:, 1]]], axis=1)
    given = np.array([np.nan if w.lane is None else w.lane for w in view.wires])
    tags = np.array([bool(w.portal) for w in view.wires])
    routes = Routes()
    routes.put(
        Lines(
            rects,
            at + port_offsets(sized, ends),
            own,
            ends[:, 2:],
            given,
            tags,
            label_wires(view.nodes, own),
            led_wires(view.wires),
        ),
        np.full(len(ends), -1),
        NOWHERE,
    )
    return replace(view, wires=tuple(_routed(view, routes)))


def _routed(view: CanvasView, routes: Routes) -> Iterator[WireView]:
    named = letters(view.by_id, view.wires, routes.tags)
    for row, wire in enumerate(view.wires):
        lane = float(routes.lanes[row])
        tag = named[wire.source, wire.output] if routes.tags[row] else ""
        yield replace(wire, lane=None if np.isnan(lane) else lane, portal=tag)
