"""Kernels compiled while people still look around, so that a first run need not wait for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Warmer:
    """A process of low priority, and the compilers it starts; it ends when nothing is missing."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def busy(self) -> bool:
        """Whether it still runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Begin. Without a way to start processes, runs compile what they need themselves."""
        quiet = subprocess.DEVNULL
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "compute.cpu.warm"],
                env={**os.environ, "PYTHONPATH": path},
                stdin=quiet,
                stdout=quiet,
                stderr=quiet,
                start_new_session=True,  # so that its compilers end with it
            )
        except OSError:
            self._process = None

    def stop(self) -> None:
        """End it and its compilers: a run that begins needs the cores. Kernels made stay."""
        if self._process is not None and self.busy:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()
