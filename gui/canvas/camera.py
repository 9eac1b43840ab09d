"""The part of the canvas that a window shows, and how large. No Qt.

Zoom moves on a ladder of sixteen steps per doubling, and the origin on whole device pixels, so a
picture of a node made once is blitted without filtering ever after, as long as the step is shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gui.canvas.geometry import Point, Rect

STEPS = 16  # of the ladder per doubling; a notch of a wheel is four
NOTCH = 4
LOWEST, HIGHEST = -88, 32  # 2.2 % to 400 %
FIT_HIGHEST = 0  # fitting never enlarges
FIT_MARGIN = 40.0
FOOT_GAP = 12.0


def zoom_of(rung: int) -> float:
    """The zoom of a rung of the ladder; rung 0 is 100 %."""
    return float(2.0 ** (rung / STEPS))


READABLE = zoom_of(-12)  # from which nodes show all: LOOK.md's 60 % on the ladder
NAMED = 0.25  # from which nodes have their header, icon and ports; below they are blocks


@dataclass(frozen=True, slots=True)
class Camera:
    """`x`, `y`: the canvas point at the window's corner; `width`, `height`: of the window, px.

    `ratio` is the number of device pixels per px.
    """

    x: float = 0.0
    y: float = 0.0
    rung: int = 0
    width: int = 1
    height: int = 1
    ratio: float = 1.0

    @property
    def zoom(self) -> float:
        """1 is 100 %."""
        return zoom_of(self.rung)

    @property
    def scale(self) -> float:
        """Device pixels per canvas px."""
        return zoom_of(self.rung) * self.ratio

    @property
    def origin(self) -> tuple[int, int]:
        """Device pixels from the canvas's origin to the window's corner."""
        return round(self.x * self.scale), round(self.y * self.scale)

    @property
    def area(self) -> Rect:
        """The canvas that is seen."""
        return Rect(self.x, self.y, self.width / self.zoom, self.height / self.zoom)

    def canvas(self, x: float, y: float) -> Point:
        """The canvas point at a point of the window."""
        return Point(self.x + x / self.zoom, self.y + y / self.zoom)

    def window(self, point: Point) -> Point:
        """Where a canvas point is in the window."""
        return Point((point.x - self.x) * self.zoom, (point.y - self.y) * self.zoom)

    def panned(self, x: float, y: float) -> Camera:
        """The content moved by (x, y) px of the window."""
        return self._at(self.x - x / self.zoom, self.y - y / self.zoom)

    def zoomed(self, rungs: int, x: float, y: float) -> Camera:
        """Zoomed by steps of the ladder within its ends; what is under (x, y) stays there."""
        rung = min(max(self.rung + rungs, LOWEST), HIGHEST)
        fixed, zoom = self.canvas(x, y), zoom_of(rung)
        return replace(self, rung=rung)._at(fixed.x - x / zoom, fixed.y - y / zoom)

    def resized(self, width: int, height: int, ratio: float) -> Camera:
        """For a window of another size; its corner stays."""
        changed = replace(self, width=max(width, 1), height=max(height, 1), ratio=ratio)
        return changed._at(self.x, self.y)

    def fitted(self, rect: Rect, foot: float = 0.0, margin: float = FIT_MARGIN) -> Camera:
        """The whole of `rect` in the middle of the window above its `foot`, never above 100 %."""
        below = max(foot + FOOT_GAP, margin) if foot else margin
        room = max(self.width - 2 * margin, 1.0), max(self.height - margin - below, 1.0)
        share = min(room[0] / max(rect.width, 1.0), room[1] / max(rect.height, 1.0))
        rung = min(max(math.floor(math.log2(share) * STEPS + 1e-9), LOWEST), FIT_HIGHEST)
        lower = (below - margin) / 2 / zoom_of(rung)
        return replace(self, rung=rung).centred(rect.x + rect.width / 2, rect.middle + lower)

    def centred(self, x: float, y: float) -> Camera:
        """A canvas point in the middle of the window."""
        return self._at(x - self.width / 2 / self.zoom, y - self.height / 2 / self.zoom)

    def moved_to(self, x: float, y: float) -> Camera:
        """The window's corner at a canvas point."""
        return self._at(x, y)

    def towards(self, goal: Camera, share: float) -> Camera:
        """On the way to another camera: what will be in the middle goes there straight."""
        if share >= 1.0:
            return goal
        area = goal.area
        middle = Point(area.x + area.width / 2, area.middle)
        here, there = self.window(middle), goal.window(middle)
        rung = round(self.rung + (goal.rung - self.rung) * share)
        x, y = here.x + (there.x - here.x) * share, here.y + (there.y - here.y) * share
        zoom = zoom_of(rung)
        return replace(self, rung=rung)._at(middle.x - x / zoom, middle.y - y / zoom)

    def _at(self, x: float, y: float) -> Camera:
        """The corner at the whole device pixel nearest to (x, y)."""
        scale = self.scale
        return replace(self, x=round(x * scale) / scale, y=round(y * scale) / scale)
