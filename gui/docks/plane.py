"""Points of the plane: predicted against target, or samples over what the net says around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui import fonts
from gui.docks.plot_scale import linear_ticks, tick_text
from gui.look import Look
from gui.theme import Theme, channels

Floats = NDArray[np.float64]
LEFT, BOTTOM, TOP, RIGHT = 52, 24, 8, 12
DOT = 5


@dataclass(frozen=True, eq=False)
class Picture:
    """What is drawn: `points` N×2 with the class of each (−1: none), over `low` to `high`.

    `field` (rows×columns×classes, first row lowest) holds shares by class; `line` draws y = x.
    """

    points: Floats
    groups: NDArray[np.int64]
    low: tuple[float, float]
    high: tuple[float, float]
    field: Floats | None = None
    line: bool = False
    x: str = ""
    y: str = ""


class Plane(QWidget):
    """Paints one Picture with its axes."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.picture: Picture | None = None
        self._image: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)

    def sizeHint(self) -> QSize:
        return QSize(320, 240)

    def put(self, picture: Picture, words: str) -> None:
        """Show a picture; `words` say it to those who do not see it."""
        self.picture = picture
        theme = self._look.theme
        self._image = None if picture.field is None else _field_image(picture.field, theme)
        self.setAccessibleName(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        picture = self.picture
        if picture is None:
            return
        painter = QPainter(self)
        room = QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)
        if self._image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(room, self._image)
        self._paint_axes(painter, room, picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if picture.line:
            self._paint_line(painter, room, picture)
        self._paint_points(painter, room, picture)

    def _paint_axes(self, painter: QPainter, room: QRectF, picture: Picture) -> None:
        theme = self._look.theme
        painter.setFont(fonts.font("caption mono"))
        for axis in (0, 1):
            for value in linear_ticks(picture.low[axis], picture.high[axis]):
                share = (value - picture.low[axis]) / (picture.high[axis] - picture.low[axis])
                painter.setPen(QPen(QColor(theme.hair), 1))
                if axis:
                    y = room.bottom() - share * room.height()
                    painter.drawLine(QPointF(room.left(), y), QPointF(room.right(), y))
                    place = QRectF(0, y - 7, LEFT - 6, 14)
                    side = Qt.AlignmentFlag.AlignRight
                else:
                    x = room.left() + share * room.width()
                    place = QRectF(x - 30, room.bottom() + 3, 60, 14)
                    side = Qt.AlignmentFlag.AlignHCenter
                painter.setPen(QColor(theme.text3))
                painter.drawText(place, side | Qt.AlignmentFlag.AlignVCenter, tick_text(value))
        painter.setFont(fonts.font("caption"))
        end = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom
        painter.drawText(room.adjusted(0, 0, -4, -2), end, picture.x)
        painter.drawText(room.adjusted(6, 2, 0, 0), Qt.AlignmentFlag.AlignLeft, picture.y)

    def _paint_line(self, painter: QPainter, room: QRectF, picture: Picture) -> None:
        pen = QPen(QColor(self._look.theme.text3), 1, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        low, high = max(picture.low), min(picture.high)
        ends = (_place(room, picture, value, value) for value in (low, high))
        painter.drawLine(*ends)

    def _paint_points(self, painter: QPainter, room: QRectF, picture: Picture) -> None:
        theme = self._look.theme
        edge = QColor(theme.panel)
        for group in np.unique(picture.groups).tolist():
            colour = theme.runs[group % len(theme.runs)] if group >= 0 else theme.accent
            painter.setPen(QPen(edge, 1))
            painter.setBrush(QColor(colour))
            for x, y in picture.points[picture.groups == group].tolist():
                painter.drawEllipse(_place(room, picture, x, y), DOT / 2, DOT / 2)


def _place(room: QRectF, picture: Picture, x: float, y: float) -> QPointF:
    across = (x - picture.low[0]) / (picture.high[0] - picture.low[0])
    up = (y - picture.low[1]) / (picture.high[1] - picture.low[1])
    return QPointF(room.left() + across * room.width(), room.bottom() - up * room.height())


def _field_image(field: Floats, theme: Theme) -> QImage:
    """Shares by class as colours over the panel: the surer the net, the stronger."""
    ground = np.array(channels(theme.panel), np.float64)
    colours = np.array([channels(theme.runs[k % len(theme.runs)]) for k in range(field.shape[2])])
    chance = 1 / field.shape[2]
    best = field.argmax(axis=2)
    sure = np.clip((field.max(axis=2) - chance) / (1 - chance), 0, 1)[..., None] * 0.55
    mixed = ground * (1 - sure) + colours[best] * sure
    pixels = np.ascontiguousarray(mixed[::-1].round().astype(np.uint8))
    height, width = pixels.shape[:2]
    image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.copy()


def around(points: Floats) -> tuple[tuple[float, float], tuple[float, float]]:
    """(low, high) corners with some air around N×2 points."""
    low, high = points.min(axis=0), points.max(axis=0)
    air = np.maximum((high - low) * 0.06, 1e-6)
    low, high = low - air, high + air
    return (float(low[0]), float(low[1])), (float(high[0]), float(high[1]))
