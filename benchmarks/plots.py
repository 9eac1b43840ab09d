"""Our plot beside pyqtgraph: `python benchmarks/plots.py`.

Paired: how long the import keeps the window's thread, and the CPU time
of one repaint of six lines of 2,000 points that have grown since the last.
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
from PySide6.QtWidgets import QApplication  # noqa: E402

LINES, POINTS, ROUNDS = 6, 2000, 60
SIZE = 340, 200
STARTED = "import time, numpy, PySide6.QtWidgets; t = time.thread_time(); "


def main() -> None:
    """Print both comparisons."""
    for name, module in (("pyqtgraph", "pyqtgraph"), ("own plot", "gui.docks.plot")):
        seconds = statistics.median(import_seconds(module) for _ in range(5))
        print(f"import   {name:10} {seconds * 1e3:7.1f} ms")
    application = QApplication([])
    painters = {"pyqtgraph": theirs(), "own plot": ours()}
    times: dict[str, list[float]] = {name: [] for name in painters}
    noise = np.random.default_rng(0).normal(0, 0.2, (ROUNDS, LINES, POINTS))
    base = np.exp(-np.arange(POINTS) / 400)
    for values in base * np.exp(noise):
        for name, paint in painters.items():
            clock = time.thread_time()
            paint(values)
            times[name].append(time.thread_time() - clock)
    for name, found in times.items():
        p50, p95 = np.percentile(found, [50, 95])
        print(f"repaint  {name:10} {p50 * 1e3:7.2f} ms   p95 {p95 * 1e3:.2f}")
    application.quit()


def import_seconds(module: str) -> float:
    """CPU seconds of an import beside NumPy and Qt, in a process of its own."""
    text = f"{STARTED}import {module}; print(time.thread_time() - t)"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def theirs() -> Callable[[np.ndarray], None]:
    """Lines of pyqtgraph as its users are told to make them fast: width 1, no auto-range."""
    import pyqtgraph as pg

    widget = pg.PlotWidget()
    widget.resize(*SIZE)
    widget.setYRange(0, 2)
    widget.setXRange(0, POINTS)
    x = np.arange(POINTS, dtype=np.float64)
    curves = [pg.PlotCurveItem(pen=pg.mkPen(k, width=1)) for k in range(LINES)]
    for curve in curves:
        widget.addItem(curve)
    widget.show()

    def paint(values: np.ndarray) -> None:
        for curve, own in zip(curves, values, strict=True):
            curve.setData(x, own, skipFiniteCheck=True)
        widget.grab()

    return paint


def ours() -> Callable[[np.ndarray], None]:
    """The plot of the docks."""
    from gui.docks.plot import Plot
    from gui.docks.plot_lines import Line, Pyramid
    from gui.look import Look

    look = Look("dark")
    plot = Plot(look, "Losses")
    plot.resize(*SIZE)
    plot.show()

    def paint(values: np.ndarray) -> None:
        lines = []
        for number, own in enumerate(values):
            shape = Pyramid()
            shape.extend(own)
            lines.append(Line(str(number), look.theme.runs[number], shape))
        plot.show_lines(lines, POINTS)
        plot.grab()

    return paint


if __name__ == "__main__":
    main()
