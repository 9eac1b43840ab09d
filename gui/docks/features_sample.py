"""The sample whose maps are shown: its picture, what the net says of it, and how to choose one."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from compute.questions import Output, SampleMaps
from gui.canvas.drawing import brush, text
from gui.docks.features_maps import picture
from gui.docks.plot_scale import value_text
from gui.look import Look
from gui.widgets.basics import IconButton

SIDE, LINE, WIDTH = 80, 15, 108
NUMBERS = 5  # of a row that is no picture


class SamplePane(QWidget):
    """`moved`: another place of the held-out part is wanted. `only_wrong`: the chip is another."""

    moved = Signal(int)
    only_wrong = Signal(bool)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.place = 0
        self.places: NDArray[np.int64] | None = None  # those to choose from; None: all
        self.count = 0  # samples of the part; 0 while that is unknown
        self.card = SampleCard(look)
        back = IconButton(look, "chevron_left", "Sample before")
        on = IconButton(look, "chevron_right", "Next sample")
        other = IconButton(look, "shuffle", "Another sample at random")
        self.wrong = IconButton(look, "wrong", "Only samples that the net gets wrong")
        self.wrong.setCheckable(True)
        back.clicked.connect(lambda: self.step(-1))
        on.clicked.connect(lambda: self.step(1))
        other.clicked.connect(self.pick)
        self.wrong.toggled.connect(self.only_wrong)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for button in (back, on, other, self.wrong):
            button.setFixedSize(QSize(24, 24))
            row.addWidget(button)
        row.addStretch(1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(self.card)
        box.addLayout(row)
        self.setFixedWidth(WIDTH)

    def step(self, by: int) -> None:
        """The next of the samples to choose from, or the one before."""
        if self.places is None:
            self._go(self.place + by)
        elif len(self.places):
            after = np.searchsorted(self.places, self.place, "right" if by > 0 else "left")
            self._go(int(self.places[(int(after) + (by if by < 0 else 0)) % len(self.places)]))

    def pick(self) -> None:
        """One of them at random."""
        if self.places is None:
            self._go(random.randrange(self.count or 1000))
        elif len(self.places):
            self._go(int(random.choice(self.places.tolist())))

    def choose_from(self, places: NDArray[np.int64] | None) -> None:
        """Limit the choice to some places, ascending; None lifts the limit."""
        self.places = places
        if places is not None and len(places) and self.place not in places:
            self.step(1)

    def _go(self, place: int) -> None:
        self.place = place % self.count if self.count else max(place, 0)
        self.moved.emit(self.place)


Line = tuple[str, str, bool]  # words, value, whether it is right


class SampleCard(QWidget):
    """The picture of a sample, or its first numbers, and below it target and prediction."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._image: QImage | None = None
        self._numbers: list[str] = []
        self.lines: list[Line] = []
        self._values: NDArray[np.floating] = np.zeros(0)
        self.setFixedSize(WIDTH, SIDE + 6 + 4 * LINE)
        self.setAccessibleName("Sample")

    def show_sample(self, answer: SampleMaps | None) -> None:
        """Show another sample; None shows nothing."""
        values = next(iter(answer.inputs.values()), np.zeros(0)) if answer else np.zeros(0)
        lines: list[Line] = []
        if answer is not None:
            lines = [("sample", str(answer.sample), True), *_lines(answer.outputs)]
        same = np.array_equal(values, self._values)
        if same and lines == self.lines:
            return
        self.lines = lines
        if not same:
            self._values, self._image, self._numbers = values, _image(values), []
            if self._image is None:
                self._numbers = [value_text(float(v)) for v in np.ravel(values)[:NUMBERS]]
        self.setAccessibleDescription(", ".join(f"{words} {value}" for words, value, _ in lines))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect, path = QRectF(0, 0, SIDE, SIDE), QPainterPath()
        path.addRoundedRect(rect, 4, 4)
        painter.fillPath(
            path, brush(theme.field if self._numbers or not self._image else theme.raised)
        )
        if self._image is not None:
            painter.save()
            painter.setClipPath(path)
            painter.drawImage(rect, self._image)
            painter.restore()
        for row, number in enumerate(self._numbers):
            text(painter, 8, 12 + 14 * row, number, "caption mono", theme.text2)
        for row, (words, value, right) in enumerate(self.lines):
            middle = SIDE + 6 + LINE / 2 + row * LINE
            text(painter, 0, middle, words, "caption mono", theme.text3)
            tint = theme.text if right else theme.error
            x = 6.1 * (len(words) + 1)
            text(painter, x, middle, value, "caption mono", tint)
        painter.end()


def _image(values: NDArray[np.floating]) -> QImage | None:
    """Channels × height × width as a grey or coloured picture; None for anything else."""
    if values.ndim != 3 or values.shape[0] not in (1, 3):
        return None
    clean = np.nan_to_num(values.astype(np.float64))
    low, high = clean.min(), clean.max()
    grey = np.rint((clean - low) * (255 / ((high - low) or 1.0))).astype(np.uint8)
    if len(grey) == 1:
        return picture(grey[0], None)
    pixels = np.ascontiguousarray(grey.transpose(1, 2, 0))
    high_px, wide = pixels.shape[:2]
    return QImage(pixels.data, wide, high_px, 3 * wide, QImage.Format.Format_RGB888).copy()


def _lines(outputs: tuple[Output, ...]) -> list[Line]:
    """Target and prediction of the first output, as people write them."""
    if not outputs:
        return []
    first, found = outputs[0], []
    target = None if first.targets is None else np.ravel(first.targets)
    if first.classes is None:
        if target is not None:
            found.append(("target", value_text(float(target[0])), True))
        return [*found, ("predicted", value_text(float(np.ravel(first.values)[0])), True)]
    guess = int(np.ravel(first.classes)[0])
    right = target is None or int(target[0]) == guess
    if target is not None:
        found.append(("target", _class(first, int(target[0])), True))
    found.append(("predicted", _class(first, guess), right))
    if first.confidence is not None:
        found.append(("p =", f"{float(np.ravel(first.confidence)[0]):.3f}", True))
    return found


def _class(output: Output, number: int) -> str:
    names = output.class_names
    return names[number] if number < len(names) else str(number)
