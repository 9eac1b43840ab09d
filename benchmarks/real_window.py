"""The real window for measurements: five docks in sight or none, a timer, a tracer of events."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from compute.events import Progress
from compute.prepare import TrainOptions
from graph import edits
from gui.look import Look
from gui.preferences import Preferences
from gui.window import MainWindow

DOCKS = ("curves", "gradients", "features", "predictions", "code")
STILL = ("predictions", "code")  # paint only when they have something new
Ticks = list[tuple[float, int]]  # clock, step


class Clocked(SimpleQueue[Any]):
    """The trainer's queue of news, noting when steps were done."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks: Ticks = []
        self.tell: Callable[[int], None] | None = None

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        event = getattr(item[2], "keywords", {}).get("event")
        if isinstance(event, Progress):
            self.ticks.append((time.perf_counter(), event.step))
            if self.tell is not None:
                self.tell(event.step)
        super().put(item)


class Painted(QObject):
    """Counts the paint events of a dock: those of whichever of its widgets has most."""

    def __init__(self, page: QWidget) -> None:
        super().__init__(page)
        self._counts: Counter[QObject] = Counter()
        for widget in (page, *page.findChildren(QWidget)):
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Paint:
            self._counts[watched] += 1
        return False

    @property
    def most(self) -> int:
        """Paint events of the widget that painted most often."""
        return max(self._counts.values(), default=0)


class Window:
    """The real window with an example open, five docks in sight or none.

    With `repaint`, docks that have nothing new are painted as often as the others.
    """

    def __init__(
        self, example: str, options: TrainOptions, docks: bool, repaint: bool = True
    ) -> None:
        self.window = main_window()
        app = self.window.app
        self.trainer = app.trainer
        self.news = self.trainer._news = Clocked()
        self.trainer.options = lambda _: options
        self.document = app.desk.open_example(example)
        wait(0.5)
        bench = self.window.workbench
        for dock in bench.docks:
            dock.setVisible(docks and dock.entry.id in DOCKS)
        if docks:
            aside = bench.docks.by_id["code"]
            bench.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, aside)
            for name in reversed(DOCKS):
                bench.docks.open(name)
        wait(0.5)
        shown = (dock for dock in bench.docks if dock.on_top)
        self.pages = {dock.entry.id: dock.build() for dock in shown}
        assert set(self.pages) == (set(DOCKS) if docks else set()), set(self.pages)
        if repaint:
            self.trainer.ticked.connect(self._repaint_still)
        training = replace(self.document.graph.training, epochs=1_000_000)
        self.document.push(edits.SetTraining(training))

    def _repaint_still(self) -> None:
        for name in STILL:  # what such a dock shows, as the others repaint only what they show
            if name in self.pages:
                max(self.pages[name].findChildren(QWidget), key=_pixels).update()

    def run(self) -> None:
        """Press Run and wait for the first step."""
        self.trainer.run(self.document)
        while not self.news.ticks:
            assert self.trainer.board.state in ("preparing", "running"), self.trainer.board.message
            wait(0.02)

    def close(self) -> None:
        """End the run and the window."""
        close(self.window)


def _pixels(widget: QWidget) -> int:
    """How much of the screen a widget takes that is in sight."""
    return widget.width() * widget.height() if widget.isVisible() else 0


def main_window(width: int = 1600, height: int = 1000) -> MainWindow:
    """The window on its start screen, painted; it keeps nothing."""
    window = MainWindow(Look("dark"), Preferences(None))
    window.resize(width, height)
    window.show()
    window.activateWindow()
    wait(0.2)
    return window


def close(window: MainWindow) -> None:
    """End a run and the window, whatever is not saved."""
    window.app.trainer.close()
    for document in window.app.desk.documents:
        document.history.mark_clean()
    window.close()
    window.deleteLater()
    wait(0.1)


def wait(seconds: float) -> None:
    """Let the window live for so long."""
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()


@contextmanager
def metronome(found: list[float]) -> Iterator[None]:
    """The intervals of a 16 ms precise timer, in ms."""
    timer, last = QTimer(), [time.perf_counter()]
    timer.setTimerType(Qt.TimerType.PreciseTimer)

    def fired() -> None:
        now = time.perf_counter()
        found.append((now - last[0]) * 1000)
        last[0] = now

    timer.timeout.connect(fired)
    timer.start(16)
    yield
    timer.stop()


def p99(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return sorted(values)[int(0.99 * (len(values) - 1))]


class Traced(QApplication):
    """Measures the CPU time of every turn of the event loop by its receiver and event."""

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self.turns: list[tuple[float, str]] | None = None
        self._depth = 0

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        if self.turns is None or self._depth:
            return super().notify(receiver, event)
        name, start = _named(receiver, event), time.thread_time()
        self._depth += 1
        try:
            return super().notify(receiver, event)
        finally:
            self._depth -= 1
            self.turns.append((1000 * (time.thread_time() - start), name))


def _named(receiver: QObject, event: QEvent) -> str:
    if isinstance(receiver, QTimer):
        return f"timer of {type(receiver.parent()).__name__}, {receiver.interval()} ms"
    return f"{type(receiver).__name__}, {event.type().name}"
