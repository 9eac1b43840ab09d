"""The whole drawing, small, in the canvas's corner: one image, and the window's outline over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui.canvas.drawing import NO_BRUSH, NO_PEN, brush, colour, fill, pen, rounded, stroke
from gui.canvas.frame import draw_rects
from gui.canvas.geometry import Rect

if TYPE_CHECKING:
    from gui.canvas.surface import Surface

WIDTH, HEIGHT, PAD, RADIUS = 168, 96, 8.0, 6.0
PERIOD = 250  # ms between two images, at least


class Minimap(QWidget):
    """A click or a drag in it moves the window there."""

    def __init__(self, canvas: Surface) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._image: QImage | None = None
        self._whole = Rect(0.0, 0.0, 1.0, 1.0)
        self._later = QTimer(self, singleShot=True, interval=PERIOD)
        self._later.timeout.connect(self._remake)
        self.setFixedSize(WIDTH, HEIGHT)
        self.setAccessibleName("Overview of the canvas")
        self.setCursor(Qt.CursorShape.ArrowCursor)

    def refresh(self) -> None:
        """The drawing has changed; the image follows within a quarter of a second."""
        if self._image is not None and not self._later.isActive():
            self._later.start()

    def _remake(self) -> None:
        if len(self._canvas.scene.lifted):  # 10,000 blocks would cost a frame of the drag
            self._later.start()
            return
        self._image = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, camera = self._canvas.theme, self._canvas.camera
        if self._image is None or self._image.devicePixelRatio() != self.devicePixelRatioF():
            self._image = self._made()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), brush(theme.canvas))
        painter.drawImage(0, 0, self._image)
        area, whole, share = camera.area, self._whole, self._share()
        seen = Rect(
            (area.x - whole.x) * share, (area.y - whole.y) * share, area.width * share, 0.0
        ).moved(*self._corner())
        left, top = max(seen.x, 4.0), max(seen.y, 4.0)
        right = min(seen.right, WIDTH - 4.0)
        bottom = min(seen.y + area.height * share, HEIGHT - 4.0)
        painter.setBrush(NO_BRUSH)
        painter.setPen(pen(theme.accent, 1.0))
        painter.drawRoundedRect(
            QRectF(left, top, max(right - left, 2.0), max(bottom - top, 2.0)), 3.0, 3.0
        )

    def _made(self) -> QImage:
        """Blocks in family colours on the panel's colour."""
        canvas, scene = self._canvas, self._canvas.scene
        theme, ratio = canvas.theme, self.devicePixelRatioF()
        image = QImage(
            round(WIDTH * ratio),
            round(HEIGHT * ratio),
            QImage.Format.Format_ARGB32_Premultiplied,
        )
        image.setDevicePixelRatio(ratio)
        image.fill(colour(theme.canvas))
        self._whole = self._at_least_the_window(scene.bounds() or canvas.camera.area)
        share, (x, y) = self._share(), self._corner()
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = Rect(0.5, 0.5, WIDTH - 1.0, HEIGHT - 1.0)
        fill(painter, rounded(frame, RADIUS), theme.panel)
        stroke(painter, rounded(frame, RADIUS), pen(theme.border))
        painter.scale(1.0 / ratio, 1.0 / ratio)
        origin = np.array([self._whole.x, self._whole.y] * 2)
        edges = ((scene.boxes.edges.T - origin) * share + np.array([x, y, x, y])) * ratio
        edges = np.rint(edges).astype(np.int32)
        edges[:, 2:] = np.maximum(edges[:, 2:] - 1, edges[:, :2])
        painter.setPen(NO_PEN)
        for code, family in enumerate(scene.families):
            painter.setBrush(brush(theme.of_family(family)))
            draw_rects(painter, edges[scene.family == code])
        painter.end()
        return image

    def _at_least_the_window(self, bounds: Rect) -> Rect:
        """Around few nodes as much room as the window shows at 100 %: a node stays small."""
        width = max(bounds.width, float(self._canvas.width()))
        height = max(bounds.height, float(self._canvas.height()))
        left, top = bounds.x + (bounds.width - width) / 2, bounds.middle - height / 2
        return Rect(left, top, width, height)

    def _share(self) -> float:
        """px of the map per canvas px."""
        across = (WIDTH - 2 * PAD) / max(self._whole.width, 1.0)
        return min(across, (HEIGHT - 2 * PAD) / max(self._whole.height, 1.0))

    def _corner(self) -> tuple[float, float]:
        """Where the drawing's corner lies in the map."""
        share = self._share()
        across, down = self._whole.width * share, self._whole.height * share
        return (WIDTH - across) / 2, (HEIGHT - down) / 2

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        (x, y), share, at = self._corner(), self._share(), event.position()
        place = self._whole.x + (at.x() - x) / share, self._whole.y + (at.y() - y) / share
        self._canvas.look_from(self._canvas.camera.centred(*place))
