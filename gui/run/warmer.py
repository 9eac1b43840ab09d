"""Kernels compiled while nothing is trained, so that no run need wait for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from PySide6.QtCore import QObject, QTimer, Signal

from compute.children import environment
from gui.run.trainer import Trainer

QUIET = 500  # ms of rest, after the first paint or a run, before it begins
LOOK = 1000  # ms between two looks at whether it has ended


class Warmer(QObject):
    """A process of low priority, and the compilers it starts; it ends when nothing is missing.

    It gives way to every run and goes on after it. `changed`: it began or ended.
    """

    changed = Signal()

    def __init__(self, trainer: Trainer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._trainer = trainer
        self._process: subprocess.Popen[bytes] | None = None
        self._done = False  # there is nothing left to do, or no way to do it
        self._rest = QTimer(self, singleShot=True, interval=QUIET)
        self._rest.timeout.connect(self._begin)
        self._looks = QTimer(self, interval=LOOK)
        self._looks.timeout.connect(self._look)

    @property
    def busy(self) -> bool:
        """Whether it still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def complete(self) -> bool:
        """Whether it has ended because there is nothing left to do."""
        return self._done

    def start(self) -> None:
        """Begin after a rest, and again after each run until all kernels are there."""
        self._trainer.changed.connect(self._run_changed)
        self._run_changed()

    def stop(self) -> None:
        """End it and its compilers: a run that begins needs the cores. Kernels made stay."""
        self._rest.stop()
        self._looks.stop()
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            self.changed.emit()

    def _run_changed(self) -> None:
        if self._trainer.board.active:
            self.stop()
        elif not (self._done or self.busy):
            self._rest.start()

    def _begin(self) -> None:
        """Without a way to start processes, runs compile what they need themselves."""
        quiet = subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "compute.cpu.warm"],
                env=environment(),
                stdin=quiet,
                stdout=quiet,
                stderr=quiet,
                start_new_session=True,  # so that its compilers end with it
            )
        except OSError:
            self._done = True
            return
        self._looks.start()
        self.changed.emit()

    def _look(self) -> None:
        if not self.busy:
            self._done = True  # also when it failed: the run that needs a kernel will say why
            self.stop()
