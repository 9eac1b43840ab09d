"""`netloom bench`: every net in processes of its own, and the honest controls beside.

A ratio is a rival's time ÷ ours from the same rounds. The controls run the same comparison with
instruction sets held equal, with PyTorch's memory allocation tuned, and on one thread.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from compute.bench import jax_rival
from compute.bench.workloads import INFERENCES, WORKLOADS
from compute.cpu.variants import available

Notice = Callable[[str], None]
Figures = Mapping[str, Any]  # what a worker printed

AVX2 = {
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}
# large blocks come from the heap and stay in it, so no step pays for fresh pages
TUNED = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "MALLOC_TOP_PAD_": str(1 << 26),
}


@dataclass(frozen=True)
class Control:
    """The comparison once more under other conditions."""

    name: str
    vector: str | None = None
    one_thread: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def controls() -> list[Control]:
    """Those that mean something on this machine."""
    found = [Control("one thread", one_thread=True)]
    names = {variant.name for variant in available()}
    if "f32x16" in names:
        found += [
            Control("ours AVX2", "f32x8"),
            Control("all AVX2", "f32x8", environment=AVX2),
            Control("MKL AVX2", environment={"MKL_ENABLE_INSTRUCTIONS": "AVX2"}),  # as on AMD
            Control("MKL AVX-512", environment={"MKL_ENABLE_INSTRUCTIONS": "AVX512"}),
        ]
    if platform.libc_ver()[0] == "glibc":
        found.append(Control("malloc tuned", environment=TUNED))
    return found


@dataclass(frozen=True)
class BenchOptions:
    """What to measure: threads on both sides, rounds, and whether to include the slow parts.

    `limit` bounds the seconds that a rival may take to compile, `patience` those that a comparison
    waits for rounds in which the machine is quiet.
    """

    threads: int = 2
    rounds: int = 11
    compile: bool = True
    controls: bool = True
    jax: bool = True
    limit: float = 120.0
    patience: float = 90.0


@dataclass(frozen=True)
class BenchRow:
    """One net's figures as its workers printed them."""

    name: str
    gate: float | None
    main: Figures
    controls: Mapping[str, Figures]
    memory: Mapping[str, int]


def family(contender: str) -> str:
    """`netloom`, `JAX` or `PyTorch`."""
    return next((name for name in ("netloom", "JAX") if contender.startswith(name)), "PyTorch")


def best(figures: Figures, side: str = "PyTorch") -> tuple[str, list[float]] | None:
    """The fastest variant of a side, and its time ÷ ours: median and quartiles."""
    rivals = {n: r for n, r in figures["ratios"].items() if family(n) == side}
    if not rivals:
        return None
    name = min(rivals, key=lambda n: rivals[n][0])
    return name, rivals[name]


def measure(name: str, options: BenchOptions, notice: Notice) -> BenchRow:
    """Measure one net; `notice` hears what is being done. Raises RuntimeError when that fails."""
    known = INFERENCES.get(name) or WORKLOADS[name]
    shared = ["--rounds", str(options.rounds), "--limit", str(options.limit)]
    shared += ["--patience", str(options.patience)]
    if options.jax and jax_rival.installed():
        shared.append("--jax")
    threads = ["--threads", str(options.threads)]

    def hear(part: str) -> Notice:
        return lambda text: notice(f"{name}, {part}: {text}")

    compiled = ["--compile"] if options.compile else []
    main = _worker(name, [*shared, *threads, *compiled], {}, hear(known.describe))
    memory = {}
    for side in ("netloom", "pytorch"):
        words = [*threads, "--memory", side]
        memory[side] = int(_worker(name, words, {}, hear("memory"))["peak_bytes"])
    found: dict[str, Figures] = {}
    for control in controls() if options.controls else []:
        words = [*shared, "--threads", "1"] if control.one_thread else [*shared, *threads]
        words += ["--vector", control.vector] if control.vector else []
        found[control.name] = _worker(name, words, control.environment, hear(control.name))
    return BenchRow(name, known.gate, main, found, memory)


def _worker(
    name: str, arguments: list[str], environment: Mapping[str, str], notice: Notice
) -> Figures:
    """The figures that a worker prints; what it says meanwhile is handed on."""
    command = [sys.executable, "-W", "ignore", "-m", "compute.bench.worker", name, *arguments]
    said: list[str] = []
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        with subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith("@"):
                    notice(line[1:].strip())
                elif line.strip():
                    said.append(line.strip())
        output.seek(0)
        printed = output.read().strip().splitlines()
    if process.returncode or not printed:
        last = said[-1] if said else f"exit code {process.returncode}"
        raise RuntimeError(f"measuring {name} failed: {last}")
    result: Figures = json.loads(printed[-1])
    return result
