"""`netloom bench` as people read it: a table of paired medians, with the honest controls beside.

Every ratio is PyTorch's time ÷ ours from the same rounds. The rival of the headline is PyTorch's
best variant on this machine; the default variant, our portable AVX2 kernels and MKL held to AVX-512
stand beside it.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compute.bench.workloads import WORKLOADS

Notice = Callable[[str], None]


@dataclass(frozen=True)
class BenchOptions:
    """What to measure: threads on both sides, rounds, and whether to include the slow controls."""

    threads: int = 2
    rounds: int = 11
    compile: bool = True
    controls: bool = True


@dataclass(frozen=True)
class BenchRow:
    """One workload's figures as the worker printed them."""

    name: str
    main: Mapping[str, Any]
    controls: Mapping[str, Mapping[str, Any]]
    memory: Mapping[str, int]

    def best(self) -> tuple[str, list[float]]:
        """PyTorch's fastest variant and (median, quartiles) of its time ÷ ours."""
        rivals = {n: r for n, r in self.main["ratios"].items() if not n.startswith("netloom")}
        name = min(rivals, key=lambda n: rivals[n][0])
        return name, rivals[name]


def bench(names: Iterable[str], options: BenchOptions, notice: Notice) -> list[BenchRow]:
    """Measure the workloads one after the other; `notice` hears what is being measured."""
    return [_measure(name, options, notice) for name in names]


def _measure(name: str, options: BenchOptions, notice: Notice) -> BenchRow:
    arguments = ["--threads", str(options.threads), "--rounds", str(options.rounds)]
    notice(f"{name}: {WORKLOADS[name].describe}")
    main = _worker(name, [*arguments, *(["--compile"] if options.compile else [])])
    memory = {}
    for side in ("netloom", "pytorch"):
        memory[side] = int(_worker(name, [*arguments, "--memory", side])["peak_bytes"])
    controls: dict[str, Mapping[str, Any]] = {}
    if options.controls:
        notice(f"{name}: controls")
        controls["netloom AVX2"] = _worker(name, [*arguments, "--vector", "f32x8"])
        controls["MKL AVX-512"] = _worker(name, arguments, MKL_ENABLE_INSTRUCTIONS="AVX512")
    return BenchRow(name, main, controls, memory)


def _worker(name: str, arguments: list[str], **environment: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "compute.bench.worker", name, *arguments]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"measuring {name} failed: {last}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def markdown(rows: Iterable[BenchRow], options: BenchOptions) -> str:
    """The table with machine, versions and date."""
    lines = [
        f"{machine()}; {options.threads} threads; {datetime.now(UTC):%Y-%m-%d}.",
        "",
        "| net | ours | PyTorch, best variant | × best | quartiles | × eager | × best, ours AVX2 "
        "| × best, MKL AVX-512 | memory ours / PyTorch |",
        "|---|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [_line(row) for row in rows]
    return "\n".join(lines) + "\n"


def _line(row: BenchRow) -> str:
    name, (median, low, high) = row.best()
    seconds = row.main["seconds"]
    cells = [
        row.name,
        _time(seconds["netloom"]),
        f"{name}, {_time(seconds[name])}",
        f"{median:.2f}",
        f"{low:.2f}–{high:.2f}",
        f"{row.main['ratios']['eager'][0]:.2f}",
        *(_control(row, control) for control in ("netloom AVX2", "MKL AVX-512")),
        f"{row.memory['netloom'] / 2**20:.0f} / {row.memory['pytorch'] / 2**20:.0f} MiB",
    ]
    return "| " + " | ".join(cells) + " |"


def _control(row: BenchRow, name: str) -> str:
    if name not in row.controls:
        return "–"
    figures = row.controls[name]
    return f"{min(r[0] for n, r in figures['ratios'].items() if not n.startswith('netloom')):.2f}"


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def machine() -> str:
    """Processor, versions: what a figure needs beside it."""
    names = ("torch", "numba", "numpy")
    versions = ", ".join(f"{name} {_version(name)}" for name in names)
    return f"{_processor()}; Python {platform.python_version()}, {versions}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
