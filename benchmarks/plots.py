"""What the curves cost the window's thread: `python benchmarks/plots.py`.

CPU time of one refresh of the curves page, of a run of 2,000 losses and of one of as many as are
kept, beside one before it of the same length: 10 losses are new, the page takes them in and is
painted. Then what one move of the pointer over the plot costs, and the import, pyqtgraph included,
in a process of its own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt  # noqa: E402
from PySide6.QtGui import QMouseEvent  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication, QWidget  # noqa: E402

from compute.events import Started  # noqa: E402
from gui import fonts, style  # noqa: E402
from gui.actions import Actions  # noqa: E402
from gui.app import App  # noqa: E402
from gui.desk import Desk  # noqa: E402
from gui.look import Look  # noqa: E402
from gui.run.board import MOST_LOSSES, Curves  # noqa: E402
from gui.run.trainer import Trainer  # noqa: E402

LENGTHS = 2000, MOST_LOSSES
NEW, ROUNDS, WARM, EPOCHS = 10, 150, 20, 50
SIZE = 404, 262  # px of the page in a new window
STARTED = "import time, numpy, PySide6.QtWidgets; t = time.thread_time(); "


def main() -> None:
    """Print all figures."""
    seconds = [import_seconds("gui.docks.curves") for _ in range(5)]
    print(f"import of the page           {statistics.median(seconds) * 1e3:7.1f} ms")
    application = QApplication([])
    fonts.load()
    style.apply(application, Look("dark").theme)
    for length in LENGTHS:
        refreshes, moves = measured(length)
        say(f"refresh at {length:>7,} losses", refreshes)
        say("a move of the pointer", moves)
    application.quit()


def say(name: str, seconds: list[float]) -> None:
    """A line of figures."""
    p50, p95 = np.percentile(seconds, [50, 95]) * 1e3
    print(f"{name:28} {p50:7.2f} ms   p95 {p95:.2f}")


def import_seconds(module: str) -> float:
    """CPU seconds of an import beside NumPy and Qt, in a process of its own."""
    text = f"{STARTED}import {module}; print(time.thread_time() - t)"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def losses(count: int, seed: int) -> np.ndarray:
    """Losses as runs have them: they fall, and tremble."""
    noise = np.random.default_rng(seed).normal(0, 0.25, count)
    return (0.02 + 2.3 * np.exp(-np.arange(count) / (count / 6))) * np.exp(noise)


def filled(curves: Curves, values: np.ndarray, length: int) -> Curves:
    """Curves with these losses, and the metrics of the epochs they cover."""
    curves.losses.extend(values)
    for epoch in range(1, EPOCHS * len(values) // length + 1):
        step = epoch * length // EPOCHS
        curves.add_epoch(step, {"loss": values[step - 1], "val_loss": 1.1 * values[step - 1]})
    return curves


def measured(length: int) -> tuple[list[float], list[float]]:
    """CPU seconds of refreshes, and of moves of the pointer."""
    from gui.docks.curves import CurvesPage

    window = QWidget()
    app = App(Look("dark"), Desk(), Actions(window, window), Trainer())
    document = app.desk.open_example("digits-mlp")
    board = app.trainer.board_of(document)
    begun = length - NEW * (ROUNDS + 1)
    board.state, board.previous = "running", filled(Curves("run-1"), losses(length - 1, 0), length)
    board.started = Started(0, length, EPOCHS, length // EPOCHS, samples=0, parameters=0)
    board.curves = filled(Curves("run-2"), losses(length, 1)[:begun], length)
    page = CurvesPage(app)
    page.resize(*SIZE)
    page.show()
    QTest.qWaitForWindowExposed(page)
    refreshes, moves = [], []
    for part in np.split(losses(length, 1)[begun:], ROUNDS + 1)[1:]:
        board.curves.losses.extend(part)
        refreshes.append(cost(page.refresh))
    for number in range(ROUNDS):
        move = pointer(page, QPoint(80 + number, 100))
        moves.append(cost(lambda move=move: QApplication.sendEvent(*move)))
    page.close()
    app.trainer.close()
    return refreshes[WARM:], moves[WARM:]


def pointer(page: QWidget, at: QPoint) -> tuple[QWidget, QMouseEvent]:
    """A move of the pointer to a place of the page, and who gets it."""
    widget = page.childAt(at) or page
    place = QPointF(widget.mapFrom(page, at))
    none = Qt.MouseButton.NoButton
    every = widget.mapToGlobal(place)
    return widget, QMouseEvent(
        QEvent.Type.MouseMove, place, every, none, none, Qt.KeyboardModifier.NoModifier
    )


def cost(do: Callable[[], object]) -> float:
    """CPU seconds of this thread until what was done is painted."""
    clock = time.thread_time()
    do()
    QApplication.processEvents()
    return time.thread_time() - clock


if __name__ == "__main__":
    main()
