"""The real window with hands for it: what `tools/pictures.py` makes its pictures with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QPointF, QSize, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from graph.edits import SetTraining
from gui import fonts, style
from gui.canvas.view import Canvas
from gui.document import Document
from gui.look import Choice, Look
from gui.preferences import Preferences
from gui.window import MainWindow

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("NETLOOM_PICTURES", ROOT / "docs" / "images"))
SIZE = QSize(1600, 1000)
PATIENCE = 240.0  # seconds; the first make compiles kernels
SEED, EPOCHS = 3, 40


class Studio:
    """A window of a user who has never been here, and hands for it."""

    def __init__(self, mood: Choice, folder: Path) -> None:
        self.look = Look(mood)
        fonts.load()
        qapp = QApplication.instance()
        assert isinstance(qapp, QApplication)
        style.follow(qapp, self.look)
        preferences = Preferences()
        preferences.set(workspace=str(folder / "runs"), theme=mood, reduced_motion=True)
        self.window = MainWindow(self.look, preferences)
        self.window.resize(SIZE)
        self.window.show()
        self.until(lambda: self.window.start.cards[-1].drawn, "the start screen")

    @property
    def canvas(self) -> Canvas:
        """The canvas that is shown."""
        assert self.window.canvas is not None
        return self.window.canvas

    @property
    def document(self) -> Document:
        """The document that is shown."""
        return self.canvas.document

    def until(self, found: Callable[[], object], what: str) -> None:
        """Let events happen until something is found."""
        end = time.monotonic() + PATIENCE
        while not found():
            assert time.monotonic() < end, f"waited in vain for {what}"
            QTest.qWait(5)

    def open(self, example: str, data: bool = True) -> None:
        """Open an example and show the pages of all docks; `data`: wait for its pictures."""
        self.window.app.desk.open_example(example)
        self.until(lambda: self.canvas.isVisible(), "the canvas")
        if data:
            self.until(lambda: self.document.previews, "pictures of the data")
        self.until(lambda: not self._put_off(), "rest")

    def train(self, epochs: int = EPOCHS, seed: int = SEED) -> None:
        """Begin a run of so many epochs."""
        settings = replace(self.document.graph.training, epochs=epochs, seed=seed)
        self.document.push(SetTraining(settings))
        self.window.app.actions.refresh()
        self.window.app.actions["train.run"].trigger()

    def trained(self, seed: int = SEED, epochs: int = EPOCHS) -> None:
        """Run to the end."""
        self.train(epochs, seed)
        board = self.window.app.trainer.board
        self.until(lambda: board.state == "finished", "the end of the run")

    def dock(self, *ids: str) -> None:
        """Bring docks to the front."""
        for id in ids:
            self.window.workbench.docks.open(id)
        self.canvas.setFocus()

    def page(self, id: str) -> QWidget:
        """The page of a dock."""
        page = self.window.workbench.docks.by_id[id].page
        assert page is not None
        return page

    def grab(self, name: str, settled: bool = True) -> None:
        """Write what is seen, once nothing is put off any more, or at once."""
        if settled:
            self.until(lambda: not self._put_off(), "rest")
        keep(self.window, name)

    def _put_off(self) -> bool:
        timers = self.window.findChildren(QTimer)
        return any(timer.isActive() and timer.isSingleShot() for timer in timers)

    def end(self) -> None:
        """Close everything without asking."""
        for document in list(self.window.app.desk.documents):
            document.history.mark_clean()
        self.window.close()
        self.window.deleteLater()
        QTest.qWait(0)


def keep(widget: QWidget, name: str) -> None:
    """Write a picture."""
    made = widget.grab()
    made.save(str(FOLDER / f"{name}.png"))
    print(f"{name}.png  {made.width()} × {made.height()}", flush=True)


def draw(pad: QWidget, share: tuple[tuple[float, float], ...]) -> None:
    """Draw a line through points, given as shares of the pad, by mouse."""
    points = [QPointF(x * pad.width(), y * pad.height()).toPoint() for x, y in share]
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(pad, left, pos=points[0])
    for before, after in pairwise(points):
        for step in range(1, 17):
            QTest.mouseMove(pad, before + (after - before) * step / 16)
    QTest.mouseRelease(pad, left, pos=points[-1])


def named(name: str, studio: Studio) -> str:
    """The name of a picture that is made in several looks."""
    ratio = studio.window.devicePixelRatioF()
    return f"{name}-{studio.look.theme.name}" + ("@2x" if ratio > 1 else "")
