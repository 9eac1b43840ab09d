"""Pictures of nodes: made once for each look, zoom and kind of screen, and blitted ever after."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Set
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPixmap

from gui.canvas.drawing import Detail
from gui.canvas.geometry import CAPTION, PORT
from gui.canvas.paint_node import BADGE, COLUMN_ROOM, NAME_ON_SCREEN, paint_node
from gui.canvas.scene import Look
from gui.theme import Theme

MIB = 1 << 20


class Picture(NamedTuple):
    """A node's picture in device pixels; the node's own corner lies at (x, y) of it."""

    pixmap: QPixmap
    x: int
    y: int
    scale: float  # device pixels per canvas px it was made for


Group = tuple[int, float]  # rung of the zoom ladder, device pixels per px


class NodePictures:
    """Pictures of looks, grouped by zoom: a repaint asks one plain dict.

    Above `limit` bytes the zoom not seen longest goes first, then whatever is out of sight.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._groups: OrderedDict[Group, dict[int, Picture]] = OrderedDict()
        self._latest: dict[int, Group] = {}
        self._old: dict[int, Picture] = {}  # of renewed looks, until the new one is made

    def group(self, key: Group) -> dict[int, Picture]:
        """Pictures of one zoom by look, now the most recently used. Do not change it."""
        found = self._groups.setdefault(key, {})
        self._groups.move_to_end(key)
        return found

    def bytes_of(self, key: Group) -> int:
        """What the pictures of one zoom take."""
        return sum(map(_bytes, self._groups.get(key, {}).values()))

    def latest(self, look: int) -> Picture | None:
        """The picture of a look that was made last, for whatever zoom."""
        group = self._groups.get(self._latest.get(look, (0, 0.0)))
        return (group.get(look) if group else None) or self._old.get(look)

    def renew(self, look: int) -> None:
        """A look is another now: its last picture only stands in until the new one is made."""
        last = self.latest(look)
        for group in self._groups.values():
            old = group.pop(look, None)
            self.bytes -= _bytes(old) if old else 0
        if last is not None:
            self._old[look] = last

    def put(self, key: Group, look: int, picture: Picture, in_sight: Set[int]) -> None:
        """Keep a picture that was not here."""
        self.group(key)[look] = picture
        self._latest[look] = key
        self._old.pop(look, None)
        self.bytes += _bytes(picture)
        while self.bytes > self.limit and len(self._groups) > 1:
            _, old = self._groups.popitem(last=False)
            self.bytes -= sum(map(_bytes, old.values()))
        if self.bytes > self.limit:
            group = self._groups[key]
            for other in [other for other in group if other not in in_sight and other != look]:
                self.bytes -= _bytes(group.pop(other))

    def clear(self) -> None:
        """Forget everything."""
        self._groups.clear()
        self._latest.clear()
        self._old.clear()
        self.bytes = 0


def _bytes(picture: Picture) -> int:
    return picture.pixmap.width() * picture.pixmap.height() * 4


def margins(look: Look, zoom: float, level: Detail) -> tuple[float, float, float, float]:
    """What a node paints outside its box: left, top, right, bottom, canvas px."""
    side, top, bottom = PORT + 1.0, PORT + 1.0, PORT + 1.0
    if level is Detail.NAME:
        side = max(side, COLUMN_ROOM / 2 + 1.0)
        bottom = 1.7 * NAME_ON_SCREEN / zoom
    elif look.view.collapsed and look.view.badge:
        bottom += CAPTION
    right = side
    if look.view.state.problem:
        size = max(BADGE, 24.0 / zoom)
        top, right = max(top, size * 1.1 + 2.0), max(right, size * 0.65)
    return side, top, right, bottom


def node_picture(look: Look, theme: Theme, zoom: float, ratio: float, level: Detail) -> Picture:
    """Paint a node once, for one zoom and one kind of screen."""
    scale = zoom * ratio
    left, top, right, bottom = margins(look, zoom, level)
    x, y = math.ceil(left * scale), math.ceil(top * scale)
    width = x + math.ceil((look.box.width + right) * scale)
    height = y + math.ceil((look.box.height + bottom) * scale)
    pixmap = QPixmap(width, height)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.translate(x, y)
    painter.scale(scale, scale)
    paint_node(painter, look.view, look.box, theme, zoom, level)
    painter.end()
    return Picture(pixmap, x, y, scale)
