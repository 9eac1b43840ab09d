"""All nodes of a frame: pictures from the cache, and from afar plain blocks painted from arrays.

What the cache does not have yet is made while the frame's time lasts; else a picture of another
zoom is stretched, or a block stands in, and `refine` makes the real one in idle time.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QPainter, QPen

from gui.canvas.cache import MIB, Group, NodePictures, Picture, node_picture
from gui.canvas.drawing import NO_BRUSH, NO_PEN, Detail, brush, colour
from gui.canvas.frame import Frame, draw_rects
from gui.canvas.geometry import WIDTH, Rect
from gui.canvas.index import Indices
from gui.canvas.paint_node import BADGE, paint_problem
from gui.canvas.scene import CanvasScene, Touched
from gui.theme import mix

BLOCK_WIDTH = 25.0  # px on screen below which a node is a block
NAMES = 1500  # nodes in sight above which blocks have no names
REACH = 48.0  # px on screen that a node may paint beside its box
ZOOMS = 5  # pictures of so many zooms are to fit: those of this, of the next three, and air
SMOOTH = 600_000  # device pixels that may be stretched smoothly in one frame
BADGES = 300  # in one frame
AHEAD = 0.25  # share of the window made ready around it in idle time


class NodeLayer:
    """Paints the nodes of one scene."""

    def __init__(self, scene: CanvasScene, limit: int = 192 * MIB) -> None:
        self.scene = scene
        self.pictures = NodePictures(limit)
        self._shown: dict[int, int] = {}  # node -> the look it was last painted with
        scene.subscribe(self._touched)

    def _touched(self, touched: Touched) -> None:
        if touched.everything:
            self._shown.clear()
        for look in touched.looks:
            self.pictures.renew(look)

    def paint(self, painter: QPainter, frame: Frame) -> bool:
        """Paint the nodes in sight; whether all of them are as they should be."""
        which = self._in_sight(frame, frame.area)
        if self._as_blocks(frame, len(which)):
            self._blocks(painter, frame, which)
            self._far_states(painter, frame, which)
            return True
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # slows stretching
        whole = self._pictures(painter, frame, which)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        return whole

    def refine(self, frame: Frame, until: float) -> bool:
        """Make missing pictures until a time of time.perf_counter; whether none is left."""
        area, more_x, more_y = frame.area, AHEAD * frame.area.width, AHEAD * frame.area.height
        around = Rect(
            area.x - more_x, area.y - more_y, area.width + 2 * more_x, area.height + 2 * more_y
        )
        inner, outer = self._in_sight(frame, area), self._in_sight(frame, around)
        if self._as_blocks(frame, len(inner)):
            return True
        wanted = [*self.scene.look[inner].tolist(), *self.scene.look[outer].tolist()]
        in_sight = set(wanted)
        group = self.pictures.group(_group(frame))
        for look in dict.fromkeys(wanted):
            if look not in group:
                if time.perf_counter() >= until:
                    return False
                self._make(frame, look, in_sight)
            if self.pictures.bytes > self.pictures.limit:
                break
        return True

    def has_room(self, frame: Frame) -> bool:
        """Whether pictures for the next zooms fit in beside those of this one."""
        return ZOOMS * self.pictures.bytes_of(_group(frame)) <= self.pictures.limit

    def _in_sight(self, frame: Frame, area: Rect) -> Indices:
        found = self.scene.boxes.meeting(area, REACH / frame.zoom)
        lifted = self.scene.lifted
        if not len(lifted):
            return found
        return np.concatenate([np.setdiff1d(found, lifted), np.intersect1d(found, lifted)])

    def _as_blocks(self, frame: Frame, count: int) -> bool:
        crowded = frame.level is Detail.NAME and count > NAMES
        return WIDTH * frame.zoom < BLOCK_WIDTH or crowded

    def _pictures(self, painter: QPainter, frame: Frame, which: Indices) -> bool:
        scene, group = self.scene, self.pictures.group(_group(frame))
        places = np.rint(frame.device(scene.places[which])).astype(np.intp)
        looks = scene.look[which].tolist()
        late: list[tuple[int, int]] = []
        draw, get = painter.drawPixmap, group.get
        for row, (look, (x, y)) in enumerate(zip(looks, places.tolist(), strict=True)):
            picture = get(look)
            if picture is None:
                late.append((row, look))
            else:
                draw(x - picture.x, y - picture.y, picture.pixmap)
        whole = not late or self._late(painter, frame, which, places, late)
        seen = zip(which.tolist(), looks, strict=True)
        # what another picture stands in for goes on to be known by that one
        self._shown.update(seen if whole else [one for one in seen if one[1] in group])
        return whole

    def _late(
        self,
        painter: QPainter,
        frame: Frame,
        which: Indices,
        places: NDArray[np.intp],
        late: list[tuple[int, int]],
    ) -> bool:
        """Nodes without a picture: made, stretched or as blocks. Whether all were made."""
        in_sight = set(self.scene.look[which].tolist())
        area = float(np.prod(self.scene.sizes[which], axis=1).sum()) * frame.scale**2
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, area < SMOOTH)
        group = self.pictures.group(_group(frame))
        blocks, whole = [], True
        for row, look in late:
            x, y = places[row].tolist()
            picture = group.get(look)
            if picture is None and frame.in_time:
                picture = self._make(frame, look, in_sight)
            if picture is not None:
                painter.drawPixmap(x - picture.x, y - picture.y, picture.pixmap)
                continue
            whole = False
            shown = self._shown.get(int(which[row]), -1)
            stale = self.pictures.latest(look) or group.get(shown) or self.pictures.latest(shown)
            if stale is None:
                blocks.append(row)
            else:
                _stretched(painter, stale, x, y, frame.scale / stale.scale)
        if blocks:
            self._blocks(painter, frame, which[blocks])
        return whole

    def _make(self, frame: Frame, look: int, in_sight: set[int]) -> Picture:
        camera = frame.camera
        picture = node_picture(
            self.scene.looks[look], frame.theme, camera.zoom, camera.ratio, frame.level
        )
        self.pictures.put(_group(frame), look, picture, in_sight)
        return picture

    def _blocks(self, painter: QPainter, frame: Frame, which: Indices) -> None:
        """One call for each family."""
        rects, families = self._device_rects(frame, which), self.scene.family[which]
        painter.setPen(NO_PEN)
        for code in np.unique(families).tolist():
            tint = frame.theme.of_family(self.scene.families[code])
            painter.setBrush(brush(mix(frame.theme.canvas, tint, 0.7)))
            draw_rects(painter, rects[families == code])

    def _device_rects(self, frame: Frame, which: Indices) -> NDArray[np.int32]:
        """Left, top, right and bottom pixel of boxes; at least one pixel each."""
        edges = np.rint(frame.device(self.scene.boxes.edges[:, which].T)).astype(np.int32)
        edges[:, 2:] = np.maximum(edges[:, 2:] - 1, edges[:, :2])
        return edges

    def _far_states(self, painter: QPainter, frame: Frame, which: Indices) -> None:
        """What is still told from afar: selection and badges."""
        chosen = which[self.scene.selected[which]]
        if len(chosen):
            edges = self._device_rects(frame, chosen)
            painter.setBrush(NO_BRUSH)
            painter.setPen(QPen(colour(frame.theme.accent), max(1.0, 1.5 * frame.camera.ratio)))
            draw_rects(painter, edges + np.array([-1, -1, 1, 1], np.int32))
        bad = np.intersect1d(self.scene.problems, which)[:BADGES]
        if len(bad):
            self._badges(painter, frame, bad)

    def _badges(self, painter: QPainter, frame: Frame, which: Indices) -> None:
        edges, ratio = frame.device(self.scene.boxes.edges[:, which].T), frame.camera.ratio
        for index, (_, top, right, _) in zip(which.tolist(), edges.tolist(), strict=True):
            severity = self.scene.views[index].state.problem
            size = 24.0 * ratio if severity == "error" else BADGE * frame.scale
            paint_problem(painter, severity, right, top - 2.0 * ratio, size, frame.theme)


def _group(frame: Frame) -> Group:
    return frame.camera.rung, frame.camera.ratio


def _stretched(painter: QPainter, picture: Picture, x: int, y: int, by: float) -> None:
    pixmap = picture.pixmap
    left, top = round(x - picture.x * by), round(y - picture.y * by)
    width, height = round(pixmap.width() * by), round(pixmap.height() * by)
    painter.drawPixmap(left, top, width, height, pixmap)
