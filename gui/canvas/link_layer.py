"""All wires of a frame, in one layer.

A curve with its casing costs 0.1 ms, so finished wires are kept in tiles that a pan only blits.
Where a tile is not ready (after a zoom, under a moving node) wires are drawn directly: the same
lines from arrays, one call for each kind, without casing. From afar they are straight.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from itertools import groupby

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPixmap

from gui.canvas.around import Flags
from gui.canvas.cache import MIB
from gui.canvas.camera import zoom_of
from gui.canvas.curves import Curves, flattened
from gui.canvas.drawing import Detail, colour, pen
from gui.canvas.frame import Frame, draw_segments
from gui.canvas.geometry import Rect
from gui.canvas.index import Floats, Indices
from gui.canvas.paint_wire import (
    EDGE,
    WIDTH,
    Overlay,
    has_edges,
    paint_marked_dot,
    paint_portal,
    paint_wire_dots,
    paint_wires,
    wire_pen,
)
from gui.canvas.scene import CanvasScene, Touched
from gui.canvas.wires import input_point, output_point
from gui.theme import mix

TILE = 256  # device pixels
STRIP = 16  # missing tiles up to which a frame makes some itself
GAPS = 3  # rectangles without tiles above which all wires are drawn directly
AHEAD = 1  # tiles around the window that are made in idle time
ZOOMS = 3  # the tiles of so many more are to fit
MANY = 6000  # wires in sight above which all are straight
FEW = 24  # wires in sight up to which those without tiles are drawn at their best
SMOOTH = 600  # wires drawn directly in one frame above which their edges are not smoothed
THINNEST = 1.05  # device pixels; up to 1 Qt takes another way, three times as slow
CASED = 0.5  # zoom from which tiles show casings
FAINTEST, CLOSER = 0.3, 1.5  # of a wire's colour: from afar thousands would outshine the nodes
TAGS = 100  # portals drawn directly
REACH = 40.0  # canvas px that a wire's tags and casing may paint beside its line
Key = tuple[int, float, int, int]  # rung, device pixels per px, column, row


class LinkLayer:
    """Paints the wires of one scene."""

    def __init__(self, scene: CanvasScene, limit: int = 192 * MIB) -> None:
        self.scene = scene
        self.overlay: Overlay = "kind"
        self.tiles = Tiles(limit)
        scene.subscribe(self._touched)

    def _touched(self, touched: Touched) -> None:
        if touched.everything:
            self.tiles.clear()
        elif touched.lines is not None:
            self.tiles.drop(touched.lines.grown(REACH))

    def paint_standing(self, painter: QPainter, frame: Frame) -> bool:
        """Paint the wires in sight that nobody holds; whether all are as they should be."""
        which = self._standing(self.scene.line_boxes.meeting(frame.area, REACH))
        whole = True
        if frame.level is Detail.BOX or len(which) > MANY:
            self._straight(painter, frame, which)
        elif frame.level is Detail.NAME:
            self._direct(painter, frame, which)
        else:
            whole = self._tiled(painter, frame, which)
        return whole

    def paint_held(self, painter: QPainter, frame: Frame) -> None:
        """Paint the wires at nodes in the hand, and over all others the marked ones."""
        lifted = self.scene.lifted_wires
        if len(lifted):
            self._direct(painter, frame, lifted)
        self._marked(painter, frame)

    def refine(self, frame: Frame, until: float, ahead: int = AHEAD) -> bool:
        """Make missing tiles until a time of time.perf_counter; whether none is left.

        Of those out of sight, so many around the window.
        """
        if frame.level < Detail.PLAIN:
            return True
        seen = self._standing(self.scene.line_boxes.meeting(frame.area, REACH))
        if len(seen) > MANY:
            return True
        for around in range(ahead + 1):
            for key in _keys(frame, around):
                if key not in self.tiles:
                    if time.perf_counter() >= until:
                        return False
                    self.tiles.put(key, self._tile(frame, key))
        return True

    def has_room(self, frame: Frame) -> bool:
        """Whether the tiles of the next zooms fit in beside those of this one."""
        tiles = len(_keys(frame, AHEAD)) + ZOOMS * len(_keys(frame))
        return tiles * TILE * TILE * 4 <= self.tiles.limit

    def _standing(self, which: Indices) -> Indices:
        for apart in (self.scene.lifted_wires, self.scene.hidden_wires):
            if len(apart):
                which = np.setdiff1d(which, apart, assume_unique=True)
        return which

    def _straight(self, painter: QPainter, frame: Frame, which: Indices) -> None:
        lines, _ = flattened(self.scene.lines, which[self._is_led(which)], 1)
        which = which[~(self.scene.portal[which] | self._is_led(which))]
        ends = frame.device(np.concatenate([self.scene.wire_ends(which), lines]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(colour(frame.theme.wire), THINNEST))
        draw_segments(painter, ends)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _is_led(self, which: Indices) -> Flags:
        """Which wires dots lead."""
        led: Flags = np.isin(which, self.scene.led.rows)
        return led

    def _direct(self, painter: QPainter, frame: Frame, which: Indices, smooth: bool = True) -> None:
        """Wires without casing, one call for each kind; twice as fast when not `smooth`."""
        scene = self.scene
        tags = which[scene.portal[which]]
        which = which[~scene.portal[which]]
        # what is not smooth is seen for one frame of a zoom
        steps = 4 if frame.scale < 0.4 or not smooth else 8 if frame.scale < 1.5 else 16
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
        segments, owner = flattened(scene.lines, which, steps)
        segments = frame.device(segments)
        pens, codes = self._pens(frame, which)
        of = codes[owner]
        if has_edges(frame.theme, self.overlay):
            tinted = [self.scene.wires[row].state.gradient is not None for row in which.tolist()]
            edged = np.array(tinted, np.bool_)[owner]
            for code, line in enumerate(pens):
                edge = QPen(colour(frame.theme.text3), (line.widthF() + EDGE) * frame.scale)
                _draw(painter, edge, segments[edged & (of == code)])
        for code, line in enumerate(pens):
            line = QPen(line.brush(), max(line.widthF() * frame.scale, THINNEST))
            _draw(painter, line, segments[of == code])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        led = scene.led.among(which)[:TAGS] if frame.level >= Detail.PLAIN else []
        if frame.level >= Detail.PLAIN and (len(tags) or led):
            painter.save()
            painter.translate(-frame.origin[0], -frame.origin[1])
            painter.scale(frame.scale, frame.scale)
            self._tags(painter, frame, tags[:TAGS])
            self._dots(painter, frame, led)
            painter.restore()

    def _pens(self, frame: Frame, which: Indices) -> tuple[list[QPen], Indices]:
        """Few pens for many wires: by kind, or by what the overlay tells of each."""
        scene, theme = self.scene, frame.theme
        if self.overlay == "kind":
            kinds, codes = np.unique(scene.kind[which], return_inverse=True)
            share = min(FAINTEST + CLOSER * frame.zoom, 1.0)
            tints = [mix(theme.canvas, theme.port[scene.kinds[k]], share) for k in kinds.tolist()]
            return [pen(tint, WIDTH) for tint in tints], codes
        lines = [wire_pen(scene.wires[row], theme, self.overlay) for row in which.tolist()]
        found = {id(line): line for line in lines}  # equal pens are one
        places = {key: place for place, key in enumerate(found)}
        codes = np.array([places[id(line)] for line in lines], np.intp)
        return list(found.values()), codes

    def _tags(self, painter: QPainter, frame: Frame, which: Indices) -> None:
        scene = self.scene
        for row in which.tolist():
            wire = scene.wires[row]
            source, target = scene.node(wire.source), scene.node(wire.target)
            out = output_point(source, scene.box(scene.ends[row, 0]), wire.output)
            into = input_point(target, scene.box(scene.ends[row, 1]), wire.input)
            paint_portal(painter, out, True, scene.letter(row), wire.kind, frame.theme)
            paint_portal(painter, into, False, scene.letter(row), wire.kind, frame.theme)

    def _dots(self, painter: QPainter, frame: Frame, rows: Iterable[int]) -> None:
        for row in rows:
            dots = self.scene.led.of[row].tolist()
            paint_wire_dots(painter, self.scene.wire(row), dots, frame.theme, self.overlay)

    def _marked(self, painter: QPainter, frame: Frame) -> None:
        """Selected and hovered wires and dots, over all others."""
        scene, hovered = self.scene, self.scene.hovered_wire
        chosen = scene.selected_wires | ({hovered} if hovered >= 0 else set())
        marked = sorted(chosen.difference(scene.hidden_wires.tolist()))
        dots = scene.selected_dots | ({scene.hovered_dot} if scene.hovered_dot else set())
        if not (marked or dots) or frame.level < Detail.PLAIN:
            return
        painter.save()
        painter.translate(-frame.origin[0], -frame.origin[1])
        painter.scale(frame.scale, frame.scale)
        for row in marked:
            self._paths(painter, frame, np.array([row]))
        for row, number in sorted(dots):
            at, picked = scene.led.of[row][number].tolist(), (row, number) in scene.selected_dots
            paint_marked_dot(painter, scene.wire(row), at, picked, frame.theme, self.overlay)
        painter.restore()

    def _paths(self, painter: QPainter, frame: Frame, which: Indices) -> None:
        """Wires at their best, in canvas px."""
        scene = self.scene
        plain = which[~scene.portal[which]].tolist()
        for _, rows in groupby(plain, lambda r: (scene.wires[r].source, scene.wires[r].output)):
            bundle = [(scene.wire(row), row_path(scene.lines, row)) for row in rows]
            paint_wires(painter, bundle, frame.theme, self.overlay)
        self._dots(painter, frame, scene.led.among(which))

    def _tiled(self, painter: QPainter, frame: Frame, which: Indices) -> bool:
        keys = _keys(frame)
        missing = [key for key in keys if key not in self.tiles]
        while missing and len(missing) <= STRIP and frame.in_time:
            key = missing.pop()
            self.tiles.put(key, self._tile(frame, key))
        gaps = _gaps(frame, missing)
        if gaps and len(which) <= FEW and frame.zoom >= CASED:
            self._best(painter, frame, which, frame.origin)
            return False
        if len(gaps) > GAPS:
            self._direct(painter, frame, which, len(which) <= SMOOTH)
            return False
        for key in keys:
            tile = self.tiles.get(key) if key in self.tiles else None
            if tile is not None:
                painter.drawPixmap(*_corner(frame, key), tile)
        for clip, area in gaps:  # one rectangle at a time: a clip region of many is slow
            near = self._standing(self.scene.line_boxes.meeting(area, REACH))
            painter.setClipRect(clip)
            self._direct(painter, frame, near)
        painter.setClipping(False)
        return not missing

    def _tile(self, frame: Frame, key: Key) -> QPixmap | None:
        """The wires of one tile; None where there are none."""
        area = _tile_area(frame, key)
        which = self._standing(self.scene.line_boxes.meeting(area, REACH))
        if not len(which):
            return None
        tile = QPixmap(TILE, TILE)
        tile.fill(Qt.GlobalColor.transparent)
        painter = QPainter(tile)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        corner = key[2] * TILE, key[3] * TILE
        if frame.zoom < CASED:
            painter.translate(frame.origin[0] - corner[0], frame.origin[1] - corner[1])
            self._direct(painter, frame, which)
        else:
            self._best(painter, frame, which, corner)
        painter.end()
        return tile

    def _best(
        self, painter: QPainter, frame: Frame, which: Indices, corner: tuple[int, int]
    ) -> None:
        """Wires with casings and tags; `corner` is where the painter begins, device pixels."""
        painter.save()
        painter.translate(-corner[0], -corner[1])
        painter.scale(frame.scale, frame.scale)
        self._paths(painter, frame, which)
        self._tags(painter, frame, which[self.scene.portal[which]])
        painter.restore()


def _draw(painter: QPainter, line: QPen, segments: Floats) -> None:
    line.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(line)
    draw_segments(painter, segments)


def row_path(lines: Curves, row: int) -> QPainterPath:
    """The line of one wire."""
    path, points = QPainterPath(), lines.legs(row).tolist()
    path.moveTo(*points[0][0])
    straight = [row not in lines.led and flag for flag in lines.straight[row].tolist()]
    for part, (_, one, two, end) in enumerate(points):
        if part < len(straight) and straight[part]:
            path.lineTo(*end)
        else:
            path.cubicTo(*one, *two, *end)
    return path


class Tiles:
    """Tiles by key, the least recently used dropped above `limit` bytes; None is an empty tile."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._found: OrderedDict[Key, QPixmap | None] = OrderedDict()
        self._full = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._found

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: Key) -> QPixmap | None:
        """A tile that is here, now the most recently used."""
        self._found.move_to_end(key)
        return self._found[key]

    def put(self, key: Key, tile: QPixmap | None) -> None:
        """Keep a tile that was not here."""
        self._found[key] = tile
        self._full += tile is not None
        while self._full * TILE * TILE * 4 > self.limit and len(self._found) > 1:
            self._full -= self._found.popitem(last=False)[1] is not None

    def drop(self, area: Rect) -> None:
        """Forget the tiles of every zoom that meet a part of the canvas."""
        for key in list(self._found):
            rung, ratio, column, row = key
            side = TILE / (zoom_of(rung) * ratio)
            if Rect(column * side, row * side, side, side).meets(area):
                self._full -= self._found.pop(key) is not None

    def clear(self) -> None:
        """Forget everything."""
        self._found.clear()
        self._full = 0


def _keys(frame: Frame, ahead: int = 0) -> list[Key]:
    """Tiles in sight, and so many around them."""
    (x, y), (width, height), camera = frame.origin, frame.size, frame.camera
    columns = range(x // TILE - ahead, (x + width - 1) // TILE + 1 + ahead)
    rows = range(y // TILE - ahead, (y + height - 1) // TILE + 1 + ahead)
    return [(camera.rung, camera.ratio, column, row) for row in rows for column in columns]


def _gaps(frame: Frame, missing: list[Key]) -> list[tuple[QRect, Rect]]:
    """Rectangles of missing tiles, in the window and on the canvas: neighbours in a row or, where
    none are in a row, in a column are one.
    """
    sideways = len({key[3] for key in missing}) <= len({key[2] for key in missing})
    ordered = missing if sideways else sorted(missing, key=lambda key: (key[2], key[3]))
    found: list[tuple[QRect, Rect]] = []
    before: Key | None = None
    for key in ordered:
        clip, area = QRect(*_corner(frame, key), TILE, TILE), _tile_area(frame, key)
        along, across = (2, 3) if sideways else (3, 2)
        if before and (key[along], key[across]) == (before[along] + 1, before[across]):
            clip, area = clip.united(found[-1][0]), area.united(found[-1][1])
            found[-1] = clip, area
        else:
            found.append((clip, area))
        before = key
    return found


def _corner(frame: Frame, key: Key) -> tuple[int, int]:
    """Where a tile lies in the window, device pixels."""
    return key[2] * TILE - frame.origin[0], key[3] * TILE - frame.origin[1]


def _tile_area(frame: Frame, key: Key) -> Rect:
    """The part of the canvas on a tile."""
    side = TILE / frame.scale
    return Rect(key[2] * side, key[3] * side, side, side)
