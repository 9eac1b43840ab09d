"""What lies under the nodes: the canvas's colour, its dots, frames; and the notes above."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPixmap

from gui.canvas.camera import READABLE
from gui.canvas.drawing import NO_PEN, brush, colour, pen, rounded, stroke
from gui.canvas.frame import Frame, draw_rects
from gui.canvas.geometry import Rect
from gui.canvas.items import frame_rect, note_rect
from gui.canvas.layout import FRAME_TITLE
from gui.canvas.paint_canvas import DOT_STEP, FRAME_RADIUS, NOTE_RADIUS, paint_frame, paint_note
from gui.canvas.scene import CanvasScene

Ints = NDArray[np.int64]
NEAREST = 14.0  # px on screen between two dots


def paint_ground(painter: QPainter, frame: Frame) -> None:
    """Canvas and dots: one row of dots is painted, then blitted for every row."""
    width, height = frame.size
    painter.fillRect(QRect(0, 0, width, height), colour(frame.theme.canvas))
    step = DOT_STEP
    while step * frame.zoom < NEAREST:
        step *= 2.0
    ratio = frame.camera.ratio
    size = max(1, round(2.0 * min(1.0, frame.zoom) * ratio if frame.zoom >= READABLE else ratio))
    columns, rows = (_dots(frame, axis, step) - size // 2 for axis in (0, 1))
    row = QPixmap(width, size)
    row.fill(colour(frame.theme.canvas))
    inner = QPainter(row)
    inner.setPen(NO_PEN)
    inner.setBrush(brush(frame.theme.grid))
    edges = np.zeros((len(columns), 4), np.int32)
    edges[:, 0], edges[:, 2], edges[:, 3] = columns, columns + size - 1, size - 1
    draw_rects(inner, edges)
    inner.end()
    for y in rows.tolist():
        painter.drawPixmap(0, y, row)


def _dots(frame: Frame, axis: int, step: float) -> Ints:
    """Device pixels of the columns (axis 0) or rows of dots in sight."""
    first, length, spacing = frame.origin[axis], frame.size[axis], step * frame.scale
    numbers = np.arange(int(first // spacing), int((first + length) // spacing) + 2)
    places: Ints = np.rint(numbers * spacing).astype(np.int64) - first
    return places


def paint_frames(painter: QPainter, frame: Frame, scene: CanvasScene) -> None:
    """Frames in sight, below the wires."""
    shown = [f for f in scene.frames if frame_rect(f).grown(FRAME_TITLE).meets(frame.area)]
    if shown:
        _enter(painter, frame)
        for view in shown:
            paint_frame(painter, view, frame.theme, frame.zoom)
            if view.id in scene.items:
                _chosen(painter, frame, frame_rect(view), FRAME_RADIUS)
        painter.restore()


def paint_notes(painter: QPainter, frame: Frame, scene: CanvasScene) -> None:
    """Notes in sight, above the nodes."""
    shown = [note for note in scene.notes if note_rect(note).meets(frame.area)]
    if shown:
        _enter(painter, frame)
        for note in shown:
            paint_note(painter, note, frame.theme, frame.level)
            if note.id in scene.items:
                _chosen(painter, frame, note_rect(note), NOTE_RADIUS)
        painter.restore()


def _chosen(painter: QPainter, frame: Frame, rect: Rect, radius: float) -> None:
    """The outline of a selected frame or note."""
    stroke(painter, rounded(rect, radius), pen(frame.theme.accent, 1.5 / min(frame.zoom, 1.0)))


def _enter(painter: QPainter, frame: Frame) -> None:
    """From device pixels to canvas px, until restore()."""
    painter.save()
    painter.translate(-frame.origin[0], -frame.origin[1])
    painter.scale(frame.scale, frame.scale)
