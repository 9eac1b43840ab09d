"""Whether a long run makes the window grow.

    python benchmarks/memory.py [--minutes 10] [--example digits-mlp] [--limit 1.0]

The real window with five docks in sight trains at full speed. Every half minute the resident memory
of the process is printed; at the end its slope over the last half of the time, by least squares.
The exit code is 1 when that is above the limit (MB a minute). Nothing else needs to be idle.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PySide6.QtWidgets import QApplication

from benchmarks.real_window import Window, wait
from compute.prepare import TrainOptions
from gui import fonts, style
from gui.look import Look
from resources import example_path

PERIOD = 30.0  # seconds between two lines
SAMPLE = 2.0  # seconds between two samples


def resident() -> float:
    """MB of this process that lie in memory."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def slope(samples: list[tuple[float, float]]) -> float:
    """MB a minute over the last half of (seconds, MB)."""
    half = [sample for sample in samples if sample[0] >= samples[-1][0] / 2]
    seconds, megabytes = np.array(half).T
    return float(np.polyfit(seconds / 60, megabytes, 1)[0])


def measure(example: str, minutes: float, options: TrainOptions) -> list[tuple[float, float]]:
    """Train for so long; (seconds, MB) from the first step on."""
    window = Window(example, options, docks=True, repaint=False)
    window.run()
    start = said = time.perf_counter()
    samples: list[tuple[float, float]] = []
    while (passed := time.perf_counter() - start) < 60 * minutes:
        window.news.ticks.clear()  # grows by itself
        samples.append((passed, resident()))
        if time.perf_counter() >= said:
            board = window.trainer.board
            assert board.state == "running", board.message
            line = f"{passed:6.0f} s  {samples[-1][1]:8.1f} MB"
            print(f"{line}  epoch {board.epoch:,}, step {board.step:,}", flush=True)
            said += PERIOD
        wait(SAMPLE)
    window.close()
    return samples


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--example", default="digits-mlp")
    parser.add_argument("--limit", type=float, default=1.0, help="MB a minute")
    given = parser.parse_args()
    application = QApplication(sys.argv[:1])
    fonts.load()
    style.apply(application, Look("dark").theme)
    with tempfile.TemporaryDirectory() as workspace:
        folder = example_path(given.example).parent
        options = TrainOptions(workspace=Path(workspace), folder=folder)
        samples = measure(given.example, given.minutes, options)
    found = slope(samples)
    print(f"slope over the last half: {found:+.2f} MB a minute, limit {given.limit:g}")
    return 0 if found <= given.limit else 1


if __name__ == "__main__":
    sys.exit(main())
