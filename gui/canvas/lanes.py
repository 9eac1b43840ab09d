"""Lanes of the automatic layout: how wires go around the nodes they would run through. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gui.canvas.geometry import PORT_Y, NodeBox, Point, Rect
from gui.canvas.view_model import CanvasView, WireView
from gui.canvas.wires import ABOVE_THREAD, BULGE, path_points, wire_ends, wire_path

STEP = 14.0  # between lanes side by side
OVER, UNDER = 20.0, 20.0  # first lane above a row's top, below its nodes
CLEARANCE = 4.0  # kept between a wire and a node it passes


@dataclass(frozen=True)
class Row:
    """One row of a layout: where it may begin, its nodes, and the wires that end in it."""

    top: float
    ids: Sequence[str]
    wires: Sequence[WireView]


def route_in_row(
    view: CanvasView, boxes: Mapping[str, NodeBox], row: Row
) -> tuple[CanvasView, float]:
    """Give lanes to wires of a row (at height 0) that would run through nodes.

    A wire into a first port goes above, any other below. Returns the height the lanes above take.
    """
    lanes: dict[WireView, float] = {}
    above: list[tuple[Rect, int]] = []
    below: list[tuple[Rect, int]] = []
    inside = set(row.ids)
    hit = (w for w in row.wires if not w.portal and w.source in inside)
    for wire in sorted(hit, key=lambda w: (view[w.target].x - view[w.source].x, w.source)):
        source, target = wire_ends(wire, view.by_id, boxes)
        ends = [boxes[id].rect(view[id].x, view[id].y) for id in (wire.source, wire.target)]
        others = [id for id in row.ids if id not in (wire.source, wire.target)]
        rects = [boxes[id].rect(view[id].x, view[id].y) for id in others]
        forward = target.x > source.x
        straight = _straight(source, target, rects) if forward else None
        if straight is not None:
            if straight != target.y:
                lanes[wire] = straight
            continue
        span = Rect(min(source.x, target.x), 0.0, abs(target.x - source.x), 1.0)
        if forward and wire.input == 0 and (lane := _above_level(source, target, rects)):
            lanes[wire] = lane
        elif forward and wire.input == 0:
            lanes[wire] = -OVER - STEP * _first_free(above, span)
        else:
            crossed = [r for r in rects if r.x < span.right and span.x < r.right]
            lowest = max(r.bottom for r in (*crossed, *([] if forward else ends)))
            lanes[wire] = lowest + UNDER + STEP * _first_free(below, span)
    wires = tuple(replace(w, lane=lanes[w]) if w in lanes else w for w in view.wires)
    highest = max((place + 1 for _, place in above), default=0)
    return replace(view, wires=wires), (OVER + STEP * highest) if highest else 0.0


def route_between_rows(
    view: CanvasView, row: Row, incoming: Sequence[WireView], top: float
) -> CanvasView:
    """Give wires from other rows lanes in the space above a row whose nodes begin at `top`."""
    # whoever turns off first runs lowest, so that no lane is crossed
    order = sorted(incoming, key=lambda w: (-view[w.target].x, w.input, w.source))
    inner = [w.lane for w in view.wires if w.target in row.ids and w.lane is not None]
    first = min([top - (ABOVE_THREAD - 14.0), *(lane - STEP for lane in inner)])
    lanes = {wire: first - STEP * index for index, wire in enumerate(order)}
    wires = tuple(replace(w, lane=lanes[w]) if w in lanes else w for w in view.wires)
    return replace(view, wires=wires)


def _straight(source: Point, target: Point, rects: Sequence[Rect]) -> float | None:
    """The lane of a wire that needs no detour: the target's height for a plain wire, the source's
    for one that turns late, past its wider neighbours. None when both run through a node.
    """
    # where the lines can be at all; most wires have nobody between their ends
    span = Rect(source.x, min(source.y, target.y), target.x - source.x, abs(target.y - source.y))
    around = span.grown(BULGE + CLEARANCE)
    rects = [rect for rect in rects if rect.meets(around)]
    if not rects:
        return target.y
    for path, lane in (
        (wire_path(source, target), target.y),
        (wire_path(source, target, source.y), source.y),
    ):
        points = list(path_points(path, 64))
        if not any(_inside(points, rect.grown(CLEARANCE)) for rect in rects):
            return lane
    return None


def _above_level(source: Point, target: Point, rects: Sequence[Rect]) -> float:
    """The lane right above the nodes that stand on the level of both ends, below others; 0.0 where
    it is not free, and on the first level, whose wires share the space above the row.
    """
    lane = target.y - PORT_Y - OVER
    if source.y != target.y or lane < 0.0:
        return 0.0
    points = list(path_points(wire_path(source, target, lane), 64))
    return 0.0 if any(_inside(points, rect.grown(CLEARANCE)) for rect in rects) else lane


def _inside(points: Iterable[Point], rect: Rect) -> bool:
    return any(rect.x < p.x < rect.right and rect.y < p.y < rect.bottom for p in points)


def _first_free(taken: list[tuple[Rect, int]], span: Rect) -> int:
    """The lowest lane number that no overlapping wire has, noted as taken."""
    used = {place for rect, place in taken if rect.meets(span)}
    place = next(i for i in range(len(used) + 1) if i not in used)
    taken.append((span, place))
    return place
