"""Documents and windows go away when they are closed: no object, no widget, no memory stays."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from weakref import ref

import pytest
import shiboken6
from pyqtgraph import GraphicsItem
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui import fonts
from gui.look import Look
from gui.preferences import Preferences
from gui.window import MainWindow

ROUNDS = 20
WARM = 5  # rounds after which caches are full
OBJECTS = 10  # a round: weak references that registries keep until they are swept
MEMORY = 6.0  # MB over the rounds after the warm ones; a leaked canvas is 2 MB, a window 8 MB
EXAMPLE = "digits-mlp"


@pytest.fixture(autouse=True)
def thaw() -> Iterator[None]:
    """A canvas freezes what there is for the collector; later tests must not inherit that."""
    yield
    gc.unfreeze()


def memory() -> float:
    """Resident memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def widgets() -> Counter[str]:
    """How many widgets and items of plots of each class there are."""
    # by type: isinstance asks objects for their class, and some of torch's warn at that
    items = (one for one in gc.get_objects() if issubclass(type(one), GraphicsItem))
    return Counter(type(one).__name__ for one in (*QApplication.allWidgets(), *items))


def clear(qtbot: QtBot) -> None:
    """Let everything that is to be deleted be deleted."""
    qtbot.wait(1)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.unfreeze()
    gc.collect()


def opened(qtbot: QtBot) -> MainWindow:
    """A window with an example, seen and with its docks made."""
    window = MainWindow(Look("dark"), Preferences())
    window.resize(1200, 800)
    window.show()
    qtbot.waitExposed(window)
    window.app.desk.open_example(EXAMPLE)
    docks = window.workbench.docks
    qtbot.waitUntil(lambda: all(dock.page is not None or dock.isHidden() for dock in docks))
    return window


def finish(window: MainWindow) -> None:
    """Close a window and delete what belongs to it."""
    look = window.app.look
    for document in window.app.desk.documents:
        document.history.mark_clean()
    window.close()
    shiboken6.delete(window)
    shiboken6.delete(look)


class Growth:
    """What grew since the warm rounds."""

    def __init__(self) -> None:
        self.objects, self.memory = 0, 0.0
        self.widgets: Counter[str] = Counter()

    def note(self, round: int) -> None:
        """Remember the state after the last warm round."""
        if round == WARM:
            self.objects, self.widgets = len(gc.get_objects()), widgets()
            self.memory = memory()

    def check(self) -> None:
        """Compare with it."""
        assert not widgets() - self.widgets
        assert len(gc.get_objects()) - self.objects < OBJECTS * (ROUNDS - WARM)
        assert memory() - self.memory < MEMORY


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_closed_documents_are_gone(qtbot: QtBot) -> None:
    """Twenty documents, each shown, selected in, and closed."""
    fonts.load()
    window, growth = opened(qtbot), Growth()
    documents, canvases = [], []
    for round in range(1, ROUNDS + 1):
        document = window.app.desk.open_example(EXAMPLE)
        canvas = window.canvas
        assert canvas is not None
        qtbot.waitUntil(canvas.isVisible)
        document.select(["hidden"])
        documents.append(ref(document))
        canvases.append(ref(canvas))
        window.app.desk.close(document)
        del document, canvas
        clear(qtbot)
        growth.note(round)
    growth.check()
    assert [one for one in canvases if one() is not None] == []
    assert [one for one in documents[:-1] if one() is not None] == []  # panels may know the last
    finish(window)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_closed_windows_are_gone(qtbot: QtBot) -> None:
    """Twenty windows, each with a document and its docks."""
    fonts.load()
    growth, windows = Growth(), []
    for round in range(1, ROUNDS + 1):
        window = opened(qtbot)
        windows.append(ref(window))
        finish(window)
        del window
        clear(qtbot)
        growth.note(round)
    growth.check()
    assert [one for one in windows if one() is not None] == []
