"""The routes of a scene, kept where nothing near a wire changes. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gui.canvas.around import Flags
from gui.canvas.index import Floats, Indices
from gui.canvas.routes import (
    NOWHERE,
    Lines,
    Routes,
    captions,
    label_wires,
    led_wires,
    letters,
)
from gui.canvas.view_model import CanvasView, WireView


class Routing:
    """`lanes`, `tags` and letters by row of a scene's wires."""

    def __init__(self) -> None:
        self._routes = Routes()
        self._view = CanvasView()
        self._own = np.empty((0, 4), np.intp)
        self._captions: Floats = np.empty(0)
        self._letters: dict[tuple[str, int], str] = {}

    @property
    def lanes(self) -> Floats:
        """Height of each wire's lane; NaN where it has none."""
        return self._routes.lanes

    @property
    def tags(self) -> Flags:
        """Which wires are drawn as two tags."""
        return self._routes.tags

    def letter(self, wire: WireView) -> str:
        """What stands on the tags of a wire that has them."""
        return self._letters[wire.source, wire.output]

    def put(self, view: CanvasView, boxes: Floats, ends: Floats, own: Indices) -> None:
        """Another view: boxes (4, m) of its nodes, ends of its wires (n, 4), and rows of source and
        target, numbers of output and input (n, 4).
        """
        before, old = self._view, self._routes.lines
        self._captions = captions(view.nodes)
        self._own, self._view = own, view
        known = {id(wire): row for row, wire in enumerate(before.wires)}
        rows = np.array([known.get(id(wire), -1) for wire in view.wires], np.intp)
        lines = self._lines(boxes, ends, _given(view, rows, old))
        dirty = _changed(before, old.rects, view, lines.rects)
        self._routes.put(lines, rows, dirty)
        self._name()

    def move(self, view: CanvasView, which: Indices, boxes: Floats, ends: Floats) -> Indices:
        """Some nodes of the same view are elsewhere; rows of the wires with other routes."""
        before, old = self._view.wires, self._routes.lines
        self._view, lanes, tags = view, old.lanes.copy(), old.tags.copy()
        for row, (one, other) in enumerate(zip(before, view.wires, strict=True)):
            if one is not other:
                lanes[row], tags[row] = _lane(other), bool(other.portal)
        lines = self._lines(boxes, ends, (lanes, tags))
        touched = np.concatenate([old.rects[:, which], lines.rects[:, which]], axis=1)
        found = self._routes.move(lines, _other(old, lines), touched)
        if self.tags[found].any():
            self._name()
        return found

    def _name(self) -> None:
        self._letters = letters(self._view.by_id, self._view.wires, self.tags)

    def _lines(self, boxes: Floats, ends: Floats, given: tuple[Floats, Flags]) -> Lines:
        rects = boxes.copy()
        rects[3] += self._captions
        own = self._own[:, :2]
        labels = label_wires(self._view.nodes, own)
        led = led_wires(self._view.wires)
        return Lines(rects, ends, own, self._own[:, 2:], *given, labels, led)


def _given(view: CanvasView, rows: Indices, old: Lines) -> tuple[Floats, Flags]:
    """Lanes and tags of the layout; those of wires that are the same objects are known."""
    lanes, tags = np.full(len(rows), np.nan), np.zeros(len(rows), np.bool_)
    kept = rows >= 0
    lanes[kept], tags[kept] = old.lanes[rows[kept]], old.tags[rows[kept]]
    for row in np.flatnonzero(~kept).tolist():
        lanes[row], tags[row] = _lane(view.wires[row]), bool(view.wires[row].portal)
    return lanes, tags


def _other(old: Lines, new: Lines) -> Indices:
    """Rows of wires with other ends, lanes or tags of the layout."""
    same = (old.ends == new.ends).all(axis=1) & (old.tags == new.tags) & (old.led == new.led)
    return np.flatnonzero(~(same & np.isclose(old.lanes, new.lanes, equal_nan=True)))


def _changed(before: CanvasView, old: Floats, view: CanvasView, now: Floats) -> Floats:
    """Where nodes were and are that came, went or have another box: (4, k)."""
    if before.nodes is view.nodes:
        return NOWHERE
    if _ids(before) == _ids(view):
        moved = (old != now).any(axis=0)
        return np.concatenate([old[:, moved], now[:, moved]], axis=1)
    at = {node.id: row for row, node in enumerate(before.nodes)}
    rows = np.array([at.get(node.id, -1) for node in view.nodes], np.intp)
    gone = np.setdiff1d(np.arange(len(before.nodes)), rows)
    kept = np.flatnonzero(rows >= 0)
    moved = (old[:, rows[kept]] != now[:, kept]).any(axis=0)
    other = kept[moved]
    parts = old[:, gone], old[:, rows[other]], now[:, other], now[:, rows < 0]
    return np.concatenate(parts, axis=1)


def _ids(view: CanvasView) -> Sequence[str]:
    return [node.id for node in view.nodes]


def _lane(wire: WireView) -> float:
    return np.nan if wire.lane is None else wire.lane
