"""What of the canvas is in sight, and how little the camera moves to bring more there. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

from gui.canvas.camera import READABLE, Camera
from gui.canvas.fitting import fitted
from gui.canvas.geometry import Point, Rect
from gui.canvas.index import BoxIndex

EDGE = 24.0  # px around what is brought into sight


def in_sight(camera: Camera, rect: Rect, cards: Sequence[Rect]) -> bool:
    """Whether all of a part of the canvas is seen, off the edge and clear of the cards; these in
    px of the window.
    """
    corner, zoom = camera.window(Point(rect.x, rect.y)), camera.zoom
    seen = Rect(corner.x, corner.y, rect.width * zoom, rect.height * zoom)
    across = seen.x >= EDGE and seen.right <= camera.width - EDGE
    down = seen.y >= EDGE and seen.bottom <= camera.height - EDGE
    return across and down and not any(card.meets(seen) for card in cards)


def revealed(camera: Camera, rect: Rect) -> Camera:
    """A part of the canvas in sight, moved as little as may be."""
    area, zoom = camera.area, camera.zoom
    wanted = rect.grown(EDGE / zoom)
    across = min(wanted.x - area.x, 0.0) or max(wanted.right - area.right, 0.0)
    down = min(wanted.y - area.y, 0.0) or max(wanted.bottom - area.bottom, 0.0)
    return camera.panned(-across * zoom, -down * zoom)


def with_added(
    camera: Camera, added: Rect, around: Sequence[Rect], nodes: BoxIndex, cards: Sequence[Rect]
) -> Camera:
    """A new node in sight: with the first of what is `around` it that leaves nodes readable, as
    large as it was or smaller; alone where none does.
    """
    least = min(READABLE, camera.zoom)
    for part in (*around, added):
        goal = fitted(camera, part.united(added), nodes, cards)
        if goal.rung > camera.rung:
            goal = goal.zoomed(camera.rung - goal.rung, camera.width / 2, camera.height / 2)
        if goal.zoom >= least:
            return goal
    return camera.centred(added.x + added.width / 2, added.middle)
