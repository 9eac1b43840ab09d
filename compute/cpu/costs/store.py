"""The calibration of this machine: where it is kept, and measuring it in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from compute.children import environment
from compute.cpu.cache import Cache, cache_root
from compute.cpu.costs.rates import Calibration, read, write
from compute.cpu.engine import cores
from compute.cpu.variants import Variant, native

MOST_LOAD = 0.5  # of each core: beyond it others are at work
LEAST_SHARE = 0.8  # of the processor's time, below which others have disturbed the measuring
MOST_TRIES = 3
Report = Callable[[int, int, str], None]


class CalibrationError(RuntimeError):
    """The machine could not be measured."""


@cache
def _sources() -> str:
    """Digest of all that decides how fast a plan is, and how it is counted."""
    folder = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def place(variant: Variant) -> Path:
    """The file of this machine, these kernels and this program."""
    parts = (Cache(variant).folder.name, platform.node(), str(cores()), _sources())
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
    return cache_root() / "calibration" / f"{variant.name}-{name}.json"


def known(variant: Variant) -> Calibration | None:
    """What was measured before, or None; only 32-bit kernels are measured."""
    return read(place(variant)) if variant == native() else None


def system_load() -> float:
    """Threads that wanted a core in the last minute; 0 where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def disturbed(known: Calibration) -> bool:
    """Whether measuring again would tell more: others were at work, and are no longer."""
    was = min(known.share.values(), default=1.0) < LEAST_SHARE and known.tries < MOST_TRIES
    return was and system_load() <= MOST_LOAD * cores()


def steadier(before: Calibration, now: Calibration) -> Calibration:
    """Which of two is kept: the one that was disturbed less, with all tries counted."""
    best = max((now, before), key=lambda each: min(each.share.values(), default=0.0))
    return replace(best, tries=before.tries + 1)


def measure(report: Report, before: Calibration | None = None) -> Calibration:
    """Measure this machine now and keep it, or what was found `before` if that was disturbed less;
    `report` is called in this thread.

    Raises CalibrationError.
    """
    file = place(native())
    module = "compute.cpu.costs.measure"
    words = [sys.executable, "-m", module, "--threads", str(cores()), "--file", str(file)]
    with subprocess.Popen(
        words,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            told = json.loads(line)
            report(told["done"], told["total"], told["what"])
        errors = process.stderr.read().strip().splitlines()
    found = read(file)
    if process.returncode or found is None:
        why = errors[-1] if errors else f"exit status {process.returncode}"
        raise CalibrationError(f"measuring this machine failed: {why}")
    if before is None:
        return found
    kept = steadier(before, found)
    write(file, kept)
    return kept
