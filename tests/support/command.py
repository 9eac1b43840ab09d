"""The real command line in a process of its own, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEVICE = ("--device", "cpu")
SLOW = ("--device", "reference")  # slow enough to be interrupted and watched
TIMEOUT = 120


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of stdout as one JSON value."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every line of stdout as a JSON value."""
        return [json.loads(line) for line in self.out.splitlines()]

    def ok(self) -> Done:
        """Itself, when the command did what was asked for."""
        assert self.code == 0, self.err
        return self


def command(*arguments: object) -> list[str]:
    """The words that start `netloom` from this checkout."""
    return [sys.executable, "-m", "netloom", *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment with the checkout importable and no display."""
    displays = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    kept = {name: value for name, value in os.environ.items() if name not in displays}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"} | changes


def netloom(*arguments: object, cwd: Path | None = None, **changes: str) -> Done:
    """Run a command to its end."""
    done = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def train(*arguments: object, workspace: Path) -> list[dict[str, Any]]:
    """The events of a training, its last one with the run and the metrics."""
    words: Sequence[object] = ("train", *DEVICE, *arguments, "--json", "--workspace", workspace)
    return netloom(*words).ok().events
