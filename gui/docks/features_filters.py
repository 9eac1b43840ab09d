"""Below the maps: the ramp with its range, and the filters that made them."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from compute.questions import FeatureMap, Parameter
from gui import fonts
from gui.canvas.drawing import draw_image, text
from gui.colour_maps import map_table
from gui.docks.features_maps import picture
from gui.docks.plot_scale import value_text
from gui.look import Look

HEIGHT, LABEL = 34, 66.0
BAR = 84
MOST = 128  # filters that are drawn


class RampBar(QWidget):
    """The activation map from its low end to its high end."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._ends = "min", "max"
        self.setFixedHeight(20)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Range of the colours")

    def sizeHint(self) -> QSize:
        ends = sum(fonts.measure(end, "caption mono") for end in self._ends)
        return QSize(BAR + 12 + round(ends), 20)

    def show_range(self, found: FeatureMap, own: bool) -> None:
        """Words for maps on their own ranges, numbers for one range of all."""
        if own:
            low = "0" if len(found.ranges) and not found.ranges[:, 0].any() else "min"
            ends = low, "max"
        else:
            ends = value_text(found.low), value_text(found.high)
        if ends != self._ends:
            self._ends = ends
            self.setAccessibleDescription(f"{ends[0]} to {ends[1]}")
            self.updateGeometry()
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter, middle = self._look.theme, QPainter(self), self.height() / 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        low, high = self._ends
        text(painter, 0, middle, low, "caption mono", theme.text3)
        left = fonts.measure(low, "caption mono") + 6
        line = np.arange(256, dtype=np.uint8)
        image = QImage(line.data, 256, 1, 256, QImage.Format.Format_Indexed8)
        image.setColorTable(map_table(theme.name, "activation"))
        draw_image(painter, QRectF(left, middle - 3, BAR, 6), image)
        text(painter, left + BAR + 6, middle, high, "caption mono", theme.text3)
        painter.end()


class FilterStrip(QWidget):
    """The filters of a convolution in two or more rows, blue below zero and orange above."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self.found: Parameter | None = None
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Filters")

    def show_filters(self, found: Parameter) -> None:
        """Show other filters, or those of a later step."""
        self.found = found
        name = found.key.rpartition("/")[0]
        self.setAccessibleDescription(f"{name}: {len(found.tiles)} filters")
        self.setToolTip(f"{name} filters, −{value_text(found.reach)} to {value_text(found.reach)}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.found is None or not len(self.found.tiles):
            return
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        name = self.found.key.rpartition("/")[0]
        text(painter, 0, 10, name, "caption mono", theme.text3)
        text(painter, 0, 24, "filters", "caption mono", theme.text3)
        tiles = self.found.tiles[:MOST]
        rows, side = self._grid(len(tiles))
        columns = math.ceil(len(tiles) / rows)
        table = map_table(theme.name, "signed")
        for index, tile in enumerate(tiles):
            row, column = divmod(index, columns)
            place = QRectF(LABEL + column * (side + 1), row * (side + 1), side, side)
            draw_image(painter, place, picture(tile, table))
        painter.end()

    def _grid(self, count: int) -> tuple[int, float]:
        """Rows, and the side of a filter: as large as fit."""
        room = self.width() - LABEL
        best = (1, 0.0)
        for rows in range(1, 5):
            side = min((HEIGHT + 1) / rows - 1, (room + 1) / math.ceil(count / rows) - 1)
            if side > best[1]:
                best = (rows, side)
        return best
