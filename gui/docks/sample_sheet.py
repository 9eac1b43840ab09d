"""Samples side by side: pictures for images, text, numbers for rows; a click picks one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui import fonts
from gui.look import Look

TILE, GAP, CAPTION = 56, 8, 14
LINE = 172, 20  # px of a tile that is text
MOST = 60


@dataclass(frozen=True, eq=False)
class Shown:
    """One sample: its number, a line below it, whether it is right; `values` C×H×W or numbers, or
    what they are as `text`. `says`, C×H×W, is drawn beside a picture, on the same range.
    """

    number: int
    caption: str
    right: bool
    values: NDArray[np.float64]
    text: str = ""
    says: NDArray[np.float64] | None = None


class SampleSheet(QWidget):
    """A grid of at most 60 samples; `picked` gives the number of one."""

    picked = Signal(int)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.samples: list[Shown] = []
        self._images: list[QImage | None] = []
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName("Samples")

    def put(self, samples: list[Shown]) -> None:
        """Show these samples, the first 60."""
        self.samples = samples[:MOST]
        self._images = [_image(_beside(sample)) for sample in self.samples]
        lines = [f"sample {s.number}: {s.caption}" for s in self.samples]
        self.setAccessibleDescription("; ".join(lines))
        self.setMinimumHeight(self._height())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, max(80, self._height()))

    @property
    def _tile(self) -> tuple[int, int]:
        if any(sample.text for sample in self.samples):
            return LINE
        return (2 * TILE if any(s.says is not None for s in self.samples) else TILE), TILE

    def _columns(self) -> int:
        return max(1, (self.width() - GAP) // (self._tile[0] + GAP))

    def _height(self) -> int:
        rows = -(-len(self.samples) // self._columns())
        return rows * (self._tile[1] + CAPTION + GAP) + GAP

    def _rect(self, place: int) -> QRectF:
        (row, column), (wide, high) = divmod(place, self._columns()), self._tile
        x, y = GAP + column * (wide + GAP), GAP + row * (high + CAPTION + GAP)
        return QRectF(x, y, wide, high)

    def resizeEvent(self, event: QEvent) -> None:
        self.setMinimumHeight(self._height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self._look.theme
        for place, (sample, image) in enumerate(zip(self.samples, self._images, strict=True)):
            rect = self._rect(place)
            if image is not None:
                painter.drawImage(rect, image)
                if sample.says is not None:
                    between = QRectF(rect.center().x() - 1, rect.top(), 2, rect.height())
                    painter.fillRect(between, QColor(theme.panel))
            else:
                painter.fillRect(rect, QColor(theme.field))
                painter.setFont(fonts.font("caption mono"))
                painter.setPen(QColor(theme.text2))
                painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, _words(sample, rect.width()))
            painter.setFont(fonts.font("caption mono"))
            painter.setPen(QColor(theme.text3 if sample.right else theme.error))
            below = QRectF(rect.left() - 3, rect.bottom() + 1, rect.width() + 6, CAPTION)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, sample.caption)

    def _at(self, point: QPointF) -> int:
        hits = (k for k in range(len(self.samples)) if self._rect(k).contains(point))
        return next(hits, -1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position())
        if place >= 0:
            self.picked.emit(self.samples[place].number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Return and self.samples:
            self.picked.emit(self.samples[0].number)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            place = self._at(QPointF(event.pos()))
            if place >= 0:
                sample = self.samples[place]
                text = f"sample {sample.number}: {sample.caption}\n{sample.text}".strip()
                QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)


def _words(sample: Shown, room: float) -> str:
    """The end of a text, or the first numbers of a row."""
    if sample.text:
        metrics = fonts.metrics("caption mono")
        return metrics.elidedText(sample.text, Qt.TextElideMode.ElideLeft, int(room) - 8)
    return "\n".join(f"{value:.3g}" for value in sample.values.ravel()[:4])


def _beside(sample: Shown) -> NDArray[np.float64]:
    """A picture and what the net says of it as one."""
    both = [sample.values] if sample.says is None else [sample.values, sample.says]
    return np.concatenate(both, axis=-1)


def _image(values: NDArray[np.float64]) -> QImage | None:
    """A picture of C×H×W values over their own range; None for what is no image."""
    if values.ndim != 3 or values.shape[0] not in (1, 3):
        return None
    low, high = float(values.min()), float(values.max())
    grey = ((values - low) / (high - low if high > low else 1.0) * 255).astype(np.uint8)
    pixels = np.ascontiguousarray(np.moveaxis(np.broadcast_to(grey, (3, *grey.shape[1:])), 0, 2))
    height, width = pixels.shape[:2]
    image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.copy()  # owns its pixels
