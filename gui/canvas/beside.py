"""Where something that tells of a port stands, so that it covers least. No Qt; px of the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gui.canvas.geometry import Point, Rect

BELOW = 112.0  # from the port to what stands below it, at least: the refused wire hangs there
ASIDE, MARGIN = 24.0, 12.0  # from the node, and from the edge of the window
LEFT = 80.0  # of what stands above or below the port that is left of it, or right
DEAR, CHEAP = 100.0, 1.0  # price of a px² of a node that the wire is about, and of anything else


def beside(
    size: tuple[float, float],
    port: Point,
    node: Rect,
    window: tuple[float, float],
    dear: Sequence[Rect],
    others: Sequence[Rect],
) -> Point:
    """The corner of something of a `size` near a port of `node`, inside the window: where it
    covers least of what is `dear`, then least of the others.
    """

    def price(corner: Point) -> float:
        own = Rect(corner.x, corner.y, *size)
        covered = sum(overlap(own, rect) for rect in dear)
        return DEAR * covered + CHEAP * sum(overlap(own, rect) for rect in others)

    most = window[0] - size[0] - MARGIN, window[1] - size[1] - MARGIN
    places = [
        Point(max(min(at.x, most[0]), MARGIN), max(min(at.y, most[1]), MARGIN))
        for at in _around(size, port, node)
    ]
    return min(places, key=price)  # of equals the first


def _around(size: tuple[float, float], port: Point, node: Rect) -> Iterator[Point]:
    """Below as it is meant, then closer, above and at both sides."""
    width, height = size
    columns = port.x - LEFT, port.x - width / 2, port.x + LEFT - width
    rows = port.y - LEFT, port.y - height / 2, port.y + LEFT - height
    low = node.bottom + ASIDE
    for y in (max(low, port.y + BELOW), low, node.y - ASIDE - height):
        yield from (Point(x, y) for x in columns)
    for x in (node.x - ASIDE - width, node.right + ASIDE):
        yield from (Point(x, y) for y in rows)


def overlap(one: Rect, other: Rect) -> float:
    """px² that two rectangles share."""
    across = min(one.right, other.right) - max(one.x, other.x)
    down = min(one.bottom, other.bottom) - max(one.y, other.y)
    return max(across, 0.0) * max(down, 0.0)
