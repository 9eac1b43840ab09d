"""Measurements in parts: each part is a process of its own, and a table says which gates are kept.

A part gives figures by name. Those that have a gate decide the exit code, the others are shown.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QApplication

from gui import fonts, style
from gui.look import Look

Found = dict[str, list[float]]
CPU = "    CPU time, "  # before the name of a figure: the CPU time of the same


@dataclass(frozen=True)
class Gate:
    """What a figure must be: at most `limit` in the worst run, or at `least` that, or the `median`
    of the runs.
    """

    limit: float
    least: bool = False
    median: bool = False

    def judged(self, values: Sequence[float]) -> float:
        """The one figure of several runs that counts."""
        if self.median:
            return statistics.median(values)
        return min(values) if self.least else max(values)

    def keeps(self, value: float) -> bool:
        """Whether a figure is within the gate."""
        return value >= self.limit if self.least else value <= self.limit


def dressed(application: QApplication) -> QApplication:
    """The application with Netloom's fonts and style, as `./run` makes it."""
    fonts.load()
    style.apply(application, Look("dark").theme)
    return application


def arguments(document: str | None, parts: Sequence[str], runs: int = 5) -> argparse.ArgumentParser:
    """What every measurement can be told: `--only`, `--runs`, and by itself `--child`."""
    parser = argparse.ArgumentParser(description=(document or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--only", choices=parts, nargs="+", default=parts)
    parser.add_argument("--child", choices=parts, help=argparse.SUPPRESS)
    return parser


def in_processes(file: str, given: argparse.Namespace, words: Sequence[str] = ()) -> Found:
    """Every part `--only` names, `--runs` times, each in a process of its own."""
    found: Found = {}
    for part in given.only:
        for run in range(given.runs):
            print(f"{part}, run {run + 1} of {given.runs}", flush=True)
            command = [sys.executable, file, "--child", part, *words]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            for name, value in json.loads(done.stdout.splitlines()[-1]).items():
                found.setdefault(name, []).append(value)
    return found


def hand_over(figures: Mapping[str, float]) -> int:
    """In the process of a part: give its figures to the one that waits. The exit code."""
    print(json.dumps(figures))
    return 0


def say(line: str) -> None:
    """A line between the figures."""
    sys.stderr.write(f"    {line}\n")
    sys.stderr.flush()


def table(found: Found, gates: Mapping[str, Gate]) -> bool:
    """Print all figures; whether all gates are kept."""
    kept = True
    wide = max(42, *map(len, found)) + 2
    print(f"\n{'':<{wide}}{'limit':>7}{'found':>9}   runs")
    for name, values in found.items():
        runs = " ".join(f"{value:.1f}" for value in values)
        gate = gates.get(name)
        if gate is None:
            print(f"{name:<{wide}}{'':>7}{max(values):>9.1f}   {runs}")
            continue
        value = gate.judged(values)
        kept = kept and gate.keeps(value)
        mark = "" if gate.keeps(value) else "  missed"
        if mark and CPU + name in found and gate.keeps(gate.judged(found[CPU + name])):
            mark += ", its CPU time is not"
        sign = "≥" if gate.least else "≤"
        print(f"{name:<{wide}}{sign}{gate.limit:>6.0f}{value:>9.1f}   {runs}{mark}")
    return kept
