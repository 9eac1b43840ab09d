"""Starting the window: Qt, fonts, the look, and what happens when something goes wrong."""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import platformdirs
from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from gui import fonts, recovery, session, style
from gui.look import Look, icon_pixmap
from gui.preferences import Preferences, user_path
from gui.run.forecaster import Forecaster
from gui.run.warmer import Warmer
from gui.shell.keeper import Places
from gui.window import MainWindow

LOG = "netloom.log"
COMPILING = "Compiling kernels in the background"
MEASURING = "Measuring how fast this machine is"
log = logging.getLogger("netloom")


def open_window(files: Sequence[str], *, quit_after_paint: bool = False) -> int:
    """See gui.application.main. A measured start touches nothing of the user."""
    crashes = None if quit_after_paint else _log()
    QApplication.setApplicationName("Netloom")
    QApplication.setDesktopFileName("netloom")
    application = QApplication([sys.argv[0]])
    preferences = Preferences(None if quit_after_paint else user_path())
    places = Places() if quit_after_paint else Places(recovery.user_folder(), session.user_path())
    look = Look(preferences.values.theme)
    fonts.load()
    style.follow(application, look)
    application.setWindowIcon(QIcon(icon_pixmap("logo", look.theme.accent, 64, 1.0)))
    window = MainWindow(look, preferences, places)
    sys.excepthook = Hook(window)
    if not files:
        window.keeper.reopen()
    for file in files:
        window.files.open(Path(file))
    if quit_after_paint:
        window.painted.connect(lambda: _report(application))
    window.painted.connect(gc.enable)
    warmer = Warmer(window.app.trainer, window)
    forecaster = Forecaster(window.app, lambda: warmer.complete, window)
    for beside in (warmer, forecaster):
        beside.changed.connect(lambda: window.status.whisper(_beside(warmer, forecaster)))
    warmer.changed.connect(forecaster.renew)
    if not quit_after_paint:
        window.painted.connect(warmer.start)
        window.painted.connect(forecaster.start)
    window.show()
    code = application.exec()
    warmer.stop()
    forecaster.stop()
    sys.excepthook = sys.__excepthook__
    faulthandler.disable()
    if crashes is not None:
        crashes.close()
    return code


class Hook:
    """An error nobody caught: into the log and onto a bar of the window; the work stays open."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._telling = False

    def __call__(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        log.error("".join(traceback.format_exception(kind, error, trace)))
        if self._telling:  # telling it failed as well: the log has both
            return
        self._telling = True
        try:
            text = f"Something went wrong in Netloom: {kind.__name__}: {error}. Your work is kept."
            self._window.say(text, "error", [("Save", self._window.files.save)])
        finally:
            self._telling = False


def _beside(warmer: Warmer, forecaster: Forecaster) -> str:
    """What goes on beside the work."""
    if warmer.busy:
        return COMPILING
    return MEASURING if forecaster.measuring else ""


def _log() -> IO[str] | None:
    """Write errors, crashes of Qt too, to a file; without a place for it, to stderr."""
    folder = Path(platformdirs.user_log_dir("netloom", appauthor=False))
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    crashes: IO[str] | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        crashes = (folder / LOG).open("a", encoding="utf-8")
        handlers.append(logging.StreamHandler(crashes))
    except OSError:
        pass
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", handlers=handlers
    )
    faulthandler.enable(crashes or sys.stderr)
    return crashes


def _report(application: QApplication) -> None:
    sys.stdout.write(f"{_age():.3f}\n")
    sys.stdout.flush()
    QTimer.singleShot(0, application.quit)


def _age() -> float:
    """Seconds since this process began, by the system's own record where it has one (to 10 ms)."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        up = float(Path("/proc/uptime").read_text().split()[0])
        return up - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.process_time()  # without the waiting
