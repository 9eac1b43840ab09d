"""Processes that train, taken in turns: all but one stand still, so each is measured beside the
others however the speed of the machine moves meanwhile. Where signals can stop a process, only.
"""

from __future__ import annotations

import mmap
import signal
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

TURN, SETTLE = 2.0, 0.4  # s that count, and before them for caches and timers
PATIENCE = 120.0  # s until the first step


class Counter:
    """A number that one process writes and another reads."""

    def __init__(self, file: Path) -> None:
        with open(file, "r+b") as opened:
            self._room = mmap.mmap(opened.fileno(), 8)

    def write(self, steps: int) -> None:
        """This many steps are done."""
        self._room[:8] = struct.pack("q", steps)

    def read(self) -> int:
        """How many steps are done."""
        found: int = struct.unpack("q", self._room[:8])[0]
        return found


class Runner:
    """A process that trains and counts its steps; it stands still outside its turns."""

    def __init__(self, command: Sequence[str], file: Path, warm: float) -> None:
        file.write_bytes(bytes(8))
        self._counter = Counter(file)
        self._process = subprocess.Popen([*command, str(file)], stdout=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while not self._counter.read():
            if self._process.poll() is not None or time.monotonic() > end:
                self.end()
                raise RuntimeError(f"{' '.join(command)}: no step was done")
            time.sleep(0.05)
        time.sleep(warm)
        self._process.send_signal(signal.SIGSTOP)

    def turn(self) -> float:
        """Steps a second of one turn."""
        self._process.send_signal(signal.SIGCONT)
        time.sleep(SETTLE)
        before, start = self._counter.read(), time.perf_counter()
        time.sleep(TURN)
        done, passed = self._counter.read() - before, time.perf_counter() - start
        self._process.send_signal(signal.SIGSTOP)
        return done / passed

    def end(self) -> None:
        """Kill it: it keeps nothing."""
        self._process.kill()
        self._process.wait()


def in_turns(
    command: Callable[[str], Sequence[str]], names: Sequence[str], seconds: float, warm: float
) -> Mapping[str, list[float]]:
    """Steps a second of each turn, by name; `command` gets the name, and a file to count in."""
    found: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ending:
        runners = {}
        for name in names:
            runner = Runner(command(name), Path(folder) / name.replace(" ", "-"), warm)
            ending.callback(runner.end)
            runners[name] = runner
        for _ in range(max(3, round(seconds / TURN))):
            for name, runner in runners.items():
                found[name].append(runner.turn())
    return found


def slower(than: Sequence[float], found: Sequence[float]) -> float:
    """By how many percent the turns beside each other are slower: the median."""
    return 100 * (statistics.median(a / b for a, b in zip(than, found, strict=True)) - 1)
