"""The sample whose maps are shown: its picture, what the net says of it, and how to choose one."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from compute.questions import Output, SampleMaps
from gui.canvas.drawing import brush, draw_image, pen, text
from gui.docks.features_maps import picture
from gui.docks.letters import between, letters, written
from gui.docks.plot_scale import value_text
from gui.look import Look
from gui.widgets.basics import IconButton

SIDE, LINE, WIDTH = 80, 15, 108
LEAST = 44  # px of the picture's side in a low dock
CARD = SIDE + 6 + 4 * LINE  # px of the height of all that is said
SAYS = 42  # px of a picture that the net makes
NUMBERS = 5  # of a row that is no picture
LETTERS, LETTER_ROWS = 11, 5  # of a text
WHOLE = 10  # places up to which all that is said of a sequence is shown


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
    """The picture of a sample, its text, its curves or its first numbers; below it target and
    prediction.
    """

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._image: QImage | None = None
        self._numbers: list[str] = []
        self._says: QImage | None = None  # the picture that the net makes of it
        self.lines: list[Line] = []
        self._values: NDArray[np.floating] = np.zeros(0)
        self._side = SIDE
        self.set_room(CARD)
        self.setAccessibleName("Sample")

    def set_room(self, height: int) -> None:
        """Be at most so many px high: the picture gets smaller, then lines are left out."""
        self._side = min(max(height - (CARD - SIDE), LEAST), SIDE)
        self.setFixedSize(WIDTH, max(min(height, CARD), self._side))
        self.update()

    def show_sample(self, answer: SampleMaps | None, signs: tuple[str, ...] = ()) -> None:
        """Show another sample; None shows nothing. `signs`: the letters of one that is a text."""
        values = next(iter(answer.inputs.values()), np.zeros(0)) if answer else np.zeros(0)
        lines: list[Line] = []
        if answer is not None:
            drawn = _redrawn(values, answer.outputs)
            own = _lines(answer.outputs) if drawn is None else [("says", "", True)]
            lines = [("sample", str(answer.sample), True), *own]
            self._says = None if drawn is None else _image(drawn)
        same = np.array_equal(values, self._values)
        if same and lines == self.lines and self._says is None:
            return
        self.lines = lines
        if not same:
            self._values, self._image, self._numbers = values, _image(values), []
            if self._image is None:
                self._numbers = _written(values, signs) if signs else _numbers(values)
        self.setAccessibleDescription(", ".join(f"{words} {value}" for words, value, _ in lines))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.scale(self._side / SIDE, self._side / SIDE)
        rect, path = QRectF(0, 0, SIDE, SIDE), QPainterPath()
        path.addRoundedRect(rect, 4, 4)
        painter.fillPath(
            path, brush(theme.field if self._numbers or not self._image else theme.raised)
        )
        if self._image is not None:
            painter.save()
            painter.setClipPath(path)
            draw_image(painter, rect, self._image)
            painter.restore()
        if self._image is None and self._values.ndim == 2:
            self._paint_curves(painter)
        for row, number in enumerate(self._numbers):
            text(painter, 8, 12 + 14 * row, number, "caption mono", theme.text2)
        painter.restore()
        below = self._side + 6
        if self._says is not None:
            draw_image(painter, QRectF(34, below + LINE + 2, SAYS, SAYS), self._says)
        room = (self.height() - below) // LINE
        for row, (words, value, right) in enumerate(self.lines[: max(room, 0)]):
            middle = below + LINE / 2 + row * LINE
            text(painter, 0, middle, words, "caption mono", theme.text3)
            tint = theme.text if right else theme.error
            x = 6.1 * (len(words) + 1)
            text(painter, x, middle, value, "caption mono", tint)
        painter.end()

    def _paint_curves(self, painter: QPainter) -> None:
        """The features of a sequence over time, on one range."""
        values = np.nan_to_num(self._values.astype(np.float64))
        low, high = float(values.min()), float(values.max())
        across = np.linspace(4, SIDE - 4, len(values))
        down = SIDE - 6 - (values - low) * ((SIDE - 12) / ((high - low) or 1.0))
        for column in range(min(values.shape[1], len(self._look.theme.runs))):
            painter.setPen(pen(self._look.theme.runs[column], 1.25))
            points = zip(across.tolist(), down[:, column].tolist(), strict=True)
            painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in points]))


def _numbers(values: NDArray[np.floating]) -> list[str]:
    """The first of a row; none of a sequence, which is drawn."""
    return [value_text(float(v)) for v in np.ravel(values)[:NUMBERS]] if values.ndim < 2 else []


def _redrawn(
    values: NDArray[np.floating], outputs: tuple[Output, ...]
) -> NDArray[np.floating] | None:
    """What a net that gives a picture as large as its own made of it."""
    first = outputs[0] if outputs else None
    if first is None or first.kind != "numbers" or values.ndim != 3:
        return None
    fits = np.size(first.values) == values.size > 1
    return np.reshape(first.values, values.shape) if fits else None


def _written(values: NDArray[np.floating], signs: tuple[str, ...]) -> list[str]:
    """The end of a text, in rows."""
    whole = written(np.ravel(values), signs)
    room = LETTERS * LETTER_ROWS
    whole = whole if len(whole) <= room else f"…{whole[1 - room :]}"
    return [whole[k : k + LETTERS] for k in range(0, len(whole), LETTERS)]


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
    every, signs = first.places, letters(first.class_names)
    if every is not None and len(every.classes[0]) <= WHOLE and not between(signs):
        known = every.targets
        right = known is None or np.array_equal(known[0], every.classes[0])
        if known is not None:
            found.append(("target", written(known[0], signs), True))
        return [*found, ("says", f"  {written(every.classes[0], signs)}", right)]
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
    names = letters(output.class_names)
    return names[number] if number < len(names) else str(number)
