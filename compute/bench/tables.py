"""What `netloom bench` measured, as Markdown: with the machine, the versions and the date."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from compute.bench.report import BenchOptions, BenchRow, best, family
from compute.bench.worker import OURS, TOGETHER

MISSING = "–"
AGREED = 1e-2  # relative difference of the first losses beyond which two sides train other nets


def markdown(rows: Sequence[BenchRow], options: BenchOptions) -> str:
    """The machine, the table, and the controls and every variant where they were asked for."""
    parts = [f"{machine()}; {options.threads} threads; {datetime.now(UTC):%Y-%m-%d}."]
    parts.append("\n".join(_main(rows)))
    if any(row.controls for row in rows):
        parts.append("\n".join(_controls(rows)))
    parts.append("\n".join(_variants(rows)))
    notes = list(_notes(rows))
    return "\n\n".join(parts + (["\n".join(notes)] if notes else [])) + "\n"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]], left: int = 1) -> list[str]:
    """A Markdown table whose first columns are text and the rest numbers."""
    rule = ["---"] * left + ["--:"] * (len(head) - left)
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def _main(rows: Sequence[BenchRow]) -> list[str]:
    head = ["net", "ours", "PyTorch, best variant", "× best", "quartiles", "gate", "× eager"]
    head += ["JAX, best variant", "× JAX", "memory ours / PyTorch"]
    return _table(head, (_line(row) for row in rows))


def _line(row: BenchRow) -> list[str]:
    seconds, found = row.main["seconds"], best(row.main)
    cells = [row.name, _time(seconds[OURS])]
    if found is None:
        cells += [MISSING] * 3
    else:
        name, (median, low, high) = found
        cells += [f"{name}, {_time(seconds[name])}", f"{median:.2f}", f"{low:.2f}–{high:.2f}"]
    eager = row.main["ratios"].get("eager")
    cells += [_gate(row), MISSING if eager is None else f"{eager[0]:.2f}"]
    cells += _jax(row)
    memory = (row.memory[side] / 2**20 for side in ("netloom", "pytorch"))
    return [*cells, " / ".join(f"{size:.0f}" for size in memory) + " MiB"]


def _gate(row: BenchRow) -> str:
    found = best(row.main)
    if row.gate is None or found is None:
        return MISSING
    return f"≥ {row.gate:.1f} {'kept' if found[1][0] >= row.gate else 'missed'}"


def _jax(row: BenchRow) -> list[str]:
    found = best(row.main, "JAX")
    if found is not None:
        name, ratio = found
        short = name.removeprefix("JAX, ")
        return [f"{short}, {_time(row.main['seconds'][name])}", f"{ratio[0]:.2f}"]
    failed = any(family(name) == "JAX" for name in row.main["failed"])
    return ["failed" if failed or _version("jax") else "not installed", MISSING]


def _controls(rows: Sequence[BenchRow]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row.controls))
    head = ["× best of PyTorch / × JAX", "as it is", *names]

    def cell(figures: object) -> str:
        both = [best(figures, side) for side in ("PyTorch", "JAX")]  # type: ignore[arg-type]
        return " / ".join(MISSING if one is None else f"{one[1][0]:.2f}" for one in both)

    def cells() -> Iterator[Sequence[str]]:
        for row in rows:
            found = (cell(row.controls[n]) if n in row.controls else MISSING for n in names)
            yield [row.name, cell(row.main), *found]

    return _table(head, cells())


def _variants(rows: Sequence[BenchRow]) -> list[str]:
    def cells() -> Iterator[Sequence[str]]:
        for row in rows:
            for name, seconds in row.main["seconds"].items():
                ratio = row.main["ratios"].get(name)
                text = MISSING if ratio is None else f"{ratio[0]:.2f}"
                yield [row.name, name, _time(seconds), text, f"{row.main['first'][name]:.1f} s"]

    return _table(["net", "variant", "time", "× ours", "first call"], cells(), left=2)


def _notes(rows: Sequence[BenchRow]) -> Iterator[str]:
    """What a reader must know of the figures: what failed, differs, or was disturbed."""
    for row in rows:
        for name, reason in row.main["failed"].items():
            yield f"- {row.name}: {name} did not run: {reason}"
        for side, difference in row.main["differences"].items():
            if not difference <= AGREED:
                yield f"- {row.name}: the numbers of {side} differ from ours by {difference:.2g}"
        if row.main["quiet"] < 5:
            quiet, rounds = row.main["quiet"], row.main["rounds"]
            yield f"- {row.name}: {quiet} of {rounds} rounds were quiet, so all of them count"
        if TOGETHER in row.main["seconds"]:
            together = _time(row.main["seconds"][TOGETHER])
            yield f"- {row.name}: a call a sample; {together} each where one call is given many"


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def machine() -> str:
    """Processor, versions: what a figure needs beside it."""
    names = ("torch", "jax", "numba", "numpy")
    versions = ", ".join(f"{name} {_version(name) or 'not installed'}" for name in names)
    cores = os.cpu_count()
    return f"{_processor()}, {cores} cores; Python {platform.python_version()}, {versions}"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    """The installed version; empty without the package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
