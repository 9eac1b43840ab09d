"""The examples as cards: a picture drawn from the real file, what it teaches, what it reaches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QWidget

import resources
from gui import fonts
from gui.canvas.geometry import wrapped
from gui.look import Look
from gui.theme import tokens
from gui.training.text import caption

PICTURE, LARGE = 128, 232  # px, height of a picture: in several rows, in one
WORDS, INSET = 152, 16  # px below the picture, and beside the words
LINES = 3
_RIGHT = Qt.TextElideMode.ElideRight


@dataclass(frozen=True)
class Example:
    """What `results.json` says of an example; `parameters` are counted when it is drawn.

    `learn` is what there is to see; `losses` are those of a run, for its picture.
    """

    name: str
    title: str
    concept: str
    learn: str
    kind: str
    seconds: float
    result: str
    losses: tuple[float, ...] = ()


@cache
def examples() -> tuple[Example, ...]:
    """The shipped examples, in the order of the file."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(resources.results())
    return tuple(
        Example(
            name,
            one["title"],
            one["concept"],
            one["learn"],
            one["kind"],
            one["seconds"],
            result_text(one["metric"], one["reached"]),
            tuple(one["losses"]),
        )
        for name, one in found.items()
    )


def result_text(metric: str, value: float) -> str:
    """Such as "98.0 % held out"."""
    if "accuracy" in metric:
        return f"{100 * value:.1f} % held out"
    return f"{value:.3g} {caption(metric.removeprefix('val_'))} held out"


def time_text(seconds: float) -> str:
    """Such as "0.5 s", "40 s" or "3 min"."""
    if seconds < 1:
        return f"{seconds:.1f} s"
    return f"{round(seconds)} s" if seconds < 90 else f"{round(seconds / 60)} min"


class Card(QAbstractButton):
    """One example; a click opens it."""

    def __init__(self, look: Look, example: Example, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look, self.example = look, example
        self.picture: QPixmap | None = None
        self.parameters: int | None = None
        self.high = LARGE
        self.setFixedHeight(LARGE + WORDS)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"{example.title}: {example.concept}, {example.result}")
        self.setAccessibleDescription(example.learn)
        look.changed.connect(self._forget)

    def sizeHint(self) -> QSize:
        return QSize(314, self.height())

    def grow(self, high: int) -> None:
        """Make the picture so many px high."""
        self.high = high
        self.setFixedHeight(high + WORDS)

    def show_picture(self, picture: QPixmap, parameters: int) -> None:
        """What was drawn from the file."""
        self.picture, self.parameters = picture, parameters
        self.update()

    @property
    def drawn(self) -> bool:
        """Whether there is a picture of the size of its place."""
        return self.picture is not None and (
            self.picture.deviceIndependentSize().toSize() == QSize(self.width(), self.high)
        )

    def _forget(self) -> None:
        self.picture = None
        self.update()

    def enterEvent(self, event: object) -> None:
        self.update()

    def leaveEvent(self, event: object) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter = self._look.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = tokens()["size"]["radius"]["bubble"]
        lit = self.hasFocus() or self.isDown()
        border = theme.accent if lit else theme.text3 if self.underMouse() else theme.border
        width = 2.0 if lit else 1.0
        box = QRectF(self.rect()).adjusted(width / 2, width / 2, -width / 2, -width / 2)
        path = QPainterPath()
        path.addRoundedRect(box, radius, radius)
        painter.fillPath(path, QColor(theme.panel))
        painter.save()
        painter.setClipPath(path)
        top = QRectF(0, 0, self.width(), self.high)
        painter.fillRect(top, QColor(theme.canvas))
        if self.picture is not None:
            size = self.picture.deviceIndependentSize()
            painter.drawPixmap(
                round((self.width() - size.width()) / 2),
                round((self.high - size.height()) / 2),
                self.picture,
            )
        painter.fillRect(QRectF(0, self.high, self.width(), 1), QColor(theme.hair))
        painter.restore()
        self._write(painter)
        painter.setPen(QPen(QColor(border), width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        painter.end()

    def _write(self, painter: QPainter) -> None:
        theme, example = self._look.theme, self.example
        inside = self.width() - 2 * INSET

        def text(y: int, words: str, style: str, colour: str, right: bool = False) -> None:
            painter.setFont(fonts.font(style))
            painter.setPen(QColor(colour))
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            where = QRectF(INSET, self.high + y, inside, 16)
            painter.drawText(where, side | Qt.AlignmentFlag.AlignVCenter, words)

        text(14, example.title, "panel title", theme.text)
        text(34, example.name, "small mono", theme.text3)
        room = inside - fonts.measure(example.name, "small mono") - 12
        concept = fonts.metrics("body").elidedText(example.concept, _RIGHT, room)
        text(34, concept, "body", theme.text3, right=True)
        for number, line in enumerate(self._learn(inside)):
            text(58 + 16 * number, line, "body", theme.text2)
        painter.fillRect(QRectF(INSET, self.high + 112, inside, 1), QColor(theme.hair))
        count = "–" if self.parameters is None else f"{self.parameters:,}"
        text(124, f"{count} p  {time_text(example.seconds)}", "small mono", theme.text2)
        text(124, example.result, "small mono", theme.text, right=True)

    def _learn(self, room: float) -> list[str]:
        """What there is to see, in at most three lines."""
        lines = wrapped(self.example.learn, room, fonts.measure, "body")
        if len(lines) <= LINES:
            return lines
        rest = " ".join(lines[LINES - 1 :])
        last = fonts.metrics("body").elidedText(rest, _RIGHT, room)
        return [*lines[: LINES - 1], last]
