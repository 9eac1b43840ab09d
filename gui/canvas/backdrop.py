"""What stays as it is while nodes are in the hand: painted once, then blitted every frame.

A frame of a drag is the backdrop (ground, frames, wires at no lifted node), the wires in the hand,
and the nodes; and only the part of the window where the hand was and is.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPixmap

from gui.canvas.camera import Camera
from gui.canvas.frame import Frame
from gui.canvas.geometry import Point, Rect
from gui.canvas.ground import paint_frames, paint_ground
from gui.canvas.link_layer import LinkLayer
from gui.canvas.paint_wire import Overlay
from gui.theme import Theme

REACH = 60.0  # px on screen and on the canvas that nodes and wires may paint beside their boxes


class Backdrop:
    """The picture of one gesture and one camera."""

    def __init__(self, links: LinkLayer) -> None:
        self._links = links
        self._pixmap: QPixmap | None = None
        self._whole = False
        self._of: tuple[Camera, Theme, Overlay] | None = None

    def forget(self) -> None:
        """Something in it is another now, or all that it lacked is made."""
        self._pixmap = None

    def stands(self, frame: Frame) -> bool:
        """Whether it is there and right for a frame."""
        return self._pixmap is not None and self._of == self._key(frame)

    def _key(self, frame: Frame) -> tuple[Camera, Theme, Overlay]:
        return frame.camera, frame.theme, self._links.overlay

    def paint(self, painter: QPainter, frame: Frame) -> bool:
        """Paint ground, frames and wires; whether all of them are as they should be."""
        if not len(self._links.scene.lifted):
            return self._paint(painter, frame)
        if self._pixmap is None or not self.stands(frame):
            self._pixmap, self._of = QPixmap(*frame.size), self._key(frame)
            inner = QPainter(self._pixmap)
            inner.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._whole = self._paint(inner, frame)
            inner.end()
        part = _device(frame)
        painter.drawPixmap(part, self._pixmap, part)
        return self._whole

    def _paint(self, painter: QPainter, frame: Frame) -> bool:
        paint_ground(painter, frame)
        paint_frames(painter, frame, self._links.scene)
        return self._links.paint_standing(painter, frame)


def _device(frame: Frame) -> QRect:
    """Device pixels of the part that a frame paints."""
    (x, y), area, scale = frame.origin, frame.area, frame.scale
    left, top = math.floor(area.x * scale - x), math.floor(area.y * scale - y)
    right, bottom = math.ceil(area.right * scale - x), math.ceil(area.bottom * scale - y)
    return QRect(left, top, right - left, bottom - top) & QRect(0, 0, *frame.size)


def seen_part(camera: Camera, part: Rect) -> QRect:
    """Where in the window things within a part of the canvas may paint."""
    around = part.grown(REACH + REACH / camera.zoom)
    corner = camera.window(Point(around.x, around.y))
    return QRect(
        math.floor(corner.x),
        math.floor(corner.y),
        math.ceil(around.width * camera.zoom) + 1,
        math.ceil(around.height * camera.zoom) + 1,
    )
