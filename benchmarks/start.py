"""From nothing to a painted window: `python benchmarks/start.py [--runs 5] [--run] [FILE…]`.

Each run is a process of its own on an X server of its own, timed from before its start to the line
it prints after the first paint. What is Netloom's own is the rest over a bare PySide6 window, which
is timed by turns with it. With `--run` the command is `./run`, its set-up done before. CPU time is
that of the process until then: others that use the machine do not lengthen it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.screen import ROOT, Screen, environment, missing

GATE, OWN = 2.0, 1.0  # seconds: painted, and Netloom's share of it
BARE = """
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
class Window(QMainWindow):
    def paintEvent(self, event):
        QTimer.singleShot(0, lambda: (print(flush=True), application.quit()))
application = QApplication([])
window = Window()
window.resize(1600, 1000)
window.show()
application.exec()
"""


def seconds(command: Sequence[str], where: Mapping[str, str]) -> tuple[float, float]:
    """Start a process and wait for its first line: wall-clock and CPU seconds."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, env=where, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        took, used = time.perf_counter() - began, cpu_seconds(process.pid)
    if not line or process.returncode:
        sys.exit(f"{' '.join(command)}: ended with {process.returncode} before it was painted")
    return took, used


def cpu_seconds(process: int) -> float:
    """CPU seconds of a process and of those it has waited for, by the system's record."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--run", action="store_true", help="time ./run")
    parser.add_argument("files", nargs="*", help="files to open")
    chosen = parser.parse_args()
    if lacking := missing():
        sys.exit(f"{lacking} missing: apt-get install xvfb xdotool")
    command = [str(ROOT / "run")] if chosen.run else [sys.executable, "-m", "netloom"]
    files = [str(Path(name).resolve()) for name in chosen.files]
    with tempfile.TemporaryDirectory() as folder:
        screen = Screen(Path(folder))
        where = {**environment(screen.display, Path(folder) / "home")}
        where.pop("PYTHONDONTWRITEBYTECODE", None)  # a second start finds compiled modules
        where["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "modules")
        try:
            report([*command, *files, "--quit-after-paint"], where, chosen.runs)
        finally:
            screen.close()


def report(command: Sequence[str], where: Mapping[str, str], runs: int) -> None:
    """Time the command and a bare window by turns, one unmeasured time first."""
    bare = [sys.executable, "-c", BARE]
    seconds(command, where)
    seconds(bare, where)
    ours, bares = [], []
    for _ in range(runs):
        ours.append(seconds(command, where))
        bares.append(seconds(bare, where))
    middles = []
    for title, found in (("painted", ours), ("bare PySide6 window", bares)):
        wall, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        middles.append((wall, cpu))
        each = "  ".join(f"{value:.2f}" for value, _ in found)
        print(f"{title:>20}  median {wall:.2f} s, CPU {cpu:.2f} s   of {each}")
    (wall, cpu), (bare_wall, bare_cpu) = middles
    good = wall < GATE and wall - bare_wall < OWN
    share = f"{wall - bare_wall:.2f} s, CPU {cpu - bare_cpu:.2f} s"
    print(f"{'own share':>20}  {share}   {'ok' if good else 'missed'} ({GATE:g} s, {OWN:g} s)")
    sys.exit(not good)


if __name__ == "__main__":
    main()
