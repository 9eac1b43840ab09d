"""Showing all of something, clear of the cards that lie over the foot of the canvas. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

from gui.canvas.camera import READABLE, Camera
from gui.canvas.geometry import Point, Rect
from gui.canvas.index import BoxIndex

LEAST = 0.75  # share of the zoom that room for the cards may cost
NARROW_MARGIN = 16.0  # px, where the usual one would leave nodes without their settings


def fitted(camera: Camera, bounds: Rect, nodes: BoxIndex, cards: Sequence[Rect]) -> Camera:
    """All of `bounds` in sight and, where that is not dear, no node under a card; cards in px of
    the window.
    """
    plain = _whole(camera, bounds)
    if not any(covers(plain, nodes, card) for card in cards):
        return plain
    for foot in sorted({camera.height - card.y for card in cards}):
        tried = _whole(camera, bounds, foot)
        if tried.zoom < LEAST * plain.zoom:
            break
        if not any(covers(tried, nodes, card) for card in cards):
            return tried
    return plain


def _whole(camera: Camera, bounds: Rect, foot: float = 0.0) -> Camera:
    """All of `bounds`, narrow margins where the usual ones hardly let nodes show all."""
    usual = camera.fitted(bounds, foot)
    narrow = camera.fitted(bounds, foot, NARROW_MARGIN)
    return narrow if usual.zoom <= READABLE <= narrow.zoom else usual


def covers(camera: Camera, nodes: BoxIndex, card: Rect) -> bool:
    """Whether a node is under a part of the window."""
    low, high = camera.canvas(card.x, card.y), camera.canvas(card.right, card.bottom)
    return bool(len(nodes.meeting(_between(low, high))))


def _between(low: Point, high: Point) -> Rect:
    return Rect(low.x, low.y, high.x - low.x, high.y - low.y)
